/*
 * install.h: the slow parts of issuing, on worker threads: making RSA keys, writing and syncing the files of a
 * generation; and the certificate's row in the state.
 */
#ifndef PERDURE_FLEET_INSTALL_H
#define PERDURE_FLEET_INSTALL_H

#include <stdint.h>

#include "crypto/key.h"

struct err;
struct loop;
struct store_cert;
struct store_order;

/* e (borrowed) is NULL or clean on success. */
typedef void (*install_fn)(const struct err *e, void *ctx);

/* Makes a key of the type into *ret: at once (done is called before it returns) for fast types, on a worker for slow
 * ones. */
void install_make_key(struct loop *l, enum key_type type, struct key **ret, install_fn done, void *ctx);

/*
 * Puts the order's chain and key into archive/ and switches live/ (certfiles_install()), then prunes old generations,
 * on a worker; the order's data is copied. done is called on the loop.
 */
void install_start(
	struct loop *l, const char *state_dir, int64_t keep, const struct store_order *o, install_fn done, void *ctx);

/* Fills the row (whose old strings are released) from the order's chain: live now, no failures. now is UNIX seconds.
 * ERR_PROTO, ERR_CRYPTO. */
int install_row(const struct store_order *o, int64_t now, struct store_cert *row, struct err *e);
/* A row for a lineage that has nothing yet. */
void install_empty_row(const char *name, struct store_cert *row);

#endif
