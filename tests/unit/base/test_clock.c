/* test_clock.c: the textual forms of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"

/* Known moments, in both directions. */
static const struct {
	int64_t secs;
	int y, mo, d, h, mi, s;
	const char *text;
} moments[] = {
	{0, 1970, 1, 1, 0, 0, 0, "1970-01-01T00:00:00Z"},
	{-1, 1969, 12, 31, 23, 59, 59, "1969-12-31T23:59:59Z"},
	{68169599, 1972, 2, 28, 23, 59, 59, "1972-02-28T23:59:59Z"},
	{784111777, 1994, 11, 6, 8, 49, 37, "1994-11-06T08:49:37Z"},
	{951782400, 2000, 2, 29, 0, 0, 0, "2000-02-29T00:00:00Z"},
	{951868800, 2000, 3, 1, 0, 0, 0, "2000-03-01T00:00:00Z"},
	{1709164800, 2024, 2, 29, 0, 0, 0, "2024-02-29T00:00:00Z"},
	{2147483647, 2038, 1, 19, 3, 14, 7, "2038-01-19T03:14:07Z"},
	{2147483648, 2038, 1, 19, 3, 14, 8, "2038-01-19T03:14:08Z"},
	{4107542400, 2100, 3, 1, 0, 0, 0, "2100-03-01T00:00:00Z"},
	{4107456000, 2100, 2, 28, 0, 0, 0, "2100-02-28T00:00:00Z"},
	{253402300799, 9999, 12, 31, 23, 59, 59, "9999-12-31T23:59:59Z"},
	{-2208988800, 1900, 1, 1, 0, 0, 0, "1900-01-01T00:00:00Z"},
	{-62135596800, 1, 1, 1, 0, 0, 0, "0001-01-01T00:00:00Z"},
	{-62167219200, 0, 1, 1, 0, 0, 0, "0000-01-01T00:00:00Z"},
};

static void test_moments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		struct err e = {0};
		char text[CLOCK_TEXT_MAX];
		int64_t secs;
		assert_int_equal(
			clock_utc(moments[i].y, moments[i].mo, moments[i].d, moments[i].h, moments[i].mi, moments[i].s),
			moments[i].secs);
		clock_rfc3339(moments[i].secs, text);
		assert_string_equal(text, moments[i].text);
		assert_int_equal(clock_parse_rfc3339(text, &secs, &e), 0);
		assert_int_equal(secs, moments[i].secs);
	}
}

/* RFC 3339 has four digits for the year: what they cannot say is shown as the nearest they can. */
static void test_beyond(void **state)
{
	(void)state;
	static const int64_t later[] = {253402300800, INT64_C(1) << 40, INT64_C(1) << 56, INT64_MAX};
	static const int64_t earlier[] = {-62167219201, -(INT64_C(1) << 40), -(INT64_C(1) << 56), INT64_MIN};
	char text[CLOCK_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		clock_rfc3339(later[i], text);
		assert_string_equal(text, "9999-12-31T23:59:59Z");
		clock_rfc3339(earlier[i], text);
		assert_string_equal(text, "0000-01-01T00:00:00Z");
	}
}

/* Every day of some four hundred years comes back. */
static void test_every_day(void **state)
{
	(void)state;
	int64_t day = clock_utc(1600, 1, 1, 0, 0, 0);
	for (int i = 0; i < 146097 + 366; i++, day += 86400) {
		struct err e = {0};
		char text[CLOCK_TEXT_MAX];
		int64_t secs;
		clock_rfc3339(day, text);
		if (clock_parse_rfc3339(text, &secs, &e) || secs != day)
			fail_msg("%s: %s", text, e.msg);
	}
	assert_int_equal(day, clock_utc(2001, 1, 1, 0, 0, 0));
}

