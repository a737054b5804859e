/*
 * test_peer.c: who may ask when: limits, turns, and the memory of silent addresses, on a clock of our own. The packets
 * are left out: this program has its own exchange_start() and its kin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/exchange_priv.h"
#include "loop/loop.h"

enum { PER_SERVER = 12, MANY = 64 };

struct fixture {
	struct clk clk;
	struct loop *loop;
	struct exchanger *s;
	struct exchange *x[1024];
	size_t n;
	int64_t now;
};

static int64_t started_at;
static char *asked; /* the name of the next question */

void exchange_start(struct exchange *x)
{
	x->state = EXCHANGE_UDP;
	x->sent_at = started_at;
}

void exchange_refuse(struct exchange *x)
{
	x->state = EXCHANGE_ENDING;
}

void exchange_drop(struct exchange *x)
{
	free(x);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->s = exchanger_new(NULL, 2000, PER_SERVER, 0);
	f->now = 1000;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	exchanger_free(f->s);
	free(f);
	return 0;
}

static struct exchange *join(struct fixture *f, const char *address)
{
	struct addr a;
	struct err e = {0};
	struct exchange *x = xcalloc(1, sizeof(*x));
	assert_int_equal(addr_parse(address, 0, &a, &e), 0);
	x->s = f->s;
	x->peer = peer_get(f->s, &a);
	x->name = asked;
	x->type = MESSAGE_TXT;
	x->hash = asked ? peer_hash(asked, x->type, 0) : 0;
	started_at = f->now;
	peer_join(x, f->now);
	f->x[f->n++] = x;
	return x;
}

static void leave(struct fixture *f, struct exchange *x, bool heard, bool silent)
{
	started_at = f->now;
	if (heard)
		peer_heard(x, f->now);
	peer_leave(x, silent, f->now);
	for (size_t i = 0; i < f->n; i++)
		if (f->x[i] == x)
			f->x[i] = NULL;
	free(x);
}

static size_t count(const struct fixture *f, enum exchange_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		n += f->x[i] && f->x[i]->state == state;
	return n;
}

static void leave_refused(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->x[i] && f->x[i]->state == EXCHANGE_ENDING)
			leave(f, f->x[i], false, false);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < MANY; i++)
		join(f, "192.0.2.1");
	/* Eight until it has answered once, then as many as allowed. */
	assert_int_equal(count(f, EXCHANGE_UDP), 8);
	leave(f, f->x[0], true, false);
	assert_int_equal(count(f, EXCHANGE_UDP), PER_SERVER);
	/* First come, first served. */
	for (int i = 1; i <= PER_SERVER; i++)
		assert_int_equal(f->x[i]->state, EXCHANGE_UDP);
	leave(f, f->x[MANY - 1], false, false);
	assert_int_equal(count(f, EXCHANGE_QUEUED), MANY - 2 - PER_SERVER);
}

static void test_limit_of_the_process(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 100; i++) {
		char address[32];
		snprintf(address, sizeof(address), "192.0.2.%d", i + 1);
		for (int k = 0; k < 8; k++)
			join(f, address);
	}
	assert_int_equal(count(f, EXCHANGE_UDP), 400);
	assert_int_equal(f->x[400]->state, EXCHANGE_QUEUED);
	leave(f, f->x[0], true, false);
	assert_int_equal(count(f, EXCHANGE_UDP), 400);
	assert_int_equal(f->x[400]->state, EXCHANGE_UDP);
	/* The addresses take turns. */
	leave(f, f->x[1], true, false);
	assert_int_equal(f->x[401]->state, EXCHANGE_QUEUED);
	assert_int_equal(f->x[408]->state, EXCHANGE_UDP);
}

