/* dns01look.c: every domain of `perdure migrate dns-01` looked at after its records were published. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/dns01.h"
#include "cli/output.h"
#include "dns/dns.h"
#include "inventory/checkall.h"
#include "inventory/observe.h"

static int by_fqdn(const void *key, const void *m)
{
	return strcmp(key, ((const struct dns01_domain *)m)->fqdn);
}

static struct dns01_domain *find(struct dns01 *d, const char *fqdn)
{
	return bsearch(fqdn, d->domains, d->n, sizeof(*d->domains), by_fqdn);
}

static void tell(const struct dns01 *d, const char *name, const char *ca, const char *verdict, const char *reason,
	const char *fix)
{
	if (d->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "kind", "name");
		json_out_str(&j.w, "name", name);
		json_out_str(&j.w, "ca", ca);
		json_out_str(&j.w, "verdict", verdict);
		json_out_str(&j.w, "reason", reason);
		json_out_str(&j.w, "fix", fix);
		out_json_end(&j);
	} else if (reason || d->c->verbose) {
		out_progress_clear();
		out_text("%s%s%s: %s%s%s%s%s\n", name, ca ? " at " : "", ca ? ca : "",
			out_colour_on(reason ? OUT_BAD : OUT_GOOD), verdict, out_colour_off(), reason ? ": " : "",
			reason ? reason : "");
		if (fix)
			out_text("  fix: %s\n", fix);
	}
}

/* Seen for the first time: what dns-01 has left. */
static void note_old(struct dns01_domain *m, const struct observation *o)
{
	if (m->looked)
		return;
	oldproof_read(o, &m->old);
	m->looked = true;
	m->ready = true;
}

/* ---- records, by verdict ---- */

static void judged(const struct checkall_item *i, const struct observation *o, const struct explained *x, void *ctx)
{
	struct dns01 *d = ctx;
	struct dns01_domain *m = find(d, i->q.q.name);
	bool good = x->verdict == RECORDCHECK_GOOD;
	AUTO(xfreep) char *name = xasprintf("%s%s", i->q.q.wildcard ? "*." : "", i->q.q.name);
	note_old(m, o);
	m->ready = m->ready && good;
	tell(d, name, i->ca, recordcheck_result_name(x->verdict), good ? NULL : x->reason,
		good || !*x->fix ? NULL : x->fix);
}

static void ask_of(const struct dns01 *d, size_t ca, const char *name, struct checkall_item *ret)
{
	const struct cafacts *f = &d->facts[ca];
	const struct site_ca *at = d->cas[ca];
	bool wildcard = !strncmp(name, "*.", 2);
	*ret = (struct checkall_item){.ca = at->conf->name};
	ret->q.q = (struct recordcheck_question){.name = wildcard ? name + 2 : name,
		.wildcard = wildcard,
		.level = f->levels[f->n_levels - 1],
		.issuers = &f->issuers,
		.account_url = at->account.url,
		.thumbprints = &at->account.thumbprints,
		.prefix = f->prefix,
		.ttl = (uint32_t)d->site.config->record_ttl,
		.now = clk_wall(d->site.clk) / 1000,
		.dialect = f->dialect,
		.deactivated = at->account.status[0] && strcmp(at->account.status, "valid")};
	ret->q.caa = &f->caa;
	ret->q.account_status = at->conf->account_url ? "" : at->account.status;
}

static int look_at_records(struct dns01 *d, struct observer *ob, struct err *e)
{
	size_t n = 0;
	struct checkall_item *items = xcalloc(d->names.n * d->n_cas, sizeof(*items));
	for (size_t i = 0; i < d->names.n; i++)
		for (size_t k = 0; k < d->n_cas; k++)
			ask_of(d, k, d->names.v[i], &items[n++]);
	struct checkall all = {.items = items, .n = n, .what = OBSERVE_ALL, .told = judged, .ctx = d};
	int r = checkall_run(&d->site, ob, &all, e);
	free(items);
	return r;
}

/* ---- delegations ---- */

struct walk {
	struct dns01 *d;
	size_t next;
};

static bool next(void *ctx, const char **ret_fqdn, unsigned *ret_what)
{
	struct walk *w = ctx;
	if (w->next == w->d->n)
		return false;
	*ret_fqdn = w->d->domains[w->next++].fqdn;
	*ret_what = OBSERVE_TXT | OBSERVE_DELEGATION;
	return true;
}

static void seen(void *ctx, size_t i, const struct observation *o)
{
	struct walk *w = ctx;
	struct dns01_domain *m = &w->d->domains[i];
	struct err why = {0};
	note_old(m, o);
	m->ready = !oldproof_leads_to(o, m->target, &why);
	const char *verdict = m->ready ? "delegated" : why.retry == RETRY_LATER ? "unknown" : "not delegated";
	tell(w->d, m->fqdn, NULL, verdict, m->ready ? NULL : why.msg, why.hint[0] ? why.hint : NULL);
	err_done(&why);
}

int dns01_look(struct dns01 *d, struct err *e)
{
	/* With nothing remembered from before the records were written. */
	dns_free(d->site.dns);
	d->site.dns = NULL;
	if (site_dns(&d->site, e))
		return -1;
	struct observer *ob = observer_new(d->site.dns);
	for (size_t i = 0; i < d->site.config->dns.n_stubs; i++)
		observer_set_top(ob, d->site.config->dns.stubs[i].zone);
	struct walk w = {.d = d};
	struct observe_many many = {.next = next, .told = seen, .ctx = &w, .in_order = true};
	int r = d->delegate ? observe_run(ob, d->site.loop, &many, e) : look_at_records(d, ob, e);
	observer_free(ob);
	for (size_t i = 0; i < d->n; i++)
		d->failed += !d->domains[i].ready;
	return r;
}
