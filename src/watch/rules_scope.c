/* rules_scope.c: rules about what a record covers and for how long, PD301 to PD309, and about the inventory, PD401 to
 * PD404. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "watch/rules_priv.h"

enum { DAY = 86400 };

static const char *ca_of(const struct rules_run *r, const struct facts_rr *rr)
{
	return rr->ca >= 0 ? r->c->cas[rr->ca].name : NULL;
}

/* Records of ours: those of others are to be removed whatever they say. */
static bool ours(const struct facts_rr *rr)
{
	return rr->readable && rr->issuer_known && rr->account != FACTS_ACCOUNT_FOREIGN;
}

#define ABOUT(r, s, rr) ((struct about){.rr = (rr), .server = facts_only_at((r)->f, s, rr), .ca = ca_of(r, rr)})

void rule_too_wide(struct rules_run *r)
{
	if (!r->c->has_inventory || !r->f->n_wants)
		return;
	for (size_t i = 0; i < r->f->n_wants; i++)
		if (r->f->wants[i].wildcard || r->f->wants[i].below)
			return;
	EACH_RR(r->f, s, rr)
	if (ours(rr) && rr->rec.wildcard)
		found(r, ABOUT(r, s, rr), "certificates need %s itself only", r->f->fqdn);
}

void rule_no_end(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (ours(rr) && !rr->rec.has_until)
		found(r, ABOUT(r, s, rr), "there is no persistUntil");
}

void rule_expired(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (!ours(rr) || !rr->rec.has_until || r->c->now <= rr->rec.until)
			continue;
		char when[CLOCK_TEXT_MAX];
		clock_rfc3339(rr->rec.until, when);
		found(r, ABOUT(r, s, rr), "it ended at %s", when);
	}
}

/* The moment until which a record should hold at least: past the next renewal of its name, with some slack. */
static int64_t needed_until(const struct rules_run *r, const struct facts_rr *rr)
{
	int64_t from = r->c->now;
	for (size_t i = 0; i < r->f->n_wants; i++)
		if ((rr->ca < 0 || r->f->wants[i].ca == (size_t)rr->ca) && r->f->wants[i].renew_at > from)
			from = r->f->wants[i].renew_at;
	return from + r->c->expiry_s;
}

void rule_expiring(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (!ours(rr) || !rr->rec.has_until || r->c->now > rr->rec.until)
			continue;
		int64_t need = needed_until(r, rr);
		if (rr->rec.until >= need)
			continue;
		char when[CLOCK_TEXT_MAX], at_least[CLOCK_TEXT_MAX];
		clock_rfc3339(rr->rec.until, when);
		clock_rfc3339(need, at_least);
		found(r, ABOUT(r, s, rr), "it ends at %s, and should hold until %s at least", when, at_least);
	}
}

static struct perdure_text until_text(const struct facts_rr *rr, bool *ret_found)
{
	struct perdure_issuevalue v;
	struct perdure_text t = {0};
	*ret_found = false;
	if (perdure_issuevalue_parse(rr->p, rr->n, &v) == PERDURE_OK)
		for (size_t i = 0; i < v.n_params; i++)
			if (v.params[i].tag.n == strlen("persistUntil") &&
				!strncasecmp(v.params[i].tag.p, "persistUntil", v.params[i].tag.n)) {
				t = v.params[i].value;
				*ret_found = true;
			}
	perdure_issuevalue_done(&v);
	return t;
}

/* What is odd about a persistUntil, or NULL. Moments before 2020 cannot have been meant by anybody. */
static const char *absurd(const struct facts_rr *rr)
{
	const int64_t year_2020 = 1577836800;
	bool there;
	struct perdure_text t = until_text(rr, &there);
	if (!there || !t.n)
		return there ? "is empty" : NULL;
	if (t.p[0] == '-' || t.p[0] == '+')
		return "has a sign";
	if (t.p[0] == '0')
		return "has a leading zero";
	if (!rr->readable)
		return NULL;
	if (rr->rec.until > PERDURE_UNTIL_MAX)
		return rr->rec.until / 1000 <= PERDURE_UNTIL_MAX ? "looks like milliseconds" : "is after the year 9999";
	if (rr->rec.until < year_2020)
		return "is before the method existed";
	/* Beyond the year 4000: nobody plans that far, but milliseconds of the 1970s look like it. */
	return rr->rec.until > INT64_C(64060588800) ? "is more than 2000 years away" : NULL;
}

