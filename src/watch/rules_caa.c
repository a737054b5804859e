/* rules_caa.c: rules about CAA (RFC 8659, RFC 8657), PD701 to PD705. */
#include <perdure/caa.h>
#include <string.h>

#include "watch/rules_priv.h"

/* Judges CAA for one want, the name itself or its wildcard; false when that is not wanted or nothing can be said. */
static bool judge(const struct rules_run *r, const struct audit_want *w, bool wildcard, struct perdure_caa_question *q,
	struct perdure_caa_verdict *v)
{
	const struct audit_ca *a = &r->c->cas[w->ca];
	const struct facts_caa *caa = &r->f->caa;
	if (!(wildcard ? w->wildcard : w->base) || !caa->looked || (caa->failure && *caa->failure) || !a->issuers.n)
		return false;
	*q = (struct perdure_caa_question){
		.wildcard = wildcard,
		.issuers = (const char *const *)(a->caa_identities.n ? a->caa_identities.v : a->issuers.v),
		.n_issuers = a->caa_identities.n ? a->caa_identities.n : a->issuers.n,
		.account_url = a->account_url,
		.account_hash_prefix = a->prefix,
	};
	return perdure_caa_judge(q, caa->rdata, caa->n, v) == PERDURE_OK;
}

static void tell_refusal(struct rules_run *r, const struct audit_want *w, const struct perdure_caa_question *q,
	const struct perdure_caa_verdict *v)
{
	const struct facts_caa *caa = &r->f->caa;
	char *sentence = NULL;
	struct perdure_caa_fix fix = {0};
	if (perdure_caa_explain(q, caa->rdata, v, &sentence))
		sentence = NULL;
	if (perdure_caa_fix(q, caa->rdata, v, caa->owner, r->c->ttl, &fix))
		fix = (struct perdure_caa_fix){0};
	found(r, (struct about){.owner = caa->owner, .ca = r->c->cas[w->ca].name, .fix = fix.line}, "%s at %s",
		sentence ? sentence : perdure_caa_reason_text(v->reason), caa->owner);
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
	for (size_t i = 0; i < r->f->n_wants; i++)
		for (int wildcard = 0; wildcard < 2; wildcard++) {
			struct perdure_caa_question q;
			struct perdure_caa_verdict v;
			const struct audit_want *w = &r->f->wants[i];
			if (judge(r, w, wildcard, &q, &v) && kind_of(&v) == kind)
				tell_refusal(r, w, &q, &v);
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

void rule_caa_missing(struct rules_run *r)
{
	const struct facts_caa *caa = &r->f->caa;
	if (caa->looked && !(caa->failure && *caa->failure) && !caa->n && (r->f->n_wants || r->f->n_sets))
		found(r, (struct about){0}, "neither %s nor a name above it has CAA records", r->f->fqdn);
}

void rule_caa_unbound(struct rules_run *r)
{
	for (size_t i = 0; i < r->f->n_wants; i++) {
		struct perdure_caa_question q;
		struct perdure_caa_verdict v;
		const struct audit_want *w = &r->f->wants[i];
		if (judge(r, w, !w->base, &q, &v) && v.allowed && v.reason == PERDURE_CAA_NAMED && !v.has_account)
			found(r, (struct about){.owner = r->f->caa.owner, .ca = r->c->cas[w->ca].name},
				"the property for CA \"%s\" at %s has no accounturi", r->c->cas[w->ca].name,
				r->f->caa.owner);
	}
}
