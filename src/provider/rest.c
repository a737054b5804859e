/* rest.c: calls to a provider's HTTP interface: their queue, their repetitions, their errors. */
#include "provider/rest.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/driver.h"
#include "provider/rest_internal.h"
#include "provider/token.h"
#include "json/json.h"

enum {
	TRIES_LOST = 3, /* sendings of a call that gets no answer, or 5xx */
	TRIES_TOLD = 8, /* of one that is told to come back */
	BACKOFF_MS = 1000, /* doubles */
	BACKOFF_MAX_MS = 60000,
	PATIENCE_MS = 600000, /* the longest wait that a server may ask for */
	UNAUTHORIZED = 401,
};

TAILQ_HEAD(rest_calls, rest_call);

struct rest {
	struct provider *p;
	struct rest_options o;
	char *base;
	struct http *http;
	bool own_http;
	struct pace pace;
	struct rest_secrets secrets;
	char *aws_param;
	char *aws_key_id;
	struct secret aws_key;
	struct token *token; /* NULL: none is needed */
	struct rest_calls queue; /* waiting to be sent, in order */
	struct rest_calls sent;
	struct loop_timer *timer;
};

struct rest_call {
	struct rest *r;
	TAILQ_ENTRY(rest_call) link;
	bool under_way;
	enum http_method method;
	char *url;
	char *what;
	void *body;
	size_t body_n;
	char *content_type;
	char *accept; /* NULL: JSON */
	struct strv headers;
	bool repeatable;
	bool refused; /* failed before it was sent: e */
	unsigned token; /* the number of the one it was sent with */
	bool renewed; /* refused once for its token */
	struct err e;
	unsigned tries;
	unsigned backoffs;
	int64_t not_before; /* monotonic ms */
	int slot;
	struct http_exchange *x;
	rest_fn fn;
	void *ctx;
};

static int64_t now_ms(const struct rest *r)
{
	return clk_mono(loop_clk(r->p->loop));
}

static void pump(struct rest *r);

/* --- the end of a call --- */

static void call_free(struct rest_call *c)
{
	struct rest *r = c->r;
	if (c->under_way) {
		TAILQ_REMOVE(&r->sent, c, link);
		pace_give(&r->pace, c->slot, now_ms(r));
	} else {
		TAILQ_REMOVE(&r->queue, c, link);
	}
	http_cancel(r->http, c->x);
	free(c->url);
	free(c->what);
	if (c->body)
		explicit_bzero(c->body, c->body_n);
	free(c->body);
	free(c->content_type);
	free(c->accept);
	strv_done(&c->headers);
	err_done(&c->e);
	free(c);
}

static void finish(struct rest_call *c, const struct rest_reply *reply, struct err *e)
{
	struct rest *r = c->r;
	rest_fn fn = c->fn;
	void *ctx = c->ctx;
	rest_secrets_mask(&r->secrets, e);
	c->x = NULL;
	call_free(c);
	fn(reply, e, ctx);
	err_done(e);
}

/* --- again --- */

/* How long to wait before a call that came to nothing; a little random, so that many do not come back at once. */
static int64_t next_backoff(struct rest_call *c)
{
	int64_t ms = BACKOFF_MS << (c->backoffs < 6 ? c->backoffs : 6);
	c->backoffs++;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return ms / 2 + (int64_t)random_below((uint64_t)ms / 2 + 1);
}

static void send_again(struct rest_call *c, int64_t wait_ms)
{
	struct rest *r = c->r;
	TAILQ_REMOVE(&r->sent, c, link);
	pace_give(&r->pace, c->slot, now_ms(r));
	c->under_way = false;
	c->x = NULL;
	c->not_before = now_ms(r) + wait_ms;
	TAILQ_INSERT_HEAD(&r->queue, c, link);
}

static bool may_repeat(const struct rest_call *c)
{
	return c->repeatable || c->method == HTTP_GET || c->method == HTTP_HEAD || c->method == HTTP_PUT ||
	       c->method == HTTP_DELETE;
}

static void on_lost(struct rest_call *c, const struct err *failed)
{
	bool sent = failed->kind != ERR_TLS;
	if (failed->retry == RETRY_LATER && c->tries < TRIES_LOST && may_repeat(c)) {
		send_again(c, next_backoff(c));
		return;
	}
	struct err e = {0};
	err_copy(&e, failed);
	err_ctx(&e, "%s", c->what);
	provider_err_name(&e, c->r->p);
	if (sent && !may_repeat(c))
		err_hint(&e, "whether it was done is not known: run the same again, it looks first");
	finish(c, NULL, &e);
}

