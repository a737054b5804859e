/* object.c: orders, authorizations and challenges, strictly decoded. */
#include "acme/object.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"
#include "acme/url.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "json/json.h"

static const char *const status_names[] = {
	[ACME_PENDING] = "pending",
	[ACME_READY] = "ready",
	[ACME_PROCESSING] = "processing",
	[ACME_VALID] = "valid",
	[ACME_INVALID] = "invalid",
	[ACME_DEACTIVATED] = "deactivated",
	[ACME_EXPIRED] = "expired",
	[ACME_REVOKED] = "revoked",
};
_Static_assert(ARRAY_LEN(status_names) == ACME_STATUS_N_, "one name per status");

const char *acme_status_name(enum acme_status s)
{
	return s < ACME_STATUS_N_ ? status_names[s] : "unknown";
}

static int read_status(const struct json *obj, enum acme_status *ret, struct err *e)
{
	const char *s;
	if (json_need_str(obj, "status", &s, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		if (!strcmp(s, status_names[i])) {
			*ret = (enum acme_status)i;
			return 0;
		}
	return err_set(e, ERR_PROTO, "member \"status\" is \"%.40s\", which is no status of ACME", s);
}

static int read_expires(const struct json *obj, int64_t *ret, struct err *e)
{
	const char *s;
	if (json_opt_str(obj, "expires", &s, e))
		return -1;
	if (s && clock_parse_rfc3339(s, ret, e))
		return err_ctx(e, "member \"expires\"");
	return 0;
}

/* A `dns` identifier's value in lower case. */
static int read_identifier(const struct json *id, char **ret, struct err *e)
{
	const char *type, *value;
	if (json_need_str(id, "type", &type, e) || json_need_str(id, "value", &value, e))
		return err_ctx(e, "identifier");
	if (strcmp(type, "dns"))
		return err_set(e, ERR_PROTO, "identifier \"%.200s\" is of type \"%.40s\", not dns", value, type);
	if (!value[0] || strlen(value) > 255)
		return err_set(e, ERR_PROTO, "identifier \"%.200s\" is no DNS name", value);
	char *name = xstrdup(value);
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = name;
	return 0;
}

static void read_error(const struct json *obj, const char *what, struct err **ret)
{
	const struct json *problem = json_get(obj, "error");
	if (!json_is_object(problem))
		return;
	*ret = xcalloc(1, sizeof(**ret));
	acme_problem_from_json(problem, what, *ret);
}

static void error_free(struct err *e)
{
	if (e)
		err_done(e);
	free(e);
}

/* --- orders --- */

void acme_order_done(struct acme_order *o)
{
	strv_done(&o->names);
	strv_done(&o->authzs);
	free(o->finalize);
	free(o->certificate);
	free(o->profile);
	error_free(o->error);
	*o = (struct acme_order){0};
}

static int read_order_names(const struct json *doc, struct acme_order *o, struct err *e)
{
	const struct json *ids;
	if (json_need_array(doc, "identifiers", &ids, e))
		return -1;
	if (json_len(ids) > ACME_MAX_AUTHZS)
		return err_set(e, ERR_PROTO, "more than %d identifiers", ACME_MAX_AUTHZS);
	for (size_t i = 0; i < json_len(ids); i++) {
		char *name;
		if (read_identifier(json_at(ids, i), &name, e))
			return -1;
		strv_add_take(&o->names, name);
	}
	return 0;
}

static int read_order_urls(const struct json *doc, const char *url, struct acme_order *o, struct err *e)
{
	const struct json *list;
	const char *s;
	if (json_need_array(doc, "authorizations", &list, e))
		return -1;
	if (json_len(list) > ACME_MAX_AUTHZS)
		return err_set(e, ERR_PROTO, "more than %d authorizations", ACME_MAX_AUTHZS);
	for (size_t i = 0; i < json_len(list); i++) {
		s = json_str(json_at(list, i));
		if (!s)
			return err_set(e, ERR_PROTO, "member \"authorizations\" has an element that is no string");
		if (acme_url_check(s, url, "authorization URL", e))
			return -1;
		if (!strv_has(&o->authzs, s))
			strv_add(&o->authzs, s);
	}
	if (json_need_str(doc, "finalize", &s, e) || acme_url_check(s, url, "finalize URL", e))
		return -1;
	o->finalize = xstrdup(s);
	if (json_opt_str(doc, "certificate", &s, e) || (s && acme_url_check(s, url, "certificate URL", e)))
		return -1;
	o->certificate = s ? xstrdup(s) : NULL;
	return 0;
}

static int read_order(const struct json *doc, const char *url, struct acme_order *o, struct err *e)
{
	const char *s;
	if (!json_is_object(doc))
		return err_set(e, ERR_PROTO, "the reply is JSON, but not an object");
	if (read_status(doc, &o->status, e) || read_expires(doc, &o->expires, e) || read_order_names(doc, o, e) ||
		read_order_urls(doc, url, o, e) || json_opt_str(doc, "profile", &s, e))
		return -1;
	o->profile = s ? xstrdup(s) : NULL;
	read_error(doc, "the CA says", &o->error);
	if (o->status == ACME_VALID && !o->certificate)
		return err_set(e, ERR_PROTO, "the order is valid but member \"certificate\" is missing");
	return 0;
}

int acme_order_decode(const void *body, size_t n, const char *url, struct acme_order *ret, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	struct acme_order o = {0};
	if (json_parse(body, n, "order", &doc, e) || read_order(doc, url, &o, e)) {
		acme_order_done(&o);
		e->kind = ERR_PROTO;
		return err_ctx(e, "order %.300s", url);
	}
	*ret = o;
	return 0;
}

/* --- authorizations --- */

const char *acme_challenge_type_name(enum acme_challenge_type t)
{
	static const char *const names[ACME_CHALLENGE_TYPE_N_] = {
		[ACME_CHALLENGE_PERSIST] = ACME_DNS_PERSIST_01,
		[ACME_CHALLENGE_DNS] = "dns-01",
		[ACME_CHALLENGE_HTTP] = "http-01",
	};
	return names[t];
}

static void challenge_done(struct acme_challenge *c)
{
	free(c->type);
	free(c->url);
	free(c->token);
	strv_done(&c->issuers);
	strv_done(&c->issuers_old);
	free(c->accounturi);
	error_free(c->error);
}

void acme_authz_done(struct acme_authz *a)
{
	free(a->name);
	for (size_t i = 0; i < a->n; i++)
		challenge_done(&a->challenges[i]);
	free(a->challenges);
	*a = (struct acme_authz){0};
}

const struct acme_challenge *acme_authz_find(const struct acme_authz *a, const char *type)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->challenges[i].type, type))
			return &a->challenges[i];
	return NULL;
}

