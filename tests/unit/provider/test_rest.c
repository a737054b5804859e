/* test_rest.c: calls of drivers against a scripted server: pacing, waiting as told, repetitions, errors, credentials.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/driver.h"
#include "provider/rest.h"
#include "scripted_http.h"
#include "json/json.h"

#define CANARY "canary-4711"

enum { SENT_MAX = 4096 };

/* One answer of the server; the last one of a script serves for ever. */
struct answer {
	int status;
	const char *body;
	const char *header, *value;
	bool lost; /* none: the connection breaks */
};

struct test {
	struct loop *l;
	struct clk clk;
	int64_t now;
	struct http *http;
	struct provider p;
	struct rest *r;
	const struct answer *script;
	size_t n_script, at;
	int delay_ms;
	int64_t sent[SENT_MAX]; /* when */
	size_t n_sent;
	size_t in_span; /* the most calls the server saw within rate_ms before one */
	char last_headers[400], last_url[200], last_body[200];
	enum http_method last_method;
	/* of the last end */
	size_t ends;
	int status;
	bool got_json;
	char text[100];
	struct err e;
};

static int64_t test_now(void *ctx)
{
	return ((struct test *)ctx)->now;
}

static void test_skip(void *ctx, int64_t ms)
{
	((struct test *)ctx)->now += ms;
}

static int serve(const struct http_request *q, struct http_reply *reply, struct err *e, void *ctx)
{
	struct test *t = ctx;
	const struct answer *a = &t->script[t->at < t->n_script ? t->at++ : t->n_script - 1];
	size_t n = 1;
	assert_true(t->n_sent < SENT_MAX);
	for (size_t i = 0; i < t->n_sent; i++)
		n += t->p.caps.rate_ms && t->sent[i] > t->now - t->p.caps.rate_ms;
	t->in_span = n > t->in_span ? n : t->in_span;
	t->sent[t->n_sent++] = t->now;
	t->last_method = q->method;
	snprintf(t->last_url, sizeof(t->last_url), "%s", q->url);
	snprintf(t->last_body, sizeof(t->last_body), "%.*s", (int)q->body_n, q->body_n ? (const char *)q->body : "");
	t->last_headers[0] = '\0';
	for (size_t i = 0; q->headers && q->headers[i]; i++) {
		size_t len = strlen(t->last_headers);
		snprintf(t->last_headers + len, sizeof(t->last_headers) - len, "%s\n", q->headers[i]);
	}
	if (a->lost) {
		err_set(e, ERR_NET, "GET %s: the connection broke", q->url);
		err_retry(e, RETRY_LATER, 0);
		return -1;
	}
	reply->status = a->status;
	if (a->body)
		buf_puts(&reply->body, a->body);
	if (a->header)
		http_reply_add(reply, a->header, a->value);
	return t->delay_ms;
}

static char edge[] = "edge", fake[] = "fake";
static const struct config_provider conf = {.name = edge, .type = fake};

static void start(struct test *t, unsigned calls, int64_t ms, const struct answer *script, size_t n)
{
	struct err e = {0};
	*t = (struct test){.now = 1700000000000, .script = script, .n_script = n};
	t->clk = (struct clk){.wall = test_now, .mono = test_now, .ctx = t};
	assert_int_equal(loop_new(&t->clk, &t->l, &e), 0);
	loop_set_skip(t->l, test_skip, t);
	t->http = scripted_http_new(t->l, serve, t);
	provider_init(&t->p, NULL, t->l, &conf);
	t->p.caps.rate_calls = calls;
	t->p.caps.rate_ms = ms;
	struct rest_options o = {.base = "https://api.test/v1", .http = t->http};
	assert_int_equal(rest_new(&t->p, &o, &t->r, &e), 0);
	struct secret token = secret_dup(CANARY, strlen(CANARY));
	rest_header(t->r, "Authorization", "Bearer ", &token);
	secret_done(&token);
}

static void stop(struct test *t)
{
	rest_free(t->r);
	http_free(t->http);
	loop_free(t->l);
	err_done(&t->e);
}

