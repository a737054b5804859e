/* observerun.c: many names observed, a bounded number at a time. */
#include <stdlib.h>

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
		s->query = observe_start(r->observer, fqdn, what, known, s);
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
