/* test_metrics.c: series, their two text forms, and what outlives the process. */
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "obs/metrics.h"
#include "support/scratch.h"

static void assert_text(const struct metrics *m, enum metrics_form f, const char *want)
{
	AUTO(buf_done) struct buf b = buf_make(1 << 20);
	metrics_write(m, f, &b);
	assert_string_equal(buf_str(&b), want);
}

static void test_text(void **state)
{
	struct metrics *m = metrics_new();
	(void)state;
	metrics_add(m, METRIC_RENEWALS, METRIC_L("renewed"), 2);
	metrics_add(m, METRIC_RENEWALS, METRIC_L("failed"), 1);
	metrics_add(m, METRIC_RENEWALS, METRIC_L("renewed"), 1);
	metrics_set(m, METRIC_NOT_AFTER, METRIC_L("a\"b\\c\nd", "box"), 1800000000);
	assert_text(m, METRICS_TEXT,
		"# HELP perdure_renewals_total Certificates worked on, by result: issued, renewed, held, parked, "
		"failed.\n"
		"# TYPE perdure_renewals_total counter\n"
		"perdure_renewals_total{result=\"failed\"} 1\n"
		"perdure_renewals_total{result=\"renewed\"} 3\n"
		"# HELP perdure_certificate_not_after_timestamp_seconds When the live certificate expires.\n"
		"# TYPE perdure_certificate_not_after_timestamp_seconds gauge\n"
		"perdure_certificate_not_after_timestamp_seconds{name=\"a\\\"b\\\\c\\nd\",ca=\"box\"} 1800000000\n");
	metrics_clear(m, METRIC_NOT_AFTER);
	assert_text(m, METRICS_OPENMETRICS,
		"# HELP perdure_renewals Certificates worked on, by result: issued, renewed, held, parked, failed.\n"
		"# TYPE perdure_renewals counter\n"
		"perdure_renewals_total{result=\"failed\"} 1\n"
		"perdure_renewals_total{result=\"renewed\"} 3\n"
		"# EOF\n");
	metrics_free(m);
}

static void test_histogram(void **state)
{
	struct metrics *m = metrics_new();
	AUTO(buf_done) struct buf b = buf_make(1 << 20);
	(void)state;
	metrics_observe(m, METRIC_ACME_SECONDS, METRIC_L("box", "newOrder"), 0.025);
	metrics_observe(m, METRIC_ACME_SECONDS, METRIC_L("box", "newOrder"), 0.026);
	metrics_observe(m, METRIC_ACME_SECONDS, METRIC_L("box", "newOrder"), 1000);
	metrics_write(m, METRICS_TEXT, &b);
	static const char *const lines[] = {
		"_bucket{ca=\"box\",action=\"newOrder\",le=\"0.01\"} 0\n",
		"_bucket{ca=\"box\",action=\"newOrder\",le=\"0.025\"} 1\n",
		"_bucket{ca=\"box\",action=\"newOrder\",le=\"0.05\"} 2\n",
		"_bucket{ca=\"box\",action=\"newOrder\",le=\"30\"} 2\n",
		"_bucket{ca=\"box\",action=\"newOrder\",le=\"+Inf\"} 3\n",
		"_sum{ca=\"box\",action=\"newOrder\"} 1000.051\n",
		"_count{ca=\"box\",action=\"newOrder\"} 3\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (!strstr(buf_str(&b), lines[i]))
			fail_msg("missing: %s in\n%s", lines[i], buf_str(&b));
	metrics_free(m);
}

static void test_limit(void **state)
{
	struct metrics *m = metrics_new();
	char name[32];
	(void)state;
	metrics_limit(m, 10);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		metrics_add(m, METRIC_COMPAT_RENEWALS, METRIC_L(name, "success"), 1);
	}
	/* What is there already goes on to be counted. */
	metrics_add(m, METRIC_COMPAT_RENEWALS, METRIC_L("n3", "success"), 1);
	assert_true(metrics_get(m, METRIC_COMPAT_RENEWALS, METRIC_L("n3", "success")) == 2);
	assert_true(metrics_get(m, METRIC_COMPAT_RENEWALS, METRIC_L("n50", "success")) == 0);
	assert_true(metrics_get(m, METRIC_COMPAT_RENEWALS, METRIC_L("other", "other")) == 90);
	metrics_free(m);
}

