/* nonce.h: the anti-replay nonces of one CA that have not been used (RFC 8555 section 6.5). */
#ifndef PERDURE_ACME_NONCE_H
#define PERDURE_ACME_NONCE_H

#include <stddef.h>
#include <stdint.h>

enum { NONCE_POOL_MAX = 100, NONCE_MAX_LEN = 512, NONCE_MAX_AGE_MS = 600000 };

/* Oldest first. Zeroed is empty. */
struct nonce_pool {
	struct {
		char *nonce;
		int64_t since_ms; /* monotonic */
	} v[NONCE_POOL_MAX];
	size_t n;
};

/* Puts a copy in, the oldest leaving when it is full. What is no nonce (not base64url, empty, too long) is ignored, as
 * RFC 8555 section 6.5.1 demands. */
void nonce_pool_put(struct nonce_pool *p, const char *nonce, int64_t now_ms);
/* Takes the newest out (heap string), or NULL; those older than NONCE_MAX_AGE_MS are dropped. */
char *nonce_pool_take(struct nonce_pool *p, int64_t now_ms);
void nonce_pool_done(struct nonce_pool *p);

#endif
