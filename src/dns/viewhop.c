/*
 * viewhop.c: from name to name along the aliases. At each name all servers of its zone are asked at once, and the next
 * name begins as soon as the first of them names it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/name.h"
#include "dns/view_priv.h"
#include "dns/zonecut.h"

enum { RESTARTS_MAX = 2 }; /* of one hop, for delegations seen late */

/* --- the parts --- */

static void alias_done(struct alias *a)
{
	free(a->owner);
	free(a->target);
	free(a->dname);
}

static void polls_free(struct hop *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct poll *p = &h->polls[i];
		exchange_cancel(&p->wait);
		for (size_t k = 0; k < p->n_aliases; k++)
			alias_done(&p->aliases[k]);
		free(p->aliases);
		free(p->zone);
		answer_done(&p->a);
	}
	free(h->polls);
	h->polls = NULL;
	h->n = h->pending = 0;
}

void hops_free(struct dns_query *q)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		zonecut_cancel(&h->zonecut);
		polls_free(h);
		zone_unref(h->zone);
		free(h->wildcard);
		free(h->name);
		free(h);
	}
	q->n_hops = 0;
}

void hops_expire(struct dns_query *q)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		for (size_t k = 0; k < h->n; k++) {
			struct poll *p = &h->polls[k];
			exchange_cancel(&p->wait);
			if (!p->pending)
				continue;
			p->pending = false;
			answer_fail(&p->a, DNS_SILENT, "no answer before the deadline of the look-up");
			p->a.rtt_ms = q->d->deadline_ms;
		}
		h->pending = 0;
	}
}

/* --- to the next name --- */

static void loop_error(struct dns_query *q, size_t from)
{
	AUTO(buf_done) struct buf circle = buf_make(BUF_MAX_SMALL_FILE);
	for (size_t i = from; i < q->n_hops; i++)
		buf_printf(&circle, "%s to ", q->hops[i]->name);
	buf_puts(&circle, q->hops[from]->name);
	q->v->end = DNS_CHAIN_LOOP;
	err_set(view_error(q), ERR_DNS, "the CNAMEs of %s lead in a circle: %s", q->owner, buf_str(&circle));
	err_hint(q->e, "remove or redirect one of these CNAME records");
	view_end(q);
}

static void follow(struct dns_query *q, const char *target)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		if (strcmp(q->hops[i]->name, target) == 0) {
			loop_error(q, i);
			return;
		}
	}
	if (q->n_hops > DNS_VIEW_HOPS_MAX) {
		q->v->end = DNS_CHAIN_TOO_LONG;
		err_set(view_error(q), ERR_DNS, "the CNAMEs of %s lead over more than %d names", q->owner,
			DNS_VIEW_HOPS_MAX);
		err_hint(q->e, "let %s point closer to the record", q->owner);
		view_end(q);
		return;
	}
	hop_begin(q, target);
}

static void find_zone(struct hop *h, bool past_stub);

/* All servers only refer to a deeper zone: it was delegated since, or the servers are those of a stub zone. */
static bool restart(struct hop *h)
{
	bool referred = false;
	for (size_t i = 0; i < h->n; i++) {
		if (answer_is(&h->polls[i].a) || h->polls[i].n_aliases)
			return false;
		referred |= h->polls[i].referred;
	}
	if (!referred || h->restarts++ >= RESTARTS_MAX)
		return false;
	cuts_forget(&h->q->d->cuts, h->name, h->zone->name);
	polls_free(h);
	find_zone(h, true);
	return true;
}

static void check_end(struct dns_query *q)
{
	if (q->state != VIEW_ACTIVE || q->more)
		return;
	for (size_t i = 0; i < q->n_hops; i++)
		if (q->hops[i]->zonecut || q->hops[i]->pending)
			return;
	if (!q->hops[q->n_hops - 1]->followed && !restart(q->hops[q->n_hops - 1]))
		more_begin(q);
}

/* --- one server's answer --- */

