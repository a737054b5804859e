/* renewrun.c: a whole renewal as all there is to do. */
#include "base/err.h"
#include "fleet/renewal.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

struct alone {
	struct loop *loop;
	struct renew_summary *sum;
	struct err *e;
	bool done;
	int result;
};

static void alone_done(const struct renew_summary *sum, const struct err *e, void *ctx)
{
	struct alone *a = ctx;
	*a->sum = *sum;
	a->done = true;
	if (e) {
		err_copy(a->e, e);
		a->result = -1;
	}
	loop_stop(a->loop);
}

static void stop_signal(int signo, void *ctx)
{
	const struct alone *a = ctx;
	(void)signo;
	loop_stop(a->loop);
}

int renew_run(struct site *s, const struct renew_options *o, const struct renew_hooks *hooks, void *ctx,
	struct renew_summary *ret, struct err *e)
{
	struct alone a = {.loop = s->loop, .sum = ret, .e = e};
	struct renewal *r;
	if (renewal_start(s, o, &renew_real, hooks, ctx, alone_done, &a, &r, e))
		return -1;
	loop_on_stop_signal(s->loop, stop_signal, &a);
	int result = loop_run(s->loop, e);
	if (!a.done && !result) {
		renewal_park(r, ret);
		ret->stopped = true;
		/* What the last jobs wrote, and the orders just parked. */
		result = s->store ? store_commit(s->store, e) : 0;
	}
	renewal_free(r);
	return result ? result : a.result;
}
