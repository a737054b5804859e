/* eventline.c: one event as JSON, as a sentence, and the choice of forms. */
#include "obs/eventline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "obs/eventforms.h"
#include "json/json.h"

void eventline_time(int64_t ms, char out[static 40])
{
	char text[CLOCK_TEXT_MAX];
	clock_rfc3339(ms / 1000, text);
	/* Before its "Z" go the milliseconds. */
	snprintf(out, 40, "%.*s.%03dZ", (int)strlen(text) - 1, text, (int)(ms % 1000));
}

static void opt_str(struct json_out *w, const char *member, const char *s)
{
	if (s && *s)
		json_out_str(w, member, s);
}

static void opt_int(struct json_out *w, const char *member, int64_t v)
{
	if (v)
		json_out_int(w, member, v);
}

void eventforms_members(const struct event *ev, bool brief, struct json_out *w)
{
	char text[CLOCK_TEXT_MAX];
	opt_str(w, "name", ev->name);
	if (ev->names && !brief)
		json_out_strv(w, "names", ev->names);
	opt_str(w, "ca", ev->ca);
	opt_str(w, "account", ev->account);
	opt_str(w, "order", ev->order);
	opt_int(w, "generation", ev->generation);
	if (ev->not_after) {
		clock_rfc3339(ev->not_after, text);
		json_out_str(w, "not_after", text);
	}
	opt_str(w, "serial", ev->serial);
	opt_str(w, "provider", ev->provider);
	opt_str(w, "zone", ev->zone);
	opt_str(w, "rrtype", ev->rrtype);
	if (ev->before && !brief)
		json_out_strv(w, "before", ev->before);
	if (ev->after && !brief)
		json_out_strv(w, "after", ev->after);
	opt_str(w, "action", ev->action);
	if (ev->has_status)
		json_out_int(w, "status", ev->status);
	opt_str(w, "rule", ev->rule);
	opt_str(w, "severity", ev->severity);
	opt_str(w, "fingerprint", ev->fingerprint);
	opt_str(w, "path", ev->path);
	opt_int(w, "count", ev->count);
	opt_int(w, "duration_ms", ev->duration_ms);
	opt_str(w, "detail", ev->detail);
	if (ev->e && err_is(ev->e)) {
		json_out_str(w, "error", ev->e->msg);
		opt_str(w, "hint", ev->e->hint);
		opt_str(w, "problem", ev->e->problem ? ev->e->problem->type : NULL);
	}
	if (brief)
		json_out_bool(w, "brief", true);
}

const char *eventforms_outcome(const struct event *ev)
{
	static const char *const outcomes[] = {
		[EVENT_SUCCESS] = "success", [EVENT_FAILURE] = "failure", [EVENT_UNKNOWN] = "unknown"};
	return outcomes[event_kind(ev->type)->outcome];
}

void eventline_open(const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out)
{
	struct json_out w = json_out_make(out);
	char text[40];
	eventline_time(st->time_ms, text);
	json_out_object(&w, NULL);
	json_out_int(&w, "seq", st->seq);
	json_out_str(&w, "time", text);
	json_out_str(&w, "prev", st->prev);
	json_out_str(&w, "event", event_kind(ev->type)->name);
	json_out_str(&w, "outcome", eventforms_outcome(ev));
	json_out_str(&w, "host", st->host);
	json_out_str(&w, "user", st->user);
	json_out_int(&w, "pid", st->pid);
	eventforms_members(ev, brief, &w);
}

void eventline_words(const struct event *ev, struct buf *out)
{
	const char *about = event_kind(ev->type)->about;
	if (ev->name && *ev->name)
		buf_printf(out, "%s: ", ev->name);
	/* The sentence without its full stop. */
	buf_put(out, about, strlen(about) - 1);
	if (ev->ca && *ev->ca)
		buf_printf(out, " (%s)", ev->ca);
	if (ev->action && *ev->action)
		buf_printf(out, ": %s", ev->action);
	if (ev->rule && *ev->rule)
		buf_printf(out, ": %s", ev->rule);
	if (ev->detail && *ev->detail)
		buf_printf(out, ": %s", ev->detail);
	if (ev->e && err_is(ev->e)) {
		buf_puts(out, ": ");
		log_escape(out, ev->e->msg);
	}
}

void eventline_form(
	enum events_form f, const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out)
{
	if (f == EVENTS_ECS) {
		eventforms_ecs(ev, st, brief, out);
	} else if (f == EVENTS_CEF) {
		eventforms_cef(ev, st, out);
	} else {
		eventline_open(ev, st, brief, out);
		buf_putc(out, '}');
	}
}
