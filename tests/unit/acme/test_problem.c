/* test_problem.c: what an error reply means, and when to try again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "json/json.h"

#define URN "urn:ietf:params:acme:error:"

/* 2026-09-21T14:13:20Z */
static const int64_t now_ms = INT64_C(1790000000000);

struct row {
	int status;
	const char *body;
	const char *header, *value; /* may be NULL */
	enum err_kind kind;
	enum err_retry retry;
	int64_t wait_ms; /* retry_at - now; -1: not said */
	const char *says; /* in the message or hint */
};

static const struct row rows[] = {
	{400, "{\"type\":\"" URN "badNonce\"}", NULL, NULL, ERR_ACME, RETRY_NOW, -1, "badNonce"},
	{429, "{\"type\":\"" URN "rateLimited\",\"detail\":\"too many\"}", "Retry-After", "5", ERR_ACME, RETRY_LATER,
		5000, "answered 429: rateLimited: too many"},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "Mon, 21 Sep 2026 14:14:20 GMT", ERR_ACME,
		RETRY_LATER, 60000, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "Monday, 21-Sep-26 14:14:20 GMT", ERR_ACME,
		RETRY_LATER, 60000, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "Mon Sep 21 14:14:20 2026", ERR_ACME, RETRY_LATER,
		60000, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "Mon, 21 Sep 2020 14:14:20 GMT", ERR_ACME,
		RETRY_LATER, 0, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "-1", ERR_ACME, RETRY_LATER, -1, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "soon", ERR_ACME, RETRY_LATER, -1, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "", ERR_ACME, RETRY_LATER, -1, ""},
	{429, "{\"type\":\"" URN "rateLimited\"}", "Retry-After", "99999999999", ERR_ACME, RETRY_LATER, 86400000, ""},
	{429, "{\"type\":\"" URN "rateLimited\",\"detail\":\"paused: see https://ca.test/unpause?jwt=a.b.c please\"}",
		NULL, NULL, ERR_ACME, RETRY_AFTER_OPERATOR, -1, "lift it at https://ca.test/unpause?jwt=a.b.c"},
	{429, "slow down", "Retry-After", "5", ERR_HTTP, RETRY_LATER, 5000, "429: slow down"},
	{503, "", "Retry-After", "120", ERR_HTTP, RETRY_LATER, 120000, "503 with an empty body"},
	{502, "<html>bad gateway", NULL, NULL, ERR_HTTP, RETRY_LATER, -1, "<html>bad gateway"},
	{500, "{\"type\":\"" URN "serverInternal\",\"detail\":\"oops\"}", NULL, NULL, ERR_ACME, RETRY_LATER, -1,
		"oops"},
	{404, "not here", "Retry-After", "5", ERR_HTTP, RETRY_NEVER, -1, "404: not here"},
	{400, "{\"type\":\"about:blank\",\"title\":\"no\"}", NULL, NULL, ERR_ACME, RETRY_NEVER, -1, "about:blank: no"},
	{403, "{\"detail\":\"only words\"}", NULL, NULL, ERR_ACME, RETRY_NEVER, -1, "only words"},
	{400, "{\"type\":7,\"detail\":[]}", NULL, NULL, ERR_HTTP, RETRY_NEVER, -1, "400: {"},
	{400, "{\"type\":\"" URN "malformed\",\"detail\":7,\"status\":\"x\",\"subproblems\":{}}", NULL, NULL, ERR_ACME,
		RETRY_NEVER, -1, "malformed"},
	{400, "[1]", NULL, NULL, ERR_HTTP, RETRY_NEVER, -1, "[1]"},
	{400, "{\"type\":\"" URN "accountDoesNotExist\"}", NULL, NULL, ERR_ACME, RETRY_AFTER_OPERATOR, -1,
		"perdure account register"},
	{403, "{\"type\":\"" URN "externalAccountRequired\"}", NULL, NULL, ERR_ACME, RETRY_AFTER_OPERATOR, -1, "eab:"},
	{403, "{\"type\":\"" URN "caa\"}", NULL, NULL, ERR_ACME, RETRY_AFTER_OPERATOR, -1, "dns-persist-01"},
	{403, "{\"type\":\"" URN "userActionRequired\",\"instance\":\"https://ca.test/agree\"}", NULL, NULL, ERR_ACME,
		RETRY_AFTER_OPERATOR, -1, "https://ca.test/agree"},
	{403, "{\"type\":\"" URN "userActionRequired\"}", "Link", "<https://ca.test/tos>;rel=\"terms-of-service\"",
		ERR_ACME, RETRY_AFTER_OPERATOR, -1, "https://ca.test/tos"},
	{409, "{\"type\":\"" URN "alreadyReplaced\"}", NULL, NULL, ERR_ACME, RETRY_NEVER, -1, ""},
	{400, "{\"type\":\"" URN "invalidProfile\"}", NULL, NULL, ERR_ACME, RETRY_AFTER_OPERATOR, -1, "ca probe"},
	{418, "{\"type\":\"" URN "brandNew\"}", NULL, NULL, ERR_ACME, RETRY_NEVER, -1, "brandNew"},
	{503, "{\"type\":\"" URN "brandNew\"}", "Retry-After", "9", ERR_ACME, RETRY_LATER, 9000, ""},
};

