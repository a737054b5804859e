/* faults.c: the table of faults, and the rules in force. */
#include "testca/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "json/json.h"

enum { BEYOND_MAX = 10000 };

#define ON(ep) (1U << (ep))
enum {
	POSTS = ON(EP_NEW_ACCOUNT) | ON(EP_ACCOUNT) | ON(EP_ORDERS) | ON(EP_KEY_CHANGE) | ON(EP_NEW_ORDER) |
		ON(EP_ORDER) | ON(EP_AUTHZ) | ON(EP_CHALLENGE) | ON(EP_FINALIZE) | ON(EP_CERTIFICATE) |
		ON(EP_REVOKE_CERT),
	ANY = POSTS | ON(EP_DIRECTORY) | ON(EP_NEW_NONCE) | ON(EP_RENEWAL_INFO) | ON(EP_TERMS) | ON(EP_OTHER),
	ORDERS = ON(EP_NEW_ORDER) | ON(EP_ORDER) | ON(EP_FINALIZE),
	CHALLENGES = ON(EP_AUTHZ) | ON(EP_CHALLENGE),
};

static const struct {
	const char *name;
	enum fault_phase phase;
	unsigned on; /* where it strikes when the rule does not say */
	const char *arguments;
	const char *help;
} table[FAULT_N_] = {
	[FAULT_BADNONCE] = {"badnonce", FAULT_INSTEAD, POSTS, "", "refuse a good nonce"},
	[FAULT_STATUS] = {"status", FAULT_INSTEAD, ANY, "status retry_after type value",
		"answer with a status (503), with value as the body"},
	[FAULT_PROBLEM] = {"problem", FAULT_INSTEAD, POSTS, "status type detail instance retry_after n",
		"answer with a problem document; n: with sub-problems for n names of the order"},
	[FAULT_RATE_LIMITED] = {"rate-limited", FAULT_INSTEAD, ON(EP_NEW_ORDER), "retry_after detail n",
		"429 rateLimited; n: with sub-problems for n names"},
	[FAULT_TERMS_CHANGED] = {"terms-changed", FAULT_INSTEAD, ON(EP_NEW_ORDER), "instance",
		"userActionRequired with an instance URL"},
	[FAULT_EAB_MISSING] = {"eab-missing", FAULT_INSTEAD, ON(EP_NEW_ACCOUNT), "", "externalAccountRequired"},
	[FAULT_ACCOUNT_GONE] = {"account-gone", FAULT_INSTEAD, ON(EP_NEW_ORDER), "", "accountDoesNotExist"},
	[FAULT_REPLACES_REFUSED] = {"replaces-refused", FAULT_INSTEAD, ON(EP_NEW_ORDER), "status type detail",
		"refuse an order that has `replaces` (409 alreadyReplaced)"},
	[FAULT_CUT_BEFORE] = {"cut-before", FAULT_INSTEAD, ANY, "", "close the connection; the request has no effect"},
	[FAULT_HANG] = {"hang", FAULT_INSTEAD, ANY, "ms", "never answer (for ms); the request has no effect"},
	[FAULT_CUT_AFTER] = {"cut-after", FAULT_REPLY, ANY, "", "close the connection after the request took effect"},
	[FAULT_STATUS_AFTER] = {"status-after", FAULT_REPLY, ANY, "status retry_after type value",
		"as status, after the request took effect"},
	[FAULT_TRUNCATE] = {"truncate", FAULT_REPLY, ANY, "n",
		"send half of the body, then close; n: send n octets as if they were all"},
	[FAULT_EMPTY_BODY] = {"empty-body", FAULT_REPLY, ANY, "", "an empty body"},
	[FAULT_BODY] = {"body", FAULT_REPLY, ANY, "value", "value as the body"},
	[FAULT_MALFORMED_JSON] = {"malformed-json", FAULT_REPLY, ANY, "", "a body that is no JSON"},
	[FAULT_HUGE] = {"huge", FAULT_REPLY, ANY, "n", "n octets of white space behind the body (100 MB)"},
	[FAULT_DEEP] = {"deep", FAULT_REPLY, ANY, "n", "n arrays within each other (100000)"},
	[FAULT_ENDLESS] = {"endless", FAULT_REPLY, ANY, "", "a chunked body that never ends"},
	[FAULT_DRIP] = {"drip", FAULT_REPLY, ANY, "ms", "one octet each ms (1000)"},
	[FAULT_DELAY] = {"delay", FAULT_REPLY, ANY, "ms", "answer after ms"},
	[FAULT_CONTENT_TYPE] = {"content-type", FAULT_REPLY, ANY, "value", "another content type (text/html)"},
	[FAULT_SET_MEMBER] = {"set-member", FAULT_REPLY, ANY, "member value",
		"put value (JSON text) in place of what each member of that name holds"},
	[FAULT_DROP_MEMBER] = {"drop-member", FAULT_REPLY, ANY, "member", "leave out each member of that name"},
	[FAULT_DROP_HEADER] = {"drop-header", FAULT_REPLY, ANY, "member", "leave out the header of that name"},
	[FAULT_HTTP_URLS] = {"http-urls", FAULT_REPLY, ANY, "", "http: in place of https: in our URLs"},
	[FAULT_FOREIGN_URLS] = {"foreign-urls", FAULT_REPLY, ANY, "value",
		"another origin in our URLs (https://evil.test)"},
	[FAULT_ALREADY_VALID] = {"already-valid", FAULT_STATE, ON(EP_NEW_ORDER), "n",
		"the first n authorizations are valid at once; without n all, so the order is ready"},
	[FAULT_READY_EARLY] = {"ready-early", FAULT_STATE, ON(EP_NEW_ORDER), "",
		"the order says ready although authorizations are pending"},
	[FAULT_ORDER_INVALID] = {"order-invalid", FAULT_STATE, ON(EP_FINALIZE), "type detail n",
		"the order becomes invalid; n: with sub-problems for n names"},
	[FAULT_ORDER_EXPIRED] = {"order-expired", FAULT_STATE, ON(EP_ORDER), "", "the order has expired"},
	[FAULT_AUTHZ_INVALID] = {"authz-invalid", FAULT_STATE, ON(EP_CHALLENGE), "status type detail",
		"the validation fails with this problem"},
	[FAULT_AUTHZ_EXPIRED] = {"authz-expired", FAULT_STATE, ON(EP_AUTHZ), "", "the authorization has expired"},
	[FAULT_PROCESSING] = {"processing", FAULT_STATE, ON(EP_FINALIZE), "n ms",
		"stay `processing` for n polls and ms; on challenge: the authorization stays pending"},
	[FAULT_ACCOUNT_DEACTIVATED] = {"account-deactivated", FAULT_STATE, ON(EP_NEW_ORDER), "",
		"the account is deactivated from now on"},
	[FAULT_OTHER_KEY] = {"other-key", FAULT_STATE, ON(EP_FINALIZE) | ON(EP_ORDER), "",
		"the certificate is for another key"},
	[FAULT_OTHER_NAMES] = {"other-names", FAULT_STATE, ON(EP_FINALIZE) | ON(EP_ORDER), "value",
		"the certificate has other names (value, or one name more)"},
	[FAULT_EXPIRED_CERTIFICATE] = {"expired-certificate", FAULT_STATE, ON(EP_FINALIZE) | ON(EP_ORDER), "",
		"the certificate expired yesterday"},
	[FAULT_UNORDERED_CHAIN] = {"unordered-chain", FAULT_STATE, ON(EP_CERTIFICATE), "", "the leaf comes last"},
	[FAULT_LEAF_ONLY] = {"leaf-only", FAULT_STATE, ON(EP_CERTIFICATE), "", "the intermediate is missing"},
	[FAULT_FOREIGN_PEM] = {"foreign-pem", FAULT_STATE, ON(EP_CERTIFICATE), "",
		"a block that is no certificate among the chain"},
	[FAULT_TOO_MANY_ISSUERS] = {"too-many-issuers", FAULT_STATE, CHALLENGES, "n", "n issuer names (11)"},
	[FAULT_NO_ISSUERS] = {"no-issuers", FAULT_STATE, CHALLENGES, "", "an empty list of issuer names"},
	[FAULT_FOREIGN_ACCOUNTURI] = {"foreign-accounturi", FAULT_STATE, CHALLENGES, "value",
		"level 01: accounturi of somebody else"},
	[FAULT_TOKEN] = {"token", FAULT_STATE, CHALLENGES, "value",
		"this token in the challenges, dns-persist-01 too (../../etc/passwd)"},
	[FAULT_BOTH_SPELLINGS] = {"both-spellings", FAULT_STATE, CHALLENGES, "",
		"issuer-domain-names and issuerDomainNames side by side"},
	[FAULT_TLS_STALL] = {"tls-stall", FAULT_CONNECTION, ON(EP_OTHER), "", "accept it and say nothing"},
	[FAULT_TLS_CUT] = {"tls-cut", FAULT_CONNECTION, ON(EP_OTHER), "",
		"close it in the middle of the TLS handshake"},
	[FAULT_TLS_CERTIFICATE] = {"tls-certificate", FAULT_CONNECTION, ON(EP_OTHER), "value",
		"show a certificate that is expired, for other-name or of an unknown-root (expired)"},
};

