/*
 * view.c: one RRset as every server publishes it. A view goes from hop to hop along the CNAMEs; at each hop all servers
 * of the zone are asked at once, and the next hop begins as soon as the first of them names it.
 */
#include "dns/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/dns_priv.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "dns/zonecut.h"
#include "loop/loop.h"

enum {
	VIEWS_MAX = 256, /* under way at a time; the deadline of the others has not begun */
	HOPS_MAX = 10,
	RESTARTS_MAX = 2, /* of one hop, for delegations seen late */
};

/* One server asked at one hop. */
struct poll {
	struct hop *hop;
	struct exchange_wait wait;
	bool pending;
	bool referred;
	char *target; /* it has a CNAME */
	struct strv chain; /* what a resolver followed */
	char *zone; /* the zone its negative answer names */
	struct dns_answer a;
};

struct hop {
	struct dns_query *q;
	char *name;
	struct zonecut *zonecut;
	struct zone *zone;
	struct poll *polls;
	size_t n;
	size_t pending;
	unsigned restarts;
	bool followed;
};

struct dns_query {
	struct dns *d;
	TAILQ_ENTRY(dns_query) link;
	enum { VIEW_WAITING, VIEW_ACTIVE, VIEW_ENDED } state;
	struct dns_view *v;
	unsigned flags;
	struct err *e; /* NULL while all is well: many views wait in the queue, and an error is large */
	struct hop *hops[HOPS_MAX + 1];
	size_t n_hops;
	struct loop_timer *deadline;
	dns_view_fn done;
	void *ctx;
};

static void hop_begin(struct dns_query *q, const char *name);

/* --- the parts of a view --- */

static void polls_free(struct hop *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct poll *p = &h->polls[i];
		exchange_cancel(&p->wait);
		free(p->target);
		free(p->zone);
		strv_done(&p->chain);
		answer_done(&p->a);
	}
	free(h->polls);
	h->polls = NULL;
	h->n = h->pending = 0;
}

static void hops_free(struct dns_query *q)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		zonecut_cancel(&h->zonecut);
		polls_free(h);
		zone_unref(h->zone);
		free(h->name);
		free(h);
	}
	q->n_hops = 0;
}

static void query_free(struct dns_query *q)
{
	hops_free(q);
	loop_timer_free(q->deadline);
	dns_view_free(q->v);
	if (q->e)
		err_done(q->e);
	free(q->e);
	free(q);
}

static struct err *error_of(struct dns_query *q)
{
	if (!q->e)
		q->e = xcalloc(1, sizeof(*q->e));
	return q->e;
}

/* --- the end --- */

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
static void add_dissent(struct dns_view *v, struct hop *h, const char *followed)
{
	for (size_t i = 0; i < h->n; i++) {
		struct poll *p = &h->polls[i];
		if (p->target && strcmp(p->target, followed) == 0)
			continue;
		bool failed = p->a.result == DNS_FAILED || p->a.result == DNS_TIMEOUT;
		if (failed && !p->target && has_address(v, p->a.address))
			continue;
		if (p->target) {
			p->a.result = DNS_FAILED;
			free(p->a.text);
			p->a.text = xasprintf(
				"has a CNAME to %s at %s, where others have one to %s", p->target, h->name, followed);
		} else if (!failed) {
			free(p->a.text);
			p->a.text = xasprintf("at %s, where others have a CNAME to %s", h->name, followed);
		}
		add_answer(v, &p->a);
	}
}

static void assemble(struct dns_query *q)
{
	struct dns_view *v = q->v;
	struct hop *last = q->hops[q->n_hops - 1];
	for (size_t i = 0; i < last->n; i++) {
		struct poll *p = &last->polls[i];
		const char *zone = p->zone ? p->zone : last->zone->name;
		/* Below a stub zone or a resolver the answers alone tell the zone. */
		if (strlen(zone) > strlen(v->zone) && name_within(last->name, zone)) {
			free(v->zone);
			v->zone = xstrdup(zone);
		}
		if (p->chain.n > v->chain.n)
			strv_copy(&v->chain, &p->chain);
		add_answer(v, &p->a);
	}
	if (!last->n && last->zone) {
		free(v->zone);
		v->zone = xstrdup(last->zone->name);
	}
	for (size_t i = 0; i + 1 < q->n_hops; i++)
		add_dissent(v, q->hops[i], q->hops[i + 1]->name);
	answer_group(v);
	v->at = clk_wall(loop_clk(q->d->loop)) / 1000;
}

