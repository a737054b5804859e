/* account.c: accounts: make, find, read, change, end. */
#include "acme/account.h"

#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"
#include "acme/session.h"
#include "acme/session_internal.h"
#include "acme/url.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "http/http.h"
#include "loop/loop.h"
#include "json/json.h"

enum { MAX_CONTACTS = 16 };

/* One request about an account. */
struct account_op {
	LIST_ENTRY(account_op) link; /* in the session */
	struct acme_session *s;
	struct acme_post *post;
	struct loop_timer *timer;
	acme_account_fn done;
	void *ctx;
	bool registering;
	bool only_existing;
	bool agree_tos;
	bool has_eab;
	struct strv contact;
	char *eab_kid;
	struct buf eab_key;
	char *eab_alg;
	struct key *new_key; /* to change to; else NULL */
	bool ending; /* deactivates */
	struct err refusal; /* of the deactivation, while the CA is asked for the account */
};

void acme_account_done(struct acme_account *a)
{
	free(a->url);
	free(a->status);
	strv_done(&a->contact);
	*a = (struct acme_account){0};
}

static struct account_op *op_new(struct acme_session *s, acme_account_fn done, void *ctx)
{
	struct account_op *o = xcalloc(1, sizeof(*o));
	o->s = s;
	o->done = done;
	o->ctx = ctx;
	o->eab_key = buf_make(BUF_MAX_SMALL_FILE);
	LIST_INSERT_HEAD(&s->accounts, o, link);
	return o;
}

static void on_directory(const struct acme_directory *d, const struct err *failed, void *ctx);

static void op_free(struct account_op *o)
{
	LIST_REMOVE(o, link);
	acme_session_directory_cancel(o->s, on_directory, o);
	acme_post_cancel(o->post);
	loop_timer_free(o->timer);
	strv_done(&o->contact);
	buf_wipe(&o->eab_key);
	free(o->eab_kid);
	free(o->eab_alg);
	key_free(o->new_key);
	err_done(&o->refusal);
	free(o);
}

void session_accounts_drop(struct acme_session *s)
{
	while (!LIST_EMPTY(&s->accounts))
		op_free(LIST_FIRST(&s->accounts));
}

/* Tells the outcome and ends the operation. Takes e's content. */
static void finish(struct account_op *o, const struct acme_account *a, struct err *e)
{
	acme_account_fn done = o->done;
	void *ctx = o->ctx;
	op_free(o);
	done(a, e, ctx);
	if (e)
		err_done(e);
}

static int read_account(const struct http_reply *r, struct acme_account *a, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	const char *status;
	if (json_parse(r->body.p, r->body.n, "account", &doc, e))
		return -1;
	if (!json_is_object(doc))
		return err_set(e, ERR_PROTO, "the reply is JSON, but not an object");
	if (json_opt_str(doc, "status", &status, e) || json_opt_strv(doc, "contact", MAX_CONTACTS, &a->contact, e))
		return -1;
	/* Some private CAs leave the status out. */
	a->status = xstrdup(status ? status : "valid");
	return 0;
}

static int read_location(const struct http_reply *r, const char *origin, struct acme_account *a, struct err *e)
{
	const char *url = http_reply_header(r, "location");
	if (!url)
		return err_set(e, ERR_PROTO, "the reply has no Location, so the account has no URL");
	if (acme_url_check(url, origin, "account URL", e))
		return -1;
	a->url = xstrdup(url);
	return 0;
}

static int take_account(struct account_op *o, const struct http_reply *r, struct acme_account *a, struct err *e)
{
	if (o->registering) {
		if (r->status != 200 && r->status != 201)
			return err_set(e, ERR_PROTO, "status %d, not 200 or 201", r->status);
		if (read_location(r, acme_session_have_directory(o->s)->new_account, a, e))
			return -1;
		a->created = r->status == 201;
	} else {
		a->url = xstrdup(acme_session_account_url(o->s));
	}
	if (read_account(r, a, e))
		return -1;
	if (!o->registering)
		return 0;
	if (strcmp(a->status, "valid")) {
		err_set(e, ERR_POLICY, "account %.300s is %.40s", a->url, a->status);
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		err_hint(e, "make a new account with a new key; its URL differs, so publish its records first");
		return -1;
	}
	acme_session_set_account(o->s, acme_session_key(o->s), a->url);
	return 0;
}

