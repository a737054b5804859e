/* sign.c: signatures in the form JWS wants them (RFC 7518 sections 3.3 and 3.4, RFC 8037 section 3.1). */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "base/xalloc.h"
#include "crypto/internal.h"

/* Octets of r and of s; 0 for what is not ECDSA. */
static int half_len(const struct key *k)
{
	if (k->type == KEY_EC256)
		return 32;
	return k->type == KEY_EC384 ? 48 : 0;
}

/* DER to r and s side by side. */
static int ecdsa_to_raw(uint8_t sig[static SIG_MAX], size_t *n, int half, struct err *e)
{
	const uint8_t *at = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &at, (long)*n);
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, half) == half &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, half) == half;
	ECDSA_SIG_free(s);
	if (!ok)
		return ossl_err(e, "reading an ECDSA signature");
	*n = (size_t)half * 2;
	return 0;
}

static int ecdsa_from_raw(const uint8_t *raw, int half, uint8_t der[static SIG_MAX], size_t *ret_n, struct err *e)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, half, NULL), *v = BN_bin2bn(raw + half, half, NULL);
	if (!s || !r || !v || !ECDSA_SIG_set0(s, r, v)) {
		BN_free(r);
		BN_free(v);
		ECDSA_SIG_free(s);
		return ossl_err(e, "reading an ECDSA signature");
	}
	/* At most 2 * (48 + 1 + 2) + 3 octets. */
	uint8_t *at = der;
	int n = i2d_ECDSA_SIG(s, &at);
	ECDSA_SIG_free(s);
	if (n <= 0)
		return ossl_err(e, "writing an ECDSA signature");
	*ret_n = (size_t)n;
	return 0;
}

int sign_jws(const struct key *k, const void *p, size_t n, uint8_t sig[static SIG_MAX], size_t *ret_n, struct err *e)
{
	if (!k->signer)
		return err_set(e, ERR_CRYPTO, "signing: only the public part of the key is known");
	AUTO(ossl_mdctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIG_MAX;
	if (!ctx || EVP_MD_CTX_copy_ex(ctx, k->signer) != 1 || EVP_DigestSign(ctx, sig, &len, p, n) != 1)
		return ossl_err(e, "signing with a key of the type %s", key_type_name(k->type));
	int half = half_len(k);
	if (half && ecdsa_to_raw(sig, &len, half, e))
		return -1;
	*ret_n = len;
	return 0;
}

int sign_verify_jws(const struct key *k, const void *p, size_t n, const uint8_t *sig, size_t sig_n, struct err *e)
{
	uint8_t der[SIG_MAX];
	int half = half_len(k);
	if (half && sig_n != (size_t)half * 2)
		return err_set(e, ERR_CRYPTO, "the signature has %zu octets, %d are needed", sig_n, half * 2);
	if (half) {
		if (ecdsa_from_raw(sig, half, der, &sig_n, e))
			return -1;
		sig = der;
	}
	AUTO(ossl_mdctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, k->md, NULL, k->pkey) != 1)
		return ossl_err(e, "verifying with a key of the type %s", key_type_name(k->type));
	if (EVP_DigestVerify(ctx, sig, sig_n, p, n) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_CRYPTO, "the signature was not made by this key over this text");
	}
	return 0;
}