static void end(struct dns_query *q)
{
	struct dns *d = q->d;
	if (q->state == VIEW_ENDED)
		return;
	if (!q->e && q->n_hops)
		assemble(q);
	TAILQ_REMOVE(&d->active, q, link);
	d->n_active--;
	q->state = VIEW_ENDED;
	TAILQ_INSERT_TAIL(&d->ended, q, link);
	if (q->deadline)
		loop_timer_stop(q->deadline);
	loop_timer_start(d->turn, 0);
}

static void on_deadline(void *ctx)
{
	struct dns_query *q = ctx;
	struct hop *last = q->hops[q->n_hops - 1];
	double secs = (double)q->d->deadline_ms / 1000;
	if (last->zonecut) {
		err_set(error_of(q), ERR_TIMEOUT, "the servers of %s could not be found within %.1f s", last->name,
			secs);
		err_hint(q->e, "check that this host reaches DNS servers on port 53, or set dns.stubs or dns.mode");
	}
	for (size_t i = 0; i < q->n_hops; i++) {
		struct hop *h = q->hops[i];
		for (size_t k = 0; k < h->n; k++) {
			struct poll *p = &h->polls[k];
			if (!p->pending)
				continue;
			exchange_cancel(&p->wait);
			p->pending = false;
			answer_fail(&p->a, DNS_SILENT, "no answer before the deadline of the look-up");
			p->a.rtt_ms = q->d->deadline_ms;
		}
		h->pending = 0;
	}
	end(q);
}

/* --- from hop to hop --- */

static void follow(struct dns_query *q, const char *target)
{
	for (size_t i = 0; i < q->n_hops; i++) {
		if (strcmp(q->hops[i]->name, target) == 0) {
			err_set(error_of(q), ERR_DNS, "the CNAMEs of %s lead in a circle at %s", q->v->owner, target);
			err_hint(q->e, "remove or redirect one of these CNAME records");
			end(q);
			return;
		}
	}
	strv_add(&q->v->chain, target);
	if (q->n_hops > HOPS_MAX) {
		err_set(error_of(q), ERR_DNS, "the CNAMEs of %s lead over more than %d names", q->v->owner, HOPS_MAX);
		err_hint(q->e, "let %s point closer to the record", q->v->owner);
		end(q);
		return;
	}
	hop_begin(q, target);
}

static void on_zone(const struct zonecut_result *r, const struct err *e, void *ctx);

/* All servers only refer to a deeper zone: it was delegated since, or the servers are those of a stub zone. */
static bool restart(struct hop *h)
{
	bool referred = false;
	for (size_t i = 0; i < h->n; i++) {
		if (h->polls[i].a.result < DNS_FAILED || h->polls[i].target)
			return false;
		referred |= h->polls[i].referred;
	}
	if (!referred || h->restarts++ >= RESTARTS_MAX)
		return false;
	cuts_forget(&h->q->d->cuts, h->name, h->zone->name);
	polls_free(h);
	zonecut_start(h->q->d, h->name, true, on_zone, h, &h->zonecut);
	return true;
}

static void check_end(struct dns_query *q)
{
	if (q->state != VIEW_ACTIVE)
		return;
	for (size_t i = 0; i < q->n_hops; i++)
		if (q->hops[i]->zonecut || q->hops[i]->pending)
			return;
	if (!q->hops[q->n_hops - 1]->followed && !restart(q->hops[q->n_hops - 1]))
		end(q);
}

/* --- one server's answer --- */

