/* xmltext.c: a small strict reader of XML. */
#include "provider/xmltext.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"

enum { DOCUMENT_MAX = 4 << 20 };

struct xml {
	char *name;
	struct buf text;
	struct xml *parent, *first, *last, *next;
};

struct reader {
	const char *p, *end; /* end points to a NUL */
	const char *what;
	struct xml *root, *open;
	size_t depth, elements;
	struct err *e;
};

static int bad(struct reader *r, const char *why)
{
	return err_set(r->e, ERR_PARSE, "%s: XML that cannot be read: %s, near \"%.20s\"", r->what, why, r->p);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct reader *r)
{
	while (is_blank(*r->p))
		r->p++;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_:.-", c));
}

/* How many octets a name has; 0 when none begins here. */
static size_t name_length(const struct reader *r)
{
	size_t n = 0;
	if (!isalpha((unsigned char)*r->p) && *r->p != '_')
		return 0;
	while (n <= XML_NAME_MAX && is_name(r->p[n]))
		n++;
	return n > XML_NAME_MAX ? 0 : n;
}

/* --- text --- */

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | (c >> 6)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | (c >> 12)));
		buf_putc(out, (char)(0x80 | ((c >> 6) & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | (c >> 18)));
		buf_putc(out, (char)(0x80 | ((c >> 12) & 0x3f)));
		buf_putc(out, (char)(0x80 | ((c >> 6) & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* "&#65;" or "&#x41;"; p stands behind "&#". */
static int read_number(struct reader *r, const char *p, struct buf *out)
{
	bool hex = *p == 'x';
	char *end;
	if (!isxdigit((unsigned char)p[hex]))
		return bad(r, "a reference that is none");
	unsigned long c = strtoul(p + hex, &end, hex ? 16 : 10);
	bool allowed = c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c < 0xd800) || (c >= 0xe000 && c < 0x110000);
	if (*end != ';' || !allowed)
		return bad(r, "a reference that is none");
	put_utf8(out, (uint32_t)c);
	r->p = end + 1;
	return 0;
}

static int read_reference(struct reader *r, struct buf *out)
{
	static const struct {
		const char *name;
		char c;
	} known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strncmp(r->p, known[i].name, strlen(known[i].name))) {
			buf_putc(out, known[i].c);
			r->p += strlen(known[i].name);
			return 0;
		}
	if (!strncmp(r->p, "&#", 2))
		return read_number(r, r->p + 2, out);
	return bad(r, "an entity that is not known");
}

static int read_text(struct reader *r)
{
	if (!r->open) {
		skip_blanks(r);
		return r->p == r->end || *r->p == '<' ? 0 : bad(r, "text outside of the document");
	}
	while (r->p < r->end && *r->p != '<') {
		if (*r->p != '&')
			buf_putc(&r->open->text, *r->p++);
		else if (read_reference(r, &r->open->text))
			return -1;
	}
	return 0;
}

/* --- tags --- */

static int skip_attributes(struct reader *r)
{
	for (;;) {
		bool apart = is_blank(*r->p);
		skip_blanks(r);
		if (*r->p == '>' || *r->p == '/')
			return 0;
		size_t n = name_length(r);
		if (!apart || !n)
			return bad(r, "a tag that is not closed");
		r->p += n;
		if (*r->p != '=' || (r->p[1] != '"' && r->p[1] != '\''))
			return bad(r, "an attribute without a value in quotes");
		const char *end = strchr(r->p + 2, r->p[1]);
		if (!end || memchr(r->p + 2, '<', (size_t)(end - r->p - 2)))
			return bad(r, "an attribute whose value does not end");
		r->p = end + 1;
	}
}

static void close_element(struct reader *r)
{
	r->open = r->open->parent;
	r->depth--;
}

static int open_tag(struct reader *r)
{
	size_t n = name_length(r);
	if (!n)
		return bad(r, "an element without a name, or what is not an element");
	if (!r->open && r->root)
		return bad(r, "a second document behind the first");
	if (++r->depth > XML_DEPTH_MAX || ++r->elements > XML_ELEMENTS_MAX)
		return bad(r, "too many elements");
	struct xml *x = xcalloc(1, sizeof(*x));
	*x = (struct xml){.name = xstrndup(r->p, n), .text = buf_make(DOCUMENT_MAX), .parent = r->open};
	if (!r->open)
		r->root = x;
	else if (r->open->last)
		r->open->last->next = x;
	else
		r->open->first = x;
	if (r->open)
		r->open->last = x;
	r->open = x;
	r->p += n;
	if (skip_attributes(r))
		return -1;
	if (*r->p == '/') {
		close_element(r);
		r->p++;
	}
	if (*r->p != '>')
		return bad(r, "a tag that is not closed");
	r->p++;
	return 0;
}

static int close_tag(struct reader *r)
{
	size_t n = name_length(r);
	if (!r->open || strlen(r->open->name) != n || strncmp(r->open->name, r->p, n) != 0)
		return bad(r, "elements closed in the wrong order");
	r->p += n;
	skip_blanks(r);
	if (*r->p != '>')
		return bad(r, "a tag that is not closed");
	r->p++;
	close_element(r);
	return 0;
}

static int skip_declaration(struct reader *r)
{
	skip_blanks(r);
	if (strncmp(r->p, "<?xml", 5) != 0)
		return 0;
	const char *end = strstr(r->p, "?>");
	if (!end)
		return bad(r, "a declaration that does not end");
	r->p = end + 2;
	return 0;
}

static int read_document(struct reader *r)
{
	if (skip_declaration(r))
		return -1;
	while (r->p < r->end) {
		if (read_text(r))
			return -1;
		if (r->p == r->end)
			break;
		r->p++;
		bool closes = *r->p == '/';
		r->p += closes;
		if (closes ? close_tag(r) : open_tag(r))
			return -1;
	}
	return r->root && !r->open ? 0 : bad(r, "it ends in the middle");
}

int xml_parse(const void *p, size_t n, const char *what, struct xml **ret, struct err *e)
{
	struct reader r = {.what = what, .e = e};
	if (n > DOCUMENT_MAX || (n && memchr(p, 0, n)))
		return err_set(e, ERR_PARSE, "%s: XML that cannot be read: too long, or a NUL in it", what);
	AUTO(xfreep) char *copy = xstrndup(n ? p : "", n);
	r.p = copy;
	r.end = copy + n;
	if (read_document(&r)) {
		xml_free(r.root);
		return -1;
	}
	*ret = r.root;
	return 0;
}

void xml_free(struct xml *x)
{
	/* Leaves first, without recursion: the next to go is found through the links. */
	while (x) {
		if (x->first) {
			struct xml *child = x->first;
			x->first = child->next;
			x = child;
			continue;
		}
		struct xml *up = x->parent;
		free(x->name);
		buf_done(&x->text);
		free(x);
		x = up;
	}
}

void xml_freep(struct xml **x)
{
	xml_free(*x);
}

/* --- looking into it --- */

const char *xml_name(const struct xml *x)
{
	return x ? x->name : "";
}

static const struct xml *named(const struct xml *x, const char *name)
{
	while (x && strcmp(x->name, name) != 0)
		x = x->next;
	return x;
}

const struct xml *xml_get(const struct xml *x, const char *name)
{
	return x ? named(x->first, name) : NULL;
}

const struct xml *xml_next(const struct xml *x)
{
	return named(x->next, x->name);
}

const char *xml_text(const struct xml *x)
{
	return x ? buf_str(&x->text) : "";
}

void xml_escape(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			buf_puts(out, "&lt;");
		else if (*s == '>')
			buf_puts(out, "&gt;");
		else if (*s == '&')
			buf_puts(out, "&amp;");
		else if (*s == '"')
			buf_puts(out, "&quot;");
		else
			buf_putc(out, *s);
	}
}
