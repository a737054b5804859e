/* namewire.c: domain names from text to wire form. */
#include "base/err.h"
#include "dns/name.h"

enum { LABEL_MAX = 63 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The octet at *p, which may be escaped (RFC 1035 section 5.1); moves *p behind it. */
static int read_octet(const char **p, uint8_t *ret)
{
	const char *s = *p;
	if (*s != '\\') {
		*ret = (uint8_t)*s;
		*p = s + 1;
		return 0;
	}
	if (is_digit(s[1]) && is_digit(s[2]) && is_digit(s[3])) {
		int v = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
		*ret = (uint8_t)v;
		*p = s + 4;
		return v > UINT8_MAX ? -1 : 0;
	}
	*ret = (uint8_t)s[1];
	*p = s + 2;
	return !s[1] || is_digit(s[1]) ? -1 : 0;
}

/* One label with its length in front; moves *p behind its dot. */
static int put_label(const char **p, uint8_t *out, size_t room, size_t *ret_n)
{
	size_t n = 0;
	while (**p && **p != '.') {
		uint8_t octet;
		if (n == LABEL_MAX || n + 1 >= room || read_octet(p, &octet))
			return -1;
		out[++n] = octet;
	}
	if (!n)
		return -1;
	out[0] = (uint8_t)n;
	if (**p == '.')
		(*p)++;
	*ret_n = n + 1;
	return 0;
}

int name_wire(const char *name, uint8_t out[static NAME_WIRE_MAX], size_t *ret_n, struct err *e)
{
	size_t n = 0, label;
	const char *p = name[0] == '.' && !name[1] ? name + 1 : name;
	while (*p) {
		/* One octet is left for the root at the end. */
		if (put_label(&p, out + n, NAME_WIRE_MAX - 1 - n, &label))
			return err_set(e, ERR_PARSE, "\"%.300s\" is no domain name", name);
		n += label;
	}
	out[n++] = 0;
	*ret_n = n;
	return 0;
}
