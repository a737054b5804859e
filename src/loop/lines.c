/* lines.c: a UNIX socket that answers lines. */
#include "loop/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

enum { LINE_MAX_OCTETS = 1 << 20, ANSWER_MAX = 64 << 20 };

struct peer {
	struct lines *s;
	int fd;
	struct loop_fd *watch;
	struct buf in;
	struct buf out;
	size_t out_at;
	TAILQ_ENTRY(peer) link;
};

struct lines {
	struct loop *loop;
	lines_fn fn;
	void *ctx;
	char *path;
	int fd;
	struct loop_fd *watch;
	TAILQ_HEAD(, peer) peers;
};

static void peer_close(struct peer *p)
{
	TAILQ_REMOVE(&p->s->peers, p, link);
	loop_fd_free(p->watch);
	close(p->fd);
	buf_done(&p->in);
	buf_done(&p->out);
	free(p);
}

/* Answers every whole line. */
static void take_lines(struct peer *p)
{
	size_t done = 0;
	for (char *end; done < p->in.n && (end = memchr(p->in.p + done, '\n', p->in.n - done));) {
		size_t n = (size_t)(end - (p->in.p + done));
		if (n) {
			p->s->fn(p->in.p + done, n, &p->out, p->s->ctx);
			buf_putc(&p->out, '\n');
		}
		done += n + 1;
	}
	memmove(p->in.p, p->in.p + done, p->in.n - done);
	p->in.n -= done;
}

/* -1 when the peer is to be closed. */
static int push(struct peer *p)
{
	while (p->out_at < p->out.n) {
		ssize_t n = send(p->fd, p->out.p + p->out_at, p->out.n - p->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			loop_fd_want(p->watch, LOOP_WRITE);
			return 0;
		}
		if (n < 0)
			return -1;
		p->out_at += (size_t)n;
	}
	buf_clear(&p->out);
	p->out_at = 0;
	loop_fd_want(p->watch, LOOP_READ);
	return 0;
}

static void on_peer(unsigned events, void *ctx)
{
	struct peer *p = ctx;
	char chunk[16384];
	if (events & LOOP_READ) {
		ssize_t n = recv(p->fd, chunk, sizeof(chunk), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			buf_put(&p->in, chunk, (size_t)n);
		if (n <= 0 || p->in.bad) {
			peer_close(p);
			return;
		}
		take_lines(p);
	}
	if (push(p))
		peer_close(p);
}

static void on_accept(unsigned events, void *ctx)
{
	struct lines *s = ctx;
	(void)events;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct peer *p = xcalloc(1, sizeof(*p));
	p->s = s;
	p->fd = fd;
	p->in = buf_make(LINE_MAX_OCTETS);
	p->out = buf_make(ANSWER_MAX);
	p->watch = loop_fd_new(s->loop, fd, LOOP_READ, on_peer, p);
	TAILQ_INSERT_TAIL(&s->peers, p, link);
}

static int fill_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(e, ERR_CONFIG, "%s: too long for a socket's path", path);
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

int lines_listen(struct loop *l, const char *path, lines_fn fn, void *ctx, struct lines **ret, struct err *e)
{
	struct sockaddr_un sa;
	if (fill_address(path, &sa, e))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a socket");
	unlink(path);
	/* Nobody connects before it listens, and it has its mode then. */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || chmod(path, S_IRUSR | S_IWUSR) || listen(fd, 16)) {
		err_sys(e, "cannot listen at %s", path);
		close(fd);
		return -1;
	}
	struct lines *s = xcalloc(1, sizeof(*s));
	*s = (struct lines){.loop = l, .fn = fn, .ctx = ctx, .path = xstrdup(path), .fd = fd};
	s->watch = loop_fd_new(l, fd, LOOP_READ, on_accept, s);
	TAILQ_INIT(&s->peers);
	*ret = s;
	return 0;
}

void lines_free(struct lines *s)
{
	if (!s)
		return;
	for (struct peer *p; (p = TAILQ_FIRST(&s->peers));) {
		push(p);
		peer_close(p);
	}
	loop_fd_free(s->watch);
	close(s->fd);
	unlink(s->path);
	free(s->path);
	free(s);
}

/* The connected socket, or -1. */
static int connect_to(const char *path, struct err *e)
{
	static const struct timeval longest = {.tv_sec = 60};
	struct sockaddr_un sa;
	if (fill_address(path, &sa, e))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) &&
		!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	err_sys(e, "cannot talk to %s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

int lines_ask(const char *path, const char *line, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf answer = buf_make(ANSWER_MAX);
	AUTO(xfreep) char *text = xasprintf("%s\n", line);
	char chunk[16384];
	char *end = NULL;
	int fd = connect_to(path, e);
	if (fd < 0)
		return -1;
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (n > 0 && !end && (n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
		buf_put(&answer, chunk, (size_t)n);
		end = memchr(answer.p, '\n', answer.n);
	}
	close(fd);
	if (!end)
		return err_set(e, ERR_SYS, "%s gave no answer", path);
	buf_put(out, answer.p, (size_t)(end - answer.p));
	return 0;
}

bool lines_there(const char *path)
{
	struct err ignored = {0};
	int fd = connect_to(path, &ignored);
	err_done(&ignored);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
