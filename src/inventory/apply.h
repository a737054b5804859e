/*
 * apply.h: a plan carried out through the providers: the RRset read, one change made against what was read, journalled
 * before and after, waited for at the provider and at every authoritative server.
 */
#ifndef PERDURE_INVENTORY_APPLY_H
#define PERDURE_INVENTORY_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "inventory/plan.h"

struct journal;
struct publisher;
struct site;

enum apply_outcome {
	APPLY_NOTHING, /* nothing to do, or it was done already */
	APPLY_SERVED, /* changed, and every authoritative server that answers has it */
	APPLY_CHANGED, /* changed; nobody was asked whether it is served */
	APPLY_NOT_SERVED, /* changed, but not every server had it when the time was up: e says which */
	APPLY_SHIFTED, /* not changed: what stands is not what the plan was made for */
	APPLY_FAILED, /* e says why */
	APPLY_OUTCOME_N_
};
const char *apply_outcome_name(enum apply_outcome o);

struct apply_report {
	const struct plan_rrset *rrset; /* borrowed */
	const struct strv *added; /* record data that was really added and removed; NULL for none */
	const struct strv *removed;
	enum apply_outcome outcome;
	const char *note; /* what the provider's driver has to say of a change; NULL for nothing */
	const struct err *e; /* NULL unless the outcome has one */
};

struct apply {
	struct site *site; /* its DNS must be open, unless wait_ms is 0 */
	struct publisher *publisher;
	const struct plan *plan;
	struct journal *journal;
	bool remove; /* carry out removals, too */
	bool exact; /* refuse (APPLY_SHIFTED) where the provider does not hold what the plan says stands */
	bool verify; /* wait for the servers also where the provider has it already */
	bool literal; /* add a value even where a record that grants more stands: for taking changes back */
	int64_t wait_ms; /* how long to wait for the servers; 0: not at all */
	void (*told)(const struct apply_report *r, void *ctx); /* for each RRset with something to do */
	void (*progress)(size_t changed, size_t served, size_t total, void *ctx); /* may be NULL */
	void *ctx;
};
/*
 * Values of others survive: they are never in a change, and a provider whose RRset is not as it was read is read again.
 * Returns 0 when everything was told, whatever the outcomes; ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM, after which
 * what was sent is in the journal.
 */
int apply_run(const struct apply *a, struct err *e);

#endif
