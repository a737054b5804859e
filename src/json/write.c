/* write.c: the JSON writer. It writes straight into the buffer; runs of ordinary octets are copied in one piece. */
#include <math.h>
#include <string.h>

#include "base/strv.h"
#include "json/json.h"

struct json_out json_out_make(struct buf *out)
{
	return (struct json_out){.out = out};
}

/*
 * The length of the UTF-8 character at p (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), or 0
 * when there is none. n is at least 1.
 */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return p[0] < 0x80;
	}
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

static bool is_ordinary(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped(struct buf *out, unsigned c)
{
	static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (size_t i = 0; i + 1 < sizeof(names); i += 2)
		if ((unsigned)names[i] == c) {
			char two[2] = {'\\', names[i + 1]};
			buf_put(out, two, 2);
			return;
		}
	char six[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4 & 15], "0123456789abcdef"[c & 15]};
	buf_put(out, six, 6);
}

/* DEL and the C1 controls are escaped too: a line that is shown on a terminal must not steer it. */
static void put_string(struct buf *out, const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0;
	buf_putc(out, '"');
	while (i < n) {
		size_t from = i;
		while (i < n && is_ordinary(p[i]))
			i++;
		if (i > from)
			buf_put(out, p + from, i - from);
		if (i == n)
			break;
		size_t len = utf8_len(p + i, n - i);
		if (len == 0)
			buf_put(out, "\xef\xbf\xbd", 3);
		else if (len == 1)
			put_escaped(out, p[i]);
		else if (p[i] == 0xc2 && p[i + 1] < 0xa0)
			put_escaped(out, p[i + 1]);
		else
			buf_put(out, p + i, len);
		i += len ? len : 1;
	}
	buf_putc(out, '"');
}

/* What stands before every value: the comma and the name. */
static void begin(struct json_out *w, const char *member)
{
	if (w->need_comma)
		buf_putc(w->out, ',');
	w->need_comma = true;
	if (member) {
		put_string(w->out, member, strlen(member));
		buf_putc(w->out, ':');
	}
}

void json_out_object(struct json_out *w, const char *member)
{
	begin(w, member);
	buf_putc(w->out, '{');
	w->need_comma = false;
}

void json_out_array(struct json_out *w, const char *member)
{
	begin(w, member);
	buf_putc(w->out, '[');
	w->need_comma = false;
}

void json_out_end_object(struct json_out *w)
{
	buf_putc(w->out, '}');
	w->need_comma = true;
}

void json_out_end_array(struct json_out *w)
{
	buf_putc(w->out, ']');
	w->need_comma = true;
}

void json_out_str(struct json_out *w, const char *member, const char *s)
{
	if (s)
		json_out_strn(w, member, s, strlen(s));
	else
		json_out_null(w, member);
}

void json_out_strn(struct json_out *w, const char *member, const char *s, size_t n)
{
	begin(w, member);
	put_string(w->out, s, n);
}

void json_out_int(struct json_out *w, const char *member, int64_t v)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		digits[--at] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		digits[--at] = '-';
	begin(w, member);
	buf_put(w->out, digits + at, sizeof(digits) - at);
}

void json_out_real(struct json_out *w, const char *member, double v, int digits)
{
	begin(w, member);
	if (isfinite(v))
		buf_printf(w->out, "%.*f", digits, v);
	else
		buf_puts(w->out, "null");
}

void json_out_bool(struct json_out *w, const char *member, bool v)
{
	begin(w, member);
	buf_puts(w->out, v ? "true" : "false");
}

void json_out_null(struct json_out *w, const char *member)
{
	begin(w, member);
	buf_puts(w->out, "null");
}

void json_out_strv(struct json_out *w, const char *member, const struct strv *v)
{
	json_out_array(w, member);
	for (size_t i = 0; i < v->n; i++)
		json_out_str(w, NULL, v->v[i]);
	json_out_end_array(w);
}

void json_out_raw(struct json_out *w, const char *member, const char *json)
{
	begin(w, member);
	buf_puts(w->out, json);
}