struct faults {
	struct fault **v; /* in the order they came */
	size_t n;
	int64_t last_id;
	uint64_t dice;
};

const char *fault_name(enum fault_kind k)
{
	return table[k].name;
}

void faults_print_all(void)
{
	static const char *const phases[] = {"in place of the request's effect:", "done to the reply:",
		"in what the CA does:", "at a new connection:"};
	for (unsigned phase = 0; phase < ARRAY_LEN(phases); phase++) {
		printf("%s%s\n", phase ? "\n" : "", phases[phase]);
		for (unsigned k = 0; k < FAULT_N_; k++)
			if (table[k].phase == (enum fault_phase)phase)
				printf("  %-20s %-30s %s\n", table[k].name, table[k].arguments, table[k].help);
	}
}

struct faults *faults_new(uint64_t seed)
{
	struct faults *f = xcalloc(1, sizeof(*f));
	f->dice = seed;
	return f;
}

static void fault_free(struct fault *r)
{
	free(r->passed);
	free(r->retry_after);
	free(r->type);
	free(r->detail);
	free(r->instance);
	free(r->member);
	free(r->value);
	free(r);
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	faults_clear(f, 0);
	free(f->v);
	free(f);
}

/* --- reading rules --- */

static int read_place(struct fault *r, const char *name, struct err *e)
{
	if (!strcmp(name, "any") || !strcmp(name, "*")) {
		for (unsigned i = 0; i < EP_N_; i++)
			r->at[i] = true;
		return 0;
	}
	enum endpoint ep = endpoint_find(name);
	if (ep == EP_N_)
		return err_set(e, ERR_CONFIG, "\"%s\" is no endpoint", name);
	r->at[ep] = true;
	return 0;
}

