/* provider.c: operations, the same for all drivers: their arguments, their ends, one callback each. Zones: zones.c. */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "loop/loop.h"
#include "provider/internal.h"
#include "provider/rdata.h"

/* The changes of a call as the caller gave them; those that have something to do go to the driver. */
struct provider_changes {
	struct provider_change *c; /* owned copies */
	struct provider_result *results;
	size_t n;
	size_t *place; /* of the driver's i-th change among all */
};

/* --- life of an operation --- */

static void result_done(struct provider_result *r)
{
	provider_rrset_done(&r->after);
	free(r->ticket);
	free(r->note);
	*r = (struct provider_result){.outcome = PROVIDER_FAILED};
}

static void changes_free(struct provider_changes *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++) {
		/* Copies of ours: the const of the public type is for callers. */
		struct strv *add = (struct strv *)(uintptr_t)all->c[i].add,
			    *del = (struct strv *)(uintptr_t)all->c[i].del;
		struct provider_rrset *expect = (struct provider_rrset *)(uintptr_t)all->c[i].expect;
		strv_done(add);
		strv_done(del);
		provider_rrset_done(expect);
		free(add);
		free(del);
		free(expect);
		free((char *)(uintptr_t)all->c[i].name);
		free((char *)(uintptr_t)all->c[i].mark);
		result_done(&all->results[i]);
	}
	free(all->c);
	free(all->results);
	free(all->place);
	free(all);
}

static void op_free(struct provider_op *op)
{
	struct provider *p = op->p;
	LIST_REMOVE(op, link);
	if (p->driver->drop)
		p->driver->drop(p, op);
	loop_timer_free(op->turn);
	for (size_t i = 0; i < op->n; i++)
		result_done(&op->results[i]);
	free(op->results);
	free(op->changes);
	changes_free(op->all);
	free(op->name);
	provider_zone_done(&op->zone);
	provider_zone_done(&op->found);
	provider_rrset_done(&op->rrset);
	free(op->ticket);
	err_done(&op->e);
	free(op);
}

/* What the driver did, put where the caller's changes stand. */
static void gather(struct provider_op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		op->all->results[op->all->place[i]] = op->results[i];
		op->results[i] = (struct provider_result){.outcome = PROVIDER_FAILED};
	}
}

static void on_turn(void *ctx)
{
	struct provider_op *op = ctx;
	bool failed = err_is(&op->e);
	switch (op->call) {
	case PROVIDER_CALL_ZONE:
		op->fn.zone(failed ? NULL : &op->found, &op->e, op->ctx);
		break;
	case PROVIDER_CALL_READ:
		op->fn.read(failed ? NULL : &op->rrset, &op->e, op->ctx);
		break;
	case PROVIDER_CALL_CHANGE:
		gather(op);
		op->fn.change(op->all->results, op->all->n, &op->e, op->ctx);
		break;
	case PROVIDER_CALL_SYNC:
		op->fn.sync(&op->e, op->ctx);
		break;
	}
	op_free(op);
}

static struct provider_op *op_new(struct provider *p, enum provider_call call, const struct provider_zone *z, void *ctx)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));
	op->p = p;
	op->call = call;
	op->ctx = ctx;
	if (z)
		provider_zone_copy(&op->zone, z);
	op->turn = loop_timer_new(p->loop, on_turn, op);
	LIST_INSERT_HEAD(&p->ops, op, link);
	return op;
}

void provider_op_end_(struct provider_op *op)
{
	if (op->ended)
		abort(); /* a driver that ends an operation twice */
	op->ended = true;
	op->asking = false;
	loop_timer_start(op->turn, 0);
}

void provider_op_refuse_(struct provider_op *op, struct err *e)
{
	err_move(&op->e, e);
	provider_op_end_(op);
}

/* --- ends, from the driver --- */

void provider_op_fail(struct provider_op *op, struct err *e)
{
	if (op->call == PROVIDER_CALL_ZONE)
		zones_failed_(op, e);
	else
		provider_op_refuse_(op, e);
}

void provider_op_rrset(struct provider_op *op, struct provider_rrset *s)
{
	op->rrset = *s;
	*s = (struct provider_rrset){0};
	provider_op_end_(op);
}

void provider_op_changed(struct provider_op *op)
{
	provider_op_end_(op);
}

void provider_op_synced(struct provider_op *op)
{
	provider_op_end_(op);
}

/* --- calls --- */

struct provider_op *provider_find_zone(struct provider *p, const char *name, provider_zone_fn fn, void *ctx)
{
	struct provider_op *op = op_new(p, PROVIDER_CALL_ZONE, NULL, ctx);
	op->name = xstrdup(name);
	op->fn.zone = fn;
	zones_start_(op);
	return op;
}

