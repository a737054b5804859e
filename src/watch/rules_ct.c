/* rules_ct.c: rules about certificates seen in the logs of Certificate Transparency, PD811 to PD814. */
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "watch/ct.h"
#include "watch/rules_priv.h"

struct ct_run {
	struct rules_run *r;
	void (*judge)(struct ct_run *c, const struct ct_entry *t);
	size_t n;
};

static bool allowed(const struct audit_context *c, const struct ct_entry *t)
{
	for (size_t i = 0; i < c->ct_issuers.n; i++)
		if (ct_issuer_is(t->issuer, c->ct_issuers.v[i]))
			return true;
	return !c->ct_issuers.n;
}

/* The moment from which on each of our accounts stands; 0 when that is not known of one of them. */
static int64_t accounts_since(const struct audit_context *c)
{
	int64_t since = 0;
	for (size_t i = 0; i < c->n_cas; i++) {
		const struct audit_ca *a = &c->cas[i];
		if (!a->account_url)
			continue;
		if (!a->account_since)
			return 0;
		if (!since || a->account_since < since)
			since = a->account_since;
	}
	return since;
}

static bool older_than_accounts(const struct audit_context *c, const struct ct_entry *t)
{
	int64_t since = accounts_since(c);
	return since && t->not_before && t->not_before < since;
}

static void tell(struct ct_run *c, const struct ct_entry *t, const char *more)
{
	char from[CLOCK_TEXT_MAX] = "an unknown moment", to[CLOCK_TEXT_MAX] = "an unknown moment";
	AUTO(xfreep) char *names = strv_join(&t->names, ", ");
	if (t->not_before)
		clock_rfc3339(t->not_before, from);
	if (t->not_after)
		clock_rfc3339(t->not_after, to);
	found(c->r, (struct about){.key = t->serial},
		"serial number %s, issued by %s for %.1000s, good from %s to %s%s%s%s", t->serial, t->issuer, names,
		from, to, more, *t->id ? ", log entry " : "", t->id);
}

static void judge_unknown(struct ct_run *c, const struct ct_entry *t)
{
	if (allowed(c->r->c, t) && !older_than_accounts(c->r->c, t))
		tell(c, t, "");
}

static void judge_issuer(struct ct_run *c, const struct ct_entry *t)
{
	if (!allowed(c->r->c, t))
		tell(c, t, "");
}

static void judge_earlier(struct ct_run *c, const struct ct_entry *t)
{
	char since[CLOCK_TEXT_MAX];
	if (!allowed(c->r->c, t) || !older_than_accounts(c->r->c, t))
		return;
	clock_rfc3339(accounts_since(c->r->c), since);
	AUTO(xfreep) char *more = xasprintf("; our first account is of %s", since);
	tell(c, t, more);
}

/* Those that have ended can do no harm, and what has been ordered here is known. */
static void each(const struct ct_entry *t, void *ctx)
{
	struct ct_run *c = ctx;
	bool ended = t->not_after && t->not_after < c->r->c->now;
	c->n += !ended;
	if (c->judge && !ended && !t->ours)
		c->judge(c, t);
}

static size_t run(struct rules_run *r, void (*judge)(struct ct_run *c, const struct ct_entry *t))
{
	struct ct_run c = {.r = r, .judge = judge};
	bool wildcard = false;
	EACH_RR(r->f, s, rr)
	wildcard |= rr->readable && rr->rec.wildcard;
	if (r->c->ct && !r->f->name_fault)
		ct_each(r->c->ct, r->f->fqdn, wildcard, each, &c);
	return c.n;
}

void rule_ct_unknown(struct rules_run *r)
{
	run(r, judge_unknown);
}

void rule_ct_issuer(struct rules_run *r)
{
	run(r, judge_issuer);
}

void rule_ct_earlier(struct rules_run *r)
{
	run(r, judge_earlier);
}

void rule_ct_none(struct rules_run *r)
{
	if (!r->c->ct || !ct_count(r->c->ct) || run(r, NULL))
		return;
	EACH_RR(r->f, s, rr)
	if (rr->readable && (rr->account == FACTS_ACCOUNT_OURS || rr->account == FACTS_ACCOUNT_OLD_KEY)) {
		found(r, (struct about){.rr = rr}, "none of %zu certificates is good for %s", ct_count(r->c->ct),
			r->f->fqdn);
		return;
	}
}
