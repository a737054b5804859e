/* renew.c: everything that is due, at work. */
#include "fleet/renew.h"

#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"
#include "acme/session.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/install.h"
#include "fleet/renew_internal.h"
#include "inventory/delegation.h"
#include "inventory/presenter.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "loop/loop.h"
#include "state/installer.h"
#include "state/store.h"

/* After so many certificates in a row that could not reach a CA, the rest of its queue is parked without trying. One is
 * enough as long as not even its directory was had: each of them waits until the patience of a session ends. */
enum { LOST_CONTACT_LIMIT = 3 };

/* So many jobs more than twice as many as a CA takes orders: their keys are made, or their files written, while
 * others are at the CA. */
enum { JOBS_BESIDE = 4 };

/* While orders are at a CA the steps of those that are not wait for a commit so long: those at the CA hurry. */
enum { PATIENCE_MS = 20 };

/* With many orders at a CA those in a hurry share commits too: a millisecond's wait for every 8 orders, at most this.
 * The others keep the CA busy meanwhile. Files share their waits for the disk likewise: a millisecond for every order.
 */
enum { HURRY_SHARE = 8, HURRY_MS_MAX = 10, FILES_MS_MAX = 40 };

/* For an order that the budget allows so soon the run waits; others are left to a later one. */
enum { BUDGET_WAIT_MS = 10000 };

/* So many orders more may wait for the DNS: their values are written together. */
enum { WAITING_MAX = 100 };

enum phase { PHASE_PREPARING, PHASE_READY, PHASE_AT_CA, PHASE_WAITING, PHASE_SERVED };

struct job {
	struct renew *r;
	struct issue_job *issue; /* NULL while its records are looked at */
	struct fallback *fallback;
	struct queue *q;
	struct due due;
	enum phase phase;
	LIST_ENTRY(job) link;
	TAILQ_ENTRY(job) line; /* in PHASE_PREPARING and PHASE_READY */
};

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

static void tell(struct renew *r, const struct issue_report *rep)
{
	bool again = rep->result == ISSUE_HELD || rep->result == ISSUE_PARKED || rep->result == ISSUE_FAILED;
	count(&r->sum, rep->result);
	r->sum.clock_wrong |= rep->e->kind == ERR_CLOCK;
	renew_note_next(r, again ? rep->next_at : rep->look_at);
	if (r->hooks->report)
		r->hooks->report(rep, r->ctx);
}

/* A result for a certificate that was never started. */
static void report_unstarted(struct renew *r, const struct queue *q, const struct config_cert *c, const struct err *e)
{
	bool later = e->retry == RETRY_LATER || e->retry == RETRY_NOW;
	struct issue_report rep = {
		.name = c->name,
		.names = &c->names,
		.ca = q->ca->conf->name,
		.result = later ? ISSUE_PARKED : ISSUE_FAILED,
		.e = e,
		.next_at = e->retry_at / 1000,
	};
	tell(r, &rep);
}

/* A limit that a name of the order, or a domain above it, has met by itself. */
static bool mentions_a_name(const struct issue_report *rep)
{
	const char *detail = rep->e->problem ? rep->e->problem->detail : "";
	for (size_t i = 0; i < rep->names->n; i++) {
		const char *name = rep->names->v[i];
		for (name += strncmp(name, "*.", 2) ? 0 : 2; strchr(name, '.'); name = strchr(name, '.') + 1)
			if (strstr(detail, name))
				return true;
	}
	return false;
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
	       (acme_problem_is(e, "rateLimited") && e->retry_at && !for_names && !mentions_a_name(rep)) ||
	       (e->kind == ERR_HTTP && e->retry == RETRY_LATER) || e->kind == ERR_TLS || e->kind == ERR_CLOCK;
}

static void learn(const struct renew *r, struct queue *q, const struct due *d, const struct issue_report *rep)
{
	const struct err *e = rep->e;
	struct limits *l = &q->limits;
	bool lost = e->kind == ERR_NET || e->kind == ERR_TIMEOUT;
	bool served = rep->result == ISSUE_ISSUED || rep->result == ISSUE_RENEWED;
	int64_t now = clk_wall(r->site->clk);
	q->lost_contact = lost ? q->lost_contact + 1 : 0;
	if (served && l->down_since) {
		l->down_since = 0;
		l->changed = true;
	}
	struct budget *b = &l->of[d->replacing ? LIMITS_REPLACING : LIMITS_NEW];
	if (rep->placed && !rep->resumed)
		l->changed |= budget_served(b, d->shut_until, now);
	bool account = concerns_the_account(rep);
	if (account && acme_problem_is(e, "rateLimited") && !rep->placed) {
		budget_refused(b, now, e->retry_at);
		l->changed = true;
	}
	const struct acme_session *session = q->ca->session;
	bool silent = session && !acme_session_have_directory(session);
	bool down = lost && (silent || q->lost_contact >= LOST_CONTACT_LIMIT);
	if (err_is(&q->paused) || !(account || down))
		return;
	err_copy(&q->paused, e);
	if (!l->down_since) {
		l->down_since = l->tried_at = now / 1000;
		l->changed = true;
	}
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
	/* Orders that are placed already come first. */
	if (!stands_in_line(j->phase) && stands_in_line(to))
		TAILQ_INSERT_HEAD(&j->q->line, j, line);
	j->q->n_at_ca -= j->phase == PHASE_AT_CA;
	j->q->n_at_ca += to == PHASE_AT_CA;
	j->q->n_waiting -= j->phase == PHASE_WAITING;
	j->q->n_waiting += to == PHASE_WAITING;
	j->phase = to;
}

