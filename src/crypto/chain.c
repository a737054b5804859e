/* chain.c: certificate chains as a CA hands them out: reading, ordering, describing (RFC 5280, RFC 8555 section 9.1).
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/xalloc.h"
#include "crypto/internal.h"
#include "crypto/x509.h"

enum { CHAIN_MAX = 10 };

/* Immutable once it is read, so that several may share it. */
struct x509_chain {
	atomic_uint refs;
	X509 *certs[CHAIN_MAX]; /* owned; the leaf first */
	size_t n;
	struct x509_info info;
	char *pem; /* of all */
	size_t leaf_pem_n; /* octets of the leaf's in it */
};

void x509_chain_free(struct x509_chain *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->certs[i]);
	strv_done(&c->info.names);
	free(c->info.issuer);
	free(c->info.ari_id);
	free(c->pem);
	free(c);
}

struct x509_chain *x509_chain_ref(struct x509_chain *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void x509_chain_freep(struct x509_chain **c)
{
	x509_chain_free(*c);
	*c = NULL;
}

/* --- Reading --- */

static size_t space_len(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && memchr(" \t\r\n", p[i], 4))
		i++;
	return i;
}

/* Says what stands where a certificate should, without showing it: it may be a key. */
static int wrong_content(const char *p, size_t n, size_t at, struct err *e)
{
	static const char dashes[] = "-----BEGIN ";
	size_t lead = sizeof(dashes) - 1, len = 0;
	if (n > lead && !memcmp(p, dashes, lead)) {
		while (lead + len < n && len < 40 && p[lead + len] != '-' && p[lead + len] != '\n')
			len++;
		return err_set(e, ERR_PROTO, "the chain holds a PEM block \"%.*s\", only certificates belong there",
			(int)len, p + lead);
	}
	return err_set(e, ERR_PROTO, "the chain holds something other than PEM certificates at octet %zu", at);
}

/* The certificate's DER; the caller frees it with OPENSSL_free(). OpenSSL kept it from reading. */
static size_t der_of(X509 *x, uint8_t **ret)
{
	*ret = NULL;
	int n = i2d_X509(x, ret);
	return n > 0 ? (size_t)n : 0;
}

/* The certificate above a leaf that has this DER, shared; or NULL. */
static X509 *share(const struct x509_chain *known, const uint8_t *der, size_t n)
{
	for (size_t i = 1; known && i < known->n; i++) {
		uint8_t *have;
		bool same = der_of(known->certs[i], &have) == n && !memcmp(have, der, n);
		OPENSSL_free(have);
		if (same && X509_up_ref(known->certs[i]))
			return known->certs[i];
	}
	return NULL;
}

static X509 *decode(const uint8_t *der, long n, OSSL_LIB_CTX *lib)
{
	const uint8_t *at = der;
	X509 *x = X509_new_ex(lib, NULL);
	if (x && d2i_X509(&x, &at, n) && at == der + n)
		return x;
	X509_free(x); /* which d2i_X509() has made NULL when it failed */
	return NULL;
}

static X509 *decode_with_key(const uint8_t *der, long n)
{
	X509 *x = decode(der, n, quick_lib());
	if (!x || X509_get0_pubkey(x))
		return x;
	/* A key that the quick context does not know. */
	ERR_clear_error();
	X509_free(x);
	return decode(der, n, NULL);
}

