/* checkall.c: names grouped, so that each is looked at once. */
#include "inventory/checkall.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "inventory/observe.h"
#include "inventory/site.h"

/* The items of one name: n of them from first on, as numbers in `order`. */
struct group {
	size_t first, n;
};

struct run {
	const struct checkall *c;
	size_t *order; /* numbers of items, by name, then by number */
	struct group *groups; /* in the order of their first items */
	size_t n_groups, next;
};

static int by_name(const void *a, const void *b, void *ctx)
{
	const struct checkall *c = ctx;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int r = strcmp(c->items[i].q.q.name, c->items[k].q.q.name);
	return r ? r : (i > k) - (i < k);
}

static int by_first(const void *a, const void *b, void *ctx)
{
	const size_t *order = ctx;
	size_t i = order[((const struct group *)a)->first], k = order[((const struct group *)b)->first];
	return (i > k) - (i < k);
}

static void group(struct run *r)
{
	const struct checkall *c = r->c;
	r->order = xcalloc(c->n, sizeof(*r->order));
	r->groups = xcalloc(c->n, sizeof(*r->groups));
	for (size_t i = 0; i < c->n; i++)
		r->order[i] = i;
	if (c->n)
		qsort_r(r->order, c->n, sizeof(*r->order), by_name, (void *)(uintptr_t)c);
	for (size_t i = 0; i < c->n; i++) {
		const char *name = c->items[r->order[i]].q.q.name;
		if (!i || strcmp(name, c->items[r->order[i - 1]].q.q.name))
			r->groups[r->n_groups++].first = i;
		r->groups[r->n_groups - 1].n++;
	}
	if (r->n_groups)
		qsort_r(r->groups, r->n_groups, sizeof(*r->groups), by_first, r->order);
}

static bool next(void *ctx, const char **ret_fqdn, unsigned *ret_what)
{
	struct run *r = ctx;
	if (r->next == r->n_groups)
		return false;
	*ret_fqdn = r->c->items[r->order[r->groups[r->next++].first]].q.q.name;
	*ret_what = r->c->what | (r->n_groups <= CHECKALL_PROMPT_MAX ? (unsigned)OBSERVE_PROMPT : 0U);
	return true;
}

static void told(void *ctx, size_t i, const struct observation *o)
{
	struct run *r = ctx;
	const struct group *g = &r->groups[i];
	for (size_t k = g->first; k < g->first + g->n; k++) {
		const struct checkall_item *item = &r->c->items[r->order[k]];
		struct explained x;
		explain(&item->q, o, &x);
		r->c->told(item, o, &x, r->c->ctx);
		explained_done(&x);
	}
}

int checkall_run(struct site *s, struct observer *ob, const struct checkall *c, struct err *e)
{
	struct run r = {.c = c};
	group(&r);
	struct observe_many m = {.next = next, .told = told, .ctx = &r, .ahead = c->ahead, .in_order = true};
	int result = observe_run(ob, s->loop, &m, e);
	free(r.order);
	free(r.groups);
	return result;
}