static void drop_job(struct job *j)
{
	enter(j, PHASE_SERVED);
	LIST_REMOVE(j, link);
	j->q->n_jobs--;
	j->r->n_jobs--;
	if (j->fallback)
		j->r->ops->fallback_free(j->fallback);
	if (j->issue)
		j->r->ops->free(j->issue);
	free(j);
}

static void job_done(struct issue_job *issue, const struct issue_report *rep, void *ctx)
{
	struct job *j = ctx;
	struct renew *r = j->r;
	(void)issue;
	tell(r, rep);
	learn(r, j->q, &j->due, rep);
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

static void job_waiting(struct issue_job *issue, void *ctx)
{
	struct job *j = ctx;
	(void)issue;
	enter(j, PHASE_WAITING);
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
	.step = job_step, .ready = job_ready, .waiting = job_waiting, .served = job_served, .done = job_done};

static void start_issue(struct job *j)
{
	const struct renew *r = j->r;
	struct issue_request req = {.site = r->site,
		.ca = j->q->ca,
		.cert = j->due.cert,
		.presenter = r->presenter,
		.force_record = r->o->force_record};
	j->issue = r->ops->start(&req, &job_hooks, j);
}

/* The CA's account and session; a CA that is not ready fails its own certificates only. */
static void open_queue(const struct renew *r, struct queue *q)
{
	if (!q->opened && !r->ops->open(r->site, q->ca, &q->paused) && q->ca->session &&
		!acme_session_learnt(q->ca->session))
		acme_session_put_learnt(q->ca->session, limits_requests(&q->limits, clk_wall(r->site->clk) / 1000));
	q->opened = true;
}

/* Whether a name of it can be proved by the standing record alone. */
static bool by_record(const struct config *conf, const struct config_cert *c)
{
	bool served = c->webroot || conf->http.listen;
	if (c->validation != CONFIG_VALIDATION_AUTO)
		return c->validation == CONFIG_VALIDATION_PERSIST;
	for (size_t i = 0; i < c->names.n && !config_delegation_given(c->delegation); i++) {
		bool wildcard = !strncmp(c->names.v[i], "*.", 2);
		AUTO(xfreep) char *owner = delegation_owner(c->names.v[i] + (wildcard ? 2 : 0));
		if (!(served && !wildcard) && !config_provider_for(conf, owner, 0, NULL))
			return true;
	}
	return false;
}

/* Without records for another CA it waits for its first one, as if there were no other. */
static void fallback_checked(bool good, const struct err *e, void *ctx)
{
	struct job *j = ctx;
	struct renew *r = j->r;
	struct due d = j->due;
	if (good)
		log_info("%s: asked of CA \"%s\", because \"%s\" does not serve", d.cert->name, j->q->ca->conf->name,
			d.cert->cas.v[0]);
	else
		log_info("%s: not asked of CA \"%s\" instead of its first one: %s", d.cert->name, j->q->ca->conf->name,
			e->msg);
	r->ops->fallback_free(j->fallback);
	j->fallback = NULL;
	if (good) {
		start_issue(j);
		return;
	}
	drop_job(j);
	d.fallback = false;
	struct queue *first = renew_queue(r, d.cert->cas.v[0]);
	open_queue(r, first);
	renew_enqueue(first, &d);
	start_more(r);
}

static void start_job(struct renew *r, struct queue *q, const struct due *d)
{
	struct job *j = xcalloc(1, sizeof(*j));
	*j = (struct job){.r = r, .q = q, .due = *d};
	q->n_jobs++;
	r->n_jobs++;
	LIST_INSERT_HEAD(&r->jobs, j, link);
	TAILQ_INSERT_TAIL(&q->line, j, line);
	if (d->fallback && r->ops->fallback_start && by_record(r->site->config, d->cert))
		j->fallback = r->ops->fallback_start(r->site, q->ca, d->cert, fallback_checked, j);
	else
		start_issue(j);
}

/* The job whose turn it is: keys are ready in any order, orders are placed by urgency. Those of a CA
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
			report_unstarted(r, q, j->due.cert, &q->paused);
			drop_job(j);
			continue;
		}
		if (q->n_at_ca >= (size_t)q->ca->conf->max_orders)
			return;
		enter(j, PHASE_AT_CA);
		j->due.shut_until = q->limits.of[j->due.replacing].shut_until;
		r->ops->go(j->issue);
	}
}

/* Whether there may be one more job for a CA that takes so many orders at once. */
static bool has_room(const struct queue *q)
{
	size_t orders = (size_t)q->ca->conf->max_orders;
	return q->n_waiting < WAITING_MAX && q->n_jobs - q->n_waiting < 2 * orders + JOBS_BESIDE;
}

static void set_patience(struct renew *r, size_t at_ca)
{
	int64_t hurry = (int64_t)(at_ca / HURRY_SHARE);
	store_set_patience(r->site->store, at_ca ? PATIENCE_MS : 0, hurry < HURRY_MS_MAX ? hurry : HURRY_MS_MAX);
	installer_set_patience(r->site->installer, at_ca < FILES_MS_MAX ? (int64_t)at_ca : FILES_MS_MAX);
	store_set_background(r->site->store, at_ca > 1); /* else nobody could go on meanwhile */
}

/* The state keeps when its turn comes, so that runs before then leave it alone. */
static void put_off(struct renew *r, const struct config_cert *c, int64_t until, const char *why)
{
	struct store_cert row = {0};
	struct err e = {0};
	bool found;
	if (store_cert_get(r->site->store, c->name, &row, &found, &e) == 0) {
		if (!found)
			install_empty_row(c->name, &row);
		row.next_at = until;
		free(row.last_error);
		row.last_error = xstrdup(why);
		(void)store_cert_put(r->site->store, &row, &e);
	}
	if (err_is(&e))
		log_warn("%s", e.msg);
	store_cert_done(&row);
	err_done(&e);
}

/* Parked until the budget allows it; those that are parked after it come later. */
static void out_of_budget(struct renew *r, struct queue *q, const struct due *d, int64_t at)
{
	struct budget *later = &q->later[d->replacing];
	char when[CLOCK_TEXT_MAX];
	struct err e = {0};
	if (!q->has_later[d->replacing]) {
		q->has_later[d->replacing] = true;
		*later = q->limits.of[d->replacing];
	}
	while (!budget_take(later, at, &at))
		;
	int64_t until = (at + 999) / 1000;
	clock_rfc3339(until, when);
	err_set(&e, ERR_HTTP, "CA \"%s\" takes no more new orders from this account now; the turn of %s comes at %s",
		q->ca->conf->name, d->cert->name, when);
	err_hint(&e, "ask the CA for a higher limit, and say it in cas[].limits");
	err_retry(&e, RETRY_LATER, until * 1000);
	put_off(r, d->cert, until, e.msg);
	report_unstarted(r, q, d->cert, &e);
	err_done(&e);
}

/* The next one of the queue; false when the run waits until the budget allows it. */
static bool start_next(struct renew *r, struct queue *q)
{
	const struct due *d = &q->due[q->next];
	int64_t now = clk_wall(r->site->clk), at = 0;
	/* Whoever names a certificate wants it tried now. */
	if (!d->placed && !budget_take(&q->limits.of[d->replacing], now, &at) && !r->o->only) {
		if (at - now <= BUDGET_WAIT_MS) {
			if (!r->waiting_until || at < r->waiting_until)
				r->waiting_until = at;
			return false;
		}
		q->next++;
		out_of_budget(r, q, d, at);
		return true;
	}
	q->limits.changed |= !d->placed;
	q->next++;
	start_job(r, q, d);
	return true;
}

static void finish(struct renew *r);

/* The jobs are done. What was written for them, and what earlier runs have left, is taken out before the end. */
static void clear_up(struct renew *r)
{
	if (!r->swept && r->presenter)
		presenter_sweep(r->presenter);
	r->swept = true;
	if (!r->presenter || !presenter_busy(r->presenter))
		finish(r);
}

static void presenter_idle(void *ctx)
{
	struct renew *r = ctx;
	if (r->swept && !r->finished)
		finish(r);
}

static void start_more(struct renew *r)
{
	size_t at_ca = 0, waiting = 0;
	bool more = false;
	r->waiting_until = 0;
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		let_go(r, q);
		at_ca += q->n_at_ca;
		metrics_set(tell_metrics(r->site), METRIC_ORDERS_IN_FLIGHT, METRIC_L(q->ca->conf->name),
			(double)q->n_at_ca);
		while (q->next < q->n && err_is(&q->paused))
			report_unstarted(r, q, q->due[q->next++].cert, &q->paused);
		while (q->next < q->n && has_room(q) && start_next(r, q))
			;
		waiting += q->n_waiting;
		more |= q->n_at_ca || !TAILQ_EMPTY(&q->line);
	}
	if (waiting && !more)
		presenter_flush(r->presenter);
	set_patience(r, at_ca);
	progress(r);
	if (r->waiting_until)
		loop_timer_start(r->next_step, r->waiting_until - clk_wall(r->site->clk));
	else if (!r->n_jobs)
		clear_up(r);
}

