/* jwk.c: keys as JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) and their thumbprints (RFC 7638). */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

enum { NUMBER_MAX = 512 }; /* octets of an RSA modulus of 4096 bits */

/* Appends ,"name":"base64url of the number" with len octets, or as few as it needs when len is 0. */
static int put_number(
	struct buf *out, const EVP_PKEY *pkey, const char *param, const char *name, int len, struct err *e)
{
	uint8_t octets[NUMBER_MAX];
	BIGNUM *bn = NULL;
	int n = -1;
	if (EVP_PKEY_get_bn_param(pkey, param, &bn) && BN_num_bytes(bn) <= NUMBER_MAX)
		n = BN_bn2binpad(bn, octets, len ? len : BN_num_bytes(bn));
	BN_free(bn);
	if (n < 0)
		return ossl_err(e, "reading the number %s of a public key", name);
	buf_printf(out, "\"%s\":\"", name);
	codec_b64url(out, octets, (size_t)n);
	buf_putc(out, '"');
	return 0;
}

static int put_ec(struct buf *out, const struct key *k, struct err *e)
{
	int len = k->type == KEY_EC256 ? 32 : 48;
	buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"EC\",", k->type == KEY_EC256 ? "P-256" : "P-384");
	if (put_number(out, k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, "x", len, e))
		return -1;
	buf_putc(out, ',');
	if (put_number(out, k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, "y", len, e))
		return -1;
	buf_putc(out, '}');
	return 0;
}

static int put_rsa(struct buf *out, const struct key *k, struct err *e)
{
	buf_putc(out, '{');
	if (put_number(out, k->pkey, OSSL_PKEY_PARAM_RSA_E, "e", 0, e))
		return -1;
	buf_puts(out, ",\"kty\":\"RSA\",");
	if (put_number(out, k->pkey, OSSL_PKEY_PARAM_RSA_N, "n", 0, e))
		return -1;
	buf_putc(out, '}');
	return 0;
}

