/*
 * report_junit.c: JUnit XML, as CI systems read it: a suite for each name with a failed case for each error or warning;
 * what is only worth knowing is a case that passed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "watch/report_priv.h"

/* Text for an attribute or an element: control characters shown by their numbers, what XML means something by escaped.
 */
static void put(struct buf *out, const char *s)
{
	AUTO(buf_done) struct buf plain = buf_make(BUF_MAX_SMALL_FILE);
	log_escape(&plain, s);
	for (const char *p = buf_str(&plain); *p; p++)
		switch (*p) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			buf_putc(out, *p);
		}
}

static void begin(struct report *r)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"perdure audit\">\n", r->out);
}

static void line(struct buf *b, const char *label, const char *s)
{
	if (!*s)
		return;
	put(b, label);
	put(b, s);
	buf_putc(b, '\n');
}

/* The cases of a name are gathered: the suite says first how many they are. */
static void finding(struct report *r, const struct finding *f)
{
	struct buf *b = &r->buf;
	bool failed = f->rule->severity != SEVERITY_INFO;
	const char *element = failed ? "failure" : "system-out";
	buf_puts(b, "<testcase classname=\"");
	put(b, f->name);
	buf_printf(b, "\" name=\"%s %s", f->rule->id, f->rule->name);
	if (*f->ca || *f->server) {
		buf_puts(b, " at ");
		put(b, *f->server ? f->server : f->ca);
	}
	buf_printf(b, "\"><%s", element);
	if (failed) {
		buf_printf(b, " type=\"%s\" message=\"", severity_name(f->rule->severity));
		put(b, f->rule->title);
		buf_putc(b, '"');
	}
	buf_putc(b, '>');
	line(b, "", f->evidence);
	line(b, "at: ", f->owner);
	line(b, "record: ", f->record);
	line(b, "remedy: ", f->remedy);
	line(b, "publish: ", f->fix);
	buf_printf(b, "</%s></testcase>\n", element);
	r->n_failures += failed;
	if (r->name)
		return;
	/* About a CA or the run as a whole. */
	fputs("<testsuite name=\"", r->out);
	AUTO(buf_done) struct buf name = buf_make(BUF_MAX_SMALL_FILE);
	put(&name, f->name);
	fprintf(r->out, "%s\" tests=\"1\" failures=\"%d\">\n", buf_str(&name), failed);
	report_flush(r);
	fputs("</testsuite>\n", r->out);
	r->n_failures = 0;
}

static void name_end(struct report *r)
{
	AUTO(buf_done) struct buf name = buf_make(BUF_MAX_SMALL_FILE);
	put(&name, r->name);
	fprintf(r->out, "<testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\">\n", buf_str(&name),
		r->n_in_name ? r->n_in_name : 1, r->n_failures);
	if (!r->n_in_name)
		fprintf(r->out, "<testcase classname=\"%s\" name=\"audit\"/>\n", buf_str(&name));
	report_flush(r);
	fputs("</testsuite>\n", r->out);
}

static void end(struct report *r, const struct report_summary *s)
{
	(void)s;
	fputs("</testsuites>\n", r->out);
}

const struct report_ops report_junit = {
	.format = "junit", .begin = begin, .finding = finding, .name_end = name_end, .end = end};
