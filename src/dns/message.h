/*
 * message.h: DNS messages (RFC 1035 section 4, EDNS RFC 6891): a query is written, an answer is read into plain owned
 * structures. Every answer is hostile until read to its end.
 */
#ifndef PERDURE_DNS_MESSAGE_H
#define PERDURE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/rr.h"

struct err;

enum {
	MESSAGE_A = DNS_TYPE_A,
	MESSAGE_NS = DNS_TYPE_NS,
	MESSAGE_CNAME = DNS_TYPE_CNAME,
	MESSAGE_SOA = DNS_TYPE_SOA,
	MESSAGE_TXT = DNS_TYPE_TXT,
	MESSAGE_AAAA = DNS_TYPE_AAAA,
	MESSAGE_DNAME = DNS_TYPE_DNAME,
	MESSAGE_OPT = DNS_TYPE_OPT,
};

enum {
	MESSAGE_NOERROR = 0,
	MESSAGE_FORMERR = 1,
	MESSAGE_SERVFAIL = 2,
	MESSAGE_NXDOMAIN = 3,
	MESSAGE_NOTIMP = 4,
	MESSAGE_REFUSED = 5,
	MESSAGE_BADVERS = 16,
};

enum {
	MESSAGE_HEADER = 12,
	MESSAGE_QUERY_MAX = 12 + 255 + 4 + 11, /* header, question, OPT */
	MESSAGE_UDP_SIZE = 1232, /* what we announce: fits every path without fragments */
	MESSAGE_RECORDS_MAX = 4096, /* records of one answer */
};

enum message_section { MESSAGE_ANSWER, MESSAGE_AUTHORITY, MESSAGE_ADDITIONAL };

/* One record of class IN. What it points to belongs to the message. */
struct message_rr {
	char *owner;
	enum message_section section;
	uint16_t type;
	uint32_t ttl;
	char *target; /* NS, CNAME, DNAME: the name; SOA: the primary server; else NULL */
	struct dns_txt txt; /* TXT */
	uint8_t *data; /* A and AAAA: 4 and 16 octets, checked; names of the types above: as in struct dns_rr */
	size_t n_data;
};

struct message {
	uint16_t id;
	uint16_t rcode; /* with the upper bits from EDNS */
	bool aa;
	bool tc;
	bool ra;
	bool ad;
	bool has_question;
	char *qname; /* "" without a question */
	uint16_t qtype;
	struct message_rr *rr; /* OPT and other classes left out */
	size_t n_rr;
	struct message_chunk *chunks;
};

enum message_flag {
	MESSAGE_RD = 1, /* recursion desired */
	MESSAGE_EDNS = 2,
	MESSAGE_DO = 4, /* signatures wanted (RFC 3225); with EDNS */
};

/*
 * Writes a query of class IN for name (text form, see name.h); flags is of enum message_flag.
 * Gives the number of octets. ERR_PARSE for a name that is none.
 */
int message_query(uint8_t out[static MESSAGE_QUERY_MAX], const char *name, uint16_t type, uint16_t id, unsigned flags,
	size_t *ret_n, struct err *e);
/* Reads an answer. ERR_PARSE, ERR_LIMIT. ret needs message_done(). */
int message_decode(const uint8_t *p, size_t n, struct message *ret, struct err *e);
void message_done(struct message *m);

/* The rcode's word ("SERVFAIL") or "RCODE n" in buf. */
const char *message_rcode_name(uint16_t rcode, char buf[static 16]);

#endif
