/* flow.c: one order from newOrder to the chain: start, placing and reading the order, and the end. */
#include "acme/flow.h"

#include <stdlib.h>
#include <string.h>

#include "acme/flow_internal.h"
#include "acme/problem.h"
#include "acme/url.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"
#include "json/json.h"

enum { DEFAULT_PATIENCE_MS = 600000, POLL_MIN_MS = 5, POLL_MAX_MS = 10000, MAX_REREADS = 6 };

static void place_order(struct acme_flow *f);
static void on_directory(const struct acme_directory *dir, const struct err *e, void *ctx);

/* --- small things for all files of the flow --- */

void flow_post(struct acme_flow *f, const char *url, const char *payload, unsigned flags, acme_post_fn done)
{
	f->post = acme_session_post(f->s, url, payload, flags, &f->tally, done, f);
}

static void timer_fired(void *ctx)
{
	struct acme_flow *f = ctx;
	f->on_timer(f);
}

void flow_after(struct acme_flow *f, int64_t ms, void (*fn)(struct acme_flow *f))
{
	f->on_timer = fn;
	loop_timer_start(f->timer, ms);
}

int64_t flow_mono(const struct acme_flow *f)
{
	return clk_mono(loop_clk(acme_session_loop(f->s)));
}

static int64_t flow_wall(const struct acme_flow *f)
{
	return clk_wall(loop_clk(acme_session_loop(f->s)));
}

void flow_step(const struct acme_flow *f, const char *what, const struct flow_authz *a)
{
	if (!f->hooks->step)
		return;
	AUTO(xfreep) char *text = a ? xasprintf("%s %s%s", what, a->wildcard ? "*." : "", a->name) : xstrdup(what);
	f->hooks->step(text, f->ctx);
}

void flow_warn(const struct acme_flow *f, struct err *e)
{
	if (f->hooks->warn)
		f->hooks->warn(e, f->ctx);
	err_done(e);
}

void flow_save_error(struct acme_flow *f, const struct err *e)
{
	if (!e) {
		if (f->saved)
			err_done(f->saved);
		free(f->saved);
		f->saved = NULL;
		return;
	}
	if (!f->saved)
		f->saved = xcalloc(1, sizeof(*f->saved));
	err_copy(f->saved, e);
}

void flow_fail(struct acme_flow *f, struct err *e, bool order_lost)
{
	flow_cleanup(f, !order_lost);
	size_t more = f->names.n > 1 ? f->names.n - 1 : 0;
	const char *name = f->names.v[0];
	if (more)
		err_ctx(e, "order for %.253s and %zu more", name, more);
	else
		err_ctx(e, "order for %.253s", name);
	f->hooks->done(NULL, e, order_lost, f->ctx);
	err_done(e);
}

void flow_fail_request(struct acme_flow *f, const struct err *failed, const char *what)
{
	struct err e = {0};
	err_copy(&e, failed);
	bool answered = e.kind == ERR_ACME || e.kind == ERR_HTTP;
	bool gone = answered && (e.code == 404 || e.code == 410);
	if (gone)
		err_retry(&e, RETRY_LATER, 0);
	err_ctx(&e, "%s", what);
	flow_fail(f, &e, gone);
}

void flow_poll_begin(struct acme_flow *f)
{
	f->poll = (struct flow_poll){.since = flow_mono(f)};
}

int flow_poll_wait(struct acme_flow *f, const struct http_reply *r, const char *what, int64_t *ret_ms, struct err *e)
{
	const char *after = r ? http_reply_header(r, "retry-after") : NULL;
	int64_t at = 0, wait, spent = flow_mono(f) - f->poll.since;
	if (after && clock_retry_after(after, flow_wall(f), &at)) {
		wait = at - flow_wall(f);
	} else {
		at = 0;
		wait = f->poll.tries < 11 ? (int64_t)POLL_MIN_MS << f->poll.tries : POLL_MAX_MS;
		f->poll.tries++;
	}
	if (wait < POLL_MIN_MS)
		wait = POLL_MIN_MS;
	if (spent + wait > f->patience_ms) {
		err_set(e, ERR_TIMEOUT, "%s: %s is still not decided after %lld s", acme_session_name(f->s), what,
			(long long)(spent / 1000));
		err_retry(e, RETRY_LATER, at);
		err_hint(e, "the order is kept and goes on at the next run");
		return -1;
	}
	*ret_ms = wait;
	return 0;
}

