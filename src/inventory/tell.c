/* tell.c: events into the site's log, numbers into its metrics. */
#include "inventory/tell.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/site.h"

/* What a site holds of it. */
struct telling {
	struct events *log; /* NULL until the first event, and when it cannot be opened */
	bool broken; /* it was warned of */
	struct metrics *metrics; /* NULL until it is asked for */
};

static struct telling *telling_of(struct site *s)
{
	if (!s->telling)
		s->telling = xcalloc(1, sizeof(*s->telling));
	return s->telling;
}

static int open_log(const struct site *s, struct events **ret, struct err *e)
{
	const struct config_events *c = &s->config->events;
	enum events_form form = EVENTS_JSON;
	AUTO(xfreep) char *key = xasprintf("%s/events.key", s->config->state_dir);
	events_form_from_name(c->format, &form);
	struct events_options o = {
		.dir = c->enabled ? c->dir : NULL,
		.key_path = key,
		.rotate_octets = c->rotate_octets,
		.keep_ms = c->keep_ms,
		.head_lines = c->head_lines,
		.head_ms = c->head_ms,
		.sync = c->sync_always ? EVENTS_SYNC_ALWAYS : EVENTS_SYNC_HEAD,
		.journal = c->journald ? "/run/systemd/journal/socket" : NULL,
		.syslog = c->syslog,
		.form = form,
		.clk = s->clk,
	};
	return events_open(&o, ret, e);
}

/* Once is enough: what cannot be written now cannot be written a moment later. */
static void complain(struct telling *t, struct err *e)
{
	metrics_add(t->metrics, METRIC_EVENTS_ERRORS, METRIC_NO_L, 1);
	if (!t->broken)
		log_warn("the event log: %s", e->msg);
	t->broken = true;
	err_done(e);
}

void tell_event(struct site *s, const struct event *ev)
{
	const struct config_events *c = &s->config->events;
	struct telling *t = telling_of(s);
	struct err e = {0};
	if (!c->enabled && !c->journald && !c->syslog)
		return;
	if ((!t->log && open_log(s, &t->log, &e)) || events_write(t->log, ev, &e))
		complain(t, &e);
}

void tell_account(struct site *s, enum event_type t, const struct store_account *a)
{
	tell_event(s, &(struct event){.type = t,
			      .ca = a->ca,
			      .account = a->url,
			      .fingerprint = a->thumbprints.n ? a->thumbprints.v[0] : NULL});
}

struct metrics *tell_metrics(struct site *s)
{
	struct telling *t = telling_of(s);
	if (!t->metrics)
		t->metrics = metrics_new();
	return t->metrics;
}

bool tell_log_state(struct site *s, struct events_state *ret)
{
	struct telling *t = telling_of(s);
	struct err e = {0};
	if (!s->config->events.enabled)
		return false;
	if ((!t->log && open_log(s, &t->log, &e)) || events_look(t->log, ret, &e)) {
		complain(t, &e);
		return false;
	}
	return true;
}

void tell_tick(struct site *s)
{
	struct telling *t = telling_of(s);
	struct err e = {0};
	if (t->log && events_tick(t->log, &e))
		complain(t, &e);
}

void tell_close(struct site *s)
{
	struct telling *t = s->telling;
	struct err e = {0};
	if (!t)
		return;
	if (t->log && events_finish(t->log, &e))
		complain(t, &e);
	events_close(t->log);
	metrics_free(t->metrics);
	free(t);
	s->telling = NULL;
}
