/* renewplan.c: what is due, at which CA, in which order. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/paused.h"
#include "fleet/renew_internal.h"
#include "inventory/site.h"
#include "state/store.h"

/* A certificate that does not exist yet comes before those that live longer than this. */
enum { NEW_URGENCY = 7 * 86400 };

/* Between the CAs of a certificate: how long, how often, how soon again. */
enum { PATIENCE_MIN = 3600, PATIENCE_MAX = 86400, FAILURES_MAX = 6, TRY_AGAIN = 3600 };

/* What an order takes, and each of its names that is to be proved. */
enum { REQUESTS_ORDER = 4, REQUESTS_NAME = 3 };

struct look {
	struct renew *r;
	int64_t now;
	bool *seen; /* one for each certificate of the configuration */
	bool *in_work; /* the same: an order of an earlier run is kept */
	bool *placed; /* the same: and the CA has taken it */
};

void renew_note_next(struct renew *r, int64_t at)
{
	if (at && (!r->sum.next_at || at < r->sum.next_at))
		r->sum.next_at = at;
}

static bool selected(const struct renew *r, const struct config_cert *c)
{
	return !r->o->only || strv_has(r->o->only, c->name);
}

struct queue *renew_queue(const struct renew *r, const char *ca)
{
	for (size_t i = 0; i < r->site->config->n_cas; i++)
		if (!strcmp(r->queues[i].ca->conf->name, ca))
			return &r->queues[i];
	return NULL;
}

/* So long a certificate waits for a CA that does not serve, before it is asked of the next one. */
static int64_t patience_of(const struct look *l, const struct store_cert *row, bool live)
{
	int64_t part = live && row->not_after > l->now ? (row->not_after - l->now) / 8 : 0;
	return part < PATIENCE_MIN ? PATIENCE_MIN : part > PATIENCE_MAX ? PATIENCE_MAX : part;
}

/* A CA that is down is tried again by one certificate now and then: else nobody would see that it is back. */
static bool may_try(const struct look *l, struct queue *q, const struct store_cert *row, bool live)
{
	struct limits *lim = &q->limits;
	if (!lim->down_since || l->now - lim->down_since < patience_of(l, row, live))
		return true;
	if (l->now - lim->tried_at < TRY_AGAIN)
		return false;
	lim->tried_at = l->now;
	lim->changed = true;
	return true;
}

/* Which of its CAs is asked: the first; after some failures in a row, when it is paused there, or when that has served
 * nobody for too long, the next. */
static struct queue *choose(const struct look *l, const struct config_cert *c, const struct store_cert *row, bool live,
	const struct paused *paused)
{
	size_t n = c->cas.n, from = row ? (size_t)(row->failures / FAILURES_MAX) % n : 0;
	for (size_t i = 0; i < n; i++) {
		struct queue *q = renew_queue(l->r, c->cas.v[(from + i) % n]);
		bool closed = paused->ca && !paused->changed && !l->r->o->only &&
			      !strcmp(paused->ca, c->cas.v[(from + i) % n]);
		if (q && (n == 1 || (!closed && may_try(l, q, row, live))))
			return q;
	}
	return renew_queue(l->r, c->cas.v[from]);
}

void renew_enqueue(struct queue *q, const struct due *d)
{
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->due = xreallocarray(q->due, q->cap, sizeof(*q->due));
	}
	q->due[q->n++] = *d;
}

static void enqueue(const struct look *l, const struct config_cert *c, const struct store_cert *row, bool live,
	const struct paused *paused)
{
	struct renew *r = l->r;
	struct queue *q = choose(l, c, row, live, paused);
	if (!q)
		return;
	struct due d = {
		.cert = c,
		.urgency = live ? row->not_after : l->now + NEW_URGENCY,
		.placed = l->placed[c - r->site->config->certs],
		.replacing = row && schedule_replaces(row, q->ca->conf->name, &c->names),
		.fallback = strcmp(q->ca->conf->name, c->cas.v[0]) != 0,
	};
	renew_enqueue(q, &d);
}

static void plan_one(const struct look *l, const struct config_cert *c, const struct store_cert *row)
{
	struct renew *r = l->r;
	bool live = row && row->generation && r->ops->live(r->site, c->name);
	struct err ignored = {0};
	struct schedule_facts facts = {
		.row = row,
		.live = live,
		.in_work = l->in_work[c - r->site->config->certs],
		.ignore_wait = r->o->only || r->o->force_renewal,
	};
	AUTO(paused_done) struct paused paused = {0};
	if (row && row->failures)
		(void)paused_get(r->site->store, c, &paused, &ignored);
	err_done(&ignored);
	facts.ignore_wait |= paused.changed;
	enum schedule_verdict v = schedule_due(c, &facts, l->now);
	if (v == SCHEDULE_NOT_DUE && r->o->force_renewal)
		v = SCHEDULE_EXPIRING;
	r->sum.looked++;
	if (row && v == SCHEDULE_WAITING) {
		r->sum.waiting++;
		renew_note_next(r, row->next_at);
	} else if (row && v == SCHEDULE_NOT_DUE) {
		renew_note_next(r, schedule_due_at(row));
		renew_note_next(r, row->ari_id[0] ? row->window.ask_at : 0);
	} else {
		r->sum.due++;
		enqueue(l, c, row, live, &paused);
	}
	if (r->hooks->planned)
		r->hooks->planned(c, row, v, r->ctx);
}

