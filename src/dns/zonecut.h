/*
 * zonecut.h: the zone a name belongs to and the servers of that zone: from a stub zone when one holds the name, else by
 * walking from the root along the delegations.
 */
#ifndef PERDURE_DNS_ZONECUT_H
#define PERDURE_DNS_ZONECUT_H

#include <stdbool.h>

struct dns;
struct err;
struct zone;
struct absence;
struct zonecut;

struct zonecut_result {
	struct zone *zone; /* borrowed */
	const struct absence *nxdomain; /* borrowed; a server high up says that there is no such name; else NULL */
};

/* r is NULL when the zone's servers cannot be found; *e (borrowed) says why: ERR_DNS, ERR_TIMEOUT, ERR_LIMIT. */
typedef void (*zonecut_fn)(const struct zonecut_result *r, const struct err *e, void *ctx);

/*
 * *slot holds the search until fn is called, then it is NULL; fn may be called from inside this call. past_stub: the
 * stub zone's servers are asked for delegations, too, instead of being the answer.
 */
void zonecut_start(struct dns *d, const char *name, bool past_stub, zonecut_fn fn, void *ctx, struct zonecut **slot);
/* Ends it without a callback; *slot may be NULL. */
void zonecut_cancel(struct zonecut **slot);

#endif
