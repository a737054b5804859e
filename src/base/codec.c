/* codec.c: base64url, base64, hexadecimal. */
#include "base/codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"

static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes up to three octets as four digits. */
static void put_digits(char to[static 4], const uint8_t *p, size_t n, const char *alphabet)
{
	uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
	to[0] = alphabet[v >> 18];
	to[1] = alphabet[v >> 12 & 63];
	to[2] = alphabet[v >> 6 & 63];
	to[3] = alphabet[v & 63];
}

static void encode(struct buf *out, const uint8_t *p, size_t n, const char *alphabet, bool pad)
{
	enum { AT_ONCE = 48 };
	char text[AT_ONCE / 3 * 4];
	while (n > 0) {
		size_t part = n < AT_ONCE ? n : AT_ONCE, digits = (part * 4 + 2) / 3;
		for (size_t i = 0, to = 0; i < part; i += 3, to += 4)
			put_digits(text + to, p + i, part - i, alphabet);
		buf_put(out, text, digits);
		if (pad)
			buf_put(out, "==", (4 - digits % 4) % 4);
		p += part;
		n -= part;
	}
	explicit_bzero(text, sizeof(text)); /* it may have been a key */
}

void codec_b64url(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, alphabet_url, false);
}

char *codec_b64url_str(const void *p, size_t n)
{
	struct buf b = buf_make(SIZE_MAX / 2);
	codec_b64url(&b, p, n);
	return buf_take(&b);
}

void codec_b64(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, alphabet_std, true);
}

void codec_hex(struct buf *out, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++) {
		buf_putc(out, "0123456789abcdef"[b[i] >> 4]);
		buf_putc(out, "0123456789abcdef"[b[i] & 15]);
	}
}

int codec_b64url_decode(struct buf *out, const char *s, size_t n, struct err *e)
{
	uint32_t v = 0;
	unsigned bits = 0;
	if (n % 4 == 1)
		return err_set(e, ERR_PARSE, "base64url of impossible length %zu", n);
	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(alphabet_url, s[i]) : NULL;
		if (!at)
			return err_set(e, ERR_PARSE, "octet %zu is not base64url", i + 1);
		v = v << 6 | (uint32_t)(at - alphabet_url);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_putc(out, (char)(v >> bits & 0xff));
		}
	}
	if (v & ((1u << bits) - 1))
		return err_set(e, ERR_PARSE, "base64url with stray bits at its end");
	return buf_check(out, "decoded base64url", e);
}

int codec_b64_decode(struct buf *out, const char *s, size_t n, struct err *e)
{
	size_t k = 0, padding = 0;
	int rc = -1;
	char *plain = xmalloc(n + 1);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n')
			continue;
		if (s[i] == '=') {
			padding++;
			continue;
		}
		/* What the two alphabets have in place of each other is not of this one; nothing stands behind padding.
		 */
		bool foreign = s[i] == '-' || s[i] == '_' || padding;
		plain[k++] = (char)(foreign ? '!' : s[i] == '+' ? '-' : s[i] == '/' ? '_' : s[i]);
	}
	if ((k + padding) % 4 || padding > 2)
		err_set(e, ERR_PARSE, "not base64: its length is not a multiple of four");
	else
		rc = codec_b64url_decode(out, plain, k, e);
	explicit_bzero(plain, n + 1);
	free(plain);
	return rc;
}
