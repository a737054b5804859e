/* post.c: one signed request of a session, with its nonce and its repetitions (RFC 8555 sections 6.2 to 6.6). */
#include <stdlib.h>
#include <string.h>

#include "acme/metered.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "acme/session_internal.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "http/http.h"
#include "loop/loop.h"

/* With every second nonce refused one request in 2^30 still fails. */
enum { MAX_BAD_NONCES = 30 };

struct acme_post {
	struct acme_session *s;
	char *url;
	char *payload; /* NULL for a POST-as-GET */
	unsigned flags;
	struct acme_tally *tally;
	acme_post_fn done;
	void *ctx;
	struct http_exchange *exchange;
	struct loop_timer *timer;
	struct turn turn;
	struct err *failed; /* to be told when the timer fires */
	int64_t since;
	int64_t sent_ms;
	unsigned tries;
	unsigned bad_nonces;
	bool repeating; /* the next request repeats one */
};

static void post_send(struct acme_post *p);
static void on_directory(const struct acme_directory *dir, const struct err *e, void *ctx);

static void post_free(struct acme_post *p)
{
	p->s->posts--;
	turns_leave(&p->s->turns, &p->turn);
	acme_session_directory_cancel(p->s, on_directory, p);
	http_cancel(p->s->http, p->exchange);
	loop_timer_free(p->timer);
	if (p->failed)
		err_done(p->failed);
	free(p->failed);
	free(p->url);
	free(p->payload);
	free(p);
}

void acme_post_cancel(struct acme_post *p)
{
	if (p)
		post_free(p);
}

static void finish(struct acme_post *p, const struct http_reply *reply, const struct err *e)
{
	acme_post_fn done = p->done;
	void *ctx = p->ctx;
	post_free(p);
	done(reply, e, ctx);
}

static void on_timer(void *ctx)
{
	struct acme_post *p = ctx;
	if (!p->failed) {
		post_send(p);
		return;
	}
	struct err e = {0};
	err_move(&e, p->failed);
	finish(p, NULL, &e);
	err_done(&e);
}

static void start_timer(struct acme_post *p, int64_t ms)
{
	if (!p->timer)
		p->timer = loop_timer_new(p->s->loop, on_timer, p);
	loop_timer_start(p->timer, ms);
}

/* Ends it from the loop, so that no callback comes from inside a call of ours. Takes e's content. */
static void fail_later(struct acme_post *p, struct err *e)
{
	p->failed = xcalloc(1, sizeof(*p->failed));
	err_move(p->failed, e);
	start_timer(p, 0);
}

/* After a failure: again after a pause, or the end. Takes e's content; no callback comes while it works. */
static void retry_or_fail(struct acme_post *p, struct err *e, bool once)
{
	int64_t wait = session_retry_wait(p->s, e, p->since, p->tries, once);
	if (wait < 0) {
		err_ctx(e, "%s", p->s->name);
		fail_later(p, e);
		return;
	}
	err_done(e);
	p->tries++;
	p->repeating = true;
	start_timer(p, wait);
}

static void count(struct acme_post *p, bool repeat)
{
	p->s->requests++;
	if (!p->tally)
		return;
	p->tally->requests++;
	if (repeat)
		p->tally->repeats++;
}

/* --- the nonce --- */

static void on_nonce(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_post *p = ctx;
	struct err e = {0};
	p->exchange = NULL;
	metered_reply(p->s, "newNonce", p->sent_ms, r);
	if (!r) {
		err_copy(&e, failed);
	} else if (r->status < 200 || r->status > 299) {
		acme_problem_from_reply(r, p->s->dir.new_nonce, session_wall(p->s), &e);
		session_heed(p->s, "newNonce", &e);
	} else {
		session_keep_nonce(p->s, r);
		if (p->s->nonces.n) {
			post_send(p);
			return;
		}
		err_set(&e, ERR_PROTO, "%.300s answered without a usable Replay-Nonce", p->s->dir.new_nonce);
	}
	err_ctx(&e, "nonce");
	retry_or_fail(p, &e, false);
}

static void on_directory(const struct acme_directory *dir, const struct err *e, void *ctx)
{
	struct acme_post *p = ctx;
	if (dir) {
		post_send(p);
		return;
	}
	struct err copy = {0};
	err_copy(&copy, e);
	fail_later(p, &copy);
}

