/* planmake.c: a plan made from the desired records and from what the DNS and the providers hold. */
#include "inventory/planmake.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/preflight.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "provider/rdata.h"

enum { WINDOW = 256 }; /* owners in work at once; DNS layer and providers limit what each server gets */

struct slot {
	struct run *run;
	size_t i;
	bool used;
	struct dns_query *query;
	struct dns_query *beside; /* CNAME: TXT records at the same name */
	struct publisher_search *search;
	struct provider *provider;
	struct provider_op *read;
	struct preflight_query *preflight;
	char *warning; /* what the preflight has to say that does not forbid */
};

struct run {
	const struct planmake *m;
	struct plan *plan;
	size_t *first; /* of each RRset's wishes; one more at the end */
	size_t next, in_work, done;
	bool stopped;
	struct slot slots[WINDOW];
};

/* One RRset for each owner and type. */
static void begin(struct run *r)
{
	struct wishes *w = r->m->wishes;
	r->first = xcalloc(w->n + 1, sizeof(size_t));
	wishes_sort(w);
	for (size_t i = 0; i < w->n; i++) {
		const struct wish *wish = &w->v[i];
		if (i && w->v[i - 1].type == wish->type && !strcmp(w->v[i - 1].owner, wish->owner))
			continue;
		r->first[r->plan->n] = i;
		plan_add(r->plan, wish->type, wish->owner, wish->fqdn, wish->ttl);
	}
	r->first[r->plan->n] = w->n;
}

static void block(struct plan_rrset *r, const struct err *e)
{
	if (!r->blocked)
		r->blocked = e->hint[0] ? xasprintf("%s (%s)", e->msg, e->hint) : xstrdup(e->msg);
}

static void fill(struct run *r);

/* Both the DNS and the provider have said what they know. */
static void decide(struct slot *s)
{
	struct run *r = s->run;
	struct plan_rrset *set = &r->plan->v[s->i];
	size_t from = r->first[s->i], to = r->first[s->i + 1], n = 0;
	struct plan_want *wants = xcalloc(to - from, sizeof(*wants));
	for (const struct wish *w = &r->m->wishes->v[from]; w < &r->m->wishes->v[to]; w++)
		if (w->value)
			wants[n++] = (struct plan_want){.kind = w->kind,
				.ca = w->ca,
				.value = w->value,
				.wildcard = w->wildcard,
				.until = w->until};
	plan_decide(set, wants, n, r->m->ours, r->m->exact);
	for (size_t k = 0; s->warning && k < set->n; k++)
		plan_item_warn(&set->items[k], s->warning);
	free(wants);
	free(s->warning);
	s->warning = NULL;
	s->used = false;
	r->in_work--;
	r->done++;
	if (r->m->progress)
		r->m->progress(r->done, r->plan->n, r->m->ctx);
	fill(r);
}

static void flown(struct preflight *p, void *ctx)
{
	struct slot *s = ctx;
	struct plan_rrset *set = &s->run->plan->v[s->i];
	const struct remark *worst = remarks_worst(&p->remarks);
	s->preflight = NULL;
	if (worst && worst->severity == REMARK_ERROR)
		set->blocked = xasprintf("%s%s%s; --no-preflight adds it all the same", worst->text,
			worst->fix[0] ? ": " : "", worst->fix);
	else if (worst && worst->severity == REMARK_WARNING) {
		free(s->warning);
		s->warning = xstrdup(worst->text);
	}
	preflight_free(p);
	decide(s);
}

/* The longest value that is wanted here; 0 when none is. */
static size_t value_len(const struct slot *s)
{
	const struct run *r = s->run;
	size_t n = 0;
	for (size_t k = r->first[s->i]; k < r->first[s->i + 1]; k++) {
		const char *value = r->m->wishes->v[k].value;
		if (value && strlen(value) > n)
			n = strlen(value);
	}
	return n;
}

static void one_done(struct slot *s)
{
	struct plan_rrset *set = &s->run->plan->v[s->i];
	if (s->query || s->beside || s->search || s->read)
		return;
	strv_sort_unique(&set->standing);
	if (!s->run->m->preflight || set->standing.n || set->blocked || !set->observed || !value_len(s)) {
		decide(s);
		return;
	}
	struct preflight_question q = {.fqdn = set->fqdn,
		.owner = set->owner,
		.zone = set->provider[0] ? set->zone : NULL,
		.value_len = value_len(s)};
	s->preflight = preflight_start(s->run->m->site->dns, &q, flown, s);
}

/* What the provider holds goes before what servers say: that is what a change is made against. */
static void provider_said(const struct provider_rrset *held, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct plan_rrset *set = &s->run->plan->v[s->i];
	s->read = NULL;
	if (!held) {
		block(set, e);
	} else {
		strv_done(&set->standing);
		for (size_t i = 0; i < held->n; i++)
			strv_add(&set->standing, held->values[i].data);
		set->observed = true;
		if (held->n)
			set->ttl = held->ttl;
	}
	one_done(s);
}

static void provider_found(struct provider *p, const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct plan_rrset *set = &s->run->plan->v[s->i];
	s->search = NULL;
	if (!p) {
		block(set, e);
		one_done(s);
		return;
	}
	free(set->zone);
	free(set->provider);
	set->zone = xstrdup(z->name);
	set->provider = xstrdup(provider_conf(p)->name);
	int64_t ttl = provider_ttl(provider_caps(p), set->ttl);
	if (ttl > set->ttl && !s->warning)
		s->warning = xasprintf("the TTL is %lld s, the least that %s takes above the %lld s wished for",
			(long long)ttl, set->provider, (long long)set->ttl);
	set->ttl = ttl;
	s->read = provider_read(p, z, set->owner, set->type, provider_said, s);
}

