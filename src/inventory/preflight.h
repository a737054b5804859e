/*
 * preflight.h: would a validation record that is not there yet hurt, or be of no use? To be asked before it is written.
 */
#ifndef PERDURE_INVENTORY_PREFLIGHT_H
#define PERDURE_INVENTORY_PREFLIGHT_H

#include <stddef.h>

#include "inventory/remark.h"

struct dns;

struct preflight_question {
	const char *fqdn; /* as perdure_name_normalize() gives it, without "*." */
	const char *owner; /* where the record would stand; NULL: the validation name of fqdn */
	const char *zone; /* the zone that would be written to; NULL where that is not known */
	size_t value_len; /* octets of the record's value */
};

struct preflight {
	char *owner; /* where the record would stand; "" when the name is too long for one */
	char *zone; /* that serves the owner now; "" when not found out */
	struct remarks remarks; /* an error among them: better do not publish */
};
/* NULL is fine. */
void preflight_free(struct preflight *p);

/* Called once on the loop; p is owned by the callee. */
typedef void (*preflight_fn)(struct preflight *p, void *ctx);
struct preflight_query;
/* Looks. When nothing needs to be asked, done is called before this returns, and this returns NULL. */
struct preflight_query *preflight_start(
	struct dns *d, const struct preflight_question *q, preflight_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void preflight_cancel(struct preflight_query *q);

#endif
