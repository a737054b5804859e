/* rdata.c: record data as text in one spelling. */
#include "provider/rdata.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/name.h"

enum { RDATA_TEXT_MAX = 6 * RDATA_MAX, CAA_TAG_MAX = 15, RDATA_NAME_MAX = 1024 };

/* --- writing --- */

static void put_string(struct buf *out, const uint8_t *p, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_printf(out, "\\%c", p[i]);
		else if (p[i] < ' ' || p[i] > '~')
			buf_printf(out, "\\%03u", p[i]);
		else
			buf_putc(out, (char)p[i]);
	}
	buf_putc(out, '"');
}

char *rdata_from_text(const void *p, size_t n)
{
	struct buf b = buf_make(RDATA_TEXT_MAX);
	const uint8_t *at = p;
	size_t left = n;
	do {
		size_t part = left < RDATA_STRING_MAX ? left : RDATA_STRING_MAX;
		if (b.n)
			buf_putc(&b, ' ');
		put_string(&b, at, part);
		at += part;
		left -= part;
	} while (left);
	return buf_take(&b);
}

char *rdata_from_txt(const struct dns_txt *t)
{
	struct buf b = buf_make(RDATA_TEXT_MAX);
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			buf_putc(&b, ' ');
		put_string(&b, t->strings[i].p, t->strings[i].n);
	}
	return buf_take(&b);
}

char *rdata_from_target(const char *name)
{
	size_t n = strlen(name);
	bool dot = n && name[n - 1] == '.' && (n < 2 || name[n - 2] != '\\');
	char *s = xasprintf("%s%s", name, dot ? "" : ".");
	name_lower(s);
	return s;
}

/* --- reading --- */

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* One octet behind a backslash; moves *s past it. */
static int read_escape(const char **s, uint8_t *ret, struct err *e)
{
	const char *p = *s + 1;
	if (isdigit((unsigned char)p[0])) {
		unsigned v = 0;
		for (int i = 0; i < 3; i++) {
			if (!isdigit((unsigned char)p[i]))
				return err_set(e, ERR_PARSE, "a backslash is followed by fewer than three digits");
			v = v * 10 + (unsigned)(p[i] - '0');
		}
		if (v > 255)
			return err_set(e, ERR_PARSE, "\\%u is no octet", v);
		*ret = (uint8_t)v;
		*s = p + 3;
		return 0;
	}
	if (!*p)
		return err_set(e, ERR_PARSE, "it ends with a backslash");
	*ret = (uint8_t)*p;
	*s = p + 1;
	return 0;
}

/* Reads one string, in quotes or a bare word, of at most max octets; moves *s behind it. */
static int read_string(const char **s, size_t max, struct buf *out, struct err *e)
{
	bool quoted = **s == '"';
	const char *p = *s + quoted;
	buf_clear(out);
	while (*p && (quoted ? *p != '"' : *p != ' ' && *p != '\t' && *p != '"')) {
		uint8_t octet = (uint8_t)*p;
		if (octet != '\\')
			p++;
		else if (read_escape(&p, &octet, e))
			return -1;
		buf_putc(out, (char)octet);
	}
	if (quoted && *p++ != '"')
		return err_set(e, ERR_PARSE, "a quote is opened and not closed");
	if (out->n > max || out->bad)
		return err_set(e, ERR_PARSE, "a string of more than %zu octets", max);
	*s = p;
	return 0;
}

static int parse_txt(const char *text, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf one = buf_make(RDATA_MAX);
	size_t octets = 0;
	for (const char *p = skip_blanks(text); *p; p = skip_blanks(p)) {
		/* Some providers give a long value as one string: it is split as every server splits it. */
		if (read_string(&p, RDATA_MAX, &one, e))
			return -1;
		AUTO(xfreep) char *s = rdata_from_text(buf_str(&one), one.n);
		if (out->n)
			buf_putc(out, ' ');
		buf_puts(out, s);
		octets += one.n + one.n / RDATA_STRING_MAX + 1;
	}
	if (!out->n)
		return err_set(e, ERR_PARSE, "a TXT value without a string");
	if (octets > RDATA_MAX)
		return err_set(e, ERR_PARSE, "a TXT value of more than %d octets", RDATA_MAX);
	return 0;
}

