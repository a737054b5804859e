/* test_loop.c: the order in which the loop calls what, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

/* A loop on a clock that only moves when told. Callbacks write letters into seen. */
struct fixture {
	struct loop *l;
	struct clk clk;
	int64_t now;
	int64_t skipped;
	struct buf seen;
	int left; /* for callbacks that count down */
	struct loop_timer *timer;
	struct loop_timer *other;
	struct loop_idle *idle;
	struct loop_fd *fd;
	struct loop_fd *fd2;
	int pipe[2];
};

static int64_t fake_now(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static void fake_skip(void *ctx, int64_t ms)
{
	struct fixture *f = ctx;
	assert_true(ms > 0);
	f->now += ms;
	f->skipped += ms;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	f->clk = (struct clk){.wall = fake_now, .mono = fake_now, .ctx = f};
	f->now = 1000;
	f->seen = buf_make(1 << 16);
	assert_int_equal(loop_new(&f->clk, &f->l, &e), 0);
	loop_set_skip(f->l, fake_skip, f);
	assert_int_equal(pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	loop_timer_free(f->timer);
	loop_timer_free(f->other);
	loop_idle_free(f->idle);
	loop_fd_free(f->fd);
	loop_fd_free(f->fd2);
	loop_free(f->l);
	close(f->pipe[0]);
	close(f->pipe[1]);
	buf_done(&f->seen);
	xfreep(&f);
	return 0;
}

static void run(struct fixture *f)
{
	struct err e = {0};
	assert_int_equal(loop_run(f->l, &e), 0);
	assert_false(err_is(&e));
}

struct mark {
	struct fixture *f;
	char c;
};

static void put_mark(void *ctx)
{
	const struct mark *m = ctx;
	buf_putc(&m->f->seen, m->c);
}

static void empty_loop_returns(void **state)
{
	struct fixture *f = *state;
	run(f);
	assert_true(loop_clk(f->l) == &f->clk);
	/* Things that exist but cannot happen do not hold it. */
	struct mark m = {f, 'x'};
	f->timer = loop_timer_new(f->l, put_mark, &m);
	f->idle = loop_idle_new(f->l, put_mark, &m);
	f->fd = loop_fd_new(f->l, f->pipe[0], 0, NULL, NULL);
	run(f);
	assert_string_equal(buf_str(&f->seen), "");
}

static void timers_fire_in_order(void **state)
{
	struct fixture *f = *state;
	static const struct {
		char c;
		int64_t ms;
	} rows[] = {{'f', 300}, {'c', 20}, {'a', 0}, {'d', 20}, {'b', -5}, {'g', INT64_C(86400000)}, {'e', 299}};
	struct mark marks[ARRAY_LEN(rows)];
	struct loop_timer *t[ARRAY_LEN(rows)];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		marks[i] = (struct mark){f, rows[i].c};
		t[i] = loop_timer_new(f->l, put_mark, &marks[i]);
		loop_timer_start(t[i], rows[i].ms);
	}
	run(f);
	assert_string_equal(buf_str(&f->seen), "abcdefg");
	assert_int_equal(f->skipped, 86400000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		loop_timer_free(t[i]);
}

struct heap_row {
	struct fixture *f;
	struct loop_timer *t;
	int64_t due; /* -1 when stopped */
};

static void heap_fired(void *ctx)
{
	struct heap_row *r = ctx;
	assert_int_equal(r->due, r->f->now);
	r->due = -1;
	r->f->left--;
}

/* Many starts, restarts and stops in a scrambled order; each timer fires exactly at its last due time. */
static void heap_keeps_every_due_time(void **state)
{
	struct fixture *f = *state;
	enum { N = 300 };
	struct heap_row rows[N];
	uint32_t x = 1;
	for (size_t i = 0; i < N; i++) {
		rows[i] = (struct heap_row){f, loop_timer_new(f->l, heap_fired, &rows[i]), -1};
	}
	for (int step = 0; step < 5 * N; step++) {
		x = x * 1664525 + 1013904223;
		struct heap_row *r = &rows[(x >> 8) % N];
		if ((x >> 24) % 4 == 0) {
			loop_timer_stop(r->t);
			r->due = -1;
			continue;
		}
		int64_t ms = (int64_t)(x >> 12) % 1000;
		loop_timer_start(r->t, ms);
		r->due = f->now + ms;
	}
	for (size_t i = 0; i < N; i++)
		f->left += rows[i].due >= 0;
	assert_true(f->left > N / 2);
	run(f);
	assert_int_equal(f->left, 0);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(rows[i].due, -1);
		loop_timer_free(rows[i].t);
	}
}

static void restart_until_zero(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 't');
	if (--f->left > 0)
		loop_timer_start(f->timer, 10);
}

