/* test_schedule.c: when a certificate is due, and how long a failure waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/schedule.h"
#include "state/store.h"

enum { DAY = 86400 };

static void test_renew_at(void **state)
{
	static const struct {
		int64_t lifetime, left;
	} rows[] = {
		{90 * DAY, 30 * DAY},
		{45 * DAY, 15 * DAY},
		{11 * DAY, 11 * DAY / 3},
		{10 * DAY, 5 * DAY},
		{6 * DAY, 3 * DAY},
		{600, 300},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			schedule_renew_at(1000, 1000 + rows[i].lifetime), 1000 + rows[i].lifetime - rows[i].left);
}

/* A certificate of 90 days, issued at 0, for one name at one CA. */
static char one_name[] = "example.com", other_name[] = "www.example.com", ca[] = "google", other_ca[] = "letsencrypt";

static void test_due(void **state)
{
	enum { NOW = 10 * DAY, LATE = 61 * DAY };
	static const struct {
		const char *why;
		bool row, live, ignore_wait;
		int64_t generation, next_at, now;
		char *row_name, *row_ca;
		enum schedule_verdict want;
		bool in_work;
	} rows[] = {
		{"fresh", true, true, false, 1, 0, NOW, one_name, ca, SCHEDULE_NOT_DUE, false},
		{"nothing known", false, false, false, 0, 0, NOW, one_name, ca, SCHEDULE_NEW, false},
		{"failed before it was ever issued", true, false, false, 0, 0, NOW, one_name, ca, SCHEDULE_NEW, false},
		{"files gone", true, false, false, 1, 0, NOW, one_name, ca, SCHEDULE_NEW, false},
		{"other names", true, true, false, 1, 0, NOW, other_name, ca, SCHEDULE_NAMES, false},
		{"another CA", true, true, false, 1, 0, NOW, one_name, other_ca, SCHEDULE_CA, false},
		{"a third left", true, true, false, 1, 0, 60 * DAY, one_name, ca, SCHEDULE_EXPIRING, false},
		{"a second before", true, true, false, 1, 0, 60 * DAY - 1, one_name, ca, SCHEDULE_NOT_DUE, false},
		{"an order was left", true, true, false, 1, 0, NOW, one_name, ca, SCHEDULE_UNFINISHED, true},
		{"an order was left, and waits", true, true, false, 1, NOW + 1, NOW, one_name, ca, SCHEDULE_WAITING,
			true},
		{"an order was left, and it is due", true, true, false, 1, 0, LATE, one_name, ca, SCHEDULE_EXPIRING,
			true},
		{"expired", true, true, false, 1, 0, 91 * DAY, one_name, ca, SCHEDULE_EXPIRING, false},
		{"due but waiting", true, true, false, 1, LATE + 1, LATE, one_name, ca, SCHEDULE_WAITING, false},
		{"the wait has passed", true, true, false, 1, LATE, LATE, one_name, ca, SCHEDULE_EXPIRING, false},
		{"the wait is ignored", true, true, true, 1, LATE + 1, LATE, one_name, ca, SCHEDULE_EXPIRING, false},
		{"a wait does not make it due", true, true, false, 1, NOW + 1, NOW, one_name, ca, SCHEDULE_NOT_DUE,
			false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *names[] = {one_name}, *row_names[] = {rows[i].row_name}, *cas[] = {ca};
		struct config_cert cert = {.name = one_name, .names = {names, 1, 1}, .cas = {cas, 1, 1}};
		struct store_cert row = {
			.name = one_name,
			.ca = rows[i].row_ca,
			.names = {row_names, 1, 1},
			.generation = rows[i].generation,
			.not_after = 90 * DAY,
			.next_at = rows[i].next_at,
		};
		struct schedule_facts facts = {
			.row = rows[i].row ? &row : NULL,
			.live = rows[i].live,
			.in_work = rows[i].in_work,
			.ignore_wait = rows[i].ignore_wait,
		};
		enum schedule_verdict got = schedule_due(&cert, &facts, rows[i].now);
		if (got != rows[i].want)
			fail_msg("%s: %s, not %s", rows[i].why, schedule_verdict_name(got),
				schedule_verdict_name(rows[i].want));
	}
}

/* No failure waits so long, but a turn in the budget may. */
static void test_a_wait_of_a_clock_that_was_ahead(void **state)
{
	char *names[] = {one_name}, *cas[] = {ca};
	struct config_cert cert = {.name = one_name, .names = {names, 1, 1}, .cas = {cas, 1, 1}};
	struct store_cert row = {.name = one_name, .next_at = 9 * DAY};
	struct schedule_facts facts = {.row = &row};
	(void)state;
	assert_int_equal(schedule_due(&cert, &facts, 0), SCHEDULE_WAITING);
	row.failures = 1;
	assert_int_equal(schedule_due(&cert, &facts, 0), SCHEDULE_NEW);
	assert_int_equal(schedule_due(&cert, &facts, DAY), SCHEDULE_WAITING);
}

static void test_backoff_doubles_and_saturates(void **state)
{
	(void)state;
	assert_int_equal(schedule_backoff(1, 0), 60);
	assert_int_equal(schedule_backoff(2, 0), 120);
	assert_int_equal(schedule_backoff(5, 0), 960);
	for (int64_t n = 1, last = 0; n < 100; n++) {
		int64_t wait = schedule_backoff(n, 0);
		assert_true(wait >= last && wait <= DAY);
		last = wait;
	}
	assert_int_equal(schedule_backoff(1000000, 0), DAY);
	assert_int_equal(schedule_backoff(INT64_MAX, 0), DAY);
}

static void test_backoff_jitter_is_a_tenth(void **state)
{
	(void)state;
	for (uint64_t r = 0; r < 1000; r++) {
		assert_in_range(schedule_backoff(1, r), 60, 65);
		assert_in_range(schedule_backoff(50, r * 977), DAY, DAY + DAY / 10);
	}
	assert_in_range(schedule_backoff(50, UINT64_MAX), DAY, DAY + DAY / 10);
}

static void test_waits(void **state)
{
	static const struct {
		enum err_kind kind;
		int64_t wait;
	} rows[] = {{ERR_NET, 60}, {ERR_POLICY, -1000}, {ERR_CLOCK, -1000}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_cert row = {.name = one_name};
		struct err e = {0};
		err_set(&e, rows[i].kind, "no");
		schedule_failed(&row, &e, 1000, 0);
		assert_int_equal(row.next_at, 1000 + rows[i].wait);
		assert_int_equal(row.failures, 1);
		assert_string_equal(row.last_error, "no");
		free(row.last_error);
		err_done(&e);
	}
}

static void test_replaces(void **state)
{
	static char id[] = "abc.def", none[] = "";
	static const struct {
		const char *why;
		int64_t generation;
		char *row_ca, *row_name, *ari_id;
		const char *want;
	} rows[] = {
		{"issued there", 1, ca, one_name, id, id},
		{"never issued", 0, ca, one_name, id, NULL},
		{"another CA", 1, other_ca, one_name, id, NULL},
		{"no name in common", 1, ca, other_name, id, NULL},
		{"no identifier", 1, ca, one_name, none, NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *names[] = {one_name, id}, *row_names[] = {none, rows[i].row_name};
		const struct strv wanted = {names, 2, 2};
		const struct store_cert row = {.ca = rows[i].row_ca,
			.names = {row_names, 2, 2},
			.generation = rows[i].generation,
			.ari_id = rows[i].ari_id};
		if (schedule_replaces(&row, ca, &wanted) != rows[i].want)
			fail_msg("%s", rows[i].why);
	}
}

/* A certificate that lives from 0 to 96 d: by its lifetime it is due at 64 d, at the latest at 84 d. */
static void test_window(void **state)
{
	static const struct {
		const char *why;
		int64_t start, end;
		uint64_t r;
		int64_t due; /* in days; -1: the window is refused */
	} rows[] = {
		{"before the lifetime's moment", 10 * DAY, 20 * DAY, 5 * DAY, 15},
		{"behind it", 70 * DAY, 80 * DAY, 0, 70},
		{"its last second", 10 * DAY, 20 * DAY, 10 * DAY, 20},
		{"any number", 10 * DAY, 20 * DAY, 10 * DAY + 1, 10},
		{"over the end", 70 * DAY, 97 * DAY, 14 * DAY, 84},
		{"over the end, any number", 70 * DAY, 97 * DAY, 14 * DAY + 1, 70},
		{"began before the certificate", 1, 5 * DAY, 0, 0},
		{"ends before it begins", 20 * DAY, 10 * DAY, 0, -1},
		{"no length", 20 * DAY, 20 * DAY, 0, -1},
		{"when it is late", 84 * DAY, 95 * DAY, 0, -1},
		{"far away", 20000LL * DAY, 20001LL * DAY, 0, -1},
		{"before its beginning", INT64_MIN, -1, 0, -1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_cert row = {.not_after = 96 * DAY};
		struct err e = {0};
		int r = schedule_take_window(&row, rows[i].start, rows[i].end, rows[i].r, &e);
		if (r != (rows[i].due < 0 ? -1 : 0) || (r && e.kind != ERR_PROTO))
			fail_msg("%s: %s", rows[i].why, e.msg);
		int64_t due = schedule_due_at(&row) / DAY, wanted = r ? 64 : rows[i].due;
		if (due != wanted)
			fail_msg("%s: day %lld", rows[i].why, (long long)due);
		err_done(&e);
		/* The same window again leaves the moment where it is. */
		if (!r && (schedule_take_window(&row, rows[i].start, rows[i].end, rows[i].r + 1, &e) ||
				  schedule_due_at(&row) / DAY != due))
			fail_msg("%s: picked again", rows[i].why);
	}
}

static void test_window_of_a_whole_life(void **state)
{
	struct store_cert row = {.not_before = DAY, .not_after = 97 * DAY, .window = {.start = 2, .end = 3, .at = 2}};
	struct err e = {0};
	(void)state;
	assert_int_equal(schedule_take_window(&row, DAY, 97 * DAY, 5, &e), 0);
	assert_true(!row.window.start && !row.window.end && !row.window.at);
	assert_int_equal(schedule_due_at(&row), 65 * DAY);
}

static void test_window_makes_due(void **state)
{
	static const struct {
		int64_t at, now;
		enum schedule_verdict want;
	} rows[] = {
		{10 * DAY, 10 * DAY - 1, SCHEDULE_NOT_DUE},
		{10 * DAY, 10 * DAY, SCHEDULE_WINDOW},
		{10 * DAY, 64 * DAY, SCHEDULE_EXPIRING},
		{70 * DAY, 64 * DAY, SCHEDULE_NOT_DUE},
		{70 * DAY, 70 * DAY, SCHEDULE_EXPIRING},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *names[] = {one_name}, *cas[] = {ca};
		const struct config_cert cert = {.name = one_name, .names = {names, 1, 1}, .cas = {cas, 1, 1}};
		const struct store_cert row = {.ca = ca,
			.names = {names, 1, 1},
			.generation = 1,
			.not_after = 96 * DAY,
			.window = {.start = rows[i].at, .end = rows[i].at + DAY, .at = rows[i].at}};
		const struct schedule_facts facts = {.row = &row, .live = true};
		assert_int_equal(schedule_due(&cert, &facts, rows[i].now), rows[i].want);
	}
}

static void test_ask_at(void **state)
{
	(void)state;
	assert_int_equal(schedule_ask_at(1000, 0), 1000 + DAY / 4);
	assert_int_equal(schedule_ask_at(1000, 1), 1060);
	assert_int_equal(schedule_ask_at(1000, 1059), 1060);
	assert_int_equal(schedule_ask_at(1000, 5000), 5000);
	assert_int_equal(schedule_ask_at(1000, 1001 + DAY), 1000 + DAY);
	assert_int_equal(schedule_ask_at(1000, INT64_MAX), 1000 + DAY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renew_at),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_a_wait_of_a_clock_that_was_ahead),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_of_a_whole_life),
		cmocka_unit_test(test_window_makes_due),
		cmocka_unit_test(test_ask_at),
		cmocka_unit_test(test_backoff_doubles_and_saturates),
		cmocka_unit_test(test_backoff_jitter_is_a_tenth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
