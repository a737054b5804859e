/*
 * tell.h: how the verbs and the fleet tell what happens: events into the site's log, numbers into its metrics. Both
 * are opened when first needed, and never fail what they tell of.
 */
#ifndef PERDURE_INVENTORY_TELL_H
#define PERDURE_INVENTORY_TELL_H

#include "obs/events.h"
#include "obs/metrics.h"

struct site;

/*
 * Writes an event into the log of the site, and to journald and syslog where the configuration says so:
 *
 *     tell_event(s, &(struct event){.type = EVENT_DEPLOY_DONE, .name = cert->name, .action = "command"});
 *
 * A log that cannot be written is warned of once. Nothing happens with `events: { enabled: false }`.
 */
void tell_event(struct site *s, const struct event *ev);

/* The numbers of this process; never NULL. */
struct metrics *tell_metrics(struct site *s);

/* Closes both; site_close() calls it. */
void tell_close(struct site *s);

#endif