/* ---- a run ---- */

static int work(struct renew *r, struct err *e)
{
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		if (q->n)
			open_queue(r, q);
	}
	if (r->ops->dns && r->ops->dns(r->site, e))
		return -1;
	start_more(r);
	return 0;
}

static void keep_limits(struct renew *r)
{
	struct err e = {0};
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		struct queue *q = &r->queues[i];
		if (q->opened && q->ca->session)
			limits_learnt(&q->limits, acme_session_learnt(q->ca->session), clk_wall(r->site->clk) / 1000);
		if (limits_write(r->site->store, q->ca->conf, &q->limits, &e)) {
			log_warn("%s", e.msg);
			err_done(&e);
		}
	}
}

/* What the last jobs wrote is committed with it. The done callback comes from the loop. */
static void finish(struct renew *r)
{
	keep_limits(r);
	if (!err_is(&r->failure))
		(void)store_commit(r->site->store, &r->failure);
	r->finished = true;
	loop_timer_start(r->next_step, 0);
}

static void begin(struct renew *r)
{
	static const struct presenter_hooks hooks = {.idle = presenter_idle};
	if (renew_plan(r, &r->failure) || r->o->dry_run || !r->site->store)
		r->finished = true;
	else if (presenter_new(r->site, &hooks, r, &r->presenter, &r->failure))
		finish(r);
	else if (!r->sum.due)
		clear_up(r);
	else if (work(r, &r->failure))
		finish(r);
	if (r->finished)
		loop_timer_start(r->next_step, 0);
}