/* Reads the PEM block of n octets at p. first: it is the first of the chain. */
static X509 *read_block(const char *p, size_t n, bool first, const struct x509_chain *known)
{
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	long der_n = 0;
	X509 *x = NULL;
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(p, (int)n);
	if (in && PEM_read_bio(in, &name, &header, &der, &der_n) && !*header) {
		x = first ? decode(der, der_n, quick_keyless_lib()) : share(known, der, (size_t)der_n);
		if (!x && !first)
			x = decode_with_key(der, der_n);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return x;
}

/* Whether what follows the leaf is text for text what follows that of known; then it is shared. */
static bool share_rest(const char *p, size_t n, const struct x509_chain *known, struct x509_chain *c)
{
	const char *rest = known ? known->pem + known->leaf_pem_n : "";
	if (!*rest || strlen(rest) != n || memcmp(rest, p, n) != 0)
		return false;
	for (size_t i = 1; i < known->n && X509_up_ref(known->certs[i]); i++)
		c->certs[c->n++] = known->certs[i];
	return true;
}

static int read_certs(const char *p, size_t n, const struct x509_chain *known, struct x509_chain *c, struct err *e)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	size_t at = space_len(p, n);
	while (at < n) {
		if (n - at < sizeof(begin) - 1 || memcmp(p + at, begin, sizeof(begin) - 1) != 0)
			return wrong_content(p + at, n - at, at + 1, e);
		const char *stop = memmem(p + at, n - at, end, sizeof(end) - 1);
		if (!stop)
			return err_set(e, ERR_PROTO, "certificate %zu of the chain is cut off", c->n + 1);
		if (c->n == CHAIN_MAX)
			return err_set(e, ERR_PROTO, "the chain has more than %d certificates", CHAIN_MAX);
		size_t len = (size_t)(stop - (p + at)) + sizeof(end) - 1;
		X509 *x = read_block(p + at, len, c->n == 0, known);
		if (!x) {
			ossl_err(e, "certificate %zu of the chain cannot be read", c->n + 1);
			e->kind = ERR_PROTO;
			return -1;
		}
		c->certs[c->n++] = x;
		at += len;
		at += space_len(p + at, n - at);
		if (c->n == 1 && share_rest(p + at, n - at, known, c))
			break;
	}
	if (!c->n)
		return err_set(e, ERR_PROTO, "the chain is empty");
	return 0;
}

/* --- Ordering --- */

static bool issued(X509 *issuer, X509 *x)
{
	return X509_check_issued(issuer, x) == X509_V_OK;
}

static void swap(X509 **a, X509 **b)
{
	X509 *t = *a;
	*a = *b;
	*b = t;
}

/* Moves the certificate that issued no other one to the front. */
static void find_leaf(struct x509_chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		bool issues = false;
		for (size_t j = 0; j < c->n && !issues; j++)
			issues = i != j && issued(c->certs[i], c->certs[j]);
		if (!issues) {
			swap(&c->certs[0], &c->certs[i]);
			return;
		}
	}
}

/* The first certificate is the leaf, and was read without its key; unless the chain is out of order. */
static int decode_first_again(struct x509_chain *c)
{
	uint8_t *der;
	long n = (long)der_of(c->certs[0], &der);
	X509 *x = decode_with_key(der, n);
	OPENSSL_free(der);
	if (!x)
		return -1;
	X509_free(c->certs[0]);
	c->certs[0] = x;
	return 0;
}

/*
 * What came in order is left alone: with cross-signed roots there may be several orders, and the CA knows which one it
 * means.
 */
static int put_in_order(struct x509_chain *c, struct err *e)
{
	size_t good = 1;
	while (good < c->n && issued(c->certs[good], c->certs[good - 1]))
		good++;
	if (good == c->n)
		return 0;
	if (decode_first_again(c))
		return ossl_err(e, "certificate 1 of the chain cannot be read");
	find_leaf(c);
	for (size_t i = 1; i < c->n; i++) {
		size_t j = i;
		while (j < c->n && !issued(c->certs[j], c->certs[i - 1]))
			j++;
		if (j == c->n)
			return err_set(e, ERR_PROTO,
				"the chain does not link: after %zu of %zu certificates none that is left is the "
				"issuer",
				i, c->n);
		swap(&c->certs[i], &c->certs[j]);
	}
	return 0;
}

/* --- Describing --- */

static int read_time(const ASN1_TIME *t, int64_t *ret, struct err *e)
{
	struct tm tm;
	if (!ASN1_TIME_to_tm(t, &tm)) {
		ERR_clear_error();
		return err_set(e, ERR_PROTO, "a certificate's time cannot be read");
	}
	*ret = clock_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return 0;
}

static int read_san(const X509 *x, struct strv *ret, struct err *e)
{
	int critical;
	AUTO(ossl_names_freep) GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
	if (!san) {
		ERR_clear_error();
		return err_set(e, ERR_PROTO, "the certificate has no subjectAltName that can be read");
	}
	return san_read(san, ret, e);
}

