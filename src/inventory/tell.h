/*
 * tell.h: how the verbs and the fleet tell what happens: events into the site's log, numbers into its metrics. Both
 * are opened when first needed, and never fail what they tell of.
 */
#ifndef PERDURE_INVENTORY_TELL_H
#define PERDURE_INVENTORY_TELL_H

#include "obs/events.h"
#include "obs/metrics.h"

struct site;
struct store_account;

/*
 * Writes an event into the log of the site, and to journald and syslog where the configuration says so:
 *
 *     tell_event(s, &(struct event){.type = EVENT_DEPLOY_DONE, .name = cert->name, .action = "command"});
 *
 * A log that cannot be written is warned of once. Nothing happens with `events: { enabled: false }`.
 */
void tell_event(struct site *s, const struct event *ev);

/* An event about an account. */
void tell_account(struct site *s, enum event_type t, const struct store_account *a);

/* The numbers of this process; never NULL. */
struct metrics *tell_metrics(struct site *s);

/* What the log has; false when there is none or it cannot be read. */
bool tell_log_state(struct site *s, struct events_state *ret);

/* Signs the head of the log if it is time; for a program that runs on, now and then. */
void tell_tick(struct site *s);

/* Closes both; site_close() calls it. */
void tell_close(struct site *s);

#endif
