/* detached.c: signatures over plain octets, and public keys as files. */
#include "crypto/detached.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

int detached_sign(const struct key *k, const void *p, size_t n, char **ret, struct err *e)
{
	uint8_t sig[SIG_MAX];
	size_t sig_n;
	if (sign_jws(k, p, n, sig, &sig_n, e))
		return -1;
	*ret = codec_b64url_str(sig, sig_n);
	return 0;
}

int detached_verify(const struct key *k, const void *p, size_t n, const char *signature, struct err *e)
{
	AUTO(buf_done) struct buf sig = buf_make(SIG_MAX);
	if (codec_b64url_decode(&sig, signature, strlen(signature), e) || buf_check(&sig, "a signature", e))
		return -1;
	return sign_verify_jws(k, p, n, (const uint8_t *)buf_str(&sig), sig.n, e);
}

int detached_key_id(const struct key *k, char **ret, struct err *e)
{
	uint8_t hash[32];
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);
	if (n <= 0)
		return ossl_err(e, "writing a public key");
	jose_sha256(der, (size_t)n, hash);
	OPENSSL_free(der);
	struct buf hex = buf_make(2 * sizeof(hash) + 1);
	codec_hex(&hex, hash, sizeof(hash));
	*ret = buf_take(&hex);
	return 0;
}

int detached_public_pem(const struct key *k, struct buf *out, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);
	if (n <= 0)
		return ossl_err(e, "writing a public key");
	pem_write(out, "PUBLIC KEY", der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

int detached_key_from_pem(const void *pem, size_t n, const char *what, struct key **ret, struct err *e)
{
	AUTO(ossl_bio_freep) BIO *b = n <= INT_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
	EVP_PKEY *pkey = b ? PEM_read_bio_PUBKEY(b, NULL, ossl_no_passphrase, NULL) : NULL;
	if (!pkey)
		return ossl_err(e, "%s: reading a public key (PEM)", what);
	return key_wrap(pkey, false, what, ret, e);
}
