/* httplisten.c: the socket for http-01, and the process that answers there. */
#include "inventory/httplisten.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/addr.h"
#include "inventory/httpchild.h"
#include "loop/loop.h"

enum { PORT = 80, BACKLOG = 64, FIRST_PASSED_FD = 3, ORDERS_MAX = 16 << 20 };

struct httplisten {
	int fd; /* listens */
	int orders; /* to the process */
	pid_t pid; /* 0 before there is one */
	struct loop_fd *watch;
	struct buf out, in;
	size_t asked, done; /* lines; the process says one more, when it is ready */
	httplisten_fn changed;
	void *ctx;
};

/* --- the socket --- */

/* The descriptor of the name among those that were handed over, or of the first. */
static int passed_fd(const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	if (!pid || !fds || strtol(pid, NULL, 10) != getpid())
		return -1;
	long n = strtol(fds, NULL, 10);
	if (n < 1)
		return -1;
	AUTO(xfreep) char *copy = xstrdup(names ? names : "");
	char *rest = copy;
	for (int i = 0; i < n && rest; i++)
		if (!strcmp(strsep(&rest, ":"), name))
			return FIRST_PASSED_FD + i;
	return FIRST_PASSED_FD;
}

static int take_passed(struct httplisten *h, struct err *e)
{
	int fd = passed_fd("http"), listens = 0;
	socklen_t n = sizeof(listens);
	if (fd < 0) {
		err_set(e, ERR_CONFIG, "http.listen is systemd, but systemd has handed over no socket");
		err_hint(e, "run it as a unit with a socket unit of its own (docs/http.md)");
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) || !listens)
		return err_set(e, ERR_CONFIG, "what systemd has handed over is no socket that listens");
	h->fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PASSED_FD);
	if (h->fd < 0 || fcntl(h->fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_sys(e, "cannot take the socket of systemd");
	return 0;
}

static int cannot_listen(const char *where, struct err *e)
{
	int why = errno;
	err_sys(e, "cannot listen at %s for http-01", where);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	if (why == EACCES)
		err_hint(e, "start it as root, with CAP_NET_BIND_SERVICE, or with a socket of systemd (docs/http.md)");
	if (why == EADDRINUSE)
		err_hint(e, "a web server there can serve the files itself: http: {webroot: DIRECTORY}");
	return -1;
}

static int bind_socket(struct httplisten *h, const char *where, struct err *e)
{
	static const int on = 1;
	struct addr a;
	if (addr_parse(where, PORT, &a, e))
		return -1;
	h->fd = socket(a.u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->fd < 0 || setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(h->fd, &a.u.sa, a.len) ||
		listen(h->fd, BACKLOG))
		return cannot_listen(where, e);
	return 0;
}

/* --- the process --- */

static int spawn(struct httplisten *h, const char *user, struct err *e)
{
	AUTO(xfreep) char *name = xstrdup(HTTPCHILD_NAME), *who = xstrdup(user);
	char *argv[] = {name, who, NULL}, *env[] = {NULL};
	int pair[2];
	posix_spawn_file_actions_t files;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, "cannot make a socket");
	h->orders = pair[0];
	/* Out of the way of the numbers they get there. */
	int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, FIRST_PASSED_FD + 1);
	int listens = fcntl(h->fd, F_DUPFD_CLOEXEC, FIRST_PASSED_FD + 1);
	close(pair[1]);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, theirs, HTTPCHILD_ORDERS_FD);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, listens, HTTPCHILD_LISTEN_FD);
	int r = theirs < 0 || listens < 0 ? EMFILE : posix_spawn(&h->pid, "/proc/self/exe", &files, NULL, argv, env);
	posix_spawn_file_actions_destroy(&files);
	if (theirs >= 0)
		close(theirs);
	if (listens >= 0)
		close(listens);
	if (!r && !fcntl(h->orders, F_SETFL, O_NONBLOCK))
		return 0;
	errno = r ? r : errno;
	return err_sys(e, "cannot start the process that answers for http-01");
}

static void broken(struct httplisten *h, const char *why)
{
	struct err e = {0};
	loop_fd_want(h->watch, 0);
	err_set(&e, ERR_SYS, "the process that answers for http-01: %s", why);
	err_retry(&e, RETRY_LATER, 0);
	h->changed(&e, h->ctx);
	err_done(&e);
}

/* Whatever is not "ok" is why it ends. */
static void take_answers(struct httplisten *h)
{
	size_t from = 0;
	for (char *end; from < h->in.n && (end = memchr(h->in.p + from, '\n', h->in.n - from));) {
		*end = 0;
		if (strcmp(h->in.p + from, "ok") != 0) {
			broken(h, h->in.p + from);
			return;
		}
		h->done++;
		from = (size_t)(end - h->in.p) + 1;
	}
	memmove(h->in.p, h->in.p + from, h->in.n - from);
	h->in.n -= from;
	if (from)
		h->changed(NULL, h->ctx);
}

static void push(struct httplisten *h)
{
	ssize_t n = h->out.n ? send(h->orders, h->out.p, h->out.n, MSG_NOSIGNAL) : 0;
	if (n > 0) {
		memmove(h->out.p, h->out.p + n, h->out.n - (size_t)n);
		h->out.n -= (size_t)n;
	}
	loop_fd_want(h->watch, h->out.n ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void on_orders(unsigned events, void *ctx)
{
	struct httplisten *h = ctx;
	char piece[HTTPCHILD_LINE_MAX];
	if (events & LOOP_WRITE)
		push(h);
	if (!(events & LOOP_READ))
		return;
	ssize_t n = recv(h->orders, piece, sizeof(piece), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_put(&h->in, piece, (size_t)n);
	if (n <= 0 || h->in.bad)
		broken(h, "it has ended");
	else
		take_answers(h);
}

int httplisten_open(struct loop *l, const char *where, const char *user, httplisten_fn changed, void *ctx,
	struct httplisten **ret, struct err *e)
{
	struct httplisten *h = xcalloc(1, sizeof(*h));
	*h = (struct httplisten){.fd = -1,
		.orders = -1,
		.out = buf_make(ORDERS_MAX),
		.in = buf_make(BUF_MAX_SMALL_FILE),
		.asked = 1,
		.changed = changed,
		.ctx = ctx};
	if ((!strcmp(where, "systemd") ? take_passed(h, e) : bind_socket(h, where, e)) || spawn(h, user, e)) {
		httplisten_free(h);
		return -1;
	}
	h->watch = loop_fd_new(l, h->orders, LOOP_READ, on_orders, h);
	*ret = h;
	return 0;
}

void httplisten_free(struct httplisten *h)
{
	if (!h)
		return;
	loop_fd_free(h->watch);
	if (h->pid) {
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (h->fd >= 0)
		close(h->fd);
	if (h->orders >= 0)
		close(h->orders);
	buf_done(&h->out);
	buf_done(&h->in);
	free(h);
}

size_t httplisten_add(struct httplisten *h, const char *token, const char *content)
{
	buf_printf(&h->out, "+%s %s\n", token, content);
	push(h);
	return ++h->asked;
}

void httplisten_remove(struct httplisten *h, const char *token)
{
	buf_printf(&h->out, "-%s\n", token);
	h->asked++;
	push(h);
}

size_t httplisten_done(const struct httplisten *h)
{
	return h->done;
}
