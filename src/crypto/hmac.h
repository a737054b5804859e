/* hmac.h: HMAC (RFC 2104) in steps. */
#ifndef PERDURE_CRYPTO_HMAC_H
#define PERDURE_CRYPTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct hmac;

enum hmac_hash { HMAC_SHA1, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512 };
enum { HMAC_OCTETS_MAX = 64 };

/* How many octets the code has. */
size_t hmac_size(enum hmac_hash h);
/* ERR_CRYPTO. The key is copied. */
int hmac_new(enum hmac_hash h, const void *key, size_t n, struct hmac **ret, struct err *e);
void hmac_free(struct hmac *h);
void hmac_put(struct hmac *h, const void *p, size_t n);
/* Writes the code of all that was put; then nothing more may be put. ERR_CRYPTO, also for a failure in a step before.
 */
int hmac_end(struct hmac *h, uint8_t out[static HMAC_OCTETS_MAX], struct err *e);
/* Compares in constant time. */
bool hmac_equal(const void *a, const void *b, size_t n);

#endif
