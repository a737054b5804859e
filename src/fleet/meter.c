/* meter.c: the numbers of an installation. */
#include "fleet/meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/metercerts.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "state/deployrows.h"
#include "state/tellrows.h"

/* --- kept over restarts --- */

static int restore_one(const char *key, const char *value, void *ctx, struct err *e)
{
	struct site *s = ctx;
	(void)e;
	metrics_restore(tell_metrics(s), key, value);
	return 0;
}

int meter_restore(struct site *s, struct err *e)
{
	metrics_limit(tell_metrics(s), (size_t)s->config->metrics.certificates_max);
	return s->store ? store_metric_each(s->store, restore_one, s, e) : 0;
}

static int save_one(const char *key, const char *value, void *ctx, struct err *e)
{
	const struct site *s = ctx;
	return store_metric_put(s->store, key, value, e);
}

int meter_save(struct site *s, struct err *e)
{
	return metrics_each_kept(tell_metrics(s), save_one, s, e) || store_commit(s->store, e) ? -1 : 0;
}

#define LAST_RUN "metrics.last_run"
#define LAST_SUCCESS "metrics.last_successful_run"

int meter_ran(struct site *s, bool good, struct err *e)
{
	char now[24];
	snprintf(now, sizeof(now), "%" PRId64, clk_wall(s->clk) / 1000);
	return store_fact_put(s->store, LAST_RUN, now, e) || (good && store_fact_put(s->store, LAST_SUCCESS, now, e))
		       ? -1
		       : 0;
}

/* --- what is not counted --- */

static int collect_fact(struct site *s, const char *key, enum metric id, struct err *e)
{
	AUTO(xfreep) char *value = NULL;
	if (store_fact_get(s->store, key, &value, e))
		return -1;
	if (value)
		metrics_set(tell_metrics(s), id, METRIC_NO_L, (double)strtoll(value, NULL, 10));
	return 0;
}

static int count_order(const struct store_order *o, void *ctx, struct err *e)
{
	static const char *const states[] = {
		[STORE_ORDER_NEW] = "new", [STORE_ORDER_PLACED] = "placed", [STORE_ORDER_ISSUED] = "issued"};
	(void)e;
	metrics_add(ctx, METRIC_ORDERS_IN_WORK, METRIC_L(states[o->state]), 1);
	return 0;
}

static int count_deploy(const struct store_deploy *d, void *ctx, struct err *e)
{
	(void)e;
	if (!d->done)
		metrics_set(ctx, METRIC_DEPLOY_FAILED, METRIC_L(d->cert), 1);
	return 0;
}

static void collect_events(struct site *s)
{
	struct metrics *m = tell_metrics(s);
	struct events_state st;
	metrics_clear(m, METRIC_EVENTS_SEQ);
	metrics_clear(m, METRIC_EVENTS_HEAD_SEQ);
	if (!tell_log_state(s, &st) || !st.last)
		return;
	metrics_set(m, METRIC_EVENTS_SEQ, METRIC_NO_L, (double)st.last);
	if (st.head)
		metrics_set(m, METRIC_EVENTS_HEAD_SEQ, METRIC_L(st.head_hash), (double)st.head);
}

int meter_collect(struct site *s, struct err *e)
{
	struct metrics *m = tell_metrics(s);
	static const char *const states[] = {"new", "placed", "issued"};
	metrics_process(m);
	collect_events(s);
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		metrics_set(m, METRIC_ORDERS_IN_WORK, METRIC_L(states[i]), 0);
	metrics_clear(m, METRIC_DEPLOY_FAILED);
	if (metercerts_collect(s, e))
		return -1;
	return s->store && (store_order_each(s->store, count_order, m, e) ||
				   store_deploy_each(s->store, NULL, count_deploy, m, e) ||
				   collect_fact(s, LAST_RUN, METRIC_LAST_RUN, e) ||
				   collect_fact(s, LAST_SUCCESS, METRIC_LAST_SUCCESS, e))
		       ? -1
		       : 0;
}

/* --- of the last audit --- */

#define LAST_AUDIT "metrics.audit"

static int put_line(const char *key, const char *value, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s\n%s\n", key, value);
	return 0;
}

int meter_audit_keep(struct store *st, const struct metrics *audit, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	if (metrics_each_kept(audit, put_line, &b, e) || buf_check(&b, "the numbers of the audit", e))
		return -1;
	return store_fact_put(st, LAST_AUDIT, buf_str(&b), e) ? -1 : store_commit(st, e);
}

void meter_audit_hide(struct site *s)
{
	metrics_clear(tell_metrics(s), METRIC_FINDINGS);
	metrics_clear(tell_metrics(s), METRIC_AUDIT_NAMES);
	metrics_clear(tell_metrics(s), METRIC_AUDIT_AT);
}

int meter_audit_show(struct site *s, struct err *e)
{
	AUTO(xfreep) char *kept = NULL;
	char *rest, *key, *value;
	meter_audit_hide(s);
	if (s->store && store_fact_get(s->store, LAST_AUDIT, &kept, e))
		return -1;
	rest = kept;
	while ((key = strsep(&rest, "\n")) && (value = strsep(&rest, "\n")))
		metrics_restore(tell_metrics(s), key, value);
	return 0;
}

int meter_write(const struct metrics *m, const char *path, struct err *e)
{
	enum { OCTETS_MAX = 256 << 20 };
	AUTO(buf_done) struct buf b = buf_make(OCTETS_MAX);
	metrics_write(m, METRICS_TEXT, &b);
	if (buf_check(&b, "metrics", e) || fs_write_atomic(path, buf_str(&b), b.n, 0644, e)) {
		err_hint(e, "the directory of metrics.textfile must be writable for the user that runs perdure");
		return -1;
	}
	return 0;
}

void meter_end_of_run(struct site *s, bool good)
{
	const char *path = s->config->metrics.textfile;
	struct err e = {0};
	if (!path)
		return;
	if (meter_restore(s, &e) || meter_ran(s, good, &e) || meter_save(s, &e) || meter_collect(s, &e) ||
		meter_write(tell_metrics(s), path, &e))
		log_warn("metrics: %s", e.msg);
	err_done(&e);
}