void rule_absurd_end(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		const char *why = rr->issuer_known ? absurd(rr) : NULL;
		if (why)
			found(r, ABOUT(r, s, rr), "the persistUntil %s", why);
	}
}

void rule_ttl_long(struct rules_run *r)
{
	for (size_t i = 0; i < r->f->n_sets; i++)
		if (r->f->sets[i].n && r->f->sets[i].ttl > DAY) {
			found(r, (struct about){.server = facts_only_at(r->f, &r->f->sets[i], NULL)},
				"the TTL is %u seconds", r->f->sets[i].ttl);
			return;
		}
}

void rule_ttl_short(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (ours(rr) && !rr->hashed && s->ttl < 5 * 60) {
		found(r, (struct about){.server = facts_only_at(r->f, s, rr)}, "the TTL is %u seconds", s->ttl);
		return;
	}
}

static const struct facts_rr *any_wildcard(const struct facts *f)
{
	EACH_RR(f, s, rr)
	if (rr->readable && rr->rec.wildcard)
		return rr;
	return NULL;
}

void rule_zone_below(struct rules_run *r)
{
	const struct facts_rr *rr = any_wildcard(r->f);
	for (size_t i = 0; rr && r->f->zones_below && i < r->f->zones_below->n; i++) {
		const char *zone = r->f->zones_below->v[i];
		if (!context_own_name(r->c, zone))
			found(r, (struct about){.rr = rr, .key = zone}, "%s is delegated to other name servers", zone);
	}
}

void rule_alias_below(struct rules_run *r)
{
	const struct facts_rr *rr = any_wildcard(r->f);
	for (size_t i = 0; rr && r->f->aliases_below && i < r->f->aliases_below->n; i++)
		found(r, (struct about){.rr = rr, .key = r->f->aliases_below->v[i]}, "%s", r->f->aliases_below->v[i]);
}

/* Whoever may write into the validation zone may still have certificates for the name. */
static void forgotten_delegation(struct rules_run *r)
{
	const struct strv *chain = r->f->delegation.alias.chain;
	const char *to = chain && chain->n ? chain->v[chain->n - 1] : NULL;
	if (!to || !context_validation_name(r->c, to))
		return;
	AUTO(xfreep) char *owner = xasprintf("_acme-challenge.%s", r->f->fqdn);
	found(r, (struct about){.owner = owner, .key = to}, "no configured certificate has %s, and %s leads to %s",
		r->f->fqdn, owner, to);
}

void rule_forgotten(struct rules_run *r)
{
	if (!r->c->has_inventory || r->f->n_wants)
		return;
	EACH_RR(r->f, s, rr)
	if (rr->readable) {
		found(r, ABOUT(r, s, rr), "no configured certificate has %s", r->f->fqdn);
		return;
	}
	forgotten_delegation(r);
}

void rule_not_accepted(struct rules_run *r)
{
	const struct verdicts *v = verdicts_of(r);
	for (size_t i = 0; i < v->n;) {
		size_t k = i;
		bool accepted = false;
		for (; k < v->n && v->v[k].want == v->v[i].want; k++)
			accepted |= v->v[k].accepted;
		const struct verdict_at *at = &v->v[i];
		if (!accepted)
			found(r, (struct about){.ca = r->c->cas[at->want->ca].name, .fix = at->fix}, "%s%s: %s",
				at->want->wildcard ? "*." : "", r->f->fqdn, at->reason);
		i = k;
	}
}

void rule_unused_ca(struct rules_run *r)
{
	if (!r->c->has_inventory || !r->f->n_wants)
		return;
	EACH_RR(r->f, s, rr)
	{
		bool wanted = rr->account_ca < 0 || !*r->c->cas[rr->account_ca].name;
		for (size_t i = 0; i < r->f->n_wants; i++)
			wanted |= rr->account_ca >= 0 && r->f->wants[i].ca == (size_t)rr->account_ca;
		if (!wanted)
			found(r, ABOUT(r, s, rr), "no certificate of %s is ordered at CA \"%s\"", r->f->fqdn,
				r->c->cas[rr->account_ca].name);
	}
}

void rule_not_served(struct rules_run *r)
{
	if (r->f->served != FACTS_NO)
		return;
	EACH_RR(r->f, s, rr)
	if (rr->readable) {
		found(r, ABOUT(r, s, rr), "the zone has nothing at %s but the record", r->f->fqdn);
		return;
	}
}
