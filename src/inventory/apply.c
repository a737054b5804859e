/* apply.c: a plan carried out, RRset by RRset. */
#include "inventory/apply.h"

#include <perdure/persist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/journal.h"
#include "inventory/planmake.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "provider/rdata.h"

enum {
	WINDOW = 128, /* RRsets in work at once */
	TRIES = 10, /* changes of one RRset that others were quicker than */
	POLL_FIRST_MS = 200, /* between two looks at the servers, doubling to the last */
	POLL_LAST_MS = 5000,
};

struct slot {
	struct run *run;
	const struct plan_rrset *rrset;
	bool used;
	struct publisher_search *search;
	struct provider *provider;
	struct provider_zone zone;
	struct provider_op *op;
	struct dns_query *query;
	struct loop_timer *timer;
	struct strv add, del; /* what is really to be done */
	struct strv must, must_not; /* what every server has to have in the end, and not to have */
	unsigned tries;
	int64_t poll_ms, deadline;
	bool changed;
	char *note;
};

struct run {
	const struct apply *a;
	size_t next, in_work, total, n_changed, n_served;
	bool stopped;
	int result;
	struct err *e;
	struct slot slots[WINDOW];
};

const char *apply_outcome_name(enum apply_outcome o)
{
	static const char *const names[APPLY_OUTCOME_N_] = {
		"nothing", "served", "changed", "not served yet", "shifted", "failed"};
	return names[o];
}

static void fill(struct run *r);
static void read_rrset(struct slot *s);

static void progress(struct run *r)
{
	if (r->a->progress)
		r->a->progress(r->n_changed, r->n_served, r->total, r->a->ctx);
}

static void clear(struct slot *s)
{
	publisher_cancel(s->search);
	provider_cancel(s->op);
	if (s->query)
		dns_view_cancel(s->query);
	loop_timer_free(s->timer);
	provider_zone_done(&s->zone);
	strv_done(&s->add);
	strv_done(&s->del);
	strv_done(&s->must);
	strv_done(&s->must_not);
	free(s->note);
	*s = (struct slot){.run = s->run};
}

static void end(struct slot *s, enum apply_outcome outcome, const struct err *e)
{
	struct run *r = s->run;
	struct apply_report report = {.rrset = s->rrset,
		.added = s->changed ? &s->add : NULL,
		.removed = s->changed ? &s->del : NULL,
		.outcome = outcome,
		.note = s->note,
		.e = e};
	r->a->told(&report, r->a->ctx);
	r->n_served += outcome == APPLY_SERVED;
	clear(s);
	r->in_work--;
	progress(r);
	fill(r);
}

/* The journal cannot be written: nothing more may be changed. */
static void give_up(struct run *r, struct err *e)
{
	if (!r->result)
		err_move(r->e, e);
	r->result = -1;
	loop_stop(r->a->site->loop);
}

/* --- waiting until every server has it --- */

static bool has(enum provider_type type, const struct strv *values, const char *data)
{
	for (size_t i = 0; i < values->n; i++)
		if (rdata_same(type, values->v[i], data))
			return true;
	return false;
}

static bool answer_serves(const struct slot *s, const struct dns_answer *a)
{
	struct strv got = {0};
	bool good = true;
	planmake_values(s->rrset->type, a, &got);
	for (size_t i = 0; i < s->must.n; i++)
		good &= has(s->rrset->type, &got, s->must.v[i]);
	for (size_t i = 0; i < s->must_not.n; i++)
		good &= !has(s->rrset->type, &got, s->must_not.v[i]);
	strv_done(&got);
	return good;
}

static void look(void *ctx);

static void not_served(struct slot *s, const char *server, const struct err *why)
{
	struct err e = {0};
	if (err_is(why))
		err_copy(&e, why);
	else
		err_set(&e, ERR_TIMEOUT, "%s does not have it yet",
			server[0] ? server : "the name servers could not be asked: no server");
	err_ctx(&e, s->changed ? "%s was changed, but" : "%s is at the provider as it should be, but", s->rrset->owner);
	err_hint(&e, "look again later with \"perdure check %s\"", s->rrset->fqdn);
	end(s, APPLY_NOT_SERVED, &e);
	err_done(&e);
}

static void looked(struct dns_view *v, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	size_t n = 0, serving = 0;
	char lacking[128] = "";
	s->query = NULL;
	for (size_t i = 0; i < v->n; i++) {
		const struct dns_answer *a = &v->answers[i];
		if (a->result == DNS_FAILED || a->result == DNS_TIMEOUT)
			continue;
		n++;
		if (answer_serves(s, a))
			serving++;
		else
			snprintf(lacking, sizeof(lacking), "server %s (%s)", a->server, a->address);
	}
	bool unasked = !v->looked;
	int64_t now = clk_mono(s->run->a->site->clk);
	if (unasked) {
		dns_view_free(v);
		end(s, APPLY_CHANGED, NULL);
	} else if (n && serving == n) {
		dns_view_free(v);
		end(s, APPLY_SERVED, NULL);
	} else if (now >= s->deadline) {
		dns_view_free(v);
		not_served(s, lacking, e);
	} else {
		dns_view_free(v);
		loop_timer_start(s->timer, s->poll_ms);
		s->poll_ms = s->poll_ms * 2 < POLL_LAST_MS ? s->poll_ms * 2 : POLL_LAST_MS;
	}
}

