/* name.c: domain names as text. */
#include "dns/name.h"

#include <string.h>

const char *name_parent(const char *name)
{
	if (!*name)
		return NULL;
	for (const char *p = name; *p; p++) {
		if (*p == '.')
			return p + 1;
		/* What follows a backslash is one octet (or the first of three digits), never a separator. */
		if (*p == '\\' && p[1])
			p++;
	}
	return name + strlen(name);
}

unsigned name_labels(const char *name)
{
	unsigned n = 0;
	for (const char *p = name; (p = name_parent(p));)
		n++;
	return n;
}

const char *name_suffix(const char *name, unsigned n)
{
	const char *p = name;
	for (unsigned has = name_labels(name); p && has > n; has--)
		p = name_parent(p);
	return p ? p : "";
}

bool name_within(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	if (z > n || strcmp(name + n - z, zone) != 0)
		return false;
	if (z == n || z == 0)
		return true;
	/* The text matches at the end; it must do so at a label's start. */
	for (const char *p = name; p && p <= name + n - z; p = name_parent(p))
		if (p == name + n - z)
			return true;
	return false;
}

void name_lower(char *name)
{
	for (; *name; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name + ('a' - 'A'));
}

static char *put_octet(char *to, uint8_t c)
{
	if (c > 0x20 && c < 0x7f) {
		if (strchr(".;()\\", c))
			*to++ = '\\';
		*to++ = (char)c;
		return to;
	}
	*to++ = '\\';
	*to++ = (char)('0' + c / 100);
	*to++ = (char)('0' + c / 10 % 10);
	*to++ = (char)('0' + c % 10);
	return to;
}

size_t name_from_wire(const uint8_t *p, size_t n, char out[static NAME_TEXT_MAX])
{
	char *to = out;
	if (n > NAME_WIRE_MAX)
		n = NAME_WIRE_MAX;
	for (size_t at = 0; at < n && p[at] && p[at] < n - at; at += p[at] + 1U) {
		if (at)
			*to++ = '.';
		for (size_t i = 1; i <= p[at]; i++)
			to = put_octet(to, p[at + i]);
	}
	*to = '\0';
	return (size_t)(to - out);
}
