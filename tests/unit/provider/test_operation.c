/* test_operation.c: what all drivers share, with a driver in memory: zones found once, changes sorted out, one end
 * each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/driver.h"
#include "provider/rdata.h"

enum { OPS_MAX = 16 };

static char edge[] = "edge", fake[] = "fake", apex[] = "example.com", id[] = "id";

struct fake {
	struct provider p;
	const char *const *zones; /* NULL at the end */
	unsigned asked; /* questions about zones */
	size_t changes; /* that came to the driver */
	struct provider_op *held[OPS_MAX]; /* asked, not answered yet */
	size_t n_held;
	enum provider_cause fail; /* 0: all is well */
	enum provider_cause fail_list;
	unsigned dropped;
};

struct test {
	struct loop *l;
	struct config_provider conf;
	struct fake f;
	/* of the ends */
	size_t ends;
	char zone[64];
	struct provider_result results[OPS_MAX];
	size_t n_results;
	struct err e;
};

static void fake_free(struct provider *p)
{
	(void)p;
}

static void fake_has_zone(struct provider *p, struct provider_op *op)
{
	struct fake *f = (struct fake *)p;
	f->asked++;
	f->held[f->n_held++] = op;
}

static void fake_list(struct provider *p, struct provider_op *op)
{
	struct fake *f = (struct fake *)p;
	f->asked++;
	f->held[f->n_held++] = op;
}

static void fake_change(struct provider *p, struct provider_op *op)
{
	struct fake *f = (struct fake *)p;
	f->changes += op->n;
	for (size_t i = 0; i < op->n; i++) {
		op->results[i].outcome = PROVIDER_CHANGED;
		provider_change_wanted(&op->changes[i], &op->results[i].after);
	}
	provider_op_changed(op);
}

static void fake_drop(struct provider *p, struct provider_op *op)
{
	(void)op;
	((struct fake *)p)->dropped++;
}

static const struct provider_driver walker = {.type = "fake",
	.title = "",
	.free = fake_free,
	.has_zone = fake_has_zone,
	.change = fake_change,
	.drop = fake_drop};
static const struct provider_driver lister = {
	.type = "fake", .title = "", .free = fake_free, .list_zones = fake_list, .change = fake_change};

static const struct provider_driver both = {.type = "fake",
	.title = "",
	.free = fake_free,
	.has_zone = fake_has_zone,
	.list_zones = fake_list,
	.change = fake_change};

static const char *const two_zones[] = {"example.com", "sub.example.com", NULL};

static void start(struct test *t, const struct provider_driver *d)
{
	struct err e = {0};
	*t = (struct test){.conf = {.name = edge, .type = fake}};
	assert_int_equal(loop_new(clk_real(), &t->l, &e), 0);
	provider_init(&t->f.p, d, t->l, &t->conf);
	t->f.p.caps = (struct provider_caps){
		.batch = 3, .values_max = 3, .value_max = 300, .ttl_min = 60, .types = PROVIDER_CAN_CNAME};
	t->f.zones = two_zones;
}

static void stop(struct test *t)
{
	provider_free(&t->f.p);
	loop_free(t->l);
	strv_done(&t->conf.zones);
	for (size_t i = 0; i < t->n_results; i++)
		provider_rrset_done(&t->results[i].after);
	err_done(&t->e);
}

/* The provider answers all questions that wait. */
static void answer(struct test *t)
{
	struct fake *f = &t->f;
	struct provider_op *ops[OPS_MAX];
	size_t n = f->n_held;
	memcpy(ops, f->held, sizeof(ops));
	f->n_held = 0;
	for (size_t i = 0; i < n; i++) {
		bool has = false, list = !ops[i]->candidate;
		struct err e = {0};
		if (f->fail || (list && f->fail_list)) {
			provider_err(&e, &f->p, f->fail ? f->fail : f->fail_list, "no");
			provider_op_fail(ops[i], &e);
			continue;
		}
		for (size_t k = 0; f->zones[k]; k++) {
			if (list)
				provider_op_list(ops[i], f->zones[k], "id");
			else
				has = has || !strcmp(f->zones[k], ops[i]->candidate);
		}
		if (list)
			provider_op_listed(ops[i]);
		else
			provider_op_zone(ops[i], has ? ops[i]->candidate : NULL, has ? "id" : NULL);
	}
}

static void run(struct test *t)
{
	struct err e = {0};
	while (t->f.n_held)
		answer(t);
	assert_int_equal(loop_run(t->l, &e), 0);
}

static void on_zone(const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct test *t = ctx;
	t->ends++;
	snprintf(t->zone, sizeof(t->zone), "%s", z ? z->name : "");
	err_copy(&t->e, e);
	assert_int_equal(z == NULL, err_is(e));
}