static int parse_target(const char *text, struct buf *out, struct err *e)
{
	if (!*text || strpbrk(text, " \t\"") || strlen(text) > RDATA_NAME_MAX)
		return err_set(e, ERR_PARSE, "\"%.100s\" is not a domain name", text);
	AUTO(xfreep) char *s = rdata_from_target(text);
	buf_puts(out, s);
	return 0;
}

/* RFC 8659 section 4.1: flags, tag, value. */
static int parse_caa(const char *text, struct buf *out, struct err *e)
{
	AUTO(buf_done) struct buf value = buf_make(RDATA_MAX);
	char tag[CAA_TAG_MAX + 1];
	char *end;
	unsigned long flags = strtoul(text, &end, 10);
	const char *p = skip_blanks(end);
	size_t n = 0;
	if (end == text || flags > 255 || p == end)
		return err_set(e, ERR_PARSE, "a CAA record begins with a number from 0 to 255");
	while (isalnum((unsigned char)p[n]))
		n++;
	if (!n || n > CAA_TAG_MAX || (p[n] != ' ' && p[n] != '\t'))
		return err_set(e, ERR_PARSE, "a CAA record has a tag of 1 to %d letters and digits", CAA_TAG_MAX);
	snprintf(tag, sizeof(tag), "%.*s", (int)n, p);
	name_lower(tag);
	p = skip_blanks(p + n);
	if (!*p)
		return err_set(e, ERR_PARSE, "a CAA record without a value");
	if (read_string(&p, RDATA_MAX - 2 - n, &value, e))
		return -1;
	if (*skip_blanks(p))
		return err_set(e, ERR_PARSE, "a CAA record with something behind its value");
	buf_printf(out, "%lu %s ", flags, tag);
	put_string(out, (const uint8_t *)buf_str(&value), value.n);
	return 0;
}

int rdata_parse(enum provider_type type, const char *text, char **ret, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(RDATA_TEXT_MAX);
	int rc = -1;
	switch (type) {
	case PROVIDER_TXT:
		rc = parse_txt(text, &b, e);
		break;
	case PROVIDER_CNAME:
		rc = parse_target(text, &b, e);
		break;
	case PROVIDER_CAA:
		rc = parse_caa(text, &b, e);
		break;
	}
	if (rc || buf_check(&b, provider_type_name(type), e))
		return -1;
	*ret = buf_take(&b);
	return 0;
}

/* --- looking into a TXT value --- */

void rdata_txt(const char *data, struct dns_txt *ret)
{
	AUTO(buf_done) struct buf one = buf_make(RDATA_MAX);
	struct err ignored = {0};
	*ret = (struct dns_txt){0};
	for (const char *p = skip_blanks(data); *p; p = skip_blanks(p)) {
		if (read_string(&p, RDATA_MAX, &one, &ignored))
			break;
		ret->strings = xreallocarray(ret->strings, ret->n + 1, sizeof(*ret->strings));
		ret->strings[ret->n++] =
			(struct dns_string){.p = one.n ? xmemdup(buf_str(&one), one.n) : NULL, .n = one.n};
	}
	err_done(&ignored);
}

void rdata_text(const char *data, struct buf *out)
{
	struct dns_txt t;
	rdata_txt(data, &t);
	for (size_t i = 0; i < t.n; i++)
		buf_put(out, t.strings[i].p, t.strings[i].n);
	dns_txt_done(&t);
}

bool rdata_same(enum provider_type type, const char *a, const char *b)
{
	if (type != PROVIDER_TXT || !strcmp(a, b))
		return !strcmp(a, b);
	AUTO(buf_done) struct buf x = buf_make(RDATA_MAX);
	AUTO(buf_done) struct buf y = buf_make(RDATA_MAX);
	rdata_text(a, &x);
	rdata_text(b, &y);
	return x.n == y.n && !memcmp(buf_str(&x), buf_str(&y), x.n);
}
