/* internal.h: what the files of this folder share: the loop itself and its two parts, timers and jobs. */
#ifndef PERDURE_LOOP_INTERNAL_H
#define PERDURE_LOOP_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <sys/queue.h>

#include "loop/loop.h"

/* Running timers as a binary heap, the earliest first. */
struct timers {
	struct loop_timer **v;
	size_t n;
	size_t cap;
	uint64_t seq; /* of the next start, so that equal due times keep their order */
};

struct job {
	void (*work)(void *arg);
	void (*done)(void *arg);
	void (*gone)(void *arg); /* may be NULL */
	void *arg;
	STAILQ_ENTRY(job) link;
};
STAILQ_HEAD(job_list, job);

enum { JOBS_MAX_THREADS = 16 };

/* The worker pool. Everything down to `quit` is guarded by mu; the rest belongs to the loop's thread. */
struct jobs {
	pthread_mutex_t mu;
	pthread_cond_t more;
	struct job_list queued;
	struct job_list finished;
	unsigned n_queued;
	unsigned n_resting; /* threads that wait for a job */
	bool quit;

	struct event ev; /* on fd, an eventfd that says that `finished` is not empty */
	int fd; /* -1 before the first job */
	size_t in_work; /* handed in and not yet delivered */
	pthread_t threads[JOBS_MAX_THREADS];
	unsigned n_threads;
};

TAILQ_HEAD(idle_list, loop_idle);

struct spare {
	void (*work)(void *arg);
	void (*gone)(void *arg);
	void *arg;
	STAILQ_ENTRY(spare) link;
};
STAILQ_HEAD(spare_list, spare);

enum { LOOP_SIGNALS = 3 };

struct signals {
	int fd; /* a signalfd; -1 before the first is watched */
	struct event ev;
	sigset_t set; /* watched, and blocked therefore */
	sigset_t before; /* what was blocked before */
	struct {
		void (*fn)(int signo, void *ctx);
		void *ctx;
	} to[LOOP_SIGNALS];
};

struct loop {
	struct event_base *base;
	const struct clk *clk;
	bool real; /* clk is the machine's */
	bool stop;
	int broken; /* errno of a watch that could not be set up; ends the run */

	struct timers timers;
	struct event wake; /* for the earliest timer */
	void (*skip)(void *ctx, int64_t ms);
	void *skip_ctx;

	size_t n_wanted; /* descriptors that want something */

	struct spare_list spares;
	struct idle_list idles; /* those requested */
	uint64_t round; /* idle callbacks requested in this round run in the next */

	struct jobs jobs;

	struct signals signals;
	struct sigaction old_pipe;
};

/* The loop's monotonic time in microseconds. */
int64_t loop_now_us_(const struct loop *l);

/* Microseconds until the earliest timer, 0 when it is due; -1 when none runs. */
int64_t loop_timers_wait_(const struct loop *l);
/* Calls those that are due now, except what they start themselves. */
void loop_timers_fire_(struct loop *l);

void loop_jobs_init_(struct loop *l);
void loop_jobs_done_(struct loop *l);
void loop_signals_init_(struct loop *l);
void loop_signals_done_(struct loop *l);

#endif