static void look(void *ctx)
{
	struct slot *s = ctx;
	s->query = dns_view_rrset(s->run->a->site->dns, s->rrset->owner, (uint16_t)s->rrset->type, 0, looked, s);
}

static void wait_for_servers(struct slot *s)
{
	struct run *r = s->run;
	if (!r->a->wait_ms) {
		end(s, APPLY_CHANGED, NULL);
		return;
	}
	s->poll_ms = POLL_FIRST_MS;
	s->deadline = clk_mono(r->a->site->clk) + r->a->wait_ms;
	s->timer = loop_timer_new(r->a->site->loop, look, s);
	look(s);
}

static void synced(const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	s->op = NULL;
	if (err_is(e))
		not_served(s, "", e);
	else
		wait_for_servers(s);
}

/* --- the change --- */

static void journal_outcome(struct slot *s, const char *outcome, const struct provider_result *result)
{
	struct run *r = s->run;
	struct strv after = {0};
	struct err e = {0};
	for (size_t i = 0; result && result->after.name && i < result->after.n; i++)
		strv_add(&after, result->after.values[i].data);
	if (journal_after(r->a->journal, s->rrset->type, s->rrset->owner, outcome,
		    result && result->after.name ? &after : NULL, &e))
		give_up(r, &e);
	err_done(&e);
	strv_done(&after);
}

static void changed(const struct provider_result *results, size_t n, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	const struct provider_result *result = n ? &results[0] : NULL;
	enum provider_outcome outcome = result ? result->outcome : PROVIDER_FAILED;
	s->op = NULL;
	if (outcome == PROVIDER_LOST && ++s->tries < TRIES) {
		read_rrset(s);
		return;
	}
	if (outcome == PROVIDER_LOST || outcome == PROVIDER_FAILED) {
		struct err lost = {0};
		if (outcome == PROVIDER_LOST)
			err_set(&lost, ERR_PROVIDER, "%s: somebody else changes it all the time, %d tries were lost",
				s->rrset->owner, TRIES);
		else
			err_copy(&lost, e);
		journal_outcome(s, "failed", NULL);
		end(s, APPLY_FAILED, &lost);
		err_done(&lost);
		return;
	}
	journal_outcome(s, outcome == PROVIDER_CHANGED ? "changed" : "unchanged", result);
	s->changed = outcome == PROVIDER_CHANGED;
	s->note = result->note ? xstrdup(result->note) : NULL;
	r->n_changed += s->changed;
	progress(r);
	if (result->ticket)
		s->op = provider_sync(s->provider, &s->zone, result->ticket, synced, s);
	else
		wait_for_servers(s);
}

/* Whether what the provider holds grants already what the value would. */
static bool granted(const struct provider_rrset *held, const char *data, bool literal)
{
	AUTO(buf_done) struct buf want_text = buf_make(RDATA_MAX);
	struct perdure_record want, have;
	if (held->type == PROVIDER_TXT)
		rdata_text(data, &want_text);
	if (literal || provider_rrset_find(held, data))
		return provider_rrset_find(held, data) != NULL;
	if (held->type != PROVIDER_TXT ||
		perdure_record_read(buf_str(&want_text), want_text.n, &want, NULL, NULL) != PERDURE_OK)
		return false;
	bool yes = false;
	for (size_t i = 0; i < held->n && !yes; i++) {
		AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
		rdata_text(held->values[i].data, &text);
		yes = perdure_record_read(buf_str(&text), text.n, &have, NULL, NULL) == PERDURE_OK &&
		      perdure_record_covers(&have, &want);
	}
	return yes;
}

/* What of the plan is still to be done with what the provider holds. */
static void what_is_left(struct slot *s, const struct provider_rrset *held)
{
	AUTO(strv_done) struct strv add = {0}, del = {0};
	strv_done(&s->add);
	strv_done(&s->del);
	strv_done(&s->must);
	plan_changes(s->rrset, s->run->a->remove, &add, &del);
	for (size_t i = 0; i < add.n; i++) {
		bool there = granted(held, add.v[i], s->run->a->literal);
		if (!there)
			strv_add(&s->add, add.v[i]);
		/* Of one that grants more nobody knows which it is; those are never waited for. */
		if (!there || provider_rrset_find(held, add.v[i]))
			strv_add(&s->must, add.v[i]);
	}
	for (size_t i = 0; i < del.n; i++)
		if (provider_rrset_find(held, del.v[i]))
			strv_add(&s->del, del.v[i]);
	strv_copy(&s->must_not, &del);
}

