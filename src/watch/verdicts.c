/* verdicts.c: what each CA would say to a name that certificates need there, by the records that most servers publish.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "watch/rules_priv.h"

static const enum perdure_level levels[] = {PERDURE_LEVEL_00, PERDURE_LEVEL_01, PERDURE_LEVEL_02};

/* The RRset of one group of servers, as the library takes it. */
static struct perdure_rr *rrs_of(const struct facts_set *s)
{
	struct perdure_rr *rr = xcalloc(s->n ? s->n : 1, sizeof(*rr));
	for (size_t i = 0; i < s->n; i++)
		rr[i] = (struct perdure_rr){.strings = s->rr[i].strings, .n = s->rr[i].n_strings};
	return rr;
}

static bool ask(const struct rules_run *r, const struct audit_want *w, int level, struct perdure_question *ret)
{
	const struct audit_ca *a = &r->c->cas[w->ca];
	if (!a->account_url || !a->issuers.n || (level == 2 && (!a->prefix || !a->thumbprints.n)))
		return false;
	*ret = (struct perdure_question){
		.level = levels[level],
		.identifier = r->f->fqdn,
		.wildcard = w->wildcard,
		.issuers = (const char *const *)a->issuers.v,
		.n_issuers = a->issuers.n,
		.account_urls = (const char *const *)&a->account_url,
		.n_account_urls = 1,
		.thumbprints = (const char *const *)a->thumbprints.v,
		.n_thumbprints = a->thumbprints.n,
		.account_hash_prefix = a->prefix,
		.hash = &r->c->hash,
		.deactivated = a->dead,
		.via_alias = r->f->alias.chain && r->f->alias.chain->n,
		.now = r->c->now,
	};
	return true;
}

static void explain(
	const struct perdure_question *q, const struct perdure_verdict *v, uint32_t ttl, struct verdict_at *at)
{
	char *sentence = NULL;
	struct perdure_built b;
	if (perdure_verdict_explain(q, v, &sentence) == PERDURE_OK) {
		free(at->reason);
		at->reason = xstrdup(sentence);
	}
	perdure_free(sentence);
	if (perdure_verdict_fix(q, v, ttl, &b) == PERDURE_OK) {
		free(at->fix);
		at->fix = xstrdup(b.zone_line);
		perdure_built_done(&b);
	}
}

/* Each different RRset has the votes of the servers that serve it, as a CA looks from several places. */
static bool judge(const struct rules_run *r, const struct audit_want *w, int level, struct verdict_at *ret)
{
	struct perdure_question q;
	if (!ask(r, w, level, &q))
		return false;
	size_t yes = 0, all = 0;
	*ret = (struct verdict_at){.want = w, .level = level, .reason = xstrdup(""), .fix = xstrdup("")};
	static const struct facts_set nothing;
	for (size_t i = 0; i < (r->f->n_sets ? r->f->n_sets : 1); i++) {
		const struct facts_set *s = r->f->n_sets ? &r->f->sets[i] : &nothing;
		size_t votes = s->n_servers ? s->n_servers : 1;
		AUTO(xfreep) struct perdure_rr *rr = rrs_of(s);
		struct perdure_verdict v;
		all += votes;
		if (perdure_judge(&q, rr, s->n, &v))
			continue;
		yes += v.valid ? votes : 0;
		if (!v.valid && !*ret->reason)
			explain(&q, &v, r->c->ttl, ret);
	}
	ret->accepted = yes * 2 > all;
	return true;
}

const struct verdicts *verdicts_of(struct rules_run *r)
{
	if (r->verdicts)
		return r->verdicts;
	r->verdicts = xcalloc(1, sizeof(*r->verdicts));
	/* What nobody could look at has no verdict. */
	if (r->f->failure)
		return r->verdicts;
	for (size_t i = 0; i < r->f->n_wants; i++) {
		const struct audit_want *w = &r->f->wants[i];
		for (int l = 0; l < r->c->cas[w->ca].n_levels; l++) {
			struct verdict_at at;
			if (!judge(r, w, r->c->cas[w->ca].levels[l], &at))
				continue;
			r->verdicts->v = xreallocarray(r->verdicts->v, r->verdicts->n + 1, sizeof(*r->verdicts->v));
			r->verdicts->v[r->verdicts->n++] = at;
		}
	}
	return r->verdicts;
}

void verdicts_free(struct verdicts *v)
{
	for (size_t i = 0; v && i < v->n; i++) {
		free(v->v[i].reason);
		free(v->v[i].fix);
	}
	if (v)
		free(v->v);
	free(v);
}
