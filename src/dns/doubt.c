/* doubt.c: whether the keys that a validation needs can be had at all. */
#include "dns/doubt.h"

#include <stdlib.h>

#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "dns/view.h"

enum { LABELS_MAX = 128 };

struct key_look {
	struct doubt *doubt;
	const char *name; /* points into the doubt's owner */
	struct dns_query *query; /* NULL when not under way */
};

struct doubt {
	char *owner;
	struct key_look looks[LABELS_MAX];
	size_t n, pending;
	const char *unreached; /* the highest of them, whose keys all below it need */
	doubt_fn done;
	void *ctx;
};

static void release(struct doubt *q)
{
	free(q->owner);
	free(q);
}

static bool reached(const struct dns_view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		enum dns_health h = v->answers[i].health;
		if (h != DNS_UNREACHABLE && h != DNS_SILENT && h != DNS_NO_IPV6 && h != DNS_ADDRESSLESS)
			return true;
	}
	return false;
}

static void have_keys(struct dns_view *v, const struct err *e, void *ctx)
{
	struct key_look *l = ctx;
	struct doubt *q = l->doubt;
	(void)e;
	l->query = NULL;
	if (!reached(v) && (!q->unreached || name_labels(l->name) < name_labels(q->unreached)))
		q->unreached = l->name;
	dns_view_free(v);
	if (--q->pending)
		return;
	q->done(q->unreached, q->ctx);
	release(q);
}

static bool trusted(const char *name, const struct strv *anchors)
{
	for (size_t i = 0; i < anchors->n; i++)
		if (name_within(name, anchors->v[i]))
			return true;
	return false;
}

struct doubt *doubt_start(struct dns *d, const char *owner, const struct strv *anchors, doubt_fn done, void *ctx)
{
	struct doubt *q = xcalloc(1, sizeof(*q));
	q->owner = xstrdup(owner);
	q->done = done;
	q->ctx = ctx;
	for (const char *p = *q->owner ? name_parent(q->owner) : q->owner; p && q->n < LABELS_MAX; p = name_parent(p)) {
		struct key_look *l = &q->looks[q->n];
		if (!trusted(p, anchors))
			break;
		*l = (struct key_look){.doubt = q, .name = p};
		l->query = dns_view_rrset(d, p, DNS_TYPE_DNSKEY, DNS_VIEW_NOFOLLOW, have_keys, l);
		q->n++;
		q->pending++;
	}
	if (q->n)
		return q;
	release(q);
	return NULL;
}

void doubt_cancel(struct doubt *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n; i++)
		if (q->looks[i].query)
			dns_view_cancel(q->looks[i].query);
	release(q);
}
