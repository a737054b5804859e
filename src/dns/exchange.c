/* exchange.c: one question to one address, over UDP and TCP. Who may ask when is peer.c's business. */
#include "dns/exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "dns/exchange_priv.h"
#include "dns/port.h"
#include "loop/loop.h"

enum {
	UDP_TRIES = 2,
};

static int64_t now_ms(const struct exchanger *s)
{
	return clk_mono(loop_clk(s->loop));
}

/* --- the end of an exchange --- */

static void close_socket(struct exchange *x)
{
	port_leave(x);
	loop_fd_free(x->watch);
	x->watch = NULL;
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}

static void release(struct exchange *x)
{
	close_socket(x);
	loop_timer_free(x->timer);
	free(x->in);
	free(x->name);
	free(x);
}

static void deliver(struct exchange *x, const struct exchange_reply *r)
{
	x->delivering = true;
	for (struct exchange_wait *w; (w = TAILQ_FIRST(&x->waits));) {
		TAILQ_REMOVE(&x->waits, w, link);
		w->x = NULL;
		w->fn(r, w->ctx);
	}
	release(x);
}

static void answered(struct exchange *x, const struct message *m, bool tcp)
{
	int64_t now = now_ms(x->s);
	struct exchange_reply r = {
		.status = EXCHANGE_ANSWER, .msg = m, .text = "", .tcp = tcp, .rtt_ms = now - x->sent_at};
	close_socket(x);
	peer_leave(x, false, now);
	deliver(x, &r);
}

/* The end itself comes on the loop's next turn: whoever asks, or makes room for the next, is never called back from it.
 */
