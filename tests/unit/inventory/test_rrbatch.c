/* test_rrbatch.c: who goes together in a call of a provider, and what one does to the others in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/rrbatch.h"
#include "loop/loop.h"
#include "provider/driver.h"

enum { CALLS_MAX = 32, MANY = 12 };

/* A provider whose answers go by the names of what is to be changed. */
struct fake {
	struct provider p; /* first */
	char calls[CALLS_MAX][64]; /* the first letters of the names in each */
	size_t n_calls, syncs;
	unsigned losing; /* so many calls with an 'l' in them are lost */
	struct provider_op *held; /* a call that is not answered yet */
	bool hold;
};

static void fake_free(struct provider *p)
{
	(void)p;
}

static void answer(struct fake *f, struct provider_op *op, const char *names)
{
	struct err e = {0};
	bool lost = strchr(names, 'l') && f->losing;
	f->losing -= lost;
	if (strchr(names, 'b'))
		provider_err(&e, &f->p, PROVIDER_POLICY, "not %s", names);
	else if (strchr(names, 'd'))
		err_set(&e, ERR_NET, "down");
	else if (strchr(names, 'k'))
		provider_err(&e, &f->p, PROVIDER_KEY, "bad key");
	for (size_t i = 0; i < op->n && !err_is(&e); i++) {
		bool refused = op->changes[i].name[0] == 'p';
		op->results[i].outcome = lost ? PROVIDER_LOST : refused ? PROVIDER_FAILED : PROVIDER_CHANGED;
		op->results[i].ticket = lost || refused ? NULL : xstrdup("ticket");
	}
	if (!err_is(&e) && strchr(names, 'p')) /* the others are done */
		provider_err(&e, &f->p, PROVIDER_IGNORED, "p");
	if (err_is(&e))
		provider_op_fail(op, &e);
	else
		provider_op_changed(op);
}

static void fake_change(struct provider *p, struct provider_op *op)
{
	struct fake *f = (struct fake *)p;
	char *names = f->calls[f->n_calls++];
	assert_true(f->n_calls < CALLS_MAX);
	for (size_t i = 0; i < op->n; i++)
		names[i] = op->changes[i].name[0];
	if (f->hold)
		f->held = op;
	else
		answer(f, op, names);
}

static void fake_sync(struct provider *p, struct provider_op *op)
{
	((struct fake *)p)->syncs++;
	provider_op_synced(op);
}

static const struct provider_driver driver = {
	.type = "fake", .title = "", .free = fake_free, .change = fake_change, .sync = fake_sync};

struct one {
	struct test *t;
	struct rrmember *m;
	char name[8];
	struct provider_rrset expect;
	enum provider_outcome outcome;
	bool failed; /* with an error */
	unsigned ends, lost, lost_alone;
	bool synced;
};

struct test {
	int64_t now; /* ms */
	struct clk clk;
	struct loop *l;
	struct rrbatch *b;
	struct config_provider conf;
	struct fake f;
	struct one ones[MANY];
	size_t n;
	bool refuse; /* to send */
	unsigned sends;
};

static char zone_name[] = "example.com", other_name[] = "example.net", no_id[] = "", edge[] = "edge", fake[] = "fake";
static const struct provider_zone zone = {zone_name, no_id}, other = {other_name, no_id};
static struct strv value = {0};

static void change_it(struct one *o)
{
	struct provider_change c = {
		.name = o->name, .type = PROVIDER_TXT, .ttl = 60, .add = &value, .expect = &o->expect};
	rrmember_change(o->m, &c);
}

static void changed(const struct provider_result *r, const struct err *e, bool alone, void *ctx)
{
	struct one *o = ctx;
	if (r && r->outcome == PROVIDER_LOST) {
		o->lost++;
		o->lost_alone += alone;
		rrmember_reads(o->m, &o->t->f.p, &zone);
		change_it(o);
		return;
	}
	o->ends++;
	o->outcome = r ? r->outcome : PROVIDER_FAILED;
	o->failed = err_is(e);
	if (r && r->ticket)
		rrmember_sync(o->m, r->ticket);
}

static void synced(const struct err *e, void *ctx)
{
	struct one *o = ctx;
	assert_false(err_is(e));
	o->synced = true;
}

static int64_t now(void *ctx)
{
	return ((struct test *)ctx)->now;
}