static char *one_line(const X509_NAME *name)
{
	/* UTF-8 stays as it is, controls are escaped. */
	unsigned long flags = XN_FLAG_ONELINE & ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | XN_FLAG_SPC_EQ);
	AUTO(ossl_bio_freep) BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	if (!out || X509_NAME_print_ex(out, name, 0, flags) < 0)
		return xstrdup("");
	long n = BIO_get_mem_data(out, &p);
	return n > 0 ? xstrndup(p, (size_t)n) : xstrdup("");
}

/* The serial in hexadecimal, and the ARI identifier (RFC 9773 section 4.1), which wants the content octets of its DER.
 */
static int read_serial(X509 *x, struct x509_info *info, struct err *e)
{
	AUTO(buf_done) struct buf hex = buf_make(sizeof(info->serial) - 1), ari = buf_make(1024);
	uint8_t der[40], *at = der;
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	/* RFC 5280 section 4.1.2.2 allows 20 octets. One octet of tag and one of length stand in front. */
	int n = ASN1_STRING_length(serial) <= 30 ? i2d_ASN1_INTEGER(serial, &at) : -1;
	if (n < 3)
		return err_set(e, ERR_PROTO, "the certificate's serial number is longer than 30 octets");
	size_t pad = der[2] == 0 && n > 3;
	codec_hex(&hex, der + 2 + pad, (size_t)n - 2 - pad);
	memcpy(info->serial, buf_str(&hex), hex.n + 1);
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
	if (aki) {
		codec_b64url(&ari, ASN1_STRING_get0_data(aki), (size_t)ASN1_STRING_length(aki));
		buf_putc(&ari, '.');
		codec_b64url(&ari, der + 2, (size_t)n - 2);
	}
	if (buf_check(&ari, "the authority key identifier", e))
		return -1;
	info->ari_id = buf_take(&ari);
	return 0;
}

static int describe(struct x509_chain *c, struct err *e)
{
	AUTO(buf_done) struct buf hex = buf_make(64);
	X509 *leaf = c->certs[0];
	uint8_t *der, hash[32];
	size_t n = der_of(leaf, &der);
	jose_sha256(der, n, hash);
	OPENSSL_free(der);
	codec_hex(&hex, hash, sizeof(hash));
	memcpy(c->info.sha256, buf_str(&hex), sizeof(c->info.sha256));
	c->info.issuer = one_line(X509_get_issuer_name(leaf));
	if (read_time(X509_get0_notBefore(leaf), &c->info.not_before, e) ||
		read_time(X509_get0_notAfter(leaf), &c->info.not_after, e) || read_san(leaf, &c->info.names, e) ||
		read_serial(leaf, &c->info, e))
		return -1;
	return san_spki_sha256(X509_get_X509_PUBKEY(leaf), c->info.spki_sha256, e);
}

/* The chain as PEM again: in order, and without what PEM leaves open. */
static int write_pem(struct x509_chain *c, struct err *e)
{
	AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_CHAIN);
	for (size_t i = 0; i < c->n; i++) {
		uint8_t *der;
		size_t n = der_of(c->certs[i], &der);
		pem_write(&pem, "CERTIFICATE", der, n);
		OPENSSL_free(der);
		if (!i)
			c->leaf_pem_n = pem.n;
	}
	if (buf_check(&pem, "the chain", e))
		return -1;
	c->pem = buf_take(&pem);
	return 0;
}

int x509_chain_parse(const void *pem, size_t n, struct x509_chain **ret, struct err *e)
{
	return x509_chain_parse_like(pem, n, NULL, ret, e);
}

int x509_chain_parse_like(
	const void *pem, size_t n, const struct x509_chain *known, struct x509_chain **ret, struct err *e)
{
	if (n > BUF_MAX_CHAIN)
		return err_set(e, ERR_PROTO, "a chain of %zu octets is larger than %d", n, BUF_MAX_CHAIN);
	AUTO(x509_chain_freep) struct x509_chain *c = xcalloc(1, sizeof(*c));
	atomic_init(&c->refs, 1);
	if (read_certs(pem, n, known, c, e) || put_in_order(c, e) || describe(c, e) || write_pem(c, e))
		return -1;
	*ret = TAKE(c);
	return 0;
}

const struct x509_info *x509_chain_info(const struct x509_chain *c)
{
	return &c->info;
}

