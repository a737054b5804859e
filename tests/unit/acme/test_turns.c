/* test_turns.c: how many requests a second a session sends: what is told, what is learnt, and when all wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/session.h"
#include "acme/turns.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "fake_ca.h"
#include "loop/loop.h"

struct run {
	struct fake_ca *ca;
	struct acme_session *s;
	int replies, failures;
	int64_t first_reply; /* milliseconds from the beginning */
};

static void start(struct run *t, struct fake_ca *ca, int64_t per_second)
{
	*t = (struct run){.ca = ca, .first_reply = -1};
	fake_ca_start(ca);
	struct acme_session_options o = {
		.name = "fake", .directory_url = FAKE_HOST "/directory", .requests_per_second = per_second};
	t->s = acme_session_new(ca->l, ca->http, &o);
	acme_session_set_account(t->s, ca->root_key, FAKE_ACCOUNT);
}

static void stop(struct run *t)
{
	assert_int_equal(t->ca->mistakes, 0);
	acme_session_free(t->s);
	fake_ca_stop(t->ca);
}

static void on_post(const struct http_reply *r, const struct err *e, void *ctx)
{
	struct run *t = ctx;
	(void)e;
	if (t->first_reply < 0)
		t->first_reply = t->ca->now - t->ca->began;
	t->replies += r != NULL;
	t->failures += r == NULL;
}

static void post(struct run *t, const char *url, int n)
{
	for (int i = 0; i < n; i++)
		acme_session_post(t->s, url, "{}", 0, NULL, on_post, t);
}

static void turn(struct run *t)
{
	struct err e = {0};
	assert_int_equal(loop_run(t->ca->l, &e), 0);
}

/* So many milliseconds pass between the first and the last of n evenly spaced requests; the clock has whole ones. */
static void assert_span(int64_t took, int64_t n, int64_t per_second)
{
	assert_in_range(took, (n - 1) * 1000 / per_second - 1, (n - 1) * 1000 / per_second + 2);
}

static void as_many_as_told(void **state)
{
	static const int64_t paces[] = {1, 3, 10, 300, 999};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paces); i++) {
		struct run t;
		struct fake_ca ca = {.bad_nonces = 3};
		start(&t, &ca, paces[i]);
		post(&t, FAKE_ACCOUNT, 40);
		turn(&t);
		assert_int_equal(t.replies, 40);
		/* Directory, nonces and repetitions count like all others. */
		assert_in_range(acme_session_requests(t.s), 44, 90);
		assert_span(ca.now - ca.began, (int64_t)acme_session_requests(t.s), paces[i]);
		/* After a pause there is no more than one turn to catch up with. */
		ca.now += 3600 * 1000;
		int64_t from = ca.now;
		uint64_t before = acme_session_requests(t.s);
		post(&t, FAKE_ACCOUNT, 20);
		turn(&t);
		assert_span(ca.now - from, (int64_t)(acme_session_requests(t.s) - before), paces[i]);
		stop(&t);
	}
}

static void waiting_costs_no_patience(void **state)
{
	(void)state;
	struct run t;
	/* The last of these waits for two minutes, and fails at first then. */
	struct fake_ca ca = {.faults = {{"U", .first = 120, .status = 500}}};
	start(&t, &ca, 1);
	post(&t, FAKE_ACCOUNT, 120);
	turn(&t);
	assert_int_equal(t.failures, 0);
	stop(&t);
}

static void some_are_cancelled(void **state)
{
	(void)state;
	enum { N = 10 };
	struct run t;
	struct fake_ca ca = {0};
	struct acme_post *p[N];
	start(&t, &ca, 2);
	post(&t, FAKE_ACCOUNT, 1);
	turn(&t);
	t.replies = 0;
	int64_t from = ca.now;
	for (int i = 0; i < N; i++)
		p[i] = acme_session_post(t.s, FAKE_ACCOUNT, "{}", 0, NULL, on_post, &t);
	for (int i = 0; i < N; i += 2)
		acme_post_cancel(p[i]);
	turn(&t);
	assert_int_equal(t.replies, N / 2);
	assert_in_range(ca.now - from, 4 * 500, 6 * 500);
	stop(&t);
}

