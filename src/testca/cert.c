/* cert.c: finalize, certificate, revokeCert, renewalInfo (RFC 8555 sections 7.4 and 7.6, RFC 9773). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/issue.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "testca/authority.h"
#include "testca/ca.h"
#include "testca/faults.h"
#include "testca/web.h"
#include "json/json.h"

enum { CSR_MAX = 64 << 10, LEAF_MAX = 64 << 10 };

/* --- issuing --- */

/* Another last name, or one more. */
static void other_names(struct strv *names, const struct fault *f)
{
	if (!f->value) {
		strv_add(names, "one-name-more.test");
		return;
	}
	strv_done(names);
	AUTO(xfreep) char *copy = xstrdup(f->value);
	char *rest = copy;
	for (char *name; (name = strsep(&rest, ", "));)
		if (*name)
			strv_add(names, name);
}

static struct issue_validity validity_of(const struct ca *ca, const struct order *o, bool expired)
{
	int64_t now = ca_now_s(ca) - (expired ? o->lifetime_s + 86400 : 0);
	int64_t from = o->not_before_s ? o->not_before_s : now;
	/* Both ends are included. */
	return (struct issue_validity){from, o->not_after_s ? o->not_after_s : from + o->lifetime_s - 1};
}

static void remember(struct ca *ca, struct order *o, const struct issue_leaf_info *info, const struct key *k,
	const struct issue_validity *v, char *pem)
{
	AUTO(buf_done) struct buf hex = buf_make(64);
	struct cert *cert = model_new_cert(&ca->model, o);
	struct err e = {0};
	cert->leaf = pem;
	cert->serial = xstrdup(info->serial);
	cert->ari_id = xstrdup(info->ari_id);
	cert->not_before_s = v->not_before;
	cert->not_after_s = v->not_after;
	if (jose_thumbprint(k, cert->thumbprint, &e))
		err_done(&e);
	codec_hex(&hex, info->sha256, sizeof(info->sha256));
	map_put(&ca->model.by_ari, cert->ari_id, cert);
	map_put(&ca->model.by_serial, cert->serial, cert);
	map_put(&ca->model.by_sha256, buf_str(&hex), cert);
	o->cert = cert;
	ca->issued++;
}

void order_issue(struct ca *ca, struct order *o, enum endpoint ep)
{
	const struct fault *names_fault = faults_strike(ca->faults, FAULT_OTHER_NAMES, ep);
	bool other_key = faults_strike(ca->faults, FAULT_OTHER_KEY, ep) != NULL;
	bool expired = faults_strike(ca->faults, FAULT_EXPIRED_CERTIFICATE, ep) != NULL;
	AUTO(buf_done) struct buf pem = buf_make(LEAF_MAX);
	AUTO(strv_done) struct strv names = {0};
	struct issue_validity v = validity_of(ca, o, expired);
	struct issue_leaf_request r = {.names = &o->names, .validity = v, .must_staple = o->must_staple};
	struct issue_leaf_info info;
	struct err e = {0};
	if (names_fault) {
		strv_copy(&names, &o->names);
		other_names(&names, names_fault);
		r.names = &names;
	}
	const struct key *k = other_key ? ca->authority->other_key : o->key;
	if (issue_leaf_for(ca->authority->issuing[0], k, &r, &pem, &info, &e)) {
		o->error = problem_new(500, "serverInternal", "%s", e.msg);
		err_done(&e);
		return;
	}
	remember(ca, o, &info, k, &v, buf_take(&pem));
	key_free(o->key);
	o->key = NULL;
}

/* --- finalize --- */

static int read_csr(struct call *c, const struct order *o, struct key **ret_key, bool *ret_must_staple)
{
	AUTO(buf_done) struct buf der = buf_make(CSR_MAX);
	AUTO(strv_done) struct strv names = {0};
	AUTO(key_freep) struct key *k = NULL;
	const char *b64 = json_str(json_get(c->payload, "csr"));
	struct err e = {0};
	if (!b64)
		return call_problem(c, 400, "malformed", "the string \"csr\" is missing");
	if (codec_b64url_decode(&der, b64, strlen(b64), &e) ||
		issue_csr_read(buf_str(&der), der.n, &names, &k, ret_must_staple, &e)) {
		call_problem(c, 400, "badCSR", "%s", e.msg);
		err_done(&e);
		return -1;
	}
	if (!strv_same_set(&names, &o->names)) {
		AUTO(xfreep) char *asked = strv_join(&names, ", "), *ordered = strv_join(&o->names, ", ");
		return call_problem(
			c, 400, "badCSR", "the request is for %.400s, the order for %.400s", asked, ordered);
	}
	if (key_type(k) == KEY_ED25519)
		return call_problem(c, 400, "badCSR", "Ed25519 keys are not certified here");
	/* RFC 8555 section 11.1: nor is the account's own key. */
	if (key_same_public(k, c->account->key))
		return call_problem(c, 400, "badCSR", "the key is the account's own");
	*ret_key = TAKE(k);
	return 0;
}

