/*
 * key.h: private keys: make, load, store, describe, sign. The only OpenSSL user is this folder; its types do not show.
 */
#ifndef PERDURE_CRYPTO_KEY_H
#define PERDURE_CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct secret;

/* An asymmetric key pair. Reading operations may run on several threads at once. */
struct key;

enum key_type {
	KEY_EC256, /* ECDSA P-256, JWS ES256 */
	KEY_EC384, /* ECDSA P-384, JWS ES384 */
	KEY_ED25519, /* EdDSA, account keys only */
	KEY_RSA2048, /* JWS RS256 */
	KEY_RSA3072,
	KEY_RSA4096,
	KEY_TYPE_N_
};

/* "ec256", "ec384", "ed25519", "rsa2048", … as in the configuration. */
const char *key_type_name(enum key_type t);
/* -1 for an unknown name (no error value: the caller knows where the name stood). */
int key_type_from_name(const char *name, enum key_type *ret);

/* Makes a new key. ERR_CRYPTO. */
int key_generate(enum key_type t, struct key **ret, struct err *e);
/* Reads an unencrypted PEM private key (PKCS#8, SEC 1 or PKCS#1). ERR_CRYPTO names `what`. Keys of unsupported types
 * are refused. */
int key_from_pem(const void *pem, size_t n, const char *what, struct key **ret, struct err *e);
/* Writes PKCS#8 PEM, as octets to be wiped by secret_done(). ERR_CRYPTO for a key whose private part is not known. */
int key_to_pem(const struct key *k, struct secret *ret, struct err *e);
struct key *key_ref(struct key *k);
void key_free(struct key *k);
void key_freep(struct key **k);
enum key_type key_type(const struct key *k);
/* Whether both have the same public part. */
bool key_same_public(const struct key *a, const struct key *b);

/* Encrypts a PEM private key document (or any octets) with a passphrase: scrypt + AES-256-GCM, self-describing text
 * armour. At most 1 MiB (ERR_LIMIT); ERR_CRYPTO for an empty passphrase. Takes about 50 ms and 32 MiB. */
int key_seal(const void *p, size_t n, const char *passphrase, struct buf *out, struct err *e);
/* The reverse; ERR_CRYPTO when the passphrase is wrong or the text was changed. White space that mail adds is no
 * change.
 */
int key_unseal(const void *p, size_t n, const char *passphrase, struct secret *ret, struct err *e);

#endif
