/*
 * rrbatch.h: changes of many RRsets of one zone put into few calls of its provider, each of at most caps.batch. A call
 * goes out when nobody who is on the way to it is still searching or reading, when it is full, or when nothing has come
 * for a while; and one at a time for each zone, where the provider takes more than one change in a call.
 *
 * What one RRset does to a call does not stay with the others: a call that was lost or refused for a reason that may be
 * one RRset's is made again in halves, down to single changes.
 */
#ifndef PERDURE_INVENTORY_RRBATCH_H
#define PERDURE_INVENTORY_RRBATCH_H

#include <stdbool.h>

#include "provider/provider.h"

struct err;
struct loop;
struct rrbatch;
struct rrmember;

/* All that is written through one publisher. */
struct rrbatch *rrbatch_new(struct loop *l);
/* Ends what is under way without callbacks. NULL is fine. */
void rrbatch_free(struct rrbatch *b);
/* fn is called before each call that changes something; -1: it is not made, now or later. NULL for none. */
void rrbatch_on_send(struct rrbatch *b, int (*fn)(void *ctx), void *ctx);

struct rrmember_hooks {
	/*
	 * What has become of the change; on failure result is NULL, or PROVIDER_FAILED, and *e says why, else *e is
	 * clean. alone: it was the only one in its call. Never from inside rrmember_change(); rrmember_free() is
	 * allowed in it.
	 */
	void (*changed)(const struct provider_result *result, const struct err *e, bool alone, void *ctx);
	/* The end of rrmember_sync(); clean e: the provider's servers have it. */
	void (*synced)(const struct err *e, void *ctx);
};

/* One who will change one RRset, and is waited for until rrmember_away(). hooks and ctx are borrowed. */
struct rrmember *rrmember_new(struct rrbatch *b, const struct rrmember_hooks *hooks, void *ctx);
/* Ends it without a callback; what was sent may still be done. NULL is fine. */
void rrmember_free(struct rrmember *m);
/* It knows where it belongs and is reading; both are borrowed as long as it lives. Only this zone waits for it. */
void rrmember_reads(struct rrmember *m, struct provider *p, const struct provider_zone *z);
/* Nobody needs to wait for it for now: it waits for a lock, or has nothing to change. */
void rrmember_away(struct rrmember *m);
/* After rrmember_reads(). What *c points to is borrowed until `changed`. */
void rrmember_change(struct rrmember *m, const struct provider_change *c);
/* Waits for a ticket of the provider; those who have the same one wait together. */
void rrmember_sync(struct rrmember *m, const char *ticket);

#endif