static void fetch_nonce(struct acme_post *p)
{
	if (!p->s->have_dir) {
		acme_session_directory(p->s, on_directory, p);
		return;
	}
	struct http_request r = {.method = HTTP_HEAD, .url = p->s->dir.new_nonce, .timeout_ms = p->s->timeout_ms};
	/* The first nonce is not the order's: everybody needs one. */
	if (p->tally && !p->tally->requests)
		p->s->requests++;
	else
		count(p, false);
	p->sent_ms = session_mono(p->s);
	p->exchange = http_send(p->s->http, &r, on_nonce, p);
}

/* --- the request --- */

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_post *p = ctx;
	struct err e = {0};
	p->exchange = NULL;
	const char *action = metered_action(p->s, p->url, p->payload, p->flags);
	metered_reply(p->s, action, p->sent_ms, r);
	if (r)
		session_keep_nonce(p->s, r);
	if (r && r->status >= 200 && r->status <= 299) {
		finish(p, r, NULL);
		return;
	}
	if (!r) {
		err_copy(&e, failed);
	} else {
		acme_problem_from_reply(r, p->url, session_wall(p->s), &e);
		session_heed(p->s, action, &e);
	}
	if (acme_problem_is(&e, "badNonce") && p->bad_nonces < MAX_BAD_NONCES) {
		err_done(&e);
		p->bad_nonces++;
		p->s->bad_nonces++;
		p->repeating = true;
		post_send(p);
		return;
	}
	retry_or_fail(p, &e, p->flags & ACME_POST_ONCE);
}

static int sign(const struct acme_post *p, const char *nonce, struct buf *out, struct err *e)
{
	if (!p->s->key)
		return err_set(e, ERR_CONFIG, "there is no account key to sign with");
	struct jose_request r = {
		.url = p->url,
		.nonce = nonce,
		.kid = p->flags & ACME_POST_JWK ? NULL : p->s->account_url,
		.payload = p->payload ? p->payload : "",
		.payload_n = p->payload ? strlen(p->payload) : 0,
	};
	if (jose_sign(p->s->key, &r, out, e))
		return -1;
	return buf_check(out, "signed request", e);
}

/* It has its turn: the request is sent, or that for the nonce it needs. */
static void post_go(struct acme_post *p)
{
	struct err e = {0};
	AUTO(xfreep) char *nonce = nonce_pool_take(&p->s->nonces, session_mono(p->s));
	if (!nonce) {
		fetch_nonce(p);
		return;
	}
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_HTTP_BODY);
	if (sign(p, nonce, &body, &e)) {
		err_ctx(&e, "%s: request for %.300s", p->s->name, p->url);
		fail_later(p, &e);
		return;
	}
	struct http_request r = {
		.method = HTTP_POST,
		.url = p->url,
		.content_type = "application/jose+json",
		.accept = p->flags & ACME_POST_PEM ? "application/pem-certificate-chain" : NULL,
		.body = body.p,
		.body_n = body.n,
		.timeout_ms = p->s->timeout_ms,
	};
	count(p, p->repeating);
	p->repeating = false;
	p->sent_ms = session_mono(p->s);
	p->exchange = http_send(p->s->http, &r, on_reply, p);
}

static void on_turn(void *ctx)
{
	struct acme_post *p = ctx;
	p->since += session_mono(p->s) - p->turn.since; /* no patience is lost by waiting in line */
	post_go(p);
}

static void post_send(struct acme_post *p)
{
	if (!p->s->have_dir && !p->s->nonces.n)
		acme_session_directory(p->s, on_directory, p);
	else if (turns_take(&p->s->turns, &p->turn))
		post_go(p);
}

struct acme_post *acme_session_post(struct acme_session *s, const char *url, const char *payload, unsigned flags,
	struct acme_tally *tally, acme_post_fn done, void *ctx)
{
	struct acme_post *p = xcalloc(1, sizeof(*p));
	p->s = s;
	p->url = xstrdup(url);
	p->payload = payload ? xstrdup(payload) : NULL;
	p->flags = flags;
	p->tally = tally;
	p->done = done;
	p->ctx = ctx;
	p->turn = (struct turn){.go = on_turn, .ctx = p};
	p->since = session_mono(s);
	s->posts++;
	post_send(p);
	return p;
}
