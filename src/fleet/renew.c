/* renew.c: everything that is due. */
#include "fleet/renew.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "acme/problem.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/windows.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/certfiles.h"
#include "state/store.h"

/* After so many certificates in a row that could not reach a CA, the rest of its queue is parked without trying. */
enum { LOST_CONTACT_LIMIT = 3 };

/* So many jobs more than a CA takes orders, and half as many again: their keys are made, or their files written, while
 * others are at the CA. */
enum { JOBS_BESIDE = 4 };

/* While orders are at a CA the steps of those that are not wait for a commit so long: those at the CA hurry. */
enum { PATIENCE_MS = 20 };

/* With many orders at a CA those in a hurry share commits too: a millisecond's wait for every 8 orders, at most this.
 * The others keep the CA busy meanwhile. */
enum { HURRY_SHARE = 8, HURRY_MS_MAX = 10 };

struct queue {
	struct site_ca *ca;
	const struct config_cert **certs; /* due, borrowed */
	size_t n, cap, next;
	size_t n_jobs; /* at work */
	size_t n_at_ca;
	int lost_contact; /* consecutive jobs that ended for want of a connection */
	struct err paused; /* set: nothing more is started at this CA */
	TAILQ_HEAD(, job) line; /* of its jobs, those that were not at the CA yet, in the order of the configuration */
};

enum phase { PHASE_PREPARING, PHASE_READY, PHASE_AT_CA, PHASE_SERVED };

struct job {
	struct renew *r;
	struct issue_job *issue;
	struct queue *q;
	const struct config_cert *cert;
	enum phase phase;
	LIST_ENTRY(job) link;
	TAILQ_ENTRY(job) line; /* in PHASE_PREPARING and PHASE_READY */
};

struct renew {
	struct site *site;
	const struct renew_options *o;
	const struct renew_hooks *hooks;
	void *ctx;
	struct queue *queues; /* one for each CA */
	LIST_HEAD(, job) jobs; /* at work */
	size_t n_jobs;
	struct renew_summary sum;
};

/* ---- what is due ---- */

struct look {
	struct renew *r;
	bool *seen; /* one for each certificate of the configuration */
	bool *in_work; /* the same */
};

static bool selected(const struct renew *r, const struct config_cert *c)
{
	return !r->o->only || strv_has(r->o->only, c->name);
}

static void enqueue(struct renew *r, const struct config_cert *c)
{
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		if (strcmp(q->ca->conf->name, c->cas.v[0]))
			continue;
		if (q->n == q->cap) {
			q->cap = q->cap ? q->cap * 2 : 64;
			q->certs = xreallocarray(q->certs, q->cap, sizeof(const struct config_cert *));
		}
		q->certs[q->n++] = c;
		return;
	}
}

static void plan_one(struct look *l, const struct config_cert *c, const struct store_cert *row)
{
	struct renew *r = l->r;
	struct err ignored = {0};
	int64_t live = 0;
	if (row && row->generation && certfiles_live_generation(r->site->config->state_dir, c->name, &live, &ignored))
		err_done(&ignored);
	struct schedule_facts facts = {
		.row = row,
		.live = live != 0,
		.in_work = l->in_work[c - r->site->config->certs],
		.ignore_wait = r->o->only || r->o->force_renewal,
	};
	enum schedule_verdict v = schedule_due(c, &facts, clk_wall(r->site->clk) / 1000);
	if (v == SCHEDULE_NOT_DUE && r->o->force_renewal)
		v = SCHEDULE_EXPIRING;
	r->sum.looked++;
	if (v == SCHEDULE_WAITING) {
		r->sum.waiting++;
	} else if (v != SCHEDULE_NOT_DUE) {
		r->sum.due++;
		enqueue(r, c);
	}
	if (r->hooks->planned)
		r->hooks->planned(c, row, v, r->ctx);
}

static int look_at_order(const struct store_order *o, void *ctx, struct err *e)
{
	struct look *l = ctx;
	const struct config *conf = l->r->site->config;
	const struct config_cert *c = config_find_cert(conf, o->cert);
	(void)e;
	if (c)
		l->in_work[c - conf->certs] = true;
	return 0;
}

static int look_at_row(const struct store_cert *row, void *ctx, struct err *e)
{
	struct look *l = ctx;
	const struct config *conf = l->r->site->config;
	const struct config_cert *c = config_find_cert(conf, row->name);
	(void)e;
	if (!c || !selected(l->r, c))
		return 0;
	l->seen[c - conf->certs] = true;
	plan_one(l, c, row);
	return 0;
}

