/* name.c: domain names as operators write them become the A-labels that certificates and DNS have. */
#include "config/name.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"

enum {
	NAME_MAX_LABEL = 63,
	/* 253 octets of a name in text less "_validation-persist." */
	NAME_MAX = 233,
	/* More than any text that can become NAME_MAX octets needs; keeps the work on nonsense small. */
	NAME_MAX_INPUT = 600,
	IDN_FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES,
};

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static bool is_xn(const char *label, size_t n)
{
	return n >= 4 && (label[0] | 0x20) == 'x' && (label[1] | 0x20) == 'n' && label[2] == '-' && label[3] == '-';
}

static bool is_address(const char *s)
{
	unsigned char to[sizeof(struct in6_addr)];
	if (*s == '[')
		return true;
	if (inet_pton(AF_INET, s, to) == 1)
		return true;
	/* With a zone ("fe80::1%eth0") or a prefix length it is none the less an address. */
	char head[64];
	size_t n = strcspn(s, "%/");
	if (n >= sizeof(head))
		return false;
	memcpy(head, s, n);
	head[n] = '\0';
	return inet_pton(AF_INET6, head, to) == 1 || (s[n] && inet_pton(AF_INET, head, to) == 1);
}

/* An A-label must be the one spelling of the Unicode label it stands for (RFC 5891 section 5.3). */
static int check_a_label(const char *label, const char *in, struct err *e)
{
	char *u = NULL;
	char *back = NULL;
	int r = idn2_to_unicode_8z8z(label, &u, IDN_FLAGS);
	if (r == IDN2_OK)
		r = idn2_lookup_u8((const uint8_t *)u, (uint8_t **)&back, IDN_FLAGS);
	bool same = r == IDN2_OK && !strcmp(back, label);
	idn2_free(u);
	idn2_free(back);
	if (same)
		return 0;
	err_set(e, ERR_CONFIG, "'%s' is not a domain name: the label '%s' is not valid IDN%s%s", in, label,
		r == IDN2_OK ? "" : ": ", r == IDN2_OK ? "" : idn2_strerror(r));
	err_hint(e, "write the name in its own script, or take the xn-- form from the registrar");
	return -1;
}

static int check_characters(const char *label, size_t n, const char *in, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		char c = label[i];
		if (is_alnum(c) || c == '-')
			continue;
		if (c == '*') {
			err_set(e, ERR_CONFIG, "'%s' is not a domain name: '*' may only be the whole first label", in);
			err_hint(e, "a wildcard covers one label: *.example.com; list deeper ones separately");
			return -1;
		}
		if (c == '_')
			return err_set(e, ERR_CONFIG,
				"'%s' is not a host name: '_' is not allowed in names of certificates", in);
		if (c > ' ' && c < 0x7f)
			return err_set(e, ERR_CONFIG, "'%s' is not a domain name: '%c' is not allowed in it", in, c);
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: octet 0x%02x is not allowed in it", in,
			(unsigned)(unsigned char)c);
	}
	return 0;
}

static int check_label(const char *label, size_t n, const char *in, struct err *e)
{
	if (!n)
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: it has an empty label", in);
	if (check_characters(label, n, in, e))
		return -1;
	if (n > NAME_MAX_LABEL)
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: a label has %zu octets, the most is %d", in,
			n, NAME_MAX_LABEL);
	if (label[0] == '-' || label[n - 1] == '-')
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: a label begins or ends with '-'", in);
	if (is_xn(label, n)) {
		AUTO(xfreep) char *copy = xstrndup(label, n);
		return check_a_label(copy, in, e);
	}
	if (n >= 4 && label[2] == '-' && label[3] == '-')
		return err_set(e, ERR_CONFIG,
			"'%s' cannot be certified: only labels that begin with xn-- may have '--' in places 3 and 4",
			in);
	return 0;
}

