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

/* What a server said must not move the cursor or forge a second line. */
static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '\n' && s[1])
			buf_puts(out, "\\n");
		else if ((c < 0x20 && c != '\n') || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
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
	put_escaped(&line, raw);
	buf_putc(&line, '\n');
	if (sink.before)
		sink.before();
	/* One write, so that lines of several processes do not mix; nobody to tell when stderr is gone. */
	if (write(STDERR_FILENO, buf_str(&line), line.n) < 0)
		sink.before = NULL;
	buf_done(&line);
}
