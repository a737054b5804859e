/* caacache.c: one question for CAA per name, for all who wait for it. */
#include "inventory/caacache.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "dns/map.h"
#include "dns/view.h"
#include "inventory/observe_priv.h"

enum { KEPT = 8192 }; /* names; beyond it all that are answered are forgotten */

/* A name in the cache. */
struct entry {
	struct observed_caa *caa;
	struct dns_query *query; /* NULL once answered */
	LIST_HEAD(, caacache_wait) waiting;
};

struct caacache {
	struct dns *dns;
	struct map names;
};

struct caacache *caacache_new(struct dns *d)
{
	struct caacache *c = xcalloc(1, sizeof(*c));
	c->dns = d;
	return c;
}

static void entry_free(struct entry *n)
{
	if (n->query)
		dns_view_cancel(n->query);
	observed_caa_unref(n->caa);
	free(n);
}

static bool drop_all(void *value, void *ctx)
{
	(void)ctx;
	entry_free(value);
	return true;
}

static bool drop_answered(void *value, void *ctx)
{
	struct entry *n = value;
	(void)ctx;
	if (n->query)
		return false;
	entry_free(n);
	return true;
}

void caacache_free(struct caacache *c)
{
	if (!c)
		return;
	map_sweep(&c->names, drop_all, NULL);
	map_done(&c->names);
	free(c);
}

void observed_caa_unref(struct observed_caa *caa)
{
	if (!caa || --caa->refs)
		return;
	observed_done(&caa->at);
	free(caa->name);
	free(caa);
}

static struct observed_caa *ref(struct observed_caa *caa)
{
	caa->refs++;
	return caa;
}

static void have(struct dns_view *v, const struct err *e, void *ctx)
{
	struct entry *n = ctx;
	n->query = NULL;
	observed_take(&n->caa->at, v, e);
	/* The entry may go with whoever is called; the answer stays until all are told. */
	struct observed_caa *caa = ref(n->caa);
	for (struct caacache_wait *w; (w = LIST_FIRST(&n->waiting));) {
		LIST_REMOVE(w, link);
		bool last = LIST_EMPTY(&n->waiting);
		w->fn(ref(caa), w->ctx);
		if (last)
			break;
	}
	observed_caa_unref(caa);
}

struct observed_caa *caacache_get(struct caacache *c, const char *name, struct caacache_wait *w)
{
	struct entry *n = map_get(&c->names, name);
	if (n && !n->query)
		return ref(n->caa);
	if (!n) {
		if (c->names.n >= KEPT)
			map_sweep(&c->names, drop_answered, NULL);
		n = xcalloc(1, sizeof(*n));
		n->caa = xcalloc(1, sizeof(*n->caa));
		*n->caa = (struct observed_caa){.refs = 1, .name = xstrdup(name)};
		n->query = dns_view_rrset(c->dns, name, DNS_TYPE_CAA, 0, have, n);
		map_put(&c->names, name, n);
	}
	LIST_INSERT_HEAD(&n->waiting, w, link);
	return NULL;
}

void caacache_cancel(struct caacache_wait *w)
{
	LIST_REMOVE(w, link);
}
