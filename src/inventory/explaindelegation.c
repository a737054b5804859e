/* explaindelegation.c: remarks on the standing CNAME at _acme-challenge, by which dns-01 is delegated. */
#include <inttypes.h>

#include "dns/name.h"
#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

enum {
	CNAME_TTL_MAX = 86400, /* a delegation that is moved should be seen everywhere within a day */
	TXT_TTL_MAX = 300, /* a token of yesterday should be gone before the next order */
};

struct delegation {
	struct explain *e;
	const struct dns_view *v; /* TXT, aliases followed */
	const struct dns_answer *cname; /* NULL when there is none */
	const char *target; /* where the aliases end */
};

/* Names that do not use the delegation only hear of it in passing. */
static struct remark *mild(struct explain *e, struct remark *m)
{
	if (!e->q->delegation && m->severity == REMARK_ERROR)
		m->severity = REMARK_WARNING;
	return m;
}

static void say_missing(struct delegation *d)
{
	const struct dns_answer *a = dns_view_any(d->v);
	if (!d->e->q->delegation)
		return;
	struct remark *m = remarks_add(&d->e->x->remarks, REMARK_DELEGATION_MISSING,
		a && a->result == DNS_FOUND ? "%s has a TXT record of its own in place of a CNAME" : "%s has no CNAME",
		d->v->owner);
	remark_fix(m, "%s. IN CNAME and the name in the zone that is written to", d->v->owner);
}

static void say_beside(struct delegation *d)
{
	for (size_t i = 0; i < d->v->n; i++) {
		const struct dns_answer *a = &d->v->answers[i];
		if (a->hop || a->result != DNS_FOUND)
			continue;
		struct remark *m = remarks_add(&d->e->x->remarks, REMARK_DELEGATION_BESIDE,
			"%s gives both a CNAME and a TXT record at %s, which no zone may have", a->server, d->v->owner);
		remark_fix(mild(d->e, m), "remove the TXT record at %s", d->v->owner);
		return;
	}
}

static bool is_unserved(const struct delegation *d)
{
	const struct dns_answer *a = dns_view_any(d->v);
	if (!a)
		return true;
	/* The registry says so: then the zone itself does not exist. */
	return a->result == DNS_NXDOMAIN && name_labels(d->v->zone) < 2 && name_labels(d->target) > 2;
}

static void say_way(struct delegation *d)
{
	struct remarks *r = &d->e->x->remarks;
	struct remark *m;
	if (d->v->end != DNS_CHAIN_WHOLE) {
		m = remarks_add(r, REMARK_DELEGATION_BROKEN,
			d->v->end == DNS_CHAIN_LOOP ? "the aliases of %s lead in a circle at %s"
						    : "the aliases of %s lead too far; the last one seen is %s",
			d->v->owner, d->target);
		remark_fix(mild(d->e, m), "let %s point to the name that is written to", d->v->owner);
		return;
	}
	if (is_unserved(d)) {
		m = remarks_add(r, REMARK_DELEGATION_UNSERVED,
			"%s leads to %s, whose zone no server serves: whoever gets hold of it decides for this name",
			d->v->owner, d->target);
		remark_fix(mild(d->e, m), "remove the CNAME at %s, or set up the zone of %s", d->v->owner, d->target);
	}
	if (d->v->n_hops > 1) {
		m = remarks_add(r, REMARK_DELEGATION_CHAIN, "%zu aliases lead from %s to %s", d->v->n_hops, d->v->owner,
			d->target);
		remark_fix(m, "%s. IN CNAME %s.", d->v->owner, d->target);
	}
}

static void say_ttls(struct delegation *d)
{
	const struct dns_answer *a = dns_view_any(d->v);
	struct remark *m;
	if (d->cname->ttl > CNAME_TTL_MAX) {
		m = remarks_add(&d->e->x->remarks, REMARK_DELEGATION_CNAME_TTL,
			"the CNAME at %s has a TTL of %" PRIu32 " s: caches follow it for that long after a change",
			d->v->owner, d->cname->ttl);
		remark_fix(m, "set the TTL to a day or less");
	}
	if (a && a->result == DNS_FOUND && a->ttl > TXT_TTL_MAX) {
		m = remarks_add(&d->e->x->remarks, REMARK_DELEGATION_TXT_TTL,
			"the TXT record at %s has a TTL of %" PRIu32 " s: a CA may see an old token for that long",
			d->target, a->ttl);
		remark_fix(m, "write tokens with a TTL of five minutes or less, and remove them afterwards");
	}
}

static void say_wildcard(struct delegation *d)
{
	const char *from = d->v->n_hops ? d->v->hops[0].wildcard : NULL;
	if (!from)
		return;
	struct remark *m = remarks_add(&d->e->x->remarks, REMARK_DELEGATION_WILDCARD,
		"the CNAME at %s comes from the wildcard %s; nobody has set it for this name", d->v->owner, from);
	remark_fix(m, "publish a CNAME at %s itself", d->v->owner);
}

void explain_delegation(struct explain *e)
{
	const struct dns_view *cname = e->o->challenge_cname.view;
	struct delegation d = {.e = e, .v = e->o->challenge.view};
	if (!d.v || !cname)
		return;
	d.cname = dns_view_any(cname);
	d.target = d.v->n_hops ? d.v->hops[d.v->n_hops - 1].target : d.v->owner;
	if (!d.cname || d.cname->result != DNS_FOUND) {
		if (d.cname)
			say_missing(&d);
		return;
	}
	say_beside(&d);
	say_way(&d);
	say_ttls(&d);
	say_wildcard(&d);
}
