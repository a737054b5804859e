/* presenterwrite.c: the writes of one validation name: what is wanted goes in, what is not needed goes out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "inventory/presenter_priv.h"
#include "inventory/rrwrite.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

enum {
	POLL_MAX_MS = 1000, /* between two looks at the servers: somebody waits */
	ROOM_MS = 2000, /* between two looks whether there is room */
};

static size_t count(const struct target *t, enum value_state s)
{
	const struct value *v;
	size_t n = 0;
	LIST_FOREACH(v, &t->values, link)
	n += v->state == s;
	return n;
}

/* Whether something is to be taken out for its own sake. */
static bool must_remove(const struct target *t)
{
	const struct value *v;
	bool any = false;
	LIST_FOREACH(v, &t->values, link)
	{
		if (v->in_use)
			return false;
		any |= v->state == VALUE_DONE && !v->keep && (!v->left || t->p->sweeping);
	}
	return any && !t->stuck;
}

bool target_busy(const struct target *t)
{
	return t->write || t->committing || count(t, VALUE_WANTED) || must_remove(t);
}

void target_stop(struct target *t)
{
	rrwrite_free(t->write);
	loop_timer_free(t->timer);
	fs_lock_release(&t->slots);
	t->write = NULL;
	t->timer = NULL;
}

/* --- what goes in and out --- */

/* Whether the values that a request wants here are among those to be written now: all or none of them. Those that are
 * there already, from a run before, take no room. */
static size_t missing_for(const struct target *t, const struct presenter_request *r, const struct provider_rrset *held)
{
	const struct value *v;
	size_t n = 0;
	LIST_FOREACH(v, &t->values, link)
	n += v->state == VALUE_WANTED && v->request == r && !provider_rrset_find(held, v->data);
	return n;
}

static void admit(
	struct target *t, const struct presenter_request *r, const struct provider_rrset *held, struct rrwrite_want *w)
{
	struct value *v;
	LIST_FOREACH(v, &t->values, link)
	{
		if (v->state != VALUE_WANTED || v->request != r)
			continue;
		v->way = WAY_IN;
		strv_add(&w->must, v->data);
		if (!provider_rrset_find(held, v->data))
			strv_add(&w->add, v->data);
	}
}

/* Whether the wait for room has lasted so long that the limit no longer counts: a name where others leave their values
 * for ever must not stop us. */
static bool waited_enough(const struct target *t)
{
	return t->full_since && clk_mono(t->p->site->clk) - t->full_since > t->wait_ms;
}

bool target_in_use(const struct target *t)
{
	const struct value *v;
	LIST_FOREACH(v, &t->values, link)
	if (v->in_use && v->state == VALUE_STANDING)
		return true;
	return false;
}

static int no_room(struct target *t, const struct provider_rrset *held, struct err *e)
{
	t->full = true;
	return err_set(e, ERR_BUSY, "%s holds %zu values already, at most %" PRId64 " may stand there", t->owner,
		held->n, t->values_max);
}

static int take_in(struct target *t, const struct provider_rrset *held, struct rrwrite_want *w, struct err *e)
{
	const struct presenter_request *r;
	size_t room = (size_t)t->values_max > held->n - w->del.n ? (size_t)t->values_max - (held->n - w->del.n) : 0;
	size_t missing = 0;
	bool any = false, empty = held->n == w->del.n || waited_enough(t);
	TAILQ_FOREACH(r, &t->p->requests, link)
	missing += missing_for(t, r, held);
	/* The next batch goes when the last one is decided, and not bit by bit. */
	if (missing > room && target_in_use(t))
		return no_room(t, held, e);
	TAILQ_FOREACH(r, &t->p->requests, link)
	{
		size_t n = missing_for(t, r, held);
		if (n > room && (any || !empty))
			continue;
		room -= n < room ? n : room;
		size_t before = w->must.n;
		admit(t, r, held, w);
		any |= w->must.n > before;
	}
	t->full = !any;
	return any || w->del.n ? 0 : no_room(t, held, e);
}

static void tell_ttl(struct presenter *p, const struct target *t, const struct rrwrite_at *at)
{
	if (p->told_ttl || at->ttl <= t->ttl)
		return;
	p->told_ttl = true;
	log_warn("%s: the TTL is %" PRId64 " s, not the %" PRId64
		 " s wished for: %s; a CA that has just seen older values "
		 "there may go on with them for that long",
		t->owner, at->ttl, t->ttl, at->held->n ? "that is what stands there" : "the provider allows no less");
}

static int decide(const struct rrwrite_at *at, unsigned tries, struct rrwrite_want *ret, struct err *e, void *ctx)
{
	struct target *t = ctx;
	struct value *v;
	(void)tries;
	if (provider_caps(at->provider)->rolls)
		return target_roll(t, at, !waited_enough(t), ret, e);
	LIST_FOREACH(v, &t->values, link)
	{
		bool out = v->state == VALUE_DONE && (!v->keep || t->adding);
		v->way = out ? WAY_OUT : WAY_NONE;
		if (out && provider_rrset_find(at->held, v->data))
			strv_add(&ret->del, v->data);
	}
	if (!t->adding)
		return 0;
	tell_ttl(t->p, t, at);
	return take_in(t, at->held, ret, e);
}

/* --- the write and its end --- */

