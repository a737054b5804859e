/*
 * rfc2136_change.c: updates. Many RRsets go in one message, which is done whole or not at all: each has its
 * prerequisites in it, and is read back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/update.h"
#include "loop/loop.h"
#include "provider/rdata.h"
#include "provider/rfc2136_internal.h"

enum {
	VERIFY_TRIES = 4, /* a secondary that passes updates on has them a little later */
	VERIFY_MS = 300, /* doubles */
};

/* The work on one operation: its RRsets are looked at one after the other, as the connection has it. */
struct rfc2136_work {
	struct lookup l;
	struct provider_op *op;
	struct loop_timer *timer;
	size_t at; /* the RRset that is looked at */
	unsigned tries;
	bool name_in_use; /* the prerequisite that did not hold: nothing at the name */
	struct err failed; /* of the first that failed */
	char what[300];
};

void rfc2136_change_drop(struct rfc2136_work *w)
{
	rfc2136_lookup_done(&w->l);
	loop_timer_free(w->timer);
	err_done(&w->failed);
	free(w);
}

/* --- what came of it --- */

static void look(struct rfc2136_work *w)
{
	const struct provider_change *c = &w->op->changes[w->at];
	snprintf(w->what, sizeof(w->what), "update %.200s %s", c->name, provider_type_name(c->type));
	rfc2136_look(&w->l, c->name, c->type);
}

static void on_verify_timer(void *ctx)
{
	look(ctx);
}

/* The RRset that was looked at has its outcome; the next one. */
static void settled(struct rfc2136_work *w, enum provider_outcome outcome)
{
	struct provider_result *r = &w->op->results[w->at];
	r->outcome = outcome;
	if (outcome == PROVIDER_CHANGED) {
		r->after = w->l.found;
		w->l.found = (struct provider_rrset){0};
	}
	w->at++;
	w->tries = 0;
	if (w->at < w->op->n)
		look(w);
	else if (err_is(&w->failed))
		provider_op_fail(w->op, &w->failed);
	else
		provider_op_changed(w->op);
}

static void failed(struct rfc2136_work *w, struct err *e)
{
	if (!err_is(&w->failed))
		err_move(&w->failed, e);
	settled(w, PROVIDER_FAILED);
}

/* The server said yes; what does it hold? */
static void verified(struct lookup *l, struct err *e)
{
	struct rfc2136_work *w = l->ctx;
	struct err ignored = {0};
	if (err_is(e)) {
		failed(w, e);
	} else if (provider_change_is_done(&w->op->changes[w->at], &l->found)) {
		settled(w, PROVIDER_CHANGED);
	} else if (++w->tries < VERIFY_TRIES) {
		if (!w->timer)
			w->timer = loop_timer_new(l->d->p.loop, on_verify_timer, w);
		loop_timer_start(w->timer, VERIFY_MS << w->tries);
	} else {
		provider_err(&ignored, &l->d->p, PROVIDER_IGNORED,
			"%s: %s answers NOERROR and does not have the change", w->what, l->d->server.text);
		provider_hint(&ignored, &l->d->p);
		failed(w, &ignored);
		err_done(&ignored);
	}
}

/* A prerequisite did not hold: what is there instead? */
static void diagnosed(struct lookup *l, struct err *e)
{
	struct rfc2136_work *w = l->ctx;
	if (!err_is(e) && w->name_in_use && !l->found.n)
		rfc2136_other_data(l->d, l->name, e);
	if (err_is(e))
		failed(w, e);
	else
		settled(w, PROVIDER_LOST);
}

/* Whose prerequisite it was nobody says, where there are many. */
static void lost(struct rfc2136_work *w)
{
	for (size_t i = 0; i < w->op->n; i++)
		w->op->results[i].outcome = PROVIDER_LOST;
	provider_op_changed(w->op);
}

