/* test_json.c: what the reader refuses, what the getters say, what the writer writes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "json/json.h"

static struct json *parse(const char *text)
{
	struct err e = {0};
	struct json *v = NULL;
	if (json_parse(text, strlen(text), "test", &v, &e))
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n; /* 0: strlen */
		const char *says;
	} cases[] = {
		{"", 0, "test: empty"},
		{"   ", 0, "line 1"},
		{"{", 0, "line 1"},
		{"{\n\"a\":1,\n\"a\":2}", 0, "line 3"},
		{"{\"a\":{\"b\":1,\"b\":1}}", 0, "duplicate"},
		{"{} {}", 0, "end of file expected"},
		{"[1]x", 0, "end of file expected"},
		{"[1]\0", 4, "line 1"},
		{"\"a\\u0000b\"", 0, "\\u0000"},
		{"{\"a\\u0000\":1}", 0, "\\u0000"},
		{"\"a\0b\"", 5, "line 1"},
		{"\"\xff\"", 0, "decode byte"},
		{"\"\xc0\x80\"", 0, "decode byte"},
		{"\"\\ud800\"", 0, "line 1"},
		{"[1,]", 0, "line 1"},
		{"{'a':1}", 0, "line 1"},
		{"[01]", 0, "line 1"},
		{"NaN", 0, "line 1"},
		{"99999999999999999999", 0, "line 1"},
		{"[1", 0, "line 1"},
		{"\"abc", 0, "line 1"},
		{"\"abc\\", 0, "line 1"},
		{"// x\n1", 0, "line 1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct json *v = NULL;
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);
		if (json_parse(cases[i].text, n, "test", &v, &e) != -1)
			fail_msg("case %zu was accepted: %s", i, cases[i].text);
		assert_null(v);
		assert_int_equal(e.kind, ERR_PARSE);
		if (!strstr(e.msg, cases[i].says) || strncmp(e.msg, "test: ", 6) != 0)
			fail_msg("case %zu: message \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		err_done(&e);
	}
}

static void nested(struct buf *b, size_t depth, const char *open, const char *close)
{
	for (size_t i = 0; i < depth; i++)
		buf_puts(b, open);
	buf_puts(b, "1");
	for (size_t i = 0; i < depth; i++)
		buf_puts(b, close);
}

static void test_depth(void **state)
{
	(void)state;
	static const char *const shapes[][2] = {{"[", "]"}, {"{\"[\":", "}"}, {"[\"\\\"{{\", ", "]"}};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		for (size_t depth = JSON_MAX_DEPTH; depth <= 100000; depth = depth * 2 - 31) {
			struct buf b = buf_make(4 << 20);
			struct err e = {0};
			struct json *v = NULL;
			nested(&b, depth, shapes[i][0], shapes[i][1]);
			int got = json_parse(b.p, b.n, "deep", &v, &e);
			assert_int_equal(got, depth > JSON_MAX_DEPTH ? -1 : 0);
			if (got)
				assert_non_null(strstr(e.msg, "deep: line 1, column "));
			json_free(v);
			err_done(&e);
			buf_done(&b);
			if (depth == JSON_MAX_DEPTH)
				depth = JSON_MAX_DEPTH + 1;
		}
	}
	/* Breadth is no depth. */
	struct json *v =
		parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
		      "[],[],[],[],[],[],[],[],[],[]]");
	assert_int_equal(json_len(v), 40);
	json_free(v);
}

static void note_member(const char *member, const struct json *v, void *ctx)
{
	assert_non_null(v);
	buf_puts(ctx, member);
	buf_putc(ctx, ' ');
}

