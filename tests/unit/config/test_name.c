/* test_name.c: normalising domain names, and what public suffixes mean for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/name.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
/* 3 * 64 + 37 + 4 = 233 octets */
#define N233 L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijk.com"

static const struct {
	const char *in;
	const char *out;
} good[] = {
	{"example.com", "example.com"},
	{"EXAMPLE.Com.", "example.com"},
	{"*.Example.com", "*.example.com"},
	{"*.example.com.", "*.example.com"},
	{"a-b.1and1.example", "a-b.1and1.example"},
	{"7.example.com", "7.example.com"},
	{"foo.bench.test", "foo.bench.test"},
	{"host.corp.internal", "host.corp.internal"},
	{"bücher.example", "xn--bcher-kva.example"},
	{"BÜCHER.example", "xn--bcher-kva.example"},
	{"bu\xcc\x88"
	 "cher.example",
		"xn--bcher-kva.example"}, /* u and combining diaeresis */
	{"*.bücher.example", "*.xn--bcher-kva.example"},
	{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
	{"straße.example", "xn--strae-oqa.example"}, /* not "strasse": non-transitional */
	{"faß.de", "xn--fa-hia.de"},
	{"例え。テスト", "xn--r8jz45g.xn--zckzah"}, /* ideographic full stop */
	{"пример.рф", "xn--e1afmkfd.xn--p1ai"},
	{N233, N233},
	{"*." N233, "*." N233},
	{L63 ".example", L63 ".example"},
};

static void good_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		char *out = NULL;
		if (name_normalize(good[i].in, &out, &e))
			fail_msg("%s: %s", good[i].in, e.msg);
		assert_string_equal(out, good[i].out);
		char *again = NULL;
		assert_int_equal(name_normalize(out, &again, &e), 0);
		assert_string_equal(again, out);
		free(again);
		free(out);
	}
}

static const struct {
	const char *in;
	const char *why;
} bad[] = {
	{"", "empty"}, {".", "empty label"}, {"..", "empty label"}, {"*", "whole first label"}, {"*.", "empty label"},
	{".example.com", "empty label"}, {"a..example.com", "empty label"}, {"example.com..", "empty label"},
	{"*.*.example.com", "whole first label"}, {"a.*.example.com", "whole first label"},
	{"a*.example.com", "whole first label"}, {"**.example.com", "whole first label"}, {"192.0.2.1", "IP address"},
	{"2001:db8::1", "IP address"}, {"[2001:db8::1]", "IP address"}, {"fe80::1%eth0", "IP address"},
	{"192.0.2.0/24", "IP address"}, {"1.2.3", "last label is a number"},
	{"example.com.7", "last label is a number"}, {"com", "public suffix"}, {"*.com", "public suffix"},
	{"localhost", "one label"}, {"*.internal", "one label"}, {"_acme.example.com", "'_'"},
	{"ex ample.com", "octet 0x20"}, {"example.com\t", "octet 0x09"}, {"example.com/path", "'/'"},
	{"https://example.com", "':'"}, {"user@example.com", "'@'"}, {"-a.example.com", "'-'"},
	{"a-.example.com", "'-'"}, {"r3---sn.example.com", "xn--"}, {L63 "x.example.com", "64 octets"},
	{"a" N233, "64 octets"}, {"bücher.xn--bcher-kva.example", "mixes"}, {"*.xn--bcher-kva.bücher.example", "mixes"},
	{"xn--.example", "ends with '-'"}, {"xn--a.example", "IDN"}, {"xn--bcher-kvb-.example", "'-'"},
	{"xn--example-.com", "'-'"}, {"xn--ls8h.example", "IDN"}, {"\xe2\x98\x83.example", "domain name"}, /* snowman */
	{"a\xe2\x80\x8d"
	 "b.example",
		"domain name"}, /* zero width joiner */
	{"\xef\xbc\x8a.example", "domain name"}, /* full-width asterisk */
	{"\xff\xfe.example", "domain name"}, {"b\xc3.example", "domain name"},
	{"\xe2\x80\xae"
	 "com.example",
		"domain name"}, /* right-to-left override */
};

static void bad_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		char *out = NULL;
		if (!name_normalize(bad[i].in, &out, &e))
			fail_msg("%s was taken for %s", bad[i].in, out);
		assert_null(out);
		assert_int_equal(e.kind, ERR_CONFIG);
		if (!strstr(e.msg, bad[i].why))
			fail_msg("%s: '%s' does not say '%s'", bad[i].in, e.msg, bad[i].why);
		if (!*e.hint)
			fail_msg("%s: no next step", bad[i].in);
		err_done(&e);
	}
}

static void length_limit(void **state)
{
	(void)state;
	struct err e = {0};
	char *out = NULL;
	assert_int_equal(strlen(N233), 233);
	assert_int_equal(
		name_normalize("a." L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghij.com", &out, &e), -1);
	assert_non_null(strstr(e.msg, "234 octets"));
	assert_non_null(strstr(e.hint, "validation record"));
	err_done(&e);
	char many[5000];
	memset(many, 'a', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(name_normalize(many, &out, &e), -1);
	assert_non_null(strstr(e.msg, "too long"));
	err_done(&e);
}

static const struct {
	const char *name;
	enum name_suffix suffix;
} suffixes[] = {
	{"co.uk", NAME_SUFFIX_ICANN},
	{"*.co.uk", NAME_SUFFIX_ICANN},
	{"*.anything.ck", NAME_SUFFIX_ICANN}, /* *.ck */
	{"www.ck", NAME_SUFFIX_NONE}, /* !www.ck */
	{"*.example.co.uk", NAME_SUFFIX_NONE},
	{"github.io", NAME_SUFFIX_PRIVATE},
	{"*.github.io", NAME_SUFFIX_PRIVATE},
	{"*.me.github.io", NAME_SUFFIX_NONE},
	{"*.bench.test", NAME_SUFFIX_NONE},
	{"*.xn--55qx5d.cn", NAME_SUFFIX_ICANN},
	{"example.com", NAME_SUFFIX_NONE},
};

static void public_suffixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (name_public_suffix(suffixes[i].name) != suffixes[i].suffix)
			fail_msg("%s: %d", suffixes[i].name, (int)name_public_suffix(suffixes[i].name));
}

static void for_certificates(void **state)
{
	(void)state;
	static const char *const refused[] = {"co.uk", "*.co.uk", "*.anything.ck", "*.公司.cn", "192.0.2.1"};
	enum name_suffix suffix = NAME_SUFFIX_NONE;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err e = {0};
		char *out = NULL;
		assert_int_equal(name_for_certificate(refused[i], &out, &suffix, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, refused[i]));
		err_done(&e);
	}
	struct err e = {0};
	char *out = NULL;
	assert_int_equal(name_for_certificate("*.GitHub.io", &out, &suffix, &e), 0);
	assert_string_equal(out, "*.github.io");
	assert_int_equal(suffix, NAME_SUFFIX_PRIVATE);
	free(out);
	assert_int_equal(name_for_certificate("bench.test", &out, &suffix, &e), 0);
	assert_int_equal(suffix, NAME_SUFFIX_NONE);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(length_limit),
		cmocka_unit_test(public_suffixes),
		cmocka_unit_test(for_certificates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
