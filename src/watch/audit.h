/*
 * audit.h: one audit: facts about names and CAs go in, findings come out, compared with a baseline when there is one.
 */
#ifndef PERDURE_WATCH_AUDIT_H
#define PERDURE_WATCH_AUDIT_H

#include "watch/baseline.h"
#include "watch/context.h"
#include "watch/report.h"

struct err;

struct audit {
	const struct audit_context *c;
	struct baseline *before; /* NULL without one */
	struct baseline_out *after; /* NULL when none is to be written */
	/* Told of each name, then of each of its findings that the baseline does not have. */
	void (*name)(void *ctx, const char *fqdn);
	finding_fn finding;
	finding_fn standing; /* told of what the rules find, whether the baseline has it or not; NULL for nobody */
	void *ctx;
	struct report_summary sum;
	struct err *e; /* where the first failure is kept: a damaged baseline */
	bool failed;
	struct audit_now *now; /* private */
};

/* Judges a name. The facts need no facts_read() before. */
void audit_facts(struct audit *a, struct facts *f);
/* A name that cannot be looked at at all: why in words. */
void audit_no_name(struct audit *a, const char *name, const char *why);
/* Judges what the CAs' directories say. */
void audit_cas(struct audit *a);
/* For an audit of everything there is: records of the baseline whose names are no more are told as removed. */
void audit_rest(struct audit *a);

#endif
