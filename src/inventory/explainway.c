/* explainway.c: remarks on the way to the record: aliases, wildcards, DNSSEC. */
#include <string.h>

#include "base/xalloc.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

/* Where the chain ends, as far as it was followed. */
static const char *last_name(const struct dns_view *v)
{
	return v->n_hops ? v->hops[v->n_hops - 1].target : v->owner;
}

static void say_chain(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	struct remark *m = NULL;
	if (v->end == DNS_CHAIN_LOOP)
		m = remarks_add(&e->x->remarks, REMARK_ALIAS_LOOP, "the aliases of %s lead in a circle at %s", v->owner,
			last_name(v));
	else if (v->end == DNS_CHAIN_TOO_LONG)
		m = remarks_add(&e->x->remarks, REMARK_ALIAS_TOO_LONG,
			"%s is more than %d aliases away from its record; resolvers of CAs give up", v->owner,
			DNS_VIEW_HOPS_MAX);
	else if (v->n_hops > 1)
		m = remarks_add(&e->x->remarks, REMARK_ALIAS_CHAIN,
			"%zu aliases lead from %s to %s; each is one more thing that can break", v->n_hops, v->owner,
			last_name(v));
	if (m)
		remark_fix(m, "let %s be the record itself, or one CNAME to it", v->owner);
}

static void say_dangling(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	const struct dns_answer *a = dns_view_any(v);
	if (!v->n_hops || v->end != DNS_CHAIN_WHOLE || !a || (a->result != DNS_NXDOMAIN && a->result != DNS_NODATA))
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_ALIAS_DANGLING,
		a->result == DNS_NXDOMAIN ? "%s leads to %s, which does not exist; whoever may create it decides for "
					    "this name"
					  : "%s leads to %s, which has no TXT record",
		v->owner, last_name(v));
	remark_fix(m, "publish the record at %s, or remove the alias", last_name(v));
}

static void say_wildcard(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	const char *from = v->wildcard;
	for (size_t i = 0; !from && i < v->n_hops; i++)
		from = v->hops[i].wildcard;
	const struct dns_answer *a = dns_view_any(v);
	if (!from || !a || a->result != DNS_FOUND)
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_WILDCARD_ANSWER,
		"what stands at %s comes from the wildcard %s, which gives the same to every name below it", v->owner,
		from);
	AUTO(xfreep) char *line = recordcheck_line(&e->q->q);
	remark_fix(m, "%s", line);
}

static void say_insecure(struct explain *e, const struct dns_validated *t)
{
	const char *zone = e->o->txt.view->zone;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_DNSSEC_INSECURE,
		"%s is not signed: whoever can forge DNS answers can have certificates issued",
		zone[0] ? zone : t->rrset.owner);
	remark_fix(m, "sign the zone and have its DS record published by the parent");
}

static void say_trust(struct explain *e)
{
	const struct dns_validated *t = e->o->txt_trust, *c = e->o->caa_trust;
	/* One remark: most often it is one zone that both are in. */
	const struct dns_validated *bogus = t && t->security == DNS_BOGUS   ? t
					    : c && c->security == DNS_BOGUS ? c
									    : NULL;
	if (bogus) {
		struct remark *m = remarks_add(&e->x->remarks, REMARK_DNSSEC_BOGUS,
			"a validating resolver refuses the answer for %s: %s", bogus->rrset.owner, bogus->why);
		remark_fix(explain_public(e, m), "%s",
			bogus->hint[0] ? bogus->hint : "sign the zone anew, and compare the parent's DS with its keys");
	} else if (t && t->security == DNS_INSECURE) {
		say_insecure(e, t);
	} else if (t && (t->security == DNS_UNVALIDATED || t->security == DNS_UNRESOLVED)) {
		struct remark *m = remarks_add(&e->x->remarks, REMARK_DNSSEC_UNKNOWN, "DNSSEC was not judged: %s",
			t->why[0] ? t->why : dns_security_name(t->security));
		remark_fix(m, "%s", t->hint);
	}
}

void explain_way(struct explain *e)
{
	say_chain(e);
	say_dangling(e);
	say_wildcard(e);
	say_trust(e);
}
