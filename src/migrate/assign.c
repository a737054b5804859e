/* assign.c: shell configuration read as assignments. */
#include "migrate/assign.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/source.h"

enum { ASSIGN_MAX = 1 << 20 };

void assign_done(struct assign *a)
{
	strv_done(&a->names);
	strv_done(&a->values);
}

const char *assign_get(const struct assign *a, const char *name)
{
	for (size_t i = a->names.n; i-- > 0;)
		if (!strcmp(a->names.v[i], name))
			return a->values.v[i];
	return NULL;
}

/* The rest of a line, and the value being put together. */
struct line {
	const char *p;
	const char *end;
	struct buf value;
};

static bool take_single(struct line *l)
{
	const char *close = memchr(l->p, '\'', (size_t)(l->end - l->p));
	if (!close)
		return false;
	buf_put(&l->value, l->p, (size_t)(close - l->p));
	l->p = close + 1;
	return true;
}

static bool take_double(struct line *l)
{
	for (; l->p < l->end && *l->p != '"'; l->p++) {
		if (*l->p == '$' || *l->p == '`')
			return false;
		if (*l->p == '\\' && l->p + 1 < l->end && strchr("\"\\$`", l->p[1]))
			l->p++;
		buf_putc(&l->value, *l->p);
	}
	if (l->p == l->end)
		return false;
	l->p++;
	return true;
}

/* A word may be put together from pieces: 'it'"'"'s'. Ends at a blank. NULL when it was understood, else why not. */
static const char *take_word(struct line *l)
{
	while (l->p < l->end && !isspace((unsigned char)*l->p)) {
		char c = *l->p++;
		if (c == '\'') {
			if (!take_single(l))
				return "a text in quotes that does not end in its line";
		} else if (c == '"') {
			if (!take_double(l))
				return "a text in quotes that a shell would expand, or that does not end in its line";
		} else if (c == '\\' && l->p < l->end) {
			buf_putc(&l->value, *l->p++);
		} else if (isalnum((unsigned char)c) || strchr("_./:@%+,=-^", c) || (unsigned char)c >= 0x80) {
			buf_putc(&l->value, c);
		} else {
			return "something that a shell would expand";
		}
	}
	return NULL;
}

static void skip_blanks(struct line *l)
{
	while (l->p < l->end && isspace((unsigned char)*l->p))
		l->p++;
}

/* NULL when the line was understood, else why not. */
static const char *read_line(struct line *l, struct assign *ret)
{
	skip_blanks(l);
	if (l->end - l->p > 7 && !memcmp(l->p, "export ", 7)) {
		l->p += 7;
		skip_blanks(l);
	}
	if (l->p == l->end || *l->p == '#')
		return NULL;
	const char *name = l->p;
	while (l->p < l->end && (isalnum((unsigned char)*l->p) || *l->p == '_'))
		l->p++;
	size_t n = (size_t)(l->p - name);
	if (!n || isdigit((unsigned char)*name) || l->p == l->end || *l->p != '=')
		return "no assignment of a variable";
	l->p++;
	const char *why = take_word(l);
	if (why)
		return why;
	skip_blanks(l);
	if (l->p < l->end && *l->p != '#')
		return "an assignment with a command after it";
	if (memchr(buf_str(&l->value), 0, l->value.n))
		return "a value with a NUL in it";
	strv_add_take(&ret->names, xstrndup(name, n));
	strv_add(&ret->values, buf_str(&l->value));
	return NULL;
}

void assign_parse(const char *p, size_t n, const char *what, struct assign *ret, struct strv *odd)
{
	const char *end = p + n;
	for (int number = 1; p < end; number++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct line l = {.p = p, .end = nl ? nl : end, .value = buf_make(ASSIGN_MAX)};
		const char *why = read_line(&l, ret);
		if (why)
			strv_add_take(odd, xasprintf("%s:%d: %s; it is passed over, since nothing is run here", what,
						   number, why));
		buf_done(&l.value);
		p = nl ? nl + 1 : end;
	}
}

int assign_read(const char *path, struct assign *ret, struct strv *odd, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(ASSIGN_MAX);
	if (fs_read_regular(path, &text, e))
		return -1;
	assign_parse(buf_str(&text), text.n, path, ret, odd);
	return 0;
}
