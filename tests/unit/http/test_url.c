/* test_url.c: replies as values, URL checks, Link headers, and the scripted double that other tests build on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "loop/loop.h"
#include "scripted_http.h"

static void url_check(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *fault; /* part of the message; NULL: fine */
	} rows[] = {
		{"https://ca.example/directory", NULL},
		{"https://ca.example", NULL},
		{"HTTPS://ca.example:14000/a?b=c&d", NULL},
		{"https://192.0.2.1/x", NULL},
		{"https://[2001:db8::1]:14000/x", NULL},
		{"https://ca.example/a%20b", NULL},
		{"http://ca.example/", "only https"},
		{"ftp://ca.example/", "only https"},
		{"", "only https"},
		{"/relative", "only https"},
		{"//ca.example/x", "only https"},
		{"https:/ca.example/x", "only https"},
		{"https:ca.example", "only https"},
		{"https://", "well-formed"},
		{"https:///x", "well-formed"},
		{"https://:443/", "well-formed"},
		{"https://ca.example:99999/", "well-formed"},
		{"https://ca.example:x/", "well-formed"},
		{"https://ca.example:65535/", NULL},
		{"https://ca.example:65536/", "well-formed"},
		{"https://ca.example:4294967739/", "well-formed"},
		{"https://ca.example:1:2/", "well-formed"},
		{"https://[::1/", "well-formed"},
		{"https://user@ca.example/", "user"},
		{"https://user:pw@ca.example/", "user"},
		{"https://ca.example/#f", "fragment"},
		{"https://ca.example/#", "fragment"},
		{"https://ca.example/a b", "characters"},
		{"https://ca.example/\n", "characters"},
		{"https://ca.example/\x7f", "characters"},
		{"https://ca.ex\xc3\xa4mple/", "characters"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		int rc = http_url_check(rows[i].url, "newOrder", &e);
		if (rc != (rows[i].fault ? -1 : 0))
			fail_msg("%s: %d %s", rows[i].url, rc, e.msg);
		if (!rows[i].fault)
			continue;
		assert_int_equal(e.kind, ERR_PROTO);
		assert_int_equal(e.retry, RETRY_NEVER);
		assert_non_null(strstr(e.msg, "newOrder"));
		if (!strstr(e.msg, rows[i].fault))
			fail_msg("%s: %s", rows[i].url, e.msg);
		err_done(&e);
	}
}

static void url_check_length(void **state)
{
	(void)state;
	struct err e = {0};
	char url[2050];
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://ca.example/", 19);
	url[2048] = '\0';
	assert_int_equal(http_url_check(url, "x", &e), 0);
	url[2048] = 'a';
	url[2049] = '\0';
	assert_int_equal(http_url_check(url, "x", &e), -1);
	assert_non_null(strstr(e.msg, "2048"));
	err_done(&e);
}

static void same_origin(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"https://ca.example/a", "https://ca.example/b?c", true},
		{"https://ca.example/a", "https://CA.example:443/b", true},
		{"https://ca.example", "HTTPS://Ca.Example#x", true},
		{"https://ca.example/a", "https://ca.example@evil.example/a", false},
		{"https://ca.example/a", "https://ca.example\\@evil.example/a", false},
		{"https://ca.example:444/a", "https://ca.example/a", false},
		{"https://ca.example/a", "https://ca2.example/a", false},
		{"https://ca.example/a", "http://ca.example:443/a", false},
		{"https://ca.example/a", "https://ca.example.evil.example/a", false},
		{"https://ca.example/a", "nonsense", false},
		{"", "", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (http_url_same_origin(rows[i].a, rows[i].b) != rows[i].same)
			fail_msg("%s %s", rows[i].a, rows[i].b);
		assert_int_equal(http_url_same_origin(rows[i].b, rows[i].a), rows[i].same);
	}
}