static void add_alias(struct poll *p, const char *owner, const struct reply *r)
{
	p->aliases = xreallocarray(p->aliases, p->n_aliases + 1, sizeof(*p->aliases));
	p->aliases[p->n_aliases++] = (struct alias){
		.owner = xstrdup(owner),
		.target = xstrdup(r->target),
		.dname = r->dname ? xstrdup(r->dname) : NULL,
		.ttl = r->ttl,
		.labels = r->labels,
	};
}

static void take_reply(struct poll *p, const struct message *m, const struct reply *r, const char *name)
{
	struct dns_answer *a = &p->a;
	const struct dns_query *q = p->hop->q;
	if (r->zone && r->kind != REPLY_REFERRAL)
		p->zone = xstrdup(r->zone);
	a->ttl = r->ttl;
	switch (r->kind) {
	case REPLY_FOUND:
		a->result = DNS_FOUND;
		p->labels = r->labels;
		if (q->type == DNS_TYPE_CNAME)
			answer_take_alias(a, m, name, r->dname);
		else
			answer_take(a, m, name, q->type);
		break;
	case REPLY_NODATA:
	case REPLY_NXDOMAIN:
		a->result = r->kind == REPLY_NODATA ? DNS_NODATA : DNS_NXDOMAIN;
		a->soa_zone = r->has_soa && r->zone ? xstrdup(r->zone) : NULL;
		a->has_soa = r->has_soa;
		a->soa_ttl = r->soa_ttl;
		a->soa = r->soa;
		break;
	case REPLY_ALIAS:
		/* Only the end of a chain is an answer; alone it is the lack of one, unless that is what was wanted. */
		a->result = q->flags & DNS_VIEW_NOFOLLOW ? DNS_ALIAS : DNS_NODATA;
		p->labels = r->labels;
		if (a->result == DNS_ALIAS)
			answer_take_alias(a, m, name, r->dname);
		break;
	case REPLY_REFERRAL:
		a->ttl = 0;
		p->referred = true;
		answer_fail(a, DNS_LAME, "refers to other servers");
		break;
	case REPLY_BAD:
		a->ttl = 0;
		answer_fail(a, r->health, r->text);
		break;
	}
}

static bool is_circle(const struct poll *p, const char *target)
{
	for (size_t i = 0; i < p->n_aliases; i++)
		if (strcmp(p->aliases[i].owner, target) == 0)
			return true;
	return false;
}

/* A resolver has followed the chain; we read along it. */
static void read_resolver(struct poll *p, const struct message *m)
{
	struct reply r;
	const struct dns_query *q = p->hop->q;
	const char *name = p->hop->name;
	for (;;) {
		reply_read_resolver(m, name, q->type, &r);
		if (r.kind != REPLY_ALIAS || q->flags & DNS_VIEW_NOFOLLOW)
			break;
		if (p->n_aliases == DNS_VIEW_HOPS_MAX) {
			answer_fail(&p->a, DNS_MALFORMED, "its answer is too long a chain of CNAMEs");
			return;
		}
		add_alias(p, name, &r);
		if (is_circle(p, r.target)) {
			answer_fail(&p->a, DNS_MALFORMED, "its answer is a circle of CNAMEs");
			return;
		}
		name = r.target;
	}
	take_reply(p, m, &r, name);
}

static void read_server(struct poll *p, const struct message *m)
{
	struct reply r;
	struct hop *h = p->hop;
	reply_read(m, h->name, h->q->type, h->zone->name, &r);
	take_reply(p, m, &r, h->name);
	if (r.kind == REPLY_ALIAS && !(h->q->flags & DNS_VIEW_NOFOLLOW))
		add_alias(p, h->name, &r);
}

static enum dns_health health_of(enum exchange_status s)
{
	return s == EXCHANGE_UNREACHABLE ? DNS_UNREACHABLE : s == EXCHANGE_TIMEOUT ? DNS_SILENT : DNS_MALFORMED;
}

