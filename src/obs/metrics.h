/*
 * metrics.h: numbers for Prometheus: one table of families (metrics_table.c), series with their labels in memory, and
 * the two text forms. docs/monitoring.md lists the families; a test holds it against the table.
 */
#ifndef PERDURE_OBS_METRICS_H
#define PERDURE_OBS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/* In the order of the table. The comment says the labels, in their order. */
enum metric {
	METRIC_BUILD_INFO, /* version */
	METRIC_RENEWALS, /* result; counter */
	METRIC_RENEWAL_SECONDS, /* ca; histogram */
	METRIC_COMPAT_RENEWALS, /* domain, status; counter */
	METRIC_COMPAT_RENEWAL_SECONDS, /* domain; histogram */
	METRIC_CERTS, /* state; gauge */
	METRIC_CERTS_LEFT, /* within */
	METRIC_CERT_SHOWN, /* -; how many have series of their own */
	METRIC_NOT_AFTER, /* name, ca */
	METRIC_NOT_BEFORE, /* name, ca */
	METRIC_RENEW_AT, /* name */
	METRIC_NEXT_ATTEMPT, /* name */
	METRIC_FAILURES, /* name */
	METRIC_ARI_START, /* name */
	METRIC_ARI_END, /* name */
	METRIC_DEPLOY_FAILED, /* name; 1 while the last deploy has failed */
	METRIC_NOT_AFTER_MIN, /* ca */
	METRIC_PERSIST_UNTIL, /* name */
	METRIC_RECORD_HELD, /* name, ca; 1 while an order waits for its record */
	METRIC_ORDERS_IN_FLIGHT, /* ca */
	METRIC_ORDERS_IN_WORK, /* state */
	METRIC_ACME_REQUESTS, /* ca, action, status; counter */
	METRIC_ACME_SECONDS, /* ca, action; histogram */
	METRIC_RATE_WAITS, /* ca; counter */
	METRIC_RATE_UNTIL, /* ca */
	METRIC_DNS_WRITES, /* provider, result; counter */
	METRIC_DEPLOYS, /* result; counter */
	METRIC_FINDINGS, /* rule, severity */
	METRIC_AUDIT_NAMES, /* - */
	METRIC_AUDIT_AT, /* - */
	METRIC_NOTICES, /* channel, result; counter */
	METRIC_EVENTS_SEQ, /* - */
	METRIC_EVENTS_HEAD_SEQ, /* sha256 */
	METRIC_EVENTS_ERRORS, /* -; counter */
	METRIC_LAST_RUN, /* - */
	METRIC_LAST_SUCCESS, /* - */
	METRIC_PROCESS_START,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_RSS,
	METRIC_PROCESS_VSIZE,
	METRIC_PROCESS_FDS,
	METRIC_PROCESS_MAX_FDS,
	METRIC_N_
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum { METRIC_LABELS_MAX = 3, METRIC_BUCKETS_MAX = 16 };

/* One row of the table. */
struct metric_family {
	const char *name; /* of a counter without _total */
	enum metric_type type;
	const char *labels[METRIC_LABELS_MAX]; /* NULL after the last */
	const double *buckets; /* upper bounds of a histogram, rising; +Inf is added */
	size_t n_buckets;
	bool kept; /* over restarts: the state remembers it */
	const char *help;
};
const struct metric_family *metric_family(enum metric m);

/* The values of all labels of a family, in order: METRIC_L("google", "newOrder", "201"). */
#define METRIC_L(...) ((const char *const[METRIC_LABELS_MAX]){__VA_ARGS__})
#define METRIC_NO_L ((const char *const[METRIC_LABELS_MAX]){NULL})

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* m may be NULL in all three: then nothing happens. Labels are copied. Counters (v is not negative) and gauges are
 * added to, gauges are set, histograms observe. */
void metrics_add(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v);
void metrics_set(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v);
void metrics_observe(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v);
/* Forgets all series of the family: gauges per certificate are set anew each time. */
void metrics_clear(struct metrics *m, enum metric id);
/* Of families whose first label is name or domain at most so many series are held (1000 at first); further ones are
 * counted under labels "other". */
void metrics_limit(struct metrics *m, size_t n);
/* The value of a series of a counter or gauge, or a histogram's count; 0 when there is none. */
double metrics_get(const struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX]);

enum metrics_form {
	METRICS_TEXT, /* text/plain; version=0.0.4 */
	METRICS_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
};
/* The value of Content-Type. */
const char *metrics_content_type(enum metrics_form f);
/* The form that an Accept header (may be NULL) asks for. */
enum metrics_form metrics_negotiate(const char *accept);
/* Appends all families that have series, in the order of the table, series sorted by labels. */
void metrics_write(const struct metrics *m, enum metrics_form f, struct buf *out);

/*
 * The kept families, for the state: fn gets a key and a value that metrics_restore() takes again; it adds to what is
 * there already. An unknown or malformed key is passed over. metrics_each_kept() ends when fn gives something else than
 * 0, and returns that.
 */
int metrics_each_kept(const struct metrics *m, int (*fn)(const char *key, const char *value, void *ctx, struct err *e),
	void *ctx, struct err *e);
void metrics_restore(struct metrics *m, const char *key, const char *value);
/* Sets process_* of this process, and build_info. */
void metrics_process(struct metrics *m);

#endif
