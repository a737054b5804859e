/* httpchild.c: the process that answers http-01. */
#include "inventory/httpchild.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/httpd.h"
#include "loop/loop.h"

enum { PATIENCE_MS = 10000 };

struct answer {
	char *token, *content;
	LIST_ENTRY(answer) link;
};

struct child {
	struct loop *loop;
	struct loop_fd *watch;
	struct buf in;
	LIST_HEAD(, answer) answers;
};

static void say(const char *line)
{
	/* The parent reads; when it is gone there is nobody to tell. */
	if (send(HTTPCHILD_ORDERS_FD, line, strlen(line), MSG_NOSIGNAL) < 0)
		return;
}

static struct answer *find(const struct child *c, const char *token)
{
	struct answer *a;
	LIST_FOREACH(a, &c->answers, link)
	if (!strcmp(a->token, token))
		break;
	return a;
}

static void drop(struct answer *a)
{
	LIST_REMOVE(a, link);
	free(a->token);
	free(a->content);
	free(a);
}

static const char *content_of(const char *path, void *ctx)
{
	const struct child *c = ctx;
	size_t n = strlen(HTTPCHILD_WELL_KNOWN);
	const struct answer *a = strncmp(path, HTTPCHILD_WELL_KNOWN, n) != 0 ? NULL : find(c, path + n);
	return a ? a->content : NULL;
}

static void take_line(struct child *c, char *line)
{
	char *rest = line + 1;
	const char *token = strsep(&rest, " ");
	struct answer *a = find(c, token);
	if (a)
		drop(a);
	if (*line == '+' && rest) {
		a = xcalloc(1, sizeof(*a));
		*a = (struct answer){.token = xstrdup(token), .content = xstrdup(rest)};
		LIST_INSERT_HEAD(&c->answers, a, link);
	}
	say("ok\n");
}

static void on_orders(unsigned events, void *ctx)
{
	struct child *c = ctx;
	char piece[HTTPCHILD_LINE_MAX];
	(void)events;
	ssize_t n = recv(HTTPCHILD_ORDERS_FD, piece, sizeof(piece), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_stop(c->loop);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (piece[i] != '\n') {
			buf_putc(&c->in, piece[i]);
			continue;
		}
		if (c->in.n && !c->in.bad)
			take_line(c, c->in.p);
		buf_clear(&c->in);
	}
}

/* Nothing can be gained from here on; and what another user than root was given for opening the port is of no use any
 * more. */
static int lock_up(struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	/* The filter of our units forbids the call; they give no capabilities either. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || (syscall(SYS_capset, &header, none) && errno != EPERM))
		return err_sys(e, "cannot give up privileges");
	return 0;
}

static int become(const char *user, struct err *e)
{
	if (geteuid() != 0)
		return 0;
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (!pw || !pw->pw_uid)
		return err_set(e, ERR_CONFIG, "http.user: there is no user %s, or it is root", user);
	if (setgroups(0, NULL) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return err_sys(e, "cannot become the user %s", user);
	return 0;
}

int httpchild_main(const char *user)
{
	struct child c = {.in = buf_make(HTTPCHILD_LINE_MAX)};
	struct err e = {0};
	/* It ends with its parent, by the end of the socket, and not when a terminal says so. */
	signal(SIGINT, SIG_IGN);
	if (close_range(HTTPCHILD_LISTEN_FD + 1, ~0U, 0))
		err_sys(&e, "cannot close files");
	else if (!become(user, &e) && !lock_up(&e))
		(void)loop_new(clk_real(), &c.loop, &e);
	struct httpd *h = NULL;
	if (!err_is(&e)) {
		h = httpd_new(c.loop, HTTPCHILD_LISTEN_FD, "application/octet-stream", PATIENCE_MS, content_of, &c);
		c.watch = loop_fd_new(c.loop, HTTPCHILD_ORDERS_FD, LOOP_READ, on_orders, &c);
		say("ok\n");
		(void)loop_run(c.loop, &e);
	}
	if (err_is(&e)) {
		AUTO(xfreep) char *why = xasprintf("%s\n", e.msg);
		say(why);
	}
	int status = err_is(&e);
	httpd_free(h);
	loop_fd_free(c.watch);
	loop_free(c.loop);
	buf_done(&c.in);
	for (struct answer *a = LIST_FIRST(&c.answers), *next; a; a = next) {
		next = LIST_NEXT(a, link);
		drop(a);
	}
	err_done(&e);
	return status;
}
