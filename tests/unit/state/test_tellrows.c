/* test_tellrows.c: counters and notices as rows. */
#include <string.h>

#include "state/store.h"
#include "state/tellrows.h"
#include "support/scratch.h"

static int join_metric(const char *key, const char *value, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s=%s ", key, value);
	return 0;
}

static int join_notice(const struct store_notice *n, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s:%s:%s:%s:%d:%d:%d ", n->key, n->kind, n->subject, n->text, (int)n->severity, (int)n->since,
		(int)n->told_at);
	return 0;
}

static void assert_notices(struct store *s, const char *channel, const char *want)
{
	AUTO(buf_done) struct buf b = buf_make(4096);
	struct err e = {0};
	must(store_notice_each(s, channel, join_notice, &b, &e), &e);
	assert_string_equal(buf_str(&b), want);
}

static void put(struct store *s, char *channel, char *key, char *text)
{
	struct err e = {0};
	struct store_notice n = {.channel = channel,
		.key = key,
		.kind = text,
		.subject = text,
		.text = text,
		.severity = 2,
		.since = 3,
		.told_at = 4};
	must(store_notice_put(s, &n, &e), &e);
}

static void test_rows(void **state)
{
	AUTO(buf_done) struct buf b = buf_make(4096);
	struct store *s;
	struct err e = {0};
	char one[] = "one", two[] = "two", a[] = "a", z[] = "z", text[] = "t", other[] = "u";
	must(store_open(*state, false, &s, &e), &e);
	must(store_metric_put(s, "m\tx", "1", &e) || store_metric_put(s, "m\ty", "2 3", &e) ||
			store_metric_put(s, "m\tx", "4", &e),
		&e);
	put(s, one, z, text);
	put(s, one, a, text);
	put(s, two, a, text);
	put(s, one, a, other);
	must(store_commit(s, &e), &e);
	store_close(s);
	must(store_open(*state, false, &s, &e), &e);
	must(store_metric_each(s, join_metric, &b, &e), &e);
	assert_string_equal(buf_str(&b), "m\tx=4 m\ty=2 3 ");
	assert_notices(s, one, "a:u:u:u:2:3:4 z:t:t:t:2:3:4 ");
	must(store_notice_clear(s, one, &e), &e);
	assert_notices(s, one, "");
	assert_notices(s, two, "a:t:t:t:2:3:4 ");
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_rows, scratch_make, scratch_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
