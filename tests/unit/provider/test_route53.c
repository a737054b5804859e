/* test_route53.c: the octal escapes of Route 53. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "provider/route53.h"

static void octal_and_decimal(void **state)
{
	static const struct {
		const char *octal, *decimal;
	} table[] = {
		{"\"plain\"", "\"plain\""},
		{"\"caf\\303\\251\"", "\"caf\\195\\169\""},
		{"\"\\000\\377\"", "\"\\000\\255\""},
		{"\"\\\"x\\\" \\\\\"", "\"\\\"x\\\" \\\\\""},
		{"\"\\\\303\"", "\"\\\\303\""},
		{"\"a\" \"b\"", "\"a\" \"b\""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(buf_done) struct buf there = buf_make(1000), back = buf_make(1000);
		route53_from_octal(table[i].octal, &there);
		assert_string_equal(buf_str(&there), table[i].decimal);
		route53_to_octal(table[i].decimal, &back);
		assert_string_equal(buf_str(&back), table[i].octal);
	}
}

static void names(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{"Example.COM.", "example.com"},
		{"\\052.example.com.", "*.example.com"},
		{"_validation-persist.example.com", "_validation-persist.example.com"},
		{"a\\056b.example.com.", "a\\046b.example.com"},
		{"\\303\\251.example.com.", "\\195\\169.example.com"},
		{".", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(buf_done) struct buf b = buf_make(1000);
		route53_name(table[i].in, &b);
		assert_string_equal(buf_str(&b), table[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octal_and_decimal),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
