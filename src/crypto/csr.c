/* csr.c: certification requests (PKCS#10, RFC 2986): making ours, reading those of others. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"
#include "crypto/x509.h"

static void exts_freep(STACK_OF(X509_EXTENSION) * *p)
{
	sk_X509_EXTENSION_pop_free(*p, X509_EXTENSION_free);
}

/* The TLS feature extension (RFC 7633) that asks for status_request, number 5 of RFC 6066. */
static bool push_must_staple(STACK_OF(X509_EXTENSION) * exts)
{
	static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x05};
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *x = NULL;
	bool ok = octets && ASN1_OCTET_STRING_set(octets, der, sizeof(der)) &&
		  (x = X509_EXTENSION_create_by_NID(NULL, NID_tlsfeature, 0, octets)) &&
		  sk_X509_EXTENSION_push(exts, x);
	if (!ok)
		X509_EXTENSION_free(x);
	ASN1_OCTET_STRING_free(octets);
	return ok;
}

static int put_extensions(X509_REQ *req, const struct strv *names, const struct x509_csr_options *o, struct err *e)
{
	AUTO(ossl_names_freep) GENERAL_NAMES *san = NULL;
	AUTO(exts_freep) STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	if (san_make(names, &san, e))
		return -1;
	if (!exts || X509V3_add1_i2d(&exts, NID_subject_alt_name, san, 0, X509V3_ADD_APPEND) != 1 ||
		(o && o->must_staple && !push_must_staple(exts)) || !X509_REQ_add_extensions(req, exts))
		return ossl_err(e, "writing the extensions");
	return 0;
}

/* Writes the public part of an EC key. OpenSSL 3.0 would encode it and then decode it again, which takes longer than a
 * signature. */
static bool put_ec(X509_PUBKEY *to, const struct key *k)
{
	static const int curves[] = {[KEY_EC256] = NID_X9_62_prime256v1, [KEY_EC384] = NID_secp384r1};
	enum { POINT_MAX = 97 };
	size_t n = 0;
	uint8_t *point = OPENSSL_malloc(POINT_MAX);
	if (point && EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX, &n) &&
		X509_PUBKEY_set0_param(to, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
			OBJ_nid2obj(curves[k->type]), point, (int)n))
		return true;
	OPENSSL_free(point);
	return false;
}

static bool is_ec(const struct key *k)
{
	return k->type == KEY_EC256 || k->type == KEY_EC384;
}

int x509_spki_sha256(const struct key *k, char ret[static 65], struct err *e)
{
	X509_PUBKEY *pub = X509_PUBKEY_new();
	bool ok = pub && (is_ec(k) ? put_ec(pub, k) : X509_PUBKEY_set(&pub, k->pkey) == 1);
	int r = ok ? san_spki_sha256(pub, ret, e) : ossl_err(e, "encoding a public key");
	X509_PUBKEY_free(pub);
	return r;
}

static bool set_pubkey(X509_REQ *req, const struct key *k)
{
	return is_ec(k) ? put_ec(X509_REQ_get_X509_PUBKEY(req), k) : X509_REQ_set_pubkey(req, k->pkey) == 1;
}

/* Makes a request and signs it. */
static int make(
	const struct key *k, const struct strv *names, const struct x509_csr_options *o, X509_REQ **ret, struct err *e)
{
	if (k->type == KEY_ED25519)
		return err_set(e, ERR_CRYPTO, "certification request: Ed25519 keys are for accounts only");
	if (!k->has_private)
		return err_set(e, ERR_CRYPTO, "certification request: only the public part of the key is known");
	AUTO(ossl_req_freep) X509_REQ *req = X509_REQ_new_ex(k->lib, NULL);
	if (!req || !X509_REQ_set_version(req, X509_REQ_VERSION_1) || !set_pubkey(req, k))
		return ossl_err(e, "making a certification request");
	if (put_extensions(req, names, o, e))
		return err_ctx(e, "certification request");
	if (!X509_REQ_sign(req, k->pkey, k->md))
		return ossl_err(e, "signing a certification request");
	*ret = TAKE(req);
	return 0;
}

/* Appends the DER. */
static int put_der(X509_REQ *req, struct buf *der, struct err *e)
{
	uint8_t *p = NULL;
	int n = i2d_X509_REQ(req, &p);
	if (n <= 0)
		return ossl_err(e, "encoding a certification request");
	buf_put(der, p, (size_t)n);
	OPENSSL_free(p);
	return buf_check(der, "a certification request", e);
}

int x509_csr(
	const struct key *k, const struct strv *names, const struct x509_csr_options *o, struct buf *der, struct err *e)
{
	AUTO(ossl_req_freep) X509_REQ *req = NULL;
	return make(k, names, o, &req, e) ? -1 : put_der(req, der, e);
}

