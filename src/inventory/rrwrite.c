/* rrwrite.c: one RRset changed and waited for. The changes of one zone go together (rrbatch.h). */
#include "inventory/rrwrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/planmake.h"
#include "inventory/publisher.h"
#include "inventory/rrbatch.h"
#include "inventory/rrlock.h"
#include "inventory/site.h"
#include "inventory/tellrecord.h"
#include "loop/loop.h"
#include "provider/rdata.h"

enum {
	TRIES = 10, /* changes of one RRset that others were quicker than */
	POLL_FIRST_MS = 200, /* between two looks at the servers, doubling to the last */
	LOCK_POLL_MS = 50, /* doubling, too */
	LOCK_POLL_MAX_MS = 250,
	/* For one who holds the lock: a read and a change, and those of others before them at the slowest provider. */
	LOCK_WAIT_MS = 900000,
};

struct rrwrite {
	struct rrwrite_question q;
	char *owner, *subject;
	const struct rrwrite_hooks *hooks;
	void *ctx;
	struct publisher_search *search;
	struct provider *provider;
	struct provider_zone zone;
	struct provider_op *op;
	struct rrmember *member;
	struct provider_rrset held; /* that a change is made against */
	struct dns_query *query;
	struct loop_timer *timer;
	struct fs_lock lock;
	struct loop_timer *lock_timer;
	int64_t lock_deadline;
	struct rrwrite_want want;
	unsigned tries, lost; /* lost: alone, not for others in the same call */
	int64_t poll_ms, deadline; /* of the looks at the servers; poll_ms before that of those at the lock */
	bool changed;
	bool read_back; /* since the last change */
	char *note;
};

static void read_rrset(struct rrwrite *w);
static void begin(struct rrwrite *w);
static void look(void *ctx);

static void want_done(struct rrwrite_want *want)
{
	strv_done(&want->add);
	strv_done(&want->del);
	strv_done(&want->must);
	strv_done(&want->must_not);
}

void rrwrite_free(struct rrwrite *w)
{
	if (!w)
		return;
	publisher_cancel(w->search);
	provider_cancel(w->op);
	rrmember_free(w->member);
	if (w->query)
		dns_view_cancel(w->query);
	loop_timer_free(w->timer);
	loop_timer_free(w->lock_timer);
	rrlock_release(&w->lock, w->owner);
	provider_zone_done(&w->zone);
	provider_rrset_done(&w->held);
	want_done(&w->want);
	free(w->note);
	free(w->owner);
	free(w->subject);
	free(w);
}

static void end(struct rrwrite *w, enum rrwrite_outcome outcome, const struct err *e)
{
	struct rrwrite_report r = {.outcome = outcome,
		.changed = w->changed,
		.added = &w->want.add,
		.removed = &w->want.del,
		.note = w->note,
		.e = e};
	w->hooks->done(&r, w->ctx);
}

/* --- waiting until every server has it --- */

bool rrwrite_has(enum provider_type type, const struct strv *values, const char *data)
{
	for (size_t i = 0; i < values->n; i++)
		if (rdata_same(type, values->v[i], data))
			return true;
	return false;
}

static bool answer_serves(const struct rrwrite *w, const struct dns_answer *a)
{
	struct strv got = {0};
	bool good = true;
	planmake_values(w->q.type, a, &got);
	for (size_t i = 0; i < w->want.must.n; i++)
		good &= rrwrite_has(w->q.type, &got, w->want.must.v[i]);
	for (size_t i = 0; i < w->want.must_not.n; i++)
		good &= !rrwrite_has(w->q.type, &got, w->want.must_not.v[i]);
	strv_done(&got);
	return good;
}

static void not_served(struct rrwrite *w, const char *server, const struct err *why)
{
	struct err e = {0};
	if (err_is(why))
		err_copy(&e, why);
	else
		err_set(&e, ERR_TIMEOUT, "%s does not have it yet",
			server[0] ? server : "the name servers could not be asked: no server");
	err_ctx(&e, w->changed ? "%s was changed, but" : "%s is at the provider as it should be, but", w->owner);
	if (w->subject)
		err_hint(&e, "look again later with \"perdure check %s\"", w->subject);
	end(w, RRWRITE_NOT_SERVED, &e);
	err_done(&e);
}

static void look_again(struct rrwrite *w, size_t serving, size_t of)
{
	loop_timer_start(w->timer, w->poll_ms);
	w->poll_ms = w->poll_ms * 2 < w->q.poll_max_ms ? w->poll_ms * 2 : w->q.poll_max_ms;
	if (w->hooks->looked)
		w->hooks->looked(serving, of, w->ctx);
}

