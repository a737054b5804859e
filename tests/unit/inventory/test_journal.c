/* test_journal.c: what was done to records can be read back, whole or cut off. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "inventory/journal.h"
#include "inventory/written.h"

static char dir[] = "/tmp/journalXXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct err e = {0};
	(void)state;
	return fs_remove_tree(dir, &e);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct err e = {0};
	struct journal *j;
	assert_int_equal(journal_open(dir, 1795219200, &j, &e), 0);
	AUTO(xfreep) char *id = xstrdup(journal_id(j));
	assert_int_equal(strncmp(id, "20261121T", 9), 0);
	static char provider[] = "edge", zone[] = "example.com", one[] = "_validation-persist.example.com",
		    two[] = "_validation-persist.www.example.com";
	AUTO(strv_done) struct strv a = {0}, b = {0};
	strv_add(&a, "\"x\"");
	strv_add(&b, "\"y\"");
	strv_add(&b, "\"z \\\"q\\\"\"");
	struct journal_change c = {.provider = provider,
		.zone = zone,
		.type = PROVIDER_TXT,
		.owner = one,
		.ttl = 60,
		.before = b,
		.add = a};
	assert_int_equal(journal_before(j, &c, &e), 0);
	assert_int_equal(journal_after(j, PROVIDER_TXT, one, "changed", &b, &e), 0);
	c.owner = two;
	c.del = b;
	assert_int_equal(journal_before(j, &c, &e), 0);
	journal_close(j);

	AUTO(xfreep) char *path = xasprintf("%s/records/%s.jsonl", dir, id);
	AUTO(buf_done) struct buf text = buf_make(1 << 20);
	assert_int_equal(fs_read(path, &text, &e), 0);
	buf_puts(&text, "{\"owner\":\"cut");
	assert_int_equal(fs_write_atomic(path, text.p, text.n, 0600, &e), 0);

	struct journal_change *got;
	size_t n;
	assert_int_equal(journal_read(dir, id, &got, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(got[0].outcome, "changed");
	assert_string_equal(got[0].provider, "edge");
	assert_int_equal(got[0].ttl, 60);
	assert_true(strv_same_set(&got[0].before, &b) && strv_same_set(&got[0].add, &a) && !got[0].del.n);
	assert_string_equal(got[1].outcome, "");
	assert_true(strv_same_set(&got[1].del, &b));
	journal_changes_free(got, n);
}

static void count(enum provider_type type, const char *owner, void *ctx)
{
	(void)owner;
	*(unsigned *)ctx += type == PROVIDER_CNAME ? 100 : 1;
}

/* What was written is known again, by owner, type and meaning; what failed was not written. */
static void test_written(void **state)
{
	static char provider[] = "edge", zone[] = "example.com", one[] = "one.example.com", two[] = "two.example.com";
	AUTO(xfreep) char *fresh = xasprintf("%s/written", dir);
	struct err e = {0};
	struct journal *j;
	(void)state;
	AUTO(strv_done) struct strv a = {0}, b = {0}, target = {0};
	strv_add(&a, "\"x y\"");
	strv_add(&b, "\"b\"");
	strv_add(&target, "t.example.net.");
	assert_int_equal(journal_open(fresh, 1795219200, &j, &e), 0);
	AUTO(xfreep) char *id = xstrdup(journal_id(j));
	struct journal_change c = {.provider = provider, .zone = zone, .type = PROVIDER_TXT, .owner = one, .add = a};
	assert_int_equal(journal_before(j, &c, &e), 0);
	assert_int_equal(journal_after(j, c.type, one, "changed", NULL, &e), 0);
	c.add = b;
	assert_int_equal(journal_before(j, &c, &e), 0);
	assert_int_equal(journal_after(j, c.type, one, "failed", NULL, &e), 0);
	c.type = PROVIDER_CNAME;
	c.add = target;
	assert_int_equal(journal_before(j, &c, &e), 0);
	assert_int_equal(journal_after(j, c.type, one, "changed", NULL, &e), 0);
	c.owner = two;
	assert_int_equal(journal_before(j, &c, &e), 0);
	journal_close(j);

	AUTO(written_freep) struct written *w = NULL;
	assert_int_equal(written_read(fresh, &w, &e), 0);
	assert_string_equal(written_by(w, PROVIDER_TXT, one, "\"x\" \" y\""), id);
	assert_null(written_by(w, PROVIDER_TXT, one, "\"b\""));
	assert_null(written_by(w, PROVIDER_TXT, two, "\"x y\""));
	assert_string_equal(written_by(w, PROVIDER_CNAME, one, "t.example.net."), id);
	assert_string_equal(written_by(w, PROVIDER_CNAME, two, "t.example.net."), id);
	assert_null(written_by(NULL, PROVIDER_CNAME, two, "t.example.net."));
	unsigned sum = 0;
	written_each(w, count, &sum);
	assert_int_equal(sum, 201);

	AUTO(xfreep) char *none = xasprintf("%s/none", dir);
	AUTO(written_freep) struct written *nothing = NULL;
	assert_int_equal(written_read(none, &nothing, &e), 0);
	assert_null(written_by(nothing, PROVIDER_TXT, one, "\"x y\""));
}

