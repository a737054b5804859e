/* eventread.c: an event read back from a line of the log. */
#include "obs/eventread.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "json/json.h"

static void read_list(const struct json *j, const char *member, struct strv *to, const struct strv **ret)
{
	const struct json *list = json_get(j, member);
	if (!json_is_array(list))
		return;
	for (size_t i = 0; i < json_len(list); i++)
		if (json_str(json_at(list, i)))
			strv_add(to, json_str(json_at(list, i)));
	*ret = to;
}

/* Moments with milliseconds; 0 when there is none. */
static int64_t read_ms(const char *s)
{
	struct err ignored = {0};
	int64_t secs;
	if (!s || clock_parse_rfc3339(s, &secs, &ignored)) {
		err_done(&ignored);
		return 0;
	}
	const char *digit = strchr(s, '.');
	int64_t ms = 0;
	for (int unit = 100; digit && unit && isdigit((unsigned char)*++digit); unit /= 10)
		ms += (*digit - '0') * unit;
	return secs * 1000 + ms;
}

static int64_t read_int(const struct json *j, const char *member)
{
	int64_t v;
	return json_int(json_get(j, member), &v) ? v : 0;
}

static void read_error(const struct json *j, struct eventread *r)
{
	const char *msg = json_str(json_get(j, "error")), *problem = json_str(json_get(j, "problem"));
	if (!msg)
		return;
	err_set(&r->e, problem ? ERR_ACME : ERR_PROTO, "%s", msg);
	if (problem) {
		r->e.problem = err_problem_new();
		free(r->e.problem->type);
		r->e.problem->type = xstrdup(problem);
	}
	r->event.e = &r->e;
}

static const char *text(const struct json *j, const char *member)
{
	return json_str(json_get(j, member));
}

int eventread(const struct json *j, struct eventread *ret)
{
	struct event *ev = &ret->event;
	int64_t status = 0;
	*ret = (struct eventread){0};
	const char *prev = text(j, "prev"), *host = text(j, "host"), *user = text(j, "user");
	if (!text(j, "event") || event_type_from_name(text(j, "event"), &ev->type))
		return -1;
	ret->stamp = (struct eventline_stamp){
		.seq = read_int(j, "seq"),
		.time_ms = read_ms(text(j, "time")),
		.prev = prev ? prev : "",
		.host = host ? host : "",
		.user = user ? user : "",
		.pid = (long)read_int(j, "pid"),
	};
	ev->name = text(j, "name");
	ev->ca = text(j, "ca");
	ev->account = text(j, "account");
	ev->order = text(j, "order");
	ev->generation = read_int(j, "generation");
	ev->not_after = read_ms(text(j, "not_after")) / 1000;
	ev->serial = text(j, "serial");
	ev->provider = text(j, "provider");
	ev->zone = text(j, "zone");
	ev->rrtype = text(j, "rrtype");
	ev->action = text(j, "action");
	ev->has_status = json_int(json_get(j, "status"), &status);
	ev->status = (int)status;
	ev->rule = text(j, "rule");
	ev->severity = text(j, "severity");
	ev->fingerprint = text(j, "fingerprint");
	ev->path = text(j, "path");
	ev->count = read_int(j, "count");
	ev->duration_ms = read_int(j, "duration_ms");
	ev->detail = text(j, "detail");
	read_list(j, "names", &ret->names, &ev->names);
	read_list(j, "before", &ret->before, &ev->before);
	read_list(j, "after", &ret->after, &ev->after);
	read_error(j, ret);
	return 0;
}

void eventread_done(struct eventread *r)
{
	strv_done(&r->names);
	strv_done(&r->before);
	strv_done(&r->after);
	err_done(&r->e);
}