static void pass(void *ctx, int64_t ms)
{
	((struct test *)ctx)->now += ms;
}

static void start(struct test *t, size_t batch)
{
	struct err e = {0};
	*t = (struct test){.conf = {.name = edge, .type = fake}};
	t->clk = (struct clk){now, now, t};
	assert_int_equal(loop_new(&t->clk, &t->l, &e), 0);
	loop_set_skip(t->l, pass, t);
	provider_init(&t->f.p, &driver, t->l, &t->conf);
	t->f.p.caps = (struct provider_caps){.batch = batch};
	t->b = rrbatch_new(t->l);
	strv_add(&value, "\"x\"");
}

static void stop(struct test *t)
{
	for (size_t i = 0; i < t->n; i++) {
		rrmember_free(t->ones[i].m);
		provider_rrset_done(&t->ones[i].expect);
	}
	rrbatch_free(t->b);
	provider_free(&t->f.p);
	loop_free(t->l);
	strv_done(&value);
}

static struct one *come(struct test *t, char letter)
{
	static const struct rrmember_hooks hooks = {.changed = changed, .synced = synced};
	struct one *o = &t->ones[t->n++];
	*o = (struct one){.t = t};
	snprintf(o->name, sizeof(o->name), "%c%zu", letter, t->n);
	provider_rrset_init(&o->expect, o->name, PROVIDER_TXT);
	o->m = rrmember_new(t->b, &hooks, o);
	return o;
}

static void read_it(struct one *o)
{
	rrmember_reads(o->m, &o->t->f.p, &zone);
}

static void run(struct test *t)
{
	struct err e = {0};
	assert_int_equal(loop_run(t->l, &e), 0);
}

static void stop_now(void *ctx)
{
	loop_stop(ctx);
}

/* A short time, in which nobody is given up. */
static void turn(struct test *t)
{
	struct loop_timer *timer = loop_timer_new(t->l, stop_now, t->l);
	loop_timer_start(timer, 10);
	run(t);
	loop_timer_free(timer);
}

/* One for each letter comes, all read, all change. */
static void all_change(struct test *t, const char *letters)
{
	for (const char *p = letters; *p; p++)
		come(t, *p);
	for (size_t i = 0; i < t->n; i++)
		read_it(&t->ones[i]);
	for (size_t i = 0; i < t->n; i++)
		change_it(&t->ones[i]);
	run(t);
}

