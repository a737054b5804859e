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

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/exchange_priv.h"

enum { PER_SERVER = 12, MANY = 64 };

struct fixture {
	struct exchanger *s;
	struct exchange *x[1024];
	size_t n;
	int64_t now;
};

static int64_t started_at;

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
	f->s = exchanger_new(NULL, 2000, PER_SERVER);
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
	char name[] = "_v.example.test";
	struct exchange *x = join(f, "192.0.2.1");
	x->name = name;
	x->type = MESSAGE_TXT;
	assert_ptr_equal(peer_find(x->peer, "_v.example.test", MESSAGE_TXT, 0), x);
	assert_null(peer_find(x->peer, "_v.example.test", MESSAGE_A, 0));
	assert_null(peer_find(x->peer, "_v.example.test", MESSAGE_TXT, EXCHANGE_RD));
	assert_null(peer_find(x->peer, "example.test", MESSAGE_TXT, 0));
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
