/* loop.c: the loop's turns, file descriptors, work at the end of a turn. */
#include "loop/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"

struct loop_fd {
	struct loop *l;
	struct event ev;
	int fd;
	unsigned events; /* wanted now */
	void (*cb)(unsigned events, void *ctx);
	void *ctx;
};

struct loop_idle {
	struct loop *l;
	void (*cb)(void *ctx);
	void *ctx;
	bool requested;
	uint64_t round; /* of the request */
	TAILQ_ENTRY(loop_idle) link;
};

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	/* It only ends the wait: due timers run at one place in each turn. */
	(void)fd;
	(void)what;
	(void)ctx;
}

static void libevent_says(int severity, const char *msg)
{
	/* After an error of that kind it ends the process by itself: say why. */
	log_at(severity == EVENT_LOG_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "event loop: %s", msg);
}

int loop_new(const struct clk *clk, struct loop **ret, struct err *e)
{
	event_set_log_callback(libevent_says); /* errors come back through loop_run(), not on stderr */
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;
	/* The default time source is only as fine as the kernel's tick (4 ms). */
	if (cfg && event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) == 0 &&
		event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(cfg);
	if (cfg)
		event_config_free(cfg);
	if (!base)
		return err_sys(e, "cannot set up the event loop");

	struct loop *l = xcalloc(1, sizeof(*l));
	l->base = base;
	l->clk = clk;
	l->real = clk == clk_real();
	TAILQ_INIT(&l->idles);
	STAILQ_INIT(&l->spares);
	evtimer_assign(&l->wake, base, on_wake, l);
	loop_jobs_init_(l);
	loop_signals_init_(l);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, &l->old_pipe);
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_jobs_done_(l);
	for (struct spare *s; (s = STAILQ_FIRST(&l->spares));) {
		STAILQ_REMOVE_HEAD(&l->spares, link);
		s->gone(s->arg);
		free(s);
	}
	loop_signals_done_(l);
	event_del(&l->wake);
	event_base_free(l->base);
	sigaction(SIGPIPE, &l->old_pipe, NULL);
	free(l->timers.v);
	free(l);
}

const struct clk *loop_clk(const struct loop *l)
{
	return l->clk;
}

void loop_set_skip(struct loop *l, void (*skip)(void *ctx, int64_t ms), void *ctx)
{
	l->skip = skip;
	l->skip_ctx = ctx;
}

int64_t loop_now_us_(const struct loop *l)
{
	if (!l->real)
		return clk_mono(l->clk) * 1000;
	/* The same clock, but finer: with whole milliseconds a timer could fire almost one too early. */
	return clk_real_mono_us();
}

static bool waiting(const struct loop *l)
{
	return l->n_wanted > 0 || l->jobs.in_work > 0;
}

/* Without anything that happens first. */
static bool more_to_do(const struct loop *l)
{
	return !TAILQ_EMPTY(&l->idles) || !STAILQ_EMPTY(&l->spares);
}

static bool could_happen(const struct loop *l)
{
	return waiting(l) || l->timers.n > 0 || more_to_do(l);
}

/* Waits for descriptors, finished jobs, signals or the earliest timer, and runs the callbacks of all but the last. */
static int wait_and_dispatch(struct loop *l, struct err *e)
{
	int64_t us = loop_timers_wait_(l);
	bool more = more_to_do(l);
	bool jump = us > 0 && l->skip && !more && !waiting(l);
	bool block = !more && us != 0 && !jump;
	int flags = EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK);

	if (block && us > 0) {
		if (l->real)
			us = (us + clk_real_rate() - 1) / clk_real_rate();
		struct timeval tv = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
		event_add(&l->wake, &tv);
	}
	errno = 0;
	int rc = event_base_loop(l->base, flags);
	bool slept = block && us > 0 && !event_pending(&l->wake, EV_TIMEOUT, NULL);
	event_del(&l->wake);
	if (rc < 0)
		return err_sys(e, "the event loop failed");
	if (l->skip && (slept || (jump && !waiting(l) && !more_to_do(l) && !l->stop))) {
		us = loop_timers_wait_(l);
		if (us > 0)
			l->skip(l->skip_ctx, (us + 999) / 1000);
	}
	return 0;
}

static void run_idles(struct loop *l)
{
	l->round++;
	for (struct loop_idle *i; (i = TAILQ_FIRST(&l->idles)) && i->round < l->round;) {
		TAILQ_REMOVE(&l->idles, i, link);
		i->requested = false;
		i->cb(i->ctx);
	}
}

static void run_spare(struct loop *l)
{
	struct spare *s = STAILQ_FIRST(&l->spares);
	if (!s || l->stop)
		return;
	void (*work)(void *arg) = s->work;
	void *arg = s->arg;
	STAILQ_REMOVE_HEAD(&l->spares, link);
	free(s);
	work(arg);
}

int loop_run(struct loop *l, struct err *e)
{
	int rc = 0;
	while (!l->stop && rc == 0 && could_happen(l)) {
		if (l->broken) {
			errno = l->broken;
			rc = err_sys(e, "the event loop cannot watch a file descriptor");
			break;
		}
		rc = wait_and_dispatch(l, e);
		if (rc == 0) {
			loop_timers_fire_(l);
			run_idles(l);
			run_spare(l);
		}
	}
	l->stop = false;
	return rc;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_spare(struct loop *l, void (*work)(void *arg), void (*gone)(void *arg), void *arg)
{
	struct spare *s = xcalloc(1, sizeof(*s));
	*s = (struct spare){.work = work, .gone = gone, .arg = arg};
	STAILQ_INSERT_TAIL(&l->spares, s, link);
}

/* --- file descriptors --- */

static void on_fd(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_fd *f = ctx;
	(void)fd;
	f->cb((what & EV_READ ? LOOP_READ : 0U) | (what & EV_WRITE ? LOOP_WRITE : 0U), f->ctx);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned events, void (*cb)(unsigned events, void *ctx), void *ctx)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));
	f->l = l;
	f->fd = fd;
	f->cb = cb;
	f->ctx = ctx;
	loop_fd_want(f, events);
	return f;
}

void loop_fd_want(struct loop_fd *f, unsigned events)
{
	struct loop *l = f->l;
	if (events == f->events)
		return;
	if (f->events) {
		event_del(&f->ev);
		l->n_wanted--;
	}
	f->events = events;
	if (!events)
		return;
	l->n_wanted++;
	int what = EV_PERSIST | (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);
	errno = 0;
	if (event_assign(&f->ev, l->base, f->fd, (short)what, on_fd, f) < 0 || event_add(&f->ev, NULL) < 0)
		l->broken = errno ? errno : EINVAL;
}

void loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return;
	loop_fd_want(f, 0);
	free(f);
}

/* --- the end of a turn --- */

struct loop_idle *loop_idle_new(struct loop *l, void (*cb)(void *ctx), void *ctx)
{
	struct loop_idle *i = xcalloc(1, sizeof(*i));
	i->l = l;
	i->cb = cb;
	i->ctx = ctx;
	return i;
}

void loop_idle_request(struct loop_idle *i)
{
	if (i->requested)
		return;
	i->requested = true;
	i->round = i->l->round;
	TAILQ_INSERT_TAIL(&i->l->idles, i, link);
}

void loop_idle_free(struct loop_idle *i)
{
	if (!i)
		return;
	if (i->requested)
		TAILQ_REMOVE(&i->l->idles, i, link);
	free(i);
}
