/* metrics_keep.c: the families that outlive the process, as keys and values for the state. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "obs/metrics_internal.h"

enum { KEY_MAX = 2048, VALUE_MAX = 2048 };

/* NAME, then each label after a tab. False when a label would not come back as it was. */
static bool make_key(const struct metric_family *k, const struct series *s, struct buf *out)
{
	buf_puts(out, k->name);
	for (size_t i = 0; i < metrics_n_labels_(k); i++) {
		if (strpbrk(s->labels[i], "\t\n"))
			return false;
		buf_printf(out, "\t%s", s->labels[i]);
	}
	return !out->bad;
}

/* The number; of a histogram the sum, then the counts of the buckets. */
static void make_value(const struct metric_family *k, const struct series *s, struct buf *out)
{
	buf_printf(out, "%.17g", s->value);
	for (size_t i = 0; k->type == METRIC_HISTOGRAM && i <= k->n_buckets; i++)
		buf_printf(out, " %" PRIu64, s->buckets[i]);
}

static int keep_family(const struct metrics *m, enum metric id,
	int (*fn)(const char *key, const char *value, void *ctx, struct err *e), void *ctx, struct err *e)
{
	const struct metric_family *k = metric_family(id);
	const struct family *f = &m->families[id];
	AUTO(buf_done) struct buf key = buf_make(KEY_MAX), value = buf_make(VALUE_MAX);
	for (size_t i = 0; i < f->n; i++) {
		buf_clear(&key);
		buf_clear(&value);
		if (!make_key(k, &f->v[i], &key))
			continue;
		make_value(k, &f->v[i], &value);
		int r = fn(buf_str(&key), buf_str(&value), ctx, e);
		if (r)
			return r;
	}
	return 0;
}

int metrics_each_kept(const struct metrics *m, int (*fn)(const char *key, const char *value, void *ctx, struct err *e),
	void *ctx, struct err *e)
{
	for (int i = 0; i < METRIC_N_; i++) {
		int r = metric_family((enum metric)i)->kept ? keep_family(m, (enum metric)i, fn, ctx, e) : 0;
		if (r)
			return r;
	}
	return 0;
}

static bool read_counts(const struct metric_family *k, const char *p, uint64_t counts[METRIC_BUCKETS_MAX])
{
	for (size_t i = 0; i <= k->n_buckets; i++) {
		char *end;
		errno = 0;
		counts[i] = strtoull(p, &end, 10);
		if (errno || end == p)
			return false;
		p = end;
	}
	return !*p;
}

static void restore_series(
	struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], const char *value)
{
	const struct metric_family *k = metric_family(id);
	uint64_t counts[METRIC_BUCKETS_MAX];
	char *end;
	double v = strtod(value, &end);
	if (end == value || !(v >= 0) || (k->type == METRIC_HISTOGRAM ? !read_counts(k, end, counts) : *end))
		return;
	struct series *s = metrics_series_(m, id, labels);
	s->value += v;
	for (size_t i = 0; k->type == METRIC_HISTOGRAM && i <= k->n_buckets; i++) {
		s->buckets[i] += counts[i];
		s->count += counts[i];
	}
}

void metrics_restore(struct metrics *m, const char *key, const char *value)
{
	AUTO(xfreep) char *copy = xstrdup(key);
	const char *labels[METRIC_LABELS_MAX] = {NULL};
	char *rest = copy;
	const char *name = strsep(&rest, "\t");
	size_t n = 0;
	while (rest && n < METRIC_LABELS_MAX)
		labels[n++] = strsep(&rest, "\t");
	for (int i = 0; i < METRIC_N_ && !rest; i++) {
		const struct metric_family *k = metric_family((enum metric)i);
		if (k->kept && !strcmp(k->name, name) && metrics_n_labels_(k) == n)
			restore_series(m, (enum metric)i, labels, value);
	}
}
