/* web.c: the HTTPS server: connections, and getting replies out of the house. Reading requests is webparse.c's. */
#include "testca/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/tlsserver.h"
#include "loop/loop.h"
#include "testca/webparse.h"

enum { READ_OCTETS = 32 << 10, OUT_MAX = 64 << 20, ENDLESS_CHUNK = 16 << 10, BACKLOG = 1024 };

struct web_conn {
	struct web *web;
	int fd;
	struct tls_conn *tls; /* NULL for one that is not met politely */
	enum web_greeting greeting;
	struct loop_fd *watch;
	struct loop_timer *timer; /* NULL until a reply is to be late or slow */
	TAILQ_ENTRY(web_conn) link;
	struct buf in;
	struct buf out;
	size_t out_at;
	size_t allowed; /* WEB_DRIP: octets that may be out by now */
	size_t used; /* octets of `in` that the request in work takes */
	struct web_request rq;
	enum web_delivery delivery;
	int64_t drip_ms;
	bool busy; /* a request waits for its reply */
	bool delayed; /* the reply is there and waits for its time */
	bool close_after; /* what is in `out` is the last */
	bool head_only; /* HEAD */
	bool turning; /* conn_turn() is at work below us */
	bool dead; /* closed, but the request still waits for its reply */
};

struct web {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	uint16_t port;
	web_greet_fn greet;
	web_fn fn;
	void *ctx;
	uint64_t accepted;
	size_t open;
	TAILQ_HEAD(, web_conn) conns;
	char scratch[READ_OCTETS];
};

static void conn_turn(struct web_conn *c);

/* --- the end of a connection --- */

static void conn_release(struct web_conn *c)
{
	TAILQ_REMOVE(&c->web->conns, c, link);
	buf_done(&c->in);
	buf_done(&c->out);
	loop_timer_free(c->timer);
	free(c);
}

/* Only the socket's end: whoever has a pointer to c goes on with it, then releases it. */
static void conn_close(struct web_conn *c, bool polite)
{
	if (c->dead)
		return;
	c->dead = true;
	c->web->open--;
	loop_fd_free(c->watch);
	c->watch = NULL;
	tls_conn_free(c->tls, polite);
	c->tls = NULL;
	close(c->fd);
	c->fd = -1;
	c->rq.cut = true;
}

/* --- replies --- */

const char *web_reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{200, "OK"},
		{201, "Created"},
		{204, "No Content"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "Status";
}

/* Clients compare their clocks with it. */
static void put_date(struct buf *o)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	buf_puts(o, text);
}

static void write_reply(struct web_conn *c, const struct web_reply *r)
{
	struct buf *o = &c->out;
	bool no_body = r->status == 204 || c->head_only;
	buf_printf(o, "HTTP/1.1 %d %s\r\n", r->status, web_reason(r->status));
	put_date(o);
	if (r->content_type)
		buf_printf(o, "Content-Type: %s\r\n", r->content_type);
	if (r->delivery == WEB_ENDLESS)
		buf_puts(o, "Transfer-Encoding: chunked\r\n");
	else if (r->status != 204)
		buf_printf(o, "Content-Length: %zu\r\n", r->body_n);
	if (c->close_after)
		buf_puts(o, "Connection: close\r\n");
	if (r->headers)
		buf_puts(o, r->headers);
	buf_puts(o, "\r\n");
	if (no_body)
		return;
	if (r->delivery == WEB_ENDLESS && r->body_n)
		buf_printf(o, "%zx\r\n", r->body_n);
	buf_put(o, r->body, r->delivery == WEB_SHORT ? r->body_n / 2 : r->body_n);
	if (r->delivery == WEB_ENDLESS && r->body_n)
		buf_puts(o, "\r\n");
}

static void on_timer(void *ctx)
{
	struct web_conn *c = ctx;
	c->delayed = false;
	if (c->delivery == WEB_DRIP && c->allowed < c->out.n) {
		c->allowed++;
		loop_timer_start(c->timer, c->drip_ms);
	}
	conn_turn(c);
}

static void want_timer(struct web_conn *c, int64_t ms)
{
	if (!c->timer)
		c->timer = loop_timer_new(c->web->loop, on_timer, c);
	loop_timer_start(c->timer, ms);
}

