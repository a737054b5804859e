/* written.c: what this installation has ever written. */
#include "inventory/written.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "inventory/journal.h"
#include "provider/rdata.h"

struct value {
	enum provider_type type;
	char *owner;
	char *data;
	size_t run; /* index of the run's id */
};
struct written {
	struct strv runs; /* in order of time */
	struct value *v; /* sorted by owner and type, later runs first */
	size_t n;
	size_t cap;
};

void written_free(struct written *w)
{
	for (size_t i = 0; w && i < w->n; i++) {
		free(w->v[i].owner);
		free(w->v[i].data);
	}
	if (w) {
		free(w->v);
		strv_done(&w->runs);
	}
	free(w);
}

void written_freep(struct written **w)
{
	written_free(*w);
}

static int by_rrset(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	int r = strcmp(x->owner, y->owner);
	if (!r)
		r = (int)x->type - (int)y->type;
	return r ? r : x->run < y->run ? 1 : x->run > y->run ? -1 : 0;
}

/* A run that was killed may have written what it meant to; one that failed has not. */
static void take(struct written *w, const struct journal_change *c)
{
	if (!strcmp(c->outcome, "failed"))
		return;
	for (size_t i = 0; i < c->add.n; i++) {
		if (w->n == w->cap) {
			w->cap = w->cap ? w->cap * 2 : 64;
			w->v = xreallocarray(w->v, w->cap, sizeof(*w->v));
		}
		w->v[w->n++] = (struct value){.type = c->type,
			.owner = xstrdup(c->owner),
			.data = xstrdup(c->add.v[i]),
			.run = w->runs.n - 1};
	}
}

int written_read(const char *state_dir, struct written **ret, struct err *e)
{
	AUTO(strv_done) struct strv ids = {0};
	AUTO(written_freep) struct written *w = xcalloc(1, sizeof(*w));
	if (journal_list(state_dir, &ids, e))
		return -1;
	for (size_t i = 0; i < ids.n; i++) {
		struct journal_change *changes;
		size_t n;
		if (journal_read(state_dir, ids.v[i], &changes, &n, e))
			return -1;
		strv_add(&w->runs, ids.v[i]);
		for (size_t k = 0; k < n; k++)
			take(w, &changes[k]);
		journal_changes_free(changes, n);
	}
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_rrset);
	*ret = TAKE(w);
	return 0;
}

/* The first value of the RRset, or n. */
static size_t first_of(const struct written *w, enum provider_type type, const char *owner)
{
	size_t from = 0, to = w->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int r = strcmp(w->v[mid].owner, owner);
		if (r < 0 || (!r && w->v[mid].type < type))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool is(const struct value *v, enum provider_type type, const char *owner)
{
	return v->type == type && !strcmp(v->owner, owner);
}

const char *written_by(const struct written *w, enum provider_type type, const char *owner, const char *data)
{
	for (size_t i = w ? first_of(w, type, owner) : 0; w && i < w->n && is(&w->v[i], type, owner); i++)
		if (rdata_same(type, w->v[i].data, data))
			return w->runs.v[w->v[i].run];
	return NULL;
}

void written_values(const struct written *w, enum provider_type type, const char *owner,
	void (*fn)(const char *data, void *ctx), void *ctx)
{
	for (size_t i = w ? first_of(w, type, owner) : 0; w && i < w->n && is(&w->v[i], type, owner); i++)
		fn(w->v[i].data, ctx);
}

void written_each(const struct written *w, void (*fn)(enum provider_type type, const char *owner, void *ctx), void *ctx)
{
	for (size_t i = 0; i < w->n; i++)
		if (!i || !is(&w->v[i - 1], w->v[i].type, w->v[i].owner))
			fn(w->v[i].type, w->v[i].owner, ctx);
}