static void test_silence(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 20; i++)
		join(f, "192.0.2.1");
	f->now += 5000;
	leave(f, f->x[0], false, true);
	/* What is under way goes on, what waits does not begin. */
	assert_int_equal(count(f, EXCHANGE_UDP), 7);
	assert_int_equal(count(f, EXCHANGE_ENDING), 12);
	for (int i = 1; i < 8; i++)
		leave(f, f->x[i], false, true);
	leave_refused(f);
	f->now += 9999;
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_ENDING);
	assert_int_equal(join(f, "192.0.2.2")->state, EXCHANGE_UDP);
	/* After the pause one asks, the others do not wait for it. */
	f->now += 1;
	struct exchange *probe = join(f, "192.0.2.1");
	assert_int_equal(probe->state, EXCHANGE_UDP);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_ENDING);
	leave_refused(f);
	leave(f, probe, false, true);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_ENDING);
	/* And when it answers all is well again. */
	f->now += 10000;
	probe = join(f, "192.0.2.1");
	f->now += 20;
	leave(f, probe, true, false);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_UDP);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_UDP);
}

static void test_lost_packets(void **state)
{
	struct fixture *f = *state;
	struct exchange *lost = join(f, "192.0.2.1"), *other = join(f, "192.0.2.1");
	f->now += 100;
	leave(f, other, true, false);
	f->now += 4900;
	leave(f, lost, false, true);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_UDP);
}

static void test_no_ipv6_here(void **state)
{
	static const char *const dead[] = {"2001:db8::1", "2001:db8::2", "2001:db8::3"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
		struct exchange *x = join(f, dead[i]);
		assert_int_equal(x->state, EXCHANGE_UDP);
		f->now += 5000;
		leave(f, x, false, true);
	}
	assert_int_equal(join(f, "2001:db8::4")->state, EXCHANGE_ENDING);
	assert_int_equal(join(f, "192.0.2.1")->state, EXCHANGE_UDP);
	f->now += 60000;
	struct exchange *x = join(f, "2001:db8::5");
	assert_int_equal(x->state, EXCHANGE_UDP);
	leave(f, x, true, false);
	/* Some IPv6 address has answered: now each is judged by itself. */
	for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
		x = join(f, dead[i]);
		f->now += 5000;
		leave(f, x, false, true);
	}
	assert_int_equal(join(f, "2001:db8::6")->state, EXCHANGE_UDP);
}

static void test_equal_questions_meet(void **state)
{
	struct fixture *f = *state;
	static char name[] = "_v.example.test";
	asked = name;
	struct exchange *x = join(f, "192.0.2.1"), *other = join(f, "192.0.2.2");
	asked = NULL;
	assert_ptr_equal(peer_find(f->s, x->peer, "_v.example.test", MESSAGE_TXT, 0), x);
	assert_ptr_equal(peer_find(f->s, other->peer, "_v.example.test", MESSAGE_TXT, 0), other);
	assert_null(peer_find(f->s, x->peer, "_v.example.test", MESSAGE_A, 0));
	assert_null(peer_find(f->s, x->peer, "_v.example.test", MESSAGE_TXT, EXCHANGE_RD));
	assert_null(peer_find(f->s, x->peer, "example.test", MESSAGE_TXT, 0));
	struct peer *p = x->peer;
	leave(f, x, true, false);
	assert_null(peer_find(f->s, p, "_v.example.test", MESSAGE_TXT, 0));
}

/* --- the pace, on a loop whose clock is ours --- */

static void pass(void *ctx, int64_t ms)
{
	struct fixture *f = ctx;
	f->now += ms;
	started_at = f->now;
}

