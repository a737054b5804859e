/*
 * view.c: the life of a view: in the queue, under way until its deadline, ended, called back. So many at a time that
 * the servers are busy, and no more.
 */
#include "dns/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/view_priv.h"
#include "loop/loop.h"

enum { VIEWS_MAX = 256 }; /* under way at a time; the deadline of the others has not begun */

static void query_free(struct dns_query *q)
{
	more_cancel(q);
	hops_free(q);
	free(q->hops);
	loop_timer_free(q->deadline);
	dns_view_free(q->v);
	if (q->e)
		err_done(q->e);
	free(q->e);
	free(q);
}

struct err *view_error(struct dns_query *q)
{
	if (!q->e)
		q->e = xcalloc(1, sizeof(*q->e));
	return q->e;
}

void view_end(struct dns_query *q)
{
	struct dns *d = q->d;
	if (q->state == VIEW_ENDED)
		return;
	q->v->at = clk_wall(loop_clk(d->loop)) / 1000;
	view_assemble(q);
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
		err_set(view_error(q), ERR_TIMEOUT, "the servers of %s could not be found within %.1f s", last->name,
			secs);
		err_hint(q->e, "check that this host reaches DNS servers on port 53, or set dns.stubs or dns.mode");
	}
	more_cancel(q);
	hops_expire(q);
	view_end(q);
}

/* --- begin --- */

static void begin(struct dns_query *q)
{
	struct dns *d = q->d;
	unsigned silent = 0;
	TAILQ_REMOVE(&d->waiting, q, link);
	TAILQ_INSERT_TAIL(&d->active, q, link);
	d->n_active++;
	q->state = VIEW_ACTIVE;
	q->v = xcalloc(1, sizeof(*q->v));
	q->v->owner = xstrdup(q->owner);
	q->v->type = q->type;
	q->v->zone = xstrdup("");
	q->v->looked = d->mode != DNS_NONE;
	q->hops = xcalloc(DNS_VIEW_HOPS_MAX + 1, sizeof(struct hop *));
	if (!q->v->looked) {
		view_end(q);
		return;
	}
	if (exchanger_blocked(d->exchanger, dns_now(d), &silent)) {
		err_set(view_error(q), ERR_DNS,
			"%s was not looked at: port 53 seems to be blocked on this network (%u servers were asked, and "
			"none has ever answered)",
			q->owner, silent);
		err_hint(q->e,
			"let this host reach DNS servers on port 53 over UDP and TCP, or set dns: {mode: resolver, "
			"resolvers: [ADDRESS]}, or dns: {mode: none} to do without");
		err_retry(q->e, RETRY_LATER, 0);
		view_end(q);
		return;
	}
	q->deadline = loop_timer_new(d->loop, on_deadline, q);
	loop_timer_start(q->deadline, d->deadline_ms);
	hop_begin(q, q->owner);
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
	for (int n = 0; n < VIEWS_MAX && !TAILQ_EMPTY(&d->waiting) && d->n_active < VIEWS_MAX; n++)
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

struct dns_query *dns_view_rrset(
	struct dns *d, const char *owner, uint16_t type, unsigned flags, dns_view_fn done, void *ctx)
{
	size_t n = strlen(owner) + 1;
	struct dns_query *q = xcalloc(1, sizeof(*q) + n);
	memcpy(q->owner, owner, n);
	q->d = d;
	q->type = type;
	q->flags = flags;
	q->done = done;
	q->ctx = ctx;
	TAILQ_INSERT_TAIL(&d->waiting, q, link);
	loop_timer_start(d->turn, 0);
	return q;
}

struct dns_query *dns_view_txt(struct dns *d, const char *owner, dns_view_fn done, void *ctx)
{
	return dns_view_rrset(d, owner, DNS_TYPE_TXT, 0, done, ctx);
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
