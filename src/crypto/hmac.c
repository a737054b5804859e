/* hmac.c: HMAC by OpenSSL. */
#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "crypto/internal.h"

struct hmac {
	EVP_MAC_CTX *ctx;
	bool bad;
};

static const struct {
	const char *digest;
	size_t size;
} hashes[] = {
	[HMAC_SHA1] = {"SHA1", 20},
	[HMAC_SHA256] = {"SHA256", 32},
	[HMAC_SHA384] = {"SHA384", 48},
	[HMAC_SHA512] = {"SHA512", 64},
};

size_t hmac_size(enum hmac_hash h)
{
	return hashes[h].size;
}

int hmac_new(enum hmac_hash h, const void *key, size_t n, struct hmac **ret, struct err *e)
{
	char digest[16];
	snprintf(digest, sizeof(digest), "%s", hashes[h].digest);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	if (!ctx || EVP_MAC_init(ctx, key, n, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return ossl_err(e, "HMAC with %s cannot be computed here", digest);
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->ctx = ctx;
	return 0;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	EVP_MAC_CTX_free(h->ctx);
	free(h);
}

void hmac_put(struct hmac *h, const void *p, size_t n)
{
	if (n && EVP_MAC_update(h->ctx, p, n) != 1)
		h->bad = true;
}

int hmac_end(struct hmac *h, uint8_t out[static HMAC_OCTETS_MAX], struct err *e)
{
	size_t n;
	if (h->bad || EVP_MAC_final(h->ctx, out, &n, HMAC_OCTETS_MAX) != 1)
		return ossl_err(e, "HMAC");
	return 0;
}

bool hmac_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
