/*
 * wishes.h: the RRsets that a plan is about: what should stand at each owner name, of whatever kind, and names that are
 * only to be looked at.
 */
#ifndef PERDURE_INVENTORY_WISHES_H
#define PERDURE_INVENTORY_WISHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/plan.h"

struct desired;

/* One value that should stand, or with value NULL nothing but a look. All strings are owned. See struct plan_want. */
struct wish {
	enum provider_type type;
	char *owner; /* lower case, no dot at the end */
	char *fqdn; /* the domain that it is about */
	int64_t ttl;
	enum plan_kind kind;
	char *ca;
	char *value;
	bool wildcard;
	int64_t until;
};
struct wishes {
	struct wish *v;
	size_t n;
	size_t cap;
};
void wishes_done(struct wishes *w);
/* Copies everything; want may be NULL: the RRset is only looked at. */
void wishes_add(struct wishes *w, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl,
	const struct plan_want *want);
/* The validation records. */
void wishes_records(struct wishes *w, const struct desired *d, int64_t ttl);
/* By owner, then type. */
void wishes_sort(struct wishes *w);

#endif
