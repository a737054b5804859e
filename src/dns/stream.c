/* stream.c: one DNS server over TCP, question after question. */
#include "dns/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "loop/loop.h"

TAILQ_HEAD(stream_calls, stream_call);

struct stream {
	struct loop *loop;
	struct addr addr;
	const struct tsig_key *key;
	int64_t timeout_ms;
	struct stream_calls calls; /* the first one is at work when the connection is used */
	int fd;
	bool connected; /* a whole answer has come over this connection */
	struct loop_fd *watch;
	struct loop_timer *timer; /* the time-out; begins the next call, too */
	uint8_t *in; /* 2 + UINT16_MAX octets */
	size_t in_n;
};

struct stream_call {
	struct stream *s;
	TAILQ_ENTRY(stream_call) link;
	uint8_t *msg; /* without signature */
	size_t n;
	bool started;
	bool again; /* sent a second time, because the kept connection was closed */
	uint8_t *out; /* signed, with its length */
	size_t out_n;
	size_t sent;
	struct tsig tsig;
	stream_fn fn;
	bool (*last)(const uint8_t *p, size_t n, void *ctx);
	void *ctx;
};

static void disconnect(struct stream *s)
{
	loop_fd_free(s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->in_n = 0;
	s->connected = false;
}

static void call_free(struct stream_call *c)
{
	TAILQ_REMOVE(&c->s->calls, c, link);
	tsig_done(&c->tsig);
	free(c->msg);
	free(c->out);
	free(c);
}

/* The next call begins in a turn of its own. A connection that nobody uses is not watched: it keeps no loop running. */
static void next(struct stream *s)
{
	const struct stream_call *c = TAILQ_FIRST(&s->calls);
	if (c && c->started)
		return;
	if (s->watch)
		loop_fd_want(s->watch, 0);
	if (c)
		loop_timer_start(s->timer, 0);
	else
		loop_timer_stop(s->timer);
}

/* The call at work is over. */
static void finish(struct stream *s, const struct stream_answer *a)
{
	struct stream_call *c = TAILQ_FIRST(&s->calls);
	stream_fn fn = c->fn;
	void *ctx = c->ctx;
	call_free(c);
	loop_timer_stop(s->timer);
	fn(a, ctx);
	next(s);
}

static void failed(struct stream *s, struct err *e)
{
	disconnect(s);
	err_retry(e, RETRY_LATER, 0);
	finish(s, &(struct stream_answer){.status = STREAM_FAILED, .e = e});
	err_done(e);
}

static void start(struct stream *s);

/* A server may close a kept connection at any time; the question is asked again over a new one, once. */
static bool try_again(struct stream *s)
{
	struct stream_call *c = TAILQ_FIRST(&s->calls);
	if (!s->connected || c->again)
		return false;
	disconnect(s);
	c->again = true;
	c->started = false;
	start(s);
	return true;
}

static void broken(struct stream *s, const char *what, int err)
{
	struct err e = {0};
	const char *text = err ? strerrordesc_np(err) : NULL;
	if (try_again(s))
		return;
	err_set(&e, ERR_NET, "%s: %s%s%s", s->addr.text, what, text ? ": " : "", text ? text : "");
	failed(s, &e);
}

/* --- receiving --- */

static int64_t now_secs(const struct stream *s)
{
	return clk_wall(loop_clk(s->loop)) / 1000;
}

static void tsig_words(const struct stream *s, enum tsig_result r, int64_t seconds, struct err *e)
{
	const char *key = s->key ? s->key->name : "";
	long long off = seconds < 0 ? -(long long)seconds : (long long)seconds;
	const char *side = seconds < 0 ? "behind" : "ahead of";
	switch (r) {
	case TSIG_UNSIGNED:
		err_set(e, ERR_DNS, "%s: the answer is not signed with the TSIG key %s", s->addr.text, key);
		break;
	case TSIG_STALE:
		err_set(e, ERR_DNS, "%s: the answer was signed %lld s %s our time", s->addr.text, off, side);
		break;
	case TSIG_BAD_SIG:
		err_set(e, ERR_DNS, "%s: BADSIG: it has another secret for the TSIG key %s", s->addr.text, key);
		break;
	case TSIG_BAD_KEY:
		err_set(e, ERR_DNS, "%s: BADKEY: it does not accept the TSIG key %s (%s) for this", s->addr.text, key,
			s->key ? tsig_algorithm_name(s->key->hash) : "");
		break;
	case TSIG_BAD_TIME:
		err_set(e, ERR_DNS, "%s: BADTIME: its clock is %lld s %s ours", s->addr.text, off, side);
		break;
	case TSIG_BAD_TRUNC:
		err_set(e, ERR_DNS, "%s: BADTRUNC: it wants longer signatures", s->addr.text);
		break;
	case TSIG_WRONG:
	case TSIG_GOOD:
		err_set(e, ERR_DNS, "%s: the signature of the answer does not fit", s->addr.text);
		break;
	}
}

/* A whole message. False when the connection is to be read no further now. */
static bool take(struct stream *s, uint8_t *p, size_t n)
{
	struct stream_call *c = TAILQ_FIRST(&s->calls);
	struct stream_answer a = {.status = STREAM_MESSAGE, .p = p, .n = n};
	struct err e = {0};
	if (n < MESSAGE_HEADER || memcmp(p, c->msg, 2) != 0 || !(p[2] & 0x80)) {
		err_set(&e, ERR_PROTO, "%s: an answer that is not to our question", s->addr.text);
		failed(s, &e);
		return false;
	}
	s->connected = true;
	bool last = !c->last || c->last(p, n, c->ctx);
	if (s->key)
		a.tsig = tsig_check(&c->tsig, p, &a.n, last, now_secs(s), &a.seconds);
	a.e = &e;
	if (a.tsig != TSIG_GOOD) {
		a.status = STREAM_TSIG;
		tsig_words(s, a.tsig, a.seconds, &e);
	}
	if (a.tsig == TSIG_GOOD && !last) {
		loop_timer_start(s->timer, s->timeout_ms);
		if (c->fn(&a, c->ctx))
			return true;
		/* The rest of a transfer that nobody wants: only closing stops it. */
		call_free(c);
		disconnect(s);
		next(s);
		return false;
	}
	finish(s, &a);
	err_done(&e);
	return s->fd >= 0 && !TAILQ_EMPTY(&s->calls) && TAILQ_FIRST(&s->calls)->started;
}

/* Takes the whole messages out of what has come. */
static void take_all(struct stream *s)
{
	size_t at = 0;
	while (s->in_n - at >= 2) {
		size_t n = (size_t)(s->in[at] << 8 | s->in[at + 1]);
		if (s->in_n - at - 2 < n)
			break;
		if (!take(s, s->in + at + 2, n)) {
			/* What is left belongs to nobody: the connection cannot be used for the next. */
			if (s->fd >= 0 && s->in_n > at + 2 + n)
				disconnect(s);
			s->in_n = 0;
			return;
		}
		at += 2 + n;
	}
	memmove(s->in, s->in + at, s->in_n - at);
	s->in_n -= at;
}

static void on_readable(struct stream *s)
{
	ssize_t got = recv(s->fd, s->in + s->in_n, 2 + UINT16_MAX - s->in_n, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		broken(s, got ? "the TCP connection broke" : "the TCP connection was closed without an answer",
			got ? errno : 0);
		return;
	}
	s->in_n += (size_t)got;
	take_all(s);
}

/* --- sending --- */

static void on_writable(struct stream *s)
{
	struct stream_call *c = TAILQ_FIRST(&s->calls);
	ssize_t put = send(s->fd, c->out + c->sent, c->out_n - c->sent, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		broken(s, "no TCP connection", errno);
		return;
	}
	c->sent += (size_t)put;
	if (c->sent == c->out_n)
		loop_fd_want(s->watch, LOOP_READ);
}

static void on_ready(unsigned events, void *ctx)
{
	struct stream *s = ctx;
	const struct stream_call *c = TAILQ_FIRST(&s->calls);
	if (events & LOOP_READ)
		on_readable(s);
	else if (c->sent < c->out_n)
		on_writable(s);
}

static int prepare(struct stream_call *c, struct err *e)
{
	const struct stream *s = c->s;
	size_t cap = c->n + TSIG_OCTETS_MAX, n = c->n;
	free(c->out);
	c->out = xmalloc(2 + cap);
	memcpy(c->out + 2, c->msg, n);
	if (s->key) {
		tsig_done(&c->tsig);
		tsig_init(&c->tsig, s->key);
		if (tsig_sign(&c->tsig, c->out + 2, &n, cap, now_secs(s), e))
			return -1;
	}
	if (n > UINT16_MAX)
		return err_set(e, ERR_LIMIT, "a DNS message of %zu octets", n);
	c->out[0] = (uint8_t)(n >> 8);
	c->out[1] = (uint8_t)n;
	c->out_n = n + 2;
	c->sent = 0;
	return 0;
}

static int connect_to(struct stream *s)
{
	s->fd = socket(s->addr.u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || (connect(s->fd, &s->addr.u.sa, s->addr.len) && errno != EINPROGRESS))
		return -1;
	s->watch = loop_fd_new(s->loop, s->fd, LOOP_WRITE, on_ready, s);
	return 0;
}

static void start(struct stream *s)
{
	struct stream_call *c = TAILQ_FIRST(&s->calls);
	struct err e = {0};
	c->started = true;
	loop_timer_start(s->timer, s->timeout_ms);
	if (prepare(c, &e)) {
		failed(s, &e);
		return;
	}
	if (s->fd >= 0) {
		loop_fd_want(s->watch, LOOP_READ | LOOP_WRITE);
		return;
	}
	if (connect_to(s)) {
		int err = errno;
		broken(s, "no TCP connection", err);
	}
}

static void on_timer(void *ctx)
{
	struct stream *s = ctx;
	struct err e = {0};
	if (!TAILQ_FIRST(&s->calls)->started) {
		start(s);
		return;
	}
	err_set(&e, ERR_TIMEOUT, "%s: no answer over TCP within %.1f s", s->addr.text, (double)s->timeout_ms / 1000);
	failed(s, &e);
}

/* --- the calls --- */

struct stream *stream_new(struct loop *l, const struct addr *addr, const struct tsig_key *key, int64_t timeout_ms)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	*s = (struct stream){.loop = l, .addr = *addr, .key = key, .timeout_ms = timeout_ms, .fd = -1};
	TAILQ_INIT(&s->calls);
	s->timer = loop_timer_new(l, on_timer, s);
	s->in = xmalloc(2 + UINT16_MAX);
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	for (struct stream_call *c; (c = TAILQ_FIRST(&s->calls));)
		call_free(c);
	disconnect(s);
	loop_timer_free(s->timer);
	free(s->in);
	free(s);
}

struct stream_call *stream_ask(struct stream *s, const uint8_t *msg, size_t n, stream_fn fn,
	bool (*last)(const uint8_t *p, size_t n, void *ctx), void *ctx)
{
	struct stream_call *c = xcalloc(1, sizeof(*c));
	bool idle = TAILQ_EMPTY(&s->calls);
	*c = (struct stream_call){.s = s, .n = n, .fn = fn, .last = last, .ctx = ctx};
	c->msg = xmemdup(msg, n);
	TAILQ_INSERT_TAIL(&s->calls, c, link);
	if (idle)
		loop_timer_start(s->timer, 0);
	return c;
}

void stream_cancel(struct stream_call *c)
{
	if (!c)
		return;
	struct stream *s = c->s;
	bool at_work = c->started;
	call_free(c);
	if (!at_work)
		return;
	/* Its answer may still come: not over this connection. */
	disconnect(s);
	loop_timer_stop(s->timer);
	next(s);
}

int stream_query(uint8_t out[static 512], const char *name, uint16_t type, size_t *ret_n, struct err *e)
{
	uint16_t id;
	random_octets(&id, sizeof(id));
	return message_query(out, name, type, id, 0, ret_n, e);
}