static void on_answer(const struct exchange_reply *x, void *ctx)
{
	struct poll *p = ctx;
	struct hop *h = p->hop;
	struct dns_query *q = h->q;
	p->pending = false;
	h->pending--;
	if (q->state != VIEW_ACTIVE)
		return;
	p->a.tcp = x->tcp;
	p->a.rtt_ms = x->rtt_ms;
	if (x->status != EXCHANGE_ANSWER)
		answer_fail(&p->a, health_of(x->status), x->text);
	else if (q->d->mode == DNS_RESOLVER)
		read_resolver(p, x->msg);
	else
		read_server(p, x->msg);
	if (p->n_aliases && !h->followed && q->d->mode != DNS_RESOLVER) {
		h->followed = &p->aliases[0];
		follow(q, h->followed->target);
	}
	check_end(q);
}

/* --- one hop --- */

static void add_poll(struct hop *h, size_t i, const char *server, const char *address)
{
	struct poll *p = &h->polls[i];
	p->hop = h;
	p->labels = REPLY_UNSIGNED;
	answer_init(&p->a, server, address);
	p->a.hop = (unsigned)(h->q->n_hops - 1);
	p->wait = (struct exchange_wait){.fn = on_answer, .ctx = p};
}

static void ask_all(struct hop *h)
{
	struct dns_query *q = h->q;
	const struct zone *z = h->zone;
	unsigned flags =
		(q->d->mode == DNS_RESOLVER ? EXCHANGE_RD : 0U) | (q->flags & DNS_VIEW_WILDCARD ? EXCHANGE_DO : 0U);
	h->n = z->n;
	h->polls = xcalloc(z->n, sizeof(*h->polls));
	for (size_t i = 0; i < z->n; i++) {
		const struct zone_server *s = &z->servers[i];
		struct poll *p = &h->polls[i];
		add_poll(h, i, s->host, s->has_addr ? s->addr.text : "");
		if (!s->has_addr) {
			answer_fail(&p->a, DNS_ADDRESSLESS, s->why);
			continue;
		}
		p->pending = true;
		h->pending++;
		exchange_ask(q->d->exchanger, &s->addr, h->name, q->type, flags, &p->wait);
	}
}

static void on_zone(const struct zonecut_result *r, const struct err *e, void *ctx)
{
	struct hop *h = ctx;
	struct dns_query *q = h->q;
	if (q->state != VIEW_ACTIVE)
		return;
	if (!r) {
		err_copy(view_error(q), e);
		view_end(q);
		return;
	}
	zone_unref(h->zone);
	h->zone = zone_ref(r->zone);
	if (r->nxdomain) {
		/* No server below could say more: the registry does not know the name. */
		h->n = 1;
		h->polls = xcalloc(1, sizeof(*h->polls));
		add_poll(h, 0, r->nxdomain->server, r->nxdomain->address);
		struct dns_answer *a = &h->polls[0].a;
		a->result = DNS_NXDOMAIN;
		a->has_soa = r->nxdomain->has_soa;
		a->soa_ttl = r->nxdomain->soa_ttl;
		a->soa = r->nxdomain->soa;
		a->ttl = r->nxdomain->ttl;
	} else {
		ask_all(h);
	}
	check_end(q);
}

/* DS records are the parent's (RFC 4035 section 3.1.4.1): the name above tells the zone. */
static void find_zone(struct hop *h, bool past_stub)
{
	const char *parent = h->q->type == DNS_TYPE_DS ? name_parent(h->name) : NULL;
	zonecut_start(h->q->d, parent ? parent : h->name, past_stub, on_zone, h, &h->zonecut);
}

void hop_begin(struct dns_query *q, const char *name)
{
	struct hop *h = xcalloc(1, sizeof(*h));
	h->q = q;
	h->name = xstrdup(name);
	q->hops[q->n_hops++] = h;
	if (q->d->mode == DNS_RESOLVER) {
		h->zone = zone_ref(q->d->resolvers);
		ask_all(h);
	} else {
		find_zone(h, false);
	}
}