static void timer_restarts_itself(void **state)
{
	struct fixture *f = *state;
	f->left = 4;
	f->timer = loop_timer_new(f->l, restart_until_zero, f);
	loop_timer_start(f->timer, 100);
	loop_timer_start(f->timer, 10); /* a restart replaces the first start */
	run(f);
	assert_string_equal(buf_str(&f->seen), "tttt");
	assert_int_equal(f->skipped, 40);
}

static void stop_other_free_self(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 's');
	loop_timer_stop(f->other);
	loop_timer_free(f->timer);
	f->timer = NULL;
}

static void timer_stops_another_due_at_once(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 'x'};
	f->timer = loop_timer_new(f->l, stop_other_free_self, f);
	f->other = loop_timer_new(f->l, put_mark, &m);
	loop_timer_start(f->timer, 5);
	loop_timer_start(f->other, 5);
	run(f);
	assert_string_equal(buf_str(&f->seen), "s");
}

static void request_idle(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 't');
	loop_idle_request(f->idle);
	loop_idle_request(f->idle);
}

static void drain_and_request(unsigned events, void *ctx)
{
	struct fixture *f = ctx;
	char c;
	assert_int_equal(events, LOOP_READ);
	assert_int_equal(read(f->pipe[0], &c, 1), 1);
	buf_putc(&f->seen, c);
	loop_idle_request(f->idle);
	loop_fd_want(f->fd, 0);
}

static void idle_runs_once_after_all(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 'i'};
	f->idle = loop_idle_new(f->l, put_mark, &m);
	f->fd = loop_fd_new(f->l, f->pipe[0], LOOP_READ, drain_and_request, f);
	f->timer = loop_timer_new(f->l, request_idle, f);
	f->other = loop_timer_new(f->l, request_idle, f);
	assert_int_equal(write(f->pipe[1], "r", 1), 1);
	loop_timer_start(f->timer, 0);
	loop_timer_start(f->other, 0);
	run(f);
	assert_string_equal(buf_str(&f->seen), "rtti");
	/* Requested between runs it is enough to make one. */
	loop_idle_request(f->idle);
	run(f);
	assert_string_equal(buf_str(&f->seen), "rttii");
}

static void idle_again(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 'i');
	if (--f->left > 0)
		loop_idle_request(f->idle);
}

/* A request made by the idle callback itself belongs to the next turn: a ready timer comes first. */
static void idle_request_waits_for_next_turn(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 't'};
	f->left = 2;
	f->idle = loop_idle_new(f->l, idle_again, f);
	f->timer = loop_timer_new(f->l, put_mark, &m);
	loop_idle_request(f->idle);
	loop_timer_start(f->timer, 0);
	run(f);
	assert_string_equal(buf_str(&f->seen), "tii");
}

static void restart_at_zero(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 't');
	loop_idle_request(f->idle);
	if (--f->left > 0)
		loop_timer_start(f->timer, 0);
}

static void timer_at_zero_leaves_room_for_idle(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 'i'};
	f->left = 3;
	f->idle = loop_idle_new(f->l, put_mark, &m);
	f->timer = loop_timer_new(f->l, restart_at_zero, f);
	loop_timer_start(f->timer, 0);
	run(f);
	assert_string_equal(buf_str(&f->seen), "tititi");
}

