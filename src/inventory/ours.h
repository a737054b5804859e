/* ours.h: whose a validation record is: one of this installation's accounts', or somebody else's. */
#ifndef PERDURE_INVENTORY_OURS_H
#define PERDURE_INVENTORY_OURS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"

struct cafacts;
struct site_ca;
struct written;

/* What makes a record an account's. */
struct ours_account {
	char *ca; /* name in the configuration */
	struct strv issuers; /* empty: any */
	char *url;
	struct strv thumbprints; /* of its keys, now and before */
	char *prefix; /* accountHashPrefix; NULL without level 02 */
};
struct ours {
	struct ours_account *v;
	size_t n;
	struct strv zones; /* validation zones: a delegation that leads into one is ours */
	struct written *written; /* owned; what was written from here; NULL when nobody looked */
};
void ours_done(struct ours *o);
/* An account without a URL is passed over. Everything is copied. */
void ours_add(struct ours *o, const struct site_ca *ca, const struct cafacts *f);
/* An account that we had before, whoever its CA is. */
void ours_add_url(struct ours *o, const char *url);
/* Whether the target of a CNAME (record data) is in one of the validation zones. */
bool ours_target(const struct ours *o, const char *target);
/*
 * The CA whose record for our account this value is, at the owner of fqdn's record: by the account URL, or by its hash
 * with any known key for fqdn or for any domain. NULL for all others, and for what is no record. Borrowed.
 */
const char *ours_whose(const struct ours *o, const char *fqdn, const char *value, size_t n);

#endif
