/* test_ari.c: what a CA says of the renewal of a certificate (RFC 9773 section 4.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/ari.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "http/http.h"

#define WINDOW "\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\",\"end\":\"2026-01-03T04:00:00.5+01:00\"}"

static int decode(const char *body, int status, const char *after, struct acme_window *w, struct err *e)
{
	struct http_reply r = {.status = status, .body = buf_make(1 << 16)};
	buf_puts(&r.body, body);
	if (after)
		http_reply_add(&r, "Retry-After", after);
	int rc = acme_window_decode(&r, 1000000, w, e);
	http_reply_done(&r);
	return rc;
}

static void reads_windows(void **state)
{
	static const struct {
		const char *body, *after, *url;
		int64_t ask_at;
	} rows[] = {
		{"{" WINDOW "}", NULL, "", 0},
		{"{" WINDOW ",\"explanationURL\":\"https://ca.test/why\"}", "600", "https://ca.test/why", 1600},
		{"{" WINDOW ",\"explanationURL\":\"http://ca.test/why\"}", "soon", "", 0},
		{"{" WINDOW ",\"explanationURL\":\"https://ca.test/\\u001b[31m\"}", "-5", "", 0},
		{"{" WINDOW ",\"explanationURL\":7,\"more\":[]}", "99999999999999999999", "", 1000 + 86400},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_window w = {0};
		struct err e = {0};
		if (decode(rows[i].body, 200, rows[i].after, &w, &e))
			fail_msg("row %zu: %s", i, e.msg);
		assert_int_equal(w.start, clock_utc(2026, 1, 2, 4, 0, 0));
		assert_int_equal(w.end, clock_utc(2026, 1, 3, 3, 0, 0));
		assert_int_equal(w.ask_at, rows[i].ask_at);
		assert_string_equal(w.url, rows[i].url);
		acme_window_done(&w);
	}
}

static void refuses_the_rest(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *says;
	} rows[] = {
		{"{" WINDOW "}", 204, "204"},
		{"", 200, ""},
		{"<html>", 200, ""},
		{"[]", 200, "suggestedWindow"},
		{"{}", 200, "suggestedWindow"},
		{"{\"suggestedWindow\":\"soon\"}", 200, "suggestedWindow"},
		{"{\"suggestedWindow\":{}}", 200, "start"},
		{"{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\"}}", 200, "end"},
		{"{\"suggestedWindow\":{\"start\":1,\"end\":2}}", 200, "start"},
		{"{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\",\"end\":\"tomorrow\"}}", 200, "end"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_window w = {0};
		struct err e = {0};
		if (!decode(rows[i].body, rows[i].status, NULL, &w, &e) || !strstr(e.msg, rows[i].says))
			fail_msg("row %zu: %s", i, e.msg);
		assert_null(w.url);
		err_done(&e);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_windows),
		cmocka_unit_test(refuses_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
