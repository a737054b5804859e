/* notify_forms.c: a message as text, JSON and mail, and its signature. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "crypto/hmac.h"
#include "obs/notify.h"
#include "json/json.h"

/* A message names so many problems one by one. */
enum { TEXT_WIDTH = 100, SHOWN_MAX = 100 };

static size_t count_gone(const struct notify_message *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++)
		n += m->items[i].news == NOTIFY_GONE;
	return n;
}

/* --- text --- */

void notify_subject(const struct notify_message *m, const struct notify_frame *f, struct buf *out)
{
	size_t gone = count_gone(m), bad = m->n - gone;
	buf_printf(out, "[perdure %s] ", f->host);
	if (f->test) {
		buf_puts(out, "test");
		return;
	}
	if (bad)
		buf_printf(out, "%zu %s%s", bad, notify_severity_name(m->worst), bad > 1 ? "s" : "");
	if (gone)
		buf_printf(out, "%s%zu gone", bad ? ", " : "", gone);
	if (m->n) {
		buf_puts(out, ": ");
		log_escape(out, m->items[0].p->subject);
	}
	if (m->n > 1)
		buf_printf(out, " and %zu more", m->n - 1);
}

/* Words, with a line feed instead of a blank where the line would be too long; further lines begin with the indent. */
static void put_wrapped(struct buf *out, const char *text, const char *indent)
{
	AUTO(buf_done) struct buf clean = buf_make(1 << 16);
	size_t column = strlen(indent);
	log_escape(&clean, text);
	const char *p = buf_str(&clean);
	buf_puts(out, indent);
	while (*p) {
		size_t n = strcspn(p, " ");
		if (column > strlen(indent) && column + 1 + n > TEXT_WIDTH) {
			buf_printf(out, "\n%s", indent);
			column = strlen(indent);
		} else if (column > strlen(indent)) {
			buf_putc(out, ' ');
			column++;
		}
		buf_put(out, p, n);
		column += n;
		p += n;
		p += strspn(p, " ");
	}
	buf_putc(out, '\n');
}

static void put_item(const struct notify_item *it, struct buf *out)
{
	char since[CLOCK_TEXT_MAX];
	clock_rfc3339(it->since, since);
	buf_printf(out, "%s", it->news == NOTIFY_GONE ? "gone" : notify_severity_name(it->p->severity));
	if (it->news == NOTIFY_WORSE)
		buf_puts(out, " (worse)");
	buf_puts(out, ": ");
	log_escape(out, it->p->subject);
	buf_printf(out, ": %s", it->p->kind);
	if (it->news != NOTIFY_NEW)
		buf_printf(out, " (since %s)", since);
	buf_putc(out, '\n');
	if (*it->p->text)
		put_wrapped(out, it->p->text, "    ");
	if (*it->p->hint)
		put_wrapped(out, it->p->hint, "    -> ");
}

void notify_text(const struct notify_message *m, const struct notify_frame *f, struct buf *out)
{
	char now[CLOCK_TEXT_MAX];
	clock_rfc3339(f->now_s, now);
	if (f->test)
		buf_puts(out, "This is a test: messages of perdure come through.\n");
	for (size_t i = 0; i < m->n && i < SHOWN_MAX; i++)
		put_item(&m->items[i], out);
	if (m->n > SHOWN_MAX)
		buf_printf(out, "and %zu more: \"perdure status\" and \"perdure audit\" list them\n", m->n - SHOWN_MAX);
	buf_printf(out, "\n-- \nperdure " PERDURE_VERSION " on %s, %s\n", f->host, now);
}

/* --- JSON --- */

void notify_json(const struct notify_message *m, const struct notify_frame *f, struct buf *out)
{
	char text[CLOCK_TEXT_MAX];
	AUTO(buf_done) struct buf subject = buf_make(4096);
	struct json_out w = json_out_make(out);
	notify_subject(m, f, &subject);
	clock_rfc3339(f->now_s, text);
	json_out_object(&w, NULL);
	json_out_int(&w, "version", 1);
	json_out_str(&w, "id", f->id);
	json_out_str(&w, "time", text);
	json_out_str(&w, "host", f->host);
	json_out_bool(&w, "test", f->test);
	json_out_str(&w, "subject", buf_str(&subject));
	json_out_str(&w, "severity", notify_severity_name(m->worst));
	json_out_array(&w, "problems");
	for (size_t i = 0; i < m->n && i < SHOWN_MAX; i++) {
		const struct notify_item *it = &m->items[i];
		clock_rfc3339(it->since, text);
		json_out_object(&w, NULL);
		json_out_str(&w, "key", it->p->key);
		json_out_str(&w, "news", notify_news_name(it->news));
		json_out_str(&w, "kind", it->p->kind);
		json_out_str(&w, "subject", it->p->subject);
		json_out_str(&w, "severity", notify_severity_name(it->p->severity));
		json_out_str(&w, "text", it->p->text);
		json_out_str(&w, "hint", *it->p->hint ? it->p->hint : NULL);
		json_out_str(&w, "since", text);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_int(&w, "omitted", m->n > SHOWN_MAX ? (int64_t)(m->n - SHOWN_MAX) : 0);
	json_out_end_object(&w);
}

int notify_signature(const void *key, size_t n, int64_t now_s, const struct buf *body, struct buf *out, struct err *e)
{
	uint8_t code[HMAC_OCTETS_MAX];
	char stamp[32];
	struct hmac *h;
	if (hmac_new(HMAC_SHA256, key, n, &h, e))
		return -1;
	snprintf(stamp, sizeof(stamp), "%" PRId64 ".", now_s);
	hmac_put(h, stamp, strlen(stamp));
	hmac_put(h, body->p, body->n);
	int r = hmac_end(h, code, e);
	hmac_free(h);
	if (r)
		return -1;
	buf_printf(out, "t=%" PRId64 ",v1=", now_s);
	codec_hex(out, code, hmac_size(HMAC_SHA256));
	return 0;
}

/* --- mail --- */

/* The header holds ASCII: what is none is shown as "?". No line of ours is long enough to be folded. */
static void put_header(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s: ", name);
	for (const char *p = value; *p; p++)
		buf_putc(out, (unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e ? '?' : *p);
	buf_puts(out, "\r\n");
}

static void put_date(struct buf *out, int64_t now_s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)now_s;
	struct tm tm;
	char text[64];
	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	put_header(out, "Date", text);
}

void notify_mail(
	const struct notify_message *m, const struct notify_frame *f, const char *from, const char *to, struct buf *out)
{
	AUTO(buf_done) struct buf text = buf_make(1 << 20), subject = buf_make(4096);
	AUTO(xfreep) char *id = xasprintf("<%s@%s>", f->id, f->host);
	notify_subject(m, f, &subject);
	notify_text(m, f, &text);
	put_date(out, f->now_s);
	put_header(out, "From", from);
	put_header(out, "To", to);
	put_header(out, "Subject", buf_str(&subject));
	put_header(out, "Message-ID", id);
	/* RFC 3834: no out-of-office replies. */
	put_header(out, "Auto-Submitted", "auto-generated");
	put_header(out, "MIME-Version", "1.0");
	put_header(out, "Content-Type", "text/plain; charset=utf-8");
	put_header(out, "Content-Transfer-Encoding", "8bit");
	buf_puts(out, "\r\n");
	for (const char *p = buf_str(&text); *p; p++) {
		if (*p == '\n')
			buf_putc(out, '\r');
		buf_putc(out, *p);
	}
}
