/* explaincaa.c: remarks on CAA. */
#include <perdure/caa.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

static enum remark_code code_of(enum perdure_caa_reason r)
{
	switch (r) {
	case PERDURE_CAA_OTHERS:
		return REMARK_CAA_OTHER_CA;
	case PERDURE_CAA_METHOD:
		return REMARK_CAA_METHOD;
	case PERDURE_CAA_ACCOUNT:
		return REMARK_CAA_ACCOUNT;
	case PERDURE_CAA_ACCOUNT_HASHED:
		return REMARK_CAA_HASHED;
	case PERDURE_CAA_UNSATISFIABLE:
		return REMARK_CAA_UNSATISFIABLE;
	case PERDURE_CAA_SYNTAX:
	case PERDURE_CAA_MALFORMED:
		return REMARK_CAA_MALFORMED;
	case PERDURE_CAA_CRITICAL:
		return REMARK_CAA_CRITICAL;
	case PERDURE_CAA_FORBIDDEN:
	case PERDURE_CAA_NAMED:
	case PERDURE_CAA_NO_SET:
	case PERDURE_CAA_UNRESTRICTED:
	case PERDURE_CAA_REASON_N_:
		break;
	}
	return REMARK_CAA_FORBIDDEN;
}

static struct perdure_caa_question question(const struct explain *e)
{
	const struct recordcheck_question *q = &e->q->q;
	const struct strv *names = e->q->caa ? e->q->caa : q->issuers;
	return (struct perdure_caa_question){
		.dialect = q->dialect,
		.wildcard = q->wildcard,
		.issuers = (const char *const *)names->v,
		.n_issuers = names->n,
		.account_url = q->account_url,
		.account_hash_prefix = q->prefix,
	};
}

static void say_fix(struct remark *m, const struct perdure_caa_question *q, const struct perdure_text *rrs,
	const struct perdure_caa_verdict *v, const char *owner, uint32_t ttl)
{
	struct perdure_caa_fix f;
	if (perdure_caa_fix(q, rrs, v, owner, ttl, &f) != PERDURE_OK)
		return;
	char *old = NULL;
	if (f.replaces >= 0)
		(void)perdure_caa_present(rrs[f.replaces].p, rrs[f.replaces].n, &old);
	if (f.line && old)
		remark_fix(m, "%s (in place of: CAA %s)", f.line, old);
	else if (f.line)
		remark_fix(m, "%s", f.line);
	else if (old)
		remark_fix(m, "remove at %s: CAA %s", owner, old);
	perdure_free(old);
	perdure_caa_fix_done(&f);
}

/* The relevant set, as one server has it. */
static void say_set(struct explain *e, const struct dns_view *view, const struct dns_answer *a)
{
	struct perdure_caa_question q = question(e);
	struct perdure_caa_verdict v;
	struct perdure_text *rrs = xcalloc(a->n_rr, sizeof(*rrs));
	char *sentence = NULL;
	const char *owner = view->chain.n ? view->chain.v[view->chain.n - 1] : view->owner;
	for (size_t i = 0; i < a->n_rr; i++)
		rrs[i] = (struct perdure_text){(const char *)a->rr[i].data, a->rr[i].n};
	if (perdure_caa_judge(&q, rrs, a->n_rr, &v) == PERDURE_OK && !v.allowed &&
		perdure_caa_explain(&q, rrs, &v, &sentence) == PERDURE_OK) {
		struct remark *m = remarks_add(&e->x->remarks, code_of(v.reason), "at %s: %s", owner, sentence);
		say_fix(explain_public(e, m), &q, rrs, &v, owner, e->q->q.ttl);
	}
	perdure_free(sentence);
	free(rrs);
}

static void say_disagree(struct explain *e, const struct dns_view *v)
{
	if (v->n_groups < 2)
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_CAA_DISAGREE,
		"%zu of %zu addresses publish other CAA records at %s than the rest, %s among them",
		v->n_answered - v->groups[0].addresses, v->n_answered, v->owner, v->answers[v->groups[1].first].server);
	remark_fix(m, "wait until all servers have the same zone, or ask why %s does not",
		v->answers[v->groups[1].first].server);
}

/* The first name of the climb that gave no answer: a CA that cannot look must not issue. */
static void say_failed(struct explain *e, size_t before)
{
	const struct observation *o = e->o;
	const char *zone = o->txt.view->zone[0] ? o->txt.view->zone : o->fqdn;
	for (size_t i = 0; i < before; i++) {
		const struct observed *at = &o->caa[i]->at;
		if (dns_view_any(at->view) || !at->view->looked)
			continue;
		const struct dns_answer *a = at->view->n ? &at->view->answers[0] : NULL;
		struct remark *m = remarks_add(&e->x->remarks, REMARK_CAA_FAILED,
			"CAA at %s could not be looked up: %s", o->caa[i]->name,
			a       ? a->text
			: at->e ? at->e->msg
				: "no server is known");
		remark_fix(m, "have the servers answer questions of type CAA, if only with \"no data\"");
		/*
		 * Silence may be this host's network, and trouble above the record's zone is most often this host's,
		 * too. Where nothing is known of the record either, this adds nothing.
		 */
		if (!a || a->result != DNS_FAILED || e->x->record->result == RECORDCHECK_UNKNOWN ||
			!name_within(o->caa[i]->name, zone))
			m->severity = REMARK_WARNING;
		explain_public(e, m);
		return;
	}
}

void explain_caa(struct explain *e)
{
	const struct observation *o = e->o;
	if (!(o->what & OBSERVE_CAA))
		return;
	bool unknown;
	size_t i = observation_relevant_caa(o, &unknown);
	if (unknown)
		say_failed(e, i);
	if (i < o->n_caa) {
		const struct dns_view *v = o->caa[i]->at.view;
		say_set(e, v, dns_view_any(v));
		say_disagree(e, v);
	} else if (!unknown && o->n_caa) {
		struct remark *m = remarks_add(&e->x->remarks, REMARK_CAA_NONE,
			"no CAA record from %s up to %s restricts who may issue", o->fqdn, o->caa[o->n_caa - 1]->name);
		remark_fix(m, "%s. %lu IN CAA 0 issue \"%s;accounturi=%s;validationmethods=dns-persist-01\"", o->fqdn,
			(unsigned long)e->q->q.ttl, question(e).issuers[0], e->q->q.account_url);
	}
}