static int read_places(struct fault *r, const struct json *rule, struct err *e)
{
	const struct json *places = json_get(rule, "endpoint");
	if (!places) {
		for (unsigned i = 0; i < EP_N_; i++)
			r->at[i] = (table[r->kind].on & ON(i)) != 0;
		return 0;
	}
	if (json_is_string(places))
		return read_place(r, json_str(places), e);
	for (size_t i = 0; i < json_len(places); i++) {
		const char *name = json_str(json_at(places, i));
		if (!name || read_place(r, name, e))
			return name ? -1 : err_set(e, ERR_CONFIG, "endpoint holds something that is no string");
	}
	return json_len(places) ? 0 : err_set(e, ERR_CONFIG, "endpoint must be a name or a list of names");
}

static int read_text(const struct json *rule, const char *member, char **ret, struct err *e)
{
	const char *s;
	if (json_opt_str(rule, member, &s, e))
		return -1;
	*ret = s ? xstrdup(s) : NULL;
	return 0;
}

struct known {
	struct err *e;
	enum fault_kind kind;
	int bad;
};

static void check_member(const char *member, const struct json *v, void *ctx)
{
	static const char general[] = " cmd fault endpoint count skip percent beyond ";
	struct known *k = ctx;
	AUTO(xfreep) char *word = xasprintf(" %s ", member), *own = xasprintf(" %s ", table[k->kind].arguments);
	(void)v;
	if (!k->bad && !strstr(general, word) && !strstr(own, word))
		k->bad = err_set(k->e, ERR_CONFIG, "%s takes no \"%s\"", table[k->kind].name, member);
}

static int read_rule(struct fault *r, const struct json *rule, struct err *e)
{
	const char *name;
	unsigned k = 0;
	if (json_need_str(rule, "fault", &name, e))
		return -1;
	while (k < FAULT_N_ && strcmp(table[k].name, name) != 0)
		k++;
	if (k == FAULT_N_) {
		err_set(e, ERR_CONFIG, "\"%s\" is no fault", name);
		err_hint(e, "perdure-testca --list-faults prints those there are");
		return -1;
	}
	r->kind = (enum fault_kind)k;
	struct known known = {e, r->kind, 0};
	json_each(rule, check_member, &known);
	if (known.bad || read_places(r, rule, e) || json_opt_int(rule, "count", -1, &r->count, e) ||
		json_opt_int(rule, "skip", 0, &r->skip, e) || json_opt_int(rule, "percent", 100, &r->percent, e) ||
		json_opt_int(rule, "beyond", 0, &r->beyond, e) || json_opt_int(rule, "status", 0, &r->status, e) ||
		json_opt_int(rule, "ms", 0, &r->ms, e) || json_opt_int(rule, "n", 0, &r->n, e) ||
		read_text(rule, "retry_after", &r->retry_after, e) || read_text(rule, "type", &r->type, e) ||
		read_text(rule, "detail", &r->detail, e) || read_text(rule, "instance", &r->instance, e) ||
		read_text(rule, "member", &r->member, e) || read_text(rule, "value", &r->value, e))
		return -1;
	if (r->beyond < 0 || r->beyond > BEYOND_MAX)
		return err_set(e, ERR_CONFIG, "beyond goes up to %d", BEYOND_MAX);
	r->passed = xcalloc((size_t)r->beyond + 1, sizeof(*r->passed));
	if (table[k].phase == FAULT_CONNECTION && json_get(rule, "endpoint"))
		return err_set(e, ERR_CONFIG, "%s strikes a connection, which has no endpoint yet", name);
	bool needs_member = strncmp(table[k].arguments, "member", 6) == 0;
	if ((needs_member && !r->member) || (r->kind == FAULT_SET_MEMBER && !r->value) ||
		(r->kind == FAULT_BODY && !r->value))
		return err_set(e, ERR_CONFIG, "%s needs: %s", name, table[k].arguments);
	return 0;
}

