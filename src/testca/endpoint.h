/* endpoint.h: the resources of the CA and their addresses. */
#ifndef PERDURE_TESTCA_ENDPOINT_H
#define PERDURE_TESTCA_ENDPOINT_H

#include <stdint.h>

enum endpoint {
	EP_DIRECTORY,
	EP_NEW_NONCE,
	EP_NEW_ACCOUNT,
	EP_ACCOUNT,
	EP_ORDERS,
	EP_KEY_CHANGE,
	EP_NEW_ORDER,
	EP_ORDER,
	EP_AUTHZ,
	EP_CHALLENGE,
	EP_FINALIZE,
	EP_CERTIFICATE,
	EP_REVOKE_CERT,
	EP_RENEWAL_INFO,
	EP_TERMS,
	EP_OTHER, /* an address that is none of ours */
	EP_N_
};

/* A path taken apart. */
struct endpoint_at {
	enum endpoint ep;
	uint64_t id; /* of the resource, where there is one */
	uint64_t sub; /* which challenge, which chain */
	const char *rest; /* what follows, for renewalInfo */
};

/* "newOrder", "challenge", …; as faults and counters call them. */
const char *endpoint_name(enum endpoint ep);
/* EP_N_ for an unknown one. */
enum endpoint endpoint_find(const char *name);
/* The address below the CA's base; for a resource with a number, what stands before it. */
const char *endpoint_path(enum endpoint ep);
struct endpoint_at endpoint_parse(const char *path);

#endif
