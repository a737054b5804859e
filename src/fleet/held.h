/* held.h: certificates whose order waits for a validation record, as the state remembers them: other runs tell of it,
 * too. */
#ifndef PERDURE_FLEET_HELD_H
#define PERDURE_FLEET_HELD_H

#include "fleet/issue.h"

struct config_cert;
struct err;
struct store;

/* What became of an order at that CA. One that is parked says nothing of its records. ERR_STORE. */
int held_note(
	struct store *st, const struct config_cert *cert, const char *ca, enum issue_result result, struct err *e);
/* The CA whose order waits, NULL for none; heap string. st may be NULL. ERR_STORE. */
int held_get(struct store *st, const struct config_cert *cert, char **ret, struct err *e);

#endif
