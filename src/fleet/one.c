/* one.c: one certificate now. */
#include "fleet/one.h"

#include "config/config.h"
#include "inventory/presenter.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

struct one {
	struct loop *loop;
	void (*step)(const char *cert, const char *what, void *ctx);
	void (*report)(const struct issue_report *r, void *ctx);
	void *ctx;
	struct presenter *presenter;
	bool done;
};

static void one_step(const char *cert, const char *what, void *ctx)
{
	struct one *o = ctx;
	if (o->step)
		o->step(cert, what, o->ctx);
}

/* Nobody else will come. */
static void one_waiting(struct issue_job *j, void *ctx)
{
	struct one *o = ctx;
	(void)j;
	presenter_flush(o->presenter);
}

/* What was written is taken out again before the end. */
static void idle(void *ctx)
{
	struct one *o = ctx;
	if (o->done)
		loop_stop(o->loop);
}

static void one_done(struct issue_job *j, const struct issue_report *r, void *ctx)
{
	struct one *o = ctx;
	(void)j;
	o->done = true;
	o->report(r, o->ctx);
	presenter_sweep(o->presenter);
	if (!presenter_busy(o->presenter))
		loop_stop(o->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct one *o = ctx;
	(void)signo;
	loop_stop(o->loop);
}

int issue_one(const struct issue_request *r, void (*step)(const char *cert, const char *what, void *ctx),
	void (*report)(const struct issue_report *r, void *ctx), void *ctx, struct err *e)
{
	static const struct issue_hooks hooks = {.step = one_step, .waiting = one_waiting, .done = one_done};
	static const struct presenter_hooks idle_hooks = {.idle = idle};
	struct one o = {.loop = r->site->loop, .step = step, .report = report, .ctx = ctx};
	struct issue_request with = *r;
	if (presenter_new(r->site, &idle_hooks, &o, &o.presenter, e))
		return -1;
	with.presenter = o.presenter;
	loop_on_stop_signal(o.loop, stop_signal, &o);
	struct issue_job *j = issue_start(&with, &hooks, &o);
	int result = loop_run(o.loop, e);
	issue_free(j);
	presenter_free(o.presenter);
	if (store_commit(r->site->store, e) || result)
		return -1;
	if (o.done)
		return 0;
	err_set(e, ERR_CANCEL, "stopped; the order for %s is kept", r->cert->name);
	err_hint(e, "run the same command again to go on with it");
	err_retry(e, RETRY_LATER, 0);
	return -1;
}
