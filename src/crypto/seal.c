/*
 * seal.c: octets under a passphrase, as text that can be mailed or printed.
 *
 * Between the BEGIN and END lines stand one line that names the method, and base64url of salt, nonce, ciphertext and
 * tag. The method line is authenticated with the rest. It is compared as a whole: a new method gets a new line, and no
 * text from outside ever decides how much memory scrypt takes.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

static const char first_line[] = "-----BEGIN PERDURE SEALED DATA-----\n";
static const char method_line[] = "v1 scrypt N=32768 r=8 p=1, aes-256-gcm\n";
static const char last_line[] = "-----END PERDURE SEALED DATA-----\n";

enum { SALT_LEN = 16, NONCE_LEN = 12, TAG_LEN = 16, KEY_LEN = 32, LINE_OCTETS = 48, SEAL_MAX = 1 << 20 };

static int derive(const char *passphrase, const uint8_t *salt, uint8_t key[static KEY_LEN], struct err *e)
{
	uint64_t n = 32768, max = 64 << 20;
	uint32_t r = 8, p = 1;
	/* OSSL_PARAM has no const; these are only read. Assigned one by one: gcc 14's analyzer miscounts them in an
	 * initialiser. */
	OSSL_PARAM params[7], *to = params;
	*to++ = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)passphrase, strlen(passphrase));
	*to++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, SALT_LEN);
	*to++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n);
	*to++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r);
	*to++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p);
	*to++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max);
	*to = OSSL_PARAM_construct_end();
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && EVP_KDF_derive(ctx, key, KEY_LEN, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : ossl_err(e, "deriving a key from the passphrase");
}

/* AES-256-GCM over n octets, with the method line authenticated. tag is written when encrypting, else compared. */
static bool gcm(
	bool encrypt, const uint8_t *key, const uint8_t *nonce, const uint8_t *in, size_t n, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t *aad = (const uint8_t *)method_line;
	uint8_t none[16];
	int got;
	bool ok = aes && ctx && EVP_CipherInit_ex2(ctx, aes, key, nonce, encrypt, NULL) == 1 &&
		  EVP_CipherUpdate(ctx, NULL, &got, aad, (int)sizeof(method_line) - 1) == 1 &&
		  (n == 0 || EVP_CipherUpdate(ctx, out, &got, in, (int)n) == 1) &&
		  (encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1) &&
		  EVP_CipherFinal_ex(ctx, none, &got) == 1 &&
		  (!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(aes);
	return ok;
}

int key_seal(const void *p, size_t n, const char *passphrase, struct buf *out, struct err *e)
{
	uint8_t key[KEY_LEN];
	if (!*passphrase)
		return err_set(e, ERR_CRYPTO, "sealing: the passphrase is empty");
	if (n > SEAL_MAX)
		return err_set(e, ERR_LIMIT, "sealing: %zu octets are more than %d", n, SEAL_MAX);
	size_t all = SALT_LEN + NONCE_LEN + n + TAG_LEN;
	AUTO(xfreep) uint8_t *sealed = xmalloc(all);
	random_octets(sealed, SALT_LEN + NONCE_LEN);
	uint8_t *text = sealed + SALT_LEN + NONCE_LEN;
	if (derive(passphrase, sealed, key, e))
		return -1;
	bool ok = gcm(true, key, sealed + SALT_LEN, p, n, text, text + n);
	explicit_bzero(key, sizeof(key));
	if (!ok)
		return ossl_err(e, "encrypting");
	buf_puts(out, first_line);
	buf_puts(out, method_line);
	for (size_t i = 0; i < all; i += LINE_OCTETS) {
		codec_b64url(out, sealed + i, all - i < LINE_OCTETS ? all - i : LINE_OCTETS);
		buf_putc(out, '\n');
	}
	buf_puts(out, last_line);
	return buf_check(out, "the sealed text", e);
}

/* The text without carriage returns, blanks at line ends and empty lines: what mail and editors do to it. */
static void normalise(const char *p, size_t n, struct buf *out)
{
	while (n) {
		const char *end = memchr(p, '\n', n);
		size_t whole = end ? (size_t)(end - p) + 1 : n;
		size_t len = end ? whole - 1 : whole;
		while (len && memchr(" \t\r", p[len - 1], 3))
			len--;
		if (len) {
			buf_put(out, p, len);
			buf_putc(out, '\n');
		}
		p += whole;
		n -= whole;
	}
}

/* Takes the frame off and decodes what is inside. */
static int open_armour(const void *p, size_t n, struct buf *ret, struct err *e)
{
	enum { FIRST = sizeof(first_line) - 1, METHOD = sizeof(method_line) - 1, LAST = sizeof(last_line) - 1 };
	AUTO(buf_done) struct buf text = buf_make(2 * SEAL_MAX), body = buf_make(2 * SEAL_MAX);
	normalise(p, n, &text);
	if (buf_check(&text, "the sealed text", e))
		return -1;
	if (text.n < FIRST + METHOD + LAST || memcmp(text.p, first_line, FIRST) != 0 ||
		memcmp(text.p + text.n - LAST, last_line, LAST) != 0)
		return err_set(e, ERR_CRYPTO, "unsealing: this is no sealed text, or not all of it");
	if (memcmp(text.p + FIRST, method_line, METHOD) != 0)
		return err_set(e, ERR_CRYPTO, "unsealing: the second line names a method this version does not know");
	for (size_t i = FIRST + METHOD; i < text.n - LAST; i++)
		if (text.p[i] != '\n')
			buf_putc(&body, text.p[i]);
	if (codec_b64url_decode(ret, buf_str(&body), body.n, e) || ret->n < SALT_LEN + NONCE_LEN + TAG_LEN)
		return err_set(e, ERR_CRYPTO, "unsealing: the text was changed or cut off");
	return 0;
}

int key_unseal(const void *p, size_t n, const char *passphrase, struct secret *ret, struct err *e)
{
	AUTO(buf_done) struct buf sealed = buf_make(2 * SEAL_MAX);
	uint8_t key[KEY_LEN];
	if (open_armour(p, n, &sealed, e))
		return -1;
	uint8_t *salt = (uint8_t *)sealed.p, *nonce = salt + SALT_LEN, *text = nonce + NONCE_LEN;
	size_t text_n = sealed.n - SALT_LEN - NONCE_LEN - TAG_LEN;
	if (derive(passphrase, salt, key, e))
		return -1;
	/* What a wrong tag leaves behind is never shown: the secret is wiped again. */
	struct secret plain = secret_dup(text, text_n);
	bool ok = gcm(false, key, nonce, text, text_n, plain.p, text + text_n);
	explicit_bzero(key, sizeof(key));
	if (!ok) {
		secret_done(&plain);
		ERR_clear_error();
		err_set(e, ERR_CRYPTO, "unsealing: the passphrase is wrong, or the text was changed");
		return -1;
	}
	*ret = plain;
	return 0;
}