void web_reply(struct web_request *r, const struct web_reply *reply)
{
	struct web_conn *c = r->conn;
	c->busy = false;
	if (c->dead) {
		if (!c->turning)
			conn_release(c);
		return;
	}
	c->delivery = reply->delivery;
	c->drip_ms = reply->drip_ms;
	c->allowed = 0;
	if (reply->delivery == WEB_SHORT || reply->delivery == WEB_CUT)
		c->close_after = true;
	if (reply->delivery != WEB_CUT)
		write_reply(c, reply);
	if (reply->delay_ms > 0 || reply->delivery == WEB_DRIP) {
		c->delayed = reply->delay_ms > 0;
		want_timer(c, reply->delay_ms > 0 ? reply->delay_ms : reply->drip_ms);
	}
	if (!c->turning)
		conn_turn(c);
}

/* --- the turns of a connection --- */

/* The request in work is done with: what came behind it moves to the front. */
static void next_request(struct web_conn *c)
{
	c->in.n -= c->used;
	if (c->in.n)
		memmove(c->in.p, c->in.p + c->used, c->in.n);
	c->used = 0;
	buf_clear(&c->out);
	c->out_at = 0;
}

static void refuse(struct web_conn *c, int status)
{
	struct web_reply r = {.status = status, .body = ""};
	c->close_after = true;
	c->head_only = false;
	c->delivery = WEB_WHOLE;
	write_reply(c, &r);
}

/* Whether there was a request to hand out, or one to refuse. */
static bool take_request(struct web_conn *c)
{
	struct webparse p;
	if (!c->in.n)
		return false;
	int status = webparse(&c->in, &p);
	if (status < 0)
		return false;
	if (status) {
		refuse(c, status);
		return true;
	}
	c->used = p.total;
	c->close_after = p.close;
	c->head_only = !strcmp(p.method, "HEAD");
	c->rq = (struct web_request){.conn = c,
		.method = p.method,
		.path = p.path,
		.query = p.query,
		.content_type = p.content_type,
		.body = p.body,
		.body_n = p.body_n};
	c->busy = true;
	c->web->fn(&c->rq, c->web->ctx);
	return true;
}

static void wait_for(struct web_conn *c, ssize_t why)
{
	if (why == TLS_WANT_READ)
		loop_fd_want(c->watch, LOOP_READ);
	else if (why == TLS_WANT_WRITE)
		loop_fd_want(c->watch, LOOP_WRITE);
	else
		conn_close(c, why == TLS_CLOSED);
}

/* Reads once; whether something came. */
static bool fill(struct web_conn *c)
{
	ssize_t n = tls_conn_read(c->tls, c->web->scratch, sizeof(c->web->scratch));
	if (n <= 0) {
		wait_for(c, n);
		return false;
	}
	buf_put(&c->in, c->web->scratch, (size_t)n);
	return true;
}

/* Writes what may be written; whether all of it went. */
static bool flush(struct web_conn *c)
{
	while (c->out_at < c->out.n) {
		size_t end = c->delivery == WEB_DRIP ? c->allowed : c->out.n;
		if (c->out_at >= end) {
			/* The timer goes on; the client's goodbye is to be heard meanwhile. */
			if (fill(c))
				loop_fd_want(c->watch, 0);
			return false;
		}
		ssize_t n = tls_conn_write(c->tls, c->out.p + c->out_at, end - c->out_at);
		if (n <= 0) {
			wait_for(c, n);
			return false;
		}
		c->out_at += (size_t)n;
	}
	return true;
}

static void more_for_ever(struct web_conn *c)
{
	char spaces[1024];
	memset(spaces, ' ', sizeof(spaces));
	buf_clear(&c->out);
	c->out_at = 0;
	buf_printf(&c->out, "%x\r\n", (unsigned)ENDLESS_CHUNK);
	for (size_t i = 0; i < ENDLESS_CHUNK / sizeof(spaces); i++)
		buf_put(&c->out, spaces, sizeof(spaces));
	buf_puts(&c->out, "\r\n");
}

