/* nonce.c: nonces that carry their place in a ring of fixed size, so that none is searched for. */
#include "testca/nonce.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"

enum { RING = 65536, SECRET = 12, WHOLE = 16, POOL = 4096 };

struct nonces {
	uint32_t next;
	size_t pool_at; /* random octets not used yet begin here */
	uint8_t pool[POOL];
	struct {
		bool live;
		uint8_t secret[SECRET];
	} ring[RING];
};

struct nonces *nonces_new(void)
{
	struct nonces *n = xcalloc(1, sizeof(*n));
	n->pool_at = POOL;
	return n;
}

void nonces_free(struct nonces *n)
{
	free(n);
}

void nonces_make(struct nonces *n, char out[static NONCE_TEXT])
{
	uint32_t at = n->next++ % RING;
	uint8_t octets[WHOLE] = {(uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at};
	if (n->pool_at + SECRET > POOL) {
		random_octets(n->pool, POOL);
		n->pool_at = 0;
	}
	memcpy(n->ring[at].secret, n->pool + n->pool_at, SECRET);
	memcpy(octets + 4, n->pool + n->pool_at, SECRET);
	n->pool_at += SECRET;
	n->ring[at].live = true;
	struct buf b = {.p = out, .cap = NONCE_TEXT, .max = NONCE_TEXT - 1};
	codec_b64url(&b, octets, WHOLE);
}

bool nonces_take(struct nonces *n, const char *text)
{
	AUTO(buf_done) struct buf octets = buf_make(WHOLE);
	struct err e = {0};
	if (strlen(text) != NONCE_TEXT - 1 || codec_b64url_decode(&octets, text, NONCE_TEXT - 1, &e)) {
		err_done(&e);
		return false;
	}
	const uint8_t *p = (const uint8_t *)octets.p;
	uint32_t at = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	if (at >= RING || !n->ring[at].live || memcmp(n->ring[at].secret, p + 4, SECRET) != 0)
		return false;
	n->ring[at].live = false;
	return true;
}
