/* account.c: directory, newNonce, newAccount, account, keyChange (RFC 8555 sections 7.1.1, 7.2, 7.3). */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "testca/ca.h"
#include "testca/jsontext.h"
#include "testca/web.h"
#include "json/json.h"

static void put_path(struct call *c, struct json_out *w, const char *member, enum endpoint ep)
{
	AUTO(xfreep) char *url = xasprintf("%s%s", c->ca->base, endpoint_path(ep));
	json_out_str(w, member, url);
}

static void put_meta(struct call *c, struct json_out *w)
{
	const struct options *o = c->ca->o;
	json_out_object(w, "meta");
	if (o->tos)
		put_path(c, w, "termsOfService", EP_TERMS);
	json_out_str(w, "website", "https://example.invalid/perdure-testca-do-not-trust");
	json_out_strv(w, "caaIdentities", &o->issuers);
	json_out_bool(w, "externalAccountRequired", o->n_eab > 0);
	if (o->n_profiles) {
		json_out_object(w, "profiles");
		for (size_t i = 0; i < o->n_profiles; i++) {
			AUTO(xfreep) char *text = xasprintf("%lld seconds", (long long)o->profiles[i].lifetime_s);
			json_out_str(w, o->profiles[i].name, text);
		}
		json_out_end_object(w);
	}
	if (o->level == PERDURE_LEVEL_02) {
		json_out_str(w, "accountHashPrefix", c->ca->hash_prefix);
		json_out_strv(w, "issuerDomainNames", &o->issuers);
	}
	json_out_end_object(w);
}

int do_directory(struct call *c)
{
	struct json_out w = json_out_make(&c->body);
	json_out_object(&w, NULL);
	put_path(c, &w, "newNonce", EP_NEW_NONCE);
	put_path(c, &w, "newAccount", EP_NEW_ACCOUNT);
	put_path(c, &w, "newOrder", EP_NEW_ORDER);
	put_path(c, &w, "revokeCert", EP_REVOKE_CERT);
	put_path(c, &w, "keyChange", EP_KEY_CHANGE);
	put_path(c, &w, "renewalInfo", EP_RENEWAL_INFO);
	put_meta(c, &w);
	json_out_end_object(&w);
	return 0;
}

int do_new_nonce(struct call *c)
{
	c->status = strcmp(c->rq->method, "HEAD") == 0 ? 200 : 204;
	c->content_type = NULL;
	return 0;
}

int do_terms(struct call *c)
{
	c->content_type = "text/plain";
	buf_puts(&c->body, "These certificates are for tests. Nobody may trust them. There are no other terms.\n");
	return 0;
}

static void account_reply(struct call *c, const struct account *a, int status)
{
	struct json_out w = json_out_make(&c->body);
	c->status = status;
	json_out_object(&w, NULL);
	json_out_str(&w, "status", status_name(a->status));
	json_out_strv(&w, "contact", &a->contacts);
	json_out_bool(&w, "termsOfServiceAgreed", a->tos_agreed);
	if (a->eab)
		json_out_raw(&w, "externalAccountBinding", a->eab);
	put_url(c, &w, "orders", EP_ORDERS, a->id);
	json_out_end_object(&w);
}

/* --- newAccount --- */

static int read_contacts(struct call *c, struct strv *ret)
{
	const struct json *list = json_get(c->payload, "contact");
	if (list && !json_is_array(list))
		return call_problem(c, 400, "malformed", "\"contact\" is no list");
	for (size_t i = 0; i < json_len(list); i++) {
		const char *s = json_str(json_at(list, i));
		if (!s || strncmp(s, "mailto:", 7) != 0)
			return call_problem(c, 400, "unsupportedContact", "contact %zu is no mailto: URL", i + 1);
		if (!strchr(s, '@') || strchr(s, ',') || strchr(s, '?'))
			return call_problem(c, 400, "invalidContact", "contact %zu is not one mail address", i + 1);
		strv_add(ret, s);
	}
	return 0;
}

static const struct eab_key *find_eab(const struct options *o, const char *kid)
{
	for (size_t i = 0; kid && i < o->n_eab; i++)
		if (!strcmp(o->eab[i].kid, kid))
			return &o->eab[i];
	return NULL;
}

/* Whether the payload of the binding is the account's key (RFC 8555 section 7.3.4). */
static bool binds(const struct call *c, const struct buf *payload)
{
	AUTO(key_freep) struct key *k = NULL;
	struct err e = {0};
	bool same = !jose_key_from_jwk(buf_str(payload), payload->n, &k, &e) && key_same_public(k, c->key);
	err_done(&e);
	return same;
}