/* --- answers --- */

static void told_to_wait(struct rest *r, int64_t wait_ms, struct err *e)
{
	provider_err(e, r->p, PROVIDER_RATE, "it wants no more calls for %lld s", (long long)(wait_ms + 999) / 1000);
	err_retry(e, RETRY_LATER, clk_wall(loop_clk(r->p->loop)) + wait_ms);
	provider_hint(e, r->p);
}

/* Too fast, or busy. True: it is sent again later. */
static bool wait_as_told(struct rest_call *c, const struct rest_blame *b)
{
	struct rest *r = c->r;
	if (!b->again || c->tries >= TRIES_TOLD)
		return false;
	int64_t wait = b->wait_ms >= 0 ? b->wait_ms : next_backoff(c);
	/* A server that says "0" and means "some time": never sooner than the back-off's first step. */
	if (wait < BACKOFF_MS / 4)
		wait = next_backoff(c);
	pace_too_many(&r->pace, now_ms(r), now_ms(r) + wait);
	if (wait > PATIENCE_MS)
		return false;
	log_debug("provider %s: %s: told to wait %lld ms", r->p->conf->name, c->what, (long long)wait);
	send_again(c, wait);
	return true;
}

/* The token is no good any more, whatever its time: once, with a new one. True: it is sent again. */
static bool with_a_new_token(struct rest_call *c, int status)
{
	struct rest *r = c->r;
	if (!r->token || status != UNAUTHORIZED || c->renewed)
		return false;
	c->renewed = true;
	token_refused(r->token, c->token);
	send_again(c, 0);
	return true;
}

static void on_refused(struct rest_call *c, const struct rest_reply *reply)
{
	struct rest *r = c->r;
	struct rest_blame b;
	struct err e = {0};
	if (with_a_new_token(c, reply->status))
		return;
	int64_t wall = clk_wall(loop_clk(r->p->loop));
	blame_read(reply, &r->o, wall, &b);
	if (wait_as_told(c, &b))
		return;
	if (reply->status >= 500 && !b.again && c->tries < TRIES_LOST && may_repeat(c)) {
		send_again(c, next_backoff(c));
		return;
	}
	provider_err(&e, r->p, b.cause, "%s: HTTP %d%s%s", c->what, reply->status, b.words[0] ? ": " : "", b.words);
	if (b.again && b.wait_ms > 0)
		err_retry(&e, RETRY_LATER, wall + b.wait_ms);
	else if (reply->status >= 500)
		err_retry(&e, RETRY_LATER, 0);
	provider_hint(&e, r->p);
	finish(c, reply, &e);
}

static void on_success(struct rest_call *c, struct rest_reply *reply)
{
	struct err e = {0}, why = {0};
	struct json *json = NULL;
	const struct buf *body = &reply->http->body;
	if (!c->accept && body->n && json_parse(body->p, body->n, c->what, &json, &why)) {
		provider_err(&e, c->r->p, PROVIDER_REPLY, "%s: an answer that cannot be read: %s", c->what, why.msg);
		provider_hint(&e, c->r->p);
		err_done(&why);
		finish(c, NULL, &e);
		return;
	}
	reply->json = json;
	finish(c, reply, &e);
	json_free(json);
}

static void on_answer(const struct http_reply *http, const struct err *failed, void *ctx)
{
	struct rest_call *c = ctx;
	struct rest *r = c->r;
	c->x = NULL;
	if (!http) {
		on_lost(c, failed);
		pump(r);
		return;
	}
	struct rest_reply reply = {.status = http->status, .http = http};
	int64_t wait = blame_wait(http, clk_wall(loop_clk(r->p->loop)));
	if (wait > 0 && http->status < 400)
		pace_hold(&r->pace, now_ms(r) + wait);
	if (http->status >= 200 && http->status < 300) {
		on_success(c, &reply);
		pump(r);
		return;
	}
	struct err ignored = {0};
	struct json *json = NULL;
	if (http->body.n && json_parse(http->body.p, http->body.n, c->what, &json, &ignored))
		err_done(&ignored);
	reply.json = json;
	on_refused(c, &reply);
	json_free(json);
	pump(r);
}

/* --- sending --- */

