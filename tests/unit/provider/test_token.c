/* test_token.c: access tokens: once for many calls, kept for their time, anew after 401, and never seen. */
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
#include "provider/token.h"
#include "scripted_http.h"

#define CANARY "canary-4711"

struct test {
	struct loop *l;
	struct clk clk;
	int64_t now;
	struct http *http;
	struct provider p;
	struct rest *r;
	const char *life; /* of a token, as JSON */
	int token_status; /* 200: one token after the other, token-1, token-2, … */
	const char *token_error;
	unsigned good_from; /* tokens below this number are refused with 401 */
	bool body_fails;
	unsigned tokens, calls, forms, ends, failures;
	char last_token[200];
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

static void serve_token(struct test *t, const struct http_request *q, struct http_reply *reply)
{
	t->tokens++;
	t->forms += q->method == HTTP_POST && q->body_n == strlen("secret=" CANARY);
	assert_string_equal(q->headers[0], "Metadata: true");
	assert_null(q->headers[1]);
	reply->status = t->token_status;
	if (t->token_status == 200)
		buf_printf(&reply->body, "{\"access_token\":\"token-%u\",\"token_type\":\"bearer\"%s}", t->tokens,
			t->life);
	else
		buf_puts(&reply->body, t->token_error);
}

static int serve(const struct http_request *q, struct http_reply *reply, struct err *e, void *ctx)
{
	struct test *t = ctx;
	(void)e;
	if (strstr(q->url, "login.test")) {
		serve_token(t, q, reply);
		return 50;
	}
	t->calls++;
	snprintf(t->last_token, sizeof(t->last_token), "%s", q->headers[0]);
	assert_memory_equal(t->last_token, "Authorization: Bearer token-", 28);
	bool good = strtoul(t->last_token + 28, NULL, 10) >= t->good_from;
	reply->status = good ? 200 : 401;
	if (good)
		buf_puts(&reply->body, "{}");
	else
		buf_printf(&reply->body, "{\"message\":\"no such token: %s\"}", t->last_token + 22);
	return 10;
}

static int form(void *ctx, struct buf *out, struct err *e)
{
	struct test *t = ctx;
	if (t->body_fails)
		return err_set(e, ERR_CRYPTO, "the key is broken");
	buf_puts(out, "secret=" CANARY);
	return 0;
}

static char edge[] = "edge", fake[] = "fake";
static const struct config_provider conf = {.name = edge, .type = fake};

static void start(struct test *t)
{
	struct err e = {0};
	struct rest *endpoint;
	*t = (struct test){.now = 1700000000000, .life = ",\"expires_in\":3600", .token_status = 200};
	t->clk = (struct clk){.wall = test_now, .mono = test_now, .ctx = t};
	assert_int_equal(loop_new(&t->clk, &t->l, &e), 0);
	loop_set_skip(t->l, test_skip, t);
	t->http = scripted_http_new(t->l, serve, t);
	provider_init(&t->p, NULL, t->l, &conf);
	struct rest_options api = {.base = "https://api.test/v1", .http = t->http};
	struct rest_options login = {.base = "https://login.test", .http = t->http, .blame = token_blame};
	assert_int_equal(rest_new(&t->p, &api, &t->r, &e), 0);
	assert_int_equal(rest_new(&t->p, &login, &endpoint, &e), 0);
	struct secret canary = secret_dup(CANARY, strlen(CANARY));
	rest_mask(endpoint, "secret", &canary);
	secret_done(&canary);
	struct token_options o = {
		.rest = endpoint, .path = "/token", .header = "Metadata: true", .body = form, .ctx = t};
	rest_token(t->r, token_new(&t->p, &o));
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
	(void)r;
	t->ends++;
	t->failures += err_is(e);
	err_copy(&t->e, e);
	assert_null(strstr(e->msg, CANARY));
	assert_null(strstr(e->msg, "token-"));
	assert_null(strstr(e->hint, CANARY));
}

/* So many calls at once, to their ends. */
static void calls(struct test *t, unsigned n)
{
	struct rest_request q = {.method = HTTP_POST, .path = "/x", .what = "change it", .body = "{}", .body_n = 2};
	struct err e = {0};
	t->ends = t->failures = t->calls = t->tokens = 0;
	for (unsigned i = 0; i < n; i++)
		rest_send(t->r, &q, on_end, t);
	assert_int_equal(loop_run(t->l, &e), 0);
	assert_int_equal(t->ends, n);
}

static void one_for_many(void **state)
{
	struct test t;
	(void)state;
	start(&t);
	calls(&t, 20);
	assert_int_equal(t.tokens, 1);
	assert_int_equal(t.forms, 1);
	assert_int_equal(t.calls, 20);
	assert_int_equal(t.failures, 0);
	assert_int_equal(t.p.calls, 21);
	stop(&t);
}

static void kept_for_its_time(void **state)
{
	static const struct {
		const char *life;
		int64_t later_s;
		unsigned tokens;
	} table[] = {
		{",\"expires_in\":3600", 3470, 0},
		{",\"expires_in\":3600", 3490, 1},
		{",\"expires_in\":\"3600\"", 3470, 0},
		{",\"expires_in\":\"3600\"", 3490, 1},
		{",\"expires_in\":100", 45, 0},
		{",\"expires_in\":100", 55, 1},
		{"", 170, 0},
		{"", 190, 1},
		{",\"expires_in\":-5", 25, 0},
		{",\"expires_in\":-5", 35, 1},
		{",\"expires_in\":99999999999", 86000, 0},
		{",\"expires_in\":99999999999", 86390, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		start(&t);
		t.life = table[i].life;
		calls(&t, 1);
		t.now += table[i].later_s * 1000;
		calls(&t, 3);
		assert_int_equal(t.tokens, table[i].tokens);
		stop(&t);
	}
}

static void anew_when_refused(void **state)
{
	struct test t;
	(void)state;
	start(&t);
	calls(&t, 1);
	/* All that are under way are refused together: one new token serves them. */
	t.good_from = 2;
	t.life = ",\"expires_in\":3600";
	t.tokens = 1;
	struct rest_request q = {.method = HTTP_PATCH, .path = "/x", .what = "change it", .body = "{}", .body_n = 2};
	struct err e = {0};
	t.ends = t.failures = t.calls = 0;
	for (unsigned i = 0; i < 5; i++)
		rest_send(t.r, &q, on_end, &t);
	assert_int_equal(loop_run(t.l, &e), 0);
	assert_int_equal(t.tokens, 2);
	assert_int_equal(t.calls, 10);
	assert_int_equal(t.failures, 0);
	assert_string_equal(t.last_token, "Authorization: Bearer token-2");
	/* Refused again: not a third time. */
	t.good_from = 100;
	calls(&t, 1);
	assert_int_equal(t.tokens, 1);
	assert_int_equal(t.calls, 2);
	assert_int_equal(t.failures, 1);
	assert_int_equal(provider_cause(&t.e), PROVIDER_KEY);
	stop(&t);
}

static void none_to_be_had(void **state)
{
	static const struct {
		int status;
		const char *body, *life, *words;
		enum provider_cause cause;
	} table[] = {
		{400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}", "",
			"invalid_grant: Invalid JWT Signature.", PROVIDER_KEY},
		{400,
			"{\"error\":\"invalid_grant\",\"error_description\":\"Token must be short-lived and in a "
			"reasonable timeframe\"}",
			"", "short-lived", PROVIDER_CLOCK},
		{401,
			"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: " CANARY
			" is bad.\\r\\nTrace\"}",
			"", "*********** is bad.", PROVIDER_KEY},
		{404, "<html>", "", "(a web page)", PROVIDER_KEY},
		{200, "", ",\"token_type2\":1", NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test t;
		start(&t);
		t.token_status = table[i].status;
		t.token_error = table[i].body;
		calls(&t, 7);
		assert_int_equal(t.tokens, 1);
		if (!table[i].words) {
			assert_int_equal(t.failures, 0);
		} else {
			assert_int_equal(t.failures, 7);
			assert_int_equal(t.calls, 0);
			assert_int_equal(provider_cause(&t.e), table[i].cause);
			if (!strstr(t.e.msg, table[i].words) || !strstr(t.e.msg, "get an access token") ||
				!strstr(t.e.msg, "provider edge (fake)") || strstr(t.e.msg, "Trace"))
				fail_msg("%s", t.e.msg);
		}
		/* The next asks again. */
		t.token_status = 200;
		t.life = "";
		t.now += 3600000;
		calls(&t, 1);
		assert_int_equal(t.failures, 0);
		stop(&t);
	}
}

static void answers_without_a_token(void **state)
{
	static const char *const lives[] = {
		",\"token_type2\":\"x\"}garbage", ",\"access_token\":\"twice\"", "x\"", ",\"a\":\"unclosed"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		struct test t;
		start(&t);
		t.life = lives[i];
		calls(&t, 2);
		assert_int_equal(t.failures, 2);
		assert_int_equal(provider_cause(&t.e), PROVIDER_REPLY);
		stop(&t);
	}
	struct test t;
	start(&t);
	t.body_fails = true;
	calls(&t, 3);
	assert_int_equal(t.failures, 3);
	assert_int_equal(t.e.kind, ERR_CRYPTO);
	assert_int_equal(t.tokens, 0);
	t.body_fails = false;
	calls(&t, 1);
	assert_int_equal(t.failures, 0);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_many),
		cmocka_unit_test(kept_for_its_time),
		cmocka_unit_test(anew_when_refused),
		cmocka_unit_test(none_to_be_had),
		cmocka_unit_test(answers_without_a_token),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