/* --- the order --- */

int flow_read_order(const struct acme_flow *f, const struct http_reply *r, struct acme_order *ret, struct err *e)
{
	struct acme_order o;
	if (acme_order_decode(r->body.p, r->body.n, f->order_url, &o, e))
		return -1;
	if (!strv_same_set(&o.names, &f->names)) {
		AUTO(xfreep) char *got = strv_join(&o.names, " ");
		err_set(e, ERR_PROTO, "order %.300s is for other names than asked for: %.300s", f->order_url, got);
		acme_order_done(&o);
		return -1;
	}
	*ret = o;
	return 0;
}

static void take_order(struct acme_flow *f, const struct acme_order *o)
{
	free(f->finalize_url);
	f->finalize_url = xstrdup(o->finalize);
	free(f->certificate_url);
	f->certificate_url = o->certificate ? xstrdup(o->certificate) : NULL;
	flow_authzs_done(f);
	f->authzs = xcalloc(o->authzs.n + 1, sizeof(*f->authzs));
	f->n_authzs = o->authzs.n;
	for (size_t i = 0; i < o->authzs.n; i++)
		f->authzs[i] = (struct flow_authz){.url = xstrdup(o->authzs.v[i]), .type = ACME_CHALLENGE_TYPE_N_};
}

void flow_go_on(struct acme_flow *f, struct acme_order *o, const struct http_reply *r)
{
	struct err e = {0};
	enum acme_status status = o->status;
	if (status != ACME_INVALID || !f->all_valid)
		take_order(f, o);
	if (status == ACME_INVALID) {
		flow_collect_reasons(f, o);
		acme_order_done(o);
		return;
	}
	acme_order_done(o);
	flow_save_error(f, NULL);
	switch (status) {
	case ACME_PENDING:
	case ACME_READY:
		flow_walk(f);
		return;
	case ACME_PROCESSING:
		flow_poll_order(f, r);
		return;
	case ACME_VALID:
		flow_download(f);
		return;
	case ACME_INVALID:
	case ACME_DEACTIVATED:
	case ACME_EXPIRED:
	case ACME_REVOKED:
	case ACME_STATUS_N_:
	default:
		break;
	}
	err_set(&e, ERR_ACME, "%s: order %.300s is %s", acme_session_name(f->s), f->order_url,
		acme_status_name(status));
	err_retry(&e, RETRY_LATER, 0);
	flow_fail(f, &e, true);
}

/* The order as it is now; false when that could not be learnt, which has ended the flow. */
static bool order_again(
	struct acme_flow *f, const struct http_reply *r, const struct err *failed, struct acme_order *ret)
{
	struct err e = {0};
	f->post = NULL;
	if (failed) {
		flow_fail_request(f, failed, "reading the order again");
		return false;
	}
	if (flow_read_order(f, r, ret, &e)) {
		err_retry(&e, RETRY_LATER, 0);
		flow_fail(f, &e, false);
		return false;
	}
	return true;
}

/* An order that was kept: whatever it has become meanwhile. */
static void on_kept_order(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct acme_order o;
	struct err e = {0};
	if (!order_again(f, r, failed, &o))
		return;
	bool open = o.status == ACME_PENDING || o.status == ACME_READY;
	if (open && o.expires && o.expires < flow_wall(f) / 1000) {
		char when[CLOCK_TEXT_MAX];
		clock_rfc3339(o.expires, when);
		err_set(&e, ERR_ACME, "%s: order %.300s expired at %s", acme_session_name(f->s), f->order_url, when);
		err_retry(&e, RETRY_LATER, 0);
		acme_order_done(&o);
		flow_fail(f, &e, true);
		return;
	}
	flow_go_on(f, &o, r);
}

