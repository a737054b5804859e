/* apply.c: a plan carried out, RRset by RRset. */
#include "inventory/apply.h"

#include <perdure/persist.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "inventory/journal.h"
#include "inventory/publisher.h"
#include "inventory/rrbatch.h"
#include "inventory/rrwrite.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "provider/rdata.h"

enum {
	WINDOW = 128, /* RRsets in work at once */
	POLL_MAX_MS = 5000, /* between two looks at the servers */
};

struct slot {
	struct run *run;
	const struct plan_rrset *rrset;
	bool used;
	struct rrwrite *write;
	char *ttl_note;
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

static void progress(struct run *r)
{
	if (r->a->progress)
		r->a->progress(r->n_changed, r->n_served, r->total, r->a->ctx);
}

static void clear(struct slot *s)
{
	rrwrite_free(s->write);
	free(s->ttl_note);
	*s = (struct slot){.run = s->run};
}

/* The journal cannot be written: nothing more may be changed. */
static void give_up(struct run *r, struct err *e)
{
	if (!r->result)
		err_move(r->e, e);
	r->result = -1;
	loop_stop(r->a->site->loop);
}

/* --- the change --- */

static void journal_outcome(const struct provider_result *result, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	bool changed = result && result->outcome == PROVIDER_CHANGED;
	struct strv after = {0};
	struct err e = {0};
	for (size_t i = 0; result && result->after.name && i < result->after.n; i++)
		strv_add(&after, result->after.values[i].data);
	if (journal_after(r->a->journal, s->rrset->type, s->rrset->owner,
		    changed  ? "changed"
		    : result ? "unchanged"
			     : "failed",
		    result && result->after.name ? &after : NULL, &e))
		give_up(r, &e);
	err_done(&e);
	strv_done(&after);
	r->n_changed += changed;
	progress(r);
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
static void what_is_left(const struct slot *s, const struct provider_rrset *held, struct rrwrite_want *w)
{
	AUTO(strv_done) struct strv add = {0}, del = {0};
	plan_changes(s->rrset, s->run->a->remove, &add, &del);
	for (size_t i = 0; i < add.n; i++) {
		bool there = granted(held, add.v[i], s->run->a->literal);
		if (!there)
			strv_add(&w->add, add.v[i]);
		/* Of one that grants more nobody knows which it is; those are never waited for. */
		if (!there || provider_rrset_find(held, add.v[i]))
			strv_add(&w->must, add.v[i]);
	}
	for (size_t i = 0; i < del.n; i++)
		if (provider_rrset_find(held, del.v[i]))
			strv_add(&w->del, del.v[i]);
	strv_copy(&w->must_not, &del);
}

/* Whether the provider holds what the plan says stands. */
static bool as_planned(const struct plan_rrset *set, const struct provider_rrset *held)
{
	if (held->n != set->standing.n)
		return false;
	for (size_t i = 0; i < held->n; i++)
		if (!rrwrite_has(set->type, &set->standing, held->values[i].data))
			return false;
	return true;
}

/* What is written with another TTL than was wished for is said; that of what stands there is kept. */
static void note_ttl(struct slot *s, const struct rrwrite_at *at)
{
	free(s->ttl_note);
	s->ttl_note = NULL;
	if (!at->held->n && at->ttl > s->rrset->ttl)
		s->ttl_note =
			xasprintf("written with a TTL of %lld s, the least that %s takes above the %lld s wished for",
				(long long)at->ttl, provider_conf(at->provider)->name, (long long)s->rrset->ttl);
}

static int decide(const struct rrwrite_at *at, unsigned tries, struct rrwrite_want *ret, struct err *e, void *ctx)
{
	struct slot *s = ctx;
	note_ttl(s, at);
	what_is_left(s, at->held, ret);
	if ((!ret->add.n && !ret->del.n) || !s->run->a->exact || tries || as_planned(s->rrset, at->held))
		return 0;
	err_set(e, ERR_POLICY,
		"%s: provider \"%s\" does not hold what the plan was made for: %zu values instead of %zu",
		s->rrset->owner, provider_conf(at->provider)->name, at->held->n, s->rrset->standing.n);
	err_hint(e, "somebody changed it meanwhile: make a new plan and look at it");
	return -1;
}

static int journal_wish(const struct rrwrite_at *at, const struct rrwrite_want *w, struct err *e, void *ctx)
{
	const struct slot *s = ctx;
	struct journal_change c = {.provider = (char *)provider_conf(at->provider)->name,
		.zone = at->zone->name,
		.type = s->rrset->type,
		.owner = s->rrset->owner,
		.ttl = at->ttl,
		.add = w->add,
		.del = w->del};
	for (size_t i = 0; i < at->held->n; i++)
		strv_add(&c.before, at->held->values[i].data);
	int r = journal_before(s->run->a->journal, &c, e);
	strv_done(&c.before);
	if (r)
		give_up(s->run, e);
	return r;
}

/* Before a call, whose changes are all in the journal by now: one wait for the disk for all of them. */
static int may_send(void *ctx)
{
	struct run *r = ctx;
	struct err e = {0};
	int rc = r->result || journal_sync(r->a->journal, &e) ? -1 : 0;
	if (err_is(&e))
		give_up(r, &e);
	err_done(&e);
	return rc;
}

static void written(const struct rrwrite_report *w, void *ctx)
{
	static const enum apply_outcome outcomes[] = {
		[RRWRITE_NOTHING] = APPLY_NOTHING,
		[RRWRITE_SERVED] = APPLY_SERVED,
		[RRWRITE_CHANGED] = APPLY_CHANGED,
		[RRWRITE_NOT_SERVED] = APPLY_NOT_SERVED,
		[RRWRITE_REFUSED] = APPLY_SHIFTED,
		[RRWRITE_FAILED] = APPLY_FAILED,
	};
	struct slot *s = ctx;
	struct run *r = s->run;
	if (w->outcome == RRWRITE_REFUSED && r->result) /* by the journal: that is the end of all */
		return;
	struct apply_report report = {.rrset = s->rrset,
		.added = w->changed ? w->added : NULL,
		.removed = w->changed ? w->removed : NULL,
		.outcome = outcomes[w->outcome],
		.note = w->note || !w->changed ? w->note : s->ttl_note,
		.e = w->e};
	r->a->told(&report, r->a->ctx);
	r->n_served += report.outcome == APPLY_SERVED;
	clear(s);
	r->in_work--;
	progress(r);
	fill(r);
}

static const struct rrwrite_hooks write_hooks = {
	.decide = decide, .before = journal_wish, .after = journal_outcome, .done = written};

/* --- all of them --- */

static void start(struct run *r, struct slot *s, const struct plan_rrset *set)
{
	struct err e = {0};
	*s = (struct slot){.run = r, .rrset = set, .used = true};
	r->in_work++;
	struct rrwrite_question q = {.site = r->a->site,
		.publisher = r->a->publisher,
		.owner = set->owner,
		.subject = set->fqdn,
		.type = set->type,
		.ttl = set->ttl,
		.lock = true,
		.verify = r->a->verify,
		.wait_ms = r->a->wait_ms,
		.poll_max_ms = POLL_MAX_MS};
	if (!rrwrite_start(&q, &write_hooks, s, &s->write, &e))
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
	rrbatch_on_send(publisher_batch(a->publisher), may_send, r);
	if (r->total)
		fill(r);
	/* Also where all ended at once: a loop that is told to stop before it runs does so when it runs next. */
	int result = r->total ? loop_run(a->site->loop, e) : 0;
	for (size_t i = 0; i < WINDOW; i++)
		clear(&r->slots[i]);
	rrbatch_on_send(publisher_batch(a->publisher), NULL, NULL);
	if (!result && !r->result)
		r->result = journal_sync(a->journal, e);
	if (!result && r->result)
		result = -1;
	else if (!result && r->stopped)
		result = err_set(e, ERR_CANCEL,
			"stopped with %zu of %zu names changed; run \"perdure record apply\" again to go on",
			r->n_changed, r->total);
	free(r);
	return result;
}