/* A CA that is busy, or has had too many requests, is left alone by everybody until the moment it names; not so for
 * what it counts apart, or when it names none, or one that is far away. */
static void all_wait_as_told(void **state)
{
	static const struct {
		struct fake_fault fault;
		const char *url;
		bool all;
	} rows[] = {
		{{"U", .status = 503, .header = "Retry-After: 20"}, FAKE_ACCOUNT, true},
		{{"U", .status = 429, .header = "Retry-After: 20"}, FAKE_ACCOUNT, true},
		{{"U", .status = 503, .problem = "rateLimited", .header = "Retry-After: 20"}, FAKE_ACCOUNT, true},
		{{"N", .status = 429, .problem = "rateLimited", .header = "Retry-After: 20"}, FAKE_ACCOUNT, true},
		{{"U", .status = 503}, FAKE_ACCOUNT, false},
		{{"U", .status = 500, .header = "Retry-After: 20"}, FAKE_ACCOUNT, false},
		{{"U", .status = 503, .header = "Retry-After: 3600"}, FAKE_ACCOUNT, false},
		{{"O", .status = 429, .problem = "rateLimited", .header = "Retry-After: 20"}, FAKE_HOST "/place",
			false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run t;
		struct fake_ca ca = {.faults = {rows[i].fault}};
		start(&t, &ca, 10);
		post(&t, rows[i].url, 1);
		post(&t, FAKE_ACCOUNT, 5);
		turn(&t);
		if ((t.first_reply >= 20000) != rows[i].all)
			fail_msg("row %zu: the first reply after %lld ms", i, (long long)t.first_reply);
		stop(&t);
	}
}

/* A CA that takes 40 requests in the time of its faults refuses what comes beyond. */
static void learns_from_refusals(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {.faults = {{"U", .first = 41, .times = 20, .status = 429, .header = "Retry-After: 1"}}};
	start(&t, &ca, 0);
	assert_int_equal(acme_session_learnt(t.s), 0);
	post(&t, FAKE_ACCOUNT, 60);
	turn(&t);
	assert_int_equal(t.replies, 60);
	int64_t learnt = acme_session_learnt(t.s);
	assert_in_range(learnt, 20, 90);
	/* From now on it sends no more than that. */
	int64_t from = ca.now;
	post(&t, FAKE_ACCOUNT, 100);
	turn(&t);
	assert_in_range(ca.now - from, 99 * 1000 / learnt - 1, 130 * 1000 / learnt);
	/* Refused again, it takes less. */
	ca.faults[0] = (struct fake_fault){"U", .first = 30, .status = 429, .header = "Retry-After: 1"};
	ca.now += 5000;
	post(&t, FAKE_ACCOUNT, 100);
	turn(&t);
	assert_in_range(acme_session_learnt(t.s), 4, learnt - 1);
	ca.now += TURNS_FORGET_MS;
	assert_int_equal(acme_session_learnt(t.s), 0);
	acme_session_put_learnt(t.s, 7);
	assert_int_equal(acme_session_learnt(t.s), 7);
	stop(&t);
}

/* Others may share its limit: a refusal of one request alone says nothing of how many a second are fine. */
static void few_teach_nothing(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {.faults = {{"U", .times = 3, .status = 429, .header = "Retry-After: 2"}}};
	start(&t, &ca, 0);
	post(&t, FAKE_ACCOUNT, 1);
	turn(&t);
	assert_int_equal(t.replies, 1);
	assert_int_equal(acme_session_learnt(t.s), 0);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_told),
		cmocka_unit_test(waiting_costs_no_patience),
		cmocka_unit_test(some_are_cancelled),
		cmocka_unit_test(all_wait_as_told),
		cmocka_unit_test(learns_from_refusals),
		cmocka_unit_test(few_teach_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
