/* directory.c: the directory object and its metadata. */
#include "acme/directory.h"

#include <stdlib.h>

#include "acme/url.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "json/json.h"

enum { MAX_PROFILES = 64, MAX_IDENTITIES = 64 };

void acme_directory_done(struct acme_directory *d)
{
	free(d->new_nonce);
	free(d->new_account);
	free(d->new_order);
	free(d->revoke_cert);
	free(d->key_change);
	free(d->renewal_info);
	free(d->terms_of_service);
	free(d->website);
	strv_done(&d->caa_identities);
	free(d->account_hash_prefix);
	strv_done(&d->issuer_domain_names);
	for (size_t i = 0; i < d->n_profiles; i++) {
		free(d->profiles[i].name);
		free(d->profiles[i].description);
	}
	free(d->profiles);
	*d = (struct acme_directory){0};
}

/* Reads one of the directory's URLs; an absent optional one is "". */
static int read_url(
	const struct json *doc, const char *member, bool required, const char *origin, char **ret, struct err *e)
{
	const char *s;
	if (required ? json_need_str(doc, member, &s, e) : json_opt_str(doc, member, &s, e))
		return -1;
	if (s && acme_url_check(s, origin, member, e))
		return -1;
	*ret = xstrdup(s ? s : "");
	return 0;
}

static int read_urls(const struct json *doc, const char *origin, struct acme_directory *d, struct err *e)
{
	const struct {
		const char *member;
		bool required;
		char **to;
	} urls[] = {
		{"newNonce", true, &d->new_nonce},
		{"newAccount", true, &d->new_account},
		{"newOrder", true, &d->new_order},
		{"revokeCert", false, &d->revoke_cert},
		{"keyChange", false, &d->key_change},
		{"renewalInfo", false, &d->renewal_info},
	};
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (read_url(doc, urls[i].member, urls[i].required, origin, urls[i].to, e))
			return -1;
	return 0;
}

static void add_profile(const char *name, const struct json *v, void *ctx)
{
	struct acme_directory *d = ctx;
	if (d->n_profiles == MAX_PROFILES)
		return;
	const char *text = json_str(v);
	d->profiles = xreallocarray(d->profiles, d->n_profiles + 1, sizeof(*d->profiles));
	d->profiles[d->n_profiles++] = (struct acme_profile){xstrdup(name), xstrdup(text ? text : "")};
}

/* A list that only counts when it is a well-formed list of strings: an ill-formed one is as if it were absent
 * (draft-ietf-acme-dns-persist section 3.2). Returns whether it is there. */
static bool read_lenient(const struct json *meta, const char *member, struct strv *ret)
{
	struct err ignored = {0};
	if (!json_is_array(json_get(meta, member)))
		return false;
	if (!json_opt_strv(meta, member, MAX_IDENTITIES, ret, &ignored))
		return true;
	err_done(&ignored);
	strv_done(ret);
	return false;
}

static int read_meta(const struct json *meta, struct acme_directory *d, struct err *e)
{
	const char *s;
	if (json_opt_str(meta, "termsOfService", &s, e))
		return -1;
	d->terms_of_service = xstrdup(s ? s : "");
	if (json_opt_str(meta, "website", &s, e))
		return -1;
	d->website = xstrdup(s ? s : "");
	if (json_opt_bool(meta, "externalAccountRequired", false, &d->external_account_required, e))
		return -1;
	s = json_str(json_get(meta, "accountHashPrefix"));
	if (s && s[0])
		d->account_hash_prefix = xstrdup(s);
	read_lenient(meta, "caaIdentities", &d->caa_identities);
	d->has_issuer_domain_names = read_lenient(meta, "issuerDomainNames", &d->issuer_domain_names);
	json_each(json_get(meta, "profiles"), add_profile, d);
	return 0;
}

static int read_directory(const struct json *doc, const char *url, struct acme_directory *d, struct err *e)
{
	if (!json_is_object(doc))
		return err_set(e, ERR_PROTO, "the reply is JSON, but not an object");
	if (read_urls(doc, url, d, e))
		return -1;
	const struct json *meta = json_get(doc, "meta");
	if (meta && !json_is_null(meta) && !json_is_object(meta))
		return err_set(e, ERR_PROTO, "member \"meta\" is not an object");
	return read_meta(meta, d, e);
}

int acme_directory_decode(const void *body, size_t n, const char *url, struct acme_directory *ret, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	struct acme_directory d = {0};
	if (json_parse(body, n, "directory", &doc, e) || read_directory(doc, url, &d, e)) {
		acme_directory_done(&d);
		e->kind = ERR_PROTO;
		err_ctx(e, "directory %.300s", url);
		err_hint(e, "is that URL an ACME directory? `perdure ca list` shows those of well-known CAs");
		return -1;
	}
	*ret = d;
	return 0;
}
