/*
 * zones.c: which zone of a provider holds a name. What was learnt is kept, and one question is asked once however many
 * names need it: discovery costs a provider with a tight limit more calls than the records do, if it is not careful.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/name.h"
#include "provider/internal.h"

/* What is known of one name: the provider has a zone of it (id), or has none (id NULL), or one of no use (why). */
struct provider_known {
	LIST_ENTRY(provider_known) link;
	char *name;
	char *id;
	char *why;
};

static struct provider_known *known_get(const struct provider *p, const char *name)
{
	struct provider_known *k;
	LIST_FOREACH(k, &p->known, link)
	if (!strcmp(k->name, name))
		return k;
	return NULL;
}

/* Of two zones of one name that which is of use counts. */
static void known_put(struct provider *p, const char *name, const char *id, const char *why)
{
	struct provider_known *k = known_get(p, name);
	if (k && (k->id || !id))
		return;
	if (!k) {
		k = xcalloc(1, sizeof(*k));
		k->name = xstrdup(name);
		LIST_INSERT_HEAD(&p->known, k, link);
	}
	k->id = id ? xstrdup(id) : NULL;
	k->why = why && !k->why ? xstrdup(why) : k->why;
}

void zones_forget_(struct provider *p)
{
	for (struct provider_known *k; (k = LIST_FIRST(&p->known));) {
		LIST_REMOVE(k, link);
		free(k->name);
		free(k->id);
		free(k->why);
		free(k);
	}
}

/* Whether the configuration gives this provider the zone: it is listed, or within a listed one. */
static bool is_allowed(const struct provider *p, const char *zone)
{
	const struct strv *zones = &p->conf->zones;
	for (size_t i = 0; i < zones->n; i++)
		if (name_within(zone, zones->v[i]))
			return true;
	return !zones->n;
}

/* The closest zone above the name that is of no use, or NULL. */
static const struct provider_known *passed(const struct provider_op *op)
{
	for (const char *c = op->name; c && *c; c = name_parent(c)) {
		const struct provider_known *k = known_get(op->p, c);
		if (k && k->why)
			return k;
	}
	return NULL;
}

static void refuse(struct provider_op *op, const char *zone)
{
	const struct provider_known *no_use = passed(op);
	struct err e = {0};
	if (!zone && no_use)
		provider_err(&e, op->p, PROVIDER_NO_ZONE, "%s is in its zone %s, which is %s", op->name, no_use->name,
			no_use->why);
	else if (zone)
		provider_err(&e, op->p, PROVIDER_NO_ZONE,
			"%s is in its zone %s, which is not among the zones that the configuration gives it", op->name,
			zone);
	else
		provider_err(&e, op->p, PROVIDER_NO_ZONE, "it has no zone that holds %s", op->name);
	provider_hint(&e, op->p);
	provider_op_refuse_(op, &e);
}

static void found(struct provider_op *op, const char *name, const char *id)
{
	if (!is_allowed(op->p, name)) {
		refuse(op, name);
		return;
	}
	op->found = (struct provider_zone){.name = xstrdup(name), .id = xstrdup(id)};
	provider_op_end_(op);
}

/* Whether the provider's answer that op needs is under way for another. */
static bool is_asked(const struct provider_op *op)
{
	const struct provider_op *o;
	LIST_FOREACH(o, &op->p->ops, link)
	{
		if (o == op || o->call != PROVIDER_CALL_ZONE || !o->asking)
			continue;
		if (!o->candidate || (op->candidate && !strcmp(o->candidate, op->candidate)))
			return true;
	}
	return false;
}

static bool wants_list(const struct provider *p)
{
	const struct provider_driver *d = p->driver;
	return d->list_zones && !p->unlisted;
}

static void ask(struct provider_op *op, void (*call)(struct provider *p, struct provider_op *op))
{
	if (is_asked(op))
		return;
	op->asking = true;
	call(op->p, op);
}

/* Goes from the candidate on to shorter ones as far as is known already. */
static void step(struct provider_op *op)
{
	struct provider *p = op->p;
	if (wants_list(p) && !p->listed) {
		if (is_allowed(p, op->name))
			ask(op, p->driver->list_zones);
		else
			refuse(op, NULL);
		return;
	}
	for (const char *c = op->candidate ? op->candidate : op->name; c && *c; c = name_parent(c)) {
		const struct provider_known *k = known_get(p, c);
		op->candidate = c;
		if (!is_allowed(p, c))
			continue;
		if (k && k->id) {
			found(op, k->name, k->id);
			return;
		}
		if (!k && !p->listed) {
			ask(op, p->driver->has_zone);
			return;
		}
	}
	refuse(op, NULL);
}

void zones_start_(struct provider_op *op)
{
	struct provider *p = op->p;
	if (!p->driver->find_zone) {
		step(op);
		return;
	}
	op->asking = true;
	p->driver->find_zone(p, op);
}

void zones_go_on_(struct provider *p)
{
	struct provider_op *op, *next;
	if (p->driver->find_zone)
		return;
	for (op = LIST_FIRST(&p->ops); op; op = next) {
		next = LIST_NEXT(op, link);
		if (op->call == PROVIDER_CALL_ZONE && !op->asking && !op->ended)
			step(op);
	}
}

void zones_cancelled_(struct provider_op *op)
{
	op->asking = false;
}

/* Whether zones are asked for one by one where the list failed so: the configuration names them. */
static bool goes_unlisted(const struct provider_op *op, const struct err *e)
{
	const struct provider *p = op->p;
	enum provider_cause cause = provider_cause(e);
	return !p->driver->find_zone && !op->candidate && p->driver->has_zone && p->conf->zones.n &&
	       (cause == PROVIDER_POLICY || cause == PROVIDER_SIZE);
}

/* A failure of one is a failure of all that waited for the same answer: it is not asked again for each of them. */
void zones_failed_(struct provider_op *op, struct err *e)
{
	struct provider *p = op->p;
	const char *candidate = op->candidate;
	struct provider_op *o, *next;
	op->asking = false;
	if (goes_unlisted(op, e)) {
		p->unlisted = true;
		err_done(e);
		zones_go_on_(p);
		return;
	}
	for (o = LIST_FIRST(&p->ops); o && !p->driver->find_zone; o = next) {
		next = LIST_NEXT(o, link);
		bool same = !candidate || (o->candidate && !strcmp(o->candidate, candidate));
		if (o == op || o->call != PROVIDER_CALL_ZONE || o->asking || o->ended || !same)
			continue;
		struct err copy = {0};
		err_copy(&copy, e);
		provider_op_refuse_(o, &copy);
	}
	provider_op_refuse_(op, e);
}

void provider_op_zone(struct provider_op *op, const char *name, const char *id)
{
	struct provider *p = op->p;
	op->asking = false;
	if (p->driver->find_zone) {
		if (name)
			found(op, name, id ? id : "");
		else
			refuse(op, NULL);
		return;
	}
	known_put(p, op->candidate, name ? (id ? id : "") : NULL, NULL);
	zones_go_on_(p);
}

void provider_op_list(struct provider_op *op, const char *name, const char *id)
{
	known_put(op->p, name, id ? id : "", NULL);
}

void provider_op_pass(struct provider_op *op, const char *name, const char *why)
{
	known_put(op->p, name, NULL, why);
}

void provider_op_listed(struct provider_op *op)
{
	op->asking = false;
	op->p->listed = true;
	zones_go_on_(op->p);
}
