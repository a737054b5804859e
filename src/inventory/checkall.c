/* checkall.c: the record check over many names. */
#include "inventory/checkall.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "inventory/site.h"
#include "loop/loop.h"

enum { WINDOW = 512 }; /* names in work at once; the DNS layer limits what one server gets */

struct slot {
	struct run *run;
	size_t item;
	struct recordcheck_query *query; /* NULL when free */
};

struct run {
	struct site *site;
	struct checkall_item *items;
	size_t n, next, told_n;
	size_t in_flight;
	bool stopped;
	void (*told)(const struct checkall_item *i, void *ctx);
	void *ctx;
	struct slot slots[WINDOW];
};

static void fill(struct run *r);

static void tell(struct run *r)
{
	for (; r->told_n < r->n && r->items[r->told_n].result; r->told_n++) {
		struct checkall_item *i = &r->items[r->told_n];
		if (r->told)
			r->told(i, r->ctx);
		recordcheck_free(i->result);
		i->result = NULL;
	}
}

static void checked(struct recordcheck *c, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	r->items[s->item].result = c;
	s->query = NULL;
	r->in_flight--;
	tell(r);
	fill(r);
}

static void fill(struct run *r)
{
	for (size_t i = 0; i < WINDOW && r->next < r->n; i++) {
		struct slot *s = &r->slots[i];
		if (s->query)
			continue;
		*s = (struct slot){.run = r, .item = r->next++};
		r->in_flight++;
		s->query = recordcheck_start(r->site->dns, NULL, &r->items[s->item].q, checked, s);
	}
	if (!r->in_flight)
		loop_stop(r->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->site->loop);
}

int checkall_run(struct site *s, struct checkall_item *items, size_t n,
	void (*told)(const struct checkall_item *i, void *ctx), void *ctx, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	*r = (struct run){.site = s, .items = items, .n = n, .told = told, .ctx = ctx};
	loop_on_stop_signal(s->loop, stop_signal, r);
	fill(r);
	int result = n ? loop_run(s->loop, e) : 0;
	for (size_t i = 0; i < WINDOW; i++)
		recordcheck_cancel(r->slots[i].query);
	for (size_t i = 0; i < n; i++) {
		recordcheck_free(items[i].result);
		items[i].result = NULL;
	}
	if (!result && r->stopped)
		result = err_set(e, ERR_CANCEL, "stopped after %zu of %zu names", r->told_n, n);
	free(r);
	return result;
}
