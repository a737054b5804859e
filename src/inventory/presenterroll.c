/*
 * presenterroll.c: one validation name at a provider that keeps the last values written, whoever wrote them, and lets
 * nobody read or delete them (acme-dns: two). A value is only written when those that an order still needs stay; so one
 * process of this host at a time has values there, from its first write until its orders are decided.
 */
#include "base/log.h"
#include "base/xalloc.h"
#include "inventory/presenter_priv.h"
#include "inventory/rrlock.h"
#include "inventory/rrwrite.h"

static size_t count(const struct target *t, enum value_state state, bool in_use)
{
	const struct value *v;
	size_t n = 0;
	LIST_FOREACH(v, &t->values, link)
	n += v->state == state && v->in_use == in_use;
	return n;
}

/* The values of a request that are to be written. */
static size_t wanted_by(const struct target *t, const struct presenter_request *r)
{
	const struct value *v;
	size_t n = 0;
	LIST_FOREACH(v, &t->values, link)
	n += v->state == VALUE_WANTED && v->request == r;
	return n;
}

static int busy(struct target *t, struct err *e)
{
	t->full = true;
	err_retry(e, RETRY_LATER, 0);
	return -1;
}

static int hold(struct target *t, struct err *e)
{
	AUTO(xfreep) char *name = xasprintf("values at %s", t->owner);
	if (t->slots.fd >= 0 || !rrlock_take(&t->slots, name, e))
		return 0;
	if (e->kind == ERR_BUSY) {
		t->shut_out = true;
		return busy(t, e);
	}
	log_warn("%s; another process that writes to %s now may take our values away", e->msg, t->owner);
	err_done(e);
	return 0;
}

/* More than there is room for at any time. */
static void refuse(struct target *t, const struct presenter_request *r, size_t n, size_t max)
{
	struct err e = {0};
	struct value *v;
	err_set(&e, ERR_POLICY, "%zu values are needed at %s at the same time, and it keeps %zu", n, t->owner, max);
	err_hint(&e, "let each domain have an account of its own, or put fewer names into the certificate");
	err_retry(&e, RETRY_AFTER_OPERATOR, 0);
	LIST_FOREACH(v, &t->values, link)
	{
		if (v->state != VALUE_WANTED || v->request != r)
			continue;
		v->state = VALUE_DONE;
		v->in_use = false;
		v->way = WAY_OUT;
		value_served(v, &e);
	}
	err_done(&e);
}

/* What goes out needs no write: it is only forgotten. */
static void sort_out(struct target *t, size_t max)
{
	const struct presenter_request *r;
	struct value *v;
	LIST_FOREACH(v, &t->values, link)
	v->way = v->state == VALUE_DONE ? WAY_OUT : WAY_NONE;
	TAILQ_FOREACH(r, &t->p->requests, link)
	{
		size_t n = t->adding ? wanted_by(t, r) : 0;
		if (n > max)
			refuse(t, r, n, max);
	}
}

/* Whole requests, in their order. Says how much room is left; false: somebody waits, and there is none. */
static bool admit(struct target *t, size_t *room)
{
	const struct presenter_request *r;
	struct value *v;
	bool any = false;
	TAILQ_FOREACH(r, &t->p->requests, link)
	{
		size_t n = wanted_by(t, r);
		if (n > *room)
			return any;
		*room -= n;
		any |= n > 0;
		LIST_FOREACH(v, &t->values, link)
		if (v->state == VALUE_WANTED && v->request == r)
			v->way = WAY_IN;
	}
	return true;
}

/* At most `most` of the values that stand, needed or not, or those that go in. */
static void put(const struct target *t, enum value_way way, bool in_use, size_t most, struct rrwrite_want *w)
{
	const struct value *v;
	LIST_FOREACH(v, &t->values, link)
	{
		bool it = way == WAY_IN ? v->way == WAY_IN : v->state == VALUE_STANDING && v->in_use == in_use;
		if (!it || !most)
			continue;
		most--;
		strv_add(&w->add, v->data);
		strv_add(&w->must, v->data);
	}
}

int target_roll(struct target *t, const struct rrwrite_at *at, bool patient, struct rrwrite_want *ret, struct err *e)
{
	size_t max = provider_caps(at->provider)->values_max;
	t->shut_out = false;
	sort_out(t, max);
	if (!t->adding)
		return 0;
	if (hold(t, e))
		return -1;
	size_t needed = count(t, VALUE_STANDING, true), parked = count(t, VALUE_STANDING, false);
	size_t room = needed < max ? max - needed : 0;
	/* An order that was left for a later run may still be looked at by its CA. */
	size_t spared = patient ? (parked < room ? parked : room) : 0;
	room -= spared;
	if (!admit(t, &room)) {
		err_set(e, ERR_BUSY, "%s keeps %zu values, and orders need what is there", t->owner, max);
		return busy(t, e);
	}
	put(t, WAY_NONE, true, max, ret);
	put(t, WAY_NONE, false, patient ? spared : room, ret);
	put(t, WAY_IN, true, max, ret);
	t->full = false;
	return 0;
}
