/* installer.c: one batch at a time; what comes meanwhile is the next. */
#include "state/installer.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "state/certfiles.h"

/* More than a batch of so many gains nothing, and each holds a descriptor. */
enum { BATCH_MAX = 64 };

/* syncfs(2) writes what everybody has changed on the file system. When a batch takes so long somebody else writes a
 * lot, and each certificate is better synced alone. */
enum { SLOW_US = 250000, SLOW_EACH_US = 20000 };

struct file_job {
	char *name;
	int64_t generation;
	struct secret key_pem;
	char *cert_pem;
	char *chain_pem;
	char *fullchain_pem;
	struct err e;
	struct err prune; /* old generations that could not be removed: the new one is in place all the same */
	installer_fn done;
	void *ctx;
	STAILQ_ENTRY(file_job) link;
};
STAILQ_HEAD(file_jobs, file_job);

struct batch {
	struct installer *in;
	struct file_jobs jobs;
	size_t n;
	int64_t us; /* that it took */
	LIST_ENTRY(batch) link;
};

struct installer {
	struct loop *l;
	struct loop_idle *idle;
	struct loop_timer *later; /* for those that have patience */
	char *state_dir;
	int64_t keep;
	bool alone; /* each is a batch of its own, and does not wait for others */
	int64_t patience_ms;
	struct file_jobs waiting;
	size_t n_waiting;
	int64_t since_ms; /* of the loop's clock: the first of them waits since */
	LIST_HEAD(, batch) at_work;
};

static void job_free(struct file_job *f)
{
	err_done(&f->prune);
	err_done(&f->e);
	free(f->name);
	secret_done(&f->key_pem);
	free(f->cert_pem);
	free(f->chain_pem);
	free(f->fullchain_pem);
	free(f);
}

static void jobs_cancel(struct file_jobs *jobs)
{
	for (struct file_job *f; (f = STAILQ_FIRST(jobs));) {
		STAILQ_REMOVE_HEAD(jobs, link);
		err_done(&f->e);
		err_set(&f->e, ERR_CANCEL, "stopped");
		f->done(&f->e, f->ctx);
		job_free(f);
	}
}

static void start(void *ctx);

struct installer *installer_new(struct loop *l, const char *state_dir, int64_t keep)
{
	struct installer *in = xcalloc(1, sizeof(*in));
	in->l = l;
	in->idle = loop_idle_new(l, start, in);
	in->later = loop_timer_new(l, start, in);
	in->state_dir = xstrdup(state_dir);
	in->keep = keep;
	STAILQ_INIT(&in->waiting);
	LIST_INIT(&in->at_work);
	return in;
}

void installer_stop(struct installer *in)
{
	if (!in)
		return;
	loop_idle_free(in->idle);
	loop_timer_free(in->later);
	in->idle = NULL;
	in->later = NULL;
}

void installer_free(struct installer *in)
{
	if (!in)
		return;
	for (struct batch *b; (b = LIST_FIRST(&in->at_work));) {
		LIST_REMOVE(b, link);
		jobs_cancel(&b->jobs);
		free(b);
	}
	jobs_cancel(&in->waiting);
	free(in->state_dir);
	free(in);
}

/* On a worker; what goes wrong is in the jobs. */
static void work(void *arg)
{
	struct batch *b = arg;
	const char *dir = b->in->state_dir;
	struct certfiles_one *v = xcalloc(b->n, sizeof(*v));
	struct file_job *f;
	size_t n = 0;
	int64_t began = clk_real_mono_us();
	STAILQ_FOREACH(f, &b->jobs, link)
	v[n++] = (struct certfiles_one){.e = &f->e,
		.set = {.name = f->name,
			.generation = f->generation,
			.key_pem = &f->key_pem,
			.cert_pem = f->cert_pem,
			.chain_pem = f->chain_pem,
			.fullchain_pem = f->fullchain_pem}};
	certfiles_install_many(dir, v, n);
	b->us = clk_real_mono_us() - began;
	free(v);
	STAILQ_FOREACH(f, &b->jobs, link)
	if (!err_is(&f->e) && f->generation > b->in->keep) /* else there are no more than are kept */
		certfiles_prune(dir, f->name, b->in->keep, &f->prune);
}

static void done(void *arg);

static void start_batch(struct installer *in)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	b->in = in;
	STAILQ_INIT(&b->jobs);
	while (!STAILQ_EMPTY(&in->waiting) && b->n < (in->alone ? 1 : BATCH_MAX)) {
		struct file_job *f = STAILQ_FIRST(&in->waiting);
		STAILQ_REMOVE_HEAD(&in->waiting, link);
		STAILQ_INSERT_TAIL(&b->jobs, f, link);
		b->n++;
	}
	in->n_waiting -= b->n;
	in->since_ms = clk_mono(loop_clk(in->l));
	LIST_INSERT_HEAD(&in->at_work, b, link);
	loop_job(in->l, work, done, NULL, b);
}

/* How long they wait for company yet. */
static int64_t patience_left(const struct installer *in)
{
	int64_t until = in->since_ms + in->patience_ms - clk_mono(loop_clk(in->l));
	return in->alone || in->n_waiting >= BATCH_MAX || until < 0 ? 0 : until;
}

static void start(void *ctx)
{
	struct installer *in = ctx;
	loop_timer_stop(in->later);
	while (in->n_waiting && (in->alone || LIST_EMPTY(&in->at_work))) {
		int64_t left = patience_left(in);
		if (left) {
			loop_timer_start(in->later, left);
			return;
		}
		start_batch(in);
	}
}

void installer_set_patience(struct installer *in, int64_t ms)
{
	if (!in)
		return;
	if (ms < in->patience_ms)
		loop_idle_request(in->idle);
	in->patience_ms = ms;
}

static void done(void *arg)
{
	struct batch *b = arg;
	struct installer *in = b->in;
	struct file_jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
	if (b->n > 1 && b->us > SLOW_US + (int64_t)b->n * SLOW_EACH_US)
		in->alone = true;
	STAILQ_CONCAT(&jobs, &b->jobs);
	LIST_REMOVE(b, link);
	free(b);
	loop_idle_request(in->idle);
	for (struct file_job *f; (f = STAILQ_FIRST(&jobs));) {
		STAILQ_REMOVE_HEAD(&jobs, link);
		if (err_is(&f->prune))
			log_warn("%s: old generations are left in archive/: %s", f->name, f->prune.msg);
		f->done(&f->e, f->ctx);
		job_free(f);
	}
}

void installer_put(struct installer *in, const struct installer_set *set, installer_fn fn, void *ctx)
{
	struct file_job *f = xcalloc(1, sizeof(*f));
	f->name = xstrdup(set->name);
	f->generation = set->generation;
	f->key_pem = secret_dup(set->key_pem->p, set->key_pem->n);
	f->cert_pem = xstrdup(set->cert_pem);
	f->chain_pem = xstrdup(set->chain_pem);
	f->fullchain_pem = xstrdup(set->fullchain_pem);
	f->done = fn;
	f->ctx = ctx;
	if (LIST_EMPTY(&in->at_work) && STAILQ_EMPTY(&in->waiting) && !in->alone)
		in->alone = !certfiles_syncs_at_once(in->state_dir);
	if (!in->n_waiting++)
		in->since_ms = clk_mono(loop_clk(in->l));
	STAILQ_INSERT_TAIL(&in->waiting, f, link);
	/* What else this turn brings goes with it. */
	loop_idle_request(in->idle);
}
