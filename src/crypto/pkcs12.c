/* pkcs12.c: key, certificate and chain in one sealed file. */
#include "crypto/pkcs12.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

/* Rounds of PBKDF2, and of the MAC. Old software takes longer over them. */
enum { ITERATIONS = 10000, ITERATIONS_LEGACY = 2048 };

static void chain_freep(STACK_OF(X509) * *c)
{
	sk_X509_pop_free(*c, X509_free);
}

static void p12_freep(PKCS12 **p)
{
	PKCS12_free(*p);
}

static int read_key(const struct secret *pem, EVP_PKEY **ret, struct err *e)
{
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(pem->p, (int)pem->n);
	*ret = in ? PEM_read_bio_PrivateKey(in, NULL, ossl_no_passphrase, NULL) : NULL;
	return *ret ? 0 : ossl_err(e, "the private key cannot be read");
}

/* The leaf, and those after it. */
static int read_chain(const char *pem, X509 **ret_leaf, STACK_OF(X509) * rest, struct err *e)
{
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(pem, (int)strlen(pem));
	*ret_leaf = in ? PEM_read_bio_X509(in, NULL, ossl_no_passphrase, NULL) : NULL;
	if (!*ret_leaf)
		return ossl_err(e, "the certificate cannot be read");
	for (X509 *x; (x = PEM_read_bio_X509(in, NULL, ossl_no_passphrase, NULL));)
		if (!sk_X509_push(rest, x)) {
			X509_free(x);
			return ossl_err(e, "the chain cannot be kept");
		}
	ERR_clear_error(); /* that there is no more */
	return 0;
}

static int write_der(PKCS12 *p12, struct buf *out, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_PKCS12(p12, &der);
	if (n <= 0)
		return ossl_err(e, "the PKCS#12 file cannot be written");
	buf_put(out, der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return buf_check(out, "the PKCS#12 file", e);
}

int pkcs12_make(const struct pkcs12_request *r, struct buf *out, struct err *e)
{
	AUTO(ossl_pkey_freep) EVP_PKEY *key = NULL;
	AUTO(ossl_x509_freep) X509 *leaf = NULL;
	AUTO(chain_freep) STACK_OF(X509) *rest = sk_X509_new_null();
	if (!*r->password)
		return err_set(e, ERR_CRYPTO, "the password is empty");
	if (!rest || read_key(r->key_pem, &key, e) || read_chain(r->chain_pem, &leaf, rest, e))
		return rest ? -1 : ossl_err(e, "no memory for the chain");
	int cipher = r->legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	int rounds = r->legacy ? ITERATIONS_LEGACY : ITERATIONS;
	/* The MAC is put on afterwards, so that its hash is ours to say. */
	AUTO(p12_freep)
	PKCS12 *p12 = PKCS12_create(r->password, r->alias, key, leaf, rest, cipher, cipher, rounds, -1, 0);
	if (!p12 || !PKCS12_set_mac(p12, r->password, -1, NULL, 0, rounds, r->legacy ? EVP_sha1() : EVP_sha256()))
		return ossl_err(e, "the PKCS#12 file cannot be sealed");
	return write_der(p12, out, e);
}