static int plan(struct renew *r, struct err *e)
{
	const struct config *conf = r->site->config;
	for (size_t i = 0; r->o->only && i < r->o->only->n; i++)
		if (!config_find_cert(conf, r->o->only->v[i])) {
			err_set(e, ERR_USAGE, "there is no certificate \"%s\" in %s", r->o->only->v[i], conf->path);
			err_hint(e, "\"perdure status\" lists them");
			return -1;
		}
	AUTO(xfreep) bool *seen = xcalloc(conf->n_certs, sizeof(*seen));
	AUTO(xfreep) bool *in_work = xcalloc(conf->n_certs, sizeof(*in_work));
	struct look l = {.r = r, .seen = seen, .in_work = in_work};
	if (r->site->store && store_order_each(r->site->store, look_at_order, &l, e))
		return -1;
	if (r->site->store && store_cert_each(r->site->store, look_at_row, &l, e))
		return -1;
	for (size_t i = 0; i < conf->n_certs; i++)
		if (!seen[i] && selected(r, &conf->certs[i]))
			plan_one(&l, &conf->certs[i], NULL);
	return 0;
}

/* ---- the work ---- */

static void count(struct renew_summary *s, enum issue_result result)
{
	size_t *const of[] = {
		[ISSUE_ISSUED] = &s->issued,
		[ISSUE_RENEWED] = &s->renewed,
		[ISSUE_HELD] = &s->held,
		[ISSUE_PARKED] = &s->parked,
		[ISSUE_FAILED] = &s->failed,
	};
	++*of[result];
}

static size_t finished(const struct renew_summary *s)
{
	return s->issued + s->renewed + s->held + s->parked + s->failed;
}

static void progress(struct renew *r)
{
	if (r->hooks->progress)
		r->hooks->progress(finished(&r->sum), r->n_jobs, r->sum.due, r->ctx);
}

/* A result for a certificate that was never started. */
static void report_unstarted(struct renew *r, const struct queue *q, const struct config_cert *c)
{
	bool later = q->paused.retry == RETRY_LATER || q->paused.retry == RETRY_NOW;
	struct issue_report rep = {
		.name = c->name,
		.names = &c->names,
		.ca = q->ca->conf->name,
		.result = later ? ISSUE_PARKED : ISSUE_FAILED,
		.e = &q->paused,
		.next_at = q->paused.retry_at / 1000,
	};
	count(&r->sum, rep.result);
	if (r->hooks->report)
		r->hooks->report(&rep, r->ctx);
}

/* Failures that every other order at this CA would meet as well. An order that is refused as unauthorized, for no name
 * in particular, is so for the account: deactivated, for one (RFC 8555 section 7.3.6). */
static bool concerns_the_account(const struct issue_report *rep)
{
	const struct err *e = rep->e;
	bool for_names = e->problem && e->problem->n_subs;
	return (acme_problem_is(e, "unauthorized") && !rep->placed && !for_names) ||
	       acme_problem_is(e, "accountDoesNotExist") || acme_problem_is(e, "userActionRequired") ||
	       acme_problem_is(e, "externalAccountRequired") ||
	       (acme_problem_is(e, "rateLimited") && e->retry_at && !for_names) ||
	       (e->kind == ERR_HTTP && e->retry == RETRY_LATER) || e->kind == ERR_TLS || e->kind == ERR_CLOCK;
}

static void learn(struct queue *q, const struct issue_report *rep)
{
	const struct err *e = rep->e;
	bool lost = e->kind == ERR_NET || e->kind == ERR_TIMEOUT;
	q->lost_contact = lost ? q->lost_contact + 1 : 0;
	if (!err_is(&q->paused) && (concerns_the_account(rep) || q->lost_contact >= LOST_CONTACT_LIMIT))
		err_copy(&q->paused, e);
}

static void start_more(struct renew *r);

static void job_step(const char *cert, const char *what, void *ctx)
{
	const struct job *j = ctx;
	if (j->r->hooks->step)
		j->r->hooks->step(cert, what, j->r->ctx);
}

static bool stands_in_line(enum phase p)
{
	return p == PHASE_PREPARING || p == PHASE_READY;
}

static void enter(struct job *j, enum phase to)
{
	if (stands_in_line(j->phase) && !stands_in_line(to))
		TAILQ_REMOVE(&j->q->line, j, line);
	if (!stands_in_line(j->phase) && stands_in_line(to))
		TAILQ_INSERT_TAIL(&j->q->line, j, line);
	j->q->n_at_ca -= j->phase == PHASE_AT_CA;
	j->q->n_at_ca += to == PHASE_AT_CA;
	j->phase = to;
}

static void drop_job(struct job *j)
{
	enter(j, PHASE_SERVED);
	LIST_REMOVE(j, link);
	j->q->n_jobs--;
	j->r->n_jobs--;
	issue_free(j->issue);
	free(j);
}

static void job_done(struct issue_job *issue, const struct issue_report *rep, void *ctx)
{
	struct job *j = ctx;
	struct renew *r = j->r;
	(void)issue;
	count(&r->sum, rep->result);
	if (r->hooks->report)
		r->hooks->report(rep, r->ctx);
	learn(j->q, rep);
	drop_job(j);
	start_more(r);
}

static void job_ready(struct issue_job *issue, void *ctx)
{
	struct job *j = ctx;
	(void)issue;
	enter(j, PHASE_READY);
	start_more(j->r);
}