static void order_fails(struct call *c, struct order *o, const struct fault *f)
{
	o->error = problem_new(403, f->type ? f->type : "unauthorized", "%s",
		f->detail ? f->detail : "the order fails because a fault was asked for");
	for (size_t i = 0; i < o->n_authzs && (int64_t)i < f->n; i++)
		err_problem_add(o->error, o->authzs[i]->name, o->error->type, o->error->detail);
	c->fault = fault_name(f->kind);
}

int do_finalize(struct call *c)
{
	struct ca *ca = c->ca;
	struct order *o = model_order(&ca->model, c->at.id);
	if (!o)
		return call_problem(c, 404, "malformed", "there is no such order");
	if (o->account != c->account)
		return call_problem(c, 403, "unauthorized", "that order belongs to another account");
	enum status s = order_status(o, ca_now_ms(ca), false);
	if (s != ST_READY)
		return call_problem(c, 403, "orderNotReady", "the order is %s", status_name(s));
	for (size_t i = 0; i < o->n_authzs; i++)
		if (authz_status(o->authzs[i], ca_now_ms(ca), false) != ST_VALID)
			return call_problem(
				c, 403, "orderNotReady", "the authorization of %s is not valid", o->authzs[i]->name);
	if (read_csr(c, o, &o->key, &o->must_staple))
		return -1;
	const struct fault *bad = faults_strike(ca->faults, FAULT_ORDER_INVALID, EP_FINALIZE);
	const struct fault *slow = faults_strike(ca->faults, FAULT_PROCESSING, EP_FINALIZE);
	if (bad)
		order_fails(c, o, bad);
	o->finalized = true;
	o->wait.until_ms = ca_now_ms(ca) + ca->o->order_delay_ms + (slow ? slow->ms : 0);
	o->wait.polls = slow ? slow->n : 0;
	if (slow)
		c->fault = fault_name(FAULT_PROCESSING);
	if (!bad && wait_over(&o->wait, ca_now_ms(ca), false))
		order_issue(ca, o, EP_FINALIZE);
	call_header(c, "Location", "%s%s%llu", ca->base, endpoint_path(EP_ORDER), (unsigned long long)o->id);
	order_reply(c, o, 200);
	return 0;
}

/* --- certificate --- */

static void put_chain(struct call *c, const struct cert *cert, size_t which)
{
	static const enum fault_kind kinds[] = {FAULT_UNORDERED_CHAIN, FAULT_LEAF_ONLY, FAULT_FOREIGN_PEM};
	const struct fault *f = NULL;
	const char *rest = c->ca->authority->issuing_pem[which];
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !f; i++)
		f = faults_strike(c->ca->faults, kinds[i], EP_CERTIFICATE);
	if (f)
		c->fault = fault_name(f->kind);
	if (f && f->kind == FAULT_UNORDERED_CHAIN)
		buf_puts(&c->body, rest);
	buf_puts(&c->body, cert->leaf);
	if (f && f->kind == FAULT_FOREIGN_PEM)
		buf_puts(&c->body, "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n");
	if (!f || f->kind == FAULT_FOREIGN_PEM)
		buf_puts(&c->body, rest);
}

int do_certificate(struct call *c)
{
	const struct cert *cert = model_cert(&c->ca->model, c->at.id);
	if (!cert || c->at.sub >= c->ca->authority->n)
		return call_problem(c, 404, "malformed", "there is no such certificate");
	if (cert->account != c->account)
		return call_problem(c, 403, "unauthorized", "that certificate belongs to another account");
	if (c->payload)
		return call_problem(c, 400, "malformed", "a certificate is read by POST-as-GET");
	for (size_t i = 1; i < c->ca->authority->n && !c->at.sub; i++)
		call_header(c, "Link", "<%s%s%llu/%zu>;rel=\"alternate\"", c->ca->base, endpoint_path(EP_CERTIFICATE),
			(unsigned long long)cert->id, i);
	c->content_type = "application/pem-certificate-chain";
	put_chain(c, cert, c->at.sub);
	return 0;
}

