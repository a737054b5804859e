/*
 * names_file.c: lists of certificates, one per line: names separated by blanks, '#' begins a comment. CRLF and a byte
 * order mark are tolerated, because such lists come out of spreadsheets.
 */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/load.h"

enum { NAMES_MAX_PER_LINE = 1000 };

struct reader {
	struct load *l;
	const struct load_cert_options *o;
	bool wildcard;
	struct config_mark at; /* of the word at hand */
	const char *p;
	const char *end;
};

/* Columns count characters, as in the YAML files. */
static int characters(const char *p, size_t n)
{
	int c = 0;
	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)p[i] & 0xc0) != 0x80;
	return c;
}

static size_t span(const char *p, const char *end, bool blank)
{
	const char *from = p;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r') == blank)
		p++;
	return (size_t)(p - from);
}

static int add_word(struct reader *r, struct strv *names, const char *p, size_t n, struct err *e)
{
	if (memchr(p, 0, n))
		return CONFIG_ERROR(e, &r->at, "the line holds a NUL character");
	if (names->n >= NAMES_MAX_PER_LINE)
		return CONFIG_ERROR(e, &r->at, "more than %d names for one certificate", NAMES_MAX_PER_LINE);
	AUTO(xfreep) char *word = xstrndup(p, n);
	if (load_cert_name(r->l, names, word, &r->at, NULL, e))
		return -1;
	if (!r->wildcard || *word == '*')
		return 0;
	AUTO(xfreep) char *wildcard = xasprintf("*.%s", word);
	return load_cert_name(r->l, names, wildcard, &r->at, NULL, e);
}

static int read_line(struct reader *r, const char *line, const char *end, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	struct config_mark first = r->at;
	const char *p = line;
	for (;;) {
		size_t blanks = span(p, end, true);
		r->at.column += (int)blanks;
		p += blanks;
		if (p == end || *p == '#')
			break;
		size_t n = span(p, end, false);
		if (!names.n)
			first = r->at;
		if (add_word(r, &names, p, n, e))
			return -1;
		r->at.column += characters(p, n);
		p += n;
	}
	if (names.n)
		load_cert_add(r->l, NULL, &names, r->o, &first);
	return 0;
}

static int read_lines(struct reader *r, struct err *e)
{
	while (r->p < r->end) {
		const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
		const char *end = nl ? nl : r->end;
		r->at.line++;
		r->at.column = 1;
		if (read_line(r, r->p, end, e))
			return -1;
		r->p = nl ? nl + 1 : r->end;
	}
	return 0;
}

int load_names_file(struct load *l, const char *path, bool wildcard, const struct load_cert_options *o,
	const struct config_mark *m, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_NAMES_FILE);
	if (l->source->read(l->source->ctx, path, &b, e))
		return err_ctx(e, "%s:%d:%d: certificates[].names_file", m->file, m->line, m->column);
	struct reader r = {.l = l, .o = o, .wildcard = wildcard, .p = buf_str(&b)};
	r.end = r.p + b.n;
	if (b.n >= 3 && !memcmp(r.p, "\xef\xbb\xbf", 3))
		r.p += 3;
	r.at = (struct config_mark){.file = load_file_name(l, path)};
	size_t before = l->c->n_certs;
	if (read_lines(&r, e))
		return -1;
	if (l->c->n_certs > before)
		return 0;
	CONFIG_ERROR(e, m, "%s lists no certificate", path);
	err_hint(e, "put the names of one certificate in each line, or remove this entry");
	return -1;
}