static void job_served(struct issue_job *issue, void *ctx)
{
	struct job *j = ctx;
	(void)issue;
	enter(j, PHASE_SERVED);
	start_more(j->r);
}

static const struct issue_hooks job_hooks = {
	.step = job_step, .ready = job_ready, .served = job_served, .done = job_done};

static void start_job(struct renew *r, struct queue *q, const struct config_cert *c)
{
	struct issue_request req = {.site = r->site, .ca = q->ca, .cert = c, .force_record = r->o->force_record};
	struct job *j = xcalloc(1, sizeof(*j));
	*j = (struct job){.r = r, .q = q, .cert = c};
	q->n_jobs++;
	r->n_jobs++;
	LIST_INSERT_HEAD(&r->jobs, j, link);
	TAILQ_INSERT_TAIL(&q->line, j, line);
	j->issue = issue_start(&req, &job_hooks, j);
}

/* The job whose turn it is: keys are ready in any order, orders are placed in that of the configuration. Those of a CA
 * that is paused wait for nobody. */
static struct job *next_ready(const struct queue *q)
{
	struct job *j = TAILQ_FIRST(&q->line);
	while (j && j->phase != PHASE_READY && err_is(&q->paused))
		j = TAILQ_NEXT(j, line);
	return j && j->phase == PHASE_READY ? j : NULL;
}

/* Jobs whose turn at the CA has come; those of a CA that is paused end here, their orders are kept. */
static void let_go(struct renew *r, struct queue *q)
{
	for (struct job *j; (j = next_ready(q));) {
		if (err_is(&q->paused)) {
			report_unstarted(r, q, j->cert);
			drop_job(j);
			continue;
		}
		if (q->n_at_ca >= (size_t)q->ca->conf->max_orders)
			return;
		enter(j, PHASE_AT_CA);
		issue_go(j->issue);
	}
}

/* Jobs at once for a CA that takes so many orders at once. */
static size_t room(const struct queue *q)
{
	size_t orders = (size_t)q->ca->conf->max_orders;
	return orders + orders / 2 + JOBS_BESIDE;
}

static void set_patience(struct renew *r, size_t at_ca)
{
	int64_t hurry = (int64_t)(at_ca / HURRY_SHARE);
	store_set_patience(r->site->store, at_ca ? PATIENCE_MS : 0, hurry < HURRY_MS_MAX ? hurry : HURRY_MS_MAX);
}

static void start_more(struct renew *r)
{
	size_t at_ca = 0;
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		let_go(r, q);
		at_ca += q->n_at_ca;
		while (q->next < q->n && err_is(&q->paused))
			report_unstarted(r, q, q->certs[q->next++]);
		while (q->next < q->n && q->n_jobs < room(q))
			start_job(r, q, q->certs[q->next++]);
	}
	set_patience(r, at_ca);
	progress(r);
	if (!r->n_jobs)
		loop_stop(r->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct renew *r = ctx;
	(void)signo;
	r->sum.stopped = true;
	loop_stop(r->site->loop);
}

static void park_all(struct renew *r)
{
	size_t left = r->sum.due - finished(&r->sum);
	while (!LIST_EMPTY(&r->jobs))
		drop_job(LIST_FIRST(&r->jobs));
	r->sum.parked += left;
}

/* Accounts and sessions of the CAs that have work; a CA that is not ready fails its own certificates only. */
static int open_cas(struct renew *r, struct err *e)
{
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		if (q->n && site_account_session(r->site, q->ca, &q->paused))
			continue;
	}
	return site_dns(r->site, e);
}

static int work(struct renew *r, struct err *e)
{
	if (open_cas(r, e))
		return -1;
	loop_on_stop_signal(r->site->loop, stop_signal, r);
	start_more(r);
	int result = r->n_jobs ? loop_run(r->site->loop, e) : 0;
	park_all(r);
	/* What the last jobs wrote, and the orders just parked. */
	return result || store_commit(r->site->store, e) ? -1 : 0;
}

int renew_run(struct site *s, const struct renew_options *o, const struct renew_hooks *hooks, void *ctx,
	struct renew_summary *ret, struct err *e)
{
	struct renew r = {.site = s, .o = o, .hooks = hooks, .ctx = ctx};
	size_t n = s->config->n_cas;
	r.queues = xcalloc(n, sizeof(*r.queues));
	LIST_INIT(&r.jobs);
	for (size_t i = 0; i < n; i++) {
		r.queues[i].ca = &s->cas[i];
		TAILQ_INIT(&r.queues[i].line);
	}
	if (!o->dry_run && !o->force_renewal)
		windows_refresh(s, o->only);
	int result = plan(&r, e);
	if (!result && !o->dry_run && r.sum.due)
		result = work(&r, e);
	for (size_t i = 0; i < n; i++) {
		free(r.queues[i].certs);
		err_done(&r.queues[i].paused);
	}
	free(r.queues);
	*ret = r.sum;
	return result;
}
