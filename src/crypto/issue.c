/* issue.c: making certificates (RFC 5280), for the CA in a box and for tests. */
#include "crypto/issue.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

struct issue_ca {
	struct key *key;
	X509 *cert;
};

void issue_ca_free(struct issue_ca *ca)
{
	if (!ca)
		return;
	key_free(ca->key);
	X509_free(ca->cert);
	free(ca);
}

void issue_ca_freep(struct issue_ca **ca)
{
	issue_ca_free(*ca);
	*ca = NULL;
}

static bool add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	bool ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/* A certificate with everything but extensions and signature. */
static X509 *start(const struct key *k, const struct issue_validity *v)
{
	AUTO(ossl_x509_freep) X509 *x = X509_new();
	uint8_t octets[16];
	random_octets(octets, sizeof(octets));
	/* Positive, and of full length always. */
	octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40);
	BIGNUM *serial = BN_bin2bn(octets, sizeof(octets), NULL);
	bool ok = x && serial && X509_set_version(x, X509_VERSION_3) &&
		  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) &&
		  ASN1_TIME_set(X509_getm_notBefore(x), v->not_before) &&
		  ASN1_TIME_set(X509_getm_notAfter(x), v->not_after) && X509_set_pubkey(x, k->pkey);
	BN_free(serial);
	return ok ? TAKE(x) : NULL;
}

int issue_ca_new(const struct issue_ca *parent, struct key *k, const char *name, const struct issue_validity *v,
	struct issue_ca **ret, struct err *e)
{
	const struct key *signer = parent ? parent->key : k;
	if (!k->signer)
		return err_set(e, ERR_CRYPTO, "the CA %s: only the public part of its key is known", name);
	AUTO(ossl_x509_freep) X509 *x = start(k, v);
	if (!x || !X509_NAME_add_entry_by_txt(
			  X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0))
		return ossl_err(e, "the CA %s", name);
	X509 *issuer = parent ? parent->cert : x;
	if (!X509_set_issuer_name(x, X509_get_subject_name(issuer)) ||
		!add_ext(
			x, issuer, NID_basic_constraints, parent ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE") ||
		!add_ext(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature") ||
		!add_ext(x, issuer, NID_subject_key_identifier, "hash") ||
		(parent && !add_ext(x, issuer, NID_authority_key_identifier, "keyid:always")) ||
		!X509_sign(x, signer->pkey, signer->md))
		return ossl_err(e, "the CA %s", name);
	struct issue_ca *ca = xcalloc(1, sizeof(*ca));
	ca->key = key_ref(k);
	ca->cert = TAKE(x);
	*ret = ca;
	return 0;
}

static void put_cert(X509 *x, struct buf *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	if (n > 0)
		pem_write(out, "CERTIFICATE", der, (size_t)n);
	OPENSSL_free(der);
}

void issue_ca_pem(const struct issue_ca *ca, struct buf *out)
{
	put_cert(ca->cert, out);
}

int issue_leaf(const struct issue_ca *ca, const struct key *k, const struct strv *names, const struct issue_validity *v,
	struct buf *pem, struct err *e)
{
	AUTO(ossl_names_freep) GENERAL_NAMES *san = NULL;
	if (san_make(names, &san, e))
		return err_ctx(e, "issuing a certificate");
	AUTO(ossl_x509_freep) X509 *x = start(k, v);
	/* With an empty subject the names are critical (RFC 5280 section 4.2.1.6). */
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) ||
		!add_ext(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
		!add_ext(x, ca->cert, NID_key_usage, "critical,digitalSignature") ||
		!add_ext(x, ca->cert, NID_ext_key_usage, "serverAuth") ||
		!add_ext(x, ca->cert, NID_authority_key_identifier, "keyid:always") ||
		X509_add1_ext_i2d(x, NID_subject_alt_name, san, 1, X509V3_ADD_APPEND) != 1 ||
		!X509_sign(x, ca->key->pkey, ca->key->md))
		return ossl_err(e, "issuing a certificate");
	put_cert(x, pem);
	return buf_check(pem, "the certificate", e);
}

int issue_csr_key(const void *csr, size_t n, struct key **ret, struct err *e)
{
	AUTO(ossl_req_freep) X509_REQ *req = csr_decode(csr, n);
	EVP_PKEY *pub = req ? X509_REQ_get_pubkey(req) : NULL;
	if (!pub)
		return ossl_err(e, "no certification request with a public key");
	return key_wrap(pub, false, "the certification request", ret, e);
}
