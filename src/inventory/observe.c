/*
 * observe.c: one name's look-ups, all under way at once; only the question for the zone's servers waits for the zone,
 * and where there are many names, validation for the answer.
 */
#include "inventory/observe.h"

#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "base/xalloc.h"
#include "config/name.h"
#include "dns/name.h"
#include "dns/resolvers.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "inventory/caacache.h"
#include "inventory/observe_priv.h"

struct observer {
	struct dns *dns;
	struct caacache *caa;
	struct strv tops; /* zones above which CAA is not looked for */
	const struct strv *resolvers; /* NULL for none */
	struct dns_https *https;
};

/* One view under way. */
struct look {
	struct observe_query *q;
	struct observed *to;
	struct dns_query *query; /* NULL when not under way */
};

/* CAA at one name, waited for. */
struct caa_look {
	struct observe_query *q;
	struct caacache_wait wait;
	size_t i; /* of o->caa */
	bool pending;
};

enum { LOOK_TXT, LOOK_CHALLENGE, LOOK_CHALLENGE_CNAME, LOOK_NS, LOOKS };

struct trust_look {
	struct observe_query *q;
	struct dns_validated **to;
	struct dns_validation *query;
};

struct observe_query {
	struct observer *observer;
	struct observation *o;
	size_t pending;
	struct look looks[LOOKS];
	char *ns_zone; /* whose servers are asked for; NULL for none yet */
	struct trust_look trusts[2];
	struct caa_look *caa; /* o->n_caa of them */
	struct dns_resolvers *vantages; /* NULL when not under way */
	observe_fn done;
	void *ctx;
};

/* ---- observations ---- */

void observed_take(struct observed *o, struct dns_view *v, const struct err *e)
{
	o->view = v;
	if (err_is(e)) {
		o->e = xcalloc(1, sizeof(*o->e));
		err_copy(o->e, e);
	}
}

void observed_done(struct observed *o)
{
	dns_view_free(o->view);
	if (o->e)
		err_done(o->e);
	free(o->e);
}

void observation_free(struct observation *o)
{
	if (!o)
		return;
	observed_done(&o->txt);
	observed_done(&o->challenge);
	observed_done(&o->challenge_cname);
	observed_done(&o->ns);
	dns_validated_free(o->txt_trust);
	dns_validated_free(o->caa_trust);
	dns_vantages_free(o->vantages);
	for (size_t i = 0; i < o->n_caa; i++)
		observed_caa_unref(o->caa[i]);
	free(o->caa);
	free(o->fqdn);
	free(o->owner);
	free(o);
}

size_t observation_relevant_caa(const struct observation *o, bool *ret_unknown)
{
	bool unknown = false;
	size_t i;
	for (i = 0; i < o->n_caa; i++) {
		const struct dns_answer *a = dns_view_any(o->caa[i]->at.view);
		if (a && a->result == DNS_FOUND)
			break;
		unknown |= !a;
	}
	if (ret_unknown)
		*ret_unknown = unknown;
	return i;
}

/* ---- observers ---- */

struct observer *observer_new(struct dns *d)
{
	struct observer *ob = xcalloc(1, sizeof(*ob));
	ob->dns = d;
	ob->caa = caacache_new(d);
	return ob;
}

void observer_free(struct observer *ob)
{
	if (!ob)
		return;
	caacache_free(ob->caa);
	strv_done(&ob->tops);
	free(ob);
}

void observer_set_top(struct observer *ob, const char *zone)
{
	strv_add(&ob->tops, zone);
}

void observer_set_vantages(struct observer *ob, const struct strv *resolvers, struct dns_https *h)
{
	ob->resolvers = resolvers;
	ob->https = h;
}

/* ---- looks ---- */

static void query_free(struct observe_query *q)
{
	observation_free(q->o);
	free(q->caa);
	free(q->ns_zone);
	free(q);
}

static void one_less(struct observe_query *q)
{
	if (--q->pending)
		return;
	struct observation *o = TAKE(q->o);
	observe_fn done = q->done;
	void *ctx = q->ctx;
	o->at = o->txt.view->at;
	query_free(q);
	done(o, ctx);
}

static void have_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct look *l = ctx;
	struct observe_query *q = l->q;
	l->query = NULL;
	observed_take(l->to, v, e);
	one_less(q);
}

static void look(struct observe_query *q, int which, const char *owner, uint16_t type, unsigned flags,
	struct observed *to, dns_view_fn fn)
{
	struct look *l = &q->looks[which];
	*l = (struct look){.q = q, .to = to};
	l->query = dns_view_rrset(q->observer->dns, owner, type, flags, fn, l);
	q->pending++;
}

/* The zone's servers, unless they are asked for already. */
static void look_ns(struct observe_query *q, const char *zone)
{
	struct look *l = &q->looks[LOOK_NS];
	if (!(q->o->what & OBSERVE_NS) || !zone[0] || (q->ns_zone && !strcmp(q->ns_zone, zone)))
		return;
	if (l->query) {
		dns_view_cancel(l->query);
		q->pending--;
	}
	observed_done(&q->o->ns);
	q->o->ns = (struct observed){0};
	free(q->ns_zone);
	q->ns_zone = xstrdup(zone);
	look(q, LOOK_NS, zone, DNS_TYPE_NS, 0, &q->o->ns, have_view);
}

static void have_trust(struct dns_validated *v, void *ctx)
{
	struct trust_look *t = ctx;
	t->query = NULL;
	*t->to = v;
	one_less(t->q);
}