static bool name_has_cn(const X509_NAME *name, const char *cn)
{
	for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) {
		uint8_t *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
		bool same = n >= 0 && (size_t)n == strlen(cn) && !memcmp(text, cn, (size_t)n);
		OPENSSL_free(text);
		if (same)
			return true;
	}
	ERR_clear_error();
	return false;
}

bool x509_chain_has_issuer(const struct x509_chain *c, const char *cn)
{
	/* The subject of each certificate above the leaf is the issuer of the one below it. */
	for (size_t i = 0; i < c->n; i++)
		if (name_has_cn(X509_get_issuer_name(c->certs[i]), cn))
			return true;
	return false;
}

void x509_chain_pem_leaf(const struct x509_chain *c, struct buf *out)
{
	buf_put(out, c->pem, c->leaf_pem_n);
}

void x509_chain_pem_rest(const struct x509_chain *c, struct buf *out)
{
	buf_puts(out, c->pem + c->leaf_pem_n);
}

void x509_chain_pem_all(const struct x509_chain *c, struct buf *out)
{
	buf_puts(out, c->pem);
}

/* --- Checking --- */

static bool leaf_is_for(const struct x509_chain *c, const struct key *k)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->certs[0]), &der);
	const uint8_t *at = der;
	AUTO(ossl_pkey_freep) EVP_PKEY *pub = n > 0 ? d2i_PUBKEY(NULL, &at, n) : NULL;
	OPENSSL_free(der);
	return pub && EVP_PKEY_eq(pub, k->pkey) == 1;
}

static int check_key(const struct x509_chain *c, const struct key *k, const char *spki_sha256, struct err *e)
{
	bool same = k ? leaf_is_for(c, k) : spki_sha256 && !strcmp(spki_sha256, c->info.spki_sha256);
	ERR_clear_error();
	return same ? 0 : err_set(e, ERR_CRYPTO, "the certificate is not for our key but for another one");
}

static int check_names(const struct x509_chain *c, const struct strv *names, struct err *e)
{
	if (strv_same_set(&c->info.names, names))
		return 0;
	AUTO(xfreep) char *got = strv_join(&c->info.names, " ");
	AUTO(xfreep) char *want = strv_join(names, " ");
	return err_set(e, ERR_CRYPTO, "the certificate is for other names: %.300s, ordered: %.300s", got, want);
}

static int check_times(X509 *x, size_t at, int64_t now_s, struct err *e)
{
	enum { CLOCK_DIFFERENCE_S = 3600 };
	char when[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];
	int64_t from, to;
	if (read_time(X509_get0_notBefore(x), &from, e) || read_time(X509_get0_notAfter(x), &to, e))
		return -1;
	clock_rfc3339(now_s, now);
	if (now_s + CLOCK_DIFFERENCE_S < from) {
		clock_rfc3339(from, when);
		err_set(e, ERR_CRYPTO, "certificate %zu of the chain is valid from %s only, it is %s here", at, when,
			now);
		err_hint(e, "compare this machine's clock with the CA's");
		return -1;
	}
	if (now_s > to) {
		clock_rfc3339(to, when);
		err_set(e, ERR_CRYPTO, "certificate %zu of the chain expired at %s, it is %s here", at, when, now);
		err_hint(e, "compare this machine's clock with the CA's");
		return -1;
	}
	return 0;
}

int x509_chain_check(const struct x509_chain *c, const struct key *k, const char *spki_sha256, const struct strv *names,
	int64_t now_s, struct err *e)
{
	if (check_key(c, k, spki_sha256, e) || check_names(c, names, e))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		/* A root at the end is trusted or not for what it is; its dates and signature say nothing. */
		bool root = i && issued(c->certs[i], c->certs[i]);
		if (!root && check_times(c->certs[i], i + 1, now_s, e))
			return -1;
		EVP_PKEY *pub = i + 1 < c->n ? X509_get0_pubkey(c->certs[i + 1]) : NULL;
		if (i + 1 < c->n && (!pub || X509_verify(c->certs[i], pub) != 1)) {
			ERR_clear_error();
			return err_set(
				e, ERR_CRYPTO, "certificate %zu of the chain is not signed by the next one", i + 1);
		}
	}
	return 0;
}