/* Whether the provider holds what the plan says stands. */
static bool as_planned(const struct plan_rrset *set, const struct provider_rrset *held)
{
	if (held->n != set->standing.n)
		return false;
	for (size_t i = 0; i < held->n; i++)
		if (!has(set->type, &set->standing, held->values[i].data))
			return false;
	return true;
}

static int note(struct slot *s, const struct provider_rrset *held, int64_t ttl, struct err *e)
{
	struct journal_change c = {.provider = (char *)provider_conf(s->provider)->name,
		.zone = s->zone.name,
		.type = s->rrset->type,
		.owner = s->rrset->owner,
		.ttl = ttl,
		.add = s->add,
		.del = s->del};
	for (size_t i = 0; i < held->n; i++)
		strv_add(&c.before, held->values[i].data);
	int r = journal_before(s->run->a->journal, &c, e);
	strv_done(&c.before);
	return r;
}

static void was_read(const struct provider_rrset *held, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	struct err own = {0};
	s->op = NULL;
	if (!held) {
		end(s, APPLY_FAILED, e);
		return;
	}
	what_is_left(s, held);
	if (!s->add.n && !s->del.n) {
		if (s->run->a->verify)
			wait_for_servers(s);
		else
			end(s, APPLY_NOTHING, NULL);
		return;
	}
	if (s->run->a->exact && !s->tries && !as_planned(s->rrset, held)) {
		err_set(&own, ERR_POLICY,
			"%s: provider \"%s\" does not hold what the plan was made for: %zu values instead of %zu",
			s->rrset->owner, provider_conf(s->provider)->name, held->n, s->rrset->standing.n);
		err_hint(&own, "somebody changed it meanwhile: make a new plan and look at it");
		end(s, APPLY_SHIFTED, &own);
		err_done(&own);
		return;
	}
	int64_t ttl = provider_ttl(provider_caps(s->provider), held->n ? held->ttl : s->rrset->ttl);
	if (note(s, held, ttl, &own)) {
		give_up(s->run, &own);
		return;
	}
	struct provider_change c = {.name = s->rrset->owner,
		.type = s->rrset->type,
		.ttl = ttl,
		.add = &s->add,
		.del = &s->del,
		.expect = held,
		.mark = "perdure"};
	s->op = provider_change(s->provider, &s->zone, &c, 1, changed, s);
}

static void read_rrset(struct slot *s)
{
	s->op = provider_read(s->provider, &s->zone, s->rrset->owner, s->rrset->type, was_read, s);
}

static void found(struct provider *p, const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct slot *s = ctx;
	s->search = NULL;
	if (!p) {
		end(s, APPLY_FAILED, e);
		return;
	}
	s->provider = p;
	provider_zone_copy(&s->zone, z);
	read_rrset(s);
}

/* --- all of them --- */

static void start(struct run *r, struct slot *s, const struct plan_rrset *set)
{
	struct err e = {0};
	*s = (struct slot){.run = r, .rrset = set, .used = true};
	r->in_work++;
	if (!publisher_find(r->a->publisher, set->owner, found, s, &s->search, &e))
		return;
	struct apply_report report = {.rrset = set, .outcome = APPLY_FAILED, .e = &e};
	r->a->told(&report, r->a->ctx);
	r->in_work--;
	clear(s);
	err_done(&e);
}

static void fill(struct run *r)
{
	for (size_t i = 0; i < WINDOW && r->next < r->a->plan->n && !r->result; i++) {
		if (r->slots[i].used)
			continue;
		while (r->next < r->a->plan->n && !r->slots[i].used) {
			const struct plan_rrset *set = &r->a->plan->v[r->next++];
			if (plan_rrset_changes(set, r->a->remove))
				start(r, &r->slots[i], set);
		}
	}
	if (!r->in_work || r->result)
		loop_stop(r->a->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->a->site->loop);
}

int apply_run(const struct apply *a, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	*r = (struct run){.a = a, .e = e};
	r->total = plan_count_changes(a->plan, a->remove);
	loop_on_stop_signal(a->site->loop, stop_signal, r);
	fill(r);
	int result = r->in_work ? loop_run(a->site->loop, e) : 0;
	for (size_t i = 0; i < WINDOW; i++)
		clear(&r->slots[i]);
	if (!result && r->result)
		result = -1;
	else if (!result && r->stopped)
		result = err_set(e, ERR_CANCEL,
			"stopped with %zu of %zu names changed; run \"perdure record apply\" again to go on",
			r->n_changed, r->total);
	free(r);
	return result;
}
