/* session.c: one CA as one account: its directory, its nonces, and when a request is worth repeating. */
#include "acme/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "acme/metered.h"
#include "acme/problem.h"
#include "acme/session_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"

enum { DEFAULT_TIMEOUT_MS = 60000, DEFAULT_PATIENCE_MS = 60000, BACKOFF_MIN_MS = 250, BACKOFF_MAX_MS = 8000 };

static void fetch_directory(void *ctx);
static void send_directory(void *ctx);

struct acme_session *acme_session_new(struct loop *l, struct http *h, const struct acme_session_options *o)
{
	struct acme_session *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->http = h;
	s->name = xstrdup(o->name);
	s->directory_url = xstrdup(o->directory_url);
	s->timeout_ms = o->timeout_ms ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
	s->metrics = o->metrics;
	s->patience_ms = o->patience_ms ? o->patience_ms : DEFAULT_PATIENCE_MS;
	s->dir_timer = loop_timer_new(l, fetch_directory, s);
	s->dir_turn = (struct turn){.go = send_directory, .ctx = s};
	turns_init(&s->turns, l, o->requests_per_second);
	return s;
}

void acme_session_free(struct acme_session *s)
{
	if (!s)
		return;
	session_accounts_drop(s);
	assert(!s->posts);
	http_cancel(s->http, s->dir_exchange);
	loop_timer_free(s->dir_timer);
	turns_leave(&s->turns, &s->dir_turn);
	turns_done(&s->turns);
	while (s->waiters)
		acme_session_directory_cancel(s, s->waiters->done, s->waiters->ctx);
	acme_directory_done(&s->dir);
	nonce_pool_done(&s->nonces);
	x509_chain_free(s->chain);
	key_free(s->key);
	free(s->account_url);
	free(s->directory_url);
	free(s->name);
	free(s);
}

void acme_session_set_account(struct acme_session *s, struct key *k, const char *url)
{
	char *copy = url ? xstrdup(url) : NULL;
	struct key *old = s->key;
	s->key = k ? key_ref(k) : NULL;
	key_free(old);
	free(s->account_url);
	s->account_url = copy;
}

const char *acme_session_name(const struct acme_session *s)
{
	return s->name;
}

const char *acme_session_account_url(const struct acme_session *s)
{
	return s->account_url;
}

struct key *acme_session_key(const struct acme_session *s)
{
	return s->key;
}

struct loop *acme_session_loop(const struct acme_session *s)
{
	return s->loop;
}

uint64_t acme_session_requests(const struct acme_session *s)
{
	return s->requests;
}

uint64_t acme_session_bad_nonces(const struct acme_session *s)
{
	return s->bad_nonces;
}

int64_t acme_session_learnt(const struct acme_session *s)
{
	return turns_learnt(&s->turns);
}

void acme_session_put_learnt(struct acme_session *s, int64_t requests_per_second)
{
	s->turns.learnt = requests_per_second;
	s->turns.learnt_at = session_mono(s);
}

int64_t session_wall(const struct acme_session *s)
{
	return clk_wall(loop_clk(s->loop));
}

int64_t session_mono(const struct acme_session *s)
{
	return clk_mono(loop_clk(s->loop));
}

void session_keep_chain(struct acme_session *s, struct x509_chain *c)
{
	x509_chain_free(s->chain);
	s->chain = x509_chain_ref(c);
}

void session_keep_nonce(struct acme_session *s, const struct http_reply *r)
{
	const char *nonce = http_reply_header(r, "replay-nonce");
	if (nonce)
		nonce_pool_put(&s->nonces, nonce, session_mono(s));
}

int64_t session_backoff(unsigned tries)
{
	int64_t ms = tries < 6 ? (int64_t)BACKOFF_MIN_MS << tries : BACKOFF_MAX_MS;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return ms / 2 + (int64_t)random_below((uint64_t)(ms / 2) + 1);
}

/* The server refused to look at the request, so that even one that must not be sent twice may be sent again. */
static bool refused_unread(const struct err *e)
{
	return acme_problem_is(e, "rateLimited") || (e->kind == ERR_HTTP && e->code == 429);
}

static bool is_transient(const struct err *e)
{
	bool answered = e->kind == ERR_ACME || e->kind == ERR_HTTP;
	if (answered)
		return e->code >= 500 || e->code == 408;
	/* A TLS handshake that was cut, not one that we refused. */
	bool away = e->kind == ERR_NET || e->kind == ERR_TIMEOUT || e->kind == ERR_TLS;
	return away && e->retry != RETRY_NEVER && e->retry != RETRY_AFTER_OPERATOR;
}

int64_t session_retry_wait(const struct acme_session *s, const struct err *e, int64_t since, unsigned tries, bool once)
{
	int64_t left = since + s->patience_ms - session_mono(s);
	int64_t wait;
	if (refused_unread(e)) {
		/* Without a Retry-After nobody knows when: asking again at once only spends more of the budget. */
		if (!e->retry_at || e->retry != RETRY_LATER)
			return -1;
		wait = e->retry_at - session_wall(s);
	} else if (is_transient(e) && !once) {
		wait = e->retry_at ? e->retry_at - session_wall(s) : session_backoff(tries);
	} else {
		return -1;
	}
	if (wait < 0)
		wait = 0;
	/* A Retry-After of 0 must not make a tight loop. */
	if (e->retry_at && wait < BACKOFF_MIN_MS)
		wait = session_backoff(tries);
	return wait <= left ? wait : -1;
}

