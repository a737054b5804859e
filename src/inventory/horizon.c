/* horizon.c: the public DNS against what this machine is told. */
#include "inventory/horizon.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/resolvers.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "loop/loop.h"

/* One RRset at the zone's servers and at the resolvers. */
struct pair {
	struct look *look;
	struct dns_query *query; /* NULL when not under way */
	struct dns_resolvers *asked; /* the same */
	struct dns_view *view;
	struct dns_vantages *vantages;
	struct err e; /* why the view has no answers */
};

struct look {
	struct dns *dns;
	struct loop *loop;
	const struct strv *resolvers;
	struct pair txt, ns;
	struct dns_validation *validation; /* NULL when not under way */
	struct dns_validated *trust;
	unsigned pending;
};

static void arrived(struct look *k)
{
	if (--k->pending == 0)
		loop_stop(k->loop);
}

static void start(struct pair *p, const char *owner, uint16_t type, dns_view_fn viewed);

static void have_ns(struct dns_view *v, const struct err *e, void *ctx)
{
	struct pair *p = ctx;
	p->query = NULL;
	p->view = v;
	err_copy(&p->e, e);
	arrived(p->look);
}

static void have_txt(struct dns_view *v, const struct err *e, void *ctx)
{
	struct pair *p = ctx;
	if (v->zone[0])
		start(&p->look->ns, v->zone, DNS_TYPE_NS, have_ns);
	have_ns(v, e, ctx);
}

static void have_vantages(struct dns_vantages *v, void *ctx)
{
	struct pair *p = ctx;
	p->asked = NULL;
	p->vantages = v;
	arrived(p->look);
}

static void have_trust(struct dns_validated *v, void *ctx)
{
	struct look *k = ctx;
	k->validation = NULL;
	k->trust = v;
	arrived(k);
}

static void start(struct pair *p, const char *owner, uint16_t type, dns_view_fn viewed)
{
	struct look *k = p->look;
	k->pending += 2;
	p->query = dns_view_rrset(k->dns, owner, type, 0, viewed, p);
	p->asked = dns_resolvers_ask(k->dns, NULL, k->resolvers, owner, type, have_vantages, p);
}

static void pair_done(struct pair *p)
{
	if (p->query)
		dns_view_cancel(p->query);
	dns_resolvers_cancel(p->asked);
	dns_view_free(p->view);
	dns_vantages_free(p->vantages);
	err_done(&p->e);
}

static void look_done(struct look *k)
{
	pair_done(&k->txt);
	pair_done(&k->ns);
	dns_validate_cancel(k->validation);
	dns_validated_free(k->trust);
}

static bool same(const struct dns_answer *a, const struct dns_vantage *b)
{
	if (a->result != b->result || a->n_rr != b->rrset.n_rr)
		return false;
	for (size_t i = 0; i < a->n_rr; i++)
		if (dns_rr_cmp(&a->rr[i], &b->rrset.rr[i]) != 0)
			return false;
	return true;
}

static char *records_text(const struct dns_vantage *v)
{
	AUTO(strv_done) struct strv list = {0};
	for (size_t i = 0; i < v->rrset.n_rr; i++)
		strv_add_take(&list, dns_rr_text(&v->rrset.rr[i]));
	return v->rrset.n_rr ? strv_join(&list, ", ") : xstrdup(dns_result_name(v->result));
}

static void judge(const struct look *k, size_t i, struct horizon_side *s)
{
	const struct dns_vantage *txt = &k->txt.vantages->v[i], *ns = k->ns.vantages ? &k->ns.vantages->v[i] : NULL;
	const struct dns_answer *public_txt = dns_view_any(k->txt.view),
				*public_ns = k->ns.view ? dns_view_any(k->ns.view) : NULL;
	s->resolver = xstrdup(txt->resolver);
	if (txt->result == DNS_FAILED || txt->result == DNS_TIMEOUT) {
		s->result = HORIZON_SILENT;
		s->text = xstrdup(txt->text);
	} else if (public_ns && public_ns->result == DNS_FOUND && ns && ns->result < DNS_FAILED &&
		   !same(public_ns, ns)) {
		AUTO(xfreep) char *servers = records_text(ns);
		s->result = HORIZON_PRIVATE;
		s->text = xasprintf("sees other name servers for %s: %.200s", k->txt.view->zone, servers);
	} else if (!same(public_txt, txt)) {
		s->result = HORIZON_STALE;
		s->text = xasprintf("hands out another answer than the zone's servers, from a cache for %u s at most",
			txt->rrset.ttl);
	} else {
		s->result = HORIZON_SAME;
		s->text = xstrdup("sees what the zone's servers say");
	}
}

int horizon_look(struct dns *d, struct loop *l, const struct strv *resolvers, const char *owner, struct horizon *ret,
	struct err *e)
{
	AUTO(look_done) struct look k = {.dns = d, .loop = l, .resolvers = resolvers, .pending = 1};
	k.txt.look = k.ns.look = &k;
	k.validation = dns_validate(d, owner, DNS_TYPE_TXT, DNS_VALIDATE_PROMPT, have_trust, &k);
	start(&k.txt, owner, DNS_TYPE_TXT, have_txt);
	if (loop_run(l, e))
		return -1;
	if (k.pending)
		return err_set(e, ERR_CANCEL, "the look at %s was stopped", owner);
	if (!dns_view_any(k.txt.view)) {
		if (err_is(&k.txt.e))
			err_copy(e, &k.txt.e);
		else
			err_set(e, ERR_DNS, "%s",
				k.txt.view->looked ? "no server of the zone gives an answer of use"
						   : "dns.mode is none: nobody is asked");
		return err_ctx(e, "%s", owner);
	}
	size_t n = k.txt.vantages->n;
	*ret = (struct horizon){.owner = xstrdup(owner), .zone = xstrdup(k.txt.view->zone), .n = n};
	ret->trust = k.trust;
	k.trust = NULL;
	ret->sides = xcalloc(n, sizeof(*ret->sides));
	for (size_t i = 0; i < ret->n; i++)
		judge(&k, i, &ret->sides[i]);
	return 0;
}

void horizon_done(struct horizon *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->sides[i].resolver);
		free(h->sides[i].text);
	}
	free(h->sides);
	free(h->owner);
	free(h->zone);
	dns_validated_free(h->trust);
	*h = (struct horizon){0};
}
