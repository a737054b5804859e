/* deploy_all.c: deploying as all there is to do: the loop is run until it is done. */
#include "base/err.h"
#include "config/config.h"
#include "fleet/deploy.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

struct all {
	struct site *site;
	struct deploy *deploy;
	const struct deploy_hooks *hooks;
	void *ctx;
	bool stopped;
};

static void on_report(const struct deploy_report *r, void *ctx)
{
	const struct all *a = ctx;
	if (a->hooks && a->hooks->report)
		a->hooks->report(r, a->ctx);
}

static void on_idle(void *ctx)
{
	const struct all *a = ctx;
	if (!deploy_busy(a->deploy))
		loop_stop(a->site->loop);
}

static void on_signal(int signo, void *ctx)
{
	struct all *a = ctx;
	(void)signo;
	a->stopped = true;
	loop_stop(a->site->loop);
}

static int run(struct all *a, struct err *e)
{
	if (!deploy_busy(a->deploy))
		return 0;
	loop_on_stop_signal(a->site->loop, on_signal, a);
	int r = loop_run(a->site->loop, e);
	if (!r && a->stopped && deploy_busy(a->deploy)) {
		r = err_set(e, ERR_CANCEL, "stopped before everything was deployed");
		err_hint(e, "run the same command again to go on with it");
		err_retry(e, RETRY_LATER, 0);
	}
	return r;
}

int deploy_all(struct site *s, const struct config_cert *cert, const struct strv *only, const struct deploy_options *o,
	const struct deploy_hooks *hooks, void *ctx, struct deploy_summary *ret, struct err *e)
{
	static const struct deploy_hooks own = {.report = on_report, .idle = on_idle};
	struct all a = {.site = s, .hooks = hooks, .ctx = ctx};
	int r = 0;
	a.deploy = deploy_new(s, &deploy_real, &own, &a);
	if (cert)
		deploy_add(a.deploy, cert, o);
	else
		r = deploy_add_due(a.deploy, only, o, e);
	if (!r)
		r = run(&a, e);
	*ret = *deploy_sum(a.deploy);
	deploy_free(a.deploy);
	/* What was done is recorded, also when the rest was not. */
	struct err late = {0};
	if (store_commit(s->store, &late) && !r) {
		err_move(e, &late);
		r = -1;
	}
	err_done(&late);
	return r;
}
