/* san.c: what requests and certificates share: DNS names in subjectAltName, PEM, the name of a public key. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

bool san_is_dns_name(const char *s, size_t n)
{
	if (n < 1 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			    c == '_' || c == '.' || c == '*'))
			return false;
	}
	return true;
}

void san_lower(char *s)
{
	for (; *s; s++)
		*s = *s >= 'A' && *s <= 'Z' ? (char)(*s | 0x20) : *s;
}

/* What a name is, for the message. */
static const char *type_word(int type)
{
	switch (type) {
	case GEN_EMAIL:
		return "a mail address";
	case GEN_URI:
		return "a URI";
	case GEN_IPADD:
		return "an IP address";
	case GEN_DIRNAME:
		return "a directory name";
	default:
		return "of an unusual type";
	}
}

int san_read(const GENERAL_NAMES *names, struct strv *ret, struct err *e)
{
	int n = sk_GENERAL_NAME_num(names);
	if (n > SAN_MAX_NAMES)
		return err_set(e, ERR_PROTO, "%d names are more than the %d we accept", n, SAN_MAX_NAMES);
	for (int i = 0; i < n; i++) {
		int type;
		const ASN1_STRING *v = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		if (type != GEN_DNS)
			return err_set(
				e, ERR_PROTO, "name %d is %s, only DNS names are supported", i + 1, type_word(type));
		const char *s = (const char *)ASN1_STRING_get0_data(v);
		size_t len = (size_t)ASN1_STRING_length(v);
		if (!san_is_dns_name(s, len))
			return err_set(e, ERR_PROTO, "name %d is not a DNS name of ASCII letters", i + 1);
		AUTO(xfreep) char *lower = xstrndup(s, len);
		san_lower(lower);
		if (!strv_has(ret, lower))
			strv_add(ret, lower);
	}
	return 0;
}

static int push_name(GENERAL_NAMES *names, const char *s, struct err *e)
{
	if (!san_is_dns_name(s, strlen(s)))
		return err_set(e, ERR_CRYPTO, "\"%s\" cannot stand in a certificate as a DNS name", s);
	ASN1_IA5STRING *ia5 = ASN1_IA5STRING_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	if (!ia5 || !g || !ASN1_STRING_set(ia5, s, (int)strlen(s))) {
		ASN1_IA5STRING_free(ia5);
		GENERAL_NAME_free(g);
		return ossl_err(e, "writing the name %s", s);
	}
	GENERAL_NAME_set0_value(g, GEN_DNS, ia5);
	if (!sk_GENERAL_NAME_push(names, g)) {
		GENERAL_NAME_free(g);
		return ossl_err(e, "writing the name %s", s);
	}
	return 0;
}

int san_make(const struct strv *names, GENERAL_NAMES **ret, struct err *e)
{
	AUTO(ossl_names_freep) GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	if (!all)
		return ossl_err(e, "writing names");
	if (!names->n)
		return err_set(e, ERR_CRYPTO, "there are no names");
	for (size_t i = 0; i < names->n; i++)
		if (push_name(all, names->v[i], e))
			return -1;
	*ret = TAKE(all);
	return 0;
}

int san_spki_sha256(X509_PUBKEY *pub, char ret[static 65], struct err *e)
{
	AUTO(buf_done) struct buf hex = buf_make(64);
	uint8_t *der = NULL, hash[32];
	int n = i2d_X509_PUBKEY(pub, &der);
	if (n <= 0)
		return ossl_err(e, "reading a public key");
	jose_sha256(der, (size_t)n, hash);
	OPENSSL_free(der);
	codec_hex(&hex, hash, sizeof(hash));
	memcpy(ret, buf_str(&hex), 65);
	return 0;
}

void pem_write(struct buf *out, const char *label, const uint8_t *der, size_t n)
{
	enum { LINE_OCTETS = 48 };
	buf_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < n; i += LINE_OCTETS) {
		codec_b64(out, der + i, n - i < LINE_OCTETS ? n - i : LINE_OCTETS);
		buf_putc(out, '\n');
	}
	buf_printf(out, "-----END %s-----\n", label);
}
