/*
 * view.h: one RRset as every authoritative server publishes it now, server by server.
 */
#ifndef PERDURE_DNS_VIEW_H
#define PERDURE_DNS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "dns/dns.h"

/* One TXT RR: its character-strings in order, raw octets. */
struct dns_string {
	uint8_t *p;
	size_t n;
};
struct dns_txt {
	struct dns_string *strings;
	size_t n;
};

enum dns_result {
	DNS_FOUND, /* the RRset is there */
	DNS_NODATA, /* the name exists (or is an empty non-terminal), no TXT */
	DNS_NXDOMAIN, /* the name does not exist */
	DNS_FAILED, /* SERVFAIL, REFUSED, NOTIMP, a lame answer, a malformed packet: see text */
	DNS_TIMEOUT, /* no answer in time, or unreachable */
	DNS_RESULT_N_
};
const char *dns_result_name(enum dns_result r);

struct dns_answer {
	char *server; /* host name of the server, or its address when no name is known */
	char *address; /* "192.0.2.1" or "192.0.2.1@5353" */
	enum dns_result result;
	char *text; /* for FAILED and TIMEOUT: one phrase of why; where an earlier name of the chain is meant: which;
		       else "" */
	struct dns_txt *txt; /* for FOUND, sorted by content so that answers compare */
	size_t n_txt;
	uint32_t ttl;
	bool tcp; /* the answer came over TCP */
	int64_t rtt_ms;
};

struct dns_view {
	char *owner; /* the name that was asked for */
	char *zone; /* the zone that holds the end of the chain; "" when not found out */
	struct strv chain; /* CNAME targets followed, in order */
	bool looked; /* false in mode DNS_NONE */
	struct dns_answer
		*answers; /* those at the chain's end first, then what servers said against the chain on the way */
	size_t n;
};

/* The answer to go by: the first whose result is one of FOUND, NODATA, NXDOMAIN; NULL when no server gave one. */
const struct dns_answer *dns_view_any(const struct dns_view *v);
/* Whether all servers that answered agree on the RRset. */
bool dns_view_agree(const struct dns_view *v);
void dns_view_free(struct dns_view *v);

/*
 * Called once on the loop, never from inside dns_view_txt(). v is owned by the callee. When the servers of the zone
 * cannot even be found, v has no answers and *e (borrowed) says why (ERR_DNS, ERR_TIMEOUT; a CNAME loop or more than 10
 * hops is ERR_DNS); otherwise *e is clean.
 */
typedef void (*dns_view_fn)(struct dns_view *v, const struct err *e, void *ctx);
struct dns_query;
/*
 * Asks every authoritative server of owner's zone (or every resolver) for TXT: UDP with EDNS, TCP when truncated,
 * retries, id and source checked. CNAMEs are followed into other zones. owner is a lower-case name without a dot at the
 * end. Any number of views may be asked for at once; a view's deadline begins with its first packet, not in the queue.
 */
struct dns_query *dns_view_txt(struct dns *d, const char *owner, dns_view_fn done, void *ctx);
/* Ends it without a callback. */
void dns_view_cancel(struct dns_query *q);

#endif
