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
 * remembers it in the state. What fails is warned of, and told again by the next run. problems is called at once.
 * Returns NULL when there is nothing to tell or nobody to be told; else done is called on the loop when all have it or
 * have failed, and what was returned must be released then (or before: nothing more is told).
 */
struct notifyrun;
struct notifyrun *notifyrun_start(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx,
	void (*done)(void *done_ctx), void *done_ctx);
void notifyrun_free(struct notifyrun *r);
/* The same, running the loop to the end of it; not to be called from a callback. */
void notifyrun(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx);
/* The same without a state that could be read: all there is is news, and nothing is remembered. */
void notifyrun_forgetful(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx);
/* The problems of the certificates; ctx: a const struct problems_run * (problems.h). */
int notifyrun_of_fleet(
	struct site *s, const struct config_notify *c, struct notify_problems *ret, void *ctx, struct err *e);

/* What was told under a key of the state ("oncall/fleet"), and its replacement, committed. ERR_STORE. */
int notifyrun_recall(struct store *st, const char *key, struct notify_memory *ret, struct err *e);
int notifyrun_remember(struct store *st, const char *key, const struct notify_memory *m, struct err *e);

/* Sends a test message to the channel of that name, or with NULL to all, and tells the result of each. -1 with
 * ERR_USAGE when there is none. */
int notifyrun_test(struct site *s, const char *name,
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx), void *ctx, struct err *e);

#endif
