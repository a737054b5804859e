/*
 * oldproof.h: what dns-01 has left at a domain: values at _acme-challenge, and the CNAME that stands or should stand
 * there. Pure: it reads an observation with OBSERVE_DELEGATION.
 */
#ifndef PERDURE_MIGRATE_OLDPROOF_H
#define PERDURE_MIGRATE_OLDPROOF_H

#include <stddef.h>

#include "base/strv.h"

struct err;
struct observation;

struct oldproof {
	char *owner; /* _acme-challenge.FQDN */
	struct strv values; /* TXT there that only dns-01 writes: the SHA-256 of a key authorization (RFC 8555
			       section 8.4) */
	size_t others; /* TXT there that are something else */
	char *target; /* where the CNAME there leads; NULL when there is none */
};
/* ret needs oldproof_done(). What no server could tell is not there. */
void oldproof_read(const struct observation *o, struct oldproof *ret);
void oldproof_done(struct oldproof *p);

/* Whether every authoritative server that answers has the CNAME to target, and one does. ERR_DNS says who has what. */
int oldproof_leads_to(const struct observation *o, const char *target, struct err *e);

#endif