static void windows_here(void *ctx)
{
	struct renew *r = ctx;
	r->ops->windows_free(r->windows);
	r->windows = NULL;
	begin(r);
}

static void next_step(void *ctx)
{
	struct renew *r = ctx;
	if (r->finished)
		r->done(&r->sum, err_is(&r->failure) ? &r->failure : NULL, r->done_ctx);
	else if (r->n_jobs || r->waiting_until)
		start_more(r);
	else if (!r->swept)
		begin(r);
}

int renew_start(struct site *s, const struct renew_options *o, const struct renew_ops *ops,
	const struct renew_hooks *hooks, void *ctx, renew_done_fn done, void *done_ctx, struct renew **ret,
	struct err *e)
{
	if (renew_check_selection(s, o->only, e))
		return -1;
	struct renew *r = xcalloc(1, sizeof(*r));
	*r = (struct renew){
		.site = s, .o = o, .ops = ops, .hooks = hooks, .ctx = ctx, .done = done, .done_ctx = done_ctx};
	size_t n = s->config->n_cas;
	r->queues = xcalloc(n, sizeof(*r->queues));
	LIST_INIT(&r->jobs);
	for (size_t i = 0; i < n; i++) {
		r->queues[i].ca = &s->cas[i];
		TAILQ_INIT(&r->queues[i].line);
	}
	r->next_step = loop_timer_new(s->loop, next_step, r);
	if (ops->windows_start && !o->dry_run && !o->force_renewal)
		r->windows = ops->windows_start(s, o->only, windows_here, r);
	if (!r->windows)
		loop_timer_start(r->next_step, 0);
	*ret = r;
	return 0;
}

void renew_park(struct renew *r, struct renew_summary *ret)
{
	r->sum.parked += r->sum.due - finished(&r->sum);
	while (!LIST_EMPTY(&r->jobs))
		drop_job(LIST_FIRST(&r->jobs));
	presenter_free(r->presenter);
	r->presenter = NULL;
	if (r->site->store)
		keep_limits(r);
	*ret = r->sum;
}

void renew_free(struct renew *r)
{
	if (!r)
		return;
	while (!LIST_EMPTY(&r->jobs))
		drop_job(LIST_FIRST(&r->jobs));
	presenter_free(r->presenter);
	if (r->windows)
		r->ops->windows_free(r->windows);
	loop_timer_free(r->next_step);
	for (size_t i = 0; i < r->site->config->n_cas; i++) {
		free(r->queues[i].due);
		err_done(&r->queues[i].paused);
	}
	err_done(&r->failure);
	free(r->queues);
	free(r);
}
