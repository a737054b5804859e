/*
 * delegation.h: the standing CNAME by which dns-01 is delegated: which name stands where, and where it leads.
 */
#ifndef PERDURE_INVENTORY_DELEGATION_H
#define PERDURE_INVENTORY_DELEGATION_H

#include <stdbool.h>
#include <stdint.h>

struct acmeaccounts;
struct config_delegation;
struct err;

struct delegation {
	char *owner; /* of the CNAME: _acme-challenge.FQDN; no dot at the end */
	char *target; /* the validation name that it must lead to; no dot at the end */
	bool shared; /* other domains lead to the same one */
	bool account; /* the target is that of an account at acme-dns: no record of a zone of ours */
	int64_t cname_ttl; /* seconds */
	int64_t txt_ttl; /* seconds: of the values at the target */
};
/*
 * What d makes of a domain (A-labels, no "*."). Without a shared name the target is one label below the zone: "_" and
 * the domain with each "-" doubled and each "." made a "-", which no two domains have in common; where that is longer
 * than a label may be, it is cut and ends in "_" and a part of its hash. With accounts at acme-dns the target is that
 * of the domain's account; then the file of the accounts is read, into `accounts`, where it stays for the next call
 * (zeroed at first; NULL: it is read each time). ERR_CONFIG when d gives neither zone nor name nor provider, there is
 * no such account, or _acme-challenge.FQDN is too long to be a name; ERR_SYS. ret needs delegation_done().
 */
int delegation_of(const struct config_delegation *d, struct acmeaccounts *accounts, const char *fqdn,
	struct delegation *ret, struct err *e);
void delegation_done(struct delegation *d);
/* The name at which a CA asks for a domain's dns-01 values: _acme-challenge.FQDN. Heap string. */
char *delegation_owner(const char *fqdn);

#endif