static void on_end(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct test *t = ctx;
	t->ends++;
	t->status = r ? r->status : 0;
	t->got_json = r && r->json;
	snprintf(t->text, sizeof(t->text), "%s",
		t->got_json && json_str(json_get(r->json, "a")) ? json_str(json_get(r->json, "a")) : "");
	err_copy(&t->e, e);
	assert_null(strstr(e->msg, CANARY));
	assert_null(strstr(e->hint, CANARY));
}

static void call(struct test *t, enum http_method m, const char *path)
{
	struct rest_request q = {.method = m, .path = path, .what = "read the records"};
	if (m != HTTP_GET && m != HTTP_DELETE) {
		q.body = "{}";
		q.body_n = 2;
	}
	rest_send(t->r, &q, on_end, t);
}

static void turn(struct test *t)
{
	struct err e = {0};
	assert_int_equal(loop_run(t->l, &e), 0);
}

static void a_call(void **state)
{
	static const struct answer script[] = {{200, "{\"a\":\"b\"}", NULL, NULL, false}};
	struct test t;
	(void)state;
	start(&t, 0, 0, script, 1);
	call(&t, HTTP_PATCH, "/zones?x=1");
	assert_int_equal(t.ends, 0);
	turn(&t);
	assert_int_equal(t.ends, 1);
	assert_false(err_is(&t.e));
	assert_string_equal(t.text, "b");
	assert_string_equal(t.last_url, "https://api.test/v1/zones?x=1");
	assert_string_equal(t.last_headers, "Authorization: Bearer " CANARY "\n");
	assert_string_equal(t.last_body, "{}");
	assert_int_equal(t.last_method, HTTP_PATCH);
	assert_int_equal(t.p.calls, 1);
	/* A link to elsewhere does not get the credentials. */
	call(&t, HTTP_GET, "https://evil.test/v1/next");
	turn(&t);
	assert_int_equal(t.n_sent, 1);
	assert_int_equal(provider_cause(&t.e), PROVIDER_REPLY);
	call(&t, HTTP_GET, "https://api.test/v1/next");
	turn(&t);
	assert_int_equal(t.n_sent, 2);
	assert_false(err_is(&t.e));
	stop(&t);
}

static void paced(void **state)
{
	static const struct answer script[] = {{200, "{}", NULL, NULL, false}};
	static const int delays[] = {0, 30, 400, 3000};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		struct test t;
		start(&t, 4, 1000, script, 1);
		t.delay_ms = delays[i];
		for (int k = 0; k < 40; k++)
			call(&t, HTTP_GET, "/x");
		turn(&t);
		assert_int_equal(t.ends, 40);
		assert_int_equal(t.n_sent, 40);
		assert_true(t.in_span <= 4);
		/* Nine full windows, each prolonged by the answer's delay: as fast as is safe. */
		assert_int_equal(t.sent[39] - t.sent[0], 9 * (1001 + delays[i]));
		stop(&t);
	}
}

/* A thousand records at four calls a second: a read and a write each, and the zone found once. */
static void a_thousand_records(void **state)
{
	static const struct answer script[] = {{200, "{}", NULL, NULL, false}};
	enum { CALLS = 2 * 1000 + 1 };
	struct test t;
	(void)state;
	start(&t, 4, 1000, script, 1);
	t.delay_ms = 20;
	for (int k = 0; k < CALLS; k++)
		call(&t, HTTP_GET, "/x");
	turn(&t);
	assert_false(err_is(&t.e));
	assert_int_equal(t.ends, CALLS);
	assert_int_equal(t.n_sent, CALLS);
	assert_true(t.in_span <= 4);
	assert_int_equal(t.sent[CALLS - 1] - t.sent[0], 500 * (1001 + 20));
	stop(&t);
}