void planmake_values(enum provider_type type, const struct dns_answer *a, struct strv *ret)
{
	for (size_t i = 0; type == PROVIDER_TXT && a->result == DNS_FOUND && i < a->n_txt; i++)
		strv_add_take(ret, rdata_from_txt(&a->txt[i]));
	for (size_t i = 0; type == PROVIDER_CNAME && a->result == DNS_FOUND && i < a->n_rr; i++) {
		AUTO(xfreep) char *target = dns_rr_name(&a->rr[i]);
		if (target)
			strv_add_take(ret, rdata_from_target(target));
	}
}

static void take_standing(struct plan_rrset *set, const struct dns_view *v)
{
	const struct dns_answer *a = dns_view_any(v);
	if (!a)
		return;
	set->observed = true;
	planmake_values(set->type, a, &set->standing);
	if (set->standing.n)
		set->ttl = a->ttl;
}

/* What is planned goes by what most servers say. */
static char *odd_servers(const struct dns_view *v)
{
	const struct dns_answer *common = dns_view_any(v);
	for (size_t i = 0; common && i < v->n; i++) {
		const struct dns_answer *a = &v->answers[i];
		if (a->group == common->group)
			continue;
		if (a->group != DNS_VIEW_NO_GROUP)
			return xasprintf("the servers do not agree: %s (%s) has something else than %s (%s)", a->server,
				a->address, common->server, common->address);
	}
	for (size_t i = 0; common && i < v->n; i++)
		if (v->answers[i].group == DNS_VIEW_NO_GROUP)
			return xasprintf("nobody knows what %s (%s) has: %s", v->answers[i].server,
				v->answers[i].address, v->answers[i].text);
	return NULL;
}

static void servers_said(struct dns_view *v, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct plan_rrset *set = &s->run->plan->v[s->i];
	s->query = NULL;
	if (v->n_hops && set->type == PROVIDER_TXT) {
		set->blocked = xasprintf("%s is an alias of %s: the record belongs there, or the CNAME has to go",
			set->owner, v->hops[v->n_hops - 1].target);
	} else if (!set->observed) { /* the provider was quicker */
		take_standing(set, v);
	}
	set->servers = odd_servers(v);
	if (v->looked)
		set->cache_s = dns_view_stale_until(v) - v->at;
	if (!set->zone[0] && v->zone[0]) {
		free(set->zone);
		set->zone = xstrdup(v->zone);
	}
	if (!set->observed && !s->search && !s->read && err_is(e))
		block(set, e);
	dns_view_free(v);
	one_done(s);
}

/* Nothing may stand beside a CNAME. */
static void beside_said(struct dns_view *v, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct plan_rrset *set = &s->run->plan->v[s->i];
	const struct dns_answer *a = dns_view_any(v);
	(void)e;
	s->beside = NULL;
	if (a && a->result == DNS_FOUND && a->n_rr && !set->blocked)
		set->blocked =
			xasprintf("%s has TXT records, beside which no CNAME may stand: have whatever writes them "
				  "there stop, and remove them",
				set->owner);
	dns_view_free(v);
	one_done(s);
}

static void start(struct run *r, struct slot *s)
{
	struct plan_rrset *set = &r->plan->v[r->next];
	*s = (struct slot){.run = r, .i = r->next++, .used = true};
	r->in_work++;
	struct err e = {0};
	if (r->m->publisher && publisher_find(r->m->publisher, set->owner, provider_found, s, &s->search, &e))
		block(set, &e);
	err_done(&e);
	s->query = dns_view_rrset(r->m->site->dns, set->owner, (uint16_t)set->type, 0, servers_said, s);
	if (set->type == PROVIDER_CNAME)
		s->beside =
			dns_view_rrset(r->m->site->dns, set->owner, DNS_TYPE_TXT, DNS_VIEW_NOFOLLOW, beside_said, s);
}

static void fill(struct run *r)
{
	for (size_t i = 0; i < WINDOW && r->next < r->plan->n; i++)
		if (!r->slots[i].used)
			start(r, &r->slots[i]);
	if (!r->in_work)
		loop_stop(r->m->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->m->site->loop);
}

int planmake(const struct planmake *m, struct plan *ret, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	struct plan plan = {.made = clk_wall(m->site->clk) / 1000};
	*r = (struct run){.m = m, .plan = &plan};
	begin(r);
	loop_on_stop_signal(m->site->loop, stop_signal, r);
	if (plan.n) /* a loop that is told to stop before it runs does so when it runs next */
		fill(r);
	int result = plan.n ? loop_run(m->site->loop, e) : 0;
	for (size_t i = 0; i < WINDOW; i++) {
		if (r->slots[i].query)
			dns_view_cancel(r->slots[i].query);
		if (r->slots[i].beside)
			dns_view_cancel(r->slots[i].beside);
		publisher_cancel(r->slots[i].search);
		provider_cancel(r->slots[i].read);
		preflight_cancel(r->slots[i].preflight);
		free(r->slots[i].warning);
	}
	if (!result && r->stopped)
		result = err_set(
			e, ERR_CANCEL, "stopped while the plan was made: %zu of %zu names looked at", r->done, plan.n);
	free(r->first);
	free(r);
	if (result)
		plan_done(&plan);
	else
		*ret = plan;
	return result;
}