static void test_nothing_done_leaves_nothing(void **state)
{
	(void)state;
	struct err e = {0};
	struct journal *j;
	struct journal_change *got;
	size_t n;
	assert_int_equal(journal_open(dir, 0, &j, &e), 0);
	AUTO(xfreep) char *id = xstrdup(journal_id(j));
	journal_close(j);
	static const char *const wrong[] = {"", "../state", "19700101T000000Z-0"};
	assert_int_equal(journal_read(dir, id, &got, &n, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.hint, "the latest is 20261121T"));
	err_done(&e);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(journal_read(dir, wrong[i], &got, &n, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		err_done(&e);
	}
}

/* A line that the disk took only a part of is no line, and what comes after it is whole. */
static void test_full_disk(void **state)
{
	static char provider[] = "edge", zone[] = "example.com", owner[] = "one.example.com";
	AUTO(xfreep) char *fresh = xasprintf("%s/full", dir);
	struct err e = {0};
	struct rlimit old, small;
	struct journal *j;
	struct journal_change *got;
	size_t n;
	(void)state;
	assert_int_equal(journal_open(fresh, 1795219200, &j, &e), 0);
	AUTO(xfreep) char *id = xstrdup(journal_id(j));
	struct journal_change c = {.provider = provider, .zone = zone, .type = PROVIDER_TXT, .owner = owner};
	assert_int_equal(journal_before(j, &c, &e), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 150;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(journal_before(j, &c, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	err_done(&e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(journal_after(j, PROVIDER_TXT, owner, "changed", NULL, &e), 0);
	journal_close(j);
	assert_int_equal(journal_read(fresh, id, &got, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_string_equal(got[0].outcome, "changed");
	journal_changes_free(got, n);
}

/* Two runs of one process in one second share a file: the second, which changes nothing, leaves the first one's. */
static void test_same_second(void **state)
{
	static char provider[] = "edge", zone[] = "example.com", owner[] = "one.example.com";
	AUTO(xfreep) char *fresh = xasprintf("%s/same", dir);
	struct err e = {0};
	struct journal *j;
	struct journal_change *got;
	size_t n;
	(void)state;
	struct journal_change c = {.provider = provider, .zone = zone, .type = PROVIDER_TXT, .owner = owner};
	assert_int_equal(journal_open(fresh, 1795219200, &j, &e), 0);
	assert_int_equal(journal_before(j, &c, &e), 0);
	journal_close(j);
	assert_int_equal(journal_open(fresh, 1795219200, &j, &e), 0);
	AUTO(xfreep) char *id = xstrdup(journal_id(j));
	journal_close(j);
	assert_int_equal(journal_read(fresh, id, &got, &n, &e), 0);
	assert_int_equal(n, 1);
	journal_changes_free(got, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_nothing_done_leaves_nothing),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_same_second),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
