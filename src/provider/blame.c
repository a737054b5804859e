/* blame.c: what an answer that is no success means, from the places where interfaces put such things. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "provider/rest_internal.h"
#include "json/json.h"

enum {
	HTTP_UNAUTHORIZED = 401,
	HTTP_FORBIDDEN = 403,
	HTTP_CONFLICT = 409,
	HTTP_LOCKED = 423,
	HTTP_TOO_MANY = 429,
	HTTP_UNAVAILABLE = 503,
	EPOCH_FROM = 1000000000,
	DAY_MS = 86400000
};

/* --- when to come back --- */

static bool header_number(const struct http_reply *r, const char *const *names, int64_t *ret)
{
	for (; *names; names++) {
		const char *v = http_reply_header(r, *names);
		if (!v || !isdigit((unsigned char)*v))
			continue;
		*ret = strtoll(v, NULL, 10);
		return true;
	}
	return false;
}

/* The parameter of a `RateLimit` field: "default";r=0;t=30 */
static bool parameter(const char *field, const char *name, int64_t *ret)
{
	const char *p = strstr(field, name);
	if (!p || !isdigit((unsigned char)p[strlen(name)]))
		return false;
	*ret = strtoll(p + strlen(name), NULL, 10);
	return true;
}

/* A limit that is used up, and when it begins anew: seconds, or a moment in UNIX seconds. */
static int64_t used_up(const struct http_reply *r, int64_t wall_ms)
{
	static const char *const left_names[] = {"ratelimit-remaining", "x-ratelimit-remaining", NULL};
	static const char *const reset_names[] = {"ratelimit-reset", "x-ratelimit-reset", NULL};
	const char *field = http_reply_header(r, "ratelimit");
	int64_t left = 1, reset = 0;
	bool told = field ? parameter(field, ";r=", &left) && parameter(field, ";t=", &reset)
			  : header_number(r, left_names, &left) && header_number(r, reset_names, &reset);
	if (!told || left > 0)
		return -1;
	int64_t ms = reset >= EPOCH_FROM ? reset * 1000 - wall_ms : reset > DAY_MS / 1000 ? DAY_MS : reset * 1000;
	return ms < 0 ? 0 : ms > DAY_MS ? DAY_MS : ms;
}

int64_t blame_wait(const struct http_reply *r, int64_t wall_ms)
{
	const char *after = http_reply_header(r, "retry-after");
	int64_t at;
	if (after && clock_retry_after(after, wall_ms, &at))
		return at - wall_ms;
	return used_up(r, wall_ms);
}

/* --- the vendor's words --- */

static const char *str_of(const struct json *v, const char *const *members)
{
	for (; v && *members; members++) {
		const char *s = json_str(json_get(v, *members));
		if (s && *s)
			return s;
	}
	return NULL;
}

/* An object with words in it, or words. */
static bool take(const struct json *v, struct rest_blame *ret)
{
	static const char *const text_names[] = {
		"message", "detail", "description", "error_description", "msg", "title", NULL};
	const char *text = json_str(v) ? json_str(v) : str_of(v, text_names);
	const char *code = json_str(json_get(v, "code"));
	int64_t number;
	if (!text || !*text)
		return false;
	if (code && strcmp(code, text) != 0)
		snprintf(ret->words, sizeof(ret->words), "%.80s: %.300s", code, text);
	else if (json_int(json_get(v, "code"), &number))
		snprintf(ret->words, sizeof(ret->words), "%lld: %.300s", (long long)number, text);
	else
		snprintf(ret->words, sizeof(ret->words), "%.390s", text);
	return true;
}

static void words_of_json(const struct json *v, struct rest_blame *ret)
{
	const struct json *list = json_get(v, "errors");
	if (take(json_get(v, "error"), ret) || take(json_at(list, 0), ret) || take(v, ret) || take(list, ret))
		return;
	take(json_at(v, 0), ret);
}

/* A short text is an explanation; a web page is none. */
static void words_of_text(const struct http_reply *r, struct rest_blame *ret)
{
	const char *type = http_reply_header(r, "content-type");
	const char *text = buf_str(&r->body);
	text += strspn(text, " \t\r\n");
	if ((type && strstr(type, "html")) || *text == '<')
		snprintf(ret->words, sizeof(ret->words), "(a web page)");
	else
		snprintf(ret->words, sizeof(ret->words), "%.*s",
			(int)strnlen(text, strcspn(text, "\r\n") < 300 ? strcspn(text, "\r\n") : 300), text);
}

/* --- the whole --- */

static enum provider_cause cause_of(int status)
{
	switch (status) {
	case HTTP_UNAUTHORIZED:
		return PROVIDER_KEY;
	case HTTP_FORBIDDEN:
		return PROVIDER_POLICY;
	case HTTP_CONFLICT:
	case HTTP_LOCKED:
	case HTTP_UNAVAILABLE:
		return PROVIDER_BUSY;
	case HTTP_TOO_MANY:
		return PROVIDER_RATE;
	default:
		return status < 400 ? PROVIDER_REPLY : PROVIDER_OTHER;
	}
}

void rest_blame_by(const struct rest_known *known, const char *code, struct rest_blame *ret)
{
	for (; code && known->code; known++)
		if (!strcmp(code, known->code)) {
			ret->cause = known->cause;
			ret->again = known->again;
		}
}

void blame_read(const struct rest_reply *r, const struct rest_options *o, int64_t wall_ms, struct rest_blame *ret)
{
	*ret = (struct rest_blame){0};
	if (o->blame)
		o->blame(r, ret);
	if (!ret->cause)
		ret->cause = cause_of(r->status);
	if (r->status == HTTP_TOO_MANY || r->status == HTTP_UNAVAILABLE)
		ret->again = true;
	if (!ret->words[0] && r->json)
		words_of_json(r->json, ret);
	if (!ret->words[0] && !r->json)
		words_of_text(r->http, ret);
	if (ret->again && !ret->wait_ms) {
		int64_t wait = blame_wait(r->http, wall_ms);
		ret->wait_ms = wait < 0 ? -1 : wait;
	}
}