struct provider_op *provider_read(struct provider *p, const struct provider_zone *z, const char *name,
	enum provider_type type, provider_read_fn fn, void *ctx)
{
	struct provider_op *op = op_new(p, PROVIDER_CALL_READ, z, ctx);
	struct err e = {0};
	op->name = xstrdup(name);
	op->type = type;
	op->fn.read = fn;
	if (provider_check_type_(p, type, name, &e)) {
		provider_op_refuse_(op, &e);
		return op;
	}
	p->driver->read(p, op);
	return op;
}

static const struct strv *copy_values(const struct strv *v)
{
	struct strv *copy = xcalloc(1, sizeof(*copy));
	if (v)
		strv_copy(copy, v);
	return copy;
}

static struct provider_change copy_change(const struct provider_change *c)
{
	struct provider_rrset *expect = xcalloc(1, sizeof(*expect));
	provider_rrset_copy(expect, c->expect);
	return (struct provider_change){
		.name = xstrdup(c->name),
		.type = c->type,
		.ttl = c->ttl,
		.add = copy_values(c->add),
		.del = copy_values(c->del),
		.expect = expect,
		.mark = c->mark ? xstrdup(c->mark) : NULL,
	};
}

/* Sorts out what has nothing to do. -1: some change cannot be made here. */
static int take_changes(struct provider_op *op, const struct provider_change *c, size_t n, struct err *e)
{
	struct provider_changes *all = xcalloc(1, sizeof(*all));
	op->all = all;
	all->n = n;
	all->c = xcalloc(n, sizeof(*all->c));
	all->results = xcalloc(n, sizeof(*all->results));
	all->place = xcalloc(n, sizeof(*all->place));
	op->changes = xcalloc(n, sizeof(*op->changes));
	op->results = xcalloc(n, sizeof(*op->results));
	for (size_t i = 0; i < n; i++) {
		all->c[i] = copy_change(&c[i]);
		all->results[i].outcome = PROVIDER_FAILED;
	}
	for (size_t i = 0; i < n; i++) {
		if (provider_check_change_(op->p, &all->c[i], e))
			return -1;
		if (provider_change_is_empty(&all->c[i])) {
			all->results[i].outcome = PROVIDER_UNCHANGED;
			provider_rrset_copy(&all->results[i].after, c[i].expect);
			continue;
		}
		all->place[op->n] = i;
		op->changes[op->n] = all->c[i];
		op->results[op->n++].outcome = PROVIDER_FAILED;
	}
	return 0;
}

struct provider_op *provider_change(struct provider *p, const struct provider_zone *z, const struct provider_change *c,
	size_t n, provider_change_fn fn, void *ctx)
{
	struct provider_op *op = op_new(p, PROVIDER_CALL_CHANGE, z, ctx);
	struct err e = {0};
	op->fn.change = fn;
	if (n < 1 || n > p->caps.batch)
		abort(); /* see provider.h */
	if (take_changes(op, c, n, &e))
		provider_op_refuse_(op, &e);
	else if (!op->n)
		provider_op_end_(op);
	else
		p->driver->change(p, op);
	return op;
}

struct provider_op *provider_sync(
	struct provider *p, const struct provider_zone *z, const char *ticket, provider_sync_fn fn, void *ctx)
{
	struct provider_op *op = op_new(p, PROVIDER_CALL_SYNC, z, ctx);
	op->fn.sync = fn;
	op->ticket = xstrdup(ticket);
	if (p->driver->sync)
		p->driver->sync(p, op);
	else
		provider_op_end_(op);
	return op;
}

void provider_cancel(struct provider_op *op)
{
	if (!op)
		return;
	struct provider *p = op->p;
	zones_cancelled_(op);
	op_free(op);
	zones_go_on_(p);
}

/* --- open, close --- */

int provider_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	const struct provider_driver *d = provider_driver_find(conf->type);
	struct provider *p = NULL;
	if (!d)
		return err_set(
			e, ERR_CONFIG, "provider %s: this build has no driver of type %s", conf->name, conf->type);
	if (d->open(l, conf, &p, e))
		return err_ctx(e, "provider %s (%s)", conf->name, conf->type);
	*ret = p;
	return 0;
}

void provider_init(
	struct provider *p, const struct provider_driver *d, struct loop *l, const struct config_provider *conf)
{
	p->driver = d;
	p->conf = conf;
	p->loop = l;
	p->caps.batch = 1;
	LIST_INIT(&p->ops);
	LIST_INIT(&p->known);
}

void provider_free(struct provider *p)
{
	if (!p)
		return;
	while (!LIST_EMPTY(&p->ops))
		op_free(LIST_FIRST(&p->ops));
	zones_forget_(p);
	p->driver->free(p);
}

const struct provider_caps *provider_caps(const struct provider *p)
{
	return &p->caps;
}

const struct config_provider *provider_conf(const struct provider *p)
{
	return p->conf;
}

uint64_t provider_calls(const struct provider *p)
{
	return p->calls;
}