static void zones_are_asked_once(void **state)
{
	static const struct {
		const char *name, *zone;
		unsigned asked; /* more questions than before */
	} table[] = {
		{"_v.www.example.com", "example.com", 3},
		{"_v.www.example.com", "example.com", 0},
		{"_v.mail.example.com", "example.com", 2},
		{"_v.www.sub.example.com", "sub.example.com", 3},
		{"sub.example.com", "sub.example.com", 0},
		{"_v.example.org", "", 3},
		{"example.org", "", 0},
	};
	struct test t;
	(void)state;
	start(&t, &walker);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		unsigned before = t.f.asked;
		provider_find_zone(&t.f.p, table[i].name, on_zone, &t);
		run(&t);
		assert_int_equal(t.ends, i + 1);
		assert_string_equal(t.zone, table[i].zone);
		assert_int_equal(t.f.asked - before, table[i].asked);
		assert_int_equal(provider_cause(&t.e), table[i].zone[0] ? 0 : PROVIDER_NO_ZONE);
	}
	assert_int_equal(t.f.dropped, ARRAY_LEN(table));
	stop(&t);
}

static void many_at_once(void **state)
{
	struct test t;
	(void)state;
	start(&t, &walker);
	for (int i = 0; i < 5; i++)
		provider_find_zone(&t.f.p, "_v.www.example.com", on_zone, &t);
	run(&t);
	assert_int_equal(t.ends, 5);
	assert_int_equal(t.f.asked, 3);
	/* The one that asks goes away: another asks in its place. */
	struct provider_op *gone = provider_find_zone(&t.f.p, "a.example.net", on_zone, &t);
	provider_find_zone(&t.f.p, "a.example.net", on_zone, &t);
	assert_int_equal(t.f.n_held, 1);
	t.f.n_held = 0;
	provider_cancel(gone);
	assert_int_equal(t.f.n_held, 1);
	run(&t);
	assert_int_equal(t.ends, 6);
	/* A failure is told to all that waited, and asked again by the next. */
	t.f.fail = PROVIDER_KEY;
	for (int i = 0; i < 3; i++)
		provider_find_zone(&t.f.p, "b.example.net", on_zone, &t);
	assert_int_equal(t.f.n_held, 1);
	run(&t);
	assert_int_equal(t.ends, 9);
	assert_int_equal(provider_cause(&t.e), PROVIDER_KEY);
	stop(&t);
}

static void listed(void **state)
{
	struct test t;
	(void)state;
	start(&t, &lister);
	provider_find_zone(&t.f.p, "_v.www.sub.example.com", on_zone, &t);
	provider_find_zone(&t.f.p, "_v.www.example.com", on_zone, &t);
	run(&t);
	assert_int_equal(t.ends, 2);
	provider_find_zone(&t.f.p, "_v.www.example.org", on_zone, &t);
	run(&t);
	assert_int_equal(t.f.asked, 1);
	assert_int_equal(provider_cause(&t.e), PROVIDER_NO_ZONE);
	stop(&t);
}

/* A list is one question for all names; where it cannot be had, the zones that the configuration names are asked for.
 */
static void list_or_each(void **state)
{
	static const struct {
		enum provider_cause fail_list;
		bool zones;
		unsigned asked;
		enum provider_cause cause;
	} table[] = {
		{0, false, 1, 0},
		{0, true, 1, 0},
		{PROVIDER_POLICY, true, 3, 0},
		{PROVIDER_SIZE, true, 3, 0},
		{PROVIDER_POLICY, false, 1, PROVIDER_POLICY},
		{PROVIDER_KEY, true, 1, PROVIDER_KEY},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		start(&t, &both);
		t.f.fail_list = table[i].fail_list;
		if (table[i].zones)
			strv_add(&t.conf.zones, "example.com");
		provider_find_zone(&t.f.p, "_v.example.com", on_zone, &t);
		provider_find_zone(&t.f.p, "_v.example.com", on_zone, &t);
		run(&t);
		assert_int_equal(t.ends, 2);
		assert_int_equal(t.f.asked, table[i].asked);
		assert_int_equal(provider_cause(&t.e), table[i].cause);
		assert_string_equal(t.zone, table[i].cause ? "" : "example.com");
		stop(&t);
	}
}

/* The configuration gives the provider some zones: others are not asked for. */
static void only_some_zones(void **state)
{
	struct test t;
	(void)state;
	start(&t, &walker);
	strv_add(&t.conf.zones, "sub.example.com");
	provider_find_zone(&t.f.p, "_v.www.example.com", on_zone, &t);
	run(&t);
	assert_int_equal(t.f.asked, 0);
	assert_int_equal(provider_cause(&t.e), PROVIDER_NO_ZONE);
	provider_find_zone(&t.f.p, "x.sub.example.com", on_zone, &t);
	run(&t);
	assert_string_equal(t.zone, "sub.example.com");
	assert_int_equal(t.f.asked, 2);
	stop(&t);
}

/* --- changes --- */

static void on_change(const struct provider_result *r, size_t n, const struct err *e, void *ctx)
{
	struct test *t = ctx;
	t->ends++;
	for (size_t i = 0; i < t->n_results; i++)
		provider_rrset_done(&t->results[i].after);
	t->n_results = n;
	for (size_t i = 0; i < n; i++) {
		t->results[i].outcome = r[i].outcome;
		provider_rrset_copy(&t->results[i].after, &r[i].after);
	}
	err_copy(&t->e, e);
}

