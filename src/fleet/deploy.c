/* deploy.c: the deploy actions of many certificates: in order for each, shared ones once for all that wait for them. */
#include "fleet/deploy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "fleet/deploywork.h"
#include "fleet/schedule.h"
#include "fleet/telldeploy.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/deployrows.h"
#include "state/store.h"

/* So many certificates are worked on at once. A shared action waits for others for so long while it is held. */
enum { AT_ONCE_MAX = 8, SHARED_WAIT_MS = 60000 };

/* Of those that failed last time: one that hangs must not keep new certificates from their places. */
enum { RETRIES_MAX = AT_ONCE_MAX / 2 };

/* A certificate at its action number `at`, or at the probe after it. */
struct job {
	struct deploy *d;
	const struct config_cert *cert;
	bool force;
	bool retry; /* it failed in an earlier run */
	int64_t generation;
	char *ca;
	struct deploy_state *states;
	size_t n, at;
	bool changed; /* an action was done: all after it are done again */
	bool probing;
	int64_t begun_ms;
	/* What the action came to, while its probe runs. */
	bool acted;
	int64_t status;
	struct buf output;
	struct deploy_subject subject; /* read when it is needed */
	struct deploy_work *work; /* while it runs */
	TAILQ_ENTRY(job) link; /* in d->ready, d->retries, d->running or a batch */
};
TAILQ_HEAD(job_list, job);

/* A shared action, and those who wait for it. */
struct batch {
	char *key;
	const struct config_deploy *action;
	struct job_list jobs;
	struct strv certs;
	struct deploy_work *work; /* while it runs */
	LIST_ENTRY(batch) link;
};

/* Since it was idle last, of one certificate of the configuration. */
struct added {
	int64_t generation;
	bool at_work;
};

struct deploy {
	struct site *site;
	const struct deploy_ops *ops;
	const struct deploy_hooks *hooks;
	void *ctx;
	struct job_list ready, retries, running;
	LIST_HEAD(, batch) batches;
	size_t n_running; /* jobs and batches */
	size_t n_retrying; /* of the jobs */
	struct loop_timer *turn, *patience;
	bool held, impatient;
	struct added *added; /* one for each certificate of the configuration */
	struct deploy_summary sum;
};

static int64_t now_s(const struct deploy *d)
{
	return clk_wall(d->site->clk) / 1000;
}

static int64_t mono_ms(const struct deploy *d)
{
	return clk_mono(d->site->clk);
}

/* --- a certificate's way through its actions --- */

/* NULL for one that is not of the configuration. */
static struct added *added(const struct deploy *d, const struct config_cert *cert)
{
	const struct config_cert *known = config_find_cert(d->site->config, cert->name);
	return known ? &d->added[known - d->site->config->certs] : NULL;
}

static void job_free(struct job *j)
{
	struct added *note = added(j->d, j->cert);
	if (note)
		note->at_work = false;
	deploy_work_free(j->work);
	deploy_subject_done(&j->subject);
	buf_done(&j->output);
	deploy_states_free(j->states, j->n);
	free(j->ca);
	free(j);
}

static void run_on(struct job *j)
{
	TAILQ_INSERT_TAIL(&j->d->running, j, link);
	j->d->n_running++;
	j->d->n_retrying += j->retry;
}

static void make_ready(struct job *j)
{
	TAILQ_INSERT_TAIL(j->retry ? &j->d->retries : &j->d->ready, j, link);
	loop_timer_start(j->d->turn, 0);
}

/* When something is to be tried again; the summary keeps the first. */
static void note_next(struct deploy *d, int64_t at)
{
	if (at && (!d->sum.next_at || at < d->sum.next_at))
		d->sum.next_at = at;
}

static void record(struct job *j, const struct err *e)
{
	struct deploy_state *s = &j->states[j->at];
	const struct config_deploy *action = s->action;
	bool failed = err_is(e);
	struct err ignored = {0};
	AUTO(store_deploy_done)
	struct store_deploy row = {.cert = xstrdup(j->cert->name),
		.action = xstrdup(action->id),
		.label = deploy_label(action, j->cert->name),
		.generation = j->generation,
		.done = !failed,
		.status = j->status,
		.at = now_s(j->d),
		.last_error = xstrdup(failed ? e->msg : "")};
	if (failed) {
		row.tries = s->tries < INT64_MAX ? s->tries + 1 : s->tries;
		row.next_at = row.at + schedule_backoff(row.tries, random_below(UINT64_MAX));
		if (e->retry_at / 1000 > row.next_at)
			row.next_at = e->retry_at / 1000;
	}
	s->tries = row.tries;
	s->next_at = row.next_at;
	note_next(j->d, row.next_at);
	if (store_deploy_put(j->d->site->store, &row, &ignored))
		log_warn("%s: the deploy action could not be recorded: %s", j->cert->name, ignored.msg);
	err_done(&ignored);
}

