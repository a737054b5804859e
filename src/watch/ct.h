/*
 * ct.h: certificates seen in the logs of Certificate Transparency (RFC 9162), from files that a monitor or a search has
 * given, and which of them are ours. Logs are not asked here.
 */
#ifndef PERDURE_WATCH_CT_H
#define PERDURE_WATCH_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct err;

/* One certificate; log entries of the same serial number and issuer are one. */
struct ct_entry {
	struct strv names; /* lower case, "*." in front for wildcards */
	char *issuer; /* distinguished name as text: "C=US, O=Example CA, CN=R1" */
	char *serial; /* hexadecimal, lower case, without leading zeros */
	char *id; /* what the source calls the entry; "" for none */
	int64_t not_before, not_after; /* UNIX seconds; 0 when the source does not say */
	bool ours; /* known to have been ordered */
};

struct ct;
struct ct *ct_new(void);
/* NULL is fine. */
void ct_free(struct ct *c);

/*
 * Reads a file of entries: JSON Lines of objects, or one JSON array of them. An object has names, issuer, serial, and
 * may have not_before, not_after (RFC 3339) and id; or it is one of crt.sh's: name_value (names, a line each),
 * common_name, issuer_name, serial_number, not_before, not_after, id. ERR_SYS, ERR_PARSE with the place, ERR_LIMIT.
 */
int ct_read(struct ct *c, const char *path, struct err *e);
/*
 * Reads serial numbers of certificates that are ours: a line each, as hexadecimal digits with or without colons, or as
 * JSON with a member "serial" (lines of the event log; others are passed over). Errors as above.
 */
int ct_read_known(struct ct *c, const char *path, struct err *e);
/* One certificate is ours. */
void ct_know(struct ct *c, const char *serial);
/* Ends the reading: nothing may be added afterwards, and only now can be looked up. */
void ct_ready(struct ct *c);

/* How many certificates there are. */
size_t ct_count(const struct ct *c);
/*
 * Calls fn for each certificate that is good for fqdn: with the name itself, its wildcard, or the wildcard of the name
 * above; with `below` also for each that has a name below fqdn. In the order of the files.
 */
void ct_each(
	const struct ct *c, const char *fqdn, bool below, void (*fn)(const struct ct_entry *t, void *ctx), void *ctx);
/* Whether an issuer is the one that is meant: its whole distinguished name, its organisation or its common name. Case
 * does not matter. */
bool ct_issuer_is(const char *issuer, const char *meant);

#endif
