/*
 * resolvers.h: what recursive resolvers elsewhere hand out for a name: extra points of view. They show what caches
 * still hold and whether the world sees what the authoritative servers say; a CA's own resolvers are none of them.
 *
 * A resolver is written as "ADDRESS" or "ADDRESS@PORT" (UDP, TCP when truncated), "tcp://ADDRESS[@PORT]" (TCP from the
 * start), or "https://HOST/PATH", with "{?dns}" at the end or not (DNS over HTTPS, RFC 8484, by POST).
 */
#ifndef PERDURE_DNS_RESOLVERS_H
#define PERDURE_DNS_RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "dns/dns.h"
#include "dns/rrset.h"
#include "dns/view.h"

struct err;

/* The HTTPS of DNS over HTTPS, which comes from outside this folder. */
struct dns_https_reply {
	int status;
	const char *content_type; /* NULL when there was none */
	const uint8_t *body;
	size_t n;
};
/* r is NULL on failure, *e (borrowed) says which; otherwise *e is clean. */
typedef void (*dns_https_fn)(const struct dns_https_reply *r, const struct err *e, void *arg);
struct dns_https {
	/* Posts n octets as application/dns-message. fn is called once on the loop, never from inside. */
	void *(*post)(struct dns_https *h, const char *url, const uint8_t *p, size_t n, int64_t timeout_ms,
		dns_https_fn fn, void *arg);
	/* Ends it without a callback. */
	void (*cancel)(struct dns_https *h, void *exchange);
};

struct dns_vantage {
	char *resolver; /* as it was written */
	enum dns_result result; /* FAILED, TIMEOUT: text says why */
	uint16_t rcode;
	bool ad; /* the resolver says that it has validated the answer (as trustworthy as the way to it) */
	struct dns_rrset rrset; /* its ttl is how long this resolver's cache still holds it, at most */
	bool tcp;
	int64_t rtt_ms;
	char *text;
};
struct dns_vantages {
	struct dns_vantage *v; /* in the order asked */
	size_t n;
};
void dns_vantages_free(struct dns_vantages *v);

/* Called once on the loop, never from inside dns_resolvers_ask(). v is owned by the callee. */
typedef void (*dns_resolvers_fn)(struct dns_vantages *v, void *ctx);
struct dns_resolvers;
/*
 * Asks all of them at once for owner (lower case, no dot at the end) and type, each within the deadline. h may be NULL:
 * then resolvers by HTTPS are answered with FAILED. A text that dns_resolver_check() refuses is FAILED, too.
 */
struct dns_resolvers *dns_resolvers_ask(struct dns *d, struct dns_https *h, const struct strv *resolvers,
	const char *owner, uint16_t type, dns_resolvers_fn done, void *ctx);
/* Ends it without a callback. */
void dns_resolvers_cancel(struct dns_resolvers *q);

/* Whether a resolver is written as above. ERR_CONFIG. */
int dns_resolver_check(const char *text, struct err *e);

#endif
