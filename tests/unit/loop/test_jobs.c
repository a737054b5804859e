/* Jobs on worker threads come back to the loop, small work is done by the loop itself, and nobody is forgotten. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

struct fixture {
	struct loop *l;
	struct buf seen;
	int left;
	pthread_t main_thread;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	f->seen = buf_make(1 << 16);
	f->main_thread = pthread_self();
	assert_int_equal(loop_new(clk_real(), &f->l, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	loop_free(f->l);
	buf_done(&f->seen);
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	struct err e = {0};
	if (loop_run(f->l, &e))
		fail_msg("%s", e.msg);
}

struct job_row {
	struct fixture *f;
	int value;
	int result;
	bool off_thread;
	bool done;
};

static void square(void *arg)
{
	struct job_row *r = arg;
	r->off_thread = !pthread_equal(pthread_self(), r->f->main_thread);
	r->result = r->value * r->value;
}

static void squared(void *arg)
{
	struct job_row *r = arg;
	assert_true(pthread_equal(pthread_self(), r->f->main_thread));
	assert_int_equal(r->result, r->value * r->value);
	assert_true(r->off_thread);
	r->done = true;
	r->f->left--;
}

static void jobs_come_back_to_the_loop(void **state)
{
	struct fixture *f = *state;
	enum { N = 100 };
	struct job_row rows[N];
	memset(rows, 0, sizeof(rows));
	f->left = N;
	for (int i = 0; i < N; i++) {
		rows[i].f = f;
		rows[i].value = i;
		loop_job(f->l, square, squared, NULL, &rows[i]);
	}
	run(f);
	assert_int_equal(f->left, 0);
	for (int i = 0; i < N; i++)
		assert_true(rows[i].done);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void job_chain(void *arg)
{
	struct fixture *f = arg;
	buf_putc(&f->seen, 'j');
	if (--f->left > 0)
		loop_job(f->l, nothing, job_chain, NULL, f);
}

static void jobs_start_jobs(void **state)
{
	struct fixture *f = *state;
	f->left = 5;
	loop_job(f->l, nothing, job_chain, NULL, f);
	run(f);
	assert_string_equal(buf_str(&f->seen), "jjjjj");
}

struct slow {
	atomic_int begun;
	atomic_int ended;
	int gone;
};

static void slow_work(void *arg)
{
	struct slow *s = arg;
	atomic_fetch_add(&s->begun, 1);
	usleep(2000);
	atomic_fetch_add(&s->ended, 1);
}

static void never(void *arg)
{
	(void)arg;
	fail_msg("a job was delivered by loop_free()");
}

static void count_gone(void *arg)
{
	struct slow *s = arg;
	s->gone++;
}

/* loop_free() with jobs queued and in work waits for the latter, delivers nothing and says of each that it is gone. */
static void free_with_jobs_in_work(void **state)
{
	struct fixture *f = *state;
	struct slow s = {0};
	enum { N = 40 };
	for (int i = 0; i < N; i++)
		loop_job(f->l, slow_work, never, count_gone, &s);
	loop_free(TAKE(f->l));
	assert_int_equal(atomic_load(&s.begun), atomic_load(&s.ended));
	assert_int_equal(s.gone, N);
}

struct meeting {
	pthread_mutex_t mu;
	pthread_cond_t come;
	int expected;
};

/* Ends when everybody is there. */
static void meet(void *arg)
{
	struct meeting *m = arg;
	pthread_mutex_lock(&m->mu);
	if (--m->expected == 0)
		pthread_cond_broadcast(&m->come);
	while (m->expected > 0)
		pthread_cond_wait(&m->come, &m->mu);
	pthread_mutex_unlock(&m->mu);
}

static void jobs_wait_beside_each_other(void **state)
{
	struct fixture *f = *state;
	enum { WAITING = 16 };
	struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
	for (int round = 0; round < 20; round++) {
		m.expected = WAITING;
		for (int i = 0; i < WAITING; i++)
			loop_job(f->l, meet, nothing, NULL, &m);
		run(f);
		assert_int_equal(m.expected, 0);
	}
}

/* --- small work --- */

struct small {
	struct fixture *f;
	char letter;
	struct small *next; /* to be asked for by this one */
	struct loop_timer *timer; /* to be started by this one */
	int gone;
};

static void small_gone(void *arg)
{
	struct small *w = arg;
	w->gone++;
}

static void small_work(void *arg)
{
	struct small *w = arg;
	assert_true(pthread_equal(pthread_self(), w->f->main_thread));
	buf_putc(&w->f->seen, w->letter);
	if (w->timer)
		loop_timer_start(w->timer, 0);
	if (w->next)
		loop_spare(w->f->l, small_work, small_gone, w->next);
}

static void on_timer(void *ctx)
{
	struct fixture *f = ctx;
	buf_putc(&f->seen, 't');
}

static void small_work_in_order(void **state)
{
	struct fixture *f = *state;
	struct small d = {.f = f, .letter = 'd'};
	struct small v[] = {{.f = f, .letter = 'a', .next = &d}, {.f = f, .letter = 'b'}, {.f = f, .letter = 'c'}};
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		loop_spare(f->l, small_work, small_gone, &v[i]);
	assert_string_equal(buf_str(&f->seen), "");
	run(f);
	assert_string_equal(buf_str(&f->seen), "abcd");
	assert_int_equal(v[0].gone + v[1].gone + v[2].gone + d.gone, 0);
}

/* What is ready goes first, again before each. */
static void small_work_comes_last(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer = loop_timer_new(f->l, on_timer, f);
	struct small v[] = {{.f = f, .letter = 'a', .timer = timer}, {.f = f, .letter = 'b', .timer = timer},
		{.f = f, .letter = 'c'}};
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		loop_spare(f->l, small_work, small_gone, &v[i]);
	loop_timer_start(timer, 0);
	run(f);
	assert_string_equal(buf_str(&f->seen), "tatbtc");
	loop_timer_free(timer);
}

static void stop(void *ctx)
{
	loop_stop(((struct fixture *)ctx)->l);
}

/* A loop that was stopped begins nothing more; one that is freed says of each that it is gone. */
static void free_with_small_work(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer = loop_timer_new(f->l, stop, f);
	struct small v[] = {{.f = f, .letter = 'a'}, {.f = f, .letter = 'b'}};
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		loop_spare(f->l, small_work, small_gone, &v[i]);
	loop_timer_start(timer, 0);
	run(f);
	loop_timer_free(timer);
	assert_string_equal(buf_str(&f->seen), "");
	loop_free(TAKE(f->l));
	assert_int_equal(v[0].gone, 1);
	assert_int_equal(v[1].gone, 1);
	assert_string_equal(buf_str(&f->seen), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(jobs_come_back_to_the_loop),
		T(jobs_start_jobs),
		T(free_with_jobs_in_work),
		T(jobs_wait_beside_each_other),
		T(small_work_in_order),
		T(small_work_comes_last),
		T(free_with_small_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