static void explain(const struct account_op *o, struct err *e)
{
	const struct acme_directory *d = acme_session_have_directory(o->s);
	if (acme_problem_is(e, "userActionRequired") && d && d->terms_of_service[0])
		err_hint(e,
			"read the terms of service at %.300s and agree to them: `perdure account register "
			"--agree-tos`",
			d->terms_of_service);
}

/*
 * A CA refuses all requests of an account that is deactivated (RFC 8555 section 7.3.6), also the second one of a
 * deactivation whose answer was lost; but a key that the CA does not know is refused, too. So it is asked for the
 * account of the key.
 */
static bool ask_why(struct account_op *o, const struct err *failed)
{
	if (!o->ending || err_is(&o->refusal) || !acme_problem_is(failed, "unauthorized"))
		return false;
	err_copy(&o->refusal, failed);
	o->only_existing = true;
	acme_session_directory(o->s, on_directory, o);
	return true;
}

/* The answer to that: an account that is not valid, or that it is refused. */
static void finish_ending(struct account_op *o, const struct http_reply *r, const struct err *failed)
{
	struct err e = {0};
	struct acme_account a = {0};
	if (r ? !read_account(r, &a, &e) && strcmp(a.status, "valid") != 0 : acme_problem_is(failed, "unauthorized")) {
		if (!r)
			a.status = xstrdup("deactivated");
		a.url = xstrdup(acme_session_account_url(o->s));
		finish(o, &a, NULL);
	} else {
		err_done(&e);
		err_move(&e, &o->refusal);
		err_ctx(&e, "account");
		finish(o, NULL, &e);
	}
	acme_account_done(&a);
}

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct account_op *o = ctx;
	struct err e = {0};
	struct acme_account a = {0};
	o->post = NULL;
	if (failed && ask_why(o, failed))
		return;
	if (err_is(&o->refusal)) {
		finish_ending(o, r, failed);
		return;
	}
	if (failed) {
		err_copy(&e, failed);
		explain(o, &e);
	} else if (take_account(o, r, &a, &e)) {
		if (e.kind == ERR_PARSE)
			e.kind = ERR_PROTO;
		err_ctx(&e, "%s", acme_session_name(o->s));
	}
	if (err_is(&e)) {
		err_ctx(&e, "account");
		finish(o, NULL, &e);
	} else {
		finish(o, &a, NULL);
	}
	acme_account_done(&a);
}

/* --- newAccount --- */

static int registration(const struct account_op *o, const struct acme_directory *d, struct buf *out, struct err *e)
{
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	if (o->only_existing)
		json_out_bool(&w, "onlyReturnExisting", true);
	if (o->agree_tos)
		json_out_bool(&w, "termsOfServiceAgreed", true);
	if (o->contact.n && !o->only_existing)
		json_out_strv(&w, "contact", &o->contact);
	if (o->has_eab) {
		AUTO(buf_done) struct buf eab = buf_make(BUF_MAX_SMALL_FILE);
		if (jose_eab(acme_session_key(o->s), o->eab_kid, o->eab_key.p, o->eab_key.n,
			    o->eab_alg ? o->eab_alg : "HS256", d->new_account, &eab, e))
			return err_ctx(e, "external account binding");
		json_out_raw(&w, "externalAccountBinding", buf_str(&eab));
	}
	json_out_end_object(&w);
	return buf_check(out, "newAccount request", e);
}

/* --- keyChange --- */

/* The inner JWS, by the new key: that it wants to be the account's in place of the old one. */
static int key_change(const struct account_op *o, const struct acme_directory *d, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf jwk = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(buf_done) struct buf said = buf_make(BUF_MAX_SMALL_FILE);
	struct json_out w = json_out_make(&said);
	if (!d->key_change[0]) {
		err_set(e, ERR_CONFIG, "%s offers no change of the account key", acme_session_name(o->s));
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		return -1;
	}
	if (jose_jwk(acme_session_key(o->s), &jwk, e))
		return -1;
	json_out_object(&w, NULL);
	json_out_str(&w, "account", acme_session_account_url(o->s));
	json_out_raw(&w, "oldKey", buf_str(&jwk));
	json_out_end_object(&w);
	struct jose_request inner = {.url = d->key_change, .payload = buf_str(&said), .payload_n = said.n};
	if (buf_check(&said, "keyChange request", e) || jose_sign(o->new_key, &inner, out, e))
		return -1;
	return buf_check(out, "keyChange request", e);
}

