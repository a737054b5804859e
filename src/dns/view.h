/*
 * view.h: one RRset as every authoritative server publishes it now, server by server, with the way that leads to it.
 */
#ifndef PERDURE_DNS_VIEW_H
#define PERDURE_DNS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "dns/dns.h"
#include "dns/rr.h"

struct err;

enum {
	DNS_VIEW_HOPS_MAX = 9, /* aliases followed; one more is an error, as at most CAs */
	DNS_VIEW_NO_GROUP = -1,
};

enum dns_result {
	DNS_FOUND, /* the RRset is there */
	DNS_NODATA, /* the name exists (or is an empty non-terminal), no record of the type */
	DNS_NXDOMAIN, /* the name does not exist */
	DNS_ALIAS, /* a CNAME instead, with DNS_VIEW_NOFOLLOW only; rr has it, and the DNAME it comes from */
	DNS_FAILED, /* no answer of use: see text and health */
	DNS_TIMEOUT, /* no answer in time, or unreachable */
	DNS_RESULT_N_
};
const char *dns_result_name(enum dns_result r);

/* What kind of trouble there is with a server; says why for DNS_FAILED and DNS_TIMEOUT. */
enum dns_health {
	DNS_OK,
	DNS_LAME, /* does not serve the zone: answers without authority, or refers elsewhere */
	DNS_REFUSING, /* REFUSED */
	DNS_ERROR, /* SERVFAIL, NOTIMP or another error code */
	DNS_MALFORMED, /* what it sent is no answer, or contradicts itself */
	DNS_UNREACHABLE, /* no way to the address, or nobody listens there */
	DNS_SILENT, /* no answer in time */
	DNS_NO_IPV6, /* either of these, at an IPv6 address; but none has answered here, and IPv4 ones have */
	DNS_ADDRESSLESS, /* the name of the server has no address */
	DNS_DIVERGING, /* its alias leads elsewhere than the one that was followed */
	DNS_HEALTH_N_
};
const char *dns_health_name(enum dns_health h);

struct dns_answer {
	char *server; /* host name of the server, or its address when no name is known */
	char *address; /* "192.0.2.1" or "192.0.2.1@5353" */
	enum dns_result result;
	enum dns_health health;
	int group; /* whose answer it is: index into the view's groups; DNS_VIEW_NO_GROUP for FAILED and TIMEOUT */
	unsigned hop; /* which name it is about: 0 the owner, k the target of hops[k - 1] */
	char *text; /* for FAILED and TIMEOUT: one phrase of why; where an earlier name of the chain is meant: which;
		       else "" */
	struct dns_rr *rr; /* for FOUND and ALIAS, in the order of dns_rr_cmp(), each once */
	size_t n_rr;
	struct dns_txt *txt; /* for FOUND of type TXT: what rr holds, in the same order */
	size_t n_txt;
	uint32_t ttl; /* for how long a cache may keep it: the RRset's; NODATA, NXDOMAIN: RFC 2308 section 5 */
	char *soa_zone; /* NODATA and NXDOMAIN: the owner of that SOA, which is the zone as the server sees it; else
			   NULL */
	bool has_soa; /* NODATA and NXDOMAIN: the answer has the zone's SOA; with DNS_VIEW_SERIALS any answer */
	uint32_t soa_ttl;
	struct dns_soa soa;
	bool tcp; /* the answer came over TCP */
	int64_t rtt_ms;
	void *store_; /* what rr and txt point into */
};

enum dns_hop_kind { DNS_HOP_CNAME, DNS_HOP_DNAME };
/* One alias on the way, as the server has it that was followed. */
struct dns_hop {
	char *owner;
	enum dns_hop_kind kind;
	char *target;
	uint32_t ttl;
	char *zone; /* that holds owner; "" when not found out (resolvers) */
	char *dname; /* owner of the DNAME; NULL for CNAME */
	char *wildcard; /* "*.example.org" when it is known to come from there; NULL otherwise */
};

