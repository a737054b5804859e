/*
 * hash.h: a ready hash callback for libperdure, made with OpenSSL's EVP interface. No OpenSSL type appears here.
 */
#ifndef PERDURE_HASH_H
#define PERDURE_HASH_H

#include <perdure/persist.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * perdure_hash_openssl(ctx, alg, in, n, out, out_len):
 * A perdure_hash_fn. ${ctx} is NULL, or what perdure_hash_openssl_new() gave, which makes many digests cheaper. Knows
 * sha-256, sha-384, sha-512, sha3-256, sha3-384, sha3-512, blake2s-256 and blake2b-512; the crypto library's policy may
 * forbid some. Return 0, or -1 for any other ${alg} or when the crypto library fails.
 */
PERDURE_API int perdure_hash_openssl(
	void *ctx, const char *alg, const uint8_t *in, size_t n, uint8_t out[64], size_t *out_len);

/**
 * perdure_hash_openssl_new():
 * Return a context for perdure_hash_openssl() that keeps the last algorithm looked up; for one thread at a time. It
 * needs perdure_hash_openssl_free(). NULL when memory is short, which perdure_hash_openssl() takes as well.
 */
PERDURE_API void *perdure_hash_openssl_new(void);

/**
 * perdure_hash_openssl_free(ctx):
 * Release a context. NULL is allowed.
 */
PERDURE_API void perdure_hash_openssl_free(void *ctx);

#ifdef __cplusplus
}
#endif

#endif
