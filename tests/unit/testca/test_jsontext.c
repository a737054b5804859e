/* test_jsontext.c: members found and changed in JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "testca/jsontext.h"

static void test_find(void **state)
{
	static const struct {
		const char *text, *member, *value; /* NULL: not there */
	} rows[] = {
		{"{\"a\":1}", "a", "1"},
		{"{\"a\":1,\"b\":[1,{\"c\":\"]\"}],\"d\":2}", "b", "[1,{\"c\":\"]\"}]"},
		{"{\"a\":{\"b\":\"x,}\"}}", "b", "\"x,}\""},
		{"{\"a\":\"b\",\"b\":\"a\"}", "b", "\"a\""},
		{"{\"a\":\"\\\"b\\\":1\",\"b\":2}", "b", "2"},
		{"{ \"a\" : true , \"b\" : null }", "a", "true "},
		{"{\"jwk\":{\"kty\":\"EC\"}}", "jwk", "{\"kty\":\"EC\"}"},
		{"{\"ab\":1}", "a", NULL},
		{"[\"a\"]", "a", NULL},
		{"{\"a", "a", NULL},
		{"", "a", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t at, value, end;
		int rc = jsontext_find(rows[i].text, strlen(rows[i].text), 0, rows[i].member, &at, &value, &end);
		assert_int_equal(rc, rows[i].value ? 0 : -1);
		if (rc)
			continue;
		assert_int_equal(end - value, strlen(rows[i].value));
		assert_memory_equal(rows[i].text + value, rows[i].value, end - value);
	}
}

/* Whatever the text is, nothing is read behind it: run under the sanitizers. */
static void test_every_prefix(void **state)
{
	static const char text[] = "{\"a\":{\"b\":[\"x\\\"\",{}],\"c\":1},\"b\":\"\\\\\"}";
	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		AUTO(xfreep) char *copy = xmemdup(text, n ? n : 1);
		size_t at, value, end = 0, from = 0;
		while (!jsontext_find(copy, n, from, "b", &at, &value, &end)) {
			assert_true(at < value && value <= end && end <= n && end > from);
			from = end;
		}
	}
}

static void test_set(void **state)
{
	static const struct {
		const char *text, *member, *value, *want;
	} rows[] = {
		{"{\"a\":1,\"b\":2}", "a", "[3]", "{\"a\":[3],\"b\":2}"},
		{"{\"a\":1,\"b\":2}", "a", NULL, "{\"b\":2}"},
		{"{\"a\":1,\"b\":2}", "b", NULL, "{\"a\":1}"},
		{"{\"a\":1}", "a", NULL, "{}"},
		{"[{\"a\":1},{\"a\":2}]", "a", "0", "[{\"a\":0},{\"a\":0}]"},
		{"[{\"x\":1,\"a\":1},{\"a\":2,\"x\":1}]", "a", NULL, "[{\"x\":1},{\"x\":1}]"},
		{"{\"a\":1}", "b", "2", "{\"a\":1}"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_done) struct buf b = buf_make(1000);
		buf_puts(&b, rows[i].text);
		jsontext_set(&b, rows[i].member, rows[i].value);
		assert_string_equal(buf_str(&b), rows[i].want);
		assert_int_equal(b.n, strlen(rows[i].want));
	}
}

static void test_replace(void **state)
{
	AUTO(buf_done) struct buf b = buf_make(1000);
	(void)state;
	jsontext_replace(&b, "a", "b");
	assert_int_equal(b.n, 0);
	buf_puts(&b, "https://a/x https://a https://b");
	jsontext_replace(&b, "https://a", "http://longer");
	assert_string_equal(buf_str(&b), "http://longer/x http://longer https://b");
	jsontext_replace(&b, "absent", "x");
	assert_string_equal(buf_str(&b), "http://longer/x http://longer https://b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_replace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
