/* httpd.c: a very small HTTP/1.1 server. */
#include "loop/httpd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "loop/loop.h"

/* What a peer sends after its request is read and thrown away, so that the answer is not lost by a reset; but not for
 * ever. */
enum { PIECE = 4096, REST_MAX = 64 << 10, ANSWER_MAX = 64 << 10 };

struct peer {
	struct httpd *h;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *timer;
	struct buf in, out;
	size_t out_at;
	size_t rest; /* octets thrown away */
	bool answered;
	TAILQ_ENTRY(peer) link;
};

struct httpd {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	const char *type;
	int64_t patience_ms;
	httpd_fn fn;
	void *ctx;
	size_t n;
	TAILQ_HEAD(, peer) peers; /* the oldest first */
};

static void peer_close(struct peer *p)
{
	TAILQ_REMOVE(&p->h->peers, p, link);
	p->h->n--;
	loop_fd_free(p->watch);
	loop_timer_free(p->timer);
	close(p->fd);
	buf_done(&p->in);
	buf_done(&p->out);
	free(p);
}

static void too_late(void *ctx)
{
	peer_close(ctx);
}

/* -1 when the peer is to be closed. */
static int push(struct peer *p)
{
	while (p->out_at < p->out.n) {
		ssize_t n = send(p->fd, p->out.p + p->out_at, p->out.n - p->out_at, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			loop_fd_want(p->watch, LOOP_READ | LOOP_WRITE);
			return 0;
		}
		if (n < 0)
			return -1;
		p->out_at += (size_t)n;
	}
	loop_fd_want(p->watch, LOOP_READ);
	return shutdown(p->fd, SHUT_WR);
}

static void answer(struct peer *p, const char *status, const char *type, const char *body, bool with_body)
{
	p->answered = true;
	buf_printf(&p->out,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		"Connection: close\r\n\r\n%s",
		status, type, strlen(body), with_body ? body : "");
}

/* The path of a request line "METHOD TARGET HTTP/1.x", NULL when it is none. Cuts the line up. A CR alone ends no line,
 * and is no part of one (RFC 9112 section 2.2). */
static char *take_path(char *line, const char **ret_method)
{
	char *rest = line;
	const char *method = strsep(&rest, " ");
	char *target = strsep(&rest, " ");
	if (!target || !rest || strpbrk(target, "\r\n") || strncmp(rest, "HTTP/1.", 7) != 0 || strlen(rest) != 8)
		return NULL;
	*ret_method = method;
	if (!strncasecmp(target, "http://", 7))
		target = strchr(target + 7, '/');
	return target && *target == '/' ? target : NULL;
}

/* The whole header is here. */
static void take_request(struct peer *p)
{
	const char *method = "", *content = NULL;
	char *end = strstr(p->in.p, "\r\n");
	if (end)
		*end = 0;
	const char *path = end ? take_path(p->in.p, &method) : NULL;
	bool head = !strcmp(method, "HEAD");
	if (!path) {
		answer(p, "400 Bad Request", "text/plain", "bad request\n", true);
		return;
	}
	if (head || !strcmp(method, "GET"))
		content = p->h->fn(path, p->h->ctx);
	if (content)
		answer(p, "200 OK", p->h->type, content, !head);
	else
		answer(p, "404 Not Found", "text/plain", "not found\n", !head);
}

/* -1 when the peer is to be closed. */
static int take(struct peer *p, const char *piece, size_t n)
{
	if (p->answered) {
		p->rest += n;
		return p->rest > REST_MAX ? -1 : 0;
	}
	buf_put(&p->in, piece, n);
	if (p->in.bad)
		answer(p, "431 Request Header Fields Too Large", "text/plain", "too large\n", true);
	else if (memmem(p->in.p, p->in.n, "\r\n\r\n", 4))
		take_request(p);
	return p->answered ? push(p) : 0;
}

static void on_peer(unsigned events, void *ctx)
{
	struct peer *p = ctx;
	char piece[PIECE];
	bool end = false;
	if (events & LOOP_READ) {
		ssize_t n = recv(p->fd, piece, sizeof(piece), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		end = n <= 0 || take(p, piece, (size_t)n);
	} else if (p->answered) {
		end = push(p) != 0;
	}
	if (end)
		peer_close(p);
}

static void on_accept(unsigned events, void *ctx)
{
	struct httpd *h = ctx;
	(void)events;
	int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (h->n == HTTPD_CONNECTIONS_MAX)
		peer_close(TAILQ_FIRST(&h->peers));
	struct peer *p = xcalloc(1, sizeof(*p));
	*p = (struct peer){.h = h, .fd = fd, .in = buf_make(HTTPD_REQUEST_MAX), .out = buf_make(ANSWER_MAX)};
	p->watch = loop_fd_new(h->loop, fd, LOOP_READ, on_peer, p);
	p->timer = loop_timer_new(h->loop, too_late, p);
	loop_timer_start(p->timer, h->patience_ms);
	TAILQ_INSERT_TAIL(&h->peers, p, link);
	h->n++;
}

struct httpd *httpd_new(struct loop *l, int fd, const char *type, int64_t patience_ms, httpd_fn fn, void *ctx)
{
	struct httpd *h = xcalloc(1, sizeof(*h));
	*h = (struct httpd){.loop = l, .fd = fd, .type = type, .patience_ms = patience_ms, .fn = fn, .ctx = ctx};
	TAILQ_INIT(&h->peers);
	h->watch = loop_fd_new(l, fd, LOOP_READ, on_accept, h);
	return h;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	while (!TAILQ_EMPTY(&h->peers))
		peer_close(TAILQ_FIRST(&h->peers));
	loop_fd_free(h->watch);
	free(h);
}