static void test_read(void **state)
{
	(void)state;
	struct json *v = parse(
		" {\"z\":\"text\",\"n\":null,\"i\":-9223372036854775808,\"r\":1.5,\"t\":true,\"a\":[\"x\",2]} \r\n");
	assert_true(json_is_object(v));
	assert_string_equal(json_str(json_get(v, "z")), "text");
	assert_true(json_is_string(json_get(v, "z")));
	assert_true(json_is_null(json_get(v, "n")));
	assert_null(json_get(v, "absent"));
	assert_false(json_is_null(json_get(v, "absent")));
	int64_t n = 7;
	assert_true(json_int(json_get(v, "i"), &n));
	assert_true(n == INT64_MIN);
	n = 7;
	assert_false(json_int(json_get(v, "r"), &n));
	assert_false(json_int(json_get(v, "z"), &n));
	assert_false(json_int(NULL, &n));
	assert_int_equal(n, 7);
	const struct json *a = json_get(v, "a");
	assert_true(json_is_array(a));
	assert_int_equal(json_len(a), 2);
	assert_string_equal(json_str(json_at(a, 0)), "x");
	assert_null(json_str(json_at(a, 1)));
	assert_null(json_at(a, 2));
	/* The wrong kind of value gives nothing, and no crash. */
	assert_null(json_get(a, "x"));
	assert_null(json_get(NULL, "x"));
	assert_int_equal(json_len(v), 0);
	assert_int_equal(json_len(NULL), 0);
	assert_null(json_at(v, 0));
	assert_null(json_str(NULL));
	struct buf names = buf_make(100);
	json_each(v, note_member, &names);
	json_each(a, note_member, &names);
	json_each(NULL, note_member, &names);
	assert_string_equal(buf_str(&names), "z n i r t a ");
	buf_done(&names);
	json_freep(&v);
	assert_null(v);
	json_freep(&v);
	v = parse("\"alone\"");
	assert_string_equal(json_str(v), "alone");
	json_free(v);
}

static void expect_proto(int got, struct err *e, const char *msg)
{
	assert_int_equal(got, -1);
	assert_int_equal(e->kind, ERR_PROTO);
	assert_string_equal(e->msg, msg);
	err_done(e);
}

static void test_need(void **state)
{
	(void)state;
	struct json *v = parse("{\"s\":\"x\",\"i\":5,\"r\":0.5,\"b\":false,\"n\":null,\"a\":[],\"o\":{}}");
	struct err e = {0};
	const char *s = "before";
	const struct json *sub = v;
	assert_int_equal(json_need_str(v, "s", &s, &e), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_need_array(v, "a", &sub, &e), 0);
	assert_ptr_equal(sub, json_get(v, "a"));
	assert_int_equal(json_need_object(v, "o", &sub, &e), 0);
	assert_ptr_equal(sub, json_get(v, "o"));
	s = "before";
	expect_proto(json_need_str(v, "gone", &s, &e), &e, "member \"gone\" is missing");
	expect_proto(json_need_str(v, "i", &s, &e), &e, "member \"i\" is a number, a string is needed");
	expect_proto(json_need_str(v, "n", &s, &e), &e, "member \"n\" is null, a string is needed");
	expect_proto(json_need_array(v, "o", &sub, &e), &e, "member \"o\" is an object, an array is needed");
	expect_proto(json_need_object(v, "a", &sub, &e), &e, "member \"a\" is an array, an object is needed");
	expect_proto(json_need_object(v, "b", &sub, &e), &e, "member \"b\" is a boolean, an object is needed");
	expect_proto(json_need_str(json_get(v, "a"), "x", &s, &e), &e,
		"an array where an object with the member \"x\" is needed");
	expect_proto(json_need_str(NULL, "x", &s, &e), &e, "nothing where an object with the member \"x\" is needed");
	assert_string_equal(s, "before");
	json_free(v);
}

