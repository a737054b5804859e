/* issue.c: making certificates (RFC 5280), for the CA in a box and for tests. */
#include "crypto/issue.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

/* What all leaves of a CA have in common, made once. */
enum { LEAF_EXTS = 4 };

struct issue_ca {
	struct key *key;
	X509 *cert;
	X509_EXTENSION *leaf_exts[LEAF_EXTS];
};

void issue_ca_free(struct issue_ca *ca)
{
	if (!ca)
		return;
	key_free(ca->key);
	X509_free(ca->cert);
	for (size_t i = 0; i < LEAF_EXTS; i++)
		X509_EXTENSION_free(ca->leaf_exts[i]);
	free(ca);
}

void issue_ca_freep(struct issue_ca **ca)
{
	issue_ca_free(*ca);
	*ca = NULL;
}

static X509_EXTENSION *make_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	return X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
}

static bool add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext = make_ext(x, issuer, nid, value);
	bool ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/*
 * Puts the public key in. For EC the parts are set by hand: X509_set_pubkey() encodes the key and decodes it again to
 * see whether it went well, which costs as much as verifying a signature.
 */
static bool set_pubkey(X509 *x, const struct key *k)
{
	int curve = k->type == KEY_EC256 ? NID_X9_62_prime256v1 : k->type == KEY_EC384 ? NID_secp384r1 : NID_undef;
	uint8_t *point = NULL;
	if (curve == NID_undef)
		return X509_set_pubkey(x, k->pkey) == 1;
	size_t n = EVP_PKEY_get1_encoded_public_key(k->pkey, &point);
	if (n && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
			 OBJ_nid2obj(curve), point, (int)n))
		return true;
	OPENSSL_free(point);
	return false;
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
		  ASN1_TIME_set(X509_getm_notAfter(x), v->not_after) && set_pubkey(x, k);
	BN_free(serial);
	return ok ? TAKE(x) : NULL;
}

static bool prepare_leaves(struct issue_ca *ca)
{
	static const struct {
		int nid;
		const char *value;
	} exts[LEAF_EXTS] = {
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_authority_key_identifier, "keyid:always"},
	};
	for (size_t i = 0; i < LEAF_EXTS; i++)
		if (!(ca->leaf_exts[i] = make_ext(NULL, ca->cert, exts[i].nid, exts[i].value)))
			return false;
	return true;
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
	AUTO(issue_ca_freep) struct issue_ca *ca = xcalloc(1, sizeof(*ca));
	ca->key = key_ref(k);
	ca->cert = TAKE(x);
	if (!prepare_leaves(ca))
		return ossl_err(e, "the CA %s", name);
	*ret = TAKE(ca);
	return 0;
}

void issue_ca_pem(const struct issue_ca *ca, struct buf *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509(ca->cert, &der);
	if (n > 0)
		pem_write(out, "CERTIFICATE", der, (size_t)n);
	OPENSSL_free(der);
}

static bool add_addresses(GENERAL_NAMES *san, const struct issue_leaf_request *r)
{
	for (size_t i = 0; i < r->n_addresses; i++) {
		ASN1_OCTET_STRING *octets = a2i_IPADDRESS(r->addresses[i]);
		GENERAL_NAME *g = octets ? GENERAL_NAME_new() : NULL;
		if (!g) {
			ASN1_OCTET_STRING_free(octets);
			return false;
		}
		GENERAL_NAME_set0_value(g, GEN_IPADD, octets);
		if (!sk_GENERAL_NAME_push(san, g)) {
			GENERAL_NAME_free(g);
			return false;
		}
	}
	return true;
}

/* The SHA-1 of the public key's bits: RFC 5280 section 4.2.1.2, method 1. */
static bool add_key_id(X509 *x)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	bool ok = id && X509_pubkey_digest(x, EVP_sha1(), md, &n) && ASN1_OCTET_STRING_set(id, md, (int)n) &&
		  X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_APPEND) == 1;
	ASN1_OCTET_STRING_free(id);
	return ok;
}