static int check_binding(struct call *c, const struct json *eab, const struct jws_inner *in)
{
	static const char what[] = "externalAccountBinding";
	AUTO(xfreep) char *own = xasprintf("%s%s", c->ca->base, endpoint_path(EP_NEW_ACCOUNT));
	const struct eab_key *k = find_eab(c->ca->o, json_str(json_get(in->protected, "kid")));
	struct err e = {0};
	if (!k)
		return call_problem(c, 403, "unauthorized", "%s: unknown \"kid\"", what);
	if (strcmp(in->url, own) != 0)
		return call_problem(c, 400, "malformed", "%s: \"url\" is not that of newAccount", what);
	if (json_get(in->protected, "nonce"))
		return call_problem(c, 400, "malformed", "%s: \"nonce\" must not be there", what);
	if (!binds(c, &in->payload_text))
		return call_problem(c, 400, "malformed", "%s: its payload is not the account's key", what);
	if (!jws_verify_hmac(eab, k->key, k->n, in->alg, &e))
		return 0;
	call_problem(c, 403, "unauthorized", "%s: %s", what, e.msg);
	err_done(&e);
	return -1;
}

static int check_eab(struct call *c, const struct json *eab)
{
	struct jws_inner in;
	int rc = jws_inner_open(c, eab, "externalAccountBinding", &in);
	if (!rc)
		rc = check_binding(c, eab, &in);
	jws_inner_done(&in);
	return rc;
}

/* The binding as text, to be shown again. */
static char *eab_text(const struct json *eab)
{
	return xasprintf("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
		json_str(json_get(eab, "protected")), json_str(json_get(eab, "payload")),
		json_str(json_get(eab, "signature")));
}

static bool is_true(const struct json *obj, const char *member)
{
	struct err e = {0};
	bool v = false;
	if (json_opt_bool(obj, member, false, &v, &e))
		err_done(&e);
	return v;
}

static int make_account(struct call *c)
{
	struct ca *ca = c->ca;
	const struct json *eab = json_get(c->payload, "externalAccountBinding");
	bool agreed = is_true(c->payload, "termsOfServiceAgreed");
	AUTO(strv_done) struct strv contacts = {0};
	if (read_contacts(c, &contacts))
		return -1;
	if (ca->o->tos && !agreed) {
		call_header(c, "Link", "<%s%s>;rel=\"terms-of-service\"", ca->base, endpoint_path(EP_TERMS));
		return call_problem(c, 403, "userActionRequired", "the terms of service must be agreed to");
	}
	if (ca->o->n_eab && !eab)
		return call_problem(c, 403, "externalAccountRequired", "an external account binding is needed");
	if (ca->o->n_eab && check_eab(c, eab))
		return -1;
	struct account *a = model_new_account(&ca->model);
	a->url = xasprintf("%s%s%llu", ca->base, endpoint_path(EP_ACCOUNT), (unsigned long long)a->id);
	a->tos_agreed = agreed;
	a->eab = ca->o->n_eab ? eab_text(eab) : NULL;
	strv_copy(&a->contacts, &contacts);
	account_set_key(&ca->model, a, c->key);
	call_header(c, "Location", "%s", a->url);
	account_reply(c, a, 201);
	return 0;
}

int do_new_account(struct call *c)
{
	char print[JOSE_THUMBPRINT_LEN + 1];
	struct err e = {0};
	if (!c->payload)
		return call_problem(c, 400, "malformed", "the payload must be a JSON object");
	if (jose_thumbprint(c->key, print, &e))
		err_done(&e);
	struct account *a = map_get(&c->ca->model.by_thumbprint, print);
	if (a && a->status != ST_VALID)
		return call_problem(c, 403, "unauthorized", "the account is %s", status_name(a->status));
	if (a) {
		call_header(c, "Location", "%s", a->url);
		account_reply(c, a, 200);
		return 0;
	}
	if (is_true(c->payload, "onlyReturnExisting"))
		return call_problem(c, 400, "accountDoesNotExist", "no account has this key");
	return make_account(c);
}

/* --- account --- */