/* Whether an action of the certificate failed last, those included that are not tried now. */
static bool is_failing(const struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->states[i].tries)
			return true;
	return false;
}

static void report(struct job *j, const struct err *e)
{
	struct deploy *d = j->d;
	const struct deploy_state *s = &j->states[j->at];
	AUTO(xfreep) char *label = deploy_label(s->action, j->cert->name);
	enum deploy_outcome outcome = err_is(e) ? DEPLOY_FAILED : j->acted ? DEPLOY_DONE : DEPLOY_UNCHANGED;
	struct deploy_report r = {.cert = j->cert->name,
		.generation = j->generation,
		.action = s->action,
		.label = label,
		.outcome = outcome,
		.e = e,
		.status = j->status,
		.output = buf_str(&j->output),
		.ms = mono_ms(d) - j->begun_ms,
		.tries = s->tries,
		.next_at = s->next_at};
	size_t *const of[] = {
		[DEPLOY_DONE] = &d->sum.done, [DEPLOY_UNCHANGED] = &d->sum.unchanged, [DEPLOY_FAILED] = &d->sum.failed};
	++*of[outcome];
	tell_deploy(d->site, &r, is_failing(j));
	if (d->hooks && d->hooks->report)
		d->hooks->report(&r, d->ctx);
}

/* The action, with its probe, has come to its end. The job is in no list; it is ready for the next one, or gone. */
static void end_action(struct job *j, const struct err *e)
{
	const struct config_deploy *action = j->states[j->at].action;
	bool failed = err_is(e);
	FAULT("deploy.acted");
	record(j, e);
	FAULT("deploy.recorded");
	report(j, e);
	j->changed |= !failed && j->acted;
	j->probing = false;
	buf_clear(&j->output);
	j->at++;
	if (failed && !action->optional)
		job_free(j);
	else
		make_ready(j);
}

/* What the action proper came to. */
static void take_result(struct job *j, const struct deploy_work *w)
{
	j->acted = w->changed;
	j->status = w->status;
	buf_clear(&j->output);
	buf_put(&j->output, buf_str(&w->output), w->output.n);
}

static void after_action(struct job *j, const struct err *e)
{
	const struct config_deploy *action = j->states[j->at].action;
	if (err_is(e) || !action->probe_connect || action->kind == CONFIG_DEPLOY_PROBE) {
		end_action(j, e);
		return;
	}
	j->probing = true;
	make_ready(j);
}

static void job_ended(struct job *j)
{
	struct deploy_work *w = TAKE(j->work);
	struct err e = {0};
	TAILQ_REMOVE(&j->d->running, j, link);
	j->d->n_running--;
	j->d->n_retrying -= j->retry;
	err_move(&e, &w->e);
	if (j->probing) {
		deploy_work_free(w);
		end_action(j, &e);
	} else {
		take_result(j, w);
		deploy_work_free(w);
		after_action(j, &e);
	}
	err_done(&e);
}

/* --- shared actions --- */

/* Two lists may ask for one unit in two places. */
static char *batch_key(const struct config_deploy *action, const char *cert)
{
	if (action->kind != CONFIG_DEPLOY_SYSTEMD)
		return xstrdup(action->id);
	AUTO(xfreep) char *unit = deploy_expand(action->unit, cert);
	return xasprintf("%s %s", action->verb, unit);
}

static void join_batch(struct job *j, const struct config_deploy *action)
{
	struct deploy *d = j->d;
	AUTO(xfreep) char *key = batch_key(action, j->cert->name);
	struct batch *b;
	deploy_subject_done(&j->subject);
	LIST_FOREACH(b, &d->batches, link)
	if (!b->work && !strcmp(b->key, key))
		break;
	if (!b) {
		if (LIST_EMPTY(&d->batches))
			loop_timer_start(d->patience, SHARED_WAIT_MS);
		b = xcalloc(1, sizeof(*b));
		b->key = TAKE(key);
		b->action = action;
		TAILQ_INIT(&b->jobs);
		LIST_INSERT_HEAD(&d->batches, b, link);
	}
	strv_add(&b->certs, j->cert->name);
	TAILQ_INSERT_TAIL(&b->jobs, j, link);
}