static void failed(struct exchange *x, enum exchange_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void failed(struct exchange *x, enum exchange_status status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(x->text, sizeof(x->text), fmt, ap);
	va_end(ap);
	close_socket(x);
	x->status = status;
	x->over_tcp = x->state == EXCHANGE_TCP;
	x->state = EXCHANGE_ENDING;
	loop_timer_start(x->timer, 0);
}

static void failed_end(struct exchange *x)
{
	int64_t now = now_ms(x->s);
	struct exchange_reply r = {
		.status = x->status, .text = x->text, .tcp = x->over_tcp, .rtt_ms = now - x->sent_at};
	/* Only a wait that took its time counts as silence: what fails at once costs nothing to ask again. And silence
	 * over TCP after an answer over UDP says nothing about the address as a whole. */
	bool in_vain = x->status == EXCHANGE_TIMEOUT || x->status == EXCHANGE_UNREACHABLE;
	bool silent = in_vain && !x->over_tcp && now - x->sent_at >= x->s->timeout_ms / 2;
	peer_leave(x, silent, now);
	deliver(x, &r);
}

static bool is_unreachable(int err)
{
	return err == ENETUNREACH || err == EHOSTUNREACH || err == ECONNREFUSED || err == EADDRNOTAVAIL ||
	       err == EAFNOSUPPORT || err == ENETDOWN || err == EHOSTDOWN || err == EACCES || err == EPERM ||
	       err == EINVAL || err == ETIMEDOUT || err == ECONNRESET || err == EPIPE;
}

static void failed_errno(struct exchange *x, const char *what, int err)
{
	const char *text = strerrordesc_np(err);
	x->s->v6_works |= err == ECONNREFUSED && addr_is_v6(&x->addr);
	failed(x, is_unreachable(err) ? EXCHANGE_UNREACHABLE : EXCHANGE_BROKEN, "%s: %s", what,
		text ? text : "unknown error");
}

/* --- reading an answer --- */

bool exchange_is_ours(const struct exchange *x, const uint8_t *p, size_t n)
{
	if (n < MESSAGE_HEADER || p[0] != x->query[0] || p[1] != x->query[1] || !(p[2] & 0x80))
		return false;
	/* A server that did not understand the query may leave the question out (RFC 1035 section 4.1.1). */
	if (p[4] == 0 && p[5] == 0)
		return (p[3] & 15) != MESSAGE_NOERROR && (p[3] & 15) != MESSAGE_NXDOMAIN;
	size_t q = x->query_n - MESSAGE_HEADER - (x->edns ? 11 : 0);
	if (p[4] != 0 || p[5] != 1 || n - MESSAGE_HEADER < q)
		return false;
	const uint8_t *a = p + MESSAGE_HEADER, *b = x->query + MESSAGE_HEADER;
	for (size_t i = 0; i < q; i++) {
		unsigned ca = a[i], cb = b[i];
		if (ca - 'A' < 26)
			ca += 32;
		if (cb - 'A' < 26)
			cb += 32;
		if (ca != cb)
			return false;
	}
	return true;
}

static void udp_try(struct exchange *x);
static void tcp_try(struct exchange *x);

static void begin(struct exchange *x)
{
	if (x->flags & EXCHANGE_OVER_TCP)
		tcp_try(x);
	else
		udp_try(x);
}

/* Reads a packet that is ours; the exchange ends or takes another way. */
static void take_packet(struct exchange *x, const uint8_t *p, size_t n, bool tcp)
{
	unsigned rcode = p[3] & 15;
	peer_heard(x, now_ms(x->s));
	if (x->edns && (rcode == MESSAGE_FORMERR || rcode == MESSAGE_NOTIMP)) {
		/* RFC 6891 section 7: perhaps it is the OPT record that was not understood. */
		x->edns = false;
		x->tries = 0;
		begin(x);
		return;
	}
	if (!tcp && (p[2] & 2)) {
		tcp_try(x);
		return;
	}
	if (p[2] & 2) {
		/* What is missing might be the record: this says nothing about the name. */
		failed(x, EXCHANGE_BROKEN, "an answer that is cut off, over TCP too");
		return;
	}
	struct message m;
	struct err e = {0};
	if (message_decode(p, n, &m, &e)) {
		failed(x, EXCHANGE_BROKEN, "a damaged answer: %.150s", e.msg);
		err_done(&e);
		return;
	}
	answered(x, &m, tcp);
	message_done(&m);
}

/* --- UDP --- */

void exchange_packet(struct exchange *x, const uint8_t *p, size_t n, bool cut)
{
	port_leave(x);
	if (cut)
		tcp_try(x);
	else
		take_packet(x, p, n, false);
}

void exchange_lost(struct exchange *x, int err)
{
	failed_errno(x, "no answer over UDP", err);
}

void exchange_mistrust(struct exchange *x)
{
	tcp_try(x);
}

static int open_tcp(struct exchange *x)
{
	close_socket(x);
	x->fd = socket(x->addr.u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return -1;
	return connect(x->fd, &x->addr.u.sa, x->addr.len);
}

static int make_query(struct exchange *x, uint16_t id)
{
	struct err e = {0};
	unsigned flags = (x->flags & EXCHANGE_RD ? MESSAGE_RD : 0U) | (x->edns ? MESSAGE_EDNS : 0U) |
			 (x->edns && x->flags & EXCHANGE_DO ? MESSAGE_DO : 0U);
	if (!message_query(x->query, x->name, x->type, id, flags, &x->query_n, &e))
		return 0;
	failed(x, EXCHANGE_BROKEN, "%.180s", e.msg);
	err_done(&e);
	return -1;
}

static void udp_try(struct exchange *x)
{
	x->state = EXCHANGE_UDP;
	close_socket(x);
	if (make_query(x, 0))
		return;
	if (port_send(x, x->tries > 0)) {
		failed_errno(x, "cannot be asked", errno);
		return;
	}
	/* The second try waits half as long again: the first answer may only have been slow. */
	loop_timer_start(x->timer, x->tries ? x->s->timeout_ms * 3 / 2 : x->s->timeout_ms);
	x->tries++;
}

/* --- TCP --- */

static const char *tcp_lost(const struct exchange *x)
{
	return x->flags & EXCHANGE_OVER_TCP ? "no TCP connection" : "no TCP connection after a truncated answer";
}

static void tcp_write(struct exchange *x)
{
	uint8_t out[2 + MESSAGE_QUERY_MAX];
	out[0] = (uint8_t)(x->query_n >> 8);
	out[1] = (uint8_t)x->query_n;
	memcpy(out + 2, x->query, x->query_n);
	size_t total = x->query_n + 2;
	ssize_t put = send(x->fd, out + x->out_n, total - x->out_n, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		failed_errno(x, tcp_lost(x), errno);
		return;
	}
	x->out_n += (size_t)put;
	if (x->out_n == total)
		loop_fd_want(x->watch, LOOP_READ);
}

static void tcp_complete(struct exchange *x)
{
	if (!exchange_is_ours(x, x->in, x->in_n)) {
		failed(x, EXCHANGE_BROKEN, "the answer over TCP is not to our question");
		return;
	}
	take_packet(x, x->in, x->in_n, true);
}

static void tcp_read(struct exchange *x)
{
	/* First the two octets of the length, then as many octets as they say: at most 64 KiB. */
	for (;;) {
		uint8_t *to = x->in ? x->in + x->in_n : x->prefix + x->in_n;
		size_t want = x->in ? x->in_want - x->in_n : sizeof(x->prefix) - x->in_n;
		ssize_t got = recv(x->fd, to, want, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN))
			return;
		if (got < 0) {
			failed_errno(x, "the TCP connection broke", errno);
			return;
		}
		if (got == 0) {
			failed(x, EXCHANGE_BROKEN, "the TCP connection was closed before the answer's end");
			return;
		}
		x->in_n += (size_t)got;
		if (x->in_n < (x->in ? x->in_want : sizeof(x->prefix)))
			continue;
		if (x->in) {
			tcp_complete(x);
			return;
		}
		x->in_want = (size_t)(x->prefix[0] << 8 | x->prefix[1]);
		if (x->in_want < MESSAGE_HEADER) {
			failed(x, EXCHANGE_BROKEN, "an answer of %zu octets over TCP", x->in_want);
			return;
		}
		x->in = xmalloc(x->in_want);
		x->in_n = 0;
	}
}

static void tcp_ready(unsigned events, void *ctx)
{
	struct exchange *x = ctx;
	if (x->out_n < x->query_n + 2)
		tcp_write(x);
	else if (events & LOOP_READ)
		tcp_read(x);
}

static void tcp_try(struct exchange *x)
{
	x->state = EXCHANGE_TCP;
	peer_charge(x, now_ms(x->s));
	uint16_t id;
	random_octets(&id, sizeof(id));
	if (make_query(x, id))
		return;
	free(x->in);
	x->in = NULL;
	x->in_n = x->out_n = 0;
	if (open_tcp(x) && errno != EINPROGRESS) {
		failed_errno(x, tcp_lost(x), errno);
		return;
	}
	x->watch = loop_fd_new(x->s->loop, x->fd, LOOP_WRITE, tcp_ready, x);
	loop_timer_start(x->timer, x->s->timeout_ms * 3 / 2);
}

/* --- begin, end --- */

static void timed_out(void *ctx)
{
	struct exchange *x = ctx;
	if (x->state == EXCHANGE_ENDING) {
		failed_end(x);
		return;
	}
	if (x->state == EXCHANGE_UDP)
		peer_unheard(x, now_ms(x->s));
	if (x->state == EXCHANGE_UDP && x->tries < UDP_TRIES) {
		peer_charge(x, now_ms(x->s));
		udp_try(x);
		return;
	}
	failed(x, EXCHANGE_TIMEOUT, "no answer over %s within %.1f s", x->state == EXCHANGE_TCP ? "TCP" : "UDP",
		(double)(now_ms(x->s) - x->sent_at) / 1000);
}

void exchange_start(struct exchange *x)
{
	x->sent_at = now_ms(x->s);
	begin(x);
}

void exchange_refuse(struct exchange *x)
{
	x->sent_at = now_ms(x->s);
	failed(x, EXCHANGE_TIMEOUT, "gave no answer to other questions a moment ago, not asked again yet");
}

void exchange_ask(struct exchanger *s, const struct addr *addr, const char *name, uint16_t type, unsigned flags,
	struct exchange_wait *w)
{
	struct peer *p = peer_get(s, addr);
	struct exchange *x = peer_find(s, p, name, type, flags);
	if (!x) {
		x = xcalloc(1, sizeof(*x));
		x->s = s;
		x->peer = p;
		x->fd = -1;
		x->addr = *addr;
		x->name = xstrdup(name);
		x->type = type;
		x->flags = flags;
		x->hash = peer_hash(name, type, flags);
		x->edns = true;
		x->timer = loop_timer_new(s->loop, timed_out, x);
		TAILQ_INIT(&x->waits);
		peer_join(x, now_ms(s));
	}
	w->x = x;
	TAILQ_INSERT_TAIL(&x->waits, w, link);
}

void exchange_cancel(struct exchange_wait *w)
{
	struct exchange *x = w->x;
	if (!x)
		return;
	TAILQ_REMOVE(&x->waits, w, link);
	w->x = NULL;
	if (!TAILQ_EMPTY(&x->waits) || x->delivering)
		return;
	close_socket(x);
	/* Given up after a try had timed out: that is silence, too. */
	peer_leave(x, x->state == EXCHANGE_UDP && x->tries > 1, now_ms(x->s));
	release(x);
}

void exchange_drop(struct exchange *x)
{
	for (struct exchange_wait *w; (w = TAILQ_FIRST(&x->waits));) {
		TAILQ_REMOVE(&x->waits, w, link);
		w->x = NULL;
	}
	release(x);
}