/* base: lower-case ASCII without "*." and without the dot at the end. */
static int check_base(const char *base, const char *in, struct err *e)
{
	size_t labels = 0;
	const char *last = base;
	for (const char *p = base;; p++) {
		size_t n = strcspn(p, ".");
		if (check_label(p, n, in, e))
			return -1;
		labels++;
		last = p;
		p += n;
		if (!*p)
			break;
	}
	size_t n = strlen(base);
	if (n > NAME_MAX) {
		err_set(e, ERR_CONFIG, "'%s' has %zu octets, the most is %d", in, n, NAME_MAX);
		err_hint(e, "a longer name leaves no room for the validation record's label in front of it");
		return -1;
	}
	if (labels == 1) {
		bool suffix = psl_is_public_suffix2(psl_builtin(), base, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
		err_set(e, ERR_CONFIG,
			suffix ? "'%s' is a public suffix" : "'%s' has one label only, and no CA issues for that", in);
		err_hint(e, "write the full name, such as host.example.com");
		return -1;
	}
	if (strspn(last, "0123456789") == strlen(last))
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: its last label is a number", in);
	return 0;
}

static bool has_xn_label(const char *s)
{
	for (;;) {
		size_t n = strcspn(s, ".");
		if (is_xn(s, n))
			return true;
		if (!s[n])
			return false;
		s += n + 1;
	}
}

/* Unicode to A-labels. *ret is a heap string. */
static int to_ascii(const char *base, const char *in, char **ret, struct err *e)
{
	if (has_xn_label(base)) {
		err_set(e, ERR_CONFIG, "'%s' mixes labels in xn-- form with labels in Unicode", in);
		err_hint(e, "write all labels in one of the two forms");
		return -1;
	}
	char *out = NULL;
	int r = idn2_lookup_u8((const uint8_t *)base, (uint8_t **)&out, IDN_FLAGS);
	if (r != IDN2_OK)
		return err_set(e, ERR_CONFIG, "'%s' is not a domain name: %s", in, idn2_strerror(r));
	*ret = xstrdup(out);
	idn2_free(out);
	return 0;
}

static void drop_final_dot(char *s)
{
	size_t n = strlen(s);
	if (n > 1 && s[n - 1] == '.')
		s[n - 1] = '\0';
}

static int normalize(const char *in, char **ret, struct err *e)
{
	if (!*in)
		return err_set(e, ERR_CONFIG, "a domain name is empty");
	if (strlen(in) > NAME_MAX_INPUT)
		return err_set(e, ERR_CONFIG, "'%.40s…' is too long for a domain name", in);
	if (is_address(in)) {
		err_set(e, ERR_CONFIG, "'%s' is an IP address, not a domain name", in);
		err_hint(e, "dns-persist-01 proves names in the DNS only; give a domain name");
		return -1;
	}
	bool wild = in[0] == '*' && in[1] == '.';
	AUTO(xfreep) char *base = NULL;
	const char *rest = wild ? in + 2 : in;
	if (is_ascii(rest))
		base = xstrdup(rest);
	else if (to_ascii(rest, in, &base, e))
		return -1;
	drop_final_dot(base);
	lower(base);
	if (check_base(base, in, e))
		return -1;
	*ret = wild ? xasprintf("*.%s", base) : TAKE(base);
	return 0;
}

int name_normalize(const char *in, char **ret, struct err *e)
{
	if (!normalize(in, ret, e))
		return 0;
	if (!*e->hint)
		err_hint(
			e, "give the name alone, labels of letters, digits and '-' with dots between: www.example.com");
	return -1;
}

enum name_suffix name_public_suffix(const char *name)
{
	const char *base = name[0] == '*' && name[1] == '.' ? name + 2 : name;
	const psl_ctx_t *psl = psl_builtin();
	if (psl_is_public_suffix2(psl, base, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE))
		return NAME_SUFFIX_ICANN;
	if (psl_is_public_suffix2(psl, base, PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE))
		return NAME_SUFFIX_PRIVATE;
	return NAME_SUFFIX_NONE;
}

int name_for_certificate(const char *in, char **ret, enum name_suffix *ret_suffix, struct err *e)
{
	AUTO(xfreep) char *name = NULL;
	if (name_normalize(in, &name, e))
		return -1;
	enum name_suffix suffix = name_public_suffix(name);
	if (suffix == NAME_SUFFIX_ICANN) {
		err_set(e, ERR_CONFIG,
			name[0] == '*' ? "'%s' is a wildcard of a public suffix" : "'%s' is a public suffix", in);
		err_hint(e,
			"names below it belong to different owners, and no CA issues for it; give a registered name");
		return -1;
	}
	*ret = TAKE(name);
	*ret_suffix = suffix;
	return 0;
}
