/* signals.c: signals as a descriptor. They wait in the kernel until a loop reads them, so none is lost between two
 * loops. */
#include "loop/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const int watched[LOOP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

void loop_hold_signals(void)
{
	sigset_t all;
	sigemptyset(&all);
	for (size_t i = 0; i < LOOP_SIGNALS; i++)
		sigaddset(&all, watched[i]);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

/* What comes after the one that stops the loop is the next loop's. */
static void on_signals(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	struct signalfd_siginfo si;
	(void)what;
	while (!l->stop && read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		for (size_t i = 0; i < LOOP_SIGNALS; i++)
			if (watched[i] == (int)si.ssi_signo)
				l->signals.to[i].fn(watched[i], l->signals.to[i].ctx);
}

static void watch(struct loop *l, size_t i, void (*cb)(int signo, void *ctx), void *ctx)
{
	struct signals *s = &l->signals;
	s->to[i].fn = cb;
	s->to[i].ctx = ctx;
	if (sigismember(&s->set, watched[i]))
		return;
	sigaddset(&s->set, watched[i]);
	pthread_sigmask(SIG_BLOCK, &s->set, NULL);
	int fd = signalfd(s->fd, &s->set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd >= 0)
		return;
	s->fd = fd;
	if (fd < 0 || event_assign(&s->ev, l->base, fd, EV_READ | EV_PERSIST, on_signals, l) < 0 ||
		event_add(&s->ev, NULL) < 0)
		l->broken = errno ? errno : EINVAL;
}

void loop_on_stop_signal(struct loop *l, void (*cb)(int signo, void *ctx), void *ctx)
{
	watch(l, 0, cb, ctx);
	watch(l, 1, cb, ctx);
}

void loop_on_reload_signal(struct loop *l, void (*cb)(int signo, void *ctx), void *ctx)
{
	watch(l, 2, cb, ctx);
}

void loop_signals_init_(struct loop *l)
{
	sigemptyset(&l->signals.set);
	pthread_sigmask(SIG_BLOCK, NULL, &l->signals.before);
	l->signals.fd = -1;
}

void loop_signals_done_(struct loop *l)
{
	struct signals *s = &l->signals;
	const struct timespec now = {0};
	if (s->fd < 0)
		return;
	event_del(&s->ev);
	close(s->fd);
	/* An impatient second Ctrl-C would otherwise kill what is about to end by itself. */
	for (size_t i = 0; i < LOOP_SIGNALS; i++)
		if (sigismember(&s->before, watched[i]))
			sigdelset(&s->set, watched[i]);
	while (sigtimedwait(&s->set, NULL, &now) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}
