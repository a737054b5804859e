/* Jobs on worker threads: they come back to the loop, those that compute are few at once, and nobody is forgotten. */
#include <pthread.h>
#include <sched.h>
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

struct few {
	atomic_int now;
	atomic_int most;
};

static void compute(void *arg)
{
	struct few *w = arg;
	int now = atomic_fetch_add(&w->now, 1) + 1;
	for (int most = atomic_load(&w->most); now > most && !atomic_compare_exchange_weak(&w->most, &most, now);)
		;
	usleep(1000);
	atomic_fetch_sub(&w->now, 1);
}

static void computing_jobs_are_no_more_than_processors(void **state)
{
	struct fixture *f = *state;
	struct few w = {0};
	cpu_set_t ours;
	assert_int_equal(sched_getaffinity(0, sizeof(ours), &ours), 0);
	for (int i = 0; i < 100; i++)
		loop_compute(f->l, compute, nothing, NULL, &w);
	run(f);
	assert_in_range(atomic_load(&w.most), 1, CPU_COUNT(&ours));
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

/* Jobs that wait leave room for one that computes, and for each other; and the other way round. */
static void jobs_that_wait_hold_up_nobody(void **state)
{
	struct fixture *f = *state;
	enum { WAITING = 15 };
	struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
	struct few w = {0};
	for (int round = 0; round < 20; round++) {
		m.expected = WAITING + 1;
		for (int i = 0; i < 20; i++)
			loop_compute(f->l, compute, nothing, NULL, &w);
		for (int i = 0; i < WAITING; i++)
			loop_job(f->l, meet, nothing, NULL, &m);
		loop_compute(f->l, meet, nothing, NULL, &m);
		run(f);
		assert_int_equal(m.expected, 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(jobs_come_back_to_the_loop),
		T(jobs_start_jobs),
		T(free_with_jobs_in_work),
		T(computing_jobs_are_no_more_than_processors),
		T(jobs_that_wait_hold_up_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
