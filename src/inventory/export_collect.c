/* export_collect.c: what an export is made of, and what the DNS has of it already. */
#include "inventory/export_collect.h"

#include <perdure/persist.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/cafacts.h"
#include "inventory/delegation.h"
#include "inventory/desired.h"
#include "inventory/site.h"
#include "inventory/wishes.h"
#include "loop/loop.h"

enum {
	WINDOW = 256, /* look-ups at once; the DNS layer limits what one server gets */
	NAME_MAX_OCTETS = 253,
};

void export_collect_records(struct export_set *s, const struct desired *d, uint32_t ttl)
{
	for (size_t i = 0; i < d->n; i++)
		export_add(s, d->v[i].owner, EXPORT_TXT, ttl, d->v[i].value, 0, NULL);
}

void export_collect_caa(
	struct export_set *s, const struct desired *d, const struct site_ca *ca, const struct cafacts *f, uint32_t ttl)
{
	size_t pick = perdure_issuer_pick((const char *const *)f->issuers.v, f->issuers.n);
	AUTO(xfreep)
	char *value =
		xasprintf("%s;accounturi=%s;validationmethods=dns-persist-01", f->issuers.v[pick], ca->account.url);
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->v[i].ca, ca->conf->name))
			export_add(s, d->v[i].fqdn, EXPORT_CAA, ttl, value, 0, "issue");
}

/* The values behind delegations are changed by renewals, so that only their place is exported. */
static void add_place(struct export_set *s, const char *target, int64_t ttl)
{
	export_add(s, target, EXPORT_TXT, (uint32_t)ttl, "-", 0, NULL)->automated = true;
}

void export_collect_wishes(struct export_set *s, const struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct wish *wish = &w->v[i];
		bool cname = wish->type == PROVIDER_CNAME;
		export_add(
			s, wish->owner, cname ? EXPORT_CNAME : EXPORT_TXT, (uint32_t)wish->ttl, wish->value, 0, NULL);
		if (wish->place_ttl)
			add_place(s, wish->value, wish->place_ttl);
	}
}

int export_collect_delegations(
	struct export_set *s, const struct desired *d, const struct config_delegation *conf, struct err *e)
{
	for (size_t i = 0; i < d->n; i++) {
		AUTO(delegation_done) struct delegation to = {0};
		if (delegation_of(conf, NULL, d->v[i].fqdn, &to, e))
			return -1;
		if (strlen(to.target) > NAME_MAX_OCTETS)
			return err_set(e, ERR_USAGE, "%s has no room for a delegation: %s has more than %d octets",
				d->v[i].fqdn, to.target, NAME_MAX_OCTETS);
		export_add(s, to.owner, EXPORT_CNAME, (uint32_t)to.cname_ttl, to.target, 0, NULL);
		add_place(s, to.target, to.txt_ttl);
	}
	return 0;
}

struct slot {
	struct run *run;
	size_t i;
	struct dns_query *query; /* NULL when free */
};

struct run {
	struct site *site;
	struct export_set *set;
	size_t next, in_flight;
	bool stopped;
	int result;
	struct err *e;
	struct slot slots[WINDOW];
};

static void fill(struct run *r);

static void seen(struct dns_view *v, const struct err *why, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	s->query = NULL;
	r->in_flight--;
	if (!r->result && v->looked && !dns_view_any(v)) {
		*r->e = *why;
		r->result = err_is(why) ? -1 : err_set(r->e, ERR_DNS, "no server of zone %s answers", v->zone);
		err_ctx(r->e, "what stands at %s", v->owner);
		err_hint(r->e, "export with --offline and --zone to go without a look at the DNS");
	}
	if (!r->result)
		r->result = export_observed(&r->set->v[s->i], v, r->e);
	dns_view_free(v);
	fill(r);
}

static void fill(struct run *r)
{
	static const uint16_t types[EXPORT_N_] = {DNS_TYPE_TXT, DNS_TYPE_CAA, DNS_TYPE_CNAME};
	for (size_t i = 0; i < WINDOW && r->next < r->set->n && !r->result; i++) {
		struct slot *s = &r->slots[i];
		if (s->query)
			continue;
		*s = (struct slot){.run = r, .i = r->next++};
		r->in_flight++;
		const struct export_rrset *rrset = &r->set->v[s->i];
		s->query = dns_view_rrset(r->site->dns, rrset->owner, types[rrset->type], DNS_VIEW_NOFOLLOW, seen, s);
	}
	if (!r->in_flight || r->result)
		loop_stop(r->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->site->loop);
}

int export_observe(struct site *site, struct export_set *s, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	*r = (struct run){.site = site, .set = s, .e = e};
	loop_on_stop_signal(site->loop, stop_signal, r);
	fill(r);
	int result = s->n ? loop_run(site->loop, e) : 0;
	for (size_t i = 0; i < WINDOW; i++)
		if (r->slots[i].query)
			dns_view_cancel(r->slots[i].query);
	if (!result && r->result)
		result = -1;
	else if (!result && r->stopped)
		result = err_set(e, ERR_CANCEL, "stopped while the DNS was asked what stands already");
	xfreep(&r);
	return result;
}
