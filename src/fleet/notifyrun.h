/* notifyrun.h: all channels of notify told what is news for them. */
#ifndef PERDURE_FLEET_NOTIFYRUN_H
#define PERDURE_FLEET_NOTIFYRUN_H

#include <stdbool.h>

#include "obs/notify.h"

struct config_notify;
struct err;
struct site;
struct store;

/* Appends what stands now, by the thresholds of the channel. */
typedef int (*notifyrun_problems_fn)(
	struct site *s, const struct config_notify *c, struct notify_problems *ret, void *ctx, struct err *e);

/*
 * Tells each channel what has changed in the problems of one source ("fleet", "audit"), one message a channel, and
 * remembers it in the state. Runs the loop until all have it or have failed; what fails is warned of, and told again by
 * the next run. Without channels nothing happens.
 */
void notifyrun(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx);
/* What was told under a key of the state ("oncall/fleet"), and its replacement, committed. ERR_STORE. */
int notifyrun_recall(struct store *st, const char *key, struct notify_memory *ret, struct err *e);
int notifyrun_remember(struct store *st, const char *key, const struct notify_memory *m, struct err *e);

/* The same for the certificates (problems.h). */
void notifyrun_fleet(struct site *s);

/* Sends a test message to the channel of that name, or with NULL to all, and tells the result of each. -1 with
 * ERR_USAGE when there is none. */
int notifyrun_test(struct site *s, const char *name,
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx), void *ctx, struct err *e);

#endif
