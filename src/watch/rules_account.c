/* rules_account.c: rules about who is allowed to issue: issuers and accounts, PD201 to PD213. */
#include <string.h>

#include "watch/rules_priv.h"

#define ABOUT(r, s, rr) ((struct about){.rr = (rr), .server = facts_only_at((r)->f, s, rr), .ca = ca_of(r, rr)})

static const char *ca_of(const struct rules_run *r, const struct facts_rr *rr)
{
	ssize_t i = rr->account_ca >= 0 ? rr->account_ca : rr->ca;
	return i >= 0 ? r->c->cas[i].name : NULL;
}

static int len(struct perdure_text t)
{
	return t.n > 300 ? 300 : (int)t.n;
}

void rule_issuer_not_allowed(struct rules_run *r)
{
	if (!context_judges_issuers(r->c))
		return;
	EACH_RR(r->f, s, rr)
	{
		if (!rr->readable || rr->issuer_known || context_lookalike(r->c, rr->issuer.p, rr->issuer.n))
			continue;
		found(r, ABOUT(r, s, rr), "the issuer is %.*s, the account %.*s", len(rr->issuer), rr->issuer.p,
			len(rr->rec.account_uri), rr->rec.account_uri.p);
	}
}

void rule_issuer_lookalike(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		/* What begins with a quotation mark is PD104's. */
		if (rr->issuer_known || !rr->issuer.n || rr->issuer.p[0] == '"')
			continue;
		const char *like = context_lookalike(r->c, rr->issuer.p, rr->issuer.n);
		if (like)
			found(r, ABOUT(r, s, rr), "the issuer is written %.*s, which looks like %s", len(rr->issuer),
				rr->issuer.p, like);
	}
}

void rule_account_unexplained(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (rr->account != FACTS_ACCOUNT_FOREIGN || !rr->issuer_known)
			continue;
		if (rr->hashed)
			found(r, ABOUT(r, s, rr),
				"no known account, with no key it has or had, gives this digest for %s or for any "
				"domain",
				r->f->fqdn);
		else
			found(r, ABOUT(r, s, rr), "%.*s is no account of ours and on no list", len(rr->rec.account_uri),
				rr->rec.account_uri.p);
	}
}

void rule_old_key(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->account == FACTS_ACCOUNT_OLD_KEY)
		found(r, ABOUT(r, s, rr), "the digest is over a key that the account %s had before",
			r->c->cas[rr->account_ca].account_url);
}

void rule_any_domain(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->any_domain && !(r->f->alias.chain && r->f->alias.chain->n))
		found(r, ABOUT(r, s, rr),
			"the digest is over \"*\": the same value authorises the account at every name it is copied "
			"to");
}

/* Whether the CA speaks the level, for sure (yes), for sure not (no). */
static enum facts_known speaks_02(const struct audit_ca *a)
{
	if (!a->n_levels)
		return FACTS_UNKNOWN;
	for (int i = 0; i < a->n_levels; i++)
		if (a->levels[i] == 2)
			return FACTS_YES;
	return FACTS_NO;
}

void rule_clear_url(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (!rr->readable || rr->hashed || rr->ca < 0)
			continue;
		const struct audit_ca *a = &r->c->cas[rr->ca];
		if (a->n_levels == 1 && a->levels[0] == 2)
			found(r, ABOUT(r, s, rr), "CA \"%s\" speaks level 02", a->name);
	}
}

void rule_hashed_too_early(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->hashed && rr->ca >= 0 && speaks_02(&r->c->cas[rr->ca]) == FACTS_NO)
		found(r, ABOUT(r, s, rr), "CA \"%s\" speaks level %02d", r->c->cas[rr->ca].name,
			r->c->cas[rr->ca].levels[0]);
}

void rule_dead_account(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->account_ca >= 0 && r->c->cas[rr->account_ca].dead)
		found(r, ABOUT(r, s, rr), "the account %s is deactivated", r->c->cas[rr->account_ca].account_url);
}

void rule_hash_ill_formed(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->account == FACTS_ACCOUNT_ILL_FORMED && rr->issuer_known)
		found(r, ABOUT(r, s, rr),
			"%.*s is no prefix with a hash name, a slash and the base64url of a digest of its length",
			len(rr->rec.account_uri), rr->rec.account_uri.p);
}

static bool same_account(const struct facts_rr *a, const struct facts_rr *b)
{
	return a->readable && b->readable && a->issuer.n == b->issuer.n &&
	       !memcmp(a->issuer.p, b->issuer.p, a->issuer.n) && a->rec.account_uri.n == b->rec.account_uri.n &&
	       !memcmp(a->rec.account_uri.p, b->rec.account_uri.p, a->rec.account_uri.n);
}

void rule_duplicate(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	for (const struct facts_rr *before = s->rr; before < rr; before++)
		if (same_account(before, rr) && perdure_record_equal(&before->rec, &rr->rec)) {
			found(r, ABOUT(r, s, rr), "another record at the name means the same");
			break;
		}
}

void rule_shadowed(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	for (const struct facts_rr *other = s->rr; other < s->rr + s->n; other++)
		if (other != rr && same_account(other, rr) && perdure_record_covers(&other->rec, &rr->rec) &&
			!perdure_record_equal(&other->rec, &rr->rec)) {
			found(r, ABOUT(r, s, rr), "another record for the same issuer and account %s%s%s",
				other->rec.wildcard && !rr->rec.wildcard ? "has policy=wildcard" : "holds longer",
				other->rec.wildcard && !rr->rec.wildcard && rr->rec.has_until && !other->rec.has_until
					? " and"
					: "",
				other->rec.wildcard && !rr->rec.wildcard && rr->rec.has_until && !other->rec.has_until
					? " holds longer"
					: "");
			break;
		}
}

void rule_move_incomplete(struct rules_run *r)
{
	const struct verdicts *v = verdicts_of(r);
	for (size_t i = 0; i < v->n; i++) {
		bool other_accepted = false;
		for (size_t k = 0; k < v->n; k++)
			other_accepted |= k != i && v->v[k].want == v->v[i].want && v->v[k].accepted;
		if (v->v[i].accepted || !other_accepted)
			continue;
		const struct audit_ca *a = &r->c->cas[v->v[i].want->ca];
		found(r, (struct about){.ca = a->name, .fix = v->v[i].fix}, "the form of level %02d is missing: %s",
			v->v[i].level, v->v[i].reason);
	}
}

void rule_other_name(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->account == FACTS_ACCOUNT_OTHER_NAME)
		found(r, ABOUT(r, s, rr), "the digest is that of %s, and no CA accepts it for %s", rr->other_name,
			r->f->fqdn);
}
