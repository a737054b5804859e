/*
 * validate.h: one RRset as a validating resolver sees it (RFC 4035 section 4.3): secure, insecure, bogus and why. The
 * only libunbound user.
 *
 * The validator is made when the first question comes; it then works in a thread of its own. It starts where the view
 * starts: at the root servers (dns.hints), at the stub zones, or at the fixed resolvers; never at /etc/resolv.conf.
 *
 * Keys it trusts: those of the file dns.trust_anchor; without one the root's as the distribution ships them
 * (anchor.h). Names in stub zones have no chain from the public root that one could rely on, so they are validated only
 * under a configured trust anchor.
 *
 * Nothing is remembered for longer than 15 seconds, and no TTL here is longer: for TTLs see view.h.
 */
#ifndef PERDURE_DNS_VALIDATE_H
#define PERDURE_DNS_VALIDATE_H

#include <stdint.h>

#include "dns/dns.h"
#include "dns/rrset.h"

enum dns_security {
	DNS_SECURE, /* signed, and the chain of signatures leads to a key we trust; also for names that do not exist */
	DNS_INSECURE, /* proven to be below a delegation without signatures */
	DNS_BOGUS, /* signed, and something is wrong: a validating resolver, and so every CA, answers SERVFAIL */
	DNS_UNVALIDATED, /* not looked: switched off, no trust anchor, a stub zone, or mode DNS_NONE */
	DNS_UNRESOLVED, /* no answer, for reasons that are not DNSSEC's */
	DNS_SECURITY_N_
};
/* "secure", "insecure", "bogus", "not validated", "unresolved". */
const char *dns_security_name(enum dns_security s);

struct dns_validated {
	enum dns_security security;
	uint16_t rcode; /* NOERROR or NXDOMAIN with the first two and BOGUS, else mostly SERVFAIL */
	struct dns_rrset rrset; /* for BOGUS what is published nevertheless, as far as known; owner and type always */
	char *why; /* BOGUS, UNVALIDATED, UNRESOLVED: in words; else "" */
	char *hint; /* what to do about it; may be "" */
};
void dns_validated_free(struct dns_validated *v);

/* Called once on the loop, never from inside dns_validate(). v is owned by the callee. */
typedef void (*dns_validated_fn)(struct dns_validated *v, void *ctx);
struct dns_validation;
enum dns_validate_flag {
	/*
	 * Somebody waits for it: whole names are asked of all servers on the way, and the keys of all zones above at
	 * once. Counts for the first question of a struct dns and those behind it; else registries learn no more than
	 * they must (RFC 9156), and each label costs a round trip.
	 */
	DNS_VALIDATE_PROMPT = 1,
};
/*
 * Resolves and validates owner (lower case, no dot at the end) for a type, within the deadline of dns_options. Any
 * number may be asked for at once; as many as one server gets questions (dns_options.per_server) are in work, the
 * others wait. libunbound keeps no pace towards servers: that is the business of whoever asks for many names.
 */
struct dns_validation *dns_validate(
	struct dns *d, const char *owner, uint16_t type, unsigned flags, dns_validated_fn done, void *ctx);
/* Ends it without a callback. */
void dns_validate_cancel(struct dns_validation *q);

#endif
