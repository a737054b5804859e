/*
 * rrwrite.h: one RRset changed through its provider: found, read, decided upon, changed against what was read, again
 * when somebody else was quicker, then waited for at the provider and at every authoritative server.
 */
#ifndef PERDURE_INVENTORY_RRWRITE_H
#define PERDURE_INVENTORY_RRWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "provider/provider.h"

struct err;
struct publisher;
struct site;

enum rrwrite_outcome {
	RRWRITE_NOTHING, /* nothing was to be done */
	RRWRITE_SERVED, /* every authoritative server that answers has it */
	RRWRITE_CHANGED, /* nobody was asked whether it is served */
	RRWRITE_NOT_SERVED, /* not every server had it when the time was up: e says which */
	RRWRITE_REFUSED, /* `decide` or `before` said no, with e: not changed */
	RRWRITE_FAILED, /* e says why: not changed */
};

/* What the provider holds. Borrowed. */
struct rrwrite_at {
	const struct provider *provider;
	const struct provider_zone *zone;
	const struct provider_rrset *held;
	int64_t ttl; /* that would be written: that of the values that are there, else the wish, as the provider has it
		      */
};

/* What is to be done with it. Record data. */
struct rrwrite_want {
	struct strv add, del;
	struct strv must, must_not; /* what every server has to have in the end, and not to have */
};

struct rrwrite_report {
	enum rrwrite_outcome outcome;
	bool changed; /* the provider has really changed something */
	const struct strv *added, *removed; /* borrowed */
	const char *note; /* what the provider's driver has to say; NULL for nothing */
	const struct err *e; /* NULL unless the outcome has one */
};

struct rrwrite_hooks {
	/* Fills *ret, which is empty; after a lost race it is asked anew. -1 with *e: do nothing. */
	int (*decide)(const struct rrwrite_at *at, unsigned tries, struct rrwrite_want *ret, struct err *e, void *ctx);
	/* Just before a change is sent; -1 with *e: do not. May be NULL. */
	int (*before)(const struct rrwrite_at *at, const struct rrwrite_want *want, struct err *e, void *ctx);
	/* After each change that was sent and not lost; result is NULL for one that failed. May be NULL. */
	void (*after)(const struct provider_result *result, void *ctx);
	/* After each look at the servers, while not all have it. May be NULL. */
	void (*looked)(size_t serving, size_t of, void *ctx);
	/* The end, once, never from inside rrwrite_start(); rrwrite_free() is allowed in it. */
	void (*done)(const struct rrwrite_report *r, void *ctx);
};

struct rrwrite_question {
	struct site *site; /* its DNS must be open, unless wait_ms is 0 */
	struct publisher *publisher;
	const char *owner; /* copied */
	const char *subject; /* the name to look at with `perdure check`, for a hint; copied; NULL for none */
	enum provider_type type;
	int64_t ttl; /* seconds: wished for */
	bool lock; /* where the provider wants it (caps.alone): keep other processes of this host and user away */
	bool verify; /* ask the servers also where nothing was to be done */
	int64_t wait_ms; /* how long to wait for the servers; 0: not at all */
	int64_t poll_max_ms; /* between two looks at the servers, which are soon at first */
};

struct rrwrite;
/* ERR_CONFIG when no provider is configured for the owner, or its credentials cannot be read. */
int rrwrite_start(const struct rrwrite_question *q, const struct rrwrite_hooks *hooks, void *ctx, struct rrwrite **ret,
	struct err *e);
/* Ends it without a callback; what was sent may still be done by the provider. NULL is fine. */
void rrwrite_free(struct rrwrite *w);
/* Whether one of the values means the same as data. */
bool rrwrite_has(enum provider_type type, const struct strv *values, const char *data);

#endif
