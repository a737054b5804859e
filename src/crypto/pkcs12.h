/* pkcs12.h: key, certificate and chain in one sealed file (RFC 7292). */
#ifndef PERDURE_CRYPTO_PKCS12_H
#define PERDURE_CRYPTO_PKCS12_H

#include <stdbool.h>

struct buf;
struct err;
struct secret;

struct pkcs12_request {
	const struct secret *key_pem;
	const char *chain_pem; /* leaf first */
	const char *password; /* must not be empty */
	const char *alias; /* the entry's friendly name */
	bool legacy; /* Triple DES and SHA-1 instead of AES-256 and SHA-256 */
};
/* Appends the DER. The same input gives another output each time (the salt is random). ERR_CRYPTO. */
int pkcs12_make(const struct pkcs12_request *r, struct buf *out, struct err *e);

#endif
