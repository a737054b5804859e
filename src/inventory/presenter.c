/* presenter.c: who wants which values of dns-01, and since when they are not needed any more. */
#include "inventory/presenter.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/httpanswer.h"
#include "inventory/presenter_priv.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "provider/rdata.h"
#include "state/valuerows.h"

enum {
	GATHER_MS = 3000,
	TIDY_MS = 30000, /* for which removals wait for more of them, while orders need other values */
};

/* --- values and targets --- */

static struct target *target_of(struct presenter *p, const char *owner)
{
	struct target *t;
	LIST_FOREACH(t, &p->targets, link)
	if (!strcmp(t->owner, owner))
		return t;
	const struct config_delegation *d = &p->site->config->delegation;
	t = xcalloc(1, sizeof(*t));
	*t = (struct target){.p = p,
		.owner = xstrdup(owner),
		.ttl = d->txt_ttl,
		.values_max = d->values_max,
		.wait_ms = d->wait_ms,
		.slots = {.fd = -1}};
	LIST_INIT(&t->values);
	LIST_INSERT_HEAD(&p->targets, t, link);
	return t;
}

static struct value *value_of(struct target *t, const char *text, const char *cert)
{
	struct value *v;
	LIST_FOREACH(v, &t->values, link)
	if (!strcmp(v->text, text))
		return v;
	v = xcalloc(1, sizeof(*v));
	*v = (struct value){.text = xstrdup(text), .data = rdata_from_text(text, strlen(text)), .cert = xstrdup(cert)};
	LIST_INSERT_HEAD(&t->values, v, link);
	return v;
}

static void value_free(struct value *v)
{
	LIST_REMOVE(v, link);
	free(v->text);
	free(v->data);
	free(v->cert);
	free(v);
}

static void target_free(struct target *t)
{
	target_stop(t);
	while (!LIST_EMPTY(&t->values))
		value_free(LIST_FIRST(&t->values));
	LIST_REMOVE(t, link);
	free(t->owner);
	free(t);
}

void value_gone(struct target *t, struct value *v)
{
	struct err e = {0};
	if (store_value_delete(t->p->site->store, t->owner, v->text, &e))
		log_warn("%s", e.msg);
	err_done(&e);
	value_free(v);
}

void value_served(struct value *v, const struct err *failed)
{
	struct presenter_request *r = v->request;
	v->request = NULL;
	if (!r)
		return;
	r->missing--;
	if (failed && !err_is(&r->failed))
		err_copy(&r->failed, failed);
	presenter_turn(r->p);
}

/* --- requests --- */

static void request_free(struct presenter_request *r)
{
	TAILQ_REMOVE(&r->p->requests, r, link);
	err_done(&r->failed);
	free(r->cert);
	free(r);
}

/* Nobody waits for its values any more: what is not being written need not be. */
static void forget_request(struct presenter_request *r)
{
	struct target *t;
	LIST_FOREACH(t, &r->p->targets, link)
	{
		struct value *v;
		LIST_FOREACH(v, &t->values, link)
		{
			if (v->request != r)
				continue;
			v->request = NULL;
			if (v->state == VALUE_WANTED && v->way == WAY_NONE)
				v->state = VALUE_STANDING;
		}
	}
}

void presenter_cancel(struct presenter_request *r)
{
	if (!r)
		return;
	struct presenter *p = r->p;
	forget_request(r);
	request_free(r);
	presenter_turn(p);
}

static bool anything_in_use(const struct presenter *p)
{
	const struct target *t;
	const struct value *v;
	LIST_FOREACH(t, &p->targets, link)
	LIST_FOREACH(v, &t->values, link)
	if (v->in_use)
		return true;
	return false;
}

static void tidy(void *ctx)
{
	struct presenter *p = ctx;
	p->waiting = false;
	p->tidying = true;
	presenter_turn(p);
}

static void end_requests(struct presenter *p)
{
	struct presenter_request *next;
	for (struct presenter_request *r = TAILQ_FIRST(&p->requests); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->missing && !err_is(&r->failed))
			continue;
		presenter_ready_fn ready = r->ready;
		void *ready_ctx = r->ctx;
		struct err e = {0};
		err_move(&e, &r->failed);
		forget_request(r);
		request_free(r);
		ready(err_is(&e) ? &e : NULL, ready_ctx);
		err_done(&e);
		/* Whatever that led to: from the start. */
		next = TAILQ_FIRST(&p->requests);
	}
}

static void take_turn(void *ctx)
{
	struct presenter *p = ctx;
	struct target *t, *after;
	end_requests(p);
	p->holding = !p->tidying && anything_in_use(p);
	p->tidying = false;
	if (!p->holding) {
		loop_timer_stop(p->tidy);
		p->waiting = false;
	}
	for (t = LIST_FIRST(&p->targets); t; t = after) {
		after = LIST_NEXT(t, link);
		if (LIST_EMPTY(&t->values) && !target_busy(t))
			target_free(t);
		else
			target_kick(t);
	}
	if (!presenter_busy(p) && p->hooks && p->hooks->idle)
		p->hooks->idle(p->ctx);
}

bool presenter_holds(struct presenter *p)
{
	if (p->holding && !p->waiting)
		loop_timer_start(p->tidy, TIDY_MS);
	p->waiting |= p->holding;
	return p->holding;
}

void presenter_turn(struct presenter *p)
{
	loop_timer_start(p->turn, 0);
}