static void take_reply(struct poll *p, const struct message *m, const struct reply *r, const char *name)
{
	struct dns_answer *a = &p->a;
	switch (r->kind) {
	case REPLY_FOUND:
		a->result = DNS_FOUND;
		a->ttl = r->ttl;
		answer_take(a, m, name, p->hop->q->v->type);
		break;
	case REPLY_NODATA:
	case REPLY_NXDOMAIN:
		a->result = r->kind == REPLY_NODATA ? DNS_NODATA : DNS_NXDOMAIN;
		a->ttl = r->ttl;
		if (r->zone)
			p->zone = xstrdup(r->zone);
		break;
	case REPLY_ALIAS:
		/* Only the end of a chain is an answer; alone it is the lack of one. */
		a->result = DNS_NODATA;
		a->ttl = r->ttl;
		break;
	case REPLY_REFERRAL:
		p->referred = true;
		answer_fail(a, DNS_LAME, "refers to other servers");
		break;
	case REPLY_BAD:
		answer_fail(a, DNS_ERROR, r->text);
		break;
	}
}

/* A resolver has followed the chain; we read along it. */
static void read_resolver(struct poll *p, const struct message *m)
{
	struct reply r;
	const char *name = p->hop->name;
	reply_read_resolver(m, name, p->hop->q->v->type, &r);
	while (r.kind == REPLY_ALIAS) {
		const char *target = r.target;
		if (p->chain.n == HOPS_MAX || strcmp(target, p->hop->name) == 0 || strv_has(&p->chain, target)) {
			answer_fail(
				&p->a, DNS_MALFORMED, "its answer is a circle of CNAMEs, or too long a chain of them");
			return;
		}
		strv_add(&p->chain, target);
		name = target;
		reply_read_resolver(m, name, p->hop->q->v->type, &r);
	}
	take_reply(p, m, &r, name);
}

static void read_server(struct poll *p, const struct message *m)
{
	struct reply r;
	struct hop *h = p->hop;
	reply_read(m, h->name, h->q->v->type, h->zone->name, &r);
	take_reply(p, m, &r, h->name);
	if (r.kind == REPLY_ALIAS)
		p->target = xstrdup(r.target);
	else if (r.kind == REPLY_FOUND && r.zone)
		p->zone = xstrdup(r.zone);
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
		answer_fail(&p->a, x->status == EXCHANGE_TIMEOUT ? DNS_SILENT : DNS_MALFORMED, x->text);
	else if (q->d->mode == DNS_RESOLVER)
		read_resolver(p, x->msg);
	else
		read_server(p, x->msg);
	if (p->target && !h->followed) {
		h->followed = true;
		follow(q, p->target);
	}
	check_end(q);
}

/* --- one hop --- */

static void ask_all(struct hop *h)
{
	struct dns *d = h->q->d;
	const struct zone *z = h->zone;
	h->n = z->n;
	h->polls = xcalloc(z->n, sizeof(*h->polls));
	for (size_t i = 0; i < z->n; i++) {
		const struct zone_server *s = &z->servers[i];
		struct poll *p = &h->polls[i];
		p->hop = h;
		answer_init(&p->a, s->host, s->has_addr ? s->addr.text : "");
		if (!s->has_addr) {
			answer_fail(&p->a, DNS_ADDRESSLESS, s->why);
			continue;
		}
		p->wait = (struct exchange_wait){.fn = on_answer, .ctx = p};
		p->pending = true;
		h->pending++;
		exchange_ask(d->exchanger, &s->addr, h->name, h->q->v->type, d->mode == DNS_RESOLVER ? EXCHANGE_RD : 0,
			&p->wait);
	}
}

static void on_zone(const struct zonecut_result *r, const struct err *e, void *ctx)
{
	struct hop *h = ctx;
	struct dns_query *q = h->q;
	if (!r) {
		err_copy(error_of(q), e);
		end(q);
		return;
	}
	zone_unref(h->zone);
	h->zone = zone_ref(r->zone);
	if (r->nxdomain) {
		/* No server below could say more: the registry does not know the name. */
		h->n = 1;
		h->polls = xcalloc(1, sizeof(*h->polls));
		h->polls[0].hop = h;
		answer_init(&h->polls[0].a, r->server, r->address);
		h->polls[0].a.result = DNS_NXDOMAIN;
	} else {
		ask_all(h);
	}
	check_end(q);
}

