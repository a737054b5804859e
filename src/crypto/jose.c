/* jose.c: flattened JWS with signatures and HMAC (RFC 7515 section 7.2.2, RFC 8555 sections 6.2 and 7.3.4). */
#include "crypto/jose.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

enum { JWS_MAX = 4 << 20, MAC_MAX = 64 };

const char *jose_alg(const struct key *k)
{
	switch (k->type) {
	case KEY_EC256:
		return "ES256";
	case KEY_EC384:
		return "ES384";
	case KEY_ED25519:
		return "EdDSA";
	case KEY_RSA2048:
	case KEY_RSA3072:
	case KEY_RSA4096:
	case KEY_TYPE_N_:
		break;
	}
	return "RS256";
}

void jose_sha256(const void *p, size_t n, uint8_t out[static 32])
{
	/* It fails only when memory is short or OpenSSL is broken. */
	if (!EVP_Digest(p, n, out, NULL, quick_sha256(), NULL))
		abort();
}

/* Appends ,"name":"s": what a server gave us as URL or nonce goes back as it came, so it needs escaping. */
static void put_member(struct buf *out, const char *name, const char *s)
{
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "\":\"");
	while (*s) {
		size_t n = 0;
		while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		buf_put(out, s, n);
		s += n;
		if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s++);
		else if (*s)
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*s++);
	}
	buf_putc(out, '"');
}

/* Puts protected.payload, what is signed, into ret. */
static int signing_input(struct buf *ret, const struct buf *header, const void *payload, size_t n, struct err *e)
{
	if (buf_check(header, "a JWS header", e))
		return -1;
	codec_b64url(ret, header->p, header->n);
	buf_putc(ret, '.');
	codec_b64url(ret, payload, n);
	return buf_check(ret, "a JWS", e);
}

/* Appends the JWS: input is cut at its dot. */
static int put_jws(struct buf *out, const struct buf *input, const uint8_t *sig, size_t sig_n, struct err *e)
{
	size_t dot = (size_t)((const char *)memchr(input->p, '.', input->n) - input->p);
	buf_puts(out, "{\"protected\":\"");
	buf_put(out, input->p, dot);
	buf_puts(out, "\",\"payload\":\"");
	buf_put(out, input->p + dot + 1, input->n - dot - 1);
	buf_puts(out, "\",\"signature\":\"");
	codec_b64url(out, sig, sig_n);
	buf_puts(out, "\"}");
	return buf_check(out, "a JWS", e);
}

int jose_sign(const struct key *k, const struct jose_request *r, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf header = buf_make(JWS_MAX), input = buf_make(JWS_MAX);
	uint8_t sig[SIG_MAX];
	size_t sig_n;
	buf_puts(&header, "{\"alg\":\"");
	buf_puts(&header, jose_alg(k));
	buf_putc(&header, '"');
	if (r->kid) {
		put_member(&header, "kid", r->kid);
	} else {
		buf_puts(&header, ",\"jwk\":");
		buf_put(&header, k->jwk, k->jwk_n);
	}
	if (r->nonce)
		put_member(&header, "nonce", r->nonce);
	put_member(&header, "url", r->url);
	buf_putc(&header, '}');
	if (signing_input(&input, &header, r->payload, r->payload_n, e) ||
		sign_jws(k, input.p, input.n, sig, &sig_n, e))
		return -1;
	return put_jws(out, &input, sig, sig_n, e);
}

int jose_jwt(const struct key *k, const char *kid, const void *claims, size_t n, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf header = buf_make(JWS_MAX), input = buf_make(JWS_MAX);
	uint8_t sig[SIG_MAX];
	size_t sig_n;
	buf_printf(&header, "{\"alg\":\"%s\",\"typ\":\"JWT\"", jose_alg(k));
	if (kid)
		put_member(&header, "kid", kid);
	buf_putc(&header, '}');
	if (signing_input(&input, &header, claims, n, e) || sign_jws(k, input.p, input.n, sig, &sig_n, e))
		return -1;
	buf_put(out, input.p, input.n);
	buf_putc(out, '.');
	codec_b64url(out, sig, sig_n);
	return buf_check(out, "a JWT", e);
}

