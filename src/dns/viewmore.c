/*
 * viewmore.c: what a view asks when the answers are there: whether a wildcard made them, and the zone's serial at each
 * server.
 *
 * A signed RRset says by itself from which wildcard it comes (RFC 4034 section 3.1.3). Else a name that nobody has
 * chosen is asked for beside the one in question: the same answer there comes from a wildcard. Which wildcard, the
 * names above tell (RFC 4592 section 3.3.1): the one right below the closest of them that exists.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/ask.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/view_priv.h"
#include "dns/zone.h"

static void settle(struct dns_query *q)
{
	if (--q->more_pending == 0)
		view_end(q);
}

/* --- wildcards --- */

static char *wildcard_below(const char *above)
{
	return xasprintf("*%s%s", *above ? "." : "", above);
}

/* The wildcard is known, or it is known that there is none (NULL). */
static void explained(struct origin *o, char *wildcard)
{
	struct dns_query *q = o->q;
	if (!o->answer) {
		o->hop->wildcard = wildcard;
	} else {
		q->v->wildcard = wildcard;
		q->v->wildcard_known = true;
	}
}

/* Whether the answer is that which is to be explained. */
static bool is_same(const struct origin *o, const struct reply *r, const struct message *m, const char *name)
{
	struct dns_answer a;
	bool same = false;
	if (r->kind != REPLY_FOUND)
		return false;
	if (!o->answer) {
		for (size_t i = 0; i < m->n_rr && !same; i++)
			same = m->rr[i].section == MESSAGE_ANSWER && m->rr[i].type == DNS_TYPE_CNAME &&
			       strcmp(m->rr[i].owner, name) == 0 &&
			       strcmp(m->rr[i].target, o->hop->followed->target) == 0;
		return same;
	}
	answer_init(&a, "", "");
	a.result = o->answer->result;
	answer_take(&a, m, name, o->type);
	same = answer_same(&a, o->answer);
	answer_done(&a);
	return same;
}

static void ask_next(struct origin *o);

/* The answer at a name that cannot exist, or at the name above it. */
static void on_reply(const struct reply *r, const struct message *m, const struct zone_server *s, const char *why,
	bool timeout, void *ctx)
{
	struct origin *o = ctx;
	(void)s;
	(void)why;
	(void)timeout;
	if (!r) {
		settle(o->q);
		return;
	}
	bool same = is_same(o, r, m, m->qname);
	if (o->asks_above) {
		/* What exists by itself has no answer, or one of its own. One that is equal may be either. */
		o->asks_above = false;
		if (same)
			o->above = name_parent(o->above);
	} else if (same) {
		o->found = o->above;
		o->asks_above = strcmp(o->above, view_zone(o->hop)) != 0;
	} else {
		o->above = NULL;
	}
	if (o->asks_above || (o->above && o->above != o->found)) {
		ask_next(o);
		return;
	}
	explained(o, o->found ? wildcard_below(o->found) : NULL);
	settle(o->q);
}

static void ask_next(struct origin *o)
{
	uint64_t random;
	if (o->asks_above) {
		ask_start(o->q->d, o->hop->zone, o->above, o->type, on_reply, o, &o->ask);
		return;
	}
	random_octets(&random, sizeof(random));
	AUTO(xfreep) char *name = xasprintf("_perdure-%016" PRIx64 "%s%s", random, *o->above ? "." : "", o->above);
	ask_start(o->q->d, o->hop->zone, name, o->type, on_reply, o, &o->ask);
}

/* Finds out where an answer (NULL: the alias) at a hop comes from; labels are those of its signature. */
static void explain(struct dns_query *q, struct hop *h, const struct dns_answer *a, int labels)
{
	struct origin *o = xcalloc(1, sizeof(*o));
	*o = (struct origin){.q = q, .hop = h, .answer = a, .next = q->origins};
	q->origins = o;
	o->type = !a || a->result == DNS_ALIAS ? (uint16_t)DNS_TYPE_CNAME : q->type;
	o->above = name_parent(h->name);
	unsigned n = name_labels(h->name);
	bool literal = strncmp(h->name, "*.", 2) == 0;
	if (labels != REPLY_UNSIGNED) {
		/* The asterisk is not counted (RFC 4034 section 3.1.3). */
		bool made = (unsigned)labels < n - literal;
		explained(o, made ? wildcard_below(name_suffix(h->name, (unsigned)labels)) : NULL);
	} else if (q->d->mode == DNS_RESOLVER) {
		return;
	} else if (literal || !o->above || !name_within(o->above, view_zone(h))) {
		explained(o, NULL);
	} else {
		q->more_pending++;
		ask_next(o);
	}
}

static void explain_all(struct dns_query *q)
{
	struct hop *last = q->hops[q->n_hops - 1];
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		if (h->followed && !h->followed->dname)
			explain(q, h, NULL, h->followed->labels);
	}
	for (size_t i = 0; i < last->n; i++) {
		const struct poll *p = &last->polls[i];
		if (p->a.result == DNS_FOUND || p->a.result == DNS_ALIAS) {
			explain(q, last, &p->a, p->labels);
			return;
		}
	}
}

/* --- serials --- */

static void on_soa(const struct exchange_reply *x, void *ctx)
{
	struct poll *p = ctx;
	for (size_t i = 0; x->status == EXCHANGE_ANSWER && i < x->msg->n_rr; i++) {
		const struct message_rr *rr = &x->msg->rr[i];
		const struct dns_rr soa = {.type = rr->type, .ttl = rr->ttl, .data = rr->data, .n = rr->n_data};
		if (rr->section != MESSAGE_ANSWER || !x->msg->aa || !dns_rr_soa(&soa, &p->a.soa))
			continue;
		p->a.has_soa = true;
		p->a.soa_ttl = rr->ttl;
	}
	settle(p->hop->q);
}

static void ask_serials(struct dns_query *q)
{
	struct hop *last = q->hops[q->n_hops - 1];
	const char *zone = view_zone(last);
	for (size_t i = 0; i < last->n && i < last->zone->n; i++) {
		const struct zone_server *s = &last->zone->servers[i];
		struct poll *p = &last->polls[i];
		if (!s->has_addr || !answer_is(&p->a) || p->a.has_soa || strcmp(s->addr.text, p->a.address) != 0)
			continue;
		p->wait = (struct exchange_wait){.fn = on_soa, .ctx = p};
		q->more_pending++;
		exchange_ask(q->d->exchanger, &s->addr, zone, DNS_TYPE_SOA, 0, &p->wait);
	}
}

/* --- begin, end --- */

void more_begin(struct dns_query *q)
{
	q->more = true;
	/* One more is pending until all have begun, so that none can be the last too early. */
	q->more_pending = 1;
	if (q->flags & DNS_VIEW_WILDCARD)
		explain_all(q);
	if (q->flags & DNS_VIEW_SERIALS && q->d->mode != DNS_RESOLVER)
		ask_serials(q);
	settle(q);
}

void more_cancel(struct dns_query *q)
{
	for (struct origin *o; (o = q->origins);) {
		q->origins = o->next;
		ask_cancel(&o->ask);
		free(o);
	}
}
