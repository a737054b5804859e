/* test_installer.c: certificates put in place by the loop's workers: who is told, and what is left when the loop goes.
 */
#include <string.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "state/certfiles.h"
#include "state/installer.h"
#include "support/scratch.h"

enum { N = 100 };

struct told {
	int good, bad;
	struct installer *again; /* one more is put from inside the first callback */
	struct loop *stop;
};

static void put(struct installer *in, const char *name, int64_t generation, struct told *t);

static void on_done(const struct err *e, void *ctx)
{
	struct told *t = ctx;
	if (e->kind)
		t->bad++;
	else
		t->good++;
	if (t->again)
		put(TAKE(t->again), "again", 1, t);
	if (t->stop)
		loop_stop(t->stop);
}

static void put(struct installer *in, const char *name, int64_t generation, struct told *t)
{
	AUTO(secret_done) struct secret key = secret_dup("key\n", 4);
	installer_put(in,
		&(struct installer_set){.name = name,
			.generation = generation,
			.key_pem = &key,
			.cert_pem = "cert\n",
			.chain_pem = "chain\n",
			.fullchain_pem = "cert\nchain\n"},
		on_done, t);
}

static void test_many(void **state)
{
	struct err e = {0};
	struct loop *l;
	must(loop_new(clk_real(), &l, &e), &e);
	struct installer *in = installer_new(l, *state, 1);
	struct told t = {.again = in};
	for (int64_t generation = 1; generation < 4; generation++) {
		for (int i = 0; i < N; i++) {
			AUTO(xfreep) char *name = xasprintf("c%d", i);
			put(in, name, generation, &t);
		}
		put(in, ".bad", generation, &t);
		must(loop_run(l, &e), &e);
		assert_int_equal(t.good, N * generation + 1);
		assert_int_equal(t.bad, generation);
	}
	for (int i = 0; i < N; i++) {
		AUTO(xfreep) char *name = xasprintf("c%d", i);
		AUTO(xfreep) char *first = xasprintf("%s/archive/c%d/1", (char *)*state, i);
		AUTO(xfreep) char *second = xasprintf("%s/archive/c%d/2", (char *)*state, i);
		int64_t n;
		must(certfiles_live_generation(*state, name, &n, &e), &e);
		assert_int_equal(n, 3);
		assert_true(fs_exists(second));
		assert_false(fs_exists(first));
	}
	installer_stop(in);
	loop_free(l);
	installer_free(in);
}

/* The loop ends while some are at work and others wait: each is told once, and nothing is left over. */
static void test_the_loop_goes(void **state)
{
	struct err e = {0};
	struct loop *l;
	must(loop_new(clk_real(), &l, &e), &e);
	struct installer *in = installer_new(l, *state, 1);
	struct told t = {.stop = l};
	put(in, "first", 1, &t);
	must(loop_run(l, &e), &e);
	assert_int_equal(t.good, 1);
	for (int i = 0; i < N; i++) {
		AUTO(xfreep) char *name = xasprintf("c%d", i);
		put(in, name, 1, &t);
	}
	must(loop_run(l, &e), &e);
	put(in, "last", 1, &t);
	t.stop = NULL;
	installer_stop(in);
	loop_free(l);
	installer_free(in);
	assert_true(t.good > 1 && t.good <= N);
	assert_int_equal(t.good + t.bad, N + 2);
	installer_stop(NULL);
	installer_free(NULL);
}

struct hurry {
	struct installer *in;
	struct told *t;
	bool late; /* it was in place before its patience ended */
};

static void end_patience(void *ctx)
{
	struct hurry *h = ctx;
	h->late = h->t->good > 0;
	installer_set_patience(h->in, 0);
}

/* They wait for company as long as they were told to, or until there is enough of it. */
static void test_patience(void **state)
{
	struct err e = {0};
	struct loop *l;
	must(loop_new(clk_real(), &l, &e), &e);
	struct installer *in = installer_new(l, *state, 1);
	struct told t = {0};
	struct hurry h = {.in = in, .t = &t};
	struct loop_timer *timer = loop_timer_new(l, end_patience, &h);
	installer_set_patience(in, 3600 * 1000);
	put(in, "alone", 1, &t);
	loop_timer_start(timer, 50);
	must(loop_run(l, &e), &e);
	assert_false(h.late);
	assert_int_equal(t.good, 1);
	installer_set_patience(in, 1);
	put(in, "soon", 1, &t);
	must(loop_run(l, &e), &e);
	assert_int_equal(t.good, 2);
	installer_set_patience(in, 3600 * 1000);
	for (int i = 0; i < N; i++) {
		AUTO(xfreep) char *name = xasprintf("c%d", i);
		put(in, name, 1, &t);
	}
	t.stop = l;
	must(loop_run(l, &e), &e);
	assert_in_range(t.good, 3, N);
	t.stop = NULL;
	installer_set_patience(in, 0);
	must(loop_run(l, &e), &e);
	assert_int_equal(t.good, N + 2);
	assert_int_equal(t.bad, 0);
	installer_set_patience(NULL, 1);
	loop_timer_free(timer);
	installer_stop(in);
	loop_free(l);
	installer_free(in);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many),
		TEST(test_the_loop_goes),
		TEST(test_patience),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