static int hmac(const void *key, size_t key_n, const char *alg, const struct buf *input, uint8_t mac[static MAC_MAX],
	size_t *ret_n, struct err *e)
{
	static const char *const algs[][2] = {{"HS256", "SHA2-256"}, {"HS384", "SHA2-384"}, {"HS512", "SHA2-512"}};
	const char *md = NULL;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (!strcmp(algs[i][0], alg))
			md = algs[i][1];
	if (!md)
		return err_set(e, ERR_CRYPTO, "HMAC algorithm %s is not HS256, HS384 or HS512", alg);
	if (!key_n)
		return err_set(e, ERR_CRYPTO, "the HMAC key is empty");
	if (!EVP_Q_mac(
		    NULL, "HMAC", NULL, md, NULL, key, key_n, (const uint8_t *)input->p, input->n, mac, MAC_MAX, ret_n))
		return ossl_err(e, "computing an HMAC");
	return 0;
}

int jose_eab(const struct key *account, const char *kid, const void *hmac_key, size_t hmac_n, const char *alg,
	const char *url, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf header = buf_make(JWS_MAX), input = buf_make(JWS_MAX);
	uint8_t mac[MAC_MAX];
	size_t mac_n;
	buf_puts(&header, "{\"alg\":\"");
	buf_puts(&header, alg);
	buf_putc(&header, '"');
	put_member(&header, "kid", kid);
	put_member(&header, "url", url);
	buf_putc(&header, '}');
	if (signing_input(&input, &header, account->jwk, account->jwk_n, e) ||
		hmac(hmac_key, hmac_n, alg, &input, mac, &mac_n, e))
		return err_ctx(e, "external account binding");
	return put_jws(out, &input, mac, mac_n, e);
}

/* Puts protected.payload into input and the signature's octets into sig. */
static int open_jws(const struct jose_jws *jws, struct buf *input, struct buf *sig, struct err *e)
{
	buf_puts(input, jws->protected_b64);
	buf_putc(input, '.');
	buf_puts(input, jws->payload_b64);
	if (buf_check(input, "a JWS", e))
		return -1;
	if (codec_b64url_decode(sig, jws->signature_b64, strlen(jws->signature_b64), e))
		return err_set(e, ERR_CRYPTO, "the signature is not base64url, or too long");
	return 0;
}

int jose_verify(const struct key *k, const char *alg, const struct jose_jws *jws, struct err *e)
{
	AUTO(buf_done) struct buf input = buf_make(JWS_MAX), sig = buf_make(SIG_MAX);
	if (strcmp(alg, jose_alg(k)) != 0)
		return err_set(e, ERR_CRYPTO, "the algorithm %s does not fit a key for %s", alg, jose_alg(k));
	if (open_jws(jws, &input, &sig, e))
		return -1;
	return sign_verify_jws(k, input.p, input.n, (const uint8_t *)buf_str(&sig), sig.n, e);
}

int jose_verify_hmac(const void *hmac_key, size_t n, const char *alg, const struct jose_jws *jws, struct err *e)
{
	AUTO(buf_done) struct buf input = buf_make(JWS_MAX), sig = buf_make(SIG_MAX);
	uint8_t mac[MAC_MAX];
	size_t mac_n;
	if (open_jws(jws, &input, &sig, e) || hmac(hmac_key, n, alg, &input, mac, &mac_n, e))
		return -1;
	if (sig.n != mac_n || CRYPTO_memcmp(sig.p, mac, mac_n) != 0)
		return err_set(e, ERR_CRYPTO, "the HMAC is not of this key over this text");
	return 0;
}
