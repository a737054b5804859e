/*
 * install.h: the slow parts of issuing, out of the way of everything else: making keys and requests, writing and
 * syncing the files of a generation; and the certificate's row in the state.
 */
#ifndef PERDURE_FLEET_INSTALL_H
#define PERDURE_FLEET_INSTALL_H

#include <stdint.h>

#include "crypto/x509.h"
#include "state/store.h"

struct err;
struct installer;
struct loop;

/* e (borrowed) is NULL or clean on success. */
typedef void (*install_fn)(const struct err *e, void *ctx);

/*
 * Makes a key of the type (or takes old_key, PEM, which is emptied, when it holds one) and its request for a
 * certificate into *ret: RSA and what was kept on a worker, the rest when nothing else is ready. done is called on the
 * loop, or with ERR_CANCEL by loop_free(), when its owner must have let go: releasing is all that can be done then.
 */
void install_request(struct loop *l, enum key_type type, struct secret *old_key, const struct strv *names,
	const struct x509_csr_options *o, struct x509_request *ret, install_fn done, void *ctx);

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

/* Puts the order's key and chain in place (installer_put()). */
void install_start(
	struct installer *in, const struct store_order *o, const struct install_set *set, install_fn done, void *ctx);

/* The SHA-256 of the public key of the order's certificate request, in hexadecimal. ERR_CRYPTO. */
int install_csr_spki(const struct store_order *o, char ret[static 65], struct err *e);

/* A row for a lineage that has nothing yet. */
void install_empty_row(const char *name, struct store_cert *row);

#endif