/* After a failed finalize: the order's status says what really happened. */
static void on_reread(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct acme_order o;
	struct err e = {0};
	if (!order_again(f, r, failed, &o))
		return;
	bool open = o.status == ACME_PENDING || o.status == ACME_READY;
	bool again = f->saved->retry == RETRY_NOW || f->saved->retry == RETRY_LATER;
	if (open && (!again || f->rereads > MAX_REREADS)) {
		err_move(&e, f->saved);
		/* A request that is refused for its own sake is refused again with this order. */
		bool lost = e.retry == RETRY_NEVER;
		if (e.retry == RETRY_NOW)
			e.retry = RETRY_LATER;
		acme_order_done(&o);
		flow_fail(f, &e, lost);
		return;
	}
	if (o.status == ACME_READY && f->all_valid) {
		acme_order_done(&o);
		f->tally.repeats++;
		flow_finalize(f);
		return;
	}
	flow_go_on(f, &o, r);
}

static void reread(struct acme_flow *f)
{
	f->tally.repeats++;
	flow_post(f, f->order_url, NULL, 0, on_reread);
}

void flow_reread_order(struct acme_flow *f, const struct err *saved)
{
	flow_save_error(f, saved);
	/* A server that is not ready needs a moment, longer each time. */
	int64_t pause = f->rereads ? (int64_t)POLL_MIN_MS << (2 * f->rereads) : 0;
	f->rereads++;
	flow_after(f, pause, reread);
}

/* --- newOrder --- */

static void on_placed(const struct err *failed, void *go_ctx)
{
	struct acme_flow *f = go_ctx;
	struct acme_order o = f->order;
	f->order = (struct acme_order){0};
	if (failed) {
		struct err e = {0};
		acme_order_done(&o);
		err_copy(&e, failed);
		err_ctx(&e, "keeping the order");
		flow_fail(f, &e, false);
		return;
	}
	FAULT("acme-order-kept");
	flow_go_on(f, &o, NULL);
}

/* Whether an order refused so may do better without `replaces`: it is a wish, the certificate is not. */
static bool blames_replaces(const struct err *e)
{
	if (e->kind != ERR_ACME && e->kind != ERR_HTTP)
		return false;
	bool later = e->code == 429 || (e->code == 503 && e->retry_at);
	return !later && !acme_problem_is(e, "rateLimited") && !acme_problem_is(e, "badNonce") &&
	       !acme_problem_is(e, "accountDoesNotExist") && !acme_problem_is(e, "userActionRequired");
}

static int read_new_order(struct acme_flow *f, const struct http_reply *r, struct err *e)
{
	const char *url = http_reply_header(r, "location");
	const struct acme_directory *d = acme_session_have_directory(f->s);
	if (r->status != 200 && r->status != 201)
		return err_set(e, ERR_PROTO, "newOrder answered %d, not 201", r->status);
	if (!url)
		return err_set(e, ERR_PROTO, "the newOrder reply has no Location, so the order has no URL");
	if (acme_url_check(url, d->new_order, "order URL", e))
		return -1;
	free(f->order_url);
	f->order_url = xstrdup(url);
	return flow_read_order(f, r, &f->order, e);
}

/* After an order with `replaces` failed: whether it is placed again, without that or because of a lost answer. */
static bool order_once_more(struct acme_flow *f, const struct err *failed)
{
	enum { WAIT_MAX_MS = 60000 };
	int64_t wait = failed->retry_at - flow_wall(f);
	struct err e = {0};
	if (!f->replaces)
		return false;
	if (blames_replaces(failed)) {
		err_copy(&e, failed);
		err_ctx(&e, "order with `replaces` refused, trying without");
		flow_warn(f, &e);
		xfreep(&f->replaces);
		wait = 0;
	} else if (f->replaces_lost) {
		return false;
	} else if (failed->kind == ERR_NET || failed->kind == ERR_TIMEOUT) {
		f->replaces_lost = true;
		wait = 0;
	} else if (failed->code == 503 && failed->retry_at && wait <= WAIT_MAX_MS) {
		f->replaces_lost = true;
	} else {
		return false;
	}
	f->tally.repeats++;
	flow_after(f, wait > 0 ? wait : 0, place_order);
	return true;
}

static void on_new_order(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct err e = {0};
	f->post = NULL;
	if (failed && order_once_more(f, failed))
		return;
	if (failed) {
		err_copy(&e, failed);
		flow_fail(f, &e, false);
		return;
	}
	if (read_new_order(f, r, &e)) {
		err_ctx(&e, "%s", acme_session_name(f->s));
		err_retry(&e, RETRY_LATER, 0);
		flow_fail(f, &e, false);
		return;
	}
	FAULT("acme-order-placed");
	if (f->hooks->placed)
		f->hooks->placed(f->order_url, on_placed, f, f->ctx);
	else
		on_placed(NULL, f);
}

