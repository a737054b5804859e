/* token.c: access tokens: asked for, kept, given up. */
#include "provider/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/driver.h"
#include "provider/rest.h"
#include "json/json.h"

enum {
	TOKEN_MAX = 16 << 10,
	BODY_MAX = 64 << 10,
	LIFE_UNKNOWN_S = 300, /* of one that does not say how long it lives */
	LIFE_LEAST_S = 60, /* one that lives shorter is tried all the same; a refusal brings the next */
	LIFE_MAX_S = 86400,
	EARLY_S = 120, /* so long before its end it is not used any more: a call may take a while to arrive */
	CLIENT_ERROR = 400,
	SERVER_ERROR = 500,
	TOO_MANY = 429,
	METADATA_MS = 10000, /* it is near, or nowhere */
};

/* No name server need be trusted for it. */
static const char metadata_url[] = "http://169.254.169.254";

struct token {
	struct provider *p;
	struct token_options o;
	char *path;
	struct strv headers;
	struct rest_call *call;
	struct loop_timer *turn; /* of an error that was found before anything was sent */
	struct err e;
	bool good;
	int64_t until; /* monotonic ms */
	unsigned number;
	token_fn fn;
	void *ctx;
};

static int64_t now_ms(const struct token *t)
{
	return clk_mono(loop_clk(t->p->loop));
}

/* --- the answer --- */

static bool is_word(const char *s)
{
	const char *p = s;
	while (*p > ' ' && *p < 0x7f)
		p++;
	return p > s && !*p && p - s <= TOKEN_MAX;
}

/* Seconds: a number, or one in quotes as metadata servers of Azure write it. */
static int64_t life_of(const struct json *reply)
{
	const struct json *v = json_get(reply, "expires_in");
	int64_t s = LIFE_UNKNOWN_S;
	if (json_str(v))
		s = strtoll(json_str(v), NULL, 10);
	else
		json_int(v, &s);
	return s > LIFE_MAX_S ? LIFE_MAX_S : s < LIFE_LEAST_S ? LIFE_LEAST_S : s;
}

static int take(struct token *t, const struct json *reply, struct secret *ret, struct err *e)
{
	const char *value = json_str(json_get(reply, "access_token"));
	const char *type = json_str(json_get(reply, "token_type"));
	if (!value || !is_word(value) || (type && strcasecmp(type, "Bearer") != 0)) {
		provider_err(e, t->p, PROVIDER_REPLY, "get an access token: an answer without one");
		provider_hint(e, t->p);
		return -1;
	}
	int64_t life = life_of(reply);
	t->good = true;
	t->number++;
	t->until = now_ms(t) + (life > 2 * EARLY_S ? life - EARLY_S : life / 2) * 1000;
	*ret = secret_dup(value, strlen(value));
	return 0;
}

static void on_reply(const struct rest_reply *r, const struct err *failed, void *ctx)
{
	struct token *t = ctx;
	struct secret value = {0};
	struct err e = {0};
	t->call = NULL;
	if (!r || err_is(failed))
		err_copy(&e, failed);
	else
		take(t, r->json, &value, &e);
	t->fn(err_is(&e) ? NULL : &value, &e, t->ctx);
	secret_done(&value);
	err_done(&e);
}

/* --- the request --- */

static void on_turn(void *ctx)
{
	struct token *t = ctx;
	struct err e = {0};
	err_move(&e, &t->e);
	t->fn(NULL, &e, t->ctx);
	err_done(&e);
}

static void ask(struct token *t)
{
	struct buf body = buf_make(BODY_MAX);
	struct rest_request q = {.method = t->o.body ? HTTP_POST : HTTP_GET,
		.path = t->path,
		.what = "get an access token",
		.content_type = "application/x-www-form-urlencoded",
		.headers = &t->headers,
		.repeatable = true};
	if (t->o.body && (t->o.body(t->o.ctx, &body, &t->e) || buf_check(&body, "a request for a token", &t->e))) {
		provider_err_name(&t->e, t->p);
		loop_timer_start(t->turn, 0);
	} else {
		q.body = buf_str(&body);
		q.body_n = body.n;
		t->call = rest_send(t->o.rest, &q, on_reply, t);
	}
	buf_wipe(&body);
}

bool token_is_there(struct token *t)
{
	if (t->good && now_ms(t) < t->until)
		return true;
	t->good = false;
	if (!t->call && !err_is(&t->e))
		ask(t);
	return false;
}

unsigned token_number(const struct token *t)
{
	return t->number;
}

void token_refused(struct token *t, unsigned number)
{
	if (t->number == number)
		t->good = false;
}

/* --- errors --- */

void token_blame(const struct rest_reply *r, struct rest_blame *ret)
{
	const char *error = json_str(json_get(r->json, "error"));
	const char *text = json_str(json_get(r->json, "error_description"));
	if (r->status >= CLIENT_ERROR && r->status < SERVER_ERROR && r->status != TOO_MANY)
		ret->cause = PROVIDER_KEY;
	if (text && strstr(text, "reasonable timeframe"))
		ret->cause = PROVIDER_CLOCK;
	if (error && text)
		snprintf(ret->words, sizeof(ret->words), "%.60s: %.*s", error, (int)strcspn(text, "\r\n"), text);
}

/* --- life --- */

int token_endpoint(struct provider *p, const char *base, struct rest **ret, struct err *e)
{
	const char *url = config_provider_str(p->conf, "url");
	struct rest_options o = {.base = base,
		.ca_bundle = config_provider_str(p->conf, "ca_bundle"),
		.direct = !base,
		.timeout_ms = base ? 0 : METADATA_MS,
		.blame = token_blame};
	if (!base) {
		o.base = url ? url : metadata_url;
		o.plain = !url;
	}
	return rest_new(p, &o, ret, e);
}

struct token *token_new(struct provider *p, const struct token_options *o)
{
	struct token *t = xcalloc(1, sizeof(*t));
	t->p = p;
	t->o = *o;
	t->path = xstrdup(o->path);
	if (o->header)
		strv_add(&t->headers, o->header);
	t->turn = loop_timer_new(p->loop, on_turn, t);
	t->o.path = t->o.header = NULL;
	return t;
}

void token_watch(struct token *t, token_fn fn, void *ctx)
{
	t->fn = fn;
	t->ctx = ctx;
}

void token_free(struct token *t)
{
	if (!t)
		return;
	rest_free(t->o.rest);
	loop_timer_free(t->turn);
	err_done(&t->e);
	strv_done(&t->headers);
	free(t->path);
	free(t);
}
