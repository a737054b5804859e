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
#include "inventory/site.h"
#include "inventory/tell.h"

struct telling_daemon {
	struct site *s;
	struct metricsd *metrics;
	struct notifyrun *notify; /* NULL unless messages are going out */
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
	if (!t->notify)
		t->notify = notifyrun_start(t->s, "fleet", notifyrun_of_fleet, &clock_wrong, all_told, t);
	tell_tick(t->s);
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
