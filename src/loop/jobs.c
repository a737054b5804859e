/* jobs.c: the worker threads. Finished jobs come back to the loop through one eventfd. */
#include "loop/internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

static void finish(struct jobs *p, struct job *j)
{
	pthread_mutex_lock(&p->mu);
	bool first = STAILQ_EMPTY(&p->finished);
	STAILQ_INSERT_TAIL(&p->finished, j, link);
	pthread_mutex_unlock(&p->mu);
	if (!first)
		return;
	const uint64_t one = 1;
	while (write(p->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* The job that may begin now, or NULL. */
static struct job *next_job(const struct jobs *p)
{
	struct job *j = p->n_at[JOB_COMPUTES] < p->max_computing ? STAILQ_FIRST(&p->queued[JOB_COMPUTES]) : NULL;
	return j ? j : STAILQ_FIRST(&p->queued[JOB_WAITS]);
}

/* Wakes a thread if there is one and something for it. */
static void wake_one(struct jobs *p)
{
	struct worker *w = LIST_FIRST(&p->resting);
	if (!w || !next_job(p))
		return;
	LIST_REMOVE(w, link);
	w->rests = false;
	pthread_cond_signal(&w->wake);
}

static void do_job(struct jobs *p, struct job *j)
{
	enum job_kind kind = j->kind;
	STAILQ_REMOVE_HEAD(&p->queued[kind], link);
	p->n_at[kind]++;
	wake_one(p);
	pthread_mutex_unlock(&p->mu);
	j->work(j->arg);
	finish(p, j);
	pthread_mutex_lock(&p->mu);
	p->n_at[kind]--;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct jobs *p = w->pool;
	pthread_mutex_lock(&p->mu);
	while (!p->quit) {
		struct job *j = next_job(p);
		if (j) {
			do_job(p, j);
			continue;
		}
		if (!w->rests)
			LIST_INSERT_HEAD(&p->resting, w, link);
		w->rests = true;
		pthread_cond_wait(&w->wake, &p->mu);
	}
	pthread_mutex_unlock(&p->mu);
	return NULL;
}

static void deliver(evutil_socket_t fd, short what, void *ctx)
{
	struct jobs *p = ctx;
	struct job_list now = STAILQ_HEAD_INITIALIZER(now);
	uint64_t n;
	(void)what;
	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR)
		log_debug("eventfd: errno %d", errno);
	pthread_mutex_lock(&p->mu);
	STAILQ_CONCAT(&now, &p->finished);
	pthread_mutex_unlock(&p->mu);
	for (struct job *j; (j = STAILQ_FIRST(&now));) {
		STAILQ_REMOVE_HEAD(&now, link);
		void (*done)(void *arg) = j->done;
		void *arg = j->arg;
		free(j);
		p->in_work--;
		done(arg);
	}
}

/* Workers take no signals: those belong to the loop's thread. */
static void add_worker(struct jobs *p)
{
	struct worker *w = &p->workers[p->n_workers];
	sigset_t all, old;
	w->pool = p;
	pthread_cond_init(&w->wake, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		p->n_workers++;
	else
		pthread_cond_destroy(&w->wake);
}

static unsigned processors(void)
{
	cpu_set_t ours;
	return sched_getaffinity(0, sizeof(ours), &ours) == 0 ? (unsigned)CPU_COUNT(&ours) : 1;
}

static bool open_eventfd(struct loop *l)
{
	struct jobs *p = &l->jobs;
	if (p->fd >= 0)
		return true;
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd < 0)
		return false;
	if (event_assign(&p->ev, l->base, p->fd, EV_READ | EV_PERSIST, deliver, p) == 0 && event_add(&p->ev, NULL) == 0)
		return true;
	int saved = errno;
	close(p->fd);
	p->fd = -1;
	errno = saved;
	return false;
}

static bool wants_worker(const struct jobs *p, enum job_kind kind)
{
	unsigned max = kind == JOB_COMPUTES ? p->n_at[JOB_WAITS] + p->max_computing : JOBS_MAX_THREADS;
	return LIST_EMPTY(&p->resting) && p->n_workers < max && p->n_workers < JOBS_MAX_THREADS;
}

static void put(struct loop *l, struct job job)
{
	struct jobs *p = &l->jobs;
	p->in_work++;
	if (!open_eventfd(l)) {
		l->broken = errno ? errno : EINVAL;
		return;
	}
	struct job *j = xmemdup(&job, sizeof(job));
	pthread_mutex_lock(&p->mu);
	STAILQ_INSERT_TAIL(&p->queued[j->kind], j, link);
	bool more = wants_worker(p, j->kind);
	wake_one(p);
	pthread_mutex_unlock(&p->mu);
	if (more)
		add_worker(p);
	if (p->n_workers == 0) {
		/* The system gives us no thread: slower, but it works. */
		pthread_mutex_lock(&p->mu);
		do_job(p, j);
		pthread_mutex_unlock(&p->mu);
	}
}

void loop_job(struct loop *l, void (*work_fn)(void *arg), void (*done)(void *arg), void (*gone)(void *arg), void *arg)
{
	put(l, (struct job){.kind = JOB_WAITS, .work = work_fn, .done = done, .gone = gone, .arg = arg});
}

void loop_compute(
	struct loop *l, void (*work_fn)(void *arg), void (*done)(void *arg), void (*gone)(void *arg), void *arg)
{
	put(l, (struct job){.kind = JOB_COMPUTES, .work = work_fn, .done = done, .gone = gone, .arg = arg});
}

void loop_jobs_init_(struct loop *l)
{
	struct jobs *p = &l->jobs;
	pthread_mutex_init(&p->mu, NULL);
	for (unsigned k = 0; k < JOB_KIND_N_; k++)
		STAILQ_INIT(&p->queued[k]);
	STAILQ_INIT(&p->finished);
	LIST_INIT(&p->resting);
	p->fd = -1;
	p->max_computing = processors();
}

static void drop(struct job_list *list)
{
	for (struct job *j; (j = STAILQ_FIRST(list));) {
		STAILQ_REMOVE_HEAD(list, link);
		if (j->gone)
			j->gone(j->arg);
		free(j);
	}
}

void loop_jobs_done_(struct loop *l)
{
	struct jobs *p = &l->jobs;
	pthread_mutex_lock(&p->mu);
	p->quit = true;
	for (unsigned i = 0; i < p->n_workers; i++)
		pthread_cond_signal(&p->workers[i].wake);
	pthread_mutex_unlock(&p->mu);
	for (unsigned i = 0; i < p->n_workers; i++) {
		pthread_join(p->workers[i].thread, NULL);
		pthread_cond_destroy(&p->workers[i].wake);
	}
	for (unsigned k = 0; k < JOB_KIND_N_; k++)
		drop(&p->queued[k]);
	drop(&p->finished);
	if (p->fd >= 0) {
		event_del(&p->ev);
		close(p->fd);
	}
	pthread_mutex_destroy(&p->mu);
}
