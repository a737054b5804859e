/* checkadvise.c: perdure check --advise: by which ways names can be proved at each CA, and which is to be recommended.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "dns/dns.h"
#include "dns/rr.h"
#include "dns/view.h"
#include "inventory/advise.h"
#include "inventory/delegation.h"
#include "inventory/dnsplace.h"
#include "inventory/observe.h"
#include "loop/loop.h"

/* One item, with what was found out. */
struct advising {
	struct all *all;
	struct advise_facts f;
	bool is_public, is_private, unseen; /* of its addresses */
	struct dns_query *queries[2]; /* A, AAAA */
};

struct all {
	struct check_ask *a;
	struct advising *v; /* one for each item */
	size_t n_asked; /* queries at work */
};

/* --- facts --- */

static const struct config_cert *cert_with(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_certs; i++)
		if (strv_has(&c->certs[i].names, name))
			return &c->certs[i];
	return NULL;
}

static const char *provider_of(const struct config *c, const char *owner)
{
	const struct config_provider *p = config_provider_for(c, owner, 0, NULL);
	return p ? p->name : NULL;
}

/* Directories of levels 00 and 01 do not say it; whoever configures what only records need has found out. */
static enum advise_known offers(const struct check_ask *a, const struct config_cert *cert, const char *ca)
{
	for (size_t i = 0; i < a->site.config->n_cas; i++) {
		const struct config_ca *conf = &a->site.config->cas[i];
		const struct config_preset *p = config_find_preset(ca);
		if (strcmp(conf->name, ca) != 0)
			continue;
		if (conf->level != CONFIG_LEVEL_UNSET || conf->issuers.n ||
			(cert && cert->validation == CONFIG_VALIDATION_PERSIST))
			return ADVISE_YES;
		if (p && !strcmp(p->directory, conf->directory))
			return p->level == CONFIG_LEVEL_UNSET ? ADVISE_NO : ADVISE_YES;
	}
	return ADVISE_UNKNOWN;
}

static void look_at_delegation(
	const struct config *c, const struct config_delegation *d, const struct observation *o, struct advise_facts *f)
{
	static const struct err none;
	AUTO(delegation_done) struct delegation to = {0};
	AUTO(dnsplace_done) struct dnsplace place = {0};
	struct err e = {0};
	f->delegation = config_delegation_given(d) && !delegation_of(d, NULL, o->fqdn, &to, &e);
	f->keep = d->keep;
	if (f->delegation) {
		f->target_provider = provider_of(c, to.target);
		f->cname = ADVISE_YES;
		if (dnsplace_decide(o->challenge.view, o->challenge.e ? o->challenge.e : &none, d, o->fqdn,
			    CONFIG_VALIDATION_DELEGATION, &place, &e))
			f->cname = e.kind == ERR_POLICY ? ADVISE_NO : ADVISE_UNKNOWN;
	}
	err_done(&e);
}

static void told(const struct checkall_item *i, const struct observation *o, const struct explained *x, void *ctx)
{
	struct all *all = ctx;
	const struct config *c = all->a->site.config;
	struct advise_facts *f = &all->v[i - all->a->items].f;
	AUTO(xfreep) char *wild = xasprintf("*.%s", o->fqdn);
	const struct config_cert *cert = cert_with(c, i->q.q.wildcard ? wild : o->fqdn);
	AUTO(xfreep) char *owner = delegation_owner(o->fqdn);
	f->wildcard = i->q.q.wildcard;
	f->offers = i->q.q.prefix ? ADVISE_YES : offers(all->a, cert, i->ca);
	f->record = x->record->result;
	f->zone_provider = provider_of(c, owner);
	f->webroot = cert ? cert->webroot : c->http.webroot;
	f->listen = c->http.listen;
	look_at_delegation(c, cert ? cert->delegation : &c->delegation, o, f);
}

/* --- addresses --- */

/* What the world does not reach: RFC 6890. */
static bool is_private(const struct dns_rr *r)
{
	const uint8_t *p = r->data;
	if (r->n == 16) {
		static const uint8_t zeros[15];
		return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80) ||
		       (!memcmp(p, zeros, sizeof(zeros)) && p[15] <= 1);
	}
	return r->n != 4 || p[0] == 0 || p[0] == 10 || p[0] == 127 || (p[0] == 100 && (p[1] & 0xc0) == 64) ||
	       (p[0] == 169 && p[1] == 254) || (p[0] == 172 && (p[1] & 0xf0) == 16) || (p[0] == 192 && p[1] == 168);
}

static void note(struct advising *v, const struct dns_view *view)
{
	const struct dns_answer *a = view ? dns_view_any(view) : NULL;
	v->unseen |= !a;
	for (size_t i = 0; a && a->result == DNS_FOUND && i < a->n_rr; i++) {
		bool hidden = is_private(&a->rr[i]);
		v->is_private |= hidden;
		v->is_public |= !hidden;
	}
}

static void answered(struct advising *v, int which, struct dns_view *view)
{
	v->queries[which] = NULL;
	note(v, view);
	dns_view_free(view);
	if (!--v->all->n_asked)
		loop_stop(v->all->a->site.loop);
}