static void link_target(void **state)
{
	(void)state;
	static const char base[] = "https://ca.example:14000/cert/1?x=y";
	static const struct {
		const char *value;
		const char *target; /* NULL: none; rel is "alternate" */
	} rows[] = {
		{"<https://ca.example/alt/1>;rel=\"alternate\"", "https://ca.example/alt/1"},
		{"<https://ca.example/alt/1>; rel=alternate", "https://ca.example/alt/1"},
		{"  <https://ca.example/alt/1> ; title=\"a;,\\\"b\" ;\trel = \"ALTERNATE\"",
			"https://ca.example/alt/1"},
		{"</alt/1>;rel=\"alternate\"", "https://ca.example:14000/alt/1"},
		{"<2>;rel=\"alternate\"", "https://ca.example:14000/cert/2"},
		{"<../alt>;rel=\"alternate\"", "https://ca.example:14000/alt"},
		{"<//b.example/x>;rel=\"alternate\"", "https://b.example/x"},
		{"</d>;rel=\"index\", </1>;rel=\"alternate\",</2>;rel=\"alternate\"", "https://ca.example:14000/1"},
		{",, </1>; rel=\"up alternate\"", "https://ca.example:14000/1"},
		{"</a,b;c>;rel=\"alternate\"", "https://ca.example:14000/a,b;c"},
		{"</1>;x;rel=\"alternate\"", "https://ca.example:14000/1"},
		{"</1>;rel=\"up\";rel=\"alternate\"", NULL},
		{"</1>;rel=\"alternates\"", NULL},
		{"</1>;rel=\"alternate-x\"", NULL},
		{"</1>;title=\"rel=alternate\"", NULL},
		{"</1>;anchor=\"#x\";rel=\"alternate\"", NULL},
		{"</1>;rel", NULL},
		{"</1>", NULL},
		{"", NULL},
		{"/1;rel=\"alternate\"", NULL},
		{"</1;rel=\"alternate\"", NULL},
		{"</1>;rel=\"alternate", NULL},
		{"</1> x;rel=\"alternate\"", NULL},
		{"<http://ca.example/1>;rel=\"alternate\"", NULL},
		{"<https://u:p@ca.example/1>;rel=\"alternate\"", NULL},
		{"<javascript:x>;rel=\"alternate\"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(xfreep) char *got = http_link_target(rows[i].value, "alternate", base);
		if (!got != !rows[i].target || (got && strcmp(got, rows[i].target) != 0))
			fail_msg("%s: %s", rows[i].value, got ? got : "(none)");
	}
	assert_null(http_link_target("</1>;rel=\"up\"", "up", "not a URL"));
}

static void reply_headers(void **state)
{
	(void)state;
	struct http_reply r = {.status = 200, .body = buf_make(10)};
	assert_null(http_reply_header(&r, "link"));
	http_reply_add(&r, "Link", " a\t");
	http_reply_add(&r, "LINK", "b");
	http_reply_add(&r, "X-Empty", "  ");
	for (int i = 0; i < 20; i++)
		http_reply_add(&r, "N", "v");
	assert_int_equal(r.n_headers, 23);
	assert_string_equal(http_reply_header(&r, "link"), "a");
	assert_string_equal(r.headers[1].value, "b");
	assert_string_equal(http_reply_header(&r, "x-empty"), "");
	assert_null(http_reply_header(&r, "lin"));
	http_reply_done(&r);
	assert_int_equal(r.n_headers, 0);
}

struct script {
	struct loop *l;
	struct http *h;
	int served;
	int done;
	int failed;
	int last;
	bool sending;
	struct http_exchange *other;
};

static int serve(const struct http_request *r, struct http_reply *reply, struct err *e, void *ctx)
{
	struct script *s = ctx;
	s->served++;
	if (strstr(r->url, "fail"))
		return err_set(e, ERR_NET, "no route");
	reply->status = s->served;
	http_reply_add(reply, "Replay-Nonce", "n");
	buf_put(&reply->body, r->body, r->body_n);
	return strstr(r->url, "slow") ? 500 : 0;
}

static void on_done(const struct http_reply *reply, const struct err *e, void *ctx)
{
	struct script *s = ctx;
	assert_false(s->sending);
	s->done++;
	if (!reply) {
		assert_int_equal(e->kind, ERR_NET);
		s->failed++;
		return;
	}
	assert_false(err_is(e));
	assert_string_equal(http_reply_header(reply, "replay-nonce"), "n");
	assert_string_equal(buf_str(&reply->body), "body");
	s->last = reply->status;
	http_cancel(s->h, s->other);
	s->other = NULL;
}

static struct http_exchange *post(struct script *s, const char *url)
{
	struct http_request r = {.method = HTTP_POST, .url = url, .body = "body", .body_n = 4};
	s->sending = true;
	struct http_exchange *x = http_send(s->h, &r, on_done, s);
	s->sending = false;
	return x;
}

static int64_t still(void *ctx)
{
	return *(int64_t *)ctx;
}

static void jump(void *ctx, int64_t ms)
{
	*(int64_t *)ctx += ms;
}

static void scripted_double(void **state)
{
	(void)state;
	int64_t now = 0;
	struct clk clk = {still, still, &now};
	struct err e = {0};
	struct script s = {0};
	assert_int_equal(loop_new(&clk, &s.l, &e), 0);
	loop_set_skip(s.l, jump, &now);
	s.h = scripted_http_new(s.l, serve, &s);
	post(&s, "https://x/slow"); /* served first, arrives last */
	post(&s, "https://x/fail");
	post(&s, "https://x/");
	s.other = post(&s, "https://x/slow"); /* cancelled by the reply before it */
	assert_int_equal(scripted_http_under_way(s.h), 4);
	assert_int_equal(s.done, 0);
	assert_int_equal(loop_run(s.l, &e), 0);
	assert_int_equal(s.served, 4);
	assert_int_equal(s.done, 3);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.last, 1);
	assert_int_equal(now, 500);
	post(&s, "https://x/");
	http_free(s.h);
	loop_free(s.l);
	assert_int_equal(s.done, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_check),
		cmocka_unit_test(url_check_length),
		cmocka_unit_test(same_origin),
		cmocka_unit_test(link_target),
		cmocka_unit_test(reply_headers),
		cmocka_unit_test(scripted_double),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