/* RFC 8555 section 8.3; dns-persist-01 has none, but some servers add one. */
static int check_token(const char *token, struct err *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (!token[0] || token[strspn(token, allowed)])
		return err_set(e, ERR_PROTO, "member \"token\" has characters outside the base64url alphabet");
	return 0;
}

static int read_issuers(const struct json *doc, const char *member, bool *ret_has, struct strv *ret, struct err *e)
{
	const struct json *v = json_get(doc, member);
	*ret_has = v && !json_is_null(v);
	return json_opt_strv(doc, member, ACME_MAX_ISSUERS, ret, e);
}

static int read_persist_challenge(const struct json *doc, const char *url, struct acme_challenge *c, struct err *e)
{
	const char *s;
	if (read_status(doc, &c->status, e) || json_need_str(doc, "url", &s, e) ||
		acme_url_check(s, url, "challenge URL", e))
		return -1;
	c->url = xstrdup(s);
	if (json_opt_str(doc, "token", &s, e) || (s && check_token(s, e)))
		return -1;
	c->token = s ? xstrdup(s) : NULL;
	if (json_opt_str(doc, "accounturi", &s, e))
		return -1;
	c->accounturi = s ? xstrdup(s) : NULL;
	return read_issuers(doc, "issuerDomainNames", &c->has_issuers, &c->issuers, e) ||
			       read_issuers(doc, "issuer-domain-names", &c->has_issuers_old, &c->issuers_old, e)
		       ? -1
		       : 0;
}

