/* zonecut_priv.h: what zonecut.c (the walk) and nameservers.c (the addresses of a zone's servers) share. */
#ifndef PERDURE_DNS_ZONECUT_PRIV_H
#define PERDURE_DNS_ZONECUT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dns/ask.h"
#include "dns/zonecut.h"

struct nameservers;
struct lookup;

enum {
	DEPTH_MAX = 5, /* servers whose names are in zones whose servers' names … */
	QUESTIONS_MAX = 300, /* for one search, with all it needs for the names of servers */
	STEPS_MAX = 64, /* of one walk */
};

struct zonecut {
	struct dns *d;
	char *name;
	unsigned total; /* labels of the part of name whose zone is looked for */
	unsigned known; /* so many labels, from the end, are known to be in zone */
	unsigned asked; /* labels of the name under question */
	unsigned nx; /* labels of the shortest name that was said not to exist; 0 for none */
	unsigned steps;
	bool past_stub;
	struct zone *zone;
	struct ask *ask;
	struct nameservers *ns;
	const struct lookup *for_host; /* the host this search is a part of; NULL at the top */
	unsigned depth;
	unsigned *budget; /* of the search at the top */
	unsigned own_budget;
	zonecut_fn fn;
	void *ctx;
	struct zonecut **slot;
};

/* As zonecut_start(), for the zone of a server's name. */
void zonecut_start_for(struct zonecut *parent, const struct lookup *l, const char *name, zonecut_fn fn, void *ctx,
	struct zonecut **slot);
/* Takes one question from the budget; false when it is used up. */
bool zonecut_may_ask(struct zonecut *w);

/* The zone with its servers' addresses found; owned by the callee. */
typedef void (*nameservers_fn)(struct zone *z, uint32_t ttl, void *ctx);
/*
 * Builds the zone from the NS records of name in m, which came from a server of w->zone: its word on addresses counts
 * for names in w->zone. fn may be called from inside.
 */
void nameservers_start(
	struct zonecut *w, const char *name, const struct message *m, nameservers_fn fn, struct nameservers **slot);
void nameservers_cancel(struct nameservers **slot);
/* Whether the host is being looked up already by what l is a part of. */
bool lookup_is_loop(const struct lookup *l, const char *host);

#endif