static void note_want(
	struct presenter *p, struct presenter_request *r, const char *cert, const struct presenter_value *w)
{
	struct target *t = target_of(p, w->owner);
	t->ttl = w->ttl;
	t->values_max = w->values_max;
	t->wait_ms = w->wait_ms;
	struct value *v = value_of(t, w->text, cert);
	struct store_value row = {.owner = t->owner,
		.text = v->text,
		.cert = v->cert,
		.keep = w->keep,
		.created = clk_wall(p->site->clk) / 1000};
	struct err e = {0};
	v->state = VALUE_WANTED;
	v->keep = w->keep;
	v->in_use = true;
	v->left = false;
	if (v->request != r)
		r->missing++;
	v->request = r;
	if (store_value_put(p->site->store, &row, &e) && !err_is(&r->failed))
		err_move(&r->failed, &e);
	err_done(&e);
}

/* What was written for an earlier order of the certificate. */
static void let_go(struct presenter *p, const char *cert, bool kept)
{
	struct target *t;
	LIST_FOREACH(t, &p->targets, link)
	{
		struct value *v;
		LIST_FOREACH(v, &t->values, link)
		{
			if (strcmp(v->cert, cert) != 0)
				continue;
			v->in_use = false;
			if (!kept)
				v->state = VALUE_DONE;
		}
		/* A batch that waits for room need not wait for its next look. */
		t->go |= t->full && !target_in_use(t);
	}
}

struct presenter_request *presenter_want(struct presenter *p, const char *cert, const struct presenter_value *v,
	size_t n, presenter_ready_fn ready, presenter_step_fn step, void *ctx)
{
	struct presenter_request *r = xcalloc(1, sizeof(*r));
	*r = (struct presenter_request){.p = p, .cert = xstrdup(cert), .ready = ready, .step = step, .ctx = ctx};
	TAILQ_INSERT_TAIL(&p->requests, r, link);
	let_go(p, cert, false);
	for (size_t i = 0; i < n; i++)
		note_want(p, r, cert, &v[i]);
	if (err_is(&r->failed) || !r->missing)
		presenter_turn(p);
	else
		loop_timer_start(p->gather, GATHER_MS);
	return r;
}

static void flush(void *ctx)
{
	presenter_flush(ctx);
}

void presenter_flush(struct presenter *p)
{
	struct target *t;
	loop_timer_stop(p->gather);
	LIST_FOREACH(t, &p->targets, link)
	{
		const struct value *v;
		LIST_FOREACH(v, &t->values, link)
		t->go |= v->state == VALUE_WANTED;
	}
	presenter_turn(p);
}

void presenter_release(struct presenter *p, const char *cert, bool kept)
{
	if (p)
		httpanswers_release(p->http, cert, kept);
	if (!p || LIST_EMPTY(&p->targets))
		return;
	let_go(p, cert, kept);
	presenter_turn(p);
}

void presenter_sweep(struct presenter *p)
{
	p->sweeping = true;
	presenter_flush(p);
}

bool presenter_busy(const struct presenter *p)
{
	const struct target *t;
	if (!TAILQ_EMPTY(&p->requests))
		return true;
	LIST_FOREACH(t, &p->targets, link)
	if (target_busy(t))
		return true;
	return false;
}

struct publisher *presenter_publisher(struct presenter *p)
{
	return p->publisher;
}

struct httpanswers *presenter_http(struct presenter *p)
{
	return p->http;
}

/* --- start and end --- */

static int load(const struct store_value *row, void *ctx, struct err *e)
{
	struct presenter *p = ctx;
	struct store_order o = {0};
	bool in_work = false;
	if (*row->owner == '/') /* a file of http-01 */
		return 0;
	bool configured = config_find_cert(p->site->config, row->cert) != NULL;
	if (configured && store_order_get(p->site->store, row->cert, &o, &in_work, e))
		return -1;
	store_order_done(&o);
	struct value *v = value_of(target_of(p, row->owner), row->text, row->cert);
	/* The CA may still look at what an order in work needs. */
	v->state = in_work ? VALUE_STANDING : VALUE_DONE;
	v->keep = row->keep && configured;
	v->left = true;
	return 0;
}

int presenter_new(struct site *s, const struct presenter_hooks *hooks, void *ctx, struct presenter **ret, struct err *e)
{
	struct presenter *p = xcalloc(1, sizeof(*p));
	*p = (struct presenter){.site = s, .hooks = hooks, .ctx = ctx};
	LIST_INIT(&p->targets);
	TAILQ_INIT(&p->requests);
	p->gather = loop_timer_new(s->loop, flush, p);
	p->turn = loop_timer_new(s->loop, take_turn, p);
	p->tidy = loop_timer_new(s->loop, tidy, p);
	p->publisher = publisher_new(s->loop, s->config);
	if (store_value_each(s->store, load, p, e) || httpanswers_new(s, &p->http, e)) {
		presenter_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void presenter_free(struct presenter *p)
{
	if (!p)
		return;
	while (!LIST_EMPTY(&p->targets))
		target_free(LIST_FIRST(&p->targets));
	while (!TAILQ_EMPTY(&p->requests))
		request_free(TAILQ_FIRST(&p->requests));
	loop_timer_free(p->gather);
	loop_timer_free(p->turn);
	loop_timer_free(p->tidy);
	publisher_free(p->publisher);
	httpanswers_free(p->http);
	p->publisher = NULL;
	p->http = NULL;
	p->gather = NULL;
	p->turn = NULL;
	p->tidy = NULL;
	p->abandoned = true;
	if (!p->pending)
		free(p);
}
