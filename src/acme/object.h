/* object.h: orders, authorizations and challenges, strictly decoded (RFC 8555 sections 7.1.3, 7.1.4, 8;
 * draft-ietf-acme-dns-persist section 3). */
#ifndef PERDURE_ACME_OBJECT_H
#define PERDURE_ACME_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct err;

#define ACME_DNS_PERSIST_01 "dns-persist-01"

/* The types of challenges that can be answered. */
enum acme_challenge_type {
	ACME_CHALLENGE_PERSIST, /* dns-persist-01 */
	ACME_CHALLENGE_DNS, /* dns-01, RFC 8555 section 8.4 */
	ACME_CHALLENGE_HTTP, /* http-01, RFC 8555 section 8.3 */
	ACME_CHALLENGE_TYPE_N_
};
/* "dns-persist-01", "dns-01", "http-01". */
const char *acme_challenge_type_name(enum acme_challenge_type t);

enum acme_status {
	ACME_PENDING,
	ACME_READY,
	ACME_PROCESSING,
	ACME_VALID,
	ACME_INVALID,
	ACME_DEACTIVATED,
	ACME_EXPIRED,
	ACME_REVOKED,
	ACME_STATUS_N_
};
const char *acme_status_name(enum acme_status s);

enum { ACME_MAX_AUTHZS = 100, ACME_MAX_CHALLENGES = 32, ACME_MAX_ISSUERS = 64 };

struct acme_order {
	enum acme_status status;
	int64_t expires; /* UNIX seconds, 0 when not said */
	struct strv names; /* dns identifiers in lower case, wildcards with "*." */
	struct strv authzs; /* URLs, none twice */
	char *finalize; /* URL */
	char *certificate; /* URL, NULL until valid */
	char *profile; /* NULL when not said */
	struct err *error; /* the order's `error` (ERR_ACME), or NULL */
};
/* url is the order's own, for checks of origin and messages. ERR_PROTO. */
int acme_order_decode(const void *body, size_t n, const char *url, struct acme_order *ret, struct err *e);
void acme_order_done(struct acme_order *o);

struct acme_challenge {
	char *type;
	char *url;
	enum acme_status status;
	char *token; /* NULL when absent, and where it is no token */
	bool has_issuers; /* issuerDomainNames is there (level 02) */
	struct strv issuers;
	bool has_issuers_old; /* issuer-domain-names is there (levels 00 and 01) */
	struct strv issuers_old;
	char *accounturi; /* NULL when absent */
	struct err *error; /* ERR_ACME, or NULL */
};
struct acme_authz {
	enum acme_status status;
	char *name; /* the dns identifier in lower case, without "*." */
	bool wildcard;
	int64_t expires;
	struct acme_challenge *challenges; /* dns-01 and http-01 with type, status and error, and with URL and token
					      where they are good; other types with type, status and error only */
	size_t n;
};
int acme_authz_decode(const void *body, size_t n, const char *url, struct acme_authz *ret, struct err *e);
void acme_authz_done(struct acme_authz *a);
/* The challenge of that type, or NULL. */
const struct acme_challenge *acme_authz_find(const struct acme_authz *a, const char *type);

#endif
