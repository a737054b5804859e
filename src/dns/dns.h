/*
 * dns.h: what a look at the DNS is made with: where to ask (authoritative servers found by walking from the root, stub
 * zones, or fixed resolvers) and how long to wait. /etc/resolv.conf is never read.
 */
#ifndef PERDURE_DNS_DNS_H
#define PERDURE_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct err;
struct loop;

enum dns_mode {
	DNS_AUTHORITATIVE, /* find the zone's servers and ask each of them */
	DNS_RESOLVER, /* ask each configured resolver */
	DNS_NONE, /* closed network: every look-up ends as "not looked" */
};

struct dns_stub {
	char *zone; /* lower-case, no dot at the end; "" is the root */
	struct strv servers; /* IPv4 or IPv6 addresses that serve it */
	uint16_t port; /* 0 for 53 */
};

struct dns_options {
	enum dns_mode mode;
	const struct dns_stub *stubs;
	size_t n_stubs;
	const struct strv *resolvers; /* "ADDRESS" or "ADDRESS@PORT", for DNS_RESOLVER */
	const struct strv *hints; /* addresses of root servers; NULL or empty for the built-in list */
	int64_t timeout_ms; /* for one question to one server over one transport, first try; 0 for 2000 */
	int64_t deadline_ms; /* for one view, all servers and hops together; 0 for 10000 */
	unsigned per_server; /* questions in flight to one address; 0 for 32 */
	unsigned pace; /* questions a second to one address; 0 for 500; to stubs and loopback as many as it takes */
	bool validate; /* false: dns_validate() answers DNS_UNVALIDATED */
	const char *trust_anchor; /* file; NULL for the distribution's */
	const char *state_dir; /* where a copy of the distribution's is kept up to date; NULL for nowhere */
};

struct dns;

/* The options are copied. ERR_CONFIG for an address that is none. */
int dns_new(struct loop *l, const struct dns_options *o, struct dns **ret, struct err *e);
/* Ends what is under way without callbacks. Not from inside a callback of its own; NULL is fine. */
void dns_free(struct dns *d);

#endif