static void batch_free(struct batch *b)
{
	LIST_REMOVE(b, link);
	deploy_work_free(b->work);
	strv_done(&b->certs);
	free(b->key);
	free(b);
}

static void batch_ended(struct deploy *d, struct batch *b)
{
	d->n_running--;
	for (struct job *j; (j = TAILQ_FIRST(&b->jobs));) {
		TAILQ_REMOVE(&b->jobs, j, link);
		take_result(j, b->work);
		after_action(j, &b->work->e);
	}
	batch_free(b);
}

static void start_batches(struct deploy *d)
{
	struct batch *b;
	LIST_FOREACH(b, &d->batches, link)
	{
		struct job *j;
		if (b->work)
			continue;
		TAILQ_FOREACH(j, &b->jobs, link)
		j->begun_ms = mono_ms(d);
		strv_sort_unique(&b->certs);
		d->n_running++;
		b->work =
			deploy_work_start(d->site, d->turn, b->action, d->ops->kinds[b->action->kind], NULL, &b->certs);
	}
	d->impatient = false;
	loop_timer_stop(d->patience);
}

/* --- turns --- */

/* Passes what is done, and what waits after a failure; false when it is at its end. */
static bool find_action(struct job *j)
{
	for (; j->at < j->n; j->at++) {
		const struct deploy_state *s = &j->states[j->at];
		if (s->verdict == DEPLOY_IS_DONE && !j->changed && !j->force)
			continue;
		if (s->verdict != DEPLOY_WAITING)
			return true;
		j->d->sum.waiting++;
		note_next(j->d, s->next_at);
		if (!s->action->optional)
			return false;
	}
	return false;
}

static void begin_action(struct job *j)
{
	const struct config_deploy *action;
	struct err e = {0};
	if (!j->probing && !find_action(j)) {
		job_free(j);
		return;
	}
	action = j->states[j->at].action;
	if (!j->probing && action->once) {
		join_batch(j, action);
		return;
	}
	if (!j->probing) {
		j->begun_ms = mono_ms(j->d);
		j->acted = false;
		j->status = -1;
	}
	if (!j->subject.cert && j->d->ops->read(j->d->site->config, j->cert, j->ca, &j->subject, &e)) {
		end_action(j, &e);
		err_done(&e);
		return;
	}
	run_on(j);
	const enum config_deploy_kind kind = j->probing ? CONFIG_DEPLOY_PROBE : action->kind;
	j->work = deploy_work_start(j->d->site, j->d->turn, action, j->d->ops->kinds[kind], &j->subject, NULL);
}

static void collect(struct deploy *d)
{
	for (struct job *j = TAILQ_FIRST(&d->running), *next; j; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->work->ended)
			job_ended(j);
	}
	for (struct batch *b = LIST_FIRST(&d->batches), *next; b; b = next) {
		next = LIST_NEXT(b, link);
		if (b->work && b->work->ended)
			batch_ended(d, b);
	}
}

static bool no_batch_runs(const struct deploy *d)
{
	const struct batch *b;
	LIST_FOREACH(b, &d->batches, link)
	if (b->work)
		return false;
	return true;
}

/* The one whose turn it is, taken out of its list; NULL for none. */
static struct job *next_ready(struct deploy *d)
{
	struct job_list *from = !TAILQ_EMPTY(&d->ready) ? &d->ready : &d->retries;
	struct job *j = d->n_running < AT_ONCE_MAX ? TAILQ_FIRST(from) : NULL;
	if (!j || (j->retry && d->n_retrying >= RETRIES_MAX))
		return NULL;
	TAILQ_REMOVE(from, j, link);
	return j;
}

static bool quiet(const struct deploy *d)
{
	return !d->n_running && TAILQ_EMPTY(&d->ready) && TAILQ_EMPTY(&d->retries);
}

static void on_turn(void *ctx)
{
	struct deploy *d = ctx;
	collect(d);
	for (struct job *j; (j = next_ready(d));)
		begin_action(j);
	if (!LIST_EMPTY(&d->batches) && no_batch_runs(d) && (d->held ? d->impatient : quiet(d)))
		start_batches(d);
	if (quiet(d) && !d->held)
		memset(d->added, 0, d->site->config->n_certs * sizeof(*d->added));
	if (quiet(d) && d->hooks && d->hooks->idle)
		d->hooks->idle(d->ctx);
}