/* Whether the provider holds what we wrote. */
static bool is_held(const struct rrwrite *w, const struct provider_rrset *held)
{
	bool all = true;
	for (size_t i = 0; i < w->want.must.n; i++)
		all &= provider_rrset_find(held, w->want.must.v[i]) != NULL;
	for (size_t i = 0; i < w->want.must_not.n; i++)
		all &= !provider_rrset_find(held, w->want.must_not.v[i]);
	return all;
}

/* What was overwritten is written anew. */
static void was_read_back(const struct provider_rrset *held, const struct err *e, void *ctx)
{
	struct rrwrite *w = ctx;
	w->op = NULL;
	(void)e;
	if (held && !is_held(w, held) && ++w->tries < TRIES) {
		begin(w);
		return;
	}
	rrmember_away(w->member);
	look(w);
}

/*
 * Where the provider compares nothing, somebody may have written over what we wrote at the same moment. Reading it back
 * each time would be a call more for every record, so that is done only when the servers do not get it. True: it is
 * under way.
 */
static bool reads_back(struct rrwrite *w, bool late)
{
	const struct provider_caps *c = provider_caps(w->provider);
	if (!w->changed || w->read_back || c->write != PROVIDER_RRSET || c->cas)
		return false;
	if (!late && w->poll_ms < w->q.poll_max_ms)
		return false;
	w->read_back = true;
	rrmember_reads(w->member, w->provider, &w->zone);
	w->op = provider_read(w->provider, &w->zone, w->owner, w->q.type, was_read_back, w);
	return true;
}

static void looked(struct dns_view *v, const struct err *e, void *ctx)
{
	struct rrwrite *w = ctx;
	size_t n = 0, serving = 0;
	char lacking[128] = "";
	bool asked = v->looked;
	bool late = clk_mono(w->q.site->clk) >= w->deadline;
	w->query = NULL;
	for (size_t i = 0; i < v->n; i++) {
		const struct dns_answer *a = &v->answers[i];
		if (a->result == DNS_FAILED || a->result == DNS_TIMEOUT)
			continue;
		n++;
		if (answer_serves(w, a))
			serving++;
		else
			snprintf(lacking, sizeof(lacking), "server %s (%s)", a->server, a->address);
	}
	dns_view_free(v);
	if (!asked)
		end(w, RRWRITE_CHANGED, NULL);
	else if (n && serving == n)
		end(w, RRWRITE_SERVED, NULL);
	else if (reads_back(w, late))
		return;
	else if (late)
		not_served(w, lacking, e);
	else
		look_again(w, serving, n);
}

static void look(void *ctx)
{
	struct rrwrite *w = ctx;
	w->query = dns_view_rrset(w->q.site->dns, w->owner, (uint16_t)w->q.type, 0, looked, w);
}

static void wait_for_servers(struct rrwrite *w)
{
	rrlock_release(&w->lock, w->owner);
	if (!w->q.wait_ms) {
		end(w, RRWRITE_CHANGED, NULL);
		return;
	}
	w->poll_ms = POLL_FIRST_MS;
	w->deadline = clk_mono(w->q.site->clk) + w->q.wait_ms;
	if (!w->timer)
		w->timer = loop_timer_new(w->q.site->loop, look, w);
	look(w);
}

static void synced(const struct err *e, void *ctx)
{
	struct rrwrite *w = ctx;
	if (err_is(e))
		not_served(w, "", e);
	else
		wait_for_servers(w);
}

/* --- the change --- */

static void tell_change(const struct rrwrite *w, const struct err *e)
{
	tell_record(w->q.site, w->provider, w->zone.name, w->q.type, w->owner, &w->want.add, &w->want.del, e);
}

static void change_failed(struct rrwrite *w, enum provider_outcome outcome, const struct err *e)
{
	struct err lost = {0};
	if (outcome == PROVIDER_LOST) {
		err_set(&lost, ERR_PROVIDER, "%s: somebody else changes it all the time, %d tries were lost", w->owner,
			TRIES);
		err_retry(&lost, RETRY_LATER, 0);
	} else {
		err_copy(&lost, e);
	}
	tell_change(w, &lost);
	if (w->hooks->after)
		w->hooks->after(NULL, w->ctx);
	end(w, RRWRITE_FAILED, &lost);
	err_done(&lost);
}

static void changed(const struct provider_result *result, const struct err *e, bool alone, void *ctx)
{
	struct rrwrite *w = ctx;
	enum provider_outcome outcome = result ? result->outcome : PROVIDER_FAILED;
	FAULT("rrwrite-changed");
	w->lost += alone;
	if (outcome == PROVIDER_LOST && w->lost < TRIES) {
		w->tries++;
		read_rrset(w);
		return;
	}
	if (outcome == PROVIDER_LOST || outcome == PROVIDER_FAILED) {
		change_failed(w, outcome, e);
		return;
	}
	w->changed = outcome == PROVIDER_CHANGED;
	free(w->note);
	w->note = result->note ? xstrdup(result->note) : NULL;
	if (w->changed)
		tell_change(w, NULL);
	if (w->hooks->after)
		w->hooks->after(result, w->ctx);
	rrlock_release(&w->lock, w->owner);
	if (result->ticket)
		rrmember_sync(w->member, result->ticket);
	else
		wait_for_servers(w);
}

