/*
 * planmake.h: a plan made from what should stand and what does: asked at every authoritative server, and at the
 * provider where one is configured.
 */
#ifndef PERDURE_INVENTORY_PLANMAKE_H
#define PERDURE_INVENTORY_PLANMAKE_H

#include <stdbool.h>

#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/wishes.h"

struct dns_answer;
struct err;
struct publisher;
struct site;

struct planmake {
	struct site *site; /* its DNS must be open, unless its mode is none */
	struct publisher *publisher; /* NULL: providers are not asked */
	struct wishes *wishes; /* put in order */
	const struct ours *ours;
	bool exact; /* a record that grants more than is wanted does not count */
	bool preflight; /* look whether a record where none stands yet would hurt (preflight.h): if so it is blocked */
	/* Told now and then; may be NULL. */
	void (*progress)(size_t done, size_t total, void *ctx);
	void *ctx;
};
/*
 * Fills *ret, which needs plan_done(). An owner whose servers or provider cannot be asked is in the plan as blocked,
 * with the reason. ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM.
 */
int planmake(const struct planmake *m, struct plan *ret, struct err *e);
/* Appends what an answer to a question for the type says, as record data. */
void planmake_values(enum provider_type type, const struct dns_answer *a, struct strv *ret);

#endif