static void send_now(struct rest_call *c)
{
	struct rest *r = c->r;
	size_t n = 0;
	const char **headers = xcalloc(r->secrets.n + c->headers.n + 1, sizeof(*headers));
	for (size_t i = 0; i < r->secrets.n; i++)
		if (r->secrets.v[i].sent)
			headers[n++] = (const char *)r->secrets.v[i].line.p;
	for (size_t i = 0; i < c->headers.n; i++)
		headers[n++] = c->headers.v[i];
	struct http_request q = {
		.method = c->method,
		.url = c->url,
		.content_type = c->body_n ? c->content_type : NULL,
		.accept = c->accept ? c->accept : "application/json",
		.body = c->body,
		.body_n = c->body_n,
		.headers = headers,
		.timeout_ms = r->o.timeout_ms,
	};
	if (r->aws_param) {
		q.aws_sigv4 = r->aws_param;
		q.aws_key_id = r->aws_key_id;
		q.aws_secret = (const char *)r->aws_key.p;
	}
	TAILQ_REMOVE(&r->queue, c, link);
	TAILQ_INSERT_TAIL(&r->sent, c, link);
	c->under_way = true;
	c->slot = pace_take(&r->pace, now_ms(r));
	c->token = r->token ? token_number(r->token) : 0;
	c->tries++;
	r->p->calls++;
	c->x = http_send(r->http, &q, on_answer, c);
	free(headers);
}

/* How long until this call may go, if all have to wait that long. */
static int64_t wait_of(const struct rest_call *c, int64_t now, int64_t pace)
{
	int64_t own = c->not_before > now ? c->not_before - now : 0;
	return pace > own ? pace : own;
}

/* Whether the call will not be sent: its end comes in a turn of the timer. */
static bool is_hopeless(const struct rest_call *c, int64_t wait)
{
	return c->refused || (wait > PATIENCE_MS && wait != INT64_MAX);
}

/* Sends what may go; the timer does so again when the next one may. */
static void pump(struct rest *r)
{
	int64_t least = INT64_MAX, now = now_ms(r), pace = pace_wait(&r->pace, now);
	struct rest_call *c, *next;
	for (c = TAILQ_FIRST(&r->queue); c; c = next) {
		int64_t wait = wait_of(c, now, pace);
		next = TAILQ_NEXT(c, link);
		if (is_hopeless(c, wait)) {
			least = 0;
		} else if (wait) {
			least = wait < least ? wait : least;
		} else if (!r->token || token_is_there(r->token)) {
			send_now(c);
			pace = pace_wait(&r->pace, now);
		}
	}
	if (least != INT64_MAX)
		loop_timer_start(r->timer, least);
}

static void on_timer(void *ctx)
{
	struct rest *r = ctx;
	struct rest_call *c;
	/* From the start after each end: a callback may have changed the queue. */
	for (c = TAILQ_FIRST(&r->queue); c;) {
		int64_t now = now_ms(r), wait = wait_of(c, now, pace_wait(&r->pace, now));
		struct err e = {0};
		if (!is_hopeless(c, wait)) {
			c = TAILQ_NEXT(c, link);
			continue;
		}
		if (c->refused)
			err_move(&e, &c->e);
		else
			told_to_wait(r, wait, &e);
		finish(c, NULL, &e);
		c = TAILQ_FIRST(&r->queue);
	}
	pump(r);
}

static char *url_of(const struct rest *r, const char *path, struct err *e)
{
	if (*path == '/' || !*path || *path == '?')
		return xasprintf("%s%s", r->base, path);
	/* A link in an answer: the credentials must not follow it to another host. */
	if (!http_url_same_origin(path, r->base))
		provider_err(e, r->p, PROVIDER_REPLY, "it links to another host: %.200s", path);
	return xstrdup(path);
}

struct rest_call *rest_send(struct rest *r, const struct rest_request *q, rest_fn fn, void *ctx)
{
	struct rest_call *c = xcalloc(1, sizeof(*c));
	c->r = r;
	c->method = q->method;
	c->url = url_of(r, q->path, &c->e);
	c->refused = err_is(&c->e);
	c->what = xstrdup(q->what);
	c->body = q->body_n ? xmemdup(q->body, q->body_n) : NULL;
	c->body_n = q->body_n;
	c->content_type = xstrdup(q->content_type ? q->content_type : "application/json");
	c->accept = q->accept ? xstrdup(q->accept) : NULL;
	if (q->headers)
		strv_copy(&c->headers, q->headers);
	c->repeatable = q->repeatable;
	c->slot = PACE_NO_SLOT;
	c->fn = fn;
	c->ctx = ctx;
	TAILQ_INSERT_TAIL(&r->queue, c, link);
	pump(r);
	return c;
}

