/*
 * recorduntil.h: until when the validation records of a certificate hold (persistUntil): what the configuration says,
 * or what stood in the DNS when it was issued last.
 */
#ifndef PERDURE_FLEET_RECORDUNTIL_H
#define PERDURE_FLEET_RECORDUNTIL_H

#include <stdint.h>

struct config_cert;
struct err;
struct store;

/* The certificate was issued by records of which the first ends at seen (UNIX seconds; 0: none has an end). ERR_STORE.
 */
int recorduntil_note(struct store *st, const struct config_cert *cert, int64_t seen, struct err *e);
/*
 * The moment, 0 for none. Once the configuration says another persist_until than when the records were seen, that
 * counts; before that the one that comes first. st may be NULL. ERR_STORE.
 */
int recorduntil_get(struct store *st, const struct config_cert *cert, int64_t *ret, struct err *e);

#endif