static int put_ed25519(struct buf *out, const struct key *k, struct err *e)
{
	uint8_t x[32];
	size_t n = sizeof(x);
	if (!EVP_PKEY_get_raw_public_key(k->pkey, x, &n) || n != sizeof(x))
		return ossl_err(e, "reading an Ed25519 public key");
	buf_puts(out, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
	codec_b64url(out, x, n);
	buf_puts(out, "\"}");
	return 0;
}

int jwk_fill(struct key *k, struct err *e)
{
	AUTO(buf_done) struct buf out = buf_make(2048);
	AUTO(buf_done) struct buf print = buf_make(64);
	uint8_t hash[32];
	int bad;
	if (k->type == KEY_EC256 || k->type == KEY_EC384)
		bad = put_ec(&out, k, e);
	else if (k->type == KEY_ED25519)
		bad = put_ed25519(&out, k, e);
	else
		bad = put_rsa(&out, k, e);
	if (bad || buf_check(&out, "a JWK", e))
		return -1;
	k->jwk_n = out.n;
	k->jwk = buf_take(&out);
	jose_sha256(k->jwk, k->jwk_n, hash);
	codec_b64url(&print, hash, sizeof(hash));
	memcpy(k->thumbprint, buf_str(&print), JOSE_THUMBPRINT_LEN);
	return 0;
}

int jose_jwk(const struct key *k, struct buf *out, struct err *e)
{
	buf_put(out, k->jwk, k->jwk_n);
	return buf_check(out, "a JWK", e);
}

int jose_thumbprint(const struct key *k, char ret[static JOSE_THUMBPRINT_LEN + 1], struct err *e)
{
	(void)e;
	memcpy(ret, k->thumbprint, JOSE_THUMBPRINT_LEN + 1);
	return 0;
}

/* --- Reading. A JWK is a flat object of plain strings, so it needs no general JSON parser. --- */

struct text {
	const char *p;
	size_t n;
};

enum jwk_member {
	JWK_KTY,
	JWK_CRV,
	JWK_X,
	JWK_Y,
	JWK_N,
	JWK_E,
	JWK_D, /* from here on private: RFC 7518 sections 6.2.2 and 6.3.2 */
	JWK_P,
	JWK_Q,
	JWK_DP,
	JWK_DQ,
	JWK_QI,
	JWK_MEMBERS
};
static const char *const member_names[JWK_MEMBERS] = {
	"kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"};

static void skip_space(struct text *t)
{
	while (t->n && memchr(" \t\r\n", *t->p, 4)) {
		t->p++;
		t->n--;
	}
}

/* Whether c comes next (white space apart); if so it is taken. */
static bool take(struct text *t, char c)
{
	skip_space(t);
	if (!t->n || *t->p != c)
		return false;
	t->p++;
	t->n--;
	return true;
}

static bool take_string(struct text *t, struct text *ret)
{
	if (!take(t, '"'))
		return false;
	*ret = (struct text){t->p, 0};
	while (t->n && *t->p != '"') {
		if ((unsigned char)*t->p < 0x20 || *t->p == '\\')
			return false;
		ret->n++;
		t->p++;
		t->n--;
	}
	return take(t, '"');
}

/* A string, or an array of strings ("key_ops", "x5c"), whose content nobody here wants. */
static bool take_value(struct text *t, struct text *ret)
{
	*ret = (struct text){NULL, 0};
	if (!take(t, '['))
		return take_string(t, ret);
	struct text ignored;
	if (take(t, ']'))
		return true;
	do {
		if (!take_string(t, &ignored))
			return false;
	} while (take(t, ','));
	return take(t, ']');
}

static bool text_is(const struct text *t, const char *s)
{
	return t->p && t->n == strlen(s) && !memcmp(t->p, s, t->n);
}

static bool read_members(struct text *t, struct text m[static JWK_MEMBERS])
{
	if (!take(t, '{'))
		return false;
	do {
		struct text name, value;
		if (!take_string(t, &name) || !take(t, ':') || !take_value(t, &value))
			return false;
		for (size_t i = 0; i < JWK_MEMBERS; i++)
			if (text_is(&name, member_names[i])) {
				if (m[i].p || !value.p)
					return false;
				m[i] = value;
			}
	} while (take(t, ','));
	if (!take(t, '}'))
		return false;
	skip_space(t);
	return t->n == 0;
}

/* Decodes a required number into out. */
static int number(const struct text m[static JWK_MEMBERS], enum jwk_member which, struct buf *out, struct err *e)
{
	if (!m[which].p)
		return err_set(e, ERR_CRYPTO, "the JWK has no \"%s\"", member_names[which]);
	if (codec_b64url_decode(out, m[which].p, m[which].n, e))
		return err_ctx(e, "member \"%s\" of the JWK", member_names[which]);
	return 0;
}

/* Makes a key of the type, with the private part or without, from what was put into bld, which it takes. */
static int build(const char *type, bool private, OSSL_PARAM_BLD *bld, bool ok, struct key **ret, struct err *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = ok ? OSSL_PARAM_BLD_to_param(bld) : NULL;
	EVP_PKEY *pkey = NULL;
	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &pkey, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	if (!pkey)
		return ossl_err(e, "the JWK is no %s key of the type %s", private ? "private" : "public", type);
	return key_wrap(pkey, private, "the JWK", ret, e);
}

/* Puts a private number into bld, in memory that is wiped when it is released. *ret must live until build() is done. */
static int push_secret(const struct text m[static JWK_MEMBERS], enum jwk_member which, const char *param,
	OSSL_PARAM_BLD *bld, BIGNUM **ret, struct err *e)
{
	AUTO(buf_wipe) struct buf octets = buf_make(NUMBER_MAX);
	if (number(m, which, &octets, e))
		return -1;
	*ret = BN_secure_new();
	if (!*ret || !BN_bin2bn((const uint8_t *)buf_str(&octets), (int)octets.n, *ret) ||
		!OSSL_PARAM_BLD_push_BN(bld, param, *ret))
		return ossl_err(e, "member \"%s\" of the JWK", member_names[which]);
	return 0;
}

static int read_ec(const struct text m[static JWK_MEMBERS], bool private, struct key **ret, struct err *e)
{
	bool p256 = text_is(&m[JWK_CRV], "P-256");
	size_t len = p256 ? 32 : 48;
	if (!p256 && !text_is(&m[JWK_CRV], "P-384"))
		return err_set(e, ERR_CRYPTO, "the JWK's curve is neither P-256 nor P-384");
	AUTO(buf_done) struct buf point = buf_make(NUMBER_MAX);
	buf_putc(&point, 4); /* uncompressed, SEC 1 section 2.3.3 */
	if (number(m, JWK_X, &point, e))
		return -1;
	size_t x_n = point.n - 1;
	if (number(m, JWK_Y, &point, e))
		return -1;
	if (x_n != len || point.n != 1 + 2 * len)
		return err_set(e, ERR_CRYPTO, "the JWK's coordinates do not have %zu octets each", len);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	bool ok = bld &&
		  OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, p256 ? "P-256" : "P-384", 0) &&
		  OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
	BIGNUM *d = NULL;
	int got = -1;
	if (private && ok && push_secret(m, JWK_D, OSSL_PKEY_PARAM_PRIV_KEY, bld, &d, e))
		OSSL_PARAM_BLD_free(bld);
	else
		got = build("EC", private, bld, ok, ret, e);
	BN_clear_free(d);
	return got;
}

