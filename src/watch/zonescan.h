/*
 * zonescan.h: a whole zone at hand, from a file or a transfer: which names in it have validation records or delegations
 * for dns-01, and the facts about them as far as the zone alone tells them.
 */
#ifndef PERDURE_WATCH_ZONESCAN_H
#define PERDURE_WATCH_ZONESCAN_H

#include "watch/facts.h"

struct audit_context;
struct dns_rr;

struct zonescan;
struct zonescan *zonescan_new(void);
void zonescan_free(struct zonescan *z);
void zonescan_freep(struct zonescan **z);

/* Takes a record; owner as in dns/name.h. */
void zonescan_add(struct zonescan *z, const char *owner, const struct dns_rr *rr);
/* Takes a line that cannot be read; gives false when it is not about a validation name or a challenge. */
bool zonescan_add_bad(struct zonescan *z, const char *file, int line, const char *why, const char *text);

/* The zone's name, once its SOA is there; "" before. */
const char *zonescan_apex(const struct zonescan *z);
/*
 * Calls fn with the facts of every name that has something at its validation name or its challenge name, or that
 * certificates need and that is in the zone, in the order of the names. facts_read() is left to fn. Records are taken
 * no more after this.
 */
void zonescan_each(
	struct zonescan *z, const struct audit_context *c, void (*fn)(struct facts *f, void *ctx), void *ctx);

#endif
