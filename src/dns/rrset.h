/*
 * rrset.h: one RRset as a resolver hands it out: the records at the end of the CNAME chain, and the chain itself.
 */
#ifndef PERDURE_DNS_RRSET_H
#define PERDURE_DNS_RRSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "dns/rr.h"

struct message;

struct dns_rrset {
	char *owner; /* the name that was asked for */
	uint16_t type;
	struct strv chain; /* CNAME targets followed inside the answer, in order; the last one owns the records */
	struct dns_rr *rr; /* in the order of dns_rr_cmp(), each once */
	size_t n_rr;
	struct dns_txt *txt; /* for type TXT: what rr holds, in the same order */
	size_t n_txt;
	uint32_t ttl; /* the least on the way, the chain's records included; without records that of their absence */
	void *store_; /* what rr and txt point into */
};

/* Takes it out of a resolver's answer. A circle of CNAMEs ends the chain. ret needs rrset_done(). */
void rrset_take(const struct message *m, const char *owner, uint16_t type, struct dns_rrset *ret);
/* An RRset of which nothing is known. */
void rrset_none(const char *owner, uint16_t type, struct dns_rrset *ret);
void rrset_done(struct dns_rrset *s);

#endif
