/*
 * desired.h: the validation records that the configured certificates need, at every CA they name.
 */
#ifndef PERDURE_INVENTORY_DESIRED_H
#define PERDURE_INVENTORY_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cafacts;
struct config;
struct err;
struct site_ca;
struct strv;

/* One TXT RR that should stand. All strings are owned. */
struct desired_record {
	char *fqdn;
	char *owner; /* no dot at the end */
	char *value;
	char *zone_line; /* "owner. TTL IN TXT …" */
	const char *ca; /* borrowed from the configuration */
	int level;
	bool wildcard;
	int64_t until; /* UNIX seconds, 0 for none */
};
struct desired {
	struct desired_record *v;
	size_t n;
	size_t cap;
};
void desired_done(struct desired *d);
/* Makes all records end then (UNIX seconds; 0 for never), whatever the configuration says. zone_line is left as it is.
 */
void desired_set_until(struct desired *d, int64_t until);

/*
 * Appends the records for the CA: one for each FQDN and level. names selects: NULL for all certificates that name the
 * CA, else these names (A-labels, "*." kept), whether configured or not. The account's URL must be known (ERR_CONFIG
 * with what to run), at level 02 a thumbprint too.
 */
int desired_add(struct desired *d, const struct config *c, const struct site_ca *ca, const struct cafacts *f,
	const struct strv *names, struct err *e);

#endif
