/* google_text.c: texts around Google Cloud DNS: a service account's key file, requests for tokens, errors, rights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "provider/google.h"
#include "json/json.h"

enum { CLAIMS_MAX = 16 << 10, NOT_FOUND = 404, CONFLICT = 409, PRECONDITION = 412, LIFE_S = 3600 };

static const char scope[] = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
static const char endpoint[] = "https://oauth2.googleapis.com/token";

/* --- the key file --- */

static int bad_file(const char *path, const char *what, struct err *e)
{
	err_set(e, ERR_CONFIG, "credentials_file: the file %s %s", path, what);
	err_hint(e, "make a key of type JSON for a service account (IAM, Service Accounts, Keys), and give that file");
	return -1;
}

static char *copy_of(const struct json *v, const char *member)
{
	const char *s = json_str(json_get(v, member));
	return s ? xstrdup(s) : NULL;
}

static int take_key(const struct json *v, const char *path, struct google_key *k, struct err *e)
{
	struct err why = {0};
	const char *type = json_str(json_get(v, "type")), *pem = json_str(json_get(v, "private_key"));
	if (!type || strcmp(type, "service_account") != 0)
		return bad_file(path, "does not hold the key of a service account", e);
	k->mail = copy_of(v, "client_email");
	k->id = copy_of(v, "private_key_id");
	k->project = copy_of(v, "project_id");
	k->endpoint = copy_of(v, "token_uri");
	if (!k->endpoint)
		k->endpoint = xstrdup(endpoint);
	if (!k->mail || !pem || key_from_pem(pem, strlen(pem), "private_key", &k->key, &why)) {
		err_done(&why);
		return bad_file(path, "has no client_email or no good private_key", e);
	}
	if (strcmp(jose_alg(k->key), "RS256") != 0)
		return bad_file(path, "has a private_key that is not RSA", e);
	return 0;
}

int google_read_key(const char *path, struct google_key *ret, struct err *e)
{
	struct secret file;
	struct google_key k = {0};
	struct json *v = NULL;
	struct err why = {0};
	if (fs_read_secret(path, &file, e))
		return err_ctx(e, "credentials_file");
	/* What a parser complains of may be a piece of the key: its words stay here. */
	int r = json_parse(file.p, file.n, "credentials_file", &v, &why) ? bad_file(path, "is not JSON", e)
									 : take_key(v, path, &k, e);
	err_done(&why);
	json_free(v);
	secret_done(&file);
	if (r) {
		google_key_done(&k);
		return -1;
	}
	*ret = k;
	return 0;
}

void google_key_done(struct google_key *k)
{
	free(k->mail);
	free(k->id);
	free(k->endpoint);
	free(k->project);
	key_free(k->key);
	*k = (struct google_key){0};
}

int google_assertion(const struct google_key *k, int64_t wall_ms, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf claims = buf_make(CLAIMS_MAX);
	struct json_out j = json_out_make(&claims);
	json_out_object(&j, NULL);
	json_out_str(&j, "iss", k->mail);
	json_out_str(&j, "scope", scope);
	json_out_str(&j, "aud", k->endpoint);
	json_out_int(&j, "iat", wall_ms / 1000);
	json_out_int(&j, "exp", wall_ms / 1000 + LIFE_S);
	json_out_end_object(&j);
	buf_puts(out, "grant_type=");
	rest_escape(out, "urn:ietf:params:oauth:grant-type:jwt-bearer");
	buf_puts(out, "&assertion=");
	return jose_jwt(k->key, k->id, claims.p, claims.n, out, e);
}

/* --- errors --- */

static const char *reason_of(const struct rest_reply *r, const char **ret_words)
{
	const struct json *error = json_get(r->json, "error");
	const char *reason = json_str(json_get(json_at(json_get(error, "errors"), 0), "reason"));
	*ret_words = json_str(json_get(error, "message"));
	return reason ? reason : json_str(json_get(error, "status"));
}

bool google_is_lost(const struct rest_reply *r)
{
	const char *words, *reason = reason_of(r, &words);
	if (r->status == PRECONDITION)
		return true;
	if (!reason || !words)
		return false;
	return (r->status == CONFLICT && !strcmp(reason, "alreadyExists")) ||
	       (r->status == NOT_FOUND && strstr(words, "entity.change.deletions"));
}

void google_blame(const struct rest_reply *r, struct rest_blame *ret)
{
	static const struct rest_known known[] = {
		{"rateLimitExceeded", PROVIDER_RATE, true},
		{"userRateLimitExceeded", PROVIDER_RATE, true},
		{"dailyLimitExceeded", PROVIDER_RATE, false},
		{"quotaExceeded", PROVIDER_SIZE, false},
		{"authError", PROVIDER_KEY, false},
		{"UNAUTHENTICATED", PROVIDER_KEY, false},
		{"forbidden", PROVIDER_POLICY, false},
		{"insufficientPermissions", PROVIDER_POLICY, false},
		{"accessNotConfigured", PROVIDER_POLICY, false},
		{"notFound", PROVIDER_NO_ZONE, false},
		{"cnameResourceRecordSetConflict", PROVIDER_CNAME_THERE, false},
		{"backendError", PROVIDER_BUSY, true},
		{NULL, 0, false},
	};
	const char *words, *reason = reason_of(r, &words);
	rest_blame_by(known, reason, ret);
	if (reason && words)
		snprintf(ret->words, sizeof(ret->words), "%.60s: %.330s", reason, words);
}

/* --- the rights --- */

void google_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	const char *project = config_provider_str(conf, "project");
	const struct strv *ids = config_provider_list(conf, "zone_ids");
	(void)owners; /* see the last paragraph */
	if (!project)
		project = "PROJECT";
	buf_printf(out,
		"Make a role of your own with what changing records takes, and give it to a service account:\n\n"
		"  gcloud iam roles create perdureRecords --project=%s --title=\"perdure records\" \\\n"
		"    --permissions=dns.changes.create,dns.changes.get,dns.managedZones.get,"
		"dns.resourceRecordSets.create,\\\n"
		"dns.resourceRecordSets.delete,dns.resourceRecordSets.list,dns.resourceRecordSets.update\n\n",
		project);
	if (ids->n) {
		buf_puts(out, "Grant it on the zones only: of each, add the account with that role to the zone's "
			      "policy.\n\n");
		for (size_t i = 0; i < ids->n; i++)
			buf_printf(out,
				"  gcloud dns managed-zones get-iam-policy %s --project=%s --format=json >%s.json\n"
				"  gcloud dns managed-zones set-iam-policy %s --project=%s --policy-file=%s.json\n",
				ids->v[i], project, ids->v[i], ids->v[i], project, ids->v[i]);
	} else {
		buf_printf(out,
			"Without zone_ids in the configuration the zones are listed, which takes dns.managedZones.list "
			"on the project:\nadd it to the role, and\n\n"
			"  gcloud projects add-iam-policy-binding %s \\\n"
			"    --member=serviceAccount:NAME@%s.iam.gserviceaccount.com "
			"--role=projects/%s/roles/perdureRecords\n\n"
			"With zone_ids: [NAME, …] the role can be granted on these zones alone.\n",
			project, project, project);
	}
	buf_puts(out,
		"\nThe role does not know names: whoever has it may write every record of the zone. IAM Conditions "
		"can narrow it\nto record sets; a zone of its own for the validation names is the simpler way. Put "
		"the account's JSON key into\ncredentials_file, mode 0600; or run perdure on a machine of Compute "
		"Engine with that account, and say auth: metadata.\n");
}
