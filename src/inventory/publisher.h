/*
 * publisher.h: the DNS providers of the configuration, opened when first needed: the only part of perdure that reads
 * DNS credentials. Which provider and zone an owner name belongs to.
 */
#ifndef PERDURE_INVENTORY_PUBLISHER_H
#define PERDURE_INVENTORY_PUBLISHER_H

#include <stdint.h>

#include "provider/provider.h"

struct config;
struct err;
struct loop;
struct publisher;
struct rrbatch;

/* Both are borrowed. */
struct publisher *publisher_new(struct loop *l, const struct config *c);
/* Ends what is under way without callbacks. NULL is fine. */
void publisher_free(struct publisher *p);

/*
 * p and z are borrowed from the publisher and the call. p is NULL when no provider of the configuration has a zone for
 * the name: *e says why, of the last one asked. Called once, on the loop,
 * never from inside publisher_find().
 */
typedef void (*publisher_fn)(struct provider *p, const struct provider_zone *z, const struct err *e, void *ctx);
struct publisher_search;
/*
 * The provider to write owner with: the one that lists its zone, else the first without a list that has one. Opens
 * providers as needed, once. *ret is the search until fn is called. ERR_CONFIG when none is configured for the name, or
 * its credentials cannot be read.
 */
int publisher_find(struct publisher *p, const char *owner, publisher_fn fn, void *ctx, struct publisher_search **ret,
	struct err *e);
/* Ends it without a callback; NULL is fine. */
void publisher_cancel(struct publisher_search *s);

/* The provider of that name, opened if need be. ERR_CONFIG. */
int publisher_open(struct publisher *p, const char *name, struct provider **ret, struct err *e);
/* What is written through them goes together by this (rrbatch.h). Borrowed. */
struct rrbatch *publisher_batch(struct publisher *p);
/* Calls that went to all providers so far. */
uint64_t publisher_calls(const struct publisher *p);

#endif
