/* dnsplace.h: where the dns-01 value of a domain is to be written: at its own name, or behind the alias that stands
 * there. */
#ifndef PERDURE_INVENTORY_DNSPLACE_H
#define PERDURE_INVENTORY_DNSPLACE_H

#include <stdbool.h>

#include "config/config.h"

struct dns_view;
struct err;

struct dnsplace {
	char *owner; /* no dot at the end */
	bool delegated; /* behind the CNAME */
	char *warning; /* one sentence without a full stop; NULL for none */
};
void dnsplace_done(struct dnsplace *p);

/*
 * Goes by v, the TXT RRset at _acme-challenge.FQDN with aliases followed and wildcards found out (DNS_VIEW_WILDCARD),
 * and *e as it came with it. how is CONFIG_VALIDATION_DELEGATION or CONFIG_VALIDATION_DNS.
 *
 * Delegation: the CNAME must stand, not come from a wildcard, and lead to the name that d gives, or into its zone; with
 * d->follow it may come from a wildcard and lead anywhere. dns-01: at the name itself, but behind a CNAME that
 * stands, beside which nothing can be written; one that comes from a wildcard is passed over unless d->follow. Where
 * nobody is asked (dns.mode: none), the configuration is believed.
 *
 * ERR_POLICY (RETRY_AFTER_OPERATOR) with what to publish; ERR_DNS or what *e says when it could not be seen
 * (RETRY_LATER). ret needs dnsplace_done().
 */
int dnsplace_decide(const struct dns_view *v, const struct err *seen, const struct config_delegation *d,
	const char *fqdn, enum config_validation how, struct dnsplace *ret, struct err *e);

#endif