static void reads_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct http_reply r = {.status = row->status, .body = buf_make(BUF_MAX_HTTP_BODY)};
		struct err e = {0};
		buf_puts(&r.body, row->body);
		if (row->header)
			http_reply_add(&r, row->header, row->value);
		assert_int_equal(acme_problem_from_reply(&r, "https://ca.test/x", now_ms, &e), -1);
		int64_t wait = e.retry_at ? e.retry_at - now_ms : -1;
		if (e.kind != row->kind || e.retry != row->retry || wait != row->wait_ms || e.code != row->status)
			fail_msg("row %zu (%s): kind %s retry %d wait %lld code %ld", i, row->body,
				err_kind_name(e.kind), e.retry, (long long)wait, e.code);
		if (!strstr(e.msg, row->says) && !strstr(e.hint, row->says))
			fail_msg("row %zu: \"%s\" is not in \"%s\" (%s)", i, row->says, e.msg, e.hint);
		assert_true(!strncmp(e.msg, "https://ca.test/x answered ", 27));
		err_done(&e);
		http_reply_done(&r);
	}
}

static void keeps_sub_problems(void **state)
{
	(void)state;
	static const char body[] =
		"{\"type\":\"" URN "compound\",\"subproblems\":["
		"{\"type\":\"" URN "caa\",\"detail\":\"%s%n\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.test\"}},"
		"{\"type\":7},\"odd\",{\"detail\":\"alone\"}]}";
	struct http_reply r = {.status = 403, .body = buf_make(BUF_MAX_HTTP_BODY)};
	struct err e = {0};
	buf_puts(&r.body, body);
	acme_problem_from_reply(&r, "https://ca.test/x", now_ms, &e);
	assert_int_equal(e.problem->n_subs, 4);
	assert_string_equal(e.problem->subs[0].identifier, "a.test");
	assert_string_equal(e.problem->subs[0].type, URN "caa");
	assert_string_equal(e.problem->subs[0].detail, "%s%n");
	assert_string_equal(e.problem->subs[1].type, "");
	assert_string_equal(e.problem->subs[3].detail, "alone");
	err_done(&e);
	http_reply_done(&r);
}

static void knows_its_type(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		bool is;
	} types[] = {{URN "caa", true}, {"urn:acme:error:caa", true}, {"caa", false}, {URN "caab", false},
		{URN "ca", false}, {"", false}};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct err e = {0};
		AUTO(xfreep) char *text = xasprintf("{\"type\":\"%s\"}", types[i].type);
		AUTO(json_freep) struct json *doc = NULL;
		assert_int_equal(json_parse(text, strlen(text), "problem", &doc, &e), 0);
		assert_int_equal(acme_problem_from_json(doc, "order", &e), -1);
		assert_int_equal(acme_problem_is(&e, "caa"), types[i].is);
		assert_true(!strncmp(e.msg, "order: ", 7));
		err_done(&e);
	}
	struct err none = {0};
	assert_false(acme_problem_is(&none, "caa"));
	assert_int_equal(acme_problem_from_json(NULL, "order", &none), -1);
	assert_int_equal(none.kind, ERR_ACME);
	assert_non_null(none.problem);
	err_done(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_replies),
		cmocka_unit_test(keeps_sub_problems),
		cmocka_unit_test(knows_its_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