static bool add_leaf_exts(X509 *x, const struct issue_ca *ca, GENERAL_NAMES *san, bool must_staple)
{
	for (size_t i = 0; i < LEAF_EXTS; i++)
		if (!X509_add_ext(x, ca->leaf_exts[i], -1))
			return false;
	/* With an empty subject the names are critical (RFC 5280 section 4.2.1.6). */
	return add_key_id(x) && X509_add1_ext_i2d(x, NID_subject_alt_name, san, 1, X509V3_ADD_APPEND) == 1 &&
	       (!must_staple || add_ext(x, ca->cert, NID_tlsfeature, "status_request"));
}

static int describe(X509 *x, const struct issue_ca *ca, const uint8_t *der, size_t n, struct issue_leaf_info *ret)
{
	AUTO(buf_done) struct buf hex = buf_make(sizeof(ret->serial) - 1), ari = buf_make(sizeof(ret->ari_id) - 1);
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca->cert);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	uint8_t octets[40], *at = octets;
	/* The tag and the length stand in front; the identifier wants the content of the DER, the leading zero too. */
	int len = ASN1_STRING_length(serial) <= 20 ? i2d_ASN1_INTEGER(serial, &at) : -1;
	if (!id || len < 3)
		return -1;
	codec_hex(&hex, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	codec_b64url(&ari, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
	buf_putc(&ari, '.');
	codec_b64url(&ari, octets + 2, (size_t)len - 2);
	if (hex.bad || ari.bad)
		return -1;
	memcpy(ret->serial, buf_str(&hex), hex.n + 1);
	memcpy(ret->ari_id, buf_str(&ari), ari.n + 1);
	jose_sha256(der, n, ret->sha256);
	return 0;
}

int issue_leaf_for(const struct issue_ca *ca, const struct key *k, const struct issue_leaf_request *r, struct buf *pem,
	struct issue_leaf_info *ret, struct err *e)
{
	AUTO(ossl_names_freep) GENERAL_NAMES *san = NULL;
	if (san_make(r->names, &san, e))
		return err_ctx(e, "issuing a certificate");
	AUTO(ossl_x509_freep) X509 *x = start(k, &r->validity);
	if (!x || !add_addresses(san, r) || !X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) ||
		!add_leaf_exts(x, ca, san, r->must_staple) || !X509_sign(x, ca->key->pkey, ca->key->md))
		return ossl_err(e, "issuing a certificate");
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	if (n > 0)
		pem_write(pem, "CERTIFICATE", der, (size_t)n);
	bool ok = n > 0 && (!ret || !describe(x, ca, der, (size_t)n, ret));
	OPENSSL_free(der);
	return ok ? buf_check(pem, "the certificate", e) : ossl_err(e, "encoding a certificate");
}

int issue_leaf(const struct issue_ca *ca, const struct key *k, const struct strv *names, const struct issue_validity *v,
	struct buf *pem, struct err *e)
{
	struct issue_leaf_request r = {.names = names, .validity = *v};
	return issue_leaf_for(ca, k, &r, pem, NULL, e);
}

static void exts_freep(STACK_OF(X509_EXTENSION) * *p)
{
	sk_X509_EXTENSION_pop_free(*p, X509_EXTENSION_free);
}

int issue_csr_read(
	const void *csr, size_t n, struct strv *names, struct key **ret_key, bool *ret_must_staple, struct err *e)
{
	static const char what[] = "the certification request";
	AUTO(ossl_req_freep) X509_REQ *req = NULL;
	if (csr_open(csr, n, what, names, &req, e))
		return -1;
	AUTO(exts_freep) STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	*ret_must_staple = exts && X509v3_get_ext_by_NID(exts, NID_tlsfeature, -1) >= 0;
	EVP_PKEY *pub = X509_REQ_get_pubkey(req);
	return pub ? key_wrap(pub, false, what, ret_key, e) : ossl_err(e, "%s has no public key", what);
}

int issue_csr_key(const void *csr, size_t n, struct key **ret, struct err *e)
{
	AUTO(ossl_req_freep) X509_REQ *req = csr_decode(csr, n);
	EVP_PKEY *pub = req ? X509_REQ_get_pubkey(req) : NULL;
	if (!pub)
		return ossl_err(e, "no certification request with a public key");
	return key_wrap(pub, false, "the certification request", ret, e);
}
