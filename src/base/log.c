/* log.c: the log sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

static struct {
	enum log_level level;
	void (*before)(void);
} sink = {.level = LOG_LEVEL_INFO};

void log_set_level(enum log_level level)
{
	sink.level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= sink.level;
}

void log_set_before(void (*before)(void))
{
	sink.before = before;
}

/* Octets of the well-formed UTF-8 character at s; 0 for anything else. */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t n;
	} forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
	if (*s < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*s < forms[i].first_low || *s > forms[i].first_high)
			continue;
		if (s[1] < forms[i].second_low || s[1] > forms[i].second_high)
			return 0;
		for (size_t k = 2; k < forms[i].n; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].n;
	}
	return 0;
}

void log_escape(struct buf *out, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t n = utf8_length(s);
		bool control = *s < 0x20 || *s == 0x7f || (n == 2 && *s == 0xc2 && s[1] < 0xa0);
		if (*s == '\n') {
			if (s[1])
				buf_puts(out, "\\n");
		} else if (n && !control) {
			buf_put(out, s, n);
		} else {
			for (size_t k = 0; k < (n ? n : 1); k++)
				buf_printf(out, "\\x%02x", s[k]);
		}
		s += n ? n : 1;
	}
}

void log_at(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = {"", "warning: ", "", "debug: "};
	enum { LINE_MAX_OCTETS = 8192 };
	if (!log_enabled(level))
		return;
	char raw[LINE_MAX_OCTETS];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	struct buf line = buf_make((size_t)LINE_MAX_OCTETS * 5);
	buf_printf(&line, "perdure: %s", prefix[level]);
	log_escape(&line, raw);
	buf_putc(&line, '\n');
	if (sink.before)
		sink.before();
	/* One write, so that lines of several processes do not mix; nobody to tell when stderr is gone. */
	if (write(STDERR_FILENO, buf_str(&line), line.n) < 0)
		sink.before = NULL;
	buf_done(&line);
}
