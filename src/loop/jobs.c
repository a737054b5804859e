/* jobs.c: the worker threads. Finished jobs come back to the loop through one eventfd. */
#include "loop/internal.h"

#include <errno.h>
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

static void *worker(void *arg)
{
	struct jobs *p = arg;
	pthread_mutex_lock(&p->mu);
	while (!p->quit) {
		struct job *j = STAILQ_FIRST(&p->queued);
		if (!j) {
			p->n_resting++;
			pthread_cond_wait(&p->more, &p->mu);
			p->n_resting--;
			continue;
		}
		STAILQ_REMOVE_HEAD(&p->queued, link);
		p->n_queued--;
		pthread_mutex_unlock(&p->mu);
		j->work(j->arg);
		finish(p, j);
		pthread_mutex_lock(&p->mu);
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

/* Workers take no signals: those belong to the loop's thread. Returns whether a thread was made. */
static bool add_thread(struct jobs *p)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&p->threads[p->n_threads], NULL, worker, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		p->n_threads++;
	return rc == 0;
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

void loop_job(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void (*gone)(void *arg), void *arg)
{
	struct jobs *p = &l->jobs;
	p->in_work++;
	if (!open_eventfd(l)) {
		l->broken = errno ? errno : EINVAL;
		return;
	}
	struct job *j = xcalloc(1, sizeof(*j));
	j->work = work;
	j->done = done;
	j->gone = gone;
	j->arg = arg;
	pthread_mutex_lock(&p->mu);
	bool more = p->n_queued >= p->n_resting && p->n_threads < JOBS_MAX_THREADS;
	pthread_mutex_unlock(&p->mu);
	if (more)
		add_thread(p);
	if (p->n_threads == 0) {
		/* The system gives us no thread: slower, but it works. */
		work(arg);
		finish(p, j);
		return;
	}
	pthread_mutex_lock(&p->mu);
	STAILQ_INSERT_TAIL(&p->queued, j, link);
	p->n_queued++;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->mu);
}

void loop_jobs_init_(struct loop *l)
{
	struct jobs *p = &l->jobs;
	pthread_mutex_init(&p->mu, NULL);
	pthread_cond_init(&p->more, NULL);
	STAILQ_INIT(&p->queued);
	STAILQ_INIT(&p->finished);
	p->fd = -1;
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
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->mu);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	drop(&p->queued);
	drop(&p->finished);
	if (p->fd >= 0) {
		event_del(&p->ev);
		close(p->fd);
	}
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->mu);
}