/* dns-01 and http-01: what is wrong with one concerns nobody who does not choose it. */
static void read_token_challenge(const struct json *doc, const char *url, struct acme_challenge *c)
{
	const char *s;
	struct err ignored = {0};
	if (!json_need_str(doc, "url", &s, &ignored) && !acme_url_check(s, url, "challenge URL", &ignored))
		c->url = xstrdup(s);
	err_done(&ignored);
	if (!json_need_str(doc, "token", &s, &ignored) && !check_token(s, &ignored))
		c->token = xstrdup(s);
	err_done(&ignored);
}

/* What we do not use is read leniently: unknown types must be ignored (RFC 8555 section 7.1.5). */
static int read_challenge(const struct json *doc, const char *url, struct acme_authz *a, struct err *e)
{
	const char *type;
	struct err ignored = {0};
	if (json_need_str(doc, "type", &type, e))
		return err_ctx(e, "challenge");
	struct acme_challenge *c = &a->challenges[a->n++];
	c->type = xstrdup(type);
	read_error(doc, "the CA says", &c->error);
	if (!strcmp(type, ACME_DNS_PERSIST_01))
		return read_persist_challenge(doc, url, c, e) ? err_ctx(e, "challenge %s", ACME_DNS_PERSIST_01) : 0;
	if (read_status(doc, &c->status, &ignored))
		err_done(&ignored);
	for (enum acme_challenge_type t = ACME_CHALLENGE_DNS; t < ACME_CHALLENGE_TYPE_N_; t++)
		if (!strcmp(type, acme_challenge_type_name(t)))
			read_token_challenge(doc, url, c);
	return 0;
}

static int read_challenges(const struct json *doc, const char *url, struct acme_authz *a, struct err *e)
{
	const struct json *list = json_get(doc, "challenges");
	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_set(e, ERR_PROTO, "member \"challenges\" is not an array");
	if (json_len(list) > ACME_MAX_CHALLENGES)
		return err_set(e, ERR_PROTO, "more than %d challenges", ACME_MAX_CHALLENGES);
	a->challenges = xcalloc(json_len(list) + 1, sizeof(*a->challenges));
	for (size_t i = 0; i < json_len(list); i++)
		if (read_challenge(json_at(list, i), url, a, e))
			return -1;
	return 0;
}

static int read_authz(const struct json *doc, const char *url, struct acme_authz *a, struct err *e)
{
	const struct json *id;
	if (!json_is_object(doc))
		return err_set(e, ERR_PROTO, "the reply is JSON, but not an object");
	if (json_need_object(doc, "identifier", &id, e) || read_identifier(id, &a->name, e) ||
		read_status(doc, &a->status, e) || read_expires(doc, &a->expires, e) ||
		json_opt_bool(doc, "wildcard", false, &a->wildcard, e))
		return -1;
	if (a->status == ACME_READY || a->status == ACME_PROCESSING)
		return err_set(e, ERR_PROTO, "member \"status\" is \"%s\", which is no status of an authorization",
			acme_status_name(a->status));
	if (!strncmp(a->name, "*.", 2)) {
		a->wildcard = true;
		memmove(a->name, a->name + 2, strlen(a->name + 2) + 1);
	}
	return read_challenges(doc, url, a, e);
}

int acme_authz_decode(const void *body, size_t n, const char *url, struct acme_authz *ret, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	struct acme_authz a = {0};
	if (json_parse(body, n, "authorization", &doc, e) || read_authz(doc, url, &a, e)) {
		acme_authz_done(&a);
		e->kind = ERR_PROTO;
		return err_ctx(e, "authorization %.300s", url);
	}
	*ret = a;
	return 0;
}