int x509_request(enum key_type t, const struct secret *old_key, const struct strv *names,
	const struct x509_csr_options *o, struct x509_request *ret, struct err *e)
{
	AUTO(key_freep) struct key *k = NULL;
	AUTO(ossl_req_freep) X509_REQ *req = NULL;
	AUTO(x509_request_done) struct x509_request r = {0};
	AUTO(buf_done) struct buf der = buf_make(BUF_MAX_SMALL_FILE);
	if (old_key->n ? key_from_pem(old_key->p, old_key->n, "the key in use", &k, e)
		       : key_generate_for_request(t, &k, e))
		return -1;
	if (key_to_pem(k, &r.key_pem, e) || make(k, names, o, &req, e) || put_der(req, &der, e) ||
		san_spki_sha256(X509_REQ_get_X509_PUBKEY(req), r.spki_sha256, e))
		return -1;
	r.csr_der = secret_dup(buf_str(&der), der.n);
	*ret = r;
	r = (struct x509_request){0};
	return 0;
}

void x509_request_done(struct x509_request *r)
{
	secret_done(&r->key_pem);
	secret_done(&r->csr_der);
}

X509_REQ *csr_decode(const void *p, size_t n)
{
	enum { CSR_MAX = 256 << 10 };
	if (n > CSR_MAX)
		return NULL;
	if (!memmem(p, n, "-----BEGIN ", 11)) {
		const uint8_t *at = p, *end = at + n;
		X509_REQ *req = d2i_X509_REQ(NULL, &at, (long)n);
		if (!req || at == end)
			return req;
		X509_REQ_free(req);
		return NULL;
	}
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(p, (int)n);
	return in ? PEM_read_bio_X509_REQ(in, NULL, ossl_no_passphrase, NULL) : NULL;
}

/* The single CN of the subject: where names stood before subjectAltName. */
static int common_name(X509_REQ *req, struct strv *names, struct err *e)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return err_set(e, ERR_CRYPTO, "it asks for no names: neither subjectAltName nor a common name");
	const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	uint8_t *text = NULL;
	int n = ASN1_STRING_to_UTF8(&text, cn);
	bool ok = n > 0 && san_is_dns_name((const char *)text, (size_t)n);
	char *lower = ok ? xstrndup((const char *)text, (size_t)n) : NULL;
	OPENSSL_free(text);
	if (!ok)
		return ossl_err(e, "its common name is not a DNS name, and it has no subjectAltName");
	san_lower(lower);
	strv_add_take(names, lower);
	return 0;
}

static int read_names(X509_REQ *req, struct strv *names, struct err *e)
{
	AUTO(exts_freep) STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	int critical = -1;
	AUTO(ossl_names_freep)
	GENERAL_NAMES *san = X509V3_get_d2i(exts, NID_subject_alt_name, &critical, NULL);
	if (san && san_read(san, names, e)) {
		/* What stands in the operator's own file is no matter of protocol. */
		e->kind = ERR_CRYPTO;
		return -1;
	}
	if (names->n)
		return 0;
	/* -1: there is none. -2: there are two. Otherwise it could not be read. */
	if (!san && critical != -1)
		return ossl_err(e, "its subjectAltName cannot be read");
	return common_name(req, names, e);
}

int csr_open(const void *p, size_t n, const char *what, struct strv *names, X509_REQ **ret, struct err *e)
{
	enum { SECURITY_BITS_MIN = 112 }; /* RSA of 2048 bits */
	AUTO(ossl_req_freep) X509_REQ *req = csr_decode(p, n);
	if (!req)
		return ossl_err(e, "%s: no certification request in PEM or DER of at most 256 KiB", what);
	EVP_PKEY *pub = X509_REQ_get0_pubkey(req);
	if (!pub || X509_REQ_verify(req, pub) != 1)
		return ossl_err(e, "%s: the request's signature is not of its own key", what);
	if (EVP_PKEY_get_security_bits(pub) < SECURITY_BITS_MIN) {
		err_set(e, ERR_CRYPTO, "%s: its key has %d bits, and no CA takes so weak a key", what,
			EVP_PKEY_get_bits(pub));
		err_hint(e, "make the request with an EC key of 256 bits or more, or RSA of 2048 or more");
		return -1;
	}
	if (read_names(req, names, e))
		return err_ctx(e, "%s", what);
	*ret = TAKE(req);
	return 0;
}

int x509_csr_read(const void *p, size_t n, const char *what, struct buf *der, struct x509_csr_info *ret, struct err *e)
{
	AUTO(x509_csr_info_done) struct x509_csr_info info = {0};
	AUTO(ossl_req_freep) X509_REQ *req = NULL;
	if (csr_open(p, n, what, &info.names, &req, e))
		return -1;
	if (san_spki_sha256(X509_REQ_get_X509_PUBKEY(req), info.spki_sha256, e) || put_der(req, der, e))
		return err_ctx(e, "%s", what);
	*ret = info;
	info.names = (struct strv){0};
	return 0;
}

void x509_csr_info_done(struct x509_csr_info *i)
{
	strv_done(&i->names);
}