static void together(void **state)
{
	static const struct {
		const char *what;
		size_t batch;
		unsigned losing;
		const char *come;
		const char *calls; /* with a blank between */
		const char *failed; /* letters of those that end so */
	} table[] = {
		{"all in one", 4, 0, "uvw", "uvw", ""},
		{"as many as go", 4, 0, "uvwxyz", "uvwx yz", ""},
		{"one by one where the provider takes one", 1, 0, "uvw", "u v w", ""},
		{"one that is refused fails alone", 8, 0, "uvbw", "uvbw uv bw b w", "b"},
		{"also in the odd half", 8, 0, "uvb", "uvb u v b", "b"},
		{"alone it is not tried again", 8, 0, "b", "b", "b"},
		{"what one of a call was refused, the others keep", 8, 0, "uvpw", "uvpw p", "p"},
		{"a server that is down is not asked for each", 8, 0, "uvdw", "uvdw", "uvdw"},
		{"nor one that does not know the key", 8, 0, "uvkw", "uvkw", "uvkw"},
		{"a race that was lost once", 8, 1, "uvlw", "uvlw uv lw", ""},
		{"one that is always lost goes alone", 8, 4, "uvlw", "uvlw uv lw l w l l", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		char calls[256] = "";
		start(&t, table[i].batch);
		t.f.losing = table[i].losing;
		all_change(&t, table[i].come);
		for (size_t k = 0; k < t.f.n_calls; k++) {
			size_t n = strlen(calls);
			snprintf(calls + n, sizeof(calls) - n, "%s%s", k ? " " : "", t.f.calls[k]);
		}
		if (strcmp(calls, table[i].calls) != 0)
			fail_msg("%s: %s instead of %s", table[i].what, calls, table[i].calls);
		for (size_t k = 0; k < t.n; k++) {
			const struct one *o = &t.ones[k];
			bool failed = strchr(table[i].failed, o->name[0]) != NULL;
			assert_int_equal(o->ends, 1);
			assert_int_equal(o->outcome, failed ? PROVIDER_FAILED : PROVIDER_CHANGED);
			assert_int_equal(o->failed, failed);
			assert_int_equal(o->synced, !failed);
			assert_true(o->lost_alone <= 2);
		}
		stop(&t);
	}
}

/* Nobody goes without one who still searches or reads, but for one who is away. */
static void waited_for(void **state)
{
	struct test t;
	(void)state;
	start(&t, 8);
	struct one *u = come(&t, 'u'), *v = come(&t, 'v'), *w = come(&t, 'w'), *x = come(&t, 'x');
	t.f.hold = true;
	read_it(u);
	read_it(v);
	rrmember_away(w->m);
	change_it(u);
	turn(&t);
	assert_int_equal(t.f.n_calls, 0);
	rrmember_free(x->m); /* it was still searching */
	x->m = NULL;
	change_it(v);
	turn(&t);
	assert_string_equal(t.f.calls[0], "uv");
	/* What comes while a call is under way goes with the next. */
	read_it(w);
	change_it(w);
	turn(&t);
	assert_int_equal(t.f.n_calls, 1);
	t.f.hold = false;
	rrmember_free(u->m);
	u->m = NULL;
	answer(&t.f, t.f.held, t.f.calls[0]);
	run(&t);
	assert_string_equal(t.f.calls[1], "w");
	assert_int_equal(v->outcome, PROVIDER_CHANGED);
	assert_true(v->synced && w->synced);
	stop(&t);
}

/* One that never comes holds nobody up for long, and those of another zone not at all. */
static void not_for_ever(void **state)
{
	struct test t;
	(void)state;
	start(&t, 8);
	struct one *u = come(&t, 'u'), *v = come(&t, 'v');
	rrmember_reads(u->m, &t.f.p, &other);
	read_it(v);
	change_it(v);
	turn(&t);
	assert_string_equal(t.f.calls[0], "v");
	struct one *w = come(&t, 'w');
	rrmember_reads(w->m, &t.f.p, &other);
	change_it(w);
	int64_t since = t.now;
	run(&t);
	assert_true(t.now > since);
	assert_string_equal(t.f.calls[1], "w");
	assert_int_equal(u->ends, 0);
	stop(&t);
}

static void waits_together(void **state)
{
	struct test t;
	(void)state;
	start(&t, 8);
	all_change(&t, "uvw");
	assert_int_equal(t.f.syncs, 1);
	stop(&t);
}

static int may_send(void *ctx)
{
	struct test *t = ctx;
	t->sends++;
	return t->refuse ? -1 : 0;
}

static void nothing_is_sent_against_the_will(void **state)
{
	struct test t;
	(void)state;
	for (int refuse = 0; refuse < 2; refuse++) {
		start(&t, 2);
		rrbatch_on_send(t.b, may_send, &t);
		t.refuse = refuse;
		for (const char *p = "uvw"; *p; p++)
			read_it(come(&t, *p));
		for (size_t i = 0; i < t.n; i++)
			change_it(&t.ones[i]);
		turn(&t);
		assert_int_equal(t.f.n_calls, refuse ? 0 : 2);
		assert_true(refuse ? t.sends >= 1 : t.sends == 2);
		stop(&t);
	}
}

/* What is freed while it is sent is not told, and its call ends when nobody is left. */
static void gone_meanwhile(void **state)
{
	struct test t;
	(void)state;
	start(&t, 8);
	t.f.hold = true;
	for (const char *p = "uv"; *p; p++)
		read_it(come(&t, *p));
	for (size_t i = 0; i < t.n; i++)
		change_it(&t.ones[i]);
	turn(&t);
	assert_int_equal(t.f.n_calls, 1);
	for (size_t i = 0; i < t.n; i++) {
		rrmember_free(t.ones[i].m);
		t.ones[i].m = NULL;
	}
	t.f.hold = false;
	struct one *w = come(&t, 'w');
	read_it(w);
	change_it(w);
	run(&t);
	assert_int_equal(w->outcome, PROVIDER_CHANGED);
	assert_int_equal(t.ones[0].ends + t.ones[1].ends, 0);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together),
		cmocka_unit_test(waited_for),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(waits_together),
		cmocka_unit_test(nothing_is_sent_against_the_will),
		cmocka_unit_test(gone_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
