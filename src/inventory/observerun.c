/* observerun.c: many names observed, a bounded number at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "base/xalloc.h"
#include "inventory/observe.h"
#include "loop/loop.h"

enum {
	IN_WORK = 512, /* names looked at at once; the DNS layer limits what one server gets */
	KEPT = 4096, /* names in work, or known but not told because an earlier one is not known yet */
};

struct slot {
	struct run *run;
	size_t i;
	struct observe_query *query; /* NULL when free */
	struct slot *next_free;
};

/* One name ahead: under way, known, or taken. */
struct early {
	char *fqdn;
	unsigned what;
	struct observe_query *query;
	struct observation *o;
	struct slot *slot; /* that has taken it while it was under way */
};

struct observe_ahead {
	struct early *v;
	size_t n;
};

struct run {
	struct observer *observer;
	struct loop *loop;
	const struct observe_many *m;
	size_t n_started, n_told;
	size_t in_work;
	bool ended; /* there is no further name */
	bool stopped;
	struct slot *free_slots;
	struct observation **kept; /* KEPT, by i modulo KEPT */
	struct slot slots[IN_WORK];
};

static void tell(struct run *r, size_t i, struct observation *o)
{
	r->m->told(r->m->ctx, i, o);
	observation_free(o);
	r->n_told++;
}

static void tell_in_order(struct run *r)
{
	struct observation *o;
	while (r->n_told < r->n_started && (o = TAKE(r->kept[r->n_told % KEPT])))
		tell(r, r->n_told, o);
}

static void fill(struct run *r);

static void known(struct observation *o, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	s->query = NULL;
	s->next_free = r->free_slots;
	r->free_slots = s;
	r->in_work--;
	if (r->m->in_order) {
		r->kept[s->i % KEPT] = o;
		tell_in_order(r);
	} else {
		tell(r, s->i, o);
	}
	fill(r);
}

static void early_known(struct observation *o, void *ctx)
{
	struct early *a = ctx;
	a->query = NULL;
	if (a->slot)
		known(o, TAKE(a->slot));
	else
		a->o = o;
}

struct observe_ahead *observe_ahead_start(struct observer *ob, const struct strv *fqdns, unsigned what)
{
	struct observe_ahead *a = xcalloc(1, sizeof(*a));
	a->n = fqdns->n;
	a->v = xcalloc(a->n, sizeof(*a->v));
	for (size_t i = 0; i < a->n; i++) {
		a->v[i] = (struct early){.fqdn = xstrdup(fqdns->v[i]), .what = what};
		a->v[i].query = observe_start(ob, fqdns->v[i], what, early_known, &a->v[i]);
	}
	return a;
}

void observe_ahead_free(struct observe_ahead *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		observe_cancel(a->v[i].query);
		observation_free(a->v[i].o);
		free(a->v[i].fqdn);
	}
	free(a->v);
	free(a);
}

static struct early *find_early(const struct observe_ahead *a, const char *fqdn, unsigned what)
{
	for (size_t i = 0; a && i < a->n; i++)
		if ((a->v[i].o || a->v[i].query) && a->v[i].what == what && !strcmp(a->v[i].fqdn, fqdn))
			return &a->v[i];
	return NULL;
}

static void begin(struct slot *s, const char *fqdn, unsigned what)
{
	struct run *r = s->run;
	struct early *a = find_early(r->m->ahead, fqdn, what);
	if (a && a->query)
		a->slot = s;
	else if (a)
		known(TAKE(a->o), s);
	else
		s->query = observe_start(r->observer, fqdn, what, known, s);
}

static void fill(struct run *r)
{
	while (r->free_slots && !r->ended && r->n_started - r->n_told < KEPT) {
		const char *fqdn;
		unsigned what;
		if (!r->m->next(r->m->ctx, &fqdn, &what)) {
			r->ended = true;
			break;
		}
		struct slot *s = r->free_slots;
		r->free_slots = s->next_free;
		s->i = r->n_started++;
		r->in_work++;
		begin(s, fqdn, what);
	}
	if (!r->in_work)
		loop_stop(r->loop);
}

static void on_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->loop);
}

int observe_run(struct observer *ob, struct loop *l, const struct observe_many *m, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	r->observer = ob;
	r->loop = l;
	r->m = m;
	r->kept = m->in_order ? xcalloc(KEPT, sizeof(struct observation *)) : NULL;
	for (size_t i = IN_WORK; i-- > 0;) {
		r->slots[i].run = r;
		r->slots[i].next_free = r->free_slots;
		r->free_slots = &r->slots[i];
	}
	loop_on_stop_signal(l, on_signal, r);
	fill(r);
	int result = loop_run(l, e);
	for (size_t i = 0; i < IN_WORK; i++)
		observe_cancel(r->slots[i].query);
	for (size_t i = 0; r->kept && i < KEPT; i++)
		observation_free(r->kept[i]);
	if (!result && r->stopped)
		result = err_set(e, ERR_CANCEL, "stopped after %zu names", r->n_told);
	free(r->kept);
	free(r);
	return result;
}
