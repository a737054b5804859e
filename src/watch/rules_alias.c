/* rules_alias.c: rules about aliases of the validation name, PD501 to PD506, and about the delegation for dns-01, PD511
 * to PD516. */
#include <string.h>

#include "base/xalloc.h"
#include "dns/name.h"
#include "watch/rules_priv.h"

enum { DAY = 86400, TXT_TTL_MAX = 300 };

static bool aliased(const struct facts_alias *a)
{
	return a->chain && a->chain->n;
}

static const char *target(const struct facts_alias *a)
{
	return a->chain->v[a->chain->n - 1];
}

/* The first name of the chain that is neither in the zone of the name nor known to be ours; NULL when there is none. */
static const char *outside(const struct rules_run *r, const struct facts_alias *a)
{
	for (size_t i = 0; aliased(a) && i < a->chain->n; i++) {
		const char *name = a->chain->v[i];
		bool in_zone = r->f->zone && *r->f->zone && name_within(name, r->f->zone) &&
			       name_within(r->f->fqdn, r->f->zone);
		if (!in_zone && !name_within(name, r->f->fqdn) && !context_own_name(r->c, name))
			return name;
	}
	return NULL;
}

void rule_alias(struct rules_run *r)
{
	if (aliased(&r->f->alias))
		found(r, (struct about){.key = target(&r->f->alias)}, "%s leads to %s", r->f->owner,
			target(&r->f->alias));
}

void rule_alias_outside(struct rules_run *r)
{
	const char *name = outside(r, &r->f->alias);
	if (name)
		found(r, (struct about){.key = name}, "%s leads to %s", r->f->owner, name);
}

void rule_alias_dangling(struct rules_run *r)
{
	if (aliased(&r->f->alias) && r->f->alias.end == FACTS_END_MISSING)
		found(r, (struct about){.key = target(&r->f->alias)}, "there is no TXT record at %s%s%s",
			target(&r->f->alias), r->f->alias.text && *r->f->alias.text ? ": " : "",
			r->f->alias.text ? r->f->alias.text : "");
}

void rule_alias_loop(struct rules_run *r)
{
	if (r->f->alias.end == FACTS_END_LOOP)
		found(r, (struct about){0}, "%s", r->f->alias.text && *r->f->alias.text ? r->f->alias.text : "a loop");
}

static void tell_hops(struct rules_run *r, const struct facts_alias *a, const char *from)
{
	if (!aliased(a) || a->chain->n < 2 || a->end == FACTS_END_LOOP)
		return;
	AUTO(xfreep) char *way = strv_join(a->chain, ", ");
	found(r, (struct about){.owner = from}, "%zu aliases from %s: %s", a->chain->n, from, way);
}

void rule_alias_hops(struct rules_run *r)
{
	tell_hops(r, &r->f->alias, r->f->owner);
}

void rule_synthesised(struct rules_run *r)
{
	if (r->f->synthesised)
		found(r, (struct about){0}, "%s is made by a wildcard in the zone", r->f->owner);
}

/* "_acme-challenge.FQDN" */
static char *challenge_name(const struct rules_run *r)
{
	return xasprintf("_acme-challenge.%s", r->f->fqdn);
}

void rule_delegation_dangling(struct rules_run *r)
{
	const struct facts_delegation *d = &r->f->delegation;
	if (!d->looked || !aliased(&d->alias) || (d->target_served != FACTS_NO && d->alias.end != FACTS_END_LOOP))
		return;
	AUTO(xfreep) char *owner = challenge_name(r);
	found(r, (struct about){.owner = owner, .key = target(&d->alias)}, "%s leads to %s%s%s", owner,
		target(&d->alias), d->alias.text && *d->alias.text ? ": " : "", d->alias.text ? d->alias.text : "");
}

void rule_delegation_outside(struct rules_run *r)
{
	const char *name = outside(r, &r->f->delegation.alias);
	if (!name)
		return;
	AUTO(xfreep) char *owner = challenge_name(r);
	found(r, (struct about){.owner = owner, .key = name}, "%s leads to %s", owner, name);
}

void rule_delegation_hops(struct rules_run *r)
{
	AUTO(xfreep) char *owner = challenge_name(r);
	tell_hops(r, &r->f->delegation.alias, owner);
}

void rule_delegation_beside(struct rules_run *r)
{
	if (!r->f->delegation.beside)
		return;
	AUTO(xfreep) char *owner = challenge_name(r);
	found(r, (struct about){.owner = owner}, "%s has a CNAME and other records", owner);
}

void rule_delegation_ttl(struct rules_run *r)
{
	const struct facts_delegation *d = &r->f->delegation;
	bool cname = aliased(&d->alias) && d->cname_ttl > DAY, txt = d->n_txt && d->txt_ttl > TXT_TTL_MAX;
	if (!cname && !txt)
		return;
	AUTO(xfreep) char *owner = challenge_name(r);
	found(r, (struct about){.owner = owner, .key = cname ? "cname" : "txt"}, "the TTL of the %s is %u seconds",
		cname ? "CNAME" : "TXT records", cname ? d->cname_ttl : d->txt_ttl);
}

void rule_standing_token(struct rules_run *r)
{
	if (!r->f->delegation.n_txt)
		return;
	AUTO(xfreep) char *owner = challenge_name(r);
	found(r, (struct about){.owner = owner}, "%zu TXT records at %s", r->f->delegation.n_txt, owner);
}
