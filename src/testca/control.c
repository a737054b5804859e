/* control.c: the control socket. */
#include "testca/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "testca/ca.h"
#include "testca/command.h"

enum { LINE_MAX_OCTETS = 1 << 20, ANSWER_MAX = 64 << 20 };

struct peer {
	struct control *c;
	int fd;
	struct loop_fd *watch;
	struct buf in;
	struct buf out;
	size_t out_at;
	TAILQ_ENTRY(peer) link;
};

struct control {
	struct ca *ca;
	char *path;
	int fd;
	struct loop_fd *watch;
	TAILQ_HEAD(, peer) peers;
};

static void peer_close(struct peer *p)
{
	TAILQ_REMOVE(&p->c->peers, p, link);
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
			command_run(p->c->ca, p->in.p + done, n, &p->out);
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
	struct control *c = ctx;
	(void)events;
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct peer *p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->fd = fd;
	p->in = buf_make(LINE_MAX_OCTETS);
	p->out = buf_make(ANSWER_MAX);
	p->watch = loop_fd_new(c->ca->loop, fd, LOOP_READ, on_peer, p);
	TAILQ_INSERT_TAIL(&c->peers, p, link);
}

static int fill_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(e, ERR_CONFIG, "%s: too long for a socket's path", path);
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

int control_new(struct ca *ca, const char *path, struct control **ret, struct err *e)
{
	struct sockaddr_un sa;
	if (fill_address(path, &sa, e))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a socket");
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 16)) {
		err_sys(e, "cannot listen at %s", path);
		close(fd);
		return -1;
	}
	struct control *c = xcalloc(1, sizeof(*c));
	c->ca = ca;
	c->path = xstrdup(path);
	c->fd = fd;
	c->watch = loop_fd_new(ca->loop, fd, LOOP_READ, on_accept, c);
	TAILQ_INIT(&c->peers);
	*ret = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (struct peer *p; (p = TAILQ_FIRST(&c->peers));) {
		/* The answer to `stop` may still be on its way. */
		push(p);
		peer_close(p);
	}
	loop_fd_free(c->watch);
	close(c->fd);
	unlink(c->path);
	free(c->path);
	free(c);
}

int control_send(const char *path, const char *line, struct err *e)
{
	AUTO(buf_done) struct buf answer = buf_make(ANSWER_MAX);
	AUTO(xfreep) char *text = xasprintf("%s\n", line);
	struct sockaddr_un sa;
	char chunk[16384];
	ssize_t n = 0;
	if (fill_address(path, &sa, e))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
		send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		err_sys(e, "cannot talk to %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!memchr(buf_str(&answer), '\n', answer.n) && (n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_put(&answer, chunk, (size_t)n);
	close(fd);
	fputs(buf_str(&answer), stdout);
	if (answer.n && strstr(answer.p, "\"ok\":true"))
		return 0;
	return err_set(e, ERR_CONFIG, "the command was refused");
}
