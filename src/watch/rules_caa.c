/* rules_caa.c: rules about CAA (RFC 8659, RFC 8657), PD701 to PD705. */
#include <perdure/caa.h>
#include <string.h>

#include "watch/rules_priv.h"

/* One CA that is to issue for the name: by the inventory, or by a record of ours that stands there. */
struct candidate {
	const struct audit_ca *ca; /* NULL for an issuer that is only allowed by name */
	const char *issuer; /* of the record; NULL for one of the inventory */
	bool base, wildcard;
};

enum { CANDIDATES_MAX = 32 };

struct candidates {
	struct candidate v[CANDIDATES_MAX];
	char issuers[CANDIDATES_MAX][PERDURE_NAME_SIZE];
	size_t n;
};

static bool add(struct candidates *to, const struct audit_ca *ca, const struct perdure_text *issuer, bool wildcard)
{
	for (size_t i = 0; i < to->n; i++)
		if (ca ? to->v[i].ca == ca
		       : to->v[i].issuer && strlen(to->v[i].issuer) == issuer->n &&
					!memcmp(to->v[i].issuer, issuer->p, issuer->n))
			return true;
	if (to->n == CANDIDATES_MAX || issuer->n >= PERDURE_NAME_SIZE)
		return false;
	memcpy(to->issuers[to->n], issuer->p, issuer->n);
	to->issuers[to->n][issuer->n] = '\0';
	to->v[to->n] =
		(struct candidate){.ca = ca, .issuer = to->issuers[to->n], .base = !wildcard, .wildcard = wildcard};
	to->n++;
	return true;
}

static void find_candidates(const struct rules_run *r, struct candidates *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < r->f->n_wants && ret->n < CANDIDATES_MAX; i++) {
		const struct audit_want *w = &r->f->wants[i];
		ret->v[ret->n++] =
			(struct candidate){.ca = &r->c->cas[w->ca], .base = w->base, .wildcard = w->wildcard};
	}
	EACH_RR(r->f, s, rr)
	{
		ssize_t ca = rr->ca >= 0 ? rr->ca : rr->account_ca;
		if (rr->readable && rr->issuer_known && rr->account != FACTS_ACCOUNT_FOREIGN &&
			!add(ret, ca >= 0 ? &r->c->cas[ca] : NULL, &rr->issuer, rr->rec.wildcard))
			return;
	}
}

/* The names by which the CA knows itself in CAA. */
static const struct strv *names_of(const struct candidate *k)
{
	return !k->ca                    ? NULL
	       : k->ca->caa_identities.n ? &k->ca->caa_identities
	       : k->ca->issuers.n        ? &k->ca->issuers
					 : NULL;
}

/* Judges CAA for the name itself or its wildcard; false when that is not wanted or nothing can be said. */
static bool judge(const struct rules_run *r, const struct candidate *k, bool wildcard, struct perdure_caa_question *q,
	struct perdure_caa_verdict *v)
{
	const struct facts_caa *caa = &r->f->caa;
	const struct strv *names = names_of(k);
	if (!(wildcard ? k->wildcard : k->base) || !caa->looked || (caa->failure && *caa->failure) ||
		(!names && !k->issuer))
		return false;
	*q = (struct perdure_caa_question){
		.wildcard = wildcard,
		.issuers = names ? (const char *const *)names->v : &k->issuer,
		.n_issuers = names ? names->n : 1,
		.account_url = k->ca ? k->ca->account_url : NULL,
		.account_hash_prefix = k->ca ? k->ca->prefix : NULL,
	};
	return perdure_caa_judge(q, caa->rdata, caa->n, v) == PERDURE_OK;
}

static const char *name_of(const struct candidate *k)
{
	return k->ca && *k->ca->name ? k->ca->name : k->issuer ? k->issuer : "";
}

static void tell_refusal(struct rules_run *r, const struct candidate *k, const struct perdure_caa_question *q,
	const struct perdure_caa_verdict *v)
{
	const struct facts_caa *caa = &r->f->caa;
	char *sentence = NULL;
	struct perdure_caa_fix fix = {0};
	if (perdure_caa_explain(q, caa->rdata, v, &sentence))
		sentence = NULL;
	if (perdure_caa_fix(q, caa->rdata, v, caa->owner, r->c->ttl, &fix))
		fix = (struct perdure_caa_fix){0};
	found(r, (struct about){.owner = caa->owner, .ca = name_of(k), .fix = fix.line, .key = q->wildcard ? "*" : ""},
		"%s (at %s)", sentence ? sentence : perdure_caa_reason_text(v->reason), caa->owner);
	perdure_free(sentence);
	perdure_caa_fix_done(&fix);
}

enum kind { KIND_FORBIDS, KIND_METHOD, KIND_ACCOUNT, KIND_NONE };

static enum kind kind_of(const struct perdure_caa_verdict *v)
{
	if (v->allowed)
		return KIND_NONE;
	if (v->reason == PERDURE_CAA_METHOD)
		return KIND_METHOD;
	return v->reason == PERDURE_CAA_ACCOUNT || v->reason == PERDURE_CAA_ACCOUNT_HASHED ? KIND_ACCOUNT
											   : KIND_FORBIDS;
}

static void tell_kind(struct rules_run *r, enum kind kind)
{
	struct candidates all;
	find_candidates(r, &all);
	for (size_t i = 0; i < all.n; i++)
		for (int wildcard = 0; wildcard < 2; wildcard++) {
			struct perdure_caa_question q;
			struct perdure_caa_verdict v;
			if (judge(r, &all.v[i], wildcard, &q, &v) && kind_of(&v) == kind)
				tell_refusal(r, &all.v[i], &q, &v);
		}
}

void rule_caa_forbids(struct rules_run *r)
{
	tell_kind(r, KIND_FORBIDS);
}

void rule_caa_method(struct rules_run *r)
{
	tell_kind(r, KIND_METHOD);
}

void rule_caa_account(struct rules_run *r)
{
	tell_kind(r, KIND_ACCOUNT);
}

static bool has_records(const struct facts *f)
{
	EACH_RR(f, s, rr)
	if (rr->readable)
		return true;
	return false;
}

void rule_caa_missing(struct rules_run *r)
{
	const struct facts_caa *caa = &r->f->caa;
	if (caa->looked && !(caa->failure && *caa->failure) && !caa->n && (r->f->n_wants || has_records(r->f)))
		found(r, (struct about){0}, "neither %s nor a name above it has CAA records", r->f->fqdn);
}

void rule_caa_unbound(struct rules_run *r)
{
	struct candidates all;
	find_candidates(r, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct perdure_caa_question q;
		struct perdure_caa_verdict v;
		if (judge(r, &all.v[i], !all.v[i].base, &q, &v) && v.allowed && v.reason == PERDURE_CAA_NAMED &&
			!v.has_account)
			found(r, (struct about){.owner = r->f->caa.owner, .ca = name_of(&all.v[i])},
				"the property for %s at %s has no accounturi", name_of(&all.v[i]), r->f->caa.owner);
	}
}
