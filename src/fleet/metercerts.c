/* metercerts.c: certificates as numbers. */
#include "fleet/metercerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/held.h"
#include "fleet/recorduntil.h"
#include "fleet/schedule.h"
#include "inventory/site.h"
#include "inventory/tell.h"

enum state { MISSING, EXPIRED, FAILING, DUE, VALID, STATE_N_ };
static const char *const states[] = {
	[MISSING] = "missing", [EXPIRED] = "expired", [FAILING] = "failing", [DUE] = "due", [VALID] = "valid"};

/* Days; the last is for all. */
static const int64_t spans[] = {1, 3, 7, 14, 30, 60, 90};

/* What there is to show of one certificate. */
struct seen {
	const struct config_cert *cert;
	const char *ca; /* in the configuration; "" for one that is not there any more */
	enum state state;
	int64_t not_before, not_after, renew_at, next_at, failures, ari_start, ari_end;
};

struct collect {
	struct site *s;
	int64_t now;
	struct seen *v; /* one for each certificate of the configuration */
};

static const char *ca_name(const struct site *s, const char *name)
{
	const struct config_ca *ca = config_find_ca(s->config, name);
	return ca ? ca->name : "";
}

static enum state state_of(const struct seen *c, int64_t now)
{
	if (!c->not_after)
		return MISSING;
	if (c->not_after <= now)
		return EXPIRED;
	if (c->failures)
		return FAILING;
	return c->renew_at <= now ? DUE : VALID;
}

static int look(const struct store_cert *row, void *ctx, struct err *e)
{
	const struct collect *k = ctx;
	const struct config *conf = k->s->config;
	const struct config_cert *cert = config_find_cert(conf, row->name);
	(void)e;
	if (!cert)
		return 0;
	struct seen *c = &k->v[cert - conf->certs];
	*c = (struct seen){
		.cert = cert, .ca = ca_name(k->s, row->ca), .next_at = row->next_at, .failures = row->failures};
	if (row->generation) {
		c->not_before = row->not_before;
		c->not_after = row->not_after;
		c->renew_at = schedule_due_at(row);
		c->ari_start = row->window.start;
		c->ari_end = row->window.end;
	}
	c->state = state_of(c, k->now);
	return 0;
}

/* --- all of them --- */

static void count(struct metrics *m, const struct seen *v, size_t n, int64_t now)
{
	char within[16];
	for (size_t i = 0; i < STATE_N_; i++)
		metrics_set(m, METRIC_CERTS, METRIC_L(states[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		snprintf(within, sizeof(within), "%dd", (int)spans[i]);
		metrics_set(m, METRIC_CERTS_LEFT, METRIC_L(within), 0);
	}
	metrics_set(m, METRIC_CERTS_LEFT, METRIC_L("+Inf"), 0);
	for (size_t i = 0; i < n; i++) {
		metrics_add(m, METRIC_CERTS, METRIC_L(states[v[i].state]), 1);
		for (size_t k = 0; v[i].not_after && k < ARRAY_LEN(spans); k++) {
			snprintf(within, sizeof(within), "%dd", (int)spans[k]);
			if (v[i].not_after <= now + spans[k] * 86400)
				metrics_add(m, METRIC_CERTS_LEFT, METRIC_L(within), 1);
		}
		if (v[i].not_after)
			metrics_add(m, METRIC_CERTS_LEFT, METRIC_L("+Inf"), 1);
	}
}

static void note_first(struct metrics *m, const struct seen *v, size_t n)
{
	metrics_clear(m, METRIC_NOT_AFTER_MIN);
	for (size_t i = 0; i < n; i++) {
		if (!v[i].not_after)
			continue;
		double known = metrics_get(m, METRIC_NOT_AFTER_MIN, METRIC_L(v[i].ca));
		if (known == 0 || (double)v[i].not_after < known)
			metrics_set(m, METRIC_NOT_AFTER_MIN, METRIC_L(v[i].ca), (double)v[i].not_after);
	}
}

/* --- the first of them --- */

static int by_need(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	if (!x->failures != !y->failures)
		return !x->failures - !y->failures;
	if (x->renew_at != y->renew_at)
		return x->renew_at < y->renew_at ? -1 : 1;
	return strcmp(x->cert->name, y->cert->name);
}

static void set(struct metrics *m, enum metric id, const struct seen *c, int64_t v)
{
	if (v)
		metrics_set(m, id, METRIC_L(c->cert->name), (double)v);
}

static void show(const struct site *s, struct metrics *m, const struct seen *c)
{
	AUTO(xfreep) char *held = NULL;
	struct err ignored = {0};
	int64_t until = 0;
	if (recorduntil_get(s->store, c->cert, &until, &ignored) ||
		(c->failures && held_get(s->store, c->cert, &held, &ignored)))
		err_done(&ignored);
	const char *ca = held ? held : *c->ca ? c->ca : c->cert->cas.v[0];
	metrics_set(m, METRIC_RECORD_HELD, METRIC_L(c->cert->name, ca), held != NULL);
	if (c->not_after) {
		metrics_set(m, METRIC_NOT_AFTER, METRIC_L(c->cert->name, c->ca), (double)c->not_after);
		metrics_set(m, METRIC_NOT_BEFORE, METRIC_L(c->cert->name, c->ca), (double)c->not_before);
	}
	set(m, METRIC_RENEW_AT, c, c->renew_at);
	set(m, METRIC_NEXT_ATTEMPT, c, c->next_at);
	set(m, METRIC_ARI_START, c, c->ari_start);
	set(m, METRIC_ARI_END, c, c->ari_end);
	set(m, METRIC_PERSIST_UNTIL, c, until);
	metrics_set(m, METRIC_FAILURES, METRIC_L(c->cert->name), (double)c->failures);
}

static void show_first(struct site *s, struct seen *v, size_t n)
{
	static const enum metric each[] = {METRIC_NOT_AFTER, METRIC_NOT_BEFORE, METRIC_RENEW_AT, METRIC_NEXT_ATTEMPT,
		METRIC_FAILURES, METRIC_ARI_START, METRIC_ARI_END, METRIC_PERSIST_UNTIL, METRIC_RECORD_HELD};
	struct metrics *m = tell_metrics(s);
	size_t max = (size_t)s->config->metrics.certificates_max;
	for (size_t i = 0; i < ARRAY_LEN(each); i++)
		metrics_clear(m, each[i]);
	if (n > max)
		qsort(v, n, sizeof(*v), by_need);
	for (size_t i = 0; i < n && i < max; i++)
		show(s, m, &v[i]);
	metrics_set(m, METRIC_CERT_SHOWN, METRIC_NO_L, (double)(n < max ? n : max));
}

int metercerts_collect(struct site *s, struct err *e)
{
	size_t n = s->config->n_certs;
	AUTO(xfreep) struct seen *v = xcalloc(n, sizeof(*v));
	struct collect k = {.s = s, .now = clk_wall(s->clk) / 1000, .v = v};
	for (size_t i = 0; i < n; i++)
		v[i] = (struct seen){.cert = &s->config->certs[i], .ca = "", .state = MISSING};
	if (s->store && store_cert_each(s->store, look, &k, e))
		return -1;
	count(tell_metrics(s), v, n, k.now);
	note_first(tell_metrics(s), v, n);
	show_first(s, v, n);
	return 0;
}
