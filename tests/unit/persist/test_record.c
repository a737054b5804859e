/* test_record.c: reading, writing and comparing records; character-strings; that writing and reading are inverse. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/persist.h"

static struct perdure_text text(const char *s)
{
	return (struct perdure_text){.p = s, .n = strlen(s)};
}

static void assert_text(struct perdure_text t, const char *s)
{
	assert_int_equal(t.n, strlen(s));
	assert_memory_equal(t.p, s, t.n);
}

static void test_read(void **state)
{
	(void)state;
	struct perdure_record r;
	const char *s = " ca.example ; x=1; POLICY = WildCard ;PersistUntil=00042; AccountURI=https://x/?a=b";
	assert_int_equal(perdure_record_read(s, strlen(s), &r, NULL, NULL), PERDURE_OK);
	assert_text(r.issuer, "ca.example");
	assert_text(r.account_uri, "https://x/?a=b");
	assert_true(r.wildcard);
	assert_true(r.has_until);
	assert_int_equal(r.until, 42);
}

static void test_read_faults(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum perdure_fault fault;
		size_t at;
	} cases[] = {
		{"", PERDURE_FAULT_NO_ISSUER, 0},
		{";accounturi=u", PERDURE_FAULT_NO_ISSUER, 0},
		{"ca.;accounturi=u", PERDURE_FAULT_ISSUER, 2},
		{"ca", PERDURE_FAULT_NO_ACCOUNT, 2},
		{"ca;accounturi=", PERDURE_FAULT_NO_ACCOUNT, 14},
		{"ca;accounturi=u;ACCOUNTURI=u", PERDURE_FAULT_DUPLICATE, 16},
		{"ca;accounturi=u;policy=a;Policy=b", PERDURE_FAULT_DUPLICATE, 25},
		{"ca;accounturi=u;persistUntil=1;persistuntil=1", PERDURE_FAULT_DUPLICATE, 31},
		{"ca;accounturi=u;persistUntil=", PERDURE_FAULT_UNTIL, 29},
		{"ca;accounturi=u;persistUntil=+1", PERDURE_FAULT_UNTIL, 29},
		{"ca;accounturi=u;persistUntil=-", PERDURE_FAULT_UNTIL, 29},
		{"ca;accounturi=u;persistUntil=1x", PERDURE_FAULT_UNTIL, 29},
		{"ca;accounturi=u;persistUntil=0x1", PERDURE_FAULT_UNTIL, 29},
		{"ca;accounturi=u;", PERDURE_FAULT_EMPTY, 15},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perdure_record r;
		enum perdure_fault fault = PERDURE_FAULT_NONE;
		size_t at = 999;
		assert_int_equal(perdure_record_read(cases[i].value, strlen(cases[i].value), &r, &fault, &at),
			PERDURE_EMALFORMED);
		assert_int_equal(fault, cases[i].fault);
		assert_int_equal(at, cases[i].at);
	}
}

static void test_until_saturates(void **state)
{
	(void)state;
	static const struct {
		const char *digits;
		int64_t until;
	} cases[] = {
		{"0", 0},
		{"-1", -1},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775808", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
		{"-9223372036854775809", INT64_MIN},
		{"99999999999999999999999999999999999999", INT64_MAX},
		{"18446744073709551616", INT64_MAX},
		{"-18446744073709551616", INT64_MIN},
		{"000000000000000000000000000000000007", 7},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char s[128];
		struct perdure_record r;
		snprintf(s, sizeof(s), "ca;accounturi=u;persistUntil=%s", cases[i].digits);
		assert_int_equal(perdure_record_read(s, strlen(s), &r, NULL, NULL), PERDURE_OK);
		assert_true(r.has_until);
		assert_true(r.until == cases[i].until);
	}
}

static void test_format(void **state)
{
	(void)state;
	char *v;
	struct perdure_record r = {.issuer = text("ca.example"), .account_uri = text("https://ca.example/1")};
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_OK);
	assert_string_equal(v, "ca.example;accounturi=https://ca.example/1");
	perdure_free(v);
	r.wildcard = r.has_until = true;
	r.until = PERDURE_UNTIL_MAX;
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_OK);
	assert_string_equal(v, "ca.example;accounturi=https://ca.example/1;policy=wildcard;persistUntil=253402300799");
	perdure_free(v);
	r.until++;
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_ELIMIT);
	r.until = -1;
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_ELIMIT);
	r.has_until = false;
	r.issuer = text("CA.example");
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_EISSUER);
	r.issuer = text("ca.example.");
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_EISSUER);
	r.issuer = text("ca.example");
	static const char *const bad_uris[] = {"", "a b", "a;b", "a\tb", "\xC3\xBC", "a\x7F"};
	for (size_t i = 0; i < sizeof(bad_uris) / sizeof(bad_uris[0]); i++) {
		r.account_uri = text(bad_uris[i]);
		assert_int_equal(perdure_record_format(&r, &v), PERDURE_EURI);
	}
	char *huge = malloc(70000);
	memset(huge, 'u', 70000);
	r.account_uri = (struct perdure_text){.p = huge, .n = 65400};
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_ELIMIT);
	r.account_uri.n = 65000;
	assert_int_equal(perdure_record_format(&r, &v), PERDURE_OK);
	perdure_free(v);
	free(huge);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_record(uint64_t *seed, char issuer[64], char uri[128], struct perdure_record *r)
{
	static const char ldh[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = 0, labels = 1 + next(seed) % 4;
	for (size_t l = 0; l < labels; l++) {
		if (l)
			issuer[n++] = '.';
		for (size_t k = 1 + next(seed) % 9; k; k--)
			issuer[n++] = ldh[next(seed) % (sizeof(ldh) - 1)];
		if (next(seed) % 3 == 0) {
			issuer[n++] = '-';
			issuer[n++] = ldh[next(seed) % (sizeof(ldh) - 1)];
		}
	}
	size_t m = 1 + next(seed) % 127;
	for (size_t i = 0; i < m; i++) {
		char c = (char)(0x21 + next(seed) % (0x7F - 0x21));
		uri[i] = c == ';' ? '/' : c;
	}
	*r = (struct perdure_record){.issuer = {issuer, n},
		.account_uri = {uri, m},
		.wildcard = next(seed) % 2,
		.has_until = next(seed) % 2};
	if (r->has_until)
		r->until = (int64_t)(next(seed) % (uint64_t)(PERDURE_UNTIL_MAX + 1));
}

/* format∘parse is the identity on canonical records, and parse∘format on what they mean. */
static void test_round_trip(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252u;
	for (int i = 0; i < 20000; i++) {
		char issuer[64], uri[128], *value, *again;
		struct perdure_record r, back;
		random_record(&seed, issuer, uri, &r);
		assert_int_equal(perdure_record_format(&r, &value), PERDURE_OK);
		assert_int_equal(perdure_record_read(value, strlen(value), &back, NULL, NULL), PERDURE_OK);
		assert_true(perdure_record_equal(&r, &back));
		assert_int_equal(perdure_record_format(&back, &again), PERDURE_OK);
		assert_string_equal(value, again);
		struct perdure_issuevalue v;
		assert_int_equal(perdure_issuevalue_parse(value, strlen(value), &v), PERDURE_OK);
		assert_int_equal(v.n_params, 1 + r.wildcard + r.has_until);
		perdure_issuevalue_done(&v);
		perdure_free(value);
		perdure_free(again);
	}
}

