/* nonce.h: replay nonces (RFC 8555 section 6.5): each good once; the oldest of 65,536 is forgotten first. */
#ifndef PERDURE_TESTCA_NONCE_H
#define PERDURE_TESTCA_NONCE_H

#include <stdbool.h>

enum { NONCE_TEXT = 23 }; /* base64url of 16 octets, and NUL */

struct nonces;
struct nonces *nonces_new(void);
void nonces_free(struct nonces *n);
/* Writes a fresh one. */
void nonces_make(struct nonces *n, char out[static NONCE_TEXT]);
/* Whether it was made here and not taken before; it is used up now. */
bool nonces_take(struct nonces *n, const char *text);

#endif
