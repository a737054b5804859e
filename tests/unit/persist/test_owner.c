/* test_owner.c: domain names as people write them, and owner names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/persist.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define N192 L63 "." L63 "." L63 "."
#define N40 "dddddddddddddddddddddddddddddddddddddddd"

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *fqdn; /* NULL: status tells */
		bool wildcard;
		enum perdure_status status;
	} cases[] = {
		{"example.com", "example.com", false, PERDURE_OK},
		{"EXAMPLE.Com.", "example.com", false, PERDURE_OK},
		{"*.Example.com", "example.com", true, PERDURE_OK},
		{"*.example.com.", "example.com", true, PERDURE_OK},
		{"intranet", "intranet", false, PERDURE_OK},
		{"a-b.c--d.example", "a-b.c--d.example", false, PERDURE_OK},
		{"1.example", "1.example", false, PERDURE_OK},
		{"4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa", false, PERDURE_OK},
		{"bücher.de", "xn--bcher-kva.de", false, PERDURE_OK},
		{"*.BÜCHER.de", "xn--bcher-kva.de", true, PERDURE_OK},
		{"bu\xCC\x88"
		 "cher.de",
			"xn--bcher-kva.de", false, PERDURE_OK},
		{"XN--BCHER-KVA.de", "xn--bcher-kva.de", false, PERDURE_OK},
		{"bücher.xn--bcher-kva.de", "xn--bcher-kva.xn--bcher-kva.de", false, PERDURE_OK},
		{"straße.de", "xn--strae-oqa.de", false, PERDURE_OK},
		{"例え。テスト", "xn--r8jz45g.xn--zckzah", false, PERDURE_OK},
		{"ünicode-example.com", "xn--nicode-example-fsb.com", false, PERDURE_OK},
		{"üÑICODE-example.com.", "xn--icode-example-hkb8n.com", false, PERDURE_OK},
		{L63 ".example", L63 ".example", false, PERDURE_OK},
		{"", NULL, false, PERDURE_ENAMEEMPTY},
		{".", NULL, false, PERDURE_ENAMEEMPTY},
		{".example.com", NULL, false, PERDURE_ENAMEEMPTY},
		{"a..b", NULL, false, PERDURE_ENAMEEMPTY},
		{"example.com..", NULL, false, PERDURE_ENAMEEMPTY},
		{"*", NULL, false, PERDURE_ENAMEWILD},
		{"*.", NULL, false, PERDURE_ENAMEWILD},
		{"*.*.example.com", NULL, false, PERDURE_ENAMEWILD},
		{"a.*.example.com", NULL, false, PERDURE_ENAMEWILD},
		{"a*.example.com", NULL, false, PERDURE_ENAMEWILD},
		{"**.example.com", NULL, false, PERDURE_ENAMEWILD},
		{"a_b.example", NULL, false, PERDURE_ENAMECHAR},
		{"_acme-challenge.example.com", NULL, false, PERDURE_ENAMECHAR},
		{"-a.example", NULL, false, PERDURE_ENAMECHAR},
		{"a-.example", NULL, false, PERDURE_ENAMECHAR},
		{"a.example-", NULL, false, PERDURE_ENAMECHAR},
		{"a b.example", NULL, false, PERDURE_ENAMECHAR},
		{" example.com", NULL, false, PERDURE_ENAMECHAR},
		{"a/b.example", NULL, false, PERDURE_ENAMECHAR},
		{"a\\046b.example", NULL, false, PERDURE_ENAMECHAR},
		{"a" L63 ".example", NULL, false, PERDURE_ENAMELABEL},
		{"192.0.2.1", NULL, false, PERDURE_ENAMEIP},
		{"*.192.0.2.1", NULL, false, PERDURE_ENAMEIP},
		{"127.1", NULL, false, PERDURE_ENAMEIP},
		{"2130706433", NULL, false, PERDURE_ENAMEIP},
		{"2001:db8::1", NULL, false, PERDURE_ENAMEIP},
		{"[2001:db8::1]", NULL, false, PERDURE_ENAMEIP},
		{"::", NULL, false, PERDURE_ENAMEIP},
		{"\xFF\xFE.example", NULL, false, PERDURE_ENAMEIDN},
		{"xn--ber-ska.example", NULL, false, PERDURE_ENAMEIDN}, /* an upper-case U with umlaut */
		{"xn--.example", NULL, false, PERDURE_ENAMEIDN},
		{"xn--a.example", NULL, false, PERDURE_ENAMEIDN},
		{"☕.example", NULL, false, PERDURE_ENAMEIDN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char fqdn[PERDURE_NAME_SIZE] = "untouched", owner[PERDURE_NAME_SIZE], want[PERDURE_NAME_SIZE + 32];
		bool wildcard = false;
		enum perdure_status s = perdure_name_normalize(cases[i].name, fqdn, &wildcard);
		if (s != cases[i].status)
			print_message("%s: %s\n", cases[i].name, perdure_strerror(s));
		assert_int_equal(s, cases[i].status);
		assert_string_equal(fqdn, cases[i].fqdn ? cases[i].fqdn : "untouched");
		assert_int_equal(wildcard, cases[i].wildcard);
		assert_int_equal(perdure_owner_name(cases[i].name, owner), cases[i].status);
		if (cases[i].fqdn) {
			snprintf(want, sizeof(want), "_validation-persist.%s", cases[i].fqdn);
			assert_string_equal(owner, want);
		}
	}
	assert_int_equal(perdure_name_normalize(NULL, (char[PERDURE_NAME_SIZE]){0}, NULL), PERDURE_ENAMEEMPTY);
}

static void test_lengths(void **state)
{
	(void)state;
	char out[PERDURE_NAME_SIZE];
	/* 233 octets can carry a record, 234 cannot; 253 is a name, 254 is none. */
	assert_int_equal(perdure_owner_name(N192 N40 "d", out), PERDURE_OK);
	assert_int_equal(strlen(out), 253);
	assert_int_equal(perdure_owner_name("*." N192 N40 "d.", out), PERDURE_OK);
	assert_int_equal(perdure_owner_name(N192 N40 "dd", out), PERDURE_ENAMELONG);
	assert_int_equal(perdure_name_normalize(N192 N40 "ddddddddddddddddddddd", out, NULL), PERDURE_OK);
	assert_int_equal(perdure_name_normalize(N192 N40 "dddddddddddddddddddddd", out, NULL), PERDURE_ENAMELONG);
	assert_int_equal(perdure_name_normalize(N192 N192 N192 "x", out, NULL), PERDURE_ENAMELONG);
}

static void test_issuers(void **state)
{
	(void)state;
	assert_true(perdure_issuer_ok("pki.goog"));
	assert_true(perdure_issuer_ok("xn--bcher-kva.de"));
	assert_true(perdure_issuer_ok(N192 N40 "ddddddddddddddddddddd"));
	static const char *const bad[] = {"", "Pki.goog", "pki.goog.", ".goog", "a..b", "-a.b", "a-.b", "a_b.c",
		"bücher.de", "a b", "a;b", ("a" L63 ".b"), (N192 N40 "dddddddddddddddddddddd")};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(perdure_issuer_ok(bad[i]));
	assert_false(perdure_issuer_ok(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_issuers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