static void have_a(struct dns_view *view, const struct err *e, void *ctx)
{
	(void)e;
	answered(ctx, 0, view);
}

static void have_aaaa(struct dns_view *view, const struct err *e, void *ctx)
{
	(void)e;
	answered(ctx, 1, view);
}

static int look_at_addresses(struct all *all, struct err *e)
{
	struct site *s = &all->a->site;
	for (size_t i = 0; i < all->a->n; i++) {
		struct advising *v = &all->v[i];
		const char *name = all->a->items[i].q.q.name;
		if (all->a->items[i].q.q.wildcard)
			continue; /* http-01 is no way for it */
		all->n_asked += 2;
		v->queries[0] = dns_view_rrset(s->dns, name, DNS_TYPE_A, 0, have_a, v);
		v->queries[1] = dns_view_rrset(s->dns, name, DNS_TYPE_AAAA, 0, have_aaaa, v);
	}
	int result = all->n_asked ? loop_run(s->loop, e) : 0;
	for (size_t i = 0; i < all->a->n; i++) {
		struct advising *v = &all->v[i];
		for (size_t k = 0; k < ARRAY_LEN(v->queries); k++)
			if (v->queries[k])
				dns_view_cancel(v->queries[k]);
		v->f.address = v->is_public    ? ADVISE_ADDRESS_PUBLIC
			       : v->unseen     ? ADVISE_ADDRESS_UNKNOWN
			       : v->is_private ? ADVISE_ADDRESS_PRIVATE
					       : ADVISE_ADDRESS_NONE;
	}
	return result;
}

/* --- the advice --- */

static void print_json(const struct checkall_item *i, const struct advice *a)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "name", i->q.q.name);
	json_out_bool(&j.w, "wildcard", i->q.q.wildcard);
	json_out_str(&j.w, "ca", i->ca);
	json_out_str(&j.w, "recommended", a->best ? config_validation_name(a->best->how) : NULL);
	json_out_str(&j.w, "why", a->why);
	json_out_array(&j.w, "methods");
	for (size_t k = 0; k < ADVISE_WAYS; k++) {
		const struct advise_way *w = &a->ways[k];
		json_out_object(&j.w, NULL);
		json_out_str(&j.w, "method", config_validation_name(w->how));
		json_out_str(&j.w, "state", advise_state_name(w->state));
		json_out_str(&j.w, "reason", w->reason);
		json_out_int(&j.w, "dns_writes", w->writes);
		json_out_bool(&j.w, "needs_credentials", *w->credentials || w->unnamed);
		json_out_str(&j.w, "provider", *w->credentials ? w->credentials : NULL);
		json_out_str(&j.w, "port", *w->port ? w->port : NULL);
		json_out_end_object(&j.w);
	}
	json_out_end_array(&j.w);
	out_json_end(&j);
}

static void print_text(const struct checkall_item *i, const struct advice *a)
{
	out_text("%s%s at %s: %s%s%s\n", i->q.q.wildcard ? "*." : "", i->q.q.name, i->ca,
		a->best ? config_validation_name(a->best->how) : "", a->best ? " is recommended: " : "", a->why);
	for (size_t k = 0; k < ADVISE_WAYS; k++) {
		const struct advise_way *w = &a->ways[k];
		out_text("  %-15s %-12s %s\n", config_validation_name(w->how), advise_state_name(w->state), w->reason);
		if (w->state == ADVISE_IMPOSSIBLE)
			continue;
		out_text("  %-28s costs per renewal: %d DNS write%s; credentials here: %s%s; open port: %s\n", "",
			w->writes, w->writes == 1 ? "" : "s",
			*w->credentials ? "of provider "
			: w->unnamed    ? "of a provider for it"
					: "none",
			w->credentials, *w->port ? w->port : "none");
	}
}

static int look(struct all *all, struct err *e)
{
	struct check_ask *a = all->a;
	if (site_dns(&a->site, e))
		return -1;
	struct observer *ob = observer_new(a->site.dns);
	for (size_t i = 0; i < a->site.config->dns.n_stubs; i++)
		observer_set_top(ob, a->site.config->dns.stubs[i].zone);
	struct checkall run = {.items = a->items, .n = a->n, .what = a->what, .told = told, .ctx = all};
	int result = checkall_run(&a->site, ob, &run, e);
	observer_free(ob);
	return result ? -1 : look_at_addresses(all, e);
}

int check_advise(const struct cli *c, struct check_ask *a, struct err *e)
{
	struct all all = {.a = a, .v = xcalloc(a->n ? a->n : 1, sizeof(*all.v))};
	bool all_work = true;
	for (size_t i = 0; i < a->n; i++)
		all.v[i].all = &all;
	int result = look(&all, e);
	for (size_t i = 0; i < a->n && !result; i++) {
		struct advice advice;
		advise(&all.v[i].f, &advice);
		all_work &= advice.best && advice.best->state == ADVISE_WORKS;
		if (c->json)
			print_json(&a->items[i], &advice);
		else
			print_text(&a->items[i], &advice);
	}
	free(all.v);
	return result ? -1 : all_work ? EXIT_DONE : EXIT_REFUSED;
}
