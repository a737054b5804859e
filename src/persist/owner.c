/*
 * owner.c: domain names as operators write them, and the name of the record that belongs to them.
 */
#include "persist/internal.h"

#include <idn2.h>

#define LABEL "_validation-persist."

static bool needs_idn(const char *s)
{
	for (const char *c = s; *c; c++) {
		if ((unsigned char)*c > 0x7E)
			return true;
		bool label_start = c == s || c[-1] == '.';
		if (label_start && ascii_lower(c[0]) == 'x' && ascii_lower(c[1]) == 'n' && c[2] == '-' && c[3] == '-')
			return true;
	}
	return false;
}

static enum perdure_status idn_status(int rc)
{
	switch (rc) {
	case IDN2_OK:
		return PERDURE_OK;
	case IDN2_MALLOC:
		return PERDURE_ENOMEM;
	case IDN2_TOO_BIG_LABEL:
		return PERDURE_ENAMELABEL;
	case IDN2_TOO_BIG_DOMAIN:
		return PERDURE_ENAMELONG;
	default:
		return PERDURE_ENAMEIDN;
	}
}

/* Copies s, folded and with A-labels, into out. */
static enum perdure_status to_ascii(const char *s, char out[PERDURE_NAME_SIZE])
{
	char *a = NULL;
	const char *from = s;
	if (needs_idn(s)) {
		enum perdure_status status = idn_status(idn2_to_ascii_8z(s, &a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL));
		if (status != PERDURE_OK)
			return status;
		from = a;
	}
	size_t n = strlen(from);
	if (n < PERDURE_NAME_SIZE)
		for (size_t i = 0; i <= n; i++)
			out[i] = ascii_lower(from[i]);
	idn2_free(a);
	return n < PERDURE_NAME_SIZE ? PERDURE_OK : PERDURE_ENAMELONG;
}

static enum perdure_status check_labels(const char *s)
{
	size_t label = 0;
	bool digits = true; /* of the label so far */
	char last = '\0';
	for (const char *c = s;; c++) {
		if (*c == '.' || !*c) {
			if (!label)
				return PERDURE_ENAMEEMPTY;
			if (label > 63)
				return PERDURE_ENAMELABEL;
			if (last == '-')
				return PERDURE_ENAMECHAR;
			if (!*c)
				/* No top-level domain is a number: 192.0.2.1, and what inet_aton() makes of 192.513. */
				return digits ? PERDURE_ENAMEIP : PERDURE_OK;
			label = 0;
			digits = true;
			continue;
		}
		if (*c == '*')
			return PERDURE_ENAMEWILD;
		if (!is_alnum(*c) && (*c != '-' || !label))
			return PERDURE_ENAMECHAR;
		digits = digits && is_digit(*c);
		last = *c;
		label++;
	}
}

enum perdure_status perdure_name_normalize(const char *name, char ret_fqdn[PERDURE_NAME_SIZE], bool *ret_wildcard)
{
	if (!name || !*name)
		return PERDURE_ENAMEEMPTY;
	if (strchr(name, ':'))
		return PERDURE_ENAMEIP;
	bool wildcard = name[0] == '*' && name[1] == '.' && name[2];
	char out[PERDURE_NAME_SIZE] = "";
	if (strchr(wildcard ? name + 2 : name, '*'))
		return PERDURE_ENAMEWILD;
	enum perdure_status status = to_ascii(wildcard ? name + 2 : name, out);
	if (status != PERDURE_OK)
		return status;
	size_t n = strlen(out);
	if (n && out[n - 1] == '.')
		out[--n] = '\0';
	status = check_labels(out);
	if (status != PERDURE_OK)
		return status;
	if (n > 253)
		return PERDURE_ENAMELONG;
	memcpy(ret_fqdn, out, n + 1);
	if (ret_wildcard)
		*ret_wildcard = wildcard;
	return PERDURE_OK;
}

enum perdure_status perdure_owner_name(const char *name, char ret_owner[PERDURE_NAME_SIZE])
{
	char fqdn[PERDURE_NAME_SIZE];
	enum perdure_status status = perdure_name_normalize(name, fqdn, NULL);
	if (status != PERDURE_OK)
		return status;
	size_t n = strlen(fqdn);
	if (n > PERDURE_FQDN_MAX)
		return PERDURE_ENAMELONG;
	memcpy(ret_owner, LABEL, strlen(LABEL));
	memcpy(ret_owner + strlen(LABEL), fqdn, n + 1);
	return PERDURE_OK;
}
