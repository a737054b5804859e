/*
 * accounthash.c: the hashed account URI of draft-ietf-acme-dns-persist-02 section 4.1(3).
 */
#include "persist/internal.h"

#include <stdlib.h>

static const char b64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t b64url(const uint8_t *in, size_t n, char *out)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;
		if (left > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			v |= in[i + 2];
		for (size_t k = 0; k <= left; k++)
			out[at++] = b64url_alphabet[v >> (18 - 6 * k) & 63];
	}
	out[at] = '\0';
	return at;
}

/* What each character stands for, plus one; 0 for those outside the alphabet. Every verdict of level 02 reads two. */
/* clang-format off */
static const uint8_t sextets[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
};
/* clang-format on */

/* The six bits of a character, or all ones: SEXTET_BAD are bits that no six have. */
enum { SEXTET_BAD = 0xc0 };
static inline uint32_t sextet(char c)
{
	return (uint8_t)(sextets[(unsigned char)c] - 1);
}

bool b64url_decode(struct perdure_text t, uint8_t *out, size_t want)
{
	if (t.n != (want * 4 + 2) / 3)
		return false;
	uint32_t all = 0;
	size_t at = 0, i = 0;
	for (; i + 4 <= t.n; i += 4) {
		uint32_t a = sextet(t.p[i]), b = sextet(t.p[i + 1]), c = sextet(t.p[i + 2]), d = sextet(t.p[i + 3]);
		uint32_t v = a << 18 | b << 12 | c << 6 | d;
		all |= a | b | c | d;
		out[at++] = (uint8_t)(v >> 16);
		out[at++] = (uint8_t)(v >> 8);
		out[at++] = (uint8_t)v;
	}
	uint32_t rest = 0;
	for (size_t k = i; k < t.n; k++) {
		all |= sextet(t.p[k]);
		rest |= sextet(t.p[k]) << (18 - 6 * (k - i));
	}
	for (; at < want; at++, rest <<= 8)
		out[at] = (uint8_t)(rest >> 16);
	return !(all & SEXTET_BAD) && !(rest & 0xFFFFFF);
}

bool thumbprint_ok(const char *s)
{
	size_t n = 0;
	while (s && n <= THUMBPRINT_LEN && sextets[(unsigned char)s[n]])
		n++;
	return n == THUMBPRINT_LEN && !s[n];
}

enum perdure_status uri_ok(const char *s)
{
	size_t n = s ? strnlen(s, URL_MAX + 1) : 0;
	if (!n)
		return PERDURE_EURI;
	if (n > URL_MAX)
		return PERDURE_ELIMIT;
	for (size_t i = 0; i < n; i++)
		if (!is_value_octet(s[i]))
			return PERDURE_EURI;
	return PERDURE_OK;
}

size_t perdure_hash_length(const char *alg)
{
	static const struct {
		const char *name;
		size_t n;
	} registered[] = {
		{"sha-256", 32},
		{"sha-384", 48},
		{"sha-512", 64},
		{"sha3-256", 32},
		{"sha3-384", 48},
		{"sha3-512", 64},
		{"blake2s-256", 32},
		{"blake2b-256", 32},
		{"blake2b-512", 64},
		{"k12-256", 32},
		{"k12-512", 64},
	};
	for (size_t i = 0; alg && i < ARRAY_LEN(registered); i++)
		if (!strcmp(alg, registered[i].name))
			return registered[i].n;
	return 0;
}

enum perdure_status perdure_account_hash(const struct perdure_hash *hash, const char *alg, const char *domain,
	const char *thumbprint, const char *account_url, uint8_t ret_digest[64], size_t *ret_len)
{
	size_t length = perdure_hash_length(alg);
	size_t n_domain = domain ? strlen(domain) : 0;
	size_t n_url = account_url ? strnlen(account_url, URL_MAX + 1) : 0;
	if (!hash || !hash->fn)
		return PERDURE_EINVAL;
	if (!length)
		return PERDURE_EHASHALG;
	if (!n_domain)
		return PERDURE_ENAMEEMPTY;
	if (n_domain > PERDURE_FQDN_MAX)
		return PERDURE_ENAMELONG;
	if (!thumbprint_ok(thumbprint))
		return PERDURE_ETHUMBPRINT;
	if (!n_url)
		return PERDURE_EURI;
	if (n_url > URL_MAX)
		return PERDURE_ELIMIT;
	uint8_t in[1 + PERDURE_FQDN_MAX + THUMBPRINT_LEN + URL_MAX] SCRATCH;
	uint8_t *at = in;
	*at++ = (uint8_t)n_domain;
	memcpy(at, domain, n_domain);
	at += n_domain;
	memcpy(at, thumbprint, THUMBPRINT_LEN);
	at += THUMBPRINT_LEN;
	memcpy(at, account_url, n_url);
	at += n_url;
	uint8_t digest[64];
	size_t got = 0;
	if (hash->fn(hash->ctx, alg, in, (size_t)(at - in), digest, &got) || got != length)
		return PERDURE_EHASH;
	memcpy(ret_digest, digest, length);
	*ret_len = length;
	return PERDURE_OK;
}

enum perdure_status perdure_account_uri(const struct perdure_hash *hash, const char *alg, const char *prefix,
	const char *domain, const char *thumbprint, const char *account_url, char **ret_uri)
{
	enum perdure_status status = uri_ok(prefix);
	if (status != PERDURE_OK)
		return status;
	uint8_t digest[64];
	size_t n = 0;
	status = perdure_account_hash(hash, alg, domain, thumbprint, account_url, digest, &n);
	if (status != PERDURE_OK)
		return status;
	size_t n_prefix = strlen(prefix), n_alg = strlen(alg);
	char *uri = malloc(n_prefix + n_alg + 1 + (n * 4 + 2) / 3 + 1);
	if (!uri)
		return PERDURE_ENOMEM;
	memcpy(uri, prefix, n_prefix);
	memcpy(uri + n_prefix, alg, n_alg);
	uri[n_prefix + n_alg] = '/';
	b64url(digest, n, uri + n_prefix + n_alg + 1);
	*ret_uri = uri;
	return PERDURE_OK;
}
