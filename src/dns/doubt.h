/*
 * doubt.h: libunbound calls an answer bogus also when the keys it would need could not be fetched. Before that is
 * believed, the keys on the way are asked for: where no server is reached at all, nobody can tell whether the
 * signatures hold.
 */
#ifndef PERDURE_DNS_DOUBT_H
#define PERDURE_DNS_DOUBT_H

struct dns;
struct strv;

/* Called once on the loop; zone (borrowed) is one of whose keys no server could be asked, NULL when there is none. */
typedef void (*doubt_fn)(const char *zone, void *ctx);
struct doubt;
/*
 * Asks the servers of every name above owner, as far up as one of the trusted zones, for DNSKEY. anchors is borrowed
 * until this returns.
 */
struct doubt *doubt_start(struct dns *d, const char *owner, const struct strv *anchors, doubt_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void doubt_cancel(struct doubt *q);

#endif
