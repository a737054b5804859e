/* output.c: what verbs print. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "provider/provider.h"

/* The progress line belongs to the log sink: whoever writes a line clears it first. */
static struct {
	bool on;
	bool shown;
} progress;

static const char *const colours[] = {[OUT_GOOD] = "\033[32m", [OUT_BAD] = "\033[31m", [OUT_WARN] = "\033[33m"};
static const char colour_off[] = "\033[0m";

static bool coloured(void)
{
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

/* How many octets at s are to go out as they are: line feeds and tabs, and our colours where there are some. */
static size_t layout(const char *s, bool colour)
{
	size_t n = strspn(s, "\n\t");
	for (size_t i = 0; !n && colour && i < ARRAY_LEN(colours); i++)
		if (!strncmp(s, colours[i], strlen(colours[i])))
			n = strlen(colours[i]);
	if (!n && colour && !strncmp(s, colour_off, strlen(colour_off)))
		n = strlen(colour_off);
	return n;
}

void out_text(const char *fmt, ...)
{
	enum { TEXT_MAX = 64 << 20 };
	va_list ap;
	AUTO(buf_done) struct buf raw = buf_make(TEXT_MAX), out = buf_make(TEXT_MAX);
	bool colour = coloured();
	va_start(ap, fmt);
	buf_vprintf(&raw, fmt, ap);
	va_end(ap);
	for (char *s = raw.p; s && *s;) {
		size_t n = layout(s, colour);
		buf_put(&out, s, n);
		s += n;
		char *end = s;
		for (end += strcspn(end, "\n\t\033"); *end && !layout(end, colour);)
			end += 1 + strcspn(end + 1, "\n\t\033");
		char after = *end;
		*end = '\0';
		log_escape(&out, s);
		*end = after;
		s = end;
	}
	out_progress_clear();
	fwrite(buf_str(&out), 1, out.n, stdout);
}

void out_json_begin(struct out_json *j)
{
	enum { JSON_LINE_MAX = 64 << 20 };
	j->buf = buf_make(JSON_LINE_MAX);
	j->w = json_out_make(&j->buf);
	json_out_object(&j->w, NULL);
}

void out_json_end(struct out_json *j)
{
	json_out_end_object(&j->w);
	buf_putc(&j->buf, '\n');
	fwrite(buf_str(&j->buf), 1, j->buf.n, stdout);
	fflush(stdout);
	buf_done(&j->buf);
}

void out_json_err(struct json_out *w, const struct err *e)
{
	if (!e || !err_is(e))
		return;
	json_out_str(w, "error", e->msg);
	json_out_str(w, "error_kind", err_kind_name(e->kind));
	if (provider_cause(e))
		json_out_str(w, "cause", provider_cause_name(provider_cause(e)));
	if (e->hint[0])
		json_out_str(w, "hint", e->hint);
	if (!e->problem)
		return;
	json_out_str(w, "problem", e->problem->type);
	json_out_array(w, "subproblems");
	for (size_t i = 0; i < e->problem->n_subs; i++) {
		json_out_object(w, NULL);
		json_out_str(w, "identifier", e->problem->subs[i].identifier);
		json_out_str(w, "type", e->problem->subs[i].type);
		json_out_str(w, "detail", e->problem->subs[i].detail);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

void out_json_time(struct json_out *w, const char *member, int64_t secs)
{
	char text[CLOCK_TEXT_MAX];
	if (!secs) {
		json_out_null(w, member);
		return;
	}
	clock_rfc3339(secs, text);
	json_out_str(w, member, text);
}

const char *out_colour_on(enum out_colour c)
{
	return coloured() ? colours[c] : "";
}

const char *out_colour_off(void)
{
	return coloured() ? colour_off : "";
}

void out_progress_init(const struct cli *c)
{
	progress.on = isatty(STDERR_FILENO) && !c->quiet && !c->json;
	log_set_before(out_progress_clear);
}

void out_progress(const char *fmt, ...)
{
	if (!progress.on)
		return;
	va_list ap;
	out_progress_clear();
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
	progress.shown = true;
}

void out_progress_clear(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
}

void out_span(int64_t secs, char *out, size_t n)
{
	int64_t a = secs < 0 ? -secs : secs;
	const char *unit = a >= 2 * 86400 ? "d" : a >= 2 * 3600 ? "h" : a >= 120 ? "min" : "s";
	int64_t v = a >= 2 * 86400 ? a / 86400 : a >= 2 * 3600 ? a / 3600 : a >= 120 ? a / 60 : a;
	snprintf(out, n, "%lld %s%s", (long long)v, unit, secs < 0 ? " ago" : "");
}

bool out_confirm(const char *fmt, ...)
{
	char answer[16];
	va_list ap;
	if (!isatty(STDIN_FILENO))
		return false;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", stderr);
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

int out_flush(struct err *e)
{
	out_progress_clear();
	if (fflush(stdout) || ferror(stdout))
		return err_sys(e, "write to standard output");
	return 0;
}