static void free_idle(void *ctx)
{
	struct fixture *f = ctx;
	loop_idle_free(f->idle);
	f->idle = NULL;
	buf_putc(&f->seen, 'f');
}

static void idle_freed_inside_and_while_requested(void **state)
{
	struct fixture *f = *state;
	f->idle = loop_idle_new(f->l, free_idle, f);
	loop_idle_request(f->idle);
	run(f);
	struct mark m = {f, 'x'};
	struct loop_idle *first = loop_idle_new(f->l, free_idle, f);
	f->idle = loop_idle_new(f->l, put_mark, &m);
	loop_idle_request(first);
	loop_idle_request(f->idle);
	run(f);
	assert_string_equal(buf_str(&f->seen), "ff");
	loop_idle_free(first);
}

static void free_both_fds(unsigned events, void *ctx)
{
	struct fixture *f = ctx;
	(void)events;
	buf_putc(&f->seen, 'f');
	loop_fd_free(f->fd);
	loop_fd_free(f->fd2);
	f->fd = f->fd2 = NULL;
}

/* Two descriptors are ready in one turn; the first callback releases both, the second must not come. */
static void fds_freed_inside(void **state)
{
	struct fixture *f = *state;
	f->fd = loop_fd_new(f->l, f->pipe[1], LOOP_WRITE, free_both_fds, f);
	int copy = dup(f->pipe[1]);
	f->fd2 = loop_fd_new(f->l, copy, LOOP_WRITE, free_both_fds, f);
	run(f);
	assert_string_equal(buf_str(&f->seen), "f");
	close(copy);
}

static void write_then_read(unsigned events, void *ctx)
{
	struct fixture *f = ctx;
	buf_printf(&f->seen, "%u", events);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);
	loop_fd_want(f->fd2, 0);
	loop_fd_want(f->fd, LOOP_READ);
}

static void fd_want_changes(void **state)
{
	struct fixture *f = *state;
	f->idle = loop_idle_new(f->l, free_idle, f);
	f->fd = loop_fd_new(f->l, f->pipe[0], 0, drain_and_request, f);
	f->fd2 = loop_fd_new(f->l, f->pipe[1], LOOP_WRITE, write_then_read, f);
	run(f);
	assert_string_equal(buf_str(&f->seen), "2xf");
}

static void stop_loop(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 's');
	loop_idle_request(f->idle);
	loop_stop(f->l);
}

static void stop_ends_after_the_turn(void **state)
{
	struct fixture *f = *state;
	struct mark i = {f, 'i'}, t = {f, 't'};
	f->idle = loop_idle_new(f->l, put_mark, &i);
	f->timer = loop_timer_new(f->l, stop_loop, f);
	f->other = loop_timer_new(f->l, put_mark, &t);
	loop_timer_start(f->timer, 0);
	loop_timer_start(f->other, 1);
	run(f);
	assert_string_equal(buf_str(&f->seen), "si");
	run(f); /* it can go on later */
	assert_string_equal(buf_str(&f->seen), "sit");
	loop_timer_start(f->other, 0);
	loop_stop(f->l);
	run(f);
	assert_string_equal(buf_str(&f->seen), "sit");
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_signal(int signo, void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, signo == SIGTERM ? 'T' : signo == SIGINT ? 'I' : '?');
	if (--f->left == 0)
		loop_timer_stop(f->timer);
	else
		raise(SIGINT);
}

static void signals_reach_the_loop(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 'x'};
	struct sigaction now;
	sigset_t blocked;
	loop_set_skip(f->l, NULL, NULL);
	loop_on_stop_signal(f->l, on_signal, f);
	run(f); /* a handler alone does not hold the loop */
	f->left = 2;
	f->timer = loop_timer_new(f->l, put_mark, &m);
	loop_timer_start(f->timer, 60000);
	raise(SIGTERM);
	run(f);
	assert_string_equal(buf_str(&f->seen), "TI");
	sigaction(SIGPIPE, NULL, &now);
	assert_true(now.sa_handler == SIG_IGN);
	loop_timer_free(TAKE(f->timer));
	raise(SIGINT); /* one more, which nobody waits for */
	loop_free(TAKE(f->l));
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	assert_false(sigismember(&blocked, SIGTERM));
}