static void told_to_come_back(void **state)
{
	static const struct {
		struct answer a[3];
		int64_t least, most; /* between the two sendings */
	} table[] = {
		{{{429, "", "Retry-After", "7", false}, {200, "{}", NULL, NULL, false}}, 7000, 7000},
		{{{503, "<html>busy</html>", NULL, NULL, false}, {200, "{}", NULL, NULL, false}}, 500, 1000},
		{{{429, "{}", NULL, NULL, false}, {200, "{}", NULL, NULL, false}}, 500, 1000},
		{{{429, "", "RateLimit-Reset", "1700000009", false}, {200, "{}", NULL, NULL, false}}, 500, 1000},
		{{{429, "", "RateLimit", "\"default\";r=0;t=30", false}, {200, "{}", NULL, NULL, false}}, 30000, 30000},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		start(&t, 0, 0, table[i].a, 2);
		call(&t, HTTP_POST, "/x");
		turn(&t);
		assert_int_equal(t.n_sent, 2);
		assert_false(err_is(&t.e));
		assert_in_range(t.sent[1] - t.sent[0], table[i].least, table[i].most);
		stop(&t);
	}
}

/* A limit that is used up is waited for before anybody complains; and all calls wait when one is told to. */
static void ahead(void **state)
{
	static const struct answer used_up[] = {
		{200, "{}", "ratelimit", "\"default\";r=0;t=5", false}, {200, "{}", NULL, NULL, false}};
	static const struct answer told[] = {{429, "", "Retry-After", "20", false}, {200, "{}", NULL, NULL, false}};
	struct test t;
	(void)state;
	start(&t, 0, 0, used_up, 2);
	call(&t, HTTP_GET, "/x");
	turn(&t);
	call(&t, HTTP_GET, "/x");
	turn(&t);
	assert_int_equal(t.sent[1] - t.sent[0], 5000);
	stop(&t);
	start(&t, 1, 10, told, 2);
	call(&t, HTTP_GET, "/x");
	call(&t, HTTP_GET, "/y");
	turn(&t);
	assert_int_equal(t.ends, 2);
	assert_int_equal(t.n_sent, 3);
	assert_true(t.sent[1] - t.sent[0] >= 20000);
	stop(&t);
}

static void too_long_a_wait(void **state)
{
	static const struct answer script[] = {{429, "{\"error\":\"enough\"}", "Retry-After", "7200", false}};
	struct test t;
	(void)state;
	start(&t, 0, 0, script, 1);
	call(&t, HTTP_GET, "/x");
	turn(&t);
	assert_int_equal(t.n_sent, 1);
	assert_int_equal(provider_cause(&t.e), PROVIDER_RATE);
	assert_int_equal(t.e.retry_at, 1700000000000 + 7200000);
	assert_non_null(strstr(t.e.msg, "enough"));
	/* The next is not sent at all. */
	call(&t, HTTP_GET, "/x");
	turn(&t);
	assert_int_equal(t.n_sent, 1);
	assert_int_equal(provider_cause(&t.e), PROVIDER_RATE);
	stop(&t);
}

static void again_where_it_does_no_harm(void **state)
{
	static const struct answer lost[] = {{0, NULL, NULL, NULL, true}, {200, "{}", NULL, NULL, false}};
	static const struct answer broken[] = {{502, "<html>", NULL, NULL, false}, {200, "{}", NULL, NULL, false}};
	static const struct {
		enum http_method m;
		size_t sent;
	} table[] = {{HTTP_GET, 2}, {HTTP_PUT, 2}, {HTTP_DELETE, 2}, {HTTP_POST, 1}, {HTTP_PATCH, 1}};
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(table); i++) {
		struct test t;
		start(&t, 0, 0, i % 2 ? lost : broken, 2);
		call(&t, table[i / 2].m, "/x");
		turn(&t);
		assert_int_equal(t.n_sent, table[i / 2].sent);
		assert_int_equal(err_is(&t.e), table[i / 2].sent == 1);
		stop(&t);
	}
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void what_errors_say(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum provider_cause cause;
		const char *words;
	} table[] = {
		{401, "Unauthorized", PROVIDER_KEY, "HTTP 401: Unauthorized"},
		{403, "{\"message\":\"no right\"}", PROVIDER_POLICY, ": no right"},
		{409, "{\"error\":{\"code\":\"conflict\",\"message\":\"changed\"}}", PROVIDER_BUSY,
			": conflict: changed"},
		{422, "{\"error\":\"not canonical\",\"errors\":[]}", PROVIDER_OTHER, ": not canonical"},
		{400, "{\"success\":false,\"errors\":[{\"code\":81057,\"message\":\"exists\"}]}", PROVIDER_OTHER,
			": 81057: exists"},
		{400, "[{\"detail\":\"a list\"}]", PROVIDER_OTHER, ": a list"},
		{404, "<!doctype html><p>nothing", PROVIDER_OTHER, "(a web page)"},
		{301, "", PROVIDER_REPLY, "HTTP 301"},
		{200, "{\"cut", PROVIDER_REPLY, "cannot be read"},
		{403, "{\"message\":\"token " CANARY " is bad\"}", PROVIDER_POLICY, "token *********** is bad"},
		/* Long words are cut, and what is cut may be the token. */
		{403, X50 X50 X50 X50 X50 "1234567890123456789012345678901234567890" CANARY, PROVIDER_POLICY,
			"01234567890**********"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct answer a = {table[i].status, table[i].body, NULL, NULL, false};
		struct test t;
		start(&t, 0, 0, &a, 1);
		call(&t, HTTP_GET, "/x");
		turn(&t);
		assert_int_equal(provider_cause(&t.e), table[i].cause);
		assert_null(strstr(t.e.msg, "canary"));
		if (!strstr(t.e.msg, table[i].words) || !strstr(t.e.msg, "provider edge (fake)") ||
			!strstr(t.e.msg, "read the records"))
			fail_msg("%s", t.e.msg);
		stop(&t);
	}
}