static void test_optional(void **state)
{
	(void)state;
	struct json *v =
		parse("{\"s\":\"x\",\"i\":5,\"r\":0.5,\"b\":true,\"n\":null,\"a\":[\"p\",\"q\"],\"m\":[\"p\",1]}");
	struct err e = {0};
	const char *s = "before";
	bool b = false;
	int64_t i = 0;
	struct strv list = {0};
	assert_int_equal(json_opt_str(v, "s", &s, &e), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_opt_str(v, "n", &s, &e), 0);
	assert_null(s);
	assert_int_equal(json_opt_str(v, "gone", &s, &e), 0);
	assert_null(s);
	expect_proto(json_opt_str(v, "i", &s, &e), &e, "member \"i\" is a number, a string is needed");
	assert_int_equal(json_opt_bool(v, "b", false, &b, &e), 0);
	assert_true(b);
	assert_int_equal(json_opt_bool(v, "n", false, &b, &e), 0);
	assert_false(b);
	assert_int_equal(json_opt_bool(v, "gone", true, &b, &e), 0);
	assert_true(b);
	expect_proto(json_opt_bool(v, "s", false, &b, &e), &e, "member \"s\" is a string, a boolean is needed");
	assert_int_equal(json_opt_int(v, "i", 9, &i, &e), 0);
	assert_int_equal(i, 5);
	assert_int_equal(json_opt_int(v, "gone", 9, &i, &e), 0);
	assert_int_equal(i, 9);
	expect_proto(json_opt_int(v, "r", 3, &i, &e), &e, "member \"r\" is a number, an integer is needed");
	assert_int_equal(i, 9);
	assert_int_equal(json_opt_strv(v, "gone", 2, &list, &e), 0);
	assert_int_equal(json_opt_strv(v, "a", 2, &list, &e), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[1], "q");
	expect_proto(
		json_opt_strv(v, "m", 2, &list, &e), &e, "member \"m\": element 2 is a number, a string is needed");
	expect_proto(json_opt_strv(v, "a", 1, &list, &e), &e, "member \"a\" has 2 elements, at most 1 are accepted");
	expect_proto(
		json_opt_strv(v, "s", 1, &list, &e), &e, "member \"s\" is a string, an array of strings is needed");
	assert_int_equal(list.n, 2);
	strv_done(&list);
	json_free(v);
}

static void test_write(void **state)
{
	(void)state;
	struct buf b = buf_make(1000);
	struct json_out w = json_out_make(&b);
	struct strv list = {0};
	strv_add(&list, "one");
	strv_add(&list, "two");
	json_out_object(&w, NULL);
	json_out_str(&w, "s", "x");
	json_out_str(&w, "none", NULL);
	json_out_int(&w, "min", INT64_MIN);
	json_out_int(&w, "zero", 0);
	json_out_real(&w, "r", 1.25, 1);
	json_out_real(&w, "inf", INFINITY, 1);
	json_out_bool(&w, "t", true);
	json_out_array(&w, "a");
	json_out_int(&w, NULL, 10);
	json_out_object(&w, NULL);
	json_out_end_object(&w);
	json_out_null(&w, NULL);
	json_out_end_array(&w);
	json_out_strv(&w, "l", &list);
	json_out_raw(&w, "raw", "{\"k\":[1]}");
	json_out_bool(&w, "f\"", false);
	json_out_end_object(&w);
	assert_string_equal(buf_str(&b), "{\"s\":\"x\",\"none\":null,\"min\":-9223372036854775808,\"zero\":0,\"r\":1.2,"
					 "\"inf\":null,\"t\":true,\"a\":[10,{},null],\"l\":[\"one\",\"two\"],"
					 "\"raw\":{\"k\":[1]},\"f\\\"\":false}");
	json_free(parse(buf_str(&b)));
	strv_done(&list);
	buf_done(&b);
}

static void test_write_strings(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = {
		{"", 0, "\"\""}, {"plain", 5, "\"plain\""}, {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
		{"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""}, {"\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\""},
		{"\xc2\x9b", 2, "\"\\u009b\""}, {"\xc2\xa0\xc3\xa9", 4, "\"\xc2\xa0\xc3\xa9\""},
		{"\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\"\xe2\x82\xac\xf0\x9f\x98\x80\""},
		{"a\x80z", 3, "\"a\xef\xbf\xbdz\""}, {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong */
		{"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
		{"\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* above U+10FFFF */
		{"\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut off */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_make(100);
		struct json_out w = json_out_make(&b);
		/* An exact copy: a read past the end would be seen by AddressSanitizer. */
		char *exact = xmemdup(cases[i].in, cases[i].n);
		json_out_strn(&w, NULL, exact, cases[i].n);
		assert_string_equal(buf_str(&b), cases[i].out);
		free(exact);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_need),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
