/* test_budget.c: the pace of new orders, against CAs that limit them in the two ways there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "fleet/budget.h"

static const int64_t start = 1800000000000;
enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* A CA that gives one order back every so often (as Let's Encrypt does), or that counts them in fixed periods. */
struct ca {
	int64_t burst, every, tat; /* the first kind */
	int64_t limit, period, placed, period_at; /* the second */
};

/* 0 when it takes the order, else until when it takes none. */
static int64_t ca_takes(struct ca *ca, int64_t now)
{
	if (ca->burst) {
		int64_t tat = ca->tat > now ? ca->tat : now;
		if (tat - now > (ca->burst - 1) * ca->every)
			return tat - (ca->burst - 1) * ca->every;
		ca->tat = tat + ca->every;
		return 0;
	}
	if (now / ca->period != ca->period_at) {
		ca->period_at = now / ca->period;
		ca->placed = 0;
	}
	if (ca->placed == ca->limit)
		return (ca->period_at + 1) * ca->period;
	ca->placed++;
	return 0;
}

static void test_unknown_is_no_limit(void **state)
{
	struct budget b = {0};
	int64_t at;
	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_true(budget_take(&b, start, &at));
}

static void test_known(void **state)
{
	struct budget b = {0};
	int64_t at = 0;
	(void)state;
	budget_know(&b, 300, 3 * HOUR);
	for (int i = 0; i < 300; i++)
		assert_true(budget_take(&b, start, &at));
	assert_false(budget_take(&b, start, &at));
	assert_int_equal(at, start + 36 * SECOND);
	assert_false(budget_take(&b, at - 1, &at));
	assert_true(budget_take(&b, at, &at));
	assert_false(budget_take(&b, at, &at));
	for (int i = 0; i < 300; i++)
		assert_true(budget_take(&b, start + 4 * (int64_t)HOUR, &at));
	/* A clock that was set back by a year holds nothing up for longer than an empty bucket. */
	assert_false(budget_take(&b, start - 365 * 24 * (int64_t)HOUR, &at));
	assert_int_equal(at, start - 365 * 24 * (int64_t)HOUR + 36 * SECOND);
}

/* Orders wanted without end for ten days: how often it was refused, and how many orders it placed. */
static void wanted_for_long(struct ca *ca, struct budget *b, int *ret_refused, int *ret_placed)
{
	int64_t now = start, at = 0;
	*ret_refused = *ret_placed = 0;
	while (now < start + 240 * (int64_t)HOUR) {
		char text[BUDGET_TEXT_MAX];
		if (!budget_take(b, now, &at)) {
			assert_true(at > now);
			now = at;
			continue;
		}
		int64_t until = ca_takes(ca, now);
		if (until) {
			++*ret_refused;
			budget_refused(b, now, until);
		} else {
			++*ret_placed;
		}
		/* As after a restart. */
		budget_text(b, text);
		assert_true(budget_parse(text, b));
		now += 50;
	}
}

static void test_a_limit_is_learnt_once(void **state)
{
	static const struct {
		struct ca ca;
		int least; /* orders in ten days: not much below what the CA takes */
	} rows[] = {
		{{.burst = 300, .every = 36 * SECOND}, 20000}, /* takes 24,300 */
		{{.burst = 10, .every = 1 * SECOND}, 500000}, /* takes 864,010 */
		{{.burst = 1, .every = 5 * MINUTE}, 2500}, /* takes 2,880 */
		{{.limit = 300, .period = 3 * HOUR}, 15000}, /* takes 24,000 */
		{{.limit = 1000, .period = 24 * HOUR}, 4000}, /* takes 10,000 */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ca ca = rows[i].ca;
		struct budget b = {0};
		int refused, placed;
		wanted_for_long(&ca, &b, &refused, &placed);
		print_message("row %zu: %d refused, %d placed\n", i, refused, placed);
		assert_true(refused <= 2);
		assert_true(placed >= rows[i].least);
	}
}