static void test_rfc3339(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t secs;
	} good[] = {
		{"2026-11-21T08:00:00Z", 1795248000},
		{"2026-11-21t08:00:00z", 1795248000},
		{"2026-11-21 08:00:00Z", 1795248000},
		{"2026-11-21T08:00:00.999999999Z", 1795248000},
		{"2026-11-21T08:00:00.0+00:00", 1795248000},
		{"2026-11-21T08:00:00-00:00", 1795248000},
		{"2026-11-21T09:30:00+01:30", 1795248000},
		{"2026-11-20T20:00:00-12:00", 1795248000},
		{"2026-11-22T07:59:00+23:59", 1795248000},
		{"2016-12-31T23:59:60Z", 1483228800},
		{"2000-02-29T00:00:00Z", 951782400},
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		int64_t secs;
		if (clock_parse_rfc3339(good[i].text, &secs, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(secs, good[i].secs);
	}
	static const char *const bad[] = {"", "2026", "2026-11-21", "2026-11-21T08:00:00", "2026-11-21T08:00Z",
		"2026-11-21T08:00:00.Z", "2026-11-21T08:00:00ZZ", "2026-11-21T08:00:00Z ", " 2026-11-21T08:00:00Z",
		"26-11-21T08:00:00Z", "2026-13-01T08:00:00Z", "2026-00-01T08:00:00Z", "2026-11-31T08:00:00Z",
		"2026-11-00T08:00:00Z", "2026-02-29T08:00:00Z", "2100-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
		"2026-11-21T08:60:00Z", "2026-11-21T08:00:61Z", "2026-11-21T08:00:00+24:00",
		"2026-11-21T08:00:00+01:60", "2026-11-21T08:00:00+0100", "2026-11-21T08:00:00+1",
		"+026-11-21T08:00:00Z", "2026-1-21T08:00:00Z", "10000-01-01T00:00:00Z", "2026-11-21T08:00:00,5Z",
		"2026-11-21_08:00:00Z", "next week"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		int64_t secs = 42;
		if (!clock_parse_rfc3339(bad[i], &secs, &e))
			fail_msg("\"%s\" was read", bad[i]);
		assert_int_equal(e.kind, ERR_PARSE);
		assert_int_equal(secs, 42);
	}
}

static void test_http_date(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t secs;
	} good[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777}, {"Sat Nov 21 08:00:00 2026", 1795248000},
		{"Saturday, 21-Nov-26 08:00:00 GMT", 1795248000}, {"Sat, 21 Nov 2026 08:00:00 GMT", 1795248000},
		{"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800}, {"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the day's name carries nothing */
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		int64_t secs;
		if (clock_parse_http_date(good[i].text, &secs, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(secs, good[i].secs);
	}
	static const char *const bad[] = {"", "Sun", "Sun,", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 2026 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
		"Su, 06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov   6 08:49:37 1994", "784111777", "1994-11-06T08:49:37Z"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		int64_t secs = 42;
		if (!clock_parse_http_date(bad[i], &secs, &e))
			fail_msg("\"%s\" was read", bad[i]);
		assert_int_equal(e.kind, ERR_PARSE);
		assert_int_equal(secs, 42);
	}
}

static void test_retry_after(void **state)
{
	(void)state;
	enum { DAY = 86400000 };
	static const int64_t now = INT64_C(1795248000500); /* 2026-11-21T08:00:00.5Z */
	static const struct {
		const char *text;
		int64_t wait;
	} good[] = {
		{"5", 5000},
		{"0", 0},
		{"00", 0},
		{"86399", 86399000},
		{"86400", DAY},
		{"86401", DAY},
		{"999999999", DAY},
		{"99999999999", DAY},
		{"99999999999999999999999999999999", DAY},
		{"00000000000005", 5000},
		{"Sat, 21 Nov 2026 08:00:05 GMT", 4500},
		{"Sat, 21 Nov 2026 08:00:00 GMT", 0},
		{"Saturday, 21-Nov-26 09:00:00 GMT", 3599500},
		{"Sat Nov 21 08:01:00 2026", 59500},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"Fri, 31 Dec 9999 23:59:59 GMT", DAY},
		{" 5", 5000},
		{"\t 5", 5000},
		{"5 ", 5000},
		{"5 \t", 5000},
		{" Sat, 21 Nov 2026 08:00:05 GMT ", 4500},
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t at;
		if (!clock_retry_after(good[i].text, now, &at))
			fail_msg("\"%s\" was not read", good[i].text);
		if (at - now != good[i].wait)
			fail_msg("\"%s\": %lld ms", good[i].text, (long long)(at - now));
	}
	static const char *const bad[] = {"", " ", "-1", "-0", "+5", "5.5", "5s", "5 6", "5,6", "0x10", "1e3", "soon",
		"Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 GMT, 5"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t at = 42;
		if (clock_retry_after(bad[i], now, &at))
			fail_msg("\"%s\" was read", bad[i]);
		assert_int_equal(at, 42);
	}
}

static void test_real(void **state)
{
	(void)state;
	const struct clk *c = clk_real();
	int64_t a = clk_mono(c), b = clk_mono(c);
	assert_true(b >= a);
	assert_true(clk_wall(c) > clock_utc(2020, 1, 1, 0, 0, 0) * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_http_date),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_real),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
