/* explain.c: the verdict on everything that was looked at. */
#include "inventory/explain.h"

#include <stdlib.h>
#include <string.h>

#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

bool explain_dialect_is_public(enum perdure_dialect d)
{
	return d != PERDURE_DIALECT_PEBBLE;
}

struct remark *explain_public(struct explain *e, struct remark *m)
{
	if (!explain_dialect_is_public(e->q->q.dialect) && m->severity == REMARK_ERROR)
		m->severity = REMARK_WARNING;
	return m;
}

/* The last part of the ACME error type that CAs give in such a case. */
static const char *problem_of(enum remark_code c)
{
	if (c == REMARK_CAA_FAILED)
		return "dns";
	if (c >= REMARK_CAA_FORBIDDEN && c <= REMARK_CAA_CRITICAL)
		return "caa";
	if (c == REMARK_DNSSEC_BOGUS || (c >= REMARK_ALIAS_CHAIN && c <= REMARK_ALIAS_DANGLING))
		return "dns";
	return "unauthorized";
}

static void conclude(struct explained *x)
{
	const struct remark *worst = remarks_worst(&x->remarks);
	const struct recordcheck *r = x->record;
	x->verdict = r->result;
	x->problem = r->problem;
	x->reason = r->reason;
	x->fix = r->fix;
	if (r->result == RECORDCHECK_REFUSED || !worst || worst->severity != REMARK_ERROR)
		return;
	x->verdict = RECORDCHECK_REFUSED;
	x->problem = problem_of(worst->code);
	x->reason = worst->text;
	/* Some fixes are words, which nobody can publish. */
	x->fix = strstr(worst->fix, " IN ") ? worst->fix : "";
}

void explain(const struct explain_question *q, const struct observation *o, struct explained *ret)
{
	struct explain e = {.q = q, .o = o, .x = ret};
	*ret = (struct explained){.record = recordcheck_judge(&q->q, o->txt.view, o->txt.e)};
	if (q->q.dialect != PERDURE_DIALECT_DRAFT) {
		struct recordcheck_question text = q->q;
		text.dialect = PERDURE_DIALECT_DRAFT;
		ret->text = recordcheck_judge(&text, o->txt.view, o->txt.e);
	}
	const struct dns_answer *most =
		o->txt.view->n_groups ? &o->txt.view->answers[o->txt.view->groups[0].first] : NULL;
	recordcheck_see(&q->q, most ? most->txt : NULL, most ? most->n_txt : 0, &ret->seen);
	explain_record(&e);
	explain_way(&e);
	explain_caa(&e);
	explain_servers(&e);
	explain_vantages(&e);
	explain_delegation(&e);
	for (size_t i = 0; i < ret->remarks.n; i++)
		ret->remarks.v[i].says = wording(q->q.dialect, ret->remarks.v[i].code);
	conclude(ret);
}

void explained_done(struct explained *x)
{
	recordcheck_free(x->record);
	recordcheck_free(x->text);
	recordcheck_seen_done(&x->seen);
	for (size_t i = 0; i < x->n_vantages; i++)
		recordcheck_seen_done(&x->vantages[i].seen);
	free(x->vantages);
	remarks_done(&x->remarks);
	*x = (struct explained){0};
}