static void stop_by_signal(int signo, void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, signo == SIGTERM ? 'T' : signo == SIGHUP ? 'H' : 'I');
	loop_stop(f->l);
}

/* One loop after another: what comes after the end of one, and before the next, is the next one's. */
static void held_signals_wait_for_the_next_loop(void **state)
{
	struct fixture *f = *state;
	struct mark m = {f, 'x'};
	struct err e = {0};
	sigset_t before;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	loop_hold_signals();
	raise(SIGHUP);
	raise(SIGTERM);
	for (int i = 0; i < 3; i++) {
		loop_free(f->l);
		assert_int_equal(loop_new(&f->clk, &f->l, &e), 0);
		loop_set_skip(f->l, NULL, NULL);
		loop_on_stop_signal(f->l, stop_by_signal, f);
		loop_on_reload_signal(f->l, stop_by_signal, f);
		f->timer = loop_timer_new(f->l, put_mark, &m);
		loop_timer_start(f->timer, 60000);
		run(f);
		assert_int_equal(f->seen.n, i + 1);
		if (i == 1)
			raise(SIGINT);
		loop_timer_free(TAKE(f->timer));
	}
	assert_string_equal(buf_str(&f->seen), "HTI");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* With a descriptor waited for, the timer's time really passes, and the clock is moved for it. */
static void fake_clock_beside_a_real_descriptor(void **state)
{
	struct fixture *f = *state;
	f->fd = loop_fd_new(f->l, f->pipe[0], LOOP_READ, NULL, NULL);
	f->timer = loop_timer_new(f->l, stop_loop, f);
	f->idle = loop_idle_new(f->l, nothing, NULL);
	loop_timer_start(f->timer, 3);
	run(f);
	assert_string_equal(buf_str(&f->seen), "s");
	assert_int_equal(f->skipped, 3);
}

struct real_fixture {
	int64_t started;
	int64_t fired;
};

static void note_time(void *ctx)
{
	((struct real_fixture *)ctx)->fired = clk_mono(clk_real());
}

static void real_timers_are_never_early(void **state)
{
	(void)state;
	struct err e = {0};
	struct loop *l;
	struct real_fixture r = {0};
	assert_int_equal(loop_new(clk_real(), &l, &e), 0);
	struct loop_timer *t = loop_timer_new(l, note_time, &r);
	for (int i = 0; i < 5; i++) {
		r.started = clk_mono(clk_real());
		loop_timer_start(t, 4);
		assert_int_equal(loop_run(l, &e), 0);
		assert_true(r.fired - r.started >= 4);
	}
	loop_timer_free(t);
	loop_free(l);
}

static void unwatchable_descriptor_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); /* epoll takes no regular file */
	f->fd = loop_fd_new(f->l, fd, LOOP_READ, NULL, NULL);
	assert_int_equal(loop_run(f->l, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	loop_fd_free(TAKE(f->fd));
	close(fd);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(empty_loop_returns),
		T(timers_fire_in_order),
		T(heap_keeps_every_due_time),
		T(timer_restarts_itself),
		T(timer_stops_another_due_at_once),
		T(idle_runs_once_after_all),
		T(idle_request_waits_for_next_turn),
		T(timer_at_zero_leaves_room_for_idle),
		T(idle_freed_inside_and_while_requested),
		T(fds_freed_inside),
		T(fd_want_changes),
		T(stop_ends_after_the_turn),
		T(signals_reach_the_loop),
		T(held_signals_wait_for_the_next_loop),
		T(fake_clock_beside_a_real_descriptor),
		T(unwatchable_descriptor_is_an_error),
		cmocka_unit_test(real_timers_are_never_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
