/* metrics.c: series in memory: for each family an array sorted by the values of the labels. */
#include "obs/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "obs/metrics_internal.h"

enum { SERIES_MAX = 1000 };

struct metrics *metrics_new(void)
{
	struct metrics *m = xcalloc(1, sizeof(*m));
	m->limit = SERIES_MAX;
	return m;
}

static void series_done(struct series *s)
{
	for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
		free(s->labels[i]);
	free(s->buckets);
}

void metrics_clear(struct metrics *m, enum metric id)
{
	struct family *f = m ? &m->families[id] : NULL;
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		series_done(&f->v[i]);
	free(f->v);
	*f = (struct family){0};
}

void metrics_free(struct metrics *m)
{
	for (int i = 0; m && i < METRIC_N_; i++)
		metrics_clear(m, (enum metric)i);
	free(m);
}

void metrics_limit(struct metrics *m, size_t n)
{
	m->limit = n;
}

size_t metrics_n_labels_(const struct metric_family *f)
{
	size_t n = 0;
	while (n < METRIC_LABELS_MAX && f->labels[n])
		n++;
	return n;
}

static int compare(const struct series *s, const char *const *labels, size_t n)
{
	int r = 0;
	for (size_t i = 0; i < n && !r; i++)
		r = strcmp(s->labels[i], labels[i]);
	return r;
}

/* Where the series is, or where it would have to be. */
static bool find(const struct family *f, const char *const *labels, size_t n, size_t *ret)
{
	size_t lo = 0, hi = f->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = compare(&f->v[mid], labels, n);
		if (!r) {
			*ret = mid;
			return true;
		}
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return false;
}

static bool per_certificate(const struct metric_family *k)
{
	return k->labels[0] && (!strcmp(k->labels[0], "name") || !strcmp(k->labels[0], "domain"));
}

struct series *metrics_series_(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX])
{
	static const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other"};
	const struct metric_family *k = metric_family(id);
	struct family *f = &m->families[id];
	size_t n = metrics_n_labels_(k), at;
	if (find(f, labels, n, &at))
		return &f->v[at];
	if (per_certificate(k) && f->n >= m->limit && find(f, labels = other, n, &at))
		return &f->v[at];
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		f->v = xreallocarray(f->v, f->cap, sizeof(*f->v));
	}
	memmove(&f->v[at + 1], &f->v[at], (f->n - at) * sizeof(*f->v));
	struct series *s = &f->v[at];
	f->n++;
	*s = (struct series){0};
	for (size_t i = 0; i < n; i++)
		s->labels[i] = xstrdup(labels[i]);
	if (k->type == METRIC_HISTOGRAM)
		s->buckets = xcalloc(k->n_buckets + 1, sizeof(*s->buckets));
	return s;
}

void metrics_add(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v)
{
	if (m)
		metrics_series_(m, id, labels)->value += v;
}

void metrics_set(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v)
{
	if (m)
		metrics_series_(m, id, labels)->value = v;
}

void metrics_observe(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX], double v)
{
	const struct metric_family *k = metric_family(id);
	if (!m)
		return;
	struct series *s = metrics_series_(m, id, labels);
	size_t i = 0;
	while (i < k->n_buckets && v > k->buckets[i])
		i++;
	if (s->buckets) /* as every histogram has */
		s->buckets[i]++;
	s->value += v;
	s->count++;
}

double metrics_get(const struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX])
{
	const struct metric_family *k = metric_family(id);
	const struct family *f = &m->families[id];
	size_t at;
	if (!find(f, labels, metrics_n_labels_(k), &at))
		return 0;
	return k->type == METRIC_HISTOGRAM ? (double)f->v[at].count : f->v[at].value;
}
