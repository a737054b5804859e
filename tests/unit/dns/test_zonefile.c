/* test_zonefile.c: zone files as people and programs write them, and lines that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/scratch.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/zonefile.h"

static void record(void *ctx, const char *owner, const struct dns_rr *rr)
{
	char type[16];
	AUTO(xfreep) char *text = dns_rr_text(rr);
	buf_printf(ctx, "%s %u %s %s\n", owner, rr->ttl, dns_type_name(rr->type, type), text);
}

static void bad(void *ctx, const char *file, int line, const char *why, const char *text)
{
	(void)file;
	assert_true(why[0] && text[0]);
	buf_printf(ctx, "bad %d\n", line);
}

static const struct zonefile_reader reader = {.record = record, .bad = bad};

static int read_zone(const char *path, const char *origin, struct buf *out, struct err *e)
{
	struct zonefile_reader r = reader;
	r.ctx = out;
	return zonefile_read(path, origin, &r, e);
}

/* Writes a file below dir; its path. */
static char *file(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	scratch_write(path, text, strlen(text));
	return path;
}

static void test_files(void **state)
{
	static const struct {
		const char *text, *origin, *want;
	} rows[] = {
		{"$ORIGIN example.com.\n$TTL 300\n@ SOA ns host 1 2 3 4 5\n  NS ns\n_validation-persist TXT "
		 "\"a;b=c\"\n",
			NULL,
			"example.com 300 SOA ns.example.com. host.example.com. 1 2 3 4 5\n"
			"example.com 300 NS ns.example.com.\n"
			"_validation-persist.example.com 300 TXT \"a;b=c\"\n"},
		{"WWW 60 IN CNAME Other.Example.NET.\n", "example.com",
			"www.example.com 60 CNAME other.example.net.\n"},
		{"x TXT ( \"one\" ; comment\n \"two\" )\ny A 192.0.2.1\n", "t",
			"x.t 3600 TXT \"one\" \"two\"\ny.t 3600 A 192.0.2.1\n"},
		{"x CAA 0 issue \"ca.example\"\n", "t", "x.t 3600 CAA 0 issue \"ca.example\"\n"},
		{"x A nonsense\ny A 192.0.2.1\n", "t", "bad 1\ny.t 3600 A 192.0.2.1\n"},
		{"; nothing\n\n", NULL, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_done) struct buf out = buf_make(BUF_MAX_SMALL_FILE);
		struct err e = {0};
		AUTO(xfreep) char *path = file(*state, "zone", rows[i].text);
		if (read_zone(path, rows[i].origin, &out, &e))
			fail_msg("row %zu: %s", i, e.msg);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
}

static void test_a_string_too_long(void **state)
{
	AUTO(buf_done) struct buf out = buf_make(BUF_MAX_SMALL_FILE), text = buf_make(BUF_MAX_SMALL_FILE);
	struct err e = {0};
	buf_puts(&text, "a A 192.0.2.1\n_validation-persist TXT \"");
	for (int i = 0; i < 256; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"\nb A 192.0.2.2\n");
	AUTO(xfreep) char *path = file(*state, "zone", buf_str(&text));
	assert_int_equal(read_zone(path, "t", &out, &e), 0);
	assert_string_equal(buf_str(&out), "a.t 3600 A 192.0.2.1\nbad 2\nb.t 3600 A 192.0.2.2\n");
}

static void test_include(void **state)
{
	AUTO(buf_done) struct buf out = buf_make(BUF_MAX_SMALL_FILE);
	struct err e = {0};
	AUTO(xfreep) char *inner = file(*state, "inner", "x A 192.0.2.1\n");
	AUTO(xfreep) char *path = file(*state, "zone", "$ORIGIN t.\n$INCLUDE inner sub\ny A 192.0.2.2\n");
	assert_int_equal(read_zone(path, NULL, &out, &e), 0);
	assert_string_equal(buf_str(&out), "x.sub.t 3600 A 192.0.2.1\ny.t 3600 A 192.0.2.2\n");
	AUTO(xfreep) char *loop = file(*state, "loop", "$INCLUDE loop\n");
	assert_int_equal(read_zone(loop, "t", &out, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	err_done(&e);
}

static void test_refused(void **state)
{
	AUTO(buf_done) struct buf out = buf_make(BUF_MAX_SMALL_FILE);
	struct err e = {0};
	AUTO(xfreep) char *path = file(*state, "zone", "@ SOA ns host 1 2 3 4 5\n");
	assert_int_equal(read_zone(path, NULL, &out, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.hint, "--origin"));
	err_done(&e);
	AUTO(xfreep) char *none = xasprintf("%s/none", (char *)*state);
	assert_int_equal(read_zone(none, NULL, &out, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	err_done(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_string_too_long, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_include, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_refused, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
