/* fuzz_httpd.c: any octets sent to the HTTP server that everybody reaches, in pieces that the first octets choose: each
 * connection gets a whole answer, or none, and the server takes the next one. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/httpd.h"
#include "loop/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

struct client {
	struct loop *l;
	int fd;
	struct loop_fd *watch;
	struct buf got;
	bool ended;
};

static void on_octets(unsigned events, void *ctx)
{
	struct client *c = ctx;
	char piece[4096];
	(void)events;
	ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n > 0) {
		buf_put(&c->got, piece, (size_t)n);
		return;
	}
	c->ended = true;
	loop_fd_want(c->watch, 0);
	loop_stop(c->l);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* What is asked for is known, or it is not. */
static const char *content(const char *path, void *ctx)
{
	(void)ctx;
	must(*path == '/' && !strpbrk(path, " \r\n"));
	return strlen(path) % 2 ? "content" : NULL;
}

/* The server, which all inputs share. */
static struct {
	struct loop *l;
	struct httpd *h;
	struct sockaddr_un address;
	socklen_t n;
} server;

static void begin(void)
{
	struct err e = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	server.address.sun_family = AF_UNIX;
	server.n = sizeof(server.address);
	/* The kernel finds a name. */
	must(!bind(fd, (const struct sockaddr *)&server.address, sizeof(server.address.sun_family)));
	must(!getsockname(fd, (struct sockaddr *)&server.address, &server.n) && !listen(fd, 4));
	must(!loop_new(clk_real(), &server.l, &e));
	server.h = httpd_new(server.l, fd, "text/plain", 10000, content, NULL);
}

static int connected(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && !connect(fd, (const struct sockaddr *)&server.address, server.n));
	return fd;
}

/* One connection; a turn of the loop after each piece. */
static void talk(const uint8_t *data, size_t size, size_t piece)
{
	struct loop *l = server.l;
	int fd = connected();
	struct client c = {.l = l, .fd = fd, .got = buf_make(1 << 20)};
	struct loop_timer *pause = loop_timer_new(l, stop, l);
	struct err e = {0};
	c.watch = loop_fd_new(l, fd, LOOP_READ, on_octets, &c);
	for (size_t at = 0; at < size && !c.ended; at += piece) {
		if (send(fd, data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		loop_timer_start(pause, 0);
		must(!loop_run(l, &e));
	}
	shutdown(fd, SHUT_WR);
	while (!c.ended)
		must(!loop_run(l, &e));
	must(!c.got.n || (!strncmp(c.got.p, "HTTP/1.1 ", 9) && strstr(c.got.p, "\r\n\r\n")));
	loop_fd_free(c.watch);
	loop_timer_free(pause);
	buf_done(&c.got);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "GET /abcd HTTP/1.1\r\n\r\n";
	if (!size || size > 32768)
		return 0;
	if (!server.l)
		begin();
	talk(data + 1, size - 1, 1 + 32 * (size_t)data[0]);
	talk((const uint8_t *)good, sizeof(good) - 1, sizeof(good));
	return 0;
}