static int look_at_order(const struct store_order *o, void *ctx, struct err *e)
{
	const struct look *l = ctx;
	const struct config *conf = l->r->site->config;
	const struct config_cert *c = config_find_cert(conf, o->cert);
	(void)e;
	if (!c)
		return 0;
	l->in_work[c - conf->certs] = true;
	l->placed[c - conf->certs] = o->state != STORE_ORDER_NEW;
	return 0;
}

static int look_at_row(const struct store_cert *row, void *ctx, struct err *e)
{
	const struct look *l = ctx;
	const struct config *conf = l->r->site->config;
	const struct config_cert *c = config_find_cert(conf, row->name);
	(void)e;
	if (!c || !selected(l->r, c))
		return 0;
	l->seen[c - conf->certs] = true;
	plan_one(l, c, row);
	return 0;
}

/* Equals stay in the order of the configuration. */
static int by_urgency(const void *a, const void *b)
{
	const struct due *x = a, *y = b;
	if (x->urgency != y->urgency)
		return x->urgency < y->urgency ? -1 : 1;
	return (x->cert > y->cert) - (x->cert < y->cert);
}

static int look_at_all(struct look *l, struct err *e)
{
	struct renew *r = l->r;
	const struct config *conf = r->site->config;
	if (r->site->store && (store_order_each(r->site->store, look_at_order, l, e) ||
				      store_cert_each(r->site->store, look_at_row, l, e)))
		return -1;
	for (size_t i = 0; i < conf->n_certs; i++)
		if (!l->seen[i] && selected(r, &conf->certs[i]))
			plan_one(l, &conf->certs[i], NULL);
	return 0;
}

/* UNIX seconds of the turn of the last of n orders. */
static int64_t last_turn(struct budget b, size_t n, int64_t now_ms, size_t *ret_at_once)
{
	int64_t at = now_ms;
	*ret_at_once = 0;
	for (size_t i = 0; i < n; i++) {
		while (!budget_take(&b, at, &at))
			;
		*ret_at_once += at == now_ms;
	}
	return at == now_ms ? 0 : (at + 999) / 1000;
}

static void forecast(const struct renew *r, const struct queue *q, int64_t now_ms)
{
	const struct budget *b = &q->limits.of[LIMITS_NEW];
	struct renew_forecast f = {.ca = q->ca->conf->name, .due = q->n, .burst = b->burst, .every_ms = b->every_ms};
	const struct config_ca *conf = q->ca->conf;
	int64_t learnt = limits_requests(&q->limits, now_ms / 1000);
	f.requests_per_second =
		learnt && (!conf->limit_requests || learnt < conf->limit_requests) ? learnt : conf->limit_requests;
	for (size_t i = 0; i < q->n; i++) {
		const struct due *d = &q->due[i];
		f.requests += REQUESTS_ORDER + REQUESTS_NAME * (int64_t)d->cert->names.n;
		bool counts = !d->replacing || q->limits.of[LIMITS_REPLACING].burst;
		f.counted += !d->placed && counts;
		f.exempt += !d->placed && !counts;
	}
	size_t ignored;
	struct budget higher = *b;
	higher.burst *= 10;
	higher.every_ms /= 10;
	f.last_at = last_turn(*b, f.counted, now_ms, &f.at_once);
	f.override_at = last_turn(higher, f.counted, now_ms, &ignored);
	r->hooks->forecast(&f, r->ctx);
}

int renew_plan(struct renew *r, struct err *e)
{
	const struct config *conf = r->site->config;
	AUTO(xfreep) bool *seen = xcalloc(conf->n_certs, sizeof(*seen));
	AUTO(xfreep) bool *in_work = xcalloc(conf->n_certs, sizeof(*in_work));
	AUTO(xfreep) bool *placed = xcalloc(conf->n_certs, sizeof(*placed));
	struct look l = {
		.r = r, .now = clk_wall(r->site->clk) / 1000, .seen = seen, .in_work = in_work, .placed = placed};
	for (size_t i = 0; i < conf->n_cas; i++) {
		struct limits *lim = &r->queues[i].limits;
		if (limits_read(r->site->store, r->queues[i].ca->conf, lim, e))
			return -1;
		for (size_t k = 0; k < LIMITS_N_; k++)
			lim->changed |= budget_mend(&lim->of[k], l.now * 1000);
	}
	if (look_at_all(&l, e))
		return -1;
	for (size_t i = 0; i < conf->n_cas; i++)
		if (r->queues[i].n)
			qsort(r->queues[i].due, r->queues[i].n, sizeof(struct due), by_urgency);
	for (size_t i = 0; r->hooks->forecast && i < conf->n_cas; i++)
		if (r->queues[i].n)
			forecast(r, &r->queues[i], l.now * 1000);
	return 0;
}

int renew_check_selection(const struct site *s, const struct strv *only, struct err *e)
{
	for (size_t i = 0; only && i < only->n; i++)
		if (!config_find_cert(s->config, only->v[i])) {
			err_set(e, ERR_USAGE, "there is no certificate \"%s\" in %s", only->v[i], s->config->path);
			err_hint(e, "\"perdure status\" lists them");
			return -1;
		}
	return 0;
}