static void on_patience(void *ctx)
{
	struct deploy *d = ctx;
	d->impatient = true;
	loop_timer_start(d->turn, 0);
}

/* --- from outside --- */

struct deploy *deploy_new(struct site *s, const struct deploy_ops *ops, const struct deploy_hooks *hooks, void *ctx)
{
	struct deploy *d = xcalloc(1, sizeof(*d));
	*d = (struct deploy){.site = s, .ops = ops, .hooks = hooks, .ctx = ctx};
	TAILQ_INIT(&d->ready);
	TAILQ_INIT(&d->retries);
	TAILQ_INIT(&d->running);
	LIST_INIT(&d->batches);
	d->turn = loop_timer_new(s->loop, on_turn, d);
	d->patience = loop_timer_new(s->loop, on_patience, d);
	d->added = xcalloc(s->config->n_certs, sizeof(*d->added));
	return d;
}

static void free_jobs(struct job_list *l)
{
	for (struct job *j; (j = TAILQ_FIRST(l));) {
		TAILQ_REMOVE(l, j, link);
		job_free(j);
	}
}

void deploy_free(struct deploy *d)
{
	if (!d)
		return;
	free_jobs(&d->ready);
	free_jobs(&d->retries);
	free_jobs(&d->running);
	for (struct batch *b; (b = LIST_FIRST(&d->batches));) {
		free_jobs(&b->jobs);
		batch_free(b);
	}
	loop_timer_free(d->turn);
	loop_timer_free(d->patience);
	free(d->added);
	free(d);
}

static bool is_due(const struct deploy_state *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].verdict == DEPLOY_DUE)
			return true;
	return false;
}

static int add(struct deploy *d, const struct config_cert *cert, const struct deploy_options *o, struct err *e)
{
	struct added *note = added(d, cert);
	AUTO(store_cert_done) struct store_cert row = {0};
	struct deploy_state *states = NULL;
	bool found = false;
	size_t n = 0;
	if (store_cert_get(d->site->store, cert->name, &row, &found, e))
		return -1;
	if (!found || !row.generation || (note && (note->at_work || note->generation == row.generation)))
		return 0;
	if (note)
		note->generation = row.generation;
	if (deploy_forget_others(d->site->store, cert, e) ||
		deploy_look(d->site->store, cert, row.generation, o->ignore_wait ? 0 : now_s(d), &states, &n, e))
		return -1;
	if (!is_due(states, n) && !(o->force && n)) {
		for (size_t i = 0; i < n; i++)
			if (states[i].verdict == DEPLOY_WAITING) {
				d->sum.waiting++;
				note_next(d, states[i].next_at);
			}
		deploy_states_free(states, n);
		return 0;
	}
	struct job *j = xcalloc(1, sizeof(*j));
	*j = (struct job){.d = d,
		.cert = cert,
		.force = o->force,
		.generation = row.generation,
		.ca = xstrdup(row.ca),
		.states = states,
		.n = n,
		.output = buf_make(DEPLOY_OUTPUT_MAX)};
	for (size_t i = 0; i < n; i++)
		j->retry |= states[i].tries > 0;
	if (note)
		note->at_work = true;
	d->sum.certificates++;
	make_ready(j);
	return 0;
}

void deploy_add(struct deploy *d, const struct config_cert *cert, const struct deploy_options *o)
{
	struct err e = {0};
	if (cert->deploy && add(d, cert, o, &e))
		log_warn("%s: not deployed, the next run does it: %s", cert->name, e.msg);
	err_done(&e);
}

int deploy_add_due(struct deploy *d, const struct strv *only, const struct deploy_options *o, struct err *e)
{
	const struct config *conf = d->site->config;
	if (!conf->n_deploys || !d->site->store)
		return 0;
	AUTO(xfreep) bool *open = xcalloc(conf->n_certs, sizeof(*open));
	if (deploy_find_open(d->site->store, conf, o->force, open, e))
		return -1;
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct config_cert *cert = &conf->certs[i];
		if (open[i] && (!only || strv_has(only, cert->name)) && add(d, cert, o, e))
			return -1;
	}
	return 0;
}

void deploy_hold(struct deploy *d, bool hold)
{
	if (d->held != hold)
		loop_timer_start(d->turn, 0);
	d->held = hold;
}

bool deploy_busy(const struct deploy *d)
{
	return !quiet(d) || !LIST_EMPTY(&d->batches);
}

const struct deploy_summary *deploy_sum(const struct deploy *d)
{
	return &d->sum;
}