static int keep(const char *key, const char *value, void *ctx, struct err *e)
{
	struct strv *v = ctx;
	(void)e;
	strv_add(v, key);
	strv_add(v, value);
	return 0;
}

static void test_kept(void **state)
{
	struct metrics *m = metrics_new(), *again = metrics_new();
	AUTO(strv_done) struct strv rows = {0};
	struct err e = {0};
	(void)state;
	metrics_add(m, METRIC_RENEWALS, METRIC_L("renewed"), 5);
	metrics_observe(m, METRIC_RENEWAL_SECONDS, METRIC_L("box"), 3);
	metrics_set(m, METRIC_LAST_RUN, METRIC_NO_L, 5); /* not kept */
	must(metrics_each_kept(m, keep, &rows, &e), &e);
	assert_int_equal(rows.n, 4);
	/* What this process has counted already stays. */
	metrics_add(again, METRIC_RENEWALS, METRIC_L("renewed"), 1);
	for (size_t i = 0; i < rows.n; i += 2)
		metrics_restore(again, rows.v[i], rows.v[i + 1]);
	assert_true(metrics_get(again, METRIC_RENEWALS, METRIC_L("renewed")) == 6);
	assert_true(metrics_get(again, METRIC_RENEWAL_SECONDS, METRIC_L("box")) == 1);
	/* What is no row of ours changes nothing. */
	static const char *const bad[][2] = {{"", "1"}, {"perdure_renewals", "1"}, {"perdure_renewals\trenewed", "x"},
		{"perdure_renewals\trenewed", "-1"}, {"perdure_renewals\trenewed", "nan"},
		{"perdure_renewals\trenewed\tmore", "1"}, {"perdure_nothing\tx", "1"},
		{"perdure_renewal_duration_seconds\tbox", "3 1 2"}, {"perdure_last_run_timestamp_seconds", "1"}};
	AUTO(buf_done) struct buf before = buf_make(1 << 20), after = buf_make(1 << 20);
	metrics_write(again, METRICS_TEXT, &before);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		metrics_restore(again, bad[i][0], bad[i][1]);
	metrics_write(again, METRICS_TEXT, &after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	metrics_free(m);
	metrics_free(again);
}

static void test_process(void **state)
{
	struct metrics *m = metrics_new();
	(void)state;
	metrics_process(m);
	assert_true(metrics_get(m, METRIC_PROCESS_START, METRIC_NO_L) > 1500000000);
	assert_true(metrics_get(m, METRIC_PROCESS_RSS, METRIC_NO_L) > 100000);
	assert_true(metrics_get(m, METRIC_PROCESS_FDS, METRIC_NO_L) >= 3);
	assert_true(metrics_get(m, METRIC_BUILD_INFO, METRIC_L(PERDURE_VERSION)) == 1);
	metrics_free(m);
}

static void test_negotiation(void **state)
{
	(void)state;
	assert_int_equal(metrics_negotiate(NULL), METRICS_TEXT);
	assert_int_equal(metrics_negotiate("text/plain"), METRICS_TEXT);
	assert_int_equal(
		metrics_negotiate("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*/*;q=0.1"),
		METRICS_OPENMETRICS);
}

/* Prometheus' practice: counters without _total here, base units, no unit twice. */
static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < METRIC_N_; i++) {
		const struct metric_family *k = metric_family((enum metric)i);
		size_t n = strlen(k->name);
		assert_int_equal(strspn(k->name, "abcdefghijklmnopqrstuvwxyz_"), n);
		assert_true(n < 6 || strcmp(k->name + n - 6, "_total") != 0);
		assert_true(k->type != METRIC_HISTOGRAM || k->n_buckets > 0);
		assert_true(k->n_buckets < METRIC_BUCKETS_MAX);
		assert_int_equal(k->help[strlen(k->help) - 1], '.');
	}
	/* Callers need no check of their own. */
	metrics_add(NULL, METRIC_RENEWALS, METRIC_L("x"), 1);
	metrics_set(NULL, METRIC_LAST_RUN, METRIC_NO_L, 1);
	metrics_observe(NULL, METRIC_RENEWAL_SECONDS, METRIC_L("x"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
