/* jsontext.c: JSON as text. */
#include "testca/jsontext.h"

#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

/* The end of the string that begins at `at` with its quote: behind the closing one. */
static size_t skip_string(const char *s, size_t n, size_t at)
{
	for (at++; at < n && s[at] != '"'; at++)
		if (s[at] == '\\')
			at++;
	return at < n ? at + 1 : n;
}

static size_t skip_space(const char *s, size_t n, size_t at)
{
	while (at < n && memchr(" \t\r\n", s[at], 4))
		at++;
	return at;
}

static size_t skip_value(const char *s, size_t n, size_t at)
{
	size_t depth = 0;
	while (at < n) {
		if (s[at] == '"') {
			at = skip_string(s, n, at);
			if (!depth)
				return at;
			continue;
		}
		if (s[at] == '{' || s[at] == '[')
			depth++;
		else if (s[at] == '}' || s[at] == ']') {
			if (!depth)
				return at;
			if (!--depth)
				return at + 1;
		} else if (!depth && s[at] == ',')
			return at;
		at++;
	}
	return n;
}

int jsontext_find(
	const char *text, size_t n, size_t from, const char *member, size_t *ret_at, size_t *ret_value, size_t *ret_end)
{
	size_t len = strlen(member);
	for (size_t at = from; at < n;) {
		if (text[at] != '"') {
			at++;
			continue;
		}
		size_t end = skip_string(text, n, at), colon = skip_space(text, n, end);
		if (colon < n && text[colon] == ':' && end - at == len + 2 && !memcmp(text + at + 1, member, len)) {
			*ret_at = at;
			*ret_value = skip_space(text, n, colon + 1);
			*ret_end = skip_value(text, n, *ret_value);
			return 0;
		}
		at = end;
	}
	return -1;
}

void jsontext_set(struct buf *text, const char *member, const char *value)
{
	AUTO(buf_done) struct buf out = buf_make(text->max);
	size_t done = 0, at, from, end;
	while (!jsontext_find(buf_str(text), text->n, done, member, &at, &from, &end)) {
		if (value) {
			buf_put(&out, text->p + done, from - done);
			buf_puts(&out, value);
		} else {
			/* With the comma behind it, or else the one before it. */
			buf_put(&out, text->p + done, at - done);
			if (end < text->n && text->p[end] == ',')
				end++;
			else if (out.n && out.p[out.n - 1] == ',')
				out.p[--out.n] = '\0';
		}
		done = end;
	}
	buf_put(&out, buf_str(text) + done, text->n - done);
	buf_clear(text);
	buf_put(text, buf_str(&out), out.n);
}

void jsontext_replace(struct buf *text, const char *from, const char *to)
{
	AUTO(buf_done) struct buf out = buf_make(text->max);
	size_t len = strlen(from), done = 0;
	for (const char *hit; done < text->n && (hit = memmem(text->p + done, text->n - done, from, len));) {
		size_t at = (size_t)(hit - text->p);
		buf_put(&out, text->p + done, at - done);
		buf_puts(&out, to);
		done = at + len;
	}
	if (!done)
		return;
	buf_put(&out, text->p + done, text->n - done);
	buf_clear(text);
	buf_put(text, buf_str(&out), out.n);
}
