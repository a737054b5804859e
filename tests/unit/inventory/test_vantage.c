/* test_vantage.c: the quorum of several points of view, and who sees what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "inventory/vantage.h"

enum { PLACES_MAX = 12 };

/*
 * Points of view from letters: a and b see a record of account A or B that is good, r one that is refused, - nothing.
 */
static void places(const char *letters, struct vantage v[static PLACES_MAX])
{
	for (size_t i = 0; letters[i]; i++) {
		char c = letters[i];
		v[i] = (struct vantage){.where = "somewhere",
			.result = c == '-'   ? VANTAGE_SILENT
				  : c == 'r' ? VANTAGE_REFUSED
					     : VANTAGE_VALID,
			.account = c == 'a'   ? "https://ca.test/acct/a"
				   : c == 'b' ? "https://ca.test/acct/b"
					      : NULL,
			.answer = c == 'a'   ? "a"
				  : c == 'b' ? "b"
				  : c == 'r' ? "other"
					     : ""};
	}
}

static const int64_t a_time = 1800000000; /* in 2027: five are required */

static void test_quorum(void **state)
{
	static const struct {
		const char *primary, *remote;
		bool corroborated;
		size_t agree, allowed;
		const char *words;
	} cases[] = {
		{"a", "aa", true, 2, 1, "2 of 2"},
		{"a", "ar", true, 1, 1, "1 of 2"},
		{"a", "rr", false, 0, 1, "0 of 2"},
		{"a", "a--", false, 1, 1, "1 of 3"},
		{"a", "aa-", true, 2, 1, "2 of 3"},
		{"a", "aaaa-", true, 4, 1, "4 of 5"},
		{"a", "aaa--", false, 3, 1, "3 of 5"},
		{"a", "aaaa--", true, 4, 2, "4 of 6"},
		{"a", "aaa---", false, 3, 2, "3 of 6"},
		{"a", "aaaaaaaar-", true, 8, 2, "8 of 10"},
		{"a", "aaaaaaar--", false, 7, 2, "7 of 10"},
		/* Each must see a record of the account that the primary one saw. */
		{"a", "ab", true, 1, 1, "another account"},
		{"a", "bb", false, 0, 1, "another account"},
		{"b", "bbb", true, 3, 1, "3 of 3"},
		/* Without the primary one nothing counts. */
		{"r", "aaaaaa", false, 0, 2, "somewhere sees no record"},
		{"-", "aaaaaa", false, 0, 2, "somewhere sees no record"},
		/* Below two there is no rule, so all must agree. */
		{"a", "", true, 0, 0, "nobody else"},
		{"a", "a", true, 1, 0, "1 of 1"},
		{"a", "-", false, 0, 0, "0 of 1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vantage primary[PLACES_MAX], remote[PLACES_MAX];
		struct vantage_quorum q;
		places(cases[i].primary, primary);
		places(cases[i].remote, remote);
		vantage_judge(primary, remote, strlen(cases[i].remote), a_time, &q);
		if (q.corroborated != cases[i].corroborated || !strstr(q.text, cases[i].words))
			fail_msg("%s %s: %d, %s", cases[i].primary, cases[i].remote, q.corroborated, q.text);
		assert_int_equal(q.agree, cases[i].agree);
		assert_int_equal(q.allowed, cases[i].allowed);
		assert_int_equal(q.remote, strlen(cases[i].remote));
		/* The text says when public CAs ask more. */
		assert_int_equal(strstr(q.text, "must ask 5") != NULL, q.remote < 5);
	}
}

/* Letters as above, and below each its region: R for ripe, N for arin, P for apnic, a space for one not told. */
static void test_regions(void **state)
{
	static const int64_t before = 1773532799; /* the second before 2026-03-15 */
	static const struct {
		const char *remote, *regions;
		bool corroborated, then; /* at a_time, and before the rule */
		size_t n;
		const char *words; /* NULL: nothing of regions */
	} cases[] = {
		{"aaaaa", "RRRNP", true, true, 3, NULL},
		{"aaaar", "RRRRN", false, true, 1,
			"all that agree are in the region of one registry, and 2 are needed"},
		{"aaaar", "RRRNN", true, true, 2, NULL},
		{"aaaab", "RRRRN", false, true, 1, "all that agree are in the region of one registry"},
		{"aaaa-", "NNNNR", false, true, 1, "all that agree"},
		/* Hosts that are all in one region tell nothing of the others. */
		{"aaaaa", "RRRRR", true, true, 1, "all are in the region of one registry, public CAs need 2"},
		{"aaaar", "RRRRR", true, true, 1, "all are in the region"},
		/* Nor do those that say nothing. */
		{"aaaaa", "     ", true, true, 0, "the region of 5 is not told"},
		{"aaaar", "RRRR ", true, true, 1, "the region of 1 is not told"},
		{"aaaaa", "RN   ", true, true, 2, NULL},
		/* Too few agree anyway. */
		{"aaarr", "RRRNP", false, false, 1, "all that agree"},
		{"rrrrr", "RRRNP", false, false, 0, NULL},
		{"", "", true, true, 0, NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vantage primary[PLACES_MAX], remote[PLACES_MAX];
		struct vantage_quorum q;
		places("a", primary);
		places(cases[i].remote, remote);
		for (size_t k = 0; cases[i].regions[k]; k++) {
			char c = cases[i].regions[k];
			remote[k].region = c == 'R' ? "ripe" : c == 'N' ? "arin" : c == 'P' ? "apnic" : NULL;
		}
		vantage_judge(primary, remote, strlen(cases[i].remote), before, &q);
		assert_int_equal(q.corroborated, cases[i].then);
		assert_null(strstr(q.text, "region"));
		vantage_judge(primary, remote, strlen(cases[i].remote), a_time, &q);
		if (q.corroborated != cases[i].corroborated || q.regions != cases[i].n ||
			(cases[i].words ? !strstr(q.text, cases[i].words) : strstr(q.text, "region") != NULL))
			fail_msg("%zu: %d, %zu, %s", i, q.corroborated, q.regions, q.text);
	}
	assert_int_equal(vantage_regions_required(before), 0);
	assert_int_equal(vantage_regions_required(before + 1), 2);
	assert_int_equal(vantage_regions_required(0), 0);
	size_t n = 0;
	while (vantage_region(n))
		assert_true(vantage_is_region(vantage_region(n++)));
	assert_int_equal(n, 5);
	assert_false(vantage_is_region("RIPE") || vantage_is_region(""));
}

static void test_accounts_without_a_name_are_the_same(void **state)
{
	const struct vantage none = {.where = "here", .result = VANTAGE_VALID, .answer = "x"};
	const struct vantage empty = {.where = "there", .result = VANTAGE_VALID, .account = "", .answer = "x"};
	struct vantage_quorum q;
	(void)state;
	vantage_judge(&none, &empty, 1, a_time, &q);
	assert_true(q.corroborated);
}

static void test_long_names_fit(void **state)
{
	char where[1000];
	memset(where, 'w', sizeof(where) - 1);
	where[sizeof(where) - 1] = '\0';
	const struct vantage v = {.where = where, .result = VANTAGE_SILENT, .answer = ""};
	struct vantage_quorum q;
	(void)state;
	vantage_judge(&v, NULL, 0, a_time, &q);
	assert_non_null(strstr(q.text, "must ask 5"));
}

static void test_required(void **state)
{
	static const struct {
		int year, month, day;
		size_t n;
	} cases[] = {
		{2024, 12, 31, 0},
		{2025, 3, 14, 0},
		{2025, 3, 15, 2},
		{2026, 3, 14, 2},
		{2026, 3, 15, 3},
		{2026, 6, 14, 3},
		{2026, 6, 15, 4},
		{2026, 12, 14, 4},
		{2026, 12, 15, 5},
		{2040, 1, 1, 5},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			vantage_required(clock_utc(cases[i].year, cases[i].month, cases[i].day, 0, 0, 0)), cases[i].n);
	assert_int_equal(vantage_required(clock_utc(2026, 3, 15, 0, 0, 0) - 1), 2);
}

static void test_allowed(void **state)
{
	static const size_t want[] = {0, 0, 1, 1, 1, 1, 2, 2, 2};
	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(want); n++)
		assert_int_equal(vantage_allowed(n), want[n]);
}

static void test_shares(void **state)
{
	static const struct {
		const char *letters;
		const char *order; /* first letters of the answers */
		size_t n[4];
		unsigned percent[4];
	} cases[] = {
		{"aaa", "a", {3}, {100}},
		{"ab", "ab", {1, 1}, {50, 50}},
		{"baa", "ab", {2, 1}, {67, 33}},
		{"brb-rb", "br-", {3, 2, 1}, {50, 33, 17}},
		{"", "", {0}, {0}},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vantage v[PLACES_MAX];
		struct vantage_share s[PLACES_MAX];
		places(cases[i].letters, v);
		size_t n = vantage_shares(v, strlen(cases[i].letters), s);
		assert_int_equal(n, strlen(cases[i].order));
		for (size_t k = 0; k < n; k++) {
			char c = cases[i].order[k];
			assert_string_equal(s[k].answer, c == 'a' ? "a" : c == 'b' ? "b" : c == 'r' ? "other" : "");
			assert_int_equal(s[k].n, cases[i].n[k]);
			assert_int_equal(s[k].percent, cases[i].percent[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quorum),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_accounts_without_a_name_are_the_same),
		cmocka_unit_test(test_long_names_fit),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
