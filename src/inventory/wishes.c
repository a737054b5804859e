/* wishes.c: the RRsets that a plan is about. */
#include "inventory/wishes.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "inventory/desired.h"

void wishes_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->v[i].owner);
		free(w->v[i].fqdn);
		free(w->v[i].ca);
		free(w->v[i].value);
	}
	free(w->v);
	*w = (struct wishes){0};
}

void wishes_add(struct wishes *w, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl,
	const struct plan_want *want)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->v = xreallocarray(w->v, w->cap, sizeof(*w->v));
	}
	struct wish *to = &w->v[w->n++];
	*to = (struct wish){.type = type, .owner = xstrdup(owner), .fqdn = xstrdup(fqdn), .ttl = ttl};
	if (!want)
		return;
	to->kind = want->kind;
	to->ca = xstrdup(want->ca);
	to->value = xstrdup(want->value);
	to->wildcard = want->wildcard;
	to->until = want->until;
}

void wishes_records(struct wishes *w, const struct desired *d, int64_t ttl)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct desired_record *r = &d->v[i];
		struct plan_want want = {.kind = PLAN_RECORD,
			.ca = r->ca,
			.value = r->value,
			.wildcard = r->wildcard,
			.until = r->until};
		wishes_add(w, PROVIDER_TXT, r->owner, r->fqdn, ttl, &want);
	}
}

static int by_rrset(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	int r = strcmp(x->owner, y->owner);
	if (!r)
		r = (int)x->type - (int)y->type;
	if (!r && x->value && y->value)
		r = strcmp(x->value, y->value);
	return r;
}

void wishes_sort(struct wishes *w)
{
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_rrset);
}