static void looked(size_t serving, size_t of, void *ctx)
{
	const struct target *t = ctx;
	const struct value *v;
	const struct presenter_request *last = NULL;
	AUTO(xfreep) char *text = xasprintf("DNS %s: %zu of %zu servers", t->owner, serving, of);
	LIST_FOREACH(v, &t->values, link)
	{
		if (v->way != WAY_IN || !v->request || v->request == last || !v->request->step)
			continue;
		last = v->request;
		last->step(text, last->ctx);
	}
}

/* The change was made; what was added is served, or not, with *why. What has become of a value meanwhile stays. */
static void settle(struct target *t, const struct err *why)
{
	struct value *next;
	for (struct value *v = LIST_FIRST(&t->values); v; v = next) {
		next = LIST_NEXT(v, link);
		enum value_way way = v->way;
		v->way = WAY_NONE;
		if (way == WAY_IN && v->state == VALUE_WANTED) {
			v->state = VALUE_STANDING;
			value_served(v, why);
		} else if (way == WAY_OUT && v->state == VALUE_DONE) {
			value_gone(t, v);
		}
	}
}

/* Nothing was changed. */
static void unsettle(struct target *t)
{
	struct value *v;
	LIST_FOREACH(v, &t->values, link)
	v->way = WAY_NONE;
}

/* Nothing that is wanted can be written now. */
static void fail_wanted(struct target *t, const struct err *why)
{
	struct value *v;
	struct err e = {0};
	err_copy(&e, why);
	if (e.retry == RETRY_NEVER)
		err_retry(&e, RETRY_LATER, 0);
	unsettle(t);
	LIST_FOREACH(v, &t->values, link)
	{
		if (v->state != VALUE_WANTED)
			continue;
		v->state = VALUE_STANDING;
		value_served(v, &e);
	}
	err_done(&e);
}

static void look_for_room(void *ctx)
{
	struct target *t = ctx;
	t->go = true;
	target_kick(t);
}

static void wait_for_room(struct target *t)
{
	unsettle(t);
	if (!t->full_since)
		t->full_since = clk_mono(t->p->site->clk);
	if (!t->timer)
		t->timer = loop_timer_new(t->p->site->loop, look_for_room, t);
	loop_timer_start(t->timer, ROOM_MS);
}

static void written(const struct rrwrite_report *w, void *ctx)
{
	struct target *t = ctx;
	struct presenter *p = t->p;
	struct err e = {0};
	bool adding = t->adding;
	if (w->e)
		err_copy(&e, w->e);
	if (w->note)
		log_info("%s: %s", t->owner, w->note);
	enum rrwrite_outcome outcome = w->outcome;
	rrwrite_free(t->write);
	t->write = NULL;
	switch (outcome) {
	case RRWRITE_REFUSED:
		if (!t->shut_out || !waited_enough(t)) {
			wait_for_room(t);
			err_done(&e);
			return;
		}
		fail_wanted(t, &e);
		break;
	case RRWRITE_FAILED:
		t->stuck = true;
		unsettle(t);
		if (adding)
			fail_wanted(t, &e);
		else
			log_warn("values of dns-01 at %s could not be removed, the next run tries again: %s", t->owner,
				e.msg);
		break;
	case RRWRITE_NOT_SERVED:
		err_retry(&e, RETRY_LATER, 0);
		settle(t, &e);
		break;
	case RRWRITE_NOTHING:
	case RRWRITE_SERVED:
	case RRWRITE_CHANGED:
		settle(t, NULL);
		break;
	}
	if (!t->full)
		t->full_since = 0;
	t->go = count(t, VALUE_WANTED) > 0; /* what came meanwhile, or had no room, goes next */
	err_done(&e);
	presenter_turn(p);
}

static void start_write(struct target *t, bool adding)
{
	static const struct rrwrite_hooks hooks = {.decide = decide, .looked = looked, .done = written};
	struct err e = {0};
	struct rrwrite_question q = {.site = t->p->site,
		.publisher = t->p->publisher,
		.owner = t->owner,
		.type = PROVIDER_TXT,
		.ttl = t->ttl,
		.verify = adding,
		.lock = true,
		.wait_ms = adding ? t->wait_ms : 0,
		.poll_max_ms = POLL_MAX_MS};
	t->adding = adding;
	t->full = false;
	if (!rrwrite_start(&q, &hooks, t, &t->write, &e))
		return;
	t->stuck = true;
	if (adding)
		fail_wanted(t, &e);
	else
		log_warn("values of dns-01 at %s cannot be removed from here: %s", t->owner, e.msg);
	err_done(&e);
	presenter_turn(t->p);
}

/* What is wanted is in the state now. */
static void committed(const struct err *failed, void *ctx)
{
	struct presenter *p = ctx;
	struct target *t;
	p->pending--;
	if (p->abandoned) {
		if (!p->pending)
			free(p);
		return;
	}
	FAULT("presenter-written-down");
	LIST_FOREACH(t, &p->targets, link)
	{
		if (!t->committing)
			continue;
		t->committing = false;
		if (failed)
			fail_wanted(t, failed);
		else
			start_write(t, true);
	}
}

void target_kick(struct target *t)
{
	struct presenter *p = t->p;
	bool wanted = count(t, VALUE_WANTED) > 0;
	if (t->write || t->committing)
		return;
	if (!target_in_use(t))
		fs_lock_release(&t->slots);
	if (!wanted) {
		t->full_since = 0;
		if (must_remove(t) && !presenter_holds(p))
			start_write(t, false);
		return;
	}
	if (!t->go)
		return;
	t->go = false;
	t->stuck = false;
	t->committing = true;
	p->pending++;
	store_after_commit(p->site->store, committed, p);
	store_hurry(p->site->store);
}