static bool update_arrived(const struct stream_answer *a, void *ctx)
{
	struct rfc2136_work *w = ctx;
	struct err e = {0};
	w->l.call = NULL;
	if (!rfc2136_arrived(w->l.d, a, true, w->what, &e)) {
		provider_op_fail(w->op, &e);
		return false;
	}
	unsigned rcode = a->p[3] & 15U;
	bool unmet = rcode == UPDATE_YXDOMAIN || rcode == UPDATE_YXRRSET || rcode == UPDATE_NXRRSET ||
		     rcode == MESSAGE_NXDOMAIN;
	w->name_in_use = rcode == UPDATE_YXDOMAIN;
	w->l.done = rcode == MESSAGE_NOERROR ? verified : diagnosed;
	if (rcode != MESSAGE_NOERROR && !unmet) {
		rfc2136_refused(w->l.d, rcode, w->what, w->op->zone.name, &e);
		provider_op_fail(w->op, &e);
	} else if (unmet && w->op->n > 1) {
		lost(w);
	} else {
		look(w);
	}
	return false;
}

/* --- the message --- */

static int put_value(struct update *u, const struct provider_change *c, const char *data,
	void (*put)(struct update *u, const struct provider_change *c, const struct buf *wire), struct err *e)
{
	AUTO(buf_done) struct buf wire = buf_make(RDATA_MAX);
	if (rdata_wire(c->type, data, &wire, e))
		return -1;
	put(u, c, &wire);
	return 0;
}

static void put_required(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_require_value(u, c->name, (uint16_t)c->type, buf_str(wire), wire->n);
}

static void put_add(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_add(u, c->name, (uint16_t)c->type, (uint32_t)c->ttl, buf_str(wire), wire->n);
}

static void put_delete(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_delete(u, c->name, (uint16_t)c->type, buf_str(wire), wire->n);
}

static int put_prerequisites(struct update *u, const struct provider_change *c, struct err *e)
{
	for (size_t i = 0; i < c->expect->n; i++)
		if (put_value(u, c, c->expect->values[i].data, put_required, e))
			return -1;
	if (c->expect->n)
		return 0;
	if (c->type == PROVIDER_CNAME) {
		update_require_no_name(u, c->name);
		return 0;
	}
	update_require_no_rrset(u, c->name, (uint16_t)c->type);
	update_require_no_rrset(u, c->name, PROVIDER_CNAME);
	return 0;
}

/* Servers differ in whether adding a value that is there changes its TTL: for a new TTL all are written anew. */
static int put_changes(struct update *u, const struct provider_change *c, struct err *e)
{
	struct provider_rrset wanted;
	int rc = 0;
	provider_change_wanted(c, &wanted);
	bool anew = c->expect->n && wanted.n && wanted.ttl != c->expect->ttl;
	if (anew)
		update_delete_rrset(u, c->name, (uint16_t)c->type);
	for (size_t i = 0; !anew && !rc && i < c->expect->n; i++)
		if (!provider_rrset_find(&wanted, c->expect->values[i].data))
			rc = put_value(u, c, c->expect->values[i].data, put_delete, e);
	for (size_t i = 0; !rc && i < wanted.n; i++)
		if (anew || !provider_rrset_find(c->expect, wanted.values[i].data))
			rc = put_value(u, c, wanted.values[i].data, put_add, e);
	provider_rrset_done(&wanted);
	return rc;
}

void rfc2136_change(struct provider *p, struct provider_op *op)
{
	struct rfc2136_work *w = xcalloc(1, sizeof(*w));
	struct update u;
	struct err e = {0};
	const uint8_t *msg;
	size_t n;
	uint16_t id;
	int rc = 0;
	op->state = w;
	w->op = op;
	w->l = (struct lookup){.d = (struct rfc2136 *)p, .zone = op->zone.name, .what = w->what, .ctx = w};
	snprintf(w->what, sizeof(w->what), "update %.200s %s%s", op->changes[0].name,
		provider_type_name(op->changes[0].type), op->n > 1 ? " and others" : "");
	random_octets(&id, sizeof(id));
	update_begin(&u, op->zone.name, id);
	for (size_t i = 0; i < op->n && !rc; i++)
		rc = put_prerequisites(&u, &op->changes[i], &e);
	for (size_t i = 0; i < op->n && !rc; i++)
		rc = put_changes(&u, &op->changes[i], &e);
	if (rc || update_end(&u, &msg, &n, &e)) {
		err_ctx(&e, "%s", w->what);
		provider_err_name(&e, p);
		provider_op_fail(op, &e);
	} else {
		w->l.call = rfc2136_send(w->l.d, msg, n, update_arrived, w);
	}
	update_done(&u);
}
