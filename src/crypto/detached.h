/*
 * detached.h: signatures over plain octets, and public keys as files, for logs that others are to check with their own
 * tools: Ed25519 (RFC 8032) as OpenSSL's pkeyutl verifies it, ECDSA as r and s side by side.
 */
#ifndef PERDURE_CRYPTO_DETACHED_H
#define PERDURE_CRYPTO_DETACHED_H

#include <stddef.h>

struct buf;
struct err;
struct key;

/* The signature in base64url, heap string. ERR_CRYPTO. */
int detached_sign(const struct key *k, const void *p, size_t n, char **ret, struct err *e);
/* ERR_CRYPTO when the signature (base64url) is not k's over the n octets, ERR_PARSE when it is no base64url. */
int detached_verify(const struct key *k, const void *p, size_t n, const char *signature, struct err *e);
/* The SHA-256 of the public part's DER (SubjectPublicKeyInfo), hexadecimal, heap string. ERR_CRYPTO. */
int detached_key_id(const struct key *k, char **ret, struct err *e);
/* Appends the public part as PEM ("PUBLIC KEY"). ERR_CRYPTO. */
int detached_public_pem(const struct key *k, struct buf *out, struct err *e);
/* Reads such a PEM: a key that can only verify. ERR_CRYPTO names what. */
int detached_key_from_pem(const void *pem, size_t n, const char *what, struct key **ret, struct err *e);

#endif