/* What is to be done now, one step; false when there is nothing but waiting. */
static bool conn_step(struct web_conn *c)
{
	if (c->busy) {
		/* Nothing is read: the request points into what was. */
		loop_fd_want(c->watch, 0);
		return false;
	}
	if (c->delayed) {
		/* Nothing is expected from the client; it may go away. */
		if (fill(c))
			loop_fd_want(c->watch, 0);
		return false;
	}
	if (c->out.n || c->close_after) {
		bool abrupt = c->delivery == WEB_CUT || c->delivery == WEB_SHORT;
		if (!flush(c))
			return false;
		if (c->close_after) {
			conn_close(c, !abrupt);
			return false;
		}
		if (c->delivery == WEB_ENDLESS && !c->head_only)
			more_for_ever(c);
		else
			next_request(c);
		return true;
	}
	return take_request(c) || fill(c);
}

static void conn_turn(struct web_conn *c)
{
	c->turning = true;
	while (!c->dead && conn_step(c))
		;
	c->turning = false;
	if (c->dead && !c->busy)
		conn_release(c);
}

/* One without TLS: what the client says is not listened to. */
static void impolite_turn(struct web_conn *c)
{
	static const char begun[] = "\x16\x03\x03\x00\x7a\x02";
	ssize_t n = read(c->fd, c->web->scratch, sizeof(c->web->scratch));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && c->greeting == WEB_SILENT)
		return;
	if (n > 0 && send(c->fd, begun, sizeof(begun) - 1, MSG_NOSIGNAL) < 0)
		n = 0; /* it is closed in any case */
	conn_close(c, false);
	conn_release(c);
}

static void on_conn(unsigned events, void *ctx)
{
	struct web_conn *c = ctx;
	(void)events;
	if (c->tls)
		conn_turn(c);
	else
		impolite_turn(c);
}

/* --- listening --- */

static void on_accept(unsigned events, void *ctx)
{
	struct web *w = ctx;
	(void)events;
	for (;;) {
		int one = 1, fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct err e = {0};
		struct tls_server *server;
		struct tls_conn *tls = NULL;
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		enum web_greeting greeting = w->greet(&server, w->ctx);
		if (greeting == WEB_POLITE && tls_conn_new(server, fd, &tls, &e)) {
			err_done(&e);
			close(fd);
			continue;
		}
		struct web_conn *c = xcalloc(1, sizeof(*c));
		c->web = w;
		c->fd = fd;
		c->tls = tls;
		c->greeting = greeting;
		c->in = buf_make(WEBPARSE_HEAD_MAX + WEBPARSE_BODY_MAX + READ_OCTETS);
		c->out = buf_make(OUT_MAX);
		c->watch = loop_fd_new(w->loop, fd, LOOP_READ, on_conn, c);
		TAILQ_INSERT_TAIL(&w->conns, c, link);
		w->accepted++;
		w->open++;
	}
}

static int fill_address(
	const char *address, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_n, struct err *e)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*ret_n = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*ret_n = sizeof(*in6);
		return 0;
	}
	return err_set(e, ERR_CONFIG, "\"%s\" is no IP address to listen on", address);
}

int web_new(struct loop *l, const char *address, uint16_t port, web_greet_fn greet, web_fn fn, void *ctx,
	struct web **ret, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n;
	int one = 1;
	if (fill_address(address, port, &sa, &n, e))
		return -1;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, n) || listen(fd, BACKLOG) || getsockname(fd, (struct sockaddr *)&sa, &n)) {
		err_sys(e, "cannot listen on %s port %u", address, (unsigned)port);
		close(fd);
		return -1;
	}
	struct web *w = xcalloc(1, sizeof(*w));
	w->loop = l;
	w->fd = fd;
	w->greet = greet;
	w->fn = fn;
	w->ctx = ctx;
	w->port = ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
						: ((struct sockaddr_in6 *)&sa)->sin6_port);
	TAILQ_INIT(&w->conns);
	w->watch = loop_fd_new(l, fd, LOOP_READ, on_accept, w);
	*ret = w;
	return 0;
}

uint16_t web_port(const struct web *w)
{
	return w->port;
}

uint64_t web_connections(const struct web *w)
{
	return w->accepted;
}

size_t web_open(const struct web *w)
{
	return w->open;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	for (struct web_conn *c; (c = TAILQ_FIRST(&w->conns));) {
		conn_close(c, false);
		conn_release(c);
	}
	loop_fd_free(w->watch);
	close(w->fd);
	free(w);
}
