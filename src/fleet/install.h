/*
 * install.h: the slow parts of issuing, on worker threads: making RSA keys, writing and syncing the files of a
 * generation; and the certificate's row in the state.
 */
#ifndef PERDURE_FLEET_INSTALL_H
#define PERDURE_FLEET_INSTALL_H

#include <stdint.h>

#include "crypto/key.h"
#include "state/store.h"

struct err;
struct loop;
struct x509_chain;

/* e (borrowed) is NULL or clean on success. */
typedef void (*install_fn)(const struct err *e, void *ctx);

/* Makes a key of the type into *ret: at once (done is called before it returns) for fast types, on a worker for slow
 * ones. */
void install_make_key(struct loop *l, enum key_type type, struct key **ret, install_fn done, void *ctx);

/* What comes out of an order's chain: texts of files, and the row of the lineage. */
struct install_set {
	char *leaf_pem;
	char *rest_pem;
	struct store_cert row; /* live, no failures; issued_at is left to the caller */
};
/* Fills it from the order and its chain; chain NULL: it is read from the order's PEM. ERR_PROTO, ERR_CRYPTO. */
int install_prepare(
	const struct store_order *o, const struct x509_chain *chain, struct install_set *ret, struct err *e);
void install_set_done(struct install_set *s);

/*
 * Puts the order's key and chain into archive/ and switches live/ (certfiles_install()), then prunes old generations,
 * on a worker; everything is copied. done is called on the loop.
 */
void install_start(struct loop *l, const char *state_dir, int64_t keep, const struct store_order *o,
	const struct install_set *set, install_fn done, void *ctx);

/* The SHA-256 of the public key of the order's certificate request, in hexadecimal. ERR_CRYPTO. */
int install_csr_spki(const struct store_order *o, char ret[static 65], struct err *e);

/* A row for a lineage that has nothing yet. */
void install_empty_row(const char *name, struct store_cert *row);

#endif
