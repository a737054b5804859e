/*
 * jose.h: the little of JOSE that ACME needs: JWK (RFC 7517), thumbprint (RFC 7638), flattened JWS (RFC 7515, RFC 8555
 * section 6.2), external account binding (RFC 8555 section 7.3.4); and JWT (RFC 7519), which others ask for.
 */
#ifndef PERDURE_CRYPTO_JOSE_H
#define PERDURE_CRYPTO_JOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct key;

enum { JOSE_THUMBPRINT_LEN = 43 };

/* "ES256", "ES384", "EdDSA" or "RS256". */
const char *jose_alg(const struct key *k);
/* Appends the public JWK with members in lexicographic order and no white space (the RFC 7638 input). ERR_CRYPTO. */
int jose_jwk(const struct key *k, struct buf *out, struct err *e);
/* base64url(SHA-256 of that), 43 characters and a NUL. */
int jose_thumbprint(const struct key *k, char ret[static JOSE_THUMBPRINT_LEN + 1], struct err *e);

struct jose_request {
	const char *url;
	const char *nonce; /* NULL for an inner JWS (keyChange) */
	const char *kid; /* the account URL; NULL puts the JWK into the header (newAccount, revokeCert by certificate
			    key) */
	const void *payload; /* payload_n octets; a POST-as-GET has none (RFC 8555 section 6.3) */
	size_t payload_n;
};
/* Appends {"protected":…,"payload":…,"signature":…}. ERR_CRYPTO. */
int jose_sign(const struct key *k, const struct jose_request *r, struct buf *out, struct err *e);

/*
 * Appends a JWT of these claims (RFC 7519, the compact form of RFC 7515 section 3.1). claims is a JSON object; kid is
 * the name of the key in the header, NULL for none. ERR_CRYPTO.
 */
int jose_jwt(const struct key *k, const char *kid, const void *claims, size_t n, struct buf *out, struct err *e);

/*
 * Appends the externalAccountBinding object: a JWS over the account's JWK, by HMAC. hmac_key is the decoded key; alg is
 * "HS256", "HS384" or "HS512"; url is the newAccount URL. ERR_CRYPTO for an unknown alg or an empty key.
 */
int jose_eab(const struct key *account, const char *kid, const void *hmac_key, size_t hmac_n, const char *alg,
	const char *url, struct buf *out, struct err *e);

/* A parsed JWS and public keys of others: what a server needs. */
struct jose_jws {
	char *protected_b64; /* owned, as received */
	char *payload_b64;
	char *signature_b64;
};
/* Makes a key that can only verify from a JWK's text. ERR_CRYPTO, ERR_PARSE. */
int jose_key_from_jwk(const char *jwk, size_t n, struct key **ret, struct err *e);
/* Reads a private key, EC (RFC 7518 section 6.2.2) or RSA with both primes (6.3.2), from a JWK's text; what names it in
 * errors. ERR_CRYPTO, ERR_PARSE. */
int jose_private_key_from_jwk(const char *jwk, size_t n, const char *what, struct key **ret, struct err *e);
/* Verifies signature over protected.payload with alg ("ES256", "ES384", "EdDSA", "RS256") which must fit the key.
 * ERR_CRYPTO. */
int jose_verify(const struct key *k, const char *alg, const struct jose_jws *jws, struct err *e);
/* Verifies an HMAC JWS; constant time. ERR_CRYPTO. */
int jose_verify_hmac(const void *hmac_key, size_t n, const char *alg, const struct jose_jws *jws, struct err *e);

/* The SHA-256 of n octets. */
void jose_sha256(const void *p, size_t n, uint8_t out[static 32]);

#endif
