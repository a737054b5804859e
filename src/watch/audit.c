/* audit.c: one audit. */
#include "watch/audit.h"

#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/facts.h"
#include "watch/rules_priv.h"

/* One name being judged. */
struct audit_now {
	struct baseline_name before;
	bool in_baseline;
	size_t known;
};

static void forget(struct audit_now *n)
{
	baseline_name_done(&n->before);
}

static void tell(struct audit *a, const struct finding *f)
{
	a->sum.found[f->rule->severity]++;
	a->finding(f, a->ctx);
}

static void heard(const struct finding *f, void *ctx)
{
	struct audit *a = ctx;
	if (a->after)
		baseline_out_finding(a->after, f);
	if (a->standing)
		a->standing(f, a->ctx);
	if (a->now->in_baseline && baseline_knows(&a->now->before, f)) {
		a->now->known++;
		return;
	}
	tell(a, f);
}

/* Changes are told whatever the baseline knows. */
static void heard_change(const struct finding *f, void *ctx)
{
	tell(ctx, f);
}

static int look_up(struct audit *a, struct facts *f, struct audit_now *n)
{
	if (!a->before)
		return 0;
	if (baseline_find(a->before, f->fqdn, &n->before, &n->in_baseline, a->e)) {
		a->failed = true;
		return -1;
	}
	if (n->in_baseline && n->before.ns.n)
		f->ns_before = &n->before.ns;
	return 0;
}

static void count(struct audit *a, const struct facts *f)
{
	a->sum.names++;
	a->sum.unseen += f->failure != NULL;
	EACH_RR(f, s, rr)
	a->sum.records += rr->readable;
}

void audit_facts(struct audit *a, struct facts *f)
{
	__attribute__((cleanup(forget))) struct audit_now now = {0};
	if (a->failed || look_up(a, f, &now))
		return;
	a->now = &now;
	facts_read(f, a->c);
	count(a, f);
	a->name(a->ctx, f->fqdn);
	if (a->after) {
		if (f->failure && !f->from_zone)
			baseline_out_keep(a->after, a->before, f->fqdn);
		else
			baseline_out_name(a->after, f);
	}
	if (a->before)
		baseline_compare(&now.before, f, a->c, heard_change, a);
	rules_check(f, a->c, heard, a);
	a->sum.known += now.known;
	if (!f->failure && now.before.findings.n > now.known)
		a->sum.gone += now.before.findings.n - now.known;
	a->now = NULL;
}

void audit_no_name(struct audit *a, const char *name, const char *why)
{
	struct facts f = {.fqdn = name, .owner = name, .name_fault = why, .failure = why};
	a->sum.names++;
	a->sum.unseen++;
	a->name(a->ctx, name);
	rules_check_one(rules_find("PD109"), &f, a->c, heard_change, a);
}

static void check_ca(struct audit *a, const struct audit_ca *ca)
{
	const struct rule *issuer = rules_find("PD802"), *moves = rules_find("PD803");
	for (size_t i = 0; ca->directory_issuers.n && i < ca->issuers.n; i++)
		if (!strv_has(&ca->directory_issuers, ca->issuers.v[i]) &&
			!context_ignored(a->c, issuer->id, ca->name)) {
			AUTO(xfreep) char *offered = strv_join(&ca->directory_issuers, ", ");
			found_elsewhere(heard_change, a, issuer, ca->name,
				(struct about){.ca = ca->name, .key = ca->issuers.v[i]},
				"%s is in use, the directory offers %s", ca->issuers.v[i], offered);
		}
	for (size_t i = 0; ca->caa_identities.n && i < ca->directory_issuers.n; i++)
		if (!strv_has(&ca->caa_identities, ca->directory_issuers.v[i]) &&
			!context_ignored(a->c, issuer->id, ca->name))
			found_elsewhere(heard_change, a, issuer, ca->name,
				(struct about){.ca = ca->name, .key = ca->directory_issuers.v[i]},
				"%s is offered as an issuer, and not among the CAA identities of the directory",
				ca->directory_issuers.v[i]);
	if (ca->n_levels > 1 && !context_ignored(a->c, moves->id, ca->name))
		found_elsewhere(heard_change, a, moves, ca->name, (struct about){.ca = ca->name},
			"levels %02d and %02d", ca->levels[0], ca->levels[1]);
}

void audit_cas(struct audit *a)
{
	for (size_t i = 0; i < a->c->n_cas; i++) {
		const struct audit_ca *ca = &a->c->cas[i];
		if (!ca->asked)
			continue;
		if (a->after)
			baseline_out_ca(a->after, ca);
		if (a->before)
			baseline_compare_ca(a->before, ca, a->c, heard_change, a);
		check_ca(a, ca);
	}
}

static void gone(const char *fqdn, void *ctx)
{
	struct audit *a = ctx;
	struct baseline_name before = {0};
	bool there;
	struct facts f = {.fqdn = fqdn, .owner = fqdn};
	if (a->failed || baseline_find(a->before, fqdn, &before, &there, a->e)) {
		a->failed = true;
		return;
	}
	if (there && before.records.n) {
		a->name(a->ctx, fqdn);
		baseline_compare(&before, &f, a->c, heard_change, a);
	}
	a->sum.gone += before.findings.n;
	baseline_name_done(&before);
}

void audit_rest(struct audit *a)
{
	if (a->before)
		baseline_rest(a->before, gone, a);
}