static void send_change(struct rrwrite *w, const struct rrwrite_at *at)
{
	provider_rrset_done(&w->held);
	provider_rrset_copy(&w->held, at->held);
	struct provider_change c = {.name = w->owner,
		.type = w->q.type,
		.ttl = at->ttl,
		.add = &w->want.add,
		.del = &w->want.del,
		.expect = &w->held,
		.mark = "perdure"};
	w->read_back = false;
	rrmember_change(w->member, &c);
}

static void was_read(const struct provider_rrset *held, const struct err *e, void *ctx)
{
	struct rrwrite *w = ctx;
	struct err own = {0};
	w->op = NULL;
	rrmember_away(w->member);
	if (!held) {
		end(w, RRWRITE_FAILED, e);
		return;
	}
	struct rrwrite_at at = {.provider = w->provider,
		.zone = &w->zone,
		.held = held,
		.ttl = provider_ttl(provider_caps(w->provider), held->n ? held->ttl : w->q.ttl)};
	want_done(&w->want);
	if (w->hooks->decide(&at, w->tries, &w->want, &own, w->ctx)) {
		end(w, RRWRITE_REFUSED, &own);
	} else if (!w->want.add.n && !w->want.del.n) {
		if (w->q.verify)
			wait_for_servers(w);
		else
			end(w, RRWRITE_NOTHING, NULL);
	} else if (w->hooks->before && w->hooks->before(&at, &w->want, &own, w->ctx)) {
		end(w, RRWRITE_REFUSED, &own);
	} else {
		send_change(w, &at);
	}
	err_done(&own);
}

static void read_rrset(struct rrwrite *w)
{
	rrmember_reads(w->member, w->provider, &w->zone);
	w->op = provider_read(w->provider, &w->zone, w->owner, w->q.type, was_read, w);
}

/* Until another process of this host that changes the same name is done. */
static void take_lock(void *ctx)
{
	struct rrwrite *w = ctx;
	struct err e = {0};
	if (!rrlock_take(&w->lock, w->owner, &e)) {
		read_rrset(w);
	} else if (e.kind != ERR_BUSY) {
		log_warn("%s; another process that changes %s now may get in our way", e.msg, w->owner);
		read_rrset(w);
	} else if (clk_mono(w->q.site->clk) >= w->lock_deadline) {
		end(w, RRWRITE_FAILED, &e);
	} else {
		loop_timer_start(w->lock_timer, w->poll_ms);
		w->poll_ms = w->poll_ms * 2 < LOCK_POLL_MAX_MS ? w->poll_ms * 2 : LOCK_POLL_MAX_MS;
	}
	err_done(&e);
}

/* Reads and changes it; alone on this host, where that is wanted. */
static void begin(struct rrwrite *w)
{
	if (!w->q.lock || !provider_caps(w->provider)->alone) {
		read_rrset(w);
		return;
	}
	rrmember_away(w->member);
	if (!w->lock_timer)
		w->lock_timer = loop_timer_new(w->q.site->loop, take_lock, w);
	w->lock_deadline = clk_mono(w->q.site->clk) + LOCK_WAIT_MS;
	w->poll_ms = LOCK_POLL_MS;
	take_lock(w);
}

static void found(struct provider *p, const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct rrwrite *w = ctx;
	w->search = NULL;
	if (!p) {
		rrmember_away(w->member);
		end(w, RRWRITE_FAILED, e);
		return;
	}
	w->provider = p;
	provider_zone_copy(&w->zone, z);
	begin(w);
}

int rrwrite_start(const struct rrwrite_question *q, const struct rrwrite_hooks *hooks, void *ctx, struct rrwrite **ret,
	struct err *e)
{
	static const struct rrmember_hooks member_hooks = {.changed = changed, .synced = synced};
	struct rrwrite *w = xcalloc(1, sizeof(*w));
	*w = (struct rrwrite){.q = *q,
		.owner = xstrdup(q->owner),
		.subject = q->subject ? xstrdup(q->subject) : NULL,
		.hooks = hooks,
		.ctx = ctx,
		.lock = {.fd = -1}};
	if (publisher_find(q->publisher, w->owner, found, w, &w->search, e)) {
		rrwrite_free(w);
		return -1;
	}
	w->member = rrmember_new(publisher_batch(q->publisher), &member_hooks, w);
	*ret = w;
	return 0;
}