/* Servers whose answers are the same. */
struct dns_group {
	size_t first; /* index of the first of these answers */
	size_t addresses; /* how many addresses give it */
	size_t servers; /* how many servers give it at one address or more */
};

enum dns_chain {
	DNS_CHAIN_WHOLE, /* followed to its end */
	DNS_CHAIN_LOOP, /* the last hop's target is a name before it */
	DNS_CHAIN_TOO_LONG, /* more than DNS_VIEW_HOPS_MAX hops */
};

struct dns_view {
	char *owner; /* the name that was asked for */
	uint16_t type;
	char *zone; /* the zone that holds the end of the chain; "" when not found out */
	struct strv chain; /* targets of the hops, in order */
	struct dns_hop *hops; /* also there when the view ends in an error */
	size_t n_hops;
	enum dns_chain end;
	char *wildcard; /* where the answer at the chain's end is known to come from; NULL otherwise */
	bool wildcard_known; /* whether the answers are synthesised was found out */
	bool looked; /* false in mode DNS_NONE */
	int64_t at; /* wall clock, seconds: when the last answer came */
	struct dns_answer
		*answers; /* those at the chain's end first, then what servers said against the chain on the way */
	size_t n;
	struct dns_group *groups; /* the one with most addresses first; more than one: the servers disagree */
	size_t n_groups;
	size_t n_answered; /* addresses in all groups */
};

/* The answer to go by: the first whose result is one of FOUND, NODATA, NXDOMAIN, ALIAS; NULL when there is none. */
const struct dns_answer *dns_view_any(const struct dns_view *v);
/* Whether all servers that answered agree on the RRset. */
bool dns_view_agree(const struct dns_view *v);
/*
 * If what the servers publish were changed now: the latest moment (wall clock, seconds) at which a cache may still hold
 * something of this answer, be it an alias, the records or their absence. v->at when there is no answer at all.
 */
int64_t dns_view_stale_until(const struct dns_view *v);
void dns_view_free(struct dns_view *v);

/*
 * Called once on the loop, never from inside dns_view_…(). v is owned by the callee. When the servers of the zone
 * cannot even be found, v has no answers and *e (borrowed) says why: ERR_DNS, ERR_TIMEOUT; a circle of aliases or more
 * than DNS_VIEW_HOPS_MAX of them is ERR_DNS. Where nothing has ever answered this process, ERR_DNS comes at once.
 * Otherwise *e is clean.
 */
typedef void (*dns_view_fn)(struct dns_view *v, const struct err *e, void *ctx);
struct dns_query;

enum dns_view_flag {
	DNS_VIEW_NOFOLLOW = 1, /* a CNAME at owner is the answer (DNS_ALIAS) */
	DNS_VIEW_WILDCARD = 2, /* find out which answers and hops come from a wildcard: by the signatures of a signed
				  zone, else by a few more questions for names that cannot exist */
	DNS_VIEW_SERIALS = 4, /* ask every server at the chain's end for the zone's SOA, too */
};
/*
 * Asks every authoritative server of owner's zone (or every resolver) for the RRset: UDP with EDNS, TCP when truncated,
 * retries, id and source checked. CNAMEs and DNAMEs are followed into other zones (a CNAME that is asked for is the
 * answer). DS is asked of the servers of the zone above owner. owner is a lower-case name without a dot at the end.
 * Any number of views may be asked for at once; a view's deadline begins with its first packet, not in the queue.
 */
struct dns_query *dns_view_rrset(
	struct dns *d, const char *owner, uint16_t type, unsigned flags, dns_view_fn done, void *ctx);
/* dns_view_rrset() for TXT without flags. */
struct dns_query *dns_view_txt(struct dns *d, const char *owner, dns_view_fn done, void *ctx);
/* Ends it without a callback. */
void dns_view_cancel(struct dns_query *q);

#endif