static void test_compare(void **state)
{
	(void)state;
	static const char wild[] = "ca.example;accounturi=U;policy=wildcard";
	static const struct {
		const char *have, *want;
		bool equal, covers;
	} cases[] = {
		{wild, "ca.example; Policy=WILDCARD ;accounturi=U", true, true},
		{wild, "ca.example;accounturi=U", false, true},
		{"ca.example;accounturi=U", wild, false, false},
		{"ca.example;accounturi=u", "ca.example;accounturi=U", false, false},
		{"ca.example;accounturi=U", "CA.example;accounturi=U", false, false},
		{"ca.example;accounturi=U;policy=other", "ca.example;accounturi=U;foo=1", true, true},
		{"ca.example;accounturi=U;persistUntil=9", "ca.example;accounturi=U;persistUntil=8", false, true},
		{"ca.example;accounturi=U;persistUntil=8", "ca.example;accounturi=U;persistUntil=9", false, false},
		{"ca.example;accounturi=U;persistUntil=8", "ca.example;accounturi=U;persistUntil=008", true, true},
		{"ca.example;accounturi=U", "ca.example;accounturi=U;persistUntil=9", false, true},
		{"ca.example;accounturi=U;persistUntil=9", "ca.example;accounturi=U", false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perdure_record a, b;
		assert_int_equal(perdure_record_read(cases[i].have, strlen(cases[i].have), &a, NULL, NULL), PERDURE_OK);
		assert_int_equal(perdure_record_read(cases[i].want, strlen(cases[i].want), &b, NULL, NULL), PERDURE_OK);
		assert_int_equal(perdure_record_equal(&a, &b), cases[i].equal);
		assert_int_equal(perdure_record_equal(&b, &a), cases[i].equal);
		assert_int_equal(perdure_record_covers(&a, &b), cases[i].covers);
	}
}

static void test_cut_and_join(void **state)
{
	(void)state;
	static const struct {
		size_t len, count, last;
	} cases[] = {{0, 1, 0}, {1, 1, 1}, {255, 1, 255}, {256, 2, 1}, {510, 2, 255}, {511, 3, 1}, {65279, 256, 254}};
	char *p = malloc(65536);
	for (size_t i = 0; i < 65536; i++)
		p[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = perdure_txt_count(cases[i].len), len;
		struct perdure_text pieces[256];
		char *joined;
		assert_int_equal(n, cases[i].count);
		for (size_t k = 0; k < n; k++) {
			pieces[k] = perdure_txt_piece(p, cases[i].len, k);
			assert_int_equal(pieces[k].n, k + 1 < n ? 255 : cases[i].last);
		}
		assert_int_equal(perdure_txt_piece(p, cases[i].len, n).n, 0);
		assert_int_equal(perdure_txt_join(pieces, n, &joined, &len), PERDURE_OK);
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(joined, p, len);
		assert_int_equal(joined[len], '\0');
		perdure_free(joined);
	}
	struct perdure_text two[] = {{p, 65535}, {p, 1}};
	size_t len;
	char *joined;
	assert_int_equal(perdure_txt_join(two, 2, &joined, &len), PERDURE_ELIMIT);
	assert_int_equal(perdure_txt_join(two, 0, &joined, &len), PERDURE_OK);
	assert_int_equal(len, 0);
	perdure_free(joined);
	free(p);
}

static void test_present(void **state)
{
	(void)state;
	static const struct {
		const char *octets;
		size_t n;
		const char *text;
	} cases[] = {
		{"", 0, "\"\""},
		{"a b;c", 5, "\"a b;c\""},
		{"\"\\", 2, "\"\\\"\\\\\""},
		{"\t\0\x7F\xFC~", 5, "\"\\009\\000\\127\\252~\""},
	};
	char *s;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(perdure_txt_present(cases[i].octets, cases[i].n, &s), PERDURE_OK);
		assert_string_equal(s, cases[i].text);
		perdure_free(s);
	}
	char many[300];
	memset(many, 'x', sizeof(many));
	assert_int_equal(perdure_txt_present(many, sizeof(many), &s), PERDURE_OK);
	assert_int_equal(strlen(s), 300 + 5);
	assert_memory_equal(s + 255, "x\" \"x", 5);
	perdure_free(s);
	char *huge = calloc(1, 65536);
	assert_int_equal(perdure_txt_present(huge, 65279, &s), PERDURE_OK);
	perdure_free(s);
	assert_int_equal(perdure_txt_present(huge, 65280, &s), PERDURE_ELIMIT);
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_faults),
		cmocka_unit_test(test_until_saturates),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_cut_and_join),
		cmocka_unit_test(test_present),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