static void hop_begin(struct dns_query *q, const char *name)
{
	struct hop *h = xcalloc(1, sizeof(*h));
	h->q = q;
	h->name = xstrdup(name);
	q->hops[q->n_hops++] = h;
	if (q->d->mode == DNS_RESOLVER) {
		h->zone = zone_ref(q->d->resolvers);
		ask_all(h);
	} else {
		zonecut_start(q->d, h->name, false, on_zone, h, &h->zonecut);
	}
}

/* --- begin --- */

static void begin(struct dns_query *q)
{
	struct dns *d = q->d;
	TAILQ_REMOVE(&d->waiting, q, link);
	TAILQ_INSERT_TAIL(&d->active, q, link);
	d->n_active++;
	q->state = VIEW_ACTIVE;
	if (d->mode == DNS_NONE) {
		q->v->looked = false;
		end(q);
		return;
	}
	q->deadline = loop_timer_new(d->loop, on_deadline, q);
	loop_timer_start(q->deadline, d->deadline_ms);
	hop_begin(q, q->v->owner);
}

static void call_back(struct dns_query *q)
{
	struct dns_view *v = TAKE(q->v);
	struct err e = {0};
	dns_view_fn done = q->done;
	void *ctx = q->ctx;
	TAILQ_REMOVE(&q->d->ended, q, link);
	if (q->e)
		err_move(&e, q->e);
	query_free(q);
	done(v, &e, ctx);
	err_done(&e);
}

void dns_views_turn(void *ctx)
{
	struct dns *d = ctx;
	while (!TAILQ_EMPTY(&d->waiting) && d->n_active < VIEWS_MAX)
		begin(TAILQ_FIRST(&d->waiting));
	/* What ends while these are called back has its turn next time. */
	struct dns_query *last = TAILQ_LAST(&d->ended, dns_queries);
	for (struct dns_query *q; (q = TAILQ_FIRST(&d->ended));) {
		bool was_last = q == last;
		call_back(q);
		if (was_last)
			break;
	}
	if (!TAILQ_EMPTY(&d->ended) || (!TAILQ_EMPTY(&d->waiting) && d->n_active < VIEWS_MAX))
		loop_timer_start(d->turn, 0);
}

static void drop_all(struct dns_queries *list)
{
	for (struct dns_query *q; (q = TAILQ_FIRST(list));) {
		TAILQ_REMOVE(list, q, link);
		query_free(q);
	}
}

void dns_views_drop(struct dns *d)
{
	drop_all(&d->waiting);
	drop_all(&d->active);
	drop_all(&d->ended);
}

struct dns_query *dns_view_txt(struct dns *d, const char *owner, dns_view_fn done, void *ctx)
{
	return dns_view_rrset(d, owner, DNS_TYPE_TXT, 0, done, ctx);
}

struct dns_query *dns_view_rrset(
	struct dns *d, const char *owner, uint16_t type, unsigned flags, dns_view_fn done, void *ctx)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));
	q->d = d;
	q->done = done;
	q->ctx = ctx;
	q->v = xcalloc(1, sizeof(*q->v));
	q->v->owner = xstrdup(owner);
	q->v->type = type;
	q->flags = flags;
	q->v->zone = xstrdup("");
	q->v->looked = true;
	TAILQ_INSERT_TAIL(&d->waiting, q, link);
	loop_timer_start(d->turn, 0);
	return q;
}

void dns_view_cancel(struct dns_query *q)
{
	struct dns *d = q->d;
	struct dns_queries *list = q->state == VIEW_WAITING  ? &d->waiting
				   : q->state == VIEW_ACTIVE ? &d->active
							     : &d->ended;
	if (q->state == VIEW_ACTIVE)
		d->n_active--;
	TAILQ_REMOVE(list, q, link);
	loop_timer_start(d->turn, 0);
	query_free(q);
}
