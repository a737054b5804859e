/* report_priv.h: what the formats of report.h share. Internal to src/watch. */
#ifndef PERDURE_WATCH_REPORT_PRIV_H
#define PERDURE_WATCH_REPORT_PRIV_H

#include "base/buf.h"
#include "watch/report.h"

struct report {
	const struct report_ops *ops;
	FILE *out;
	char *artifact; /* or NULL */
	char *name; /* in work, or NULL */
	struct buf buf; /* what is being put together */
	size_t n; /* findings so far */
	size_t n_in_name, n_failures;
	size_t *by_rule; /* in the order of rules_all() */
};

/* NULL members do nothing. */
struct report_ops {
	const char *format;
	void (*begin)(struct report *r);
	void (*finding)(struct report *r, const struct finding *f);
	void (*name_end)(struct report *r); /* r->name is the one */
	void (*end)(struct report *r, const struct report_summary *s);
};
extern const struct report_ops report_jsonl, report_sarif, report_junit, report_openmetrics;

/* Writes what is in the buffer and empties it. */
void report_flush(struct report *r);

#endif
