/*
 * message.h: DNS messages (RFC 1035 section 4, EDNS RFC 6891): a query is written, an answer is read into plain owned
 * structures. Every answer is hostile until read to its end. The only ldns user.
 */
#ifndef PERDURE_DNS_MESSAGE_H
#define PERDURE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/view.h"

struct err;

enum {
	MESSAGE_A = 1,
	MESSAGE_NS = 2,
	MESSAGE_CNAME = 5,
	MESSAGE_SOA = 6,
	MESSAGE_TXT = 16,
	MESSAGE_AAAA = 28,
	MESSAGE_DNAME = 39,
	MESSAGE_OPT = 41,
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

/* One record of class IN. */
struct message_rr {
	char *owner;
	enum message_section section;
	uint16_t type;
	uint32_t ttl;
	char *target; /* NS, CNAME, DNAME: the name; SOA: the primary server; else NULL */
	struct dns_txt txt; /* TXT */
	uint8_t *data; /* A, AAAA (4 and 16 octets, checked); types not named above: the octets as they came */
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
};

/*
 * Writes a query of class IN for name (text form, see name.h) with EDNS when edns says so; rd asks for recursion.
 * Gives the number of octets. ERR_PARSE for a name that is none.
 */
int message_query(uint8_t out[static MESSAGE_QUERY_MAX], const char *name, uint16_t type, uint16_t id, bool rd,
	bool edns, size_t *ret_n, struct err *e);
/* Reads an answer. ERR_PARSE, ERR_LIMIT. ret needs message_done(). */
int message_decode(const uint8_t *p, size_t n, struct message *ret, struct err *e);
void message_done(struct message *m);

/* The rcode's word ("SERVFAIL") or "RCODE n" in buf. */
const char *message_rcode_name(uint16_t rcode, char buf[static 16]);

void dns_txt_done(struct dns_txt *t);
/* Order of two TXT records by their octets, for sorting and comparing: negative, 0, positive. */
int dns_txt_cmp(const struct dns_txt *a, const struct dns_txt *b);
void dns_txt_copy(struct dns_txt *dst, const struct dns_txt *src);

#endif
