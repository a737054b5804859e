/* transfer.h: a whole zone from one of its servers (AXFR, RFC 5936), signed with TSIG where a key is given. */
#ifndef PERDURE_DNS_TRANSFER_H
#define PERDURE_DNS_TRANSFER_H

#include <stdint.h>

#include "dns/rr.h"

struct addr;
struct err;
struct loop;
struct tsig_key;

/* Called for each record, the SOA first and only once; owner is as in name.h; both are borrowed during the call. */
typedef void (*transfer_fn)(void *ctx, const char *owner, const struct dns_rr *rr);

/*
 * Fetches the zone (lower case, no dot at the end) from the server, running the loop until it is here. key may be NULL.
 * timeout_ms: to connect, and from message to message; ten minutes for the whole. A zone whose records take more than
 * 256 MiB is refused. Records that were told before an error are part of a zone only. ERR_DNS when the server refuses,
 * ERR_NET, ERR_TIMEOUT, ERR_PROTO, ERR_LIMIT, ERR_SYS, ERR_CANCEL.
 */
int transfer_zone(struct loop *l, const struct addr *server, const struct tsig_key *key, const char *zone,
	int64_t timeout_ms, transfer_fn fn, void *ctx, struct err *e);

#endif
