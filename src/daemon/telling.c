/* telling.c: what the daemon tells. */
#include "daemon/telling.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "daemon/metricsd.h"
#include "fleet/meter.h"
#include "fleet/notifyrun.h"
#include "fleet/problems.h"
#include "inventory/site.h"
#include "inventory/tell.h"

/* Failures that follow each other are told so often. */
enum { FAILURE_AGAIN_MS = 3600 * 1000 };

struct telling_daemon {
	struct site *s;
	struct metricsd *metrics;
	struct notifyrun *notify; /* NULL unless messages are going out */
	int64_t failure_told; /* UNIX milliseconds; 0: since the last run that did not fail, none was */
};

int telling_start(struct site *s, const bool *failed, struct telling_daemon **ret, struct err *e)
{
	struct telling_daemon *t = xcalloc(1, sizeof(*t));
	t->s = s;
	if (metricsd_start(s, failed, &t->metrics, e) || meter_restore(s, e)) {
		metricsd_free(t->metrics);
		free(t);
		return -1;
	}
	tell_event(s, &(struct event){.type = EVENT_DAEMON_STARTED});
	tell_event(
		s, &(struct event){
			   .type = EVENT_CONFIG_LOADED, .path = s->config->path, .count = (int64_t)s->config->n_certs});
	*ret = t;
	return 0;
}

static void all_told(void *ctx)
{
	struct telling_daemon *t = ctx;
	notifyrun_free(t->notify);
	t->notify = NULL;
}

static void notify(struct telling_daemon *t, struct problems_run *run)
{
	if (!t->notify)
		t->notify = notifyrun_start(t->s, "fleet", notifyrun_of_fleet, run, all_told, t);
}

static int keep_numbers(struct site *s, bool good, struct err *e)
{
	const char *path = s->config->metrics.textfile;
	if (meter_ran(s, good, e) || meter_save(s, e))
		return -1;
	return path ? meter_collect(s, e) || meter_write(tell_metrics(s), path, e) : 0;
}

void telling_after_run(struct telling_daemon *t, bool good, bool clock_wrong)
{
	struct err e = {0};
	if (keep_numbers(t->s, good, &e)) {
		log_warn("metrics: %s", e.msg);
		err_done(&e);
	}
	t->failure_told = 0;
	notify(t, &(struct problems_run){.clock_wrong = clock_wrong});
	tell_tick(t->s);
}

void telling_run_failed(struct telling_daemon *t, const struct err *why)
{
	int64_t now = clk_wall(t->s->clk), since = now - t->failure_told;
	log_error("%s", why->msg);
	/* What was told cannot be remembered where the state cannot be written. */
	if (t->failure_told && since >= 0 && since < FAILURE_AGAIN_MS)
		return;
	t->failure_told = now;
	notify(t, &(struct problems_run){.failed = why});
}

void telling_jump(struct telling_daemon *t, int64_t seconds)
{
	struct err e = {0};
	err_set(&e, ERR_CLOCK, "the clock of this machine went %s by %" PRId64 " s, or the machine slept",
		seconds < 0 ? "back" : "forward", seconds < 0 ? -seconds : seconds);
	log_warn("%s; before anything is ordered the CA is asked what time it is", e.msg);
	tell_event(t->s, &(struct event){.type = EVENT_CLOCK_JUMPED, .e = &e});
	err_done(&e);
}

void telling_refused(struct telling_daemon *t, const struct err *why)
{
	tell_event(t->s, &(struct event){.type = EVENT_CONFIG_REFUSED, .path = t->s->config->path, .e = why});
}

void telling_end(struct telling_daemon *t)
{
	struct err e = {0};
	if (!t)
		return;
	notifyrun_free(t->notify);
	metricsd_free(t->metrics);
	tell_event(t->s, &(struct event){.type = EVENT_DAEMON_STOPPED});
	if (meter_save(t->s, &e))
		log_warn("metrics: %s", e.msg);
	err_done(&e);
	free(t);
}