/* --- revokeCert --- */

static struct cert *find_cert(struct call *c)
{
	AUTO(buf_done) struct buf der = buf_make(LEAF_MAX), hex = buf_make(64);
	const char *b64 = json_str(json_get(c->payload, "certificate"));
	struct err e = {0};
	uint8_t hash[32];
	if (!b64 || codec_b64url_decode(&der, b64, strlen(b64), &e)) {
		err_done(&e);
		call_problem(c, 400, "malformed", "\"certificate\" is no base64url string");
		return NULL;
	}
	jose_sha256(buf_str(&der), der.n, hash);
	codec_hex(&hex, hash, sizeof(hash));
	struct cert *cert = map_get(&c->ca->model.by_sha256, buf_str(&hex));
	if (!cert)
		call_problem(c, 404, "malformed", "that certificate is none of ours");
	return cert;
}

/* Whether the account has all the names of the certificate authorized (RFC 8555 section 7.6). */
static bool has_authority(const struct call *c, const struct cert *cert)
{
	const struct account *a = c->account;
	size_t found = 0;
	for (size_t n = 0; n < cert->order->n_authzs; n++) {
		const struct authz *want = cert->order->authzs[n];
		bool ok = false;
		for (size_t i = 0; i < a->n_orders && !ok; i++)
			for (size_t k = 0; k < a->orders[i]->n_authzs && !ok; k++) {
				struct authz *have = a->orders[i]->authzs[k];
				ok = !strcmp(have->name, want->name) && have->wildcard == want->wildcard &&
				     authz_status(have, ca_now_ms(c->ca), false) == ST_VALID;
			}
		found += ok;
	}
	return found == cert->order->n_authzs;
}

static bool may_revoke(const struct call *c, const struct cert *cert)
{
	char print[JOSE_THUMBPRINT_LEN + 1] = "";
	struct err e = {0};
	if (c->account)
		return cert->account == c->account || has_authority(c, cert);
	if (jose_thumbprint(c->key, print, &e))
		err_done(&e);
	return !strcmp(print, cert->thumbprint);
}

int do_revoke_cert(struct call *c)
{
	struct cert *cert = find_cert(c);
	int64_t reason = 0;
	struct err e = {0};
	if (!cert)
		return -1;
	if (!may_revoke(c, cert))
		return call_problem(c, 403, "unauthorized", "that certificate is not yours to revoke");
	if (json_opt_int(c->payload, "reason", 0, &reason, &e) || reason < 0 || reason > 10 || reason == 7) {
		err_done(&e);
		return call_problem(c, 400, "badRevocationReason", "no reason of RFC 5280 that a subscriber can give");
	}
	if (cert->revoked_s)
		return call_problem(c, 400, "alreadyRevoked", "the certificate has been revoked already");
	cert->revoked_s = ca_now_s(c->ca);
	cert->revoked_why = reason;
	c->content_type = NULL;
	return 0;
}

/* --- renewalInfo --- */

int do_renewal_info(struct call *c)
{
	const struct cert *cert = map_get(&c->ca->model.by_ari, c->at.rest);
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	if (!cert)
		return call_problem(c, 404, "malformed", "that certificate is none of ours");
	if (cert->ari_retry_s >= 0)
		call_header(c, "Retry-After", "%lld", (long long)cert->ari_retry_s);
	if (cert->ari) {
		buf_puts(&c->body, cert->ari);
		return 0;
	}
	/* About two thirds of the life; at once when it is revoked. */
	int64_t life = cert->not_after_s - cert->not_before_s, at = cert->not_before_s + life * 2 / 3;
	if (cert->revoked_s)
		at = ca_now_s(c->ca) - 3600;
	clock_rfc3339(at - (cert->revoked_s ? 0 : life / 100), from);
	clock_rfc3339(at + life / 100, to);
	struct json_out w = json_out_make(&c->body);
	json_out_object(&w, NULL);
	json_out_object(&w, "suggestedWindow");
	json_out_str(&w, "start", from);
	json_out_str(&w, "end", to);
	json_out_end_object(&w);
	json_out_end_object(&w);
	return 0;
}
