/* test_codec.c: base64url, base64 and hexadecimal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"

static void test_vectors(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		size_t n;
		const char *url, *std, *hex;
	} cases[] = {
		{"", 0, "", "", ""},
		{"f", 1, "Zg", "Zg==", "66"},
		{"fo", 2, "Zm8", "Zm8=", "666f"},
		{"foo", 3, "Zm9v", "Zm9v", "666f6f"},
		{"foob", 4, "Zm9vYg", "Zm9vYg==", "666f6f62"},
		{"fooba", 5, "Zm9vYmE", "Zm9vYmE=", "666f6f6261"},
		{"foobar", 6, "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
		{"\xfb\xff\xfe", 3, "-__-", "+//+", "fbfffe"},
		{"\0\0", 2, "AAA", "AAA=", "0000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_make(100);
		struct err e = {0};
		codec_b64(&b, cases[i].raw, cases[i].n);
		assert_string_equal(buf_str(&b), cases[i].std);
		buf_clear(&b);
		codec_hex(&b, cases[i].raw, cases[i].n);
		assert_string_equal(buf_str(&b), cases[i].hex);
		buf_clear(&b);
		codec_b64url(&b, cases[i].raw, cases[i].n);
		assert_string_equal(buf_str(&b), cases[i].url);
		AUTO(xfreep) char *s = codec_b64url_str(cases[i].raw, cases[i].n);
		assert_string_equal(s, cases[i].url);
		buf_clear(&b);
		buf_puts(&b, "+");
		assert_int_equal(codec_b64url_decode(&b, s, strlen(s), &e), 0);
		assert_int_equal(b.n, cases[i].n + 1);
		assert_memory_equal(b.p + 1, cases[i].raw, cases[i].n);
		buf_done(&b);
	}
}

/* What one decoder reads and another does not is how a signature gets a second meaning. */
static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{"A", 1},
		{"AAAAA", 5},
		{"AAAAAAAAA", 9},
		{"Zg==", 4},
		{"Zm8=", 4},
		{"Zg=", 3},
		{"=", 1},
		{"====", 4},
		{"+//+", 4},
		{"Zm9v\n", 5},
		{"Zm9v\n\n", 6},
		{" Zm9", 4},
		{"Zm 9", 4},
		{"Zm\0v", 4},
		{"Zm\xc3\xa9", 4},
		{"Zm.v", 4},
		/* stray bits: 4 unused ones after one octet, 2 after two */
		{"Zh", 2},
		{"Zv", 2},
		{"Zo", 2},
		{"Zm9", 3},
		{"Zm-", 3},
		{"Zm9vZh", 6},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_make(100);
		struct err e = {0};
		assert_int_equal(codec_b64url_decode(&b, cases[i].text, cases[i].n, &e), -1);
		assert_int_equal(e.kind, ERR_PARSE);
		buf_done(&b);
	}
}

static void test_limit(void **state)
{
	(void)state;
	struct buf b = buf_make(2);
	struct err e = {0};
	assert_int_equal(codec_b64url_decode(&b, "Zm9v", 4, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_done(&b);
}

/* All lengths up to some, and every octet, there and back. */
static void test_round_trip(void **state)
{
	(void)state;
	uint8_t raw[256];
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		struct buf b = buf_make(1000);
		struct err e = {0};
		AUTO(xfreep) char *s = codec_b64url_str(raw, n);
		assert_int_equal(strlen(s), (n * 4 + 2) / 3);
		assert_int_equal(codec_b64url_decode(&b, s, strlen(s), &e), 0);
		assert_int_equal(b.n, n);
		if (n)
			assert_memory_equal(b.p, raw, n);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
