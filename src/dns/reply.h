/* reply.h: what an answer means for the question that was asked. */
#ifndef PERDURE_DNS_REPLY_H
#define PERDURE_DNS_REPLY_H

#include <stdint.h>

struct message;

enum reply_kind {
	REPLY_FOUND, /* the RRset */
	REPLY_ALIAS, /* a CNAME: target */
	REPLY_NODATA,
	REPLY_NXDOMAIN,
	REPLY_REFERRAL, /* to a zone below the one asked: zone */
	REPLY_BAD, /* of no use: text says why */
};

struct reply {
	enum reply_kind kind;
	const char *target; /* borrowed from the message */
	const char *zone; /* borrowed; the SOA's or the NS records' owner where there is one, else NULL */
	uint32_t ttl; /* the least of the RRset; of the SOA in negative answers */
	char text[160]; /* for BAD */
};

/* Reads the answer of a server that was asked, as one of those of zone, for name and type (RFC 1034 section 4.3.2). */
void reply_read(const struct message *m, const char *name, uint16_t type, const char *zone, struct reply *ret);
/* The same for a resolver, which has followed the CNAMEs: name may stand at any place of the chain in the answer. */
void reply_read_resolver(const struct message *m, const char *name, uint16_t type, struct reply *ret);

#endif
