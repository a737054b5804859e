/* explainvantage.c: remarks on what resolvers elsewhere see, and the quorum. */
#include <inttypes.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/resolvers.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

static const enum vantage_result results[] = {
	[RECORDCHECK_GOOD] = VANTAGE_VALID,
	[RECORDCHECK_REFUSED] = VANTAGE_REFUSED,
	[RECORDCHECK_UNKNOWN] = VANTAGE_SILENT,
};

static void see(struct explain *e, const struct dns_vantage *d, struct explained_vantage *v)
{
	bool answered = d->result == DNS_FOUND || d->result == DNS_NODATA || d->result == DNS_NXDOMAIN;
	v->where = d->resolver;
	recordcheck_see(&e->q->q, d->rrset.txt, d->rrset.n_txt, &v->seen);
	v->result = !answered ? VANTAGE_SILENT : v->seen.valid ? VANTAGE_VALID : VANTAGE_REFUSED;
	if (!answered)
		remarks_add(&e->x->remarks, REMARK_VANTAGE_SILENT, "%s: %s", d->resolver, d->text);
	else if (strcmp(v->seen.answer, e->x->seen.answer))
		remarks_add(&e->x->remarks, REMARK_VANTAGE_DIFFERS,
			"%s sees something else than the name servers publish (%s), for %" PRIu32 " s more at most",
			d->resolver, v->seen.valid ? "it would be accepted" : v->seen.reason, d->rrset.ttl);
}

static struct vantage point(const char *where, enum vantage_result r, const struct recordcheck_seen *s)
{
	return (struct vantage){
		.where = where, .result = r, .account = r == VANTAGE_VALID ? s->account : NULL, .answer = s->answer};
}

void explain_vantages(struct explain *e)
{
	const struct dns_vantages *d = e->o->vantages;
	struct explained *x = e->x;
	if (!d || !d->n)
		return;
	struct vantage *remote = xcalloc(d->n, sizeof(*remote));
	x->vantages = xcalloc(d->n, sizeof(*x->vantages));
	x->n_vantages = d->n;
	for (size_t i = 0; i < d->n; i++) {
		see(e, &d->v[i], &x->vantages[i]);
		remote[i] = point(d->v[i].resolver, x->vantages[i].result, &x->vantages[i].seen);
	}
	struct vantage primary = point("name servers", results[x->record->result], &x->seen);
	vantage_judge(&primary, remote, d->n, e->q->q.now, &x->quorum);
	if (!x->quorum.corroborated && primary.result == VANTAGE_VALID) {
		/* Public resolvers are no perspectives of a CA, whose caches are empty: a warning. */
		struct remark *m = remarks_add(&x->remarks, REMARK_QUORUM_MISSED, "%s", x->quorum.text);
		m->severity = REMARK_WARNING;
		remark_fix(m, "wait until caches have forgotten the old answer, then check again");
	}
	xfreep(&remote);
}