/* The reply's body need not be the account. */
static void on_key_changed(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct account_op *o = ctx;
	struct err e = {0};
	struct acme_account a = {0};
	o->post = NULL;
	if (!r) {
		err_copy(&e, failed);
		err_ctx(&e, "key change");
		finish(o, NULL, &e);
		return;
	}
	a.url = xstrdup(acme_session_account_url(o->s));
	a.status = xstrdup("valid");
	acme_session_set_account(o->s, o->new_key, a.url);
	finish(o, &a, NULL);
	acme_account_done(&a);
}

/* --- with the directory --- */

static void on_directory(const struct acme_directory *d, const struct err *failed, void *ctx)
{
	struct account_op *o = ctx;
	struct err e = {0};
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_SMALL_FILE);
	if (failed)
		err_copy(&e, failed);
	else if (!acme_session_key(o->s))
		err_set(&e, ERR_CONFIG, "there is no account key");
	else if (o->new_key && !key_change(o, d, &body, &e)) {
		o->post =
			acme_session_post(o->s, d->key_change, buf_str(&body), ACME_POST_ONCE, NULL, on_key_changed, o);
		return;
	} else if (!o->new_key && !registration(o, d, &body, &e)) {
		o->post = acme_session_post(o->s, d->new_account, buf_str(&body), ACME_POST_JWK, NULL, on_reply, o);
		return;
	}
	err_ctx(&e, "account");
	finish(o, NULL, &e);
}

void acme_account_register(
	struct acme_session *s, const struct acme_account_request *r, acme_account_fn done, void *ctx)
{
	struct account_op *o = op_new(s, done, ctx);
	o->registering = true;
	o->only_existing = r->only_existing;
	o->agree_tos = r->agree_tos;
	if (r->contact)
		strv_copy(&o->contact, r->contact);
	if (r->eab_kid && !r->only_existing) {
		o->has_eab = true;
		o->eab_kid = xstrdup(r->eab_kid);
		o->eab_alg = r->eab_alg ? xstrdup(r->eab_alg) : NULL;
		buf_put(&o->eab_key, r->eab_key, r->eab_key_n);
	}
	acme_session_directory(s, on_directory, o);
}

void acme_account_change_key(struct acme_session *s, struct key *new_key, acme_account_fn done, void *ctx)
{
	struct account_op *o = op_new(s, done, ctx);
	o->new_key = key_ref(new_key);
	acme_session_directory(s, on_directory, o);
}

/* --- the account's own URL --- */

static void on_no_account(void *ctx)
{
	struct account_op *o = ctx;
	struct err e = {0};
	err_set(&e, ERR_CONFIG, "%s: no account is registered", acme_session_name(o->s));
	err_retry(&e, RETRY_AFTER_OPERATOR, 0);
	err_hint(&e, "run `perdure account register`");
	finish(o, NULL, &e);
}

static void post_to_account(struct account_op *o, const char *payload)
{
	const char *url = acme_session_account_url(o->s);
	if (url) {
		o->post = acme_session_post(o->s, url, payload, 0, NULL, on_reply, o);
		return;
	}
	/* Told from the loop, as every outcome. */
	o->timer = loop_timer_new(acme_session_loop(o->s), on_no_account, o);
	loop_timer_start(o->timer, 0);
}

void acme_account_fetch(struct acme_session *s, acme_account_fn done, void *ctx)
{
	post_to_account(op_new(s, done, ctx), NULL);
}

void acme_account_update(struct acme_session *s, const struct strv *contact, acme_account_fn done, void *ctx)
{
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_SMALL_FILE);
	struct json_out w = json_out_make(&body);
	json_out_object(&w, NULL);
	json_out_strv(&w, "contact", contact);
	json_out_end_object(&w);
	post_to_account(op_new(s, done, ctx), buf_str(&body));
}

void acme_account_deactivate(struct acme_session *s, acme_account_fn done, void *ctx)
{
	struct account_op *o = op_new(s, done, ctx);
	o->ending = true;
	post_to_account(o, "{\"status\":\"deactivated\"}");
}