void rest_cancel(struct rest_call *c)
{
	if (!c)
		return;
	struct rest *r = c->r;
	call_free(c);
	pump(r);
}

/* --- the client --- */

/* An address of this machine, or "localhost", in a URL that begins with http:// and has no user in it. */
static bool is_loopback(const char *url)
{
	const char *host = url + strlen("http://");
	char text[INET_ADDRSTRLEN];
	struct in_addr a;
	size_t n = strcspn(host, "/?#");
	if (memchr(host, '@', n))
		return false;
	if (!strncmp(host, "[::1]", 5))
		return n == 5 || host[5] == ':';
	n = strcspn(host, "/?#:");
	if (n == strlen("localhost") && !strncmp(host, "localhost", n))
		return true;
	snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : 0), host);
	return inet_pton(AF_INET, text, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

int rest_new(struct provider *p, const struct rest_options *o, struct rest **ret, struct err *e)
{
	bool plain = !strncmp(o->base, "http://", 7);
	if (plain && !o->plain && !is_loopback(o->base)) {
		err_set(e, ERR_CONFIG,
			"%s is not https, and not on this machine: the key would cross the network in the clear",
			o->base);
		err_hint(e, "use an https URL, or set plain_http: true if the network between is your own");
		return -1;
	}
	struct rest *r = xcalloc(1, sizeof(*r));
	struct http_options h = {.ca_bundle = o->ca_bundle, .plain = plain, .proxy = o->direct ? "" : NULL};
	if (o->http) {
		r->http = o->http;
	} else if (http_curl_new(p->loop, &h, &r->http, e)) {
		free(r);
		return -1;
	}
	r->own_http = !o->http;
	r->p = p;
	r->o = *o;
	r->base = xstrdup(o->base);
	r->o.base = NULL;
	r->o.ca_bundle = NULL;
	int64_t rate = config_provider_int(p->conf, "rate", 0);
	pace_init(&r->pace, rate ? (unsigned)rate : p->caps.rate_calls, rate ? 1000 : p->caps.rate_ms);
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->sent);
	r->timer = loop_timer_new(p->loop, on_timer, r);
	*ret = r;
	return 0;
}

void rest_free(struct rest *r)
{
	if (!r)
		return;
	for (struct rest_call *c; (c = TAILQ_FIRST(&r->queue)) || (c = TAILQ_FIRST(&r->sent));)
		call_free(c);
	if (r->own_http)
		http_free(r->http);
	rest_secrets_done(&r->secrets);
	token_free(r->token);
	free(r->aws_param);
	free(r->aws_key_id);
	secret_done(&r->aws_key);
	pace_done(&r->pace);
	loop_timer_free(r->timer);
	free(r->base);
	free(r);
}

void rest_header(struct rest *r, const char *name, const char *prefix, const struct secret *s)
{
	AUTO(xfreep) char *before = xasprintf("%s: %s", name, prefix);
	rest_secrets_put(&r->secrets, name, before, s, true);
}

void rest_mask(struct rest *r, const char *name, const struct secret *s)
{
	rest_secrets_put(&r->secrets, name, "", s, false);
}

/* A token came, or cannot be had: then no call that waits for one goes. */
static void on_token(const struct secret *value, const struct err *e, void *ctx)
{
	struct rest *r = ctx;
	struct rest_call *c;
	if (value)
		rest_header(r, "Authorization", "Bearer ", value);
	TAILQ_FOREACH(c, &r->queue, link)
	{
		if (value || c->refused)
			continue;
		c->refused = true;
		err_copy(&c->e, e);
	}
	pump(r);
}

void rest_token(struct rest *r, struct token *t)
{
	r->token = t;
	token_watch(t, on_token, r);
}

void rest_sign_aws(struct rest *r, const char *param, const char *key_id, const struct secret *key)
{
	free(r->aws_param);
	free(r->aws_key_id);
	secret_done(&r->aws_key);
	r->aws_param = xstrdup(param);
	r->aws_key_id = xstrdup(key_id);
	r->aws_key = secret_dup(key->p, key->n);
	rest_mask(r, "aws", key);
}

void rest_escape(struct buf *out, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			strchr("-._~", *p))
			buf_putc(out, (char)*p);
		else
			buf_printf(out, "%%%02X", *p);
	}
}
