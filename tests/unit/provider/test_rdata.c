/* test_rdata.c: record data in one spelling, whoever wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "provider/rdata.h"

static void one_spelling(void **state)
{
	static const struct {
		enum provider_type type;
		const char *in, *out; /* out NULL: refused */
	} table[] = {
		{PROVIDER_TXT, "\"v=spf1 -all\"", "\"v=spf1 -all\""},
		{PROVIDER_TXT, "word", "\"word\""},
		{PROVIDER_TXT, "two words", "\"two\" \"words\""},
		{PROVIDER_TXT, "  \"a\"\t\"b\"  ", "\"a\" \"b\""},
		{PROVIDER_TXT, "\"a\"\"b\"", "\"a\" \"b\""},
		{PROVIDER_TXT, "\"\"", "\"\""},
		{PROVIDER_TXT, "\"say \\\"hi\\\" \\\\ \\065\"", "\"say \\\"hi\\\" \\\\ A\""},
		{PROVIDER_TXT, "\"caf\xc3\xa9;\"", "\"caf\\195\\169;\""},
		{PROVIDER_TXT, "\"\\000\"", "\"\\000\""},
		{PROVIDER_TXT, "a;b=c", "\"a;b=c\""},
		{PROVIDER_TXT, "", NULL},
		{PROVIDER_TXT, "   ", NULL},
		{PROVIDER_TXT, "\"open", NULL},
		{PROVIDER_TXT, "\"end\\", NULL},
		{PROVIDER_TXT, "\\25", NULL},
		{PROVIDER_TXT, "\\256", NULL},
		{PROVIDER_CNAME, "Target.Example", "target.example."},
		{PROVIDER_CNAME, "target.example.", "target.example."},
		{PROVIDER_CNAME, "", NULL},
		{PROVIDER_CNAME, "two names", NULL},
		{PROVIDER_CAA, "0 issue \"ca.example\"", "0 issue \"ca.example\""},
		{PROVIDER_CAA, "128  ISSUE  ca.example", "128 issue \"ca.example\""},
		{PROVIDER_CAA, "0 issue \";\"", "0 issue \";\""},
		{PROVIDER_CAA, "0 issue", NULL},
		{PROVIDER_CAA, "256 issue x", NULL},
		{PROVIDER_CAA, "issue x", NULL},
		{PROVIDER_CAA, "0 is-sue x", NULL},
		{PROVIDER_CAA, "0 issue x y", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err e = {0};
		AUTO(xfreep) char *out = NULL;
		int rc = rdata_parse(table[i].type, table[i].in, &out, &e);
		if (rc != (table[i].out ? 0 : -1) || (table[i].out && strcmp(out, table[i].out) != 0))
			fail_msg("%s: %s", table[i].in, out ? out : e.msg);
		/* What is in the one spelling stays as it is. */
		AUTO(xfreep) char *again = NULL;
		if (!rc) {
			assert_int_equal(rdata_parse(table[i].type, out, &again, &e), 0);
			assert_string_equal(again, out);
		}
		err_done(&e);
	}
}

static void long_values_are_split(void **state)
{
	static const size_t sizes[] = {0, 1, 254, 255, 256, 510, 511, 3000};
	char text[3000], quoted[3100];
	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct dns_txt t;
		struct err e = {0};
		AUTO(xfreep) char *data = rdata_from_text(text, sizes[i]);
		rdata_txt(data, &t);
		assert_int_equal(t.n, sizes[i] ? (sizes[i] + 254) / 255 : 1);
		for (size_t k = 0; k + 1 < t.n; k++)
			assert_int_equal(t.strings[k].n, 255);
		AUTO(xfreep) char *same = rdata_from_txt(&t);
		assert_string_equal(same, data);
		dns_txt_done(&t);
		AUTO(buf_done) struct buf joined = buf_make(10000);
		rdata_text(data, &joined);
		assert_int_equal(joined.n, sizes[i]);
		/* One string of any length, as some providers write it, is the same value. */
		snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)sizes[i], text);
		AUTO(xfreep) char *parsed = NULL;
		assert_int_equal(rdata_parse(PROVIDER_TXT, quoted, &parsed, &e), 0);
		assert_string_equal(parsed, data);
	}
}

static void what_is_the_same(void **state)
{
	static const struct {
		enum provider_type type;
		const char *a, *b;
		bool same;
	} table[] = {
		{PROVIDER_TXT, "\"ab\"", "\"ab\"", true},
		{PROVIDER_TXT, "\"a\" \"b\"", "\"ab\"", true},
		{PROVIDER_TXT, "\"ab\"", "\"aB\"", false},
		{PROVIDER_TXT, "\"ab\"", "\"abc\"", false},
		{PROVIDER_TXT, "\"\\000a\"", "\"\\000b\"", false},
		{PROVIDER_CNAME, "a.example.", "a.example.", true},
		{PROVIDER_CNAME, "a.example.", "b.example.", false},
		{PROVIDER_CAA, "0 issue \"a\"", "128 issue \"a\"", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (rdata_same(table[i].type, table[i].a, table[i].b) != table[i].same)
			fail_msg("%s, %s", table[i].a, table[i].b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(long_values_are_split),
		cmocka_unit_test(what_is_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
