/*
 * persisthash.c: libperdure's ready hash callback, on OpenSSL's EVP interface.
 */
#include "perdure/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct known {
	const char *alg; /* of the Named Information Hash Algorithm Registry */
	const char *name; /* OpenSSL's */
};

static const struct known known[] = {
	{"sha-256", "SHA2-256"},
	{"sha-384", "SHA2-384"},
	{"sha-512", "SHA2-512"},
	{"sha3-256", "SHA3-256"},
	{"sha3-384", "SHA3-384"},
	{"sha3-512", "SHA3-512"},
	{"blake2s-256", "BLAKE2s-256"},
	{"blake2b-512", "BLAKE2b-512"},
};

/* Looking an algorithm up costs more than a digest. */
struct cache {
	const struct known *of;
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static void cache_clear(struct cache *c)
{
	EVP_MD_CTX_free(c->ctx);
	EVP_MD_free(c->md);
	*c = (struct cache){0};
}

static int cache_fill(struct cache *c, const char *alg)
{
	if (c->of && !strcmp(c->of->alg, alg))
		return 0;
	cache_clear(c);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].alg, alg) != 0)
			continue;
		c->md = EVP_MD_fetch(NULL, known[i].name, NULL);
		c->ctx = EVP_MD_CTX_new();
		if (!c->md || !c->ctx || EVP_MD_get_size(c->md) > 64)
			break;
		c->of = &known[i];
		return 0;
	}
	cache_clear(c);
	return -1;
}

int perdure_hash_openssl(void *ctx, const char *alg, const uint8_t *in, size_t n, uint8_t out[64], size_t *out_len)
{
	struct cache once = {0};
	struct cache *c = ctx ? ctx : &once;
	unsigned len = 0;
	int r = cache_fill(c, alg);
	if (!r && (EVP_DigestInit_ex2(c->ctx, c->md, NULL) != 1 || EVP_DigestUpdate(c->ctx, in, n) != 1 ||
			  EVP_DigestFinal_ex(c->ctx, out, &len) != 1))
		r = -1;
	if (!r)
		*out_len = len;
	cache_clear(&once);
	return r;
}

void *perdure_hash_openssl_new(void)
{
	return calloc(1, sizeof(struct cache));
}

void perdure_hash_openssl_free(void *ctx)
{
	if (!ctx)
		return;
	cache_clear(ctx);
	free(ctx);
}
