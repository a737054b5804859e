/* from_dns.h: the facts about a name from a look at the DNS. */
#ifndef PERDURE_WATCH_FROM_DNS_H
#define PERDURE_WATCH_FROM_DNS_H

#include "watch/facts.h"

struct observation;

/* What the facts of one look need beside the observation itself. */
struct from_dns {
	struct strv words;
	struct strv ns, parent_ns;
	struct perdure_text *caa;
};

/*
 * Fills in the facts; they borrow from o and from ret, which needs from_dns_done() after facts_done(). facts_read() is
 * left to the caller.
 */
void from_dns(const struct observation *o, struct facts *f, struct from_dns *ret);
void from_dns_done(struct from_dns *d);

/* What is wrong with a name that cannot carry a record, or NULL; *ret_suffix: it is a public suffix. */
const char *name_trouble(const char *fqdn, bool *ret_suffix);

#endif
