/* refresh.c: our copy of the root's keys, brought up to date. */
#include "dns/refresh.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "dns/rr.h"
#include "dns/validator.h"
#include "loop/loop.h"

enum { AGAIN_SECONDS = 86400, PATIENCE_SECONDS = 30, GRACE_MS = 200, CLASS_IN = 1 };

static void leave(void)
{
	_exit(EXIT_FAILURE);
}

/* Nothing of the parent may be touched by the child: its files, its locks, what it has still to write to stdout. */
static void cut_loose(void)
{
	atexit(leave);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		dup2(null, fd);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(PATIENCE_SECONDS);
}

static _Noreturn void refresh(const struct validator *v)
{
	struct err e = {0};
	struct ub_result *r = NULL;
	cut_loose();
	struct ub_ctx *ctx = ub_ctx_create();
	if (!ctx)
		_exit(EXIT_FAILURE);
	ub_ctx_debugout(ctx, NULL);
	/* Asking for the keys is what makes libunbound look at the anchor and write the file. */
	if (validator_upstream(v, ctx, &e) || ub_ctx_add_ta_autr(ctx, v->anchor.path) ||
		ub_resolve(ctx, ".", DNS_TYPE_DNSKEY, CLASS_IN, &r))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

static bool is_due(const struct validator *v)
{
	const struct anchor *a = &v->anchor;
	int64_t age = clk_wall(loop_clk(v->loop)) / 1000 - a->changed;
	return a->kind == ANCHOR_MANAGED && a->renewable && (a->fresh || age < 0 || age >= AGAIN_SECONDS);
}

void refresh_begin(struct validator *v)
{
	if (!is_due(v) || v->refresher)
		return;
	pid_t pid = fork();
	if (!pid)
		refresh(v);
	v->refresher = pid > 0 ? pid : 0;
}

/* It began with the first question, so it is mostly done by now; where it never would be, questions take much longer.
 */
static void wait_a_moment(pid_t pid)
{
	struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	if (p.fd < 0)
		return;
	poll(&p, 1, GRACE_MS);
	close(p.fd);
}

void refresh_end(struct validator *v)
{
	if (!v->refresher)
		return;
	wait_a_moment(v->refresher);
	if (waitpid(v->refresher, NULL, WNOHANG) != 0)
		return;
	kill(v->refresher, SIGTERM);
	waitpid(v->refresher, NULL, 0);
}
