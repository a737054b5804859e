/* one.c: one certificate now. */
#include "fleet/one.h"

#include "config/config.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

struct one {
	struct loop *loop;
	void (*step)(const char *cert, const char *what, void *ctx);
	void (*report)(const struct issue_report *r, void *ctx);
	void *ctx;
	bool done;
};

static void one_step(const char *cert, const char *what, void *ctx)
{
	struct one *o = ctx;
	if (o->step)
		o->step(cert, what, o->ctx);
}

static void one_done(struct issue_job *j, const struct issue_report *r, void *ctx)
{
	struct one *o = ctx;
	(void)j;
	o->done = true;
	o->report(r, o->ctx);
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
	static const struct issue_hooks hooks = {.step = one_step, .done = one_done};
	struct one o = {.loop = r->site->loop, .step = step, .report = report, .ctx = ctx};
	loop_on_stop_signal(o.loop, stop_signal, &o);
	struct issue_job *j = issue_start(r, &hooks, &o);
	int result = loop_run(o.loop, e);
	issue_free(j);
	if (store_commit(r->site->store, e) || result)
		return -1;
	if (o.done)
		return 0;
	err_set(e, ERR_CANCEL, "stopped; the order for %s is kept", r->cert->name);
	err_hint(e, "run the same command again to go on with it");
	err_retry(e, RETRY_LATER, 0);
	return -1;
}