/* All numbers of a private RSA key: without the primes OpenSSL would sign slowly, and open to timing attacks. */
static int push_rsa_secrets(
	const struct text m[static JWK_MEMBERS], OSSL_PARAM_BLD *bld, BIGNUM *bn[static JWK_MEMBERS], struct err *e)
{
	static const char *const params[JWK_MEMBERS] = {[JWK_D] = OSSL_PKEY_PARAM_RSA_D,
		[JWK_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
		[JWK_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
		[JWK_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
		[JWK_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
		[JWK_QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
	for (unsigned i = JWK_D; i < JWK_MEMBERS; i++)
		if (push_secret(m, (enum jwk_member)i, params[i], bld, &bn[i], e))
			return -1;
	return 0;
}

static int read_rsa(const struct text m[static JWK_MEMBERS], bool private, struct key **ret, struct err *e)
{
	AUTO(buf_done) struct buf n = buf_make(NUMBER_MAX), x = buf_make(8);
	if (number(m, JWK_N, &n, e) || number(m, JWK_E, &x, e))
		return -1;
	BIGNUM *bn_n = BN_bin2bn((const uint8_t *)buf_str(&n), (int)n.n, NULL);
	BIGNUM *bn_e = BN_bin2bn((const uint8_t *)buf_str(&x), (int)x.n, NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	bool ok = bn_n && bn_e && bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
		  OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e);
	BIGNUM *secrets[JWK_MEMBERS] = {NULL};
	int got = -1;
	if (private && ok && push_rsa_secrets(m, bld, secrets, e))
		OSSL_PARAM_BLD_free(bld);
	else
		got = build("RSA", private, bld, ok, ret, e);
	BN_free(bn_n);
	BN_free(bn_e);
	for (unsigned i = 0; i < JWK_MEMBERS; i++)
		BN_clear_free(secrets[i]);
	return got;
}

static int read_okp(const struct text m[static JWK_MEMBERS], struct key **ret, struct err *e)
{
	AUTO(buf_done) struct buf x = buf_make(NUMBER_MAX);
	if (!text_is(&m[JWK_CRV], "Ed25519"))
		return err_set(e, ERR_CRYPTO, "the JWK's curve is not Ed25519");
	if (number(m, JWK_X, &x, e))
		return -1;
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const uint8_t *)buf_str(&x), x.n);
	if (!pkey)
		return ossl_err(e, "the JWK is no public key of the type Ed25519");
	return key_wrap(pkey, false, "the JWK", ret, e);
}

int jose_key_from_jwk(const char *jwk, size_t n, struct key **ret, struct err *e)
{
	struct text t = {jwk, n}, m[JWK_MEMBERS] = {{NULL, 0}};
	if (!read_members(&t, m))
		return err_set(e, ERR_PARSE, "the JWK is no object of strings");
	if (m[JWK_D].p)
		return err_set(e, ERR_CRYPTO, "the JWK holds a private key");
	if (text_is(&m[JWK_KTY], "EC"))
		return read_ec(m, false, ret, e);
	if (text_is(&m[JWK_KTY], "RSA"))
		return read_rsa(m, false, ret, e);
	if (text_is(&m[JWK_KTY], "OKP"))
		return read_okp(m, ret, e);
	return err_set(e, ERR_CRYPTO, "the JWK's type is not EC, RSA or OKP");
}

int jose_private_key_from_jwk(const char *jwk, size_t n, const char *what, struct key **ret, struct err *e)
{
	struct text t = {jwk, n}, m[JWK_MEMBERS] = {{NULL, 0}};
	AUTO(key_freep) struct key *k = NULL;
	AUTO(secret_done) struct secret pem = {0};
	int bad;
	if (!read_members(&t, m))
		bad = err_set(e, ERR_PARSE, "the JWK is no object of strings");
	else if (text_is(&m[JWK_KTY], "EC"))
		bad = read_ec(m, true, &k, e);
	else if (text_is(&m[JWK_KTY], "RSA"))
		bad = read_rsa(m, true, &k, e);
	else
		bad = err_set(e, ERR_CRYPTO, "the JWK's type is neither EC nor RSA");
	if (bad)
		return err_ctx(e, "%s", what);
	/* By way of PEM, which is also where it is looked at whether the two parts belong together. */
	return key_to_pem(k, &pem, e) || key_from_pem(pem.p, pem.n, what, ret, e) ? -1 : 0;
}