static void place_order(struct acme_flow *f)
{
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_SMALL_FILE);
	struct json_out w = json_out_make(&body);
	json_out_object(&w, NULL);
	json_out_array(&w, "identifiers");
	for (size_t i = 0; i < f->names.n; i++) {
		json_out_object(&w, NULL);
		json_out_str(&w, "type", "dns");
		json_out_str(&w, "value", f->names.v[i]);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	if (f->profile)
		json_out_str(&w, "profile", f->profile);
	if (f->replaces)
		json_out_str(&w, "replaces", f->replaces);
	json_out_end_object(&w);
	flow_step(f, "order", NULL);
	/* With `replaces` a 5xx is an answer: at least one server fails so for good (a serial with a leading zero). */
	bool once = f->replaces && !f->replaces_lost;
	const struct acme_directory *d = acme_session_have_directory(f->s);
	flow_post(f, d->new_order, buf_str(&body), once ? ACME_POST_ONCE : 0, on_new_order);
}

/* --- start and end --- */

static void on_directory(const struct acme_directory *dir, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct err e = {0};
	if (failed) {
		err_copy(&e, failed);
		flow_fail(f, &e, false);
		return;
	}
	if (!acme_session_account_url(f->s)) {
		err_set(&e, ERR_CONFIG, "%s: no account is registered", acme_session_name(f->s));
		err_retry(&e, RETRY_AFTER_OPERATOR, 0);
		err_hint(&e, "run `perdure account register`");
		flow_fail(f, &e, false);
		return;
	}
	if (!f->order_url) {
		/* A CA without renewalInfo need not know the member (RFC 9773 section 5). */
		if (!dir->renewal_info[0])
			xfreep(&f->replaces);
		place_order(f);
		return;
	}
	if (acme_url_check(f->order_url, dir->new_order, "order URL", &e)) {
		err_retry(&e, RETRY_LATER, 0);
		flow_fail(f, &e, true);
		return;
	}
	flow_step(f, "order", NULL);
	flow_post(f, f->order_url, NULL, 0, on_kept_order);
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct acme_flow *acme_flow_start(const struct acme_flow_request *r, const struct acme_flow_hooks *hooks, void *ctx)
{
	struct acme_flow *f = xcalloc(1, sizeof(*f));
	f->s = r->session;
	f->hooks = hooks;
	f->ctx = ctx;
	strv_copy(&f->names, r->names);
	f->profile = dup_or_null(r->profile);
	f->replaces = dup_or_null(r->replaces);
	f->order_url = dup_or_null(r->order_url);
	f->csr = codec_b64url_str(r->csr_der, r->csr_n);
	f->spki_sha256 = xstrdup(r->spki_sha256);
	f->preferred_chain = dup_or_null(r->preferred_chain);
	f->level = r->level;
	f->account_uri_any = r->account_uri_any;
	f->patience_ms = r->patience_ms ? r->patience_ms : DEFAULT_PATIENCE_MS;
	f->timer = loop_timer_new(acme_session_loop(f->s), timer_fired, f);
	acme_session_directory(f->s, on_directory, f);
	return f;
}

unsigned acme_flow_requests(const struct acme_flow *f)
{
	return f->tally.requests;
}

unsigned acme_flow_repeats(const struct acme_flow *f)
{
	return f->tally.repeats;
}

void acme_flow_free(struct acme_flow *f)
{
	if (!f)
		return;
	acme_session_directory_cancel(f->s, on_directory, f);
	acme_post_cancel(f->post);
	flow_chain_forget(f);
	loop_timer_free(f->timer);
	flow_save_error(f, NULL);
	flow_authzs_done(f);
	acme_order_done(&f->order);
	x509_chain_free(f->chain);
	strv_done(&f->alternates);
	strv_done(&f->names);
	free(f->profile);
	free(f->replaces);
	free(f->order_url);
	free(f->csr);
	free(f->spki_sha256);
	free(f->preferred_chain);
	free(f->finalize_url);
	free(f->certificate_url);
	free(f);
}
