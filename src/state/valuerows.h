/*
 * valuerows.h: the values that were written into the DNS for dns-01, one row each, from before they are written until
 * they are known to be gone. Writes and errors are as store.h says.
 */
#ifndef PERDURE_STATE_VALUEROWS_H
#define PERDURE_STATE_VALUEROWS_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

struct store_value {
	char *owner; /* of the TXT record: the key, with text */
	char *text; /* the value */
	char *cert; /* name of the lineage whose order it is for */
	bool keep; /* to be removed by the next write there, not for its own sake */
	int64_t created; /* UNIX seconds */
};
void store_value_done(struct store_value *v);

/* Inserts or replaces. */
int store_value_put(struct store *s, const struct store_value *v, struct err *e);
/* That it is gone is no error. */
int store_value_delete(struct store *s, const char *owner, const char *text, struct err *e);
/* In order of owner. v is borrowed during the call. */
int store_value_each(
	struct store *s, int (*fn)(const struct store_value *v, void *ctx, struct err *e), void *ctx, struct err *e);

#endif