int faults_add(struct faults *f, const struct json *rule, int64_t *ret_id, struct err *e)
{
	struct fault *r = xcalloc(1, sizeof(*r));
	if (read_rule(r, rule, e)) {
		fault_free(r);
		return err_ctx(e, "fault");
	}
	r->id = ++f->last_id;
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = r;
	*ret_id = r->id;
	return 0;
}

int faults_add_text(struct faults *f, const char *text, const char *what, struct err *e)
{
	AUTO(json_freep) struct json *rule = NULL;
	int64_t id;
	if (json_parse(text, strlen(text), what, &rule, e))
		return -1;
	return faults_add(f, rule, &id, e) ? err_ctx(e, "%s", what) : 0;
}

int faults_add_file(struct faults *f, const char *path, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	if (fs_read(path, &text, e))
		return -1;
	char *rest = text.p;
	unsigned n = 0;
	for (char *line; (line = strsep(&rest, "\n"));) {
		char what[300];
		snprintf(what, sizeof(what), "%s, line %u", path, ++n);
		line += strspn(line, " \t\r");
		if (*line && *line != '#' && faults_add_text(f, line, what, e))
			return -1;
	}
	return 0;
}

bool faults_clear(struct faults *f, int64_t id)
{
	size_t kept = 0, n = f->n;
	for (size_t i = 0; i < n; i++) {
		if (!id || f->v[i]->id == id)
			fault_free(f->v[i]);
		else
			f->v[kept++] = f->v[i];
	}
	f->n = kept;
	return kept < n;
}

void faults_list(const struct faults *f, struct json_out *w, const char *member)
{
	json_out_array(w, member);
	for (size_t i = 0; i < f->n; i++) {
		const struct fault *r = f->v[i];
		json_out_object(w, NULL);
		json_out_int(w, "id", r->id);
		json_out_str(w, "fault", table[r->kind].name);
		json_out_int(w, "hits", r->hits);
		json_out_int(w, "count", r->count);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

/* --- striking --- */

/* splitmix64: fast, and the same for the same seed everywhere. */
static uint64_t roll(struct faults *f)
{
	uint64_t z = f->dice += 0x9e3779b97f4a7c15U;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/* Whether it is one of those that a second may have; it counts as one then. */
static bool within(struct fault *r)
{
	enum { SECOND_MS = 1000 };
	int64_t now = clk_mono(clk_real()), *oldest = &r->passed[r->next];
	if (!r->beyond || (*oldest && now - *oldest < SECOND_MS))
		return false;
	*oldest = now;
	r->next = (r->next + 1) % (size_t)r->beyond;
	return true;
}

static bool strikes(struct faults *f, struct fault *r, enum endpoint ep)
{
	if (!r->at[ep] || r->count == 0)
		return false;
	if (r->skip > 0) {
		r->skip--;
		return false;
	}
	if (within(r))
		return false;
	if (r->percent < 100 && (int64_t)(roll(f) % 100) >= r->percent)
		return false;
	if (r->count > 0)
		r->count--;
	r->hits++;
	return true;
}

const struct fault *faults_strike(struct faults *f, enum fault_kind k, enum endpoint ep)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i]->kind == k && strikes(f, f->v[i], ep))
			return f->v[i];
	return NULL;
}

const struct fault *faults_next(struct faults *f, enum fault_phase phase, enum endpoint ep, size_t *from)
{
	while (*from < f->n) {
		struct fault *r = f->v[(*from)++];
		if (table[r->kind].phase == phase && strikes(f, r, ep))
			return r;
	}
	return NULL;
}