static void plain_http(void **state)
{
	static const struct {
		const char *base;
		bool plain;
		int rc;
	} table[] = {
		{"https://dns.test", false, 0},
		{"http://127.0.0.1:8081", false, 0},
		{"http://localhost:8081", false, 0},
		{"http://[::1]:8081", false, 0},
		{"http://127.7.7.7/api", false, 0},
		{"http://localhost", false, 0},
		{"http://localhost.evil.test", false, -1},
		{"http://127.evil.test", false, -1},
		{"http://127.0.0.1.evil.test", false, -1},
		{"http://127.0.0.1:x@evil.test", false, -1},
		{"http://[::1].evil.test", false, -1},
		{"http://192.0.2.1:8081", false, -1},
		{"http://192.0.2.1:8081", true, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		static const struct answer script[] = {{200, "", NULL, NULL, false}};
		struct test t;
		struct rest *r = NULL;
		struct err e = {0};
		start(&t, 0, 0, script, 1);
		struct rest_options o = {.base = table[i].base, .plain = table[i].plain, .http = t.http};
		assert_int_equal(rest_new(&t.p, &o, &r, &e), table[i].rc);
		assert_int_equal(e.kind, table[i].rc ? ERR_CONFIG : ERR_NONE);
		rest_free(r);
		err_done(&e);
		stop(&t);
	}
}

static void cancelled(void **state)
{
	static const struct answer script[] = {{200, "{}", NULL, NULL, false}};
	struct rest_request q = {.method = HTTP_GET, .path = "/x", .what = "read"};
	struct test t;
	(void)state;
	start(&t, 1, 1000, script, 1);
	struct rest_call *first = rest_send(t.r, &q, on_end, &t);
	struct rest_call *waiting = rest_send(t.r, &q, on_end, &t);
	rest_send(t.r, &q, on_end, &t);
	rest_cancel(waiting);
	rest_cancel(first);
	turn(&t);
	assert_int_equal(t.ends, 1);
	assert_int_equal(t.n_sent, 2);
	stop(&t);
}

static void escaped(void **state)
{
	(void)state;
	AUTO(buf_done) struct buf b = buf_make(100);
	rest_escape(&b, "a b/_-.~\xc3\xa9?");
	assert_string_equal(buf_str(&b), "a%20b%2F_-.~%C3%A9%3F");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call),
		cmocka_unit_test(paced),
		cmocka_unit_test(a_thousand_records),
		cmocka_unit_test(told_to_come_back),
		cmocka_unit_test(ahead),
		cmocka_unit_test(too_long_a_wait),
		cmocka_unit_test(again_where_it_does_no_harm),
		cmocka_unit_test(what_errors_say),
		cmocka_unit_test(plain_http),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
