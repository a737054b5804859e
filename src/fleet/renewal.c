/* renewal.c: renewing, and deploying what is new. */
#include "fleet/renewal.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

struct renewal {
	struct site *site;
	const struct renew_options *o;
	const struct renew_ops *ops;
	const struct renew_hooks *hooks;
	void *ctx;
	renew_done_fn done;
	void *done_ctx;
	struct renew *renew; /* NULL when nothing is left to renew */
	struct deploy *deploy; /* NULL where nothing is deployed */
	struct loop_timer *end;
	bool ending;
	bool looked_again;
	struct renew_summary sum;
	struct err failure;
};

/* What is written is committed with it. */
static void finish(void *ctx)
{
	struct renewal *r = ctx;
	if (r->deploy) {
		r->sum.deploy = *deploy_sum(r->deploy);
		if (!err_is(&r->failure))
			(void)store_commit(r->site->store, &r->failure);
	}
	int64_t next = r->sum.deploy.next_at;
	if (next && (!r->sum.next_at || next < r->sum.next_at))
		r->sum.next_at = next;
	r->done(&r->sum, err_is(&r->failure) ? &r->failure : NULL, r->done_ctx);
}

static void end(struct renewal *r)
{
	r->ending = true;
	loop_timer_start(r->end, 0);
}

/* --- what is deployed --- */

static void on_deployed(const struct deploy_report *rep, void *ctx)
{
	const struct renewal *r = ctx;
	if (r->hooks->deployed)
		r->hooks->deployed(rep, r->ctx);
}

static void add_due(struct renewal *r, const struct strv *only, const struct deploy_options *o)
{
	struct err e = {0};
	if (deploy_add_due(r->deploy, only, o, &e))
		log_warn("what earlier runs did not deploy is not deployed now: %s", e.msg);
	err_done(&e);
}

static void on_idle(void *ctx)
{
	static const struct deploy_options o = {0};
	struct renewal *r = ctx;
	if (r->renew || r->ending || deploy_busy(r->deploy))
		return;
	/* One that was renewed once more while it was being deployed. */
	if (r->looked_again)
		add_due(r, NULL, &o);
	r->looked_again = false;
	if (!deploy_busy(r->deploy))
		end(r);
}

/* What earlier runs left. Certificates that are named do not wait. */
static void deploy_rest(struct renewal *r)
{
	const struct deploy_options o = {.ignore_wait = r->o->only != NULL};
	add_due(r, r->o->only, &o);
	deploy_hold(r->deploy, false);
}

/* --- what is renewed --- */

static void on_planned(const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx)
{
	const struct renewal *r = ctx;
	if (r->hooks->planned)
		r->hooks->planned(cert, row, v, r->ctx);
}

static void on_forecast(const struct renew_forecast *f, void *ctx)
{
	const struct renewal *r = ctx;
	if (r->hooks->forecast)
		r->hooks->forecast(f, r->ctx);
}

static void on_step(const char *cert, const char *what, void *ctx)
{
	const struct renewal *r = ctx;
	if (r->hooks->step)
		r->hooks->step(cert, what, r->ctx);
}

static void on_report(const struct issue_report *rep, void *ctx)
{
	static const struct deploy_options o = {0};
	struct renewal *r = ctx;
	const struct config_cert *cert = config_find_cert(r->site->config, rep->name);
	if (r->hooks->report)
		r->hooks->report(rep, r->ctx);
	if (r->deploy && cert && (rep->result == ISSUE_ISSUED || rep->result == ISSUE_RENEWED))
		deploy_add(r->deploy, cert, &o);
}

static void on_progress(size_t done, size_t in_flight, size_t due, void *ctx)
{
	const struct renewal *r = ctx;
	if (r->hooks->progress)
		r->hooks->progress(done, in_flight, due, r->ctx);
}

/* What was tried twice in one run is counted twice. */
static void add_sum(struct renew_summary *to, const struct renew_summary *s)
{
	to->looked = s->looked > to->looked ? s->looked : to->looked;
	to->waiting = s->waiting;
	to->due += s->due;
	to->issued += s->issued;
	to->renewed += s->renewed;
	to->held += s->held;
	to->parked += s->parked;
	to->failed += s->failed;
	to->clock_wrong = s->clock_wrong;
	to->next_at = s->next_at;
}

static void on_renewed(const struct renew_summary *sum, const struct err *e, void *ctx)
{
	struct renewal *r = ctx;
	add_sum(&r->sum, sum);
	if (e)
		err_copy(&r->failure, e);
	renew_free(r->renew);
	r->renew = NULL;
	if (r->deploy && !e)
		deploy_rest(r);
	if (!r->deploy || e || !deploy_busy(r->deploy))
		end(r);
	else if (r->hooks->renewed)
		r->hooks->renewed(&r->sum, r->ctx);
}

static int look(struct renewal *r, const struct renew_options *o, struct err *e)
{
	static const struct renew_hooks own = {.planned = on_planned,
		.forecast = on_forecast,
		.step = on_step,
		.report = on_report,
		.progress = on_progress};
	r->o = o;
	return renew_start(r->site, o, r->ops, &own, r, on_renewed, r, &r->renew, e);
}

/* --- from outside --- */

int renewal_start(struct site *s, const struct renew_options *o, const struct renew_ops *ops,
	const struct renew_hooks *hooks, void *ctx, renew_done_fn done, void *done_ctx, struct renewal **ret,
	struct err *e)
{
	static const struct deploy_hooks own_deploy = {.report = on_deployed, .idle = on_idle};
	struct renewal *r = xcalloc(1, sizeof(*r));
	*r = (struct renewal){.site = s, .ops = ops, .hooks = hooks, .ctx = ctx, .done = done, .done_ctx = done_ctx};
	r->end = loop_timer_new(s->loop, finish, r);
	if (look(r, o, e)) {
		renewal_free(r);
		return -1;
	}
	if (!o->dry_run && !o->no_deploy) {
		r->deploy = deploy_new(s, ops->deploy, &own_deploy, r);
		deploy_hold(r->deploy, true);
	}
	*ret = r;
	return 0;
}

bool renewal_only_deploys(const struct renewal *r)
{
	return !r->renew && !r->ending;
}

int renewal_again(struct renewal *r, const struct renew_options *o, struct err *e)
{
	if (look(r, o, e))
		return -1;
	deploy_hold(r->deploy, true);
	r->looked_again = true;
	return 0;
}

void renewal_park(struct renewal *r, struct renew_summary *ret)
{
	if (r->renew) {
		struct renew_summary sum;
		renew_park(r->renew, &sum);
		add_sum(&r->sum, &sum);
	}
	if (r->deploy)
		r->sum.deploy = *deploy_sum(r->deploy);
	*ret = r->sum;
}

void renewal_free(struct renewal *r)
{
	if (!r)
		return;
	renew_free(r->renew);
	deploy_free(r->deploy);
	loop_timer_free(r->end);
	err_done(&r->failure);
	free(r);
}
