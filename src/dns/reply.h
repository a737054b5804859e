/* reply.h: what an answer means for the question that was asked. */
#ifndef PERDURE_DNS_REPLY_H
#define PERDURE_DNS_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/view.h"

struct message;

enum reply_kind {
	REPLY_FOUND, /* the RRset */
	REPLY_ALIAS, /* a CNAME, perhaps made from a DNAME: target */
	REPLY_NODATA,
	REPLY_NXDOMAIN,
	REPLY_REFERRAL, /* to a zone below the one asked: zone */
	REPLY_BAD, /* of no use: text says why */
};

enum { REPLY_UNSIGNED = -1 };

/* What is borrowed is the message's. */
struct reply {
	enum reply_kind kind;
	const char *target; /* for ALIAS: borrowed */
	const char *dname; /* for ALIAS: borrowed; the owner of the DNAME that it comes from, or NULL */
	const char *zone; /* borrowed; the SOA's or the NS records' owner where there is one, else NULL */
	uint32_t ttl; /* the least of the RRset; in negative answers what RFC 2308 section 5 makes of the SOA */
	int labels; /* of the name that was signed (RFC 4034 section 3.1.3), REPLY_UNSIGNED without a signature */
	bool has_soa; /* in negative answers */
	uint32_t soa_ttl;
	struct dns_soa soa;
	enum dns_health health; /* for BAD */
	char text[160]; /* for BAD */
};

/* Reads the answer of a server that was asked, as one of those of zone, for name and type (RFC 1034 section 4.3.2). */
void reply_read(const struct message *m, const char *name, uint16_t type, const char *zone, struct reply *ret);
/* The same for a resolver, which has followed the CNAMEs: name may stand at any place of the chain in the answer. */
void reply_read_resolver(const struct message *m, const char *name, uint16_t type, struct reply *ret);

#endif