static void test_known_limits_are_kept(void **state)
{
	struct ca ca = {.burst = 300, .every = 36 * SECOND};
	struct budget b = {0};
	int refused, placed;
	(void)state;
	budget_know(&b, 300, 3 * HOUR);
	wanted_for_long(&ca, &b, &refused, &placed);
	assert_int_equal(refused, 0);
	assert_true(placed > 24000);
	/* Another limit, as after an override, begins anew; the same one does not. */
	b.every_ms *= 2;
	budget_know(&b, 300, 3 * HOUR);
	assert_int_equal(b.every_ms, 72 * SECOND);
	budget_know(&b, 3000, 3 * HOUR);
	assert_int_equal(b.every_ms, 3600);
}

static void test_refusals_on_their_way_say_nothing_new(void **state)
{
	struct budget b = {0}, one;
	int64_t at;
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(budget_take(&b, start + i, &at));
	budget_refused(&b, start + 200, start + 60200);
	one = b;
	for (int i = 0; i < 20; i++)
		budget_refused(&b, start + 201 + i, start + 60200);
	assert_memory_equal(&one, &b, sizeof(b));
	assert_false(budget_take(&b, start + 60199, &at));
	assert_int_equal(at, start + 60200);
	assert_true(budget_take(&b, at, &at));
}

/* Orders that were placed before one was refused are done after it, and say nothing of the CA as it is now. */
static void test_orders_from_before_a_refusal(void **state)
{
	struct budget b = {0}, one;
	int64_t at;
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(budget_take(&b, start, &at));
	budget_refused(&b, start + 200, start + 60200);
	one = b;
	assert_false(budget_served(&b, 0, start + 300));
	/* A refusal that was on its way with it must not count as another one. */
	budget_refused(&b, start + 301, start + 60200);
	assert_memory_equal(&one, &b, sizeof(b));
	/* One that somebody asked for nevertheless, unless another was refused after it. */
	budget_refused(&b, start + 400, start + 90200);
	assert_false(budget_served(&b, start + 60200, start + 500));
	assert_int_equal(b.shut_until, start + 90200);
	assert_true(budget_served(&b, start + 90200, start + 600));
	assert_int_equal(b.shut_until, start + 600);
	assert_false(budget_served(&b, start + 600, start + 600));
}

/* The clock was a hundred days ahead when the CA said "later". */
static void test_a_clock_that_was_put_back(void **state)
{
	static const int64_t ahead = INT64_C(2400) * HOUR;
	struct budget b = {0};
	int64_t at;
	(void)state;
	budget_know(&b, 300, 3 * HOUR);
	assert_true(budget_take(&b, start + ahead, &at));
	budget_refused(&b, start + ahead, start + ahead + HOUR);
	assert_false(budget_mend(&b, start + ahead));
	assert_false(budget_take(&b, start + ahead, &at));
	assert_true(budget_mend(&b, start));
	assert_false(budget_mend(&b, start + 1));
	if (!budget_take(&b, start, &at)) {
		assert_true(at <= start + HOUR);
		assert_true(budget_take(&b, at, &at));
	}
}

static void test_texts_that_are_none(void **state)
{
	static const char *const rows[] = {
		"",
		"1",
		"1 2 3 4 5 6 7",
		"1 2 3 4 5 6 7 8 9",
		"1 2 3 4 5 6 7 8 ",
		"1 2 3 4 5 6 7 x",
		"-1 2 3 4 5 6 7 8",
		"1 0 3 4 5 6 7 8",
		"1 99999999999 3 4 5 6 7 8",
		"99999999999999999999999 2 3 4 5 6 7 8",
	};
	struct budget b;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		b.burst = 7;
		assert_false(budget_parse(rows[i], &b));
		assert_int_equal(b.burst, 0);
	}
	assert_true(budget_parse("1 2 3 4 5 6 7 8", &b));
	assert_int_equal(b.known_ms, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_is_no_limit),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_a_limit_is_learnt_once),
		cmocka_unit_test(test_known_limits_are_kept),
		cmocka_unit_test(test_refusals_on_their_way_say_nothing_new),
		cmocka_unit_test(test_orders_from_before_a_refusal),
		cmocka_unit_test(test_a_clock_that_was_put_back),
		cmocka_unit_test(test_texts_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
