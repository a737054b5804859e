/* eventforms.c: the forms that programs for security events read: ECS and CEF. */
#include "obs/eventforms.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "json/json.h"

/* --- Elastic Common Schema --- */

static void ecs_event(const struct event *ev, const struct eventline_stamp *st, struct json_out *w)
{
	const struct event_kind *k = event_kind(ev->type);
	json_out_object(w, "event");
	json_out_str(w, "kind", "event");
	json_out_array(w, "category");
	json_out_str(w, NULL, k->category);
	json_out_end_array(w);
	json_out_array(w, "type");
	json_out_str(w, NULL, k->action);
	json_out_end_array(w);
	json_out_str(w, "action", k->name);
	json_out_str(w, "outcome", eventforms_outcome(ev));
	json_out_int(w, "severity", k->severity);
	json_out_str(w, "provider", "perdure");
	json_out_str(w, "dataset", "perdure.events");
	json_out_int(w, "sequence", st->seq);
	if (ev->duration_ms)
		json_out_int(w, "duration", ev->duration_ms * 1000000);
	if (ev->e && err_is(ev->e))
		json_out_str(w, "reason", ev->e->msg);
	json_out_end_object(w);
}

static void ecs_certificate(const struct event *ev, bool brief, struct json_out *w)
{
	char text[CLOCK_TEXT_MAX];
	if (!ev->not_after && !(ev->serial && *ev->serial) && !(ev->names && !brief))
		return;
	json_out_object(w, "tls");
	json_out_object(w, "server");
	json_out_object(w, "x509");
	if (ev->names && !brief)
		json_out_strv(w, "alternative_names", ev->names);
	if (ev->not_after) {
		clock_rfc3339(ev->not_after, text);
		json_out_str(w, "not_after", text);
	}
	if (ev->serial && *ev->serial)
		json_out_str(w, "serial_number", ev->serial);
	json_out_end_object(w);
	json_out_end_object(w);
	json_out_end_object(w);
}

static void named(struct json_out *w, const char *object, const char *name)
{
	json_out_object(w, object);
	json_out_str(w, "name", name);
	json_out_end_object(w);
}

void eventforms_ecs(const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out)
{
	struct json_out w = json_out_make(out);
	char text[40];
	AUTO(buf_done) struct buf words = buf_make(EVENTLINE_MAX);
	eventline_time(st->time_ms, text);
	eventline_words(ev, &words);
	json_out_object(&w, NULL);
	json_out_str(&w, "@timestamp", text);
	json_out_str(&w, "message", buf_str(&words));
	json_out_object(&w, "ecs");
	json_out_str(&w, "version", "8.11.0");
	json_out_end_object(&w);
	ecs_event(ev, st, &w);
	named(&w, "host", st->host);
	named(&w, "user", st->user);
	json_out_object(&w, "process");
	json_out_str(&w, "name", "perdure");
	json_out_int(&w, "pid", st->pid);
	json_out_end_object(&w);
	if (ev->e && err_is(ev->e)) {
		json_out_object(&w, "error");
		json_out_str(&w, "message", ev->e->msg);
		json_out_str(&w, "type", ev->e->problem ? ev->e->problem->type : err_kind_name(ev->e->kind));
		json_out_end_object(&w);
	}
	ecs_certificate(ev, brief, &w);
	json_out_object(&w, "perdure");
	eventforms_members(ev, brief, &w);
	json_out_str(&w, "prev", st->prev);
	json_out_end_object(&w);
	json_out_end_object(&w);
}

/* --- Common Event Format --- */

/* header: "|" is escaped there, "=" in the extension; no line ends in either. */
static void cef_text(struct buf *out, const char *s, bool header)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == (header ? '|' : '='))
			buf_putc(out, '\\');
		if (*s == '\n' || *s == '\r')
			buf_puts(out, header ? " " : "\\n");
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(out, "\\\\x%02x", (unsigned char)*s);
		else
			buf_putc(out, *s);
	}
}

static void cef_pair(struct buf *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, " %s=", key);
	cef_text(out, value, false);
}

/* A field of ours in one of the numbered places, with its label. */
static void cef_custom(struct buf *out, int place, const char *label, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, " cs%dLabel=%s cs%d=", place, label, place);
	cef_text(out, value, false);
}

/* 0 to 10, 10 the gravest. */
static int cef_severity(const struct event_kind *k)
{
	return k->severity <= 3 ? 8 : k->severity == 4 ? 6 : k->severity == 5 ? 4 : 2;
}

void eventforms_cef(const struct event *ev, const struct eventline_stamp *st, struct buf *out)
{
	const struct event_kind *k = event_kind(ev->type);
	AUTO(buf_done) struct buf words = buf_make(EVENTLINE_MAX);
	eventline_words(ev, &words);
	buf_printf(out, "CEF:0|perdure|perdure|" PERDURE_VERSION "|%s|", k->name);
	cef_text(out, k->about, true);
	buf_printf(out, "|%d|rt=%" PRId64 " externalId=%" PRId64 " spid=%ld", cef_severity(k), st->time_ms, st->seq,
		st->pid);
	cef_pair(out, "dvchost", st->host);
	cef_pair(out, "suser", st->user);
	cef_pair(out, "act", k->action);
	cef_pair(out, "outcome", eventforms_outcome(ev));
	cef_pair(out, "fname", ev->path);
	cef_pair(out, "reason", ev->e && err_is(ev->e) ? ev->e->msg : NULL);
	cef_custom(out, 1, "name", ev->name);
	cef_custom(out, 2, "ca", ev->ca);
	cef_custom(out, 3, "provider", ev->provider);
	cef_custom(out, 4, "order", ev->order);
	cef_custom(out, 5, "serial", ev->serial);
	cef_custom(out, 6, "rule", ev->rule);
	if (ev->generation)
		buf_printf(out, " cn1Label=generation cn1=%" PRId64, ev->generation);
	if (ev->not_after)
		buf_printf(out, " deviceCustomDate1Label=notAfter deviceCustomDate1=%" PRId64, ev->not_after * 1000);
	cef_pair(out, "msg", buf_str(&words));
}