int do_account(struct call *c)
{
	struct account *a = c->account;
	if (c->at.id != a->id)
		return call_problem(c, 403, "unauthorized", "that is not your account");
	const struct json *status = json_get(c->payload, "status");
	if (status && (!json_str(status) || strcmp(json_str(status), "deactivated") != 0))
		return call_problem(c, 400, "malformed", "the only status an account can be given is \"deactivated\"");
	if (status) {
		a->status = ST_DEACTIVATED;
	} else if (json_get(c->payload, "contact")) {
		AUTO(strv_done) struct strv contacts = {0};
		if (read_contacts(c, &contacts))
			return -1;
		strv_copy(&a->contacts, &contacts);
	}
	account_reply(c, a, 200);
	return 0;
}

int do_orders(struct call *c)
{
	struct account *a = c->account;
	if (c->at.id != a->id)
		return call_problem(c, 403, "unauthorized", "that is not your account");
	struct json_out w = json_out_make(&c->body);
	json_out_object(&w, NULL);
	json_out_array(&w, "orders");
	for (size_t i = 0; i < a->n_orders; i++)
		if (order_status(a->orders[i], ca_now_ms(c->ca), false) != ST_INVALID)
			put_url(c, &w, NULL, EP_ORDER, a->orders[i]->id);
	json_out_end_array(&w);
	json_out_end_object(&w);
	return 0;
}

/* --- keyChange (section 7.3.5) --- */

/* What the inner JWS must say: the same URL, this account, its present key. */
static int check_inner(struct call *c, const struct jws_inner *in, const struct json *payload)
{
	AUTO(xfreep) char *own = xasprintf("%s%s", c->ca->base, endpoint_path(EP_KEY_CHANGE));
	const char *account = json_str(json_get(payload, "account"));
	if (strcmp(in->url, own) != 0 || json_get(in->protected, "nonce"))
		return call_problem(
			c, 400, "malformed", "the inner JWS must have the outer one's \"url\" and no \"nonce\"");
	if (!account || strcmp(account, c->account->url) != 0)
		return call_problem(c, 400, "malformed", "\"account\" is not the URL of the account");
	if (!json_is_object(json_get(payload, "oldKey")))
		return call_problem(c, 400, "malformed", "\"oldKey\" is missing");
	return 0;
}

static int check_old_key(struct call *c, const struct buf *payload)
{
	AUTO(key_freep) struct key *old = NULL;
	struct err e = {0};
	size_t at, from, end;
	if (jsontext_find(payload->p, payload->n, 0, "oldKey", &at, &from, &end) ||
		jose_key_from_jwk(payload->p + from, end - from, &old, &e) || !key_same_public(old, c->account->key)) {
		err_done(&e);
		return call_problem(c, 400, "malformed", "\"oldKey\" is not the account's key");
	}
	return 0;
}

static int take_new_key(struct call *c, struct key *k)
{
	char print[JOSE_THUMBPRINT_LEN + 1];
	struct err e = {0};
	if (jose_thumbprint(k, print, &e))
		err_done(&e);
	const struct account *owner = map_get(&c->ca->model.by_thumbprint, print);
	if (owner) {
		call_header(c, "Location", "%s", owner->url);
		return call_problem(c, 409, "malformed", "the new key belongs to an account already");
	}
	account_set_key(&c->ca->model, c->account, k);
	account_reply(c, c->account, 200);
	return 0;
}

static int verify_inner(struct call *c, const struct jws_inner *in, const struct key *k)
{
	struct err e = {0};
	if (!jws_verify(c->payload, k, in->alg, &e))
		return 0;
	call_problem(c, 400, "malformed", "the inner JWS: %s", e.msg);
	err_done(&e);
	return -1;
}

int do_key_change(struct call *c)
{
	struct jws_inner in;
	AUTO(json_freep) struct json *payload = NULL;
	AUTO(key_freep) struct key *k = NULL;
	struct err e = {0};
	int rc = jws_inner_open(c, c->payload, "the inner JWS", &in);
	if (!rc)
		rc = jws_key(c, in.protected, &in.protected_text, &k);
	if (!rc)
		rc = verify_inner(c, &in, k);
	if (!rc && json_parse(buf_str(&in.payload_text), in.payload_text.n, "the inner payload", &payload, &e)) {
		rc = call_problem(c, 400, "malformed", "%s", e.msg);
		err_done(&e);
	}
	if (!rc)
		rc = check_inner(c, &in, payload);
	if (!rc)
		rc = check_old_key(c, &in.payload_text);
	if (!rc)
		rc = take_new_key(c, k);
	jws_inner_done(&in);
	return rc;
}
