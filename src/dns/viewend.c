/* viewend.c: what becomes of a view: the way, the answers at its end, and what servers said against the way. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/name.h"
#include "dns/view_priv.h"

/* --- the way --- */

static void add_hop(struct dns_view *v, const struct alias *a, const char *zone, char *wildcard)
{
	v->hops = xreallocarray(v->hops, v->n_hops + 1, sizeof(*v->hops));
	v->hops[v->n_hops++] = (struct dns_hop){
		.owner = xstrdup(a->owner),
		.kind = a->dname ? DNS_HOP_DNAME : DNS_HOP_CNAME,
		.target = xstrdup(a->target),
		.ttl = a->ttl,
		.zone = xstrdup(zone),
		.dname = a->dname ? xstrdup(a->dname) : NULL,
		.wildcard = wildcard,
	};
	strv_add(&v->chain, a->target);
}

const char *view_zone(const struct hop *h)
{
	const char *zone = h->zone ? h->zone->name : "";
	/* Below a stub zone or a resolver the answers alone tell the zone. */
	for (size_t i = 0; i < h->n; i++) {
		const struct poll *p = &h->polls[i];
		bool beyond = p->n_aliases && h->q->d->mode == DNS_RESOLVER;
		const char *name = beyond ? p->aliases[p->n_aliases - 1].target : h->name;
		if (p->zone && strlen(p->zone) > strlen(zone) && name_within(name, p->zone))
			zone = p->zone;
	}
	return zone;
}

static void add_hops(struct dns_query *q)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		if (h->followed)
			add_hop(q->v, h->followed, view_zone(h), TAKE(h->wildcard));
	}
	const struct poll *longest = NULL;
	const struct hop *last = q->hops[q->n_hops - 1];
	for (size_t i = 0; q->d->mode == DNS_RESOLVER && i < last->n; i++)
		if (last->polls[i].n_aliases > (longest ? longest->n_aliases : 0))
			longest = &last->polls[i];
	for (size_t i = 0; longest && i < longest->n_aliases; i++)
		add_hop(q->v, &longest->aliases[i], "", NULL);
}

/* --- the answers --- */

static void add_answer(struct dns_view *v, struct dns_answer *a)
{
	v->answers = xreallocarray(v->answers, v->n + 1, sizeof(*v->answers));
	v->answers[v->n++] = *a;
	*a = (struct dns_answer){0};
}

static bool has_address(const struct dns_view *v, const char *address)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->answers[i].address, address) == 0)
			return true;
	return false;
}

/* What the servers of an earlier hop said that is not the CNAME we followed. */
static void add_dissent(struct dns_view *v, struct hop *h)
{
	const char *followed = h->followed->target;
	for (size_t i = 0; i < h->n; i++) {
		struct poll *p = &h->polls[i];
		const char *target = p->n_aliases ? p->aliases[0].target : NULL;
		if (target && strcmp(target, followed) == 0)
			continue;
		bool failed = !answer_is(&p->a);
		if (failed && has_address(v, p->a.address))
			continue;
		if (target) {
			AUTO(xfreep)
			char *text = xasprintf(
				"has a CNAME to %s at %s, where others have one to %s", target, h->name, followed);
			answer_fail(&p->a, DNS_DIVERGING, text);
		} else if (!failed) {
			free(p->a.text);
			p->a.text = xasprintf("at %s, where others have a CNAME to %s", h->name, followed);
		}
		add_answer(v, &p->a);
	}
}

/* Where IPv4 addresses answer and no IPv6 address ever has, it may well be this host that has no IPv6. */
static void excuse_ipv6(struct dns_view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct dns_answer *a = &v->answers[i];
		if ((a->health == DNS_UNREACHABLE || a->health == DNS_SILENT) && strchr(a->address, ':'))
			a->health = DNS_NO_IPV6;
	}
}

static void add_answers(struct dns_query *q)
{
	struct dns_view *v = q->v;
	struct hop *last = q->hops[q->n_hops - 1];
	for (size_t i = 0; i < last->n; i++)
		add_answer(v, &last->polls[i].a);
	for (size_t i = 0; i + 1 < q->n_hops; i++)
		add_dissent(v, q->hops[i]);
	answer_group(v);
	if (v->n_answered && !exchanger_has_ipv6(q->d->exchanger))
		excuse_ipv6(v);
}

void view_assemble(struct dns_query *q)
{
	struct dns_view *v = q->v;
	if (!q->n_hops)
		return;
	add_hops(q);
	free(v->zone);
	const struct hop *last = q->hops[q->n_hops - 1];
	v->zone = xstrdup(view_zone(last));
	if (!q->e)
		add_answers(q);
}