static void set(struct provider_rrset *s, const char *name, int64_t ttl, const char *values)
{
	provider_rrset_init(s, name, PROVIDER_TXT);
	for (const char *p = values; *p; p++) {
		char text[] = {'"', *p, '"', '\0'};
		provider_rrset_add(s, text, "id", NULL);
	}
	s->ttl = s->n ? ttl : 0;
}

static void list(struct strv *v, const char *values)
{
	*v = (struct strv){0};
	for (const char *p = values; *p; p++) {
		char text[] = {'"', *p, '"', '\0'};
		strv_add(v, text);
	}
}

static void what_changes_make(void **state)
{
	static const struct {
		const char *have, *add, *del;
		int64_t ttl;
		enum provider_outcome outcome;
		const char *after; /* first letters of the values; NULL: refused */
	} table[] = {
		{"", "a", "", 300, PROVIDER_CHANGED, "a"},
		{"b", "a", "", 300, PROVIDER_CHANGED, "ba"},
		{"ab", "", "a", 300, PROVIDER_CHANGED, "b"},
		{"a", "", "a", 300, PROVIDER_CHANGED, ""},
		{"a", "a", "", 300, PROVIDER_UNCHANGED, "a"},
		{"a", "", "x", 300, PROVIDER_UNCHANGED, "a"},
		{"ab", "c", "a", 300, PROVIDER_CHANGED, "bc"},
		{"a", "a", "a", 300, PROVIDER_UNCHANGED, "a"},
		{"a", "a", "", 600, PROVIDER_CHANGED, "a"},
		{"abc", "d", "", 300, PROVIDER_FAILED, NULL},
		{"", "a", "", 30, PROVIDER_FAILED, NULL},
	};
	struct provider_zone z = {.name = apex, .id = id};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		struct provider_rrset have;
		struct strv add, del;
		start(&t, &walker);
		set(&have, "www.example.com", 300, table[i].have);
		list(&add, table[i].add);
		list(&del, table[i].del);
		struct provider_change c = {"www.example.com", PROVIDER_TXT, table[i].ttl, &add, &del, &have, NULL};
		provider_change(&t.f.p, &z, &c, 1, on_change, &t);
		provider_rrset_done(&have);
		strv_done(&add);
		strv_done(&del);
		assert_int_equal(t.ends, 0);
		run(&t);
		assert_int_equal(t.ends, 1);
		assert_int_equal(t.results[0].outcome, table[i].outcome);
		assert_int_equal(t.f.changes, table[i].outcome == PROVIDER_CHANGED);
		assert_int_equal(provider_cause(&t.e), table[i].after ? 0 : PROVIDER_SIZE);
		for (size_t k = 0; table[i].after && k <= strlen(table[i].after); k++) {
			assert_int_equal(t.results[0].after.n, strlen(table[i].after));
			if (table[i].after[k])
				assert_int_equal(t.results[0].after.values[k].data[1], table[i].after[k]);
		}
		stop(&t);
	}
}

/* In a batch those that have nothing to do are answered here, the others by the driver, each in its place. */
static void a_batch(void **state)
{
	struct provider_zone z = {.name = apex, .id = id};
	struct provider_rrset have[3];
	struct strv a, none = {0};
	struct test t;
	(void)state;
	start(&t, &walker);
	list(&a, "a");
	set(&have[0], "0.example.com", 300, "");
	set(&have[1], "1.example.com", 300, "a");
	set(&have[2], "2.example.com", 300, "b");
	struct provider_change c[3];
	for (size_t i = 0; i < 3; i++)
		c[i] = (struct provider_change){have[i].name, PROVIDER_TXT, 300, &a, &none, &have[i], NULL};
	provider_change(&t.f.p, &z, c, 3, on_change, &t);
	run(&t);
	assert_int_equal(t.f.changes, 2);
	assert_int_equal(t.results[0].outcome, PROVIDER_CHANGED);
	assert_int_equal(t.results[1].outcome, PROVIDER_UNCHANGED);
	assert_int_equal(t.results[2].outcome, PROVIDER_CHANGED);
	assert_string_equal(t.results[2].after.name, "2.example.com");
	for (size_t i = 0; i < 3; i++)
		provider_rrset_done(&have[i]);
	strv_done(&a);
	stop(&t);
}

static void lifetimes(void **state)
{
	static const int64_t steps[] = {300, 3600, 86400, 0};
	static const struct {
		struct provider_caps c;
		int64_t wanted, ttl;
	} table[] = {
		{{.ttl_min = 0}, 60, 60},
		{{.ttl_min = 600}, 60, 600},
		{{.ttl_min = 60, .ttl_max = 3600}, 86400, 3600},
		{{.ttl_steps = steps}, 1, 300},
		{{.ttl_steps = steps}, 301, 3600},
		{{.ttl_steps = steps}, 999999, 86400},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(provider_ttl(&table[i].c, table[i].wanted), table[i].ttl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_are_asked_once),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(listed),
		cmocka_unit_test(list_or_each),
		cmocka_unit_test(only_some_zones),
		cmocka_unit_test(what_changes_make),
		cmocka_unit_test(a_batch),
		cmocka_unit_test(lifetimes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