void session_heed(struct acme_session *s, const char *action, const struct err *e)
{
	bool counted_apart = !strcmp(action, "newOrder") || !strcmp(action, "newAccount");
	bool busy = (e->kind == ERR_ACME || e->kind == ERR_HTTP) && e->code == 503;
	bool too_many = refused_unread(e) && (busy || !counted_apart);
	int64_t wait = e->retry_at && e->retry == RETRY_LATER ? e->retry_at - session_wall(s) : 0;
	if (too_many)
		turns_refused(&s->turns);
	if ((busy || too_many) && wait > 0 && wait <= s->patience_ms)
		turns_hold(&s->turns, session_mono(s) + wait);
}

/* --- the directory --- */

/* Tells those who wait now; whoever asks again from its callback waits for the next fetch. */
static void tell_waiters(struct acme_session *s, const struct err *e)
{
	s->telling = s->waiters;
	s->waiters = NULL;
	while (s->telling) {
		struct dir_waiter *w = s->telling;
		s->telling = w->next;
		w->done(e ? NULL : &s->dir, e, w->ctx);
		free(w);
	}
}

static void directory_failed(struct acme_session *s, struct err *e)
{
	err_ctx(e, "%s: directory", s->name);
	tell_waiters(s, e);
	err_done(e);
}

/*
 * By a clock that is days off every certificate looks expired or not valid yet, and orders would be made for nothing.
 * The CA's own idea of the time (RFC 9110 section 6.6.1) is good enough to notice.
 */
static int check_clock(const struct acme_session *s, const struct http_reply *r, struct err *e)
{
	enum { DAY_S = 86400 };
	const char *date = http_reply_header(r, "date");
	struct err unreadable = {0};
	char ours[CLOCK_TEXT_MAX], theirs[CLOCK_TEXT_MAX];
	int64_t said, now = session_wall(s) / 1000;
	if (!date || clock_parse_http_date(date, &said, &unreadable)) {
		err_done(&unreadable);
		return 0;
	}
	if (said - now <= DAY_S && now - said <= DAY_S)
		return 0;
	clock_rfc3339(now, ours);
	clock_rfc3339(said, theirs);
	err_set(e, ERR_CLOCK, "the clock of this machine says %s, the CA's says %s", ours, theirs);
	err_hint(e, "set the clock; nothing is ordered by a wrong one");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static void on_directory(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_session *s = ctx;
	struct err e = {0};
	s->dir_exchange = NULL;
	metered_reply(s, "directory", s->dir_sent_ms, r);
	if (!r) {
		err_copy(&e, failed);
	} else if (r->status != 200) {
		acme_problem_from_reply(r, s->directory_url, session_wall(s), &e);
		session_heed(s, "directory", &e);
	} else {
		session_keep_nonce(s, r);
		/* What others have borrowed stays. */
		if (!check_clock(s, r, &e) &&
			(s->have_dir || !acme_directory_decode(r->body.p, r->body.n, s->directory_url, &s->dir, &e))) {
			s->have_dir = true;
			s->doubts_clock = false;
			tell_waiters(s, NULL);
			return;
		}
	}
	int64_t wait = session_retry_wait(s, &e, s->dir_since, s->dir_tries++, false);
	if (wait >= 0) {
		err_done(&e);
		loop_timer_start(s->dir_timer, wait);
		return;
	}
	directory_failed(s, &e);
}

static void fetch_directory(void *ctx)
{
	struct acme_session *s = ctx;
	struct err e = {0};
	if (s->have_dir && !s->doubts_clock) {
		tell_waiters(s, NULL);
		return;
	}
	if (http_url_check(s->directory_url, "directory URL", &e)) {
		directory_failed(s, &e);
		return;
	}
	if (turns_take(&s->turns, &s->dir_turn))
		send_directory(s);
}

static void send_directory(void *ctx)
{
	struct acme_session *s = ctx;
	struct http_request r = {.method = HTTP_GET, .url = s->directory_url, .timeout_ms = s->timeout_ms};
	s->requests++;
	s->dir_sent_ms = session_mono(s);
	s->dir_exchange = http_send(s->http, &r, on_directory, s);
}

void acme_session_directory(struct acme_session *s, acme_directory_fn done, void *ctx)
{
	struct dir_waiter **end = &s->waiters;
	while (*end)
		end = &(*end)->next;
	bool first = end == &s->waiters;
	*end = xmalloc(sizeof(**end));
	**end = (struct dir_waiter){done, ctx, NULL};
	if (!first || s->dir_exchange || s->dir_turn.waits)
		return;
	s->dir_since = session_mono(s);
	s->dir_tries = 0;
	loop_timer_start(s->dir_timer, 0);
}

void acme_session_doubt_clock(struct acme_session *s)
{
	s->doubts_clock = true;
}

static bool remove_waiter(struct dir_waiter **list, acme_directory_fn done, void *ctx)
{
	for (; *list; list = &(*list)->next)
		if ((*list)->done == done && (*list)->ctx == ctx) {
			struct dir_waiter *w = *list;
			*list = w->next;
			free(w);
			return true;
		}
	return false;
}

void acme_session_directory_cancel(struct acme_session *s, acme_directory_fn done, void *ctx)
{
	if (!remove_waiter(&s->waiters, done, ctx))
		remove_waiter(&s->telling, done, ctx);
}

const struct acme_directory *acme_session_have_directory(const struct acme_session *s)
{
	return s->have_dir ? &s->dir : NULL;
}