static void look_trust(struct observe_query *q, int which, const char *owner, uint16_t type, struct dns_validated **to)
{
	struct trust_look *t = &q->trusts[which];
	*t = (struct trust_look){.q = q, .to = to};
	t->query = dns_validate(q->observer->dns, owner, type,
		q->o->what & OBSERVE_PROMPT ? (unsigned)DNS_VALIDATE_PROMPT : 0U, have_trust, t);
	q->pending++;
}

static void look_trusts(struct observe_query *q)
{
	struct observation *o = q->o;
	if (!(o->what & OBSERVE_DNSSEC))
		return;
	look_trust(q, 0, o->owner, DNS_TYPE_TXT, &o->txt_trust);
	if (o->what & OBSERVE_CAA)
		look_trust(q, 1, o->fqdn, DNS_TYPE_CAA, &o->caa_trust);
}

static void have_txt(struct dns_view *v, const struct err *e, void *ctx)
{
	struct look *l = ctx;
	look_ns(l->q, v->zone);
	if (!(l->q->o->what & OBSERVE_PROMPT))
		look_trusts(l->q);
	have_view(v, e, ctx);
}

/*
 * CAA of names above is here before TXT, of which one wants to know more; the deepest zone so far is most often that of
 * the record. Registries are not asked on a guess.
 */
static void guess_ns(struct observe_query *q, const struct observed_caa *caa)
{
	const struct dns_view *v = caa->at.view;
	if (v->n_hops || name_labels(v->zone) < 2 || name_labels(v->zone) < name_labels(q->ns_zone ? q->ns_zone : "") ||
		name_public_suffix(v->zone) != NAME_SUFFIX_NONE)
		return;
	look_ns(q, v->zone);
}

static void have_vantages(struct dns_vantages *v, void *ctx)
{
	struct observe_query *q = ctx;
	q->vantages = NULL;
	q->o->vantages = v;
	one_less(q);
}

static void look_vantages(struct observe_query *q)
{
	const struct observer *ob = q->observer;
	q->vantages = dns_resolvers_ask(ob->dns, ob->https, ob->resolvers, q->o->owner, DNS_TYPE_TXT, have_vantages, q);
	q->pending++;
}

static void have_caa(struct observed_caa *caa, void *ctx)
{
	struct caa_look *c = ctx;
	c->pending = false;
	c->q->o->caa[c->i] = caa;
	if (c->q->looks[LOOK_TXT].query)
		guess_ns(c->q, caa);
	one_less(c->q);
}

/* How many names the climb has. */
static size_t climb(const struct observer *ob, const char *fqdn)
{
	unsigned top = 1;
	for (size_t i = 0; i < ob->tops.n; i++)
		if (name_within(fqdn, ob->tops.v[i]) && name_labels(ob->tops.v[i]) > top)
			top = name_labels(ob->tops.v[i]);
	return name_labels(fqdn) - top + 1;
}

/* All names of the climb at once: one round trip instead of one for each label. */
static void look_caa(struct observe_query *q)
{
	struct observation *o = q->o;
	o->n_caa = climb(q->observer, o->fqdn);
	o->caa = xcalloc(o->n_caa, sizeof(struct observed_caa *));
	q->caa = xcalloc(o->n_caa, sizeof(*q->caa));
	const char *name = o->fqdn;
	for (size_t i = 0; i < o->n_caa; i++, name = name_parent(name)) {
		struct caa_look *c = &q->caa[i];
		*c = (struct caa_look){.q = q, .i = i, .wait = {.fn = have_caa, .ctx = c}};
		o->caa[i] = caacache_get(q->observer->caa, name, &c->wait);
		c->pending = !o->caa[i];
		q->pending += c->pending;
		if (o->caa[i])
			guess_ns(q, o->caa[i]);
	}
}

static void look_delegation(struct observe_query *q, unsigned view_flags)
{
	AUTO(xfreep) char *owner = xasprintf("_acme-challenge.%s", q->o->fqdn);
	look(q, LOOK_CHALLENGE, owner, DNS_TYPE_TXT, view_flags, &q->o->challenge, have_view);
	look(q, LOOK_CHALLENGE_CNAME, owner, DNS_TYPE_CNAME, 0, &q->o->challenge_cname, have_view);
}

struct observe_query *observe_start(struct observer *ob, const char *fqdn, unsigned what, observe_fn done, void *ctx)
{
	struct observe_query *q = xcalloc(1, sizeof(*q));
	struct observation *o = xcalloc(1, sizeof(*o));
	unsigned view_flags = what & OBSERVE_WILDCARD ? DNS_VIEW_WILDCARD : 0;
	q->observer = ob;
	q->o = o;
	q->done = done;
	q->ctx = ctx;
	o->fqdn = xstrdup(fqdn);
	o->owner = xasprintf("_validation-persist.%s", fqdn);
	o->what = what | OBSERVE_TXT;
	look(q, LOOK_TXT, o->owner, DNS_TYPE_TXT, view_flags, &o->txt, have_txt);
	if (what & OBSERVE_CAA)
		look_caa(q);
	if (what & OBSERVE_PROMPT)
		look_trusts(q);
	if (what & OBSERVE_DELEGATION)
		look_delegation(q, view_flags);
	if (ob->resolvers)
		look_vantages(q);
	return q;
}

void observe_cancel(struct observe_query *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < LOOKS; i++)
		if (q->looks[i].query)
			dns_view_cancel(q->looks[i].query);
	for (size_t i = 0; i < ARRAY_LEN(q->trusts); i++)
		if (q->trusts[i].query)
			dns_validate_cancel(q->trusts[i].query);
	for (size_t i = 0; q->caa && i < q->o->n_caa; i++)
		if (q->caa[i].pending)
			caacache_cancel(&q->caa[i].wait);
	if (q->vantages)
		dns_resolvers_cancel(q->vantages);
	query_free(q);
}
