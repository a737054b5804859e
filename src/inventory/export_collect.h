/*
 * export_collect.h: what an export is made of: the records that certificates need, CAA that ties a domain to an account
 * and a method, delegations for dns-01; and what stands already where they are to go.
 */
#ifndef PERDURE_INVENTORY_EXPORT_COLLECT_H
#define PERDURE_INVENTORY_EXPORT_COLLECT_H

#include <stddef.h>
#include <stdint.h>

#include "inventory/export.h"

struct cafacts;
struct config_delegation;
struct desired;
struct err;
struct site;
struct site_ca;
struct wishes;

/* The validation records. */
void export_collect_records(struct export_set *s, const struct desired *d, uint32_t ttl);
/*
 * For each FQDN of d that the CA serves, `issue` with accounturi (the account URL, at every level) and
 * validationmethods=dns-persist-01 (RFC 8657). A CAA RRset forbids every CA that it does not name.
 */
void export_collect_caa(
	struct export_set *s, const struct desired *d, const struct site_ca *ca, const struct cafacts *f, uint32_t ttl);
/* TXT and CNAME of wishes: tokens, delegations. */
void export_collect_wishes(struct export_set *s, const struct wishes *w);
/*
 * For each FQDN of d the CNAME that conf makes of it (delegation_of()), and the TXT behind it, which renewals change.
 * ERR_USAGE, ERR_CONFIG for a name that becomes too long.
 */
int export_collect_delegations(
	struct export_set *s, const struct desired *d, const struct config_delegation *conf, struct err *e);

/* Asks the DNS what stands at every RRset of s (export_observed()). The site's DNS must be open. ERR_DNS, ERR_SYS,
 * ERR_CANCEL on SIGINT and SIGTERM. */
int export_observe(struct site *site, struct export_set *s, struct err *e);

#endif
