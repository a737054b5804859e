/* metrics_text.c: the two text forms: 0.0.4 of Prometheus, and OpenMetrics 1.0. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "obs/metrics_internal.h"

const char *metrics_content_type(enum metrics_form f)
{
	return f == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					: "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_form metrics_negotiate(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS : METRICS_TEXT;
}

/* The shortest form that reads back as the same number. */
static void put_number(struct buf *out, double v)
{
	char text[40];
	if (isinf(v)) {
		buf_puts(out, v > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_puts(out, text);
}

/* quotes: also '"', as in the value of a label. */
static void put_escaped(struct buf *out, const char *s, bool quotes)
{
	for (; *s; s++)
		if (*s == '\\')
			buf_puts(out, "\\\\");
		else if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '"' && quotes)
			buf_puts(out, "\\\"");
		else
			buf_putc(out, *s);
}

/* le: the upper bound of a bucket, or NULL. */
static void put_labels(struct buf *out, const struct metric_family *k, const struct series *s, const double *le)
{
	size_t n = metrics_n_labels_(k);
	if (!n && !le)
		return;
	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "", k->labels[i]);
		put_escaped(out, s->labels[i], true);
		buf_putc(out, '"');
	}
	if (le) {
		buf_printf(out, "%sle=\"", n ? "," : "");
		put_number(out, *le);
		buf_putc(out, '"');
	}
	buf_putc(out, '}');
}

static void put_sample(struct buf *out, const struct metric_family *k, const char *suffix, const struct series *s,
	const double *le, double v)
{
	buf_printf(out, "%s%s", k->name, suffix);
	put_labels(out, k, s, le);
	buf_putc(out, ' ');
	put_number(out, v);
	buf_putc(out, '\n');
}

static void put_histogram(struct buf *out, const struct metric_family *k, const struct series *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i <= k->n_buckets; i++) {
		double le = i < k->n_buckets ? k->buckets[i] : INFINITY;
		sum += s->buckets[i];
		put_sample(out, k, "_bucket", s, &le, (double)sum);
	}
	put_sample(out, k, "_sum", s, NULL, s->value);
	put_sample(out, k, "_count", s, NULL, (double)s->count);
}

static void put_family(struct buf *out, enum metric id, const struct family *f, enum metrics_form form)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
	const struct metric_family *k = metric_family(id);
	/* In the old form a counter's family has the name of its samples. */
	const char *suffix = k->type == METRIC_COUNTER ? "_total" : "";
	const char *shown = form == METRICS_TEXT ? suffix : "";
	buf_printf(out, "# HELP %s%s ", k->name, shown);
	put_escaped(out, k->help, form == METRICS_OPENMETRICS);
	buf_printf(out, "\n# TYPE %s%s %s\n", k->name, shown, types[k->type]);
	for (size_t i = 0; i < f->n; i++)
		if (k->type == METRIC_HISTOGRAM)
			put_histogram(out, k, &f->v[i]);
		else
			put_sample(out, k, suffix, &f->v[i], NULL, f->v[i].value);
}

void metrics_write(const struct metrics *m, enum metrics_form f, struct buf *out)
{
	for (int i = 0; i < METRIC_N_; i++)
		if (m->families[i].n)
			put_family(out, (enum metric)i, &m->families[i], f);
	if (f == METRICS_OPENMETRICS)
		buf_puts(out, "# EOF\n");
}
