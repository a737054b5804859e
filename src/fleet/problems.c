/* problems.c: what is wrong with the certificates, for people to be told. */
#include "fleet/problems.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/held.h"
#include "fleet/paused.h"
#include "fleet/recorduntil.h"
#include "fleet/schedule.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "obs/notify.h"
#include "state/deployrows.h"

struct looking {
	struct site *s;
	const struct config_notify *c;
	struct notify_problems *ret;
	bool clock_wrong;
	int64_t now;
};

static int held(const struct looking *l, const struct store_cert *row, const struct config_cert *cert, struct err *e)
{
	AUTO(xfreep) char *ca = NULL;
	if (!row->failures)
		return 0;
	if (held_get(l->s->store, cert, &ca, e))
		return -1;
	if (!ca)
		return 0;
	AUTO(xfreep) char *hint = xasprintf("\"perdure check %s\" says what the records must be", cert->names.v[0]);
	notify_problems_add(l->ret, NOTIFY_WARNING, "record-held", cert->name, row->last_error, hint);
	return 0;
}

static void failing(const struct looking *l, const struct store_cert *row)
{
	if (row->failures < l->c->failures || !row->last_error[0])
		return;
	AUTO(xfreep)
	char *text = xasprintf("%" PRId64 " failures in a row; the last: %s", row->failures, row->last_error);
	AUTO(xfreep) char *hint = xasprintf("\"perdure renew %s\" tries at once", row->name);
	notify_problems_add(l->ret, NOTIFY_WARNING, "renewal-failing", row->name, text, hint);
}

static int paused(const struct looking *l, const struct store_cert *row, const struct config_cert *cert, struct err *e)
{
	AUTO(paused_done) struct paused p = {0};
	if (!row->failures)
		return 0;
	if (paused_get(l->s->store, cert, &p, e))
		return -1;
	if (!p.ca)
		return 0;
	AUTO(xfreep)
	char *text =
		xasprintf("CA \"%s\" has paused it after many failures; only you can lift that, at %s", p.ca, p.url);
	AUTO(xfreep) char *hint = xasprintf("find out why it failed, lift it, then \"perdure renew %s\"", row->name);
	notify_problems_add(l->ret, NOTIFY_ERROR, "paused", row->name, text, hint);
	return 0;
}

static void expiring(const struct looking *l, const struct store_cert *row)
{
	char end[CLOCK_TEXT_MAX];
	int64_t margin = l->c->expiry_ms ? l->c->expiry_ms / 1000 : (row->not_after - row->not_before) / 6;
	if (!row->generation || row->not_after - margin > l->now)
		return;
	bool over = row->not_after <= l->now;
	clock_rfc3339(row->not_after, end);
	AUTO(xfreep)
	char *text = xasprintf("%s %s%s%s", over ? "expired at" : "expires at", end,
		row->last_error[0] ? "; its renewal fails: " : "", row->last_error);
	notify_problems_add(l->ret, NOTIFY_ERROR, over ? "expired" : "expiring", row->name, text,
		"\"perdure status\" says when it is tried next; is \"perdure renew\" run at all?");
}

static int lapsing(const struct looking *l, const struct store_cert *row, const struct config_cert *cert, struct err *e)
{
	char end[CLOCK_TEXT_MAX];
	int64_t until = 0;
	if (!row->generation || recorduntil_get(l->s->store, cert, &until, e))
		return err_is(e) ? -1 : 0;
	int64_t due = schedule_due_at(row);
	/* The renewal after the next is the first that would find it lapsed. */
	int64_t later = (due > l->now ? due : l->now) + (row->not_after - row->not_before);
	if (!until || until > later)
		return 0;
	clock_rfc3339(until, end);
	AUTO(xfreep)
	char *text = xasprintf("its validation records hold until %s, which is before its renewal after the "
			       "next",
		end);
	notify_problems_add(l->ret, until <= due ? NOTIFY_ERROR : NOTIFY_WARNING, "persist-until", cert->name, text,
		"move persist_until: and publish with \"perdure record apply\"");
	return 0;
}

static int look_at_row(const struct store_cert *row, void *ctx, struct err *e)
{
	const struct looking *l = ctx;
	const struct config_cert *cert = config_find_cert(l->s->config, row->name);
	if (!cert)
		return 0;
	failing(l, row);
	if (held(l, row, cert, e))
		return -1;
	if (!l->clock_wrong) {
		expiring(l, row);
		if (lapsing(l, row, cert, e))
			return -1;
	}
	return paused(l, row, cert, e);
}

static int look_at_deploy(const struct store_deploy *d, void *ctx, struct err *e)
{
	const struct looking *l = ctx;
	(void)e;
	if (d->done || !config_find_cert(l->s->config, d->cert))
		return 0;
	AUTO(xfreep) char *subject = xasprintf("%s: %s", d->cert, d->label);
	notify_problems_add(l->ret, NOTIFY_ERROR, "deploy-failed", subject, d->last_error,
		"the certificate is renewed; only where it is used it is not");
	return 0;
}

int problems_of_fleet(struct site *s, const struct config_notify *c, const struct problems_run *run,
	struct notify_problems *ret, struct err *e)
{
	struct looking l = {
		.s = s, .c = c, .ret = ret, .clock_wrong = run->clock_wrong, .now = clk_wall(s->clk) / 1000};
	if (run->failed)
		notify_problems_add(ret, NOTIFY_ERROR, "run-failed", "run", run->failed->msg,
			run->failed->hint[0] ? run->failed->hint : "\"perdure renew\" tries at once");
	if (run->clock_wrong)
		notify_problems_add(ret, NOTIFY_ERROR, "clock", "clock",
			"the clock of this machine and that of a CA are more than a day apart: nothing is ordered "
			"there",
			"set the clock; \"perdure renew\" says what it is and what the CA's is");
	if (!s->store)
		return 0;
	return store_cert_each(s->store, look_at_row, &l, e) || store_deploy_each(s->store, NULL, look_at_deploy, &l, e)
		       ? -1
		       : 0;
}