static int64_t time_of(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static int set_up_paced(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	f->now = 1000;
	f->clk = (struct clk){.wall = time_of, .mono = time_of, .ctx = f};
	assert_int_equal(loop_new(&f->clk, &f->loop, &e), 0);
	loop_set_skip(f->loop, pass, f);
	f->s = exchanger_new(f->loop, 2000, 256, 100);
	*state = f;
	return 0;
}

static int tear_down_paced(void **state)
{
	struct fixture *f = *state;
	exchanger_free(f->s);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void test_pace(void **state)
{
	struct fixture *f = *state;
	int64_t began = f->now, last = 0;
	struct err e = {0};
	leave(f, join(f, "192.0.2.1"), true, false);
	size_t first = f->n;
	for (int i = 0; i < 100; i++)
		join(f, "192.0.2.1");
	/* A twentieth of a second's questions may go at once, with the one before. */
	assert_in_range(count(f, EXCHANGE_UDP), 5, 6);
	struct exchange *other = join(f, "192.0.2.2"), *here = join(f, "127.0.0.1");
	assert_int_equal(other->state, EXCHANGE_UDP);
	assert_int_equal(here->state, EXCHANGE_UDP);
	assert_int_equal(loop_run(f->loop, &e), 0);
	assert_int_equal(count(f, EXCHANGE_UDP), 102);
	for (size_t i = first; i < first + 100; i++) {
		assert_true(f->x[i]->sent_at >= last);
		last = f->x[i]->sent_at;
	}
	/* 101 questions, 100 a second, six of them ahead. */
	assert_in_range(last - began, 940, 1010);
}

static void test_second_tries_count(void **state)
{
	struct fixture *f = *state;
	struct exchange *x = join(f, "192.0.2.1");
	struct err e = {0};
	for (int i = 0; i < 50; i++)
		peer_charge(x, f->now);
	int64_t began = f->now;
	struct exchange *y = join(f, "192.0.2.1");
	assert_int_equal(y->state, EXCHANGE_QUEUED);
	assert_int_equal(loop_run(f->loop, &e), 0);
	assert_int_equal(y->state, EXCHANGE_UDP);
	assert_in_range(y->sent_at - began, 450, 470);
}

static void test_no_pace_towards_own_servers(void **state)
{
	struct fixture *f = *state;
	struct addr a;
	struct err e = {0};
	assert_int_equal(addr_parse("192.0.2.1", 0, &a, &e), 0);
	exchanger_own(f->s, &a);
	leave(f, join(f, "192.0.2.1"), true, false);
	for (int i = 0; i < 200; i++)
		join(f, "192.0.2.1");
	assert_int_equal(count(f, EXCHANGE_UDP), 200);
}

/* --- a network without DNS --- */

static void hear_nothing(struct fixture *f, int from, int n)
{
	for (int i = 0; i < n; i++) {
		char address[32];
		snprintf(address, sizeof(address), "192.0.2.%d", from + i);
		peer_unheard(join(f, address), f->now);
	}
}

static void test_blocked(void **state)
{
	struct fixture *f = *state;
	unsigned silent = 0;
	hear_nothing(f, 1, 7);
	hear_nothing(f, 1, 7);
	assert_false(exchanger_blocked(f->s, f->now, &silent));
	hear_nothing(f, 8, 1);
	assert_true(exchanger_blocked(f->s, f->now, &silent));
	assert_int_equal(silent, 8);
	f->now += 14999;
	assert_true(exchanger_blocked(f->s, f->now, &silent));
	/* One trial from time to time. */
	f->now += 1;
	assert_false(exchanger_blocked(f->s, f->now, &silent));
	assert_true(exchanger_blocked(f->s, f->now, &silent));
	f->now += 15000;
	assert_false(exchanger_blocked(f->s, f->now, &silent));
	peer_heard(f->x[0], f->now);
	assert_false(exchanger_blocked(f->s, f->now, &silent));
}

static void test_not_blocked_where_something_answered(void **state)
{
	struct fixture *f = *state;
	unsigned silent = 0;
	peer_heard(join(f, "192.0.2.200"), f->now);
	hear_nothing(f, 1, 50);
	assert_false(exchanger_blocked(f->s, f->now, &silent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit_of_the_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lost_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_ipv6_here, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_equal_questions_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pace, set_up_paced, tear_down_paced),
		cmocka_unit_test_setup_teardown(test_second_tries_count, set_up_paced, tear_down_paced),
		cmocka_unit_test_setup_teardown(test_no_pace_towards_own_servers, set_up_paced, tear_down_paced),
		cmocka_unit_test_setup_teardown(test_blocked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_blocked_where_something_answered, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
