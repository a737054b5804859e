/* test_session.c: nonces, repetitions, the shared directory, and accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "acme/nonce.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "fake_ca.h"
#include "http/http.h"
#include "loop/loop.h"
#include "json/json.h"

struct run {
	struct fake_ca *ca;
	struct acme_session *s;
	struct acme_tally tally;
	int replies;
	int failures;
	struct err e; /* the last */
	/* Of an account. */
	bool created;
	char url[128], status[32];
	bool from_inside;
};

static void start(struct run *t, struct fake_ca *ca)
{
	*t = (struct run){.ca = ca};
	fake_ca_start(ca);
	struct acme_session_options o = {.name = "fake", .directory_url = FAKE_HOST "/directory"};
	t->s = acme_session_new(ca->l, ca->http, &o);
	acme_session_set_account(t->s, ca->root_key, FAKE_ACCOUNT);
}

static void turn(struct run *t)
{
	struct err e = {0};
	assert_int_equal(loop_run(t->ca->l, &e), 0);
}

static void stop(struct run *t)
{
	assert_int_equal(t->ca->mistakes, 0);
	acme_session_free(t->s);
	err_done(&t->e);
	fake_ca_stop(t->ca);
}

static void on_post(const struct http_reply *r, const struct err *e, void *ctx)
{
	struct run *t = ctx;
	assert_false(t->from_inside);
	if (r)
		t->replies++;
	else {
		t->failures++;
		err_copy(&t->e, e);
	}
}

static struct acme_post *post(struct run *t, unsigned flags)
{
	t->from_inside = true;
	struct acme_post *p = acme_session_post(t->s, FAKE_ACCOUNT, "{}", flags, &t->tally, on_post, t);
	t->from_inside = false;
	return p;
}

/* --- nonces --- */

static void pools_nonces(void **state)
{
	(void)state;
	struct nonce_pool p = {0};
	static const char *const no_nonces[] = {"", "a b", "a=", "a\n", "é", "a,b"};
	char *longest = xmalloc(NONCE_MAX_LEN + 2);
	memset(longest, 'a', NONCE_MAX_LEN + 1);
	longest[NONCE_MAX_LEN + 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(no_nonces); i++)
		nonce_pool_put(&p, no_nonces[i], 0);
	nonce_pool_put(&p, longest, 0);
	assert_null(nonce_pool_take(&p, 0));
	for (int i = 0; i < NONCE_POOL_MAX + 10; i++) {
		AUTO(xfreep) char *n = xasprintf("n-%d_", i);
		nonce_pool_put(&p, n, i);
	}
	assert_int_equal(p.n, NONCE_POOL_MAX);
	AUTO(xfreep) char *newest = nonce_pool_take(&p, 100);
	assert_string_equal(newest, "n-109_");
	/* Those put in before 10 ms + the greatest age are gone at that time. */
	AUTO(xfreep) char *next = nonce_pool_take(&p, NONCE_MAX_AGE_MS + 50);
	assert_string_equal(next, "n-108_");
	assert_int_equal(p.n, 108 - 50);
	assert_null(nonce_pool_take(&p, NONCE_MAX_AGE_MS + 200));
	nonce_pool_put(&p, longest + 1, 0);
	assert_int_equal(p.n, 1);
	nonce_pool_done(&p);
	free(longest);
}

static void old_nonces_are_not_used(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {0};
	start(&t, &ca);
	post(&t, 0);
	turn(&t);
	post(&t, 0);
	turn(&t);
	ca.now += NONCE_MAX_AGE_MS + 1;
	post(&t, 0);
	turn(&t);
	assert_string_equal(buf_str(&ca.log), "D N U U N U");
	assert_int_equal(t.tally.requests, 4); /* the second nonce is counted, the first is everybody's */
	stop(&t);
}

static void bad_nonces_are_repeated(void **state)
{
	(void)state;
	static const struct {
		int bad;
		unsigned flags;
		int replies;
	} rows[] = {{1, 0, 1}, {10, ACME_POST_ONCE, 1}, {30, 0, 1}, {31, 0, 0}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run t;
		struct fake_ca ca = {.bad_nonces = rows[i].bad};
		start(&t, &ca);
		post(&t, rows[i].flags);
		turn(&t);
		assert_int_equal(t.replies, rows[i].replies);
		assert_int_equal(t.failures, !rows[i].replies);
		unsigned repeats = rows[i].bad > 30 ? 30 : (unsigned)rows[i].bad;
		assert_int_equal(t.tally.repeats, repeats);
		assert_int_equal(t.tally.requests, 1 + repeats);
		assert_int_equal(acme_session_bad_nonces(t.s), repeats);
		assert_int_equal(acme_problem_is(&t.e, "badNonce"), !rows[i].replies);
		assert_int_equal(ca.now, ca.began); /* without a pause */
		stop(&t);
	}
}

/* --- repetitions --- */

struct repeat_row {
	struct fake_fault fault;
	unsigned flags;
	bool ok;
	unsigned requests; /* 0: more than three */
	int64_t wait_ms; /* at least; -1: not looked at */
	enum err_kind kind;
	int64_t retry_in_ms; /* retry_at, from the beginning; -1: not said */
};

static const struct repeat_row repeats[] = {
	{{"U", .status = 500}, 0, true, 2, 125, 0, -1},
	{{"U", .status = 502, .times = 3, .body = "<html>"}, 0, true, 4, 700, 0, -1},
	{{"U", .status = 500, .problem = "serverInternal"}, 0, true, 2, 125, 0, -1},
	{{"U", .lost = true}, 0, true, 0, 125, 0, -1},
	{{"U", .status = 503, .header = "Retry-After: 20"}, 0, true, 2, 20000, 0, -1},
	{{"U", .status = 503, .header = "Retry-After: 0"}, 0, true, 2, 125, 0, -1},
	{{"U", .status = 503, .header = "Retry-After: Mon, 21 Sep 2026 14:13:30 GMT"}, 0, true, 2, 10000, 0, -1},
	{{"U", .status = 503, .header = "Retry-After: later"}, 0, true, 2, 125, 0, -1},
	{{"U", .status = 503, .header = "Retry-After: 3600"}, 0, false, 1, 0, ERR_HTTP, 3600000},
	{{"U", .status = 429, .problem = "rateLimited", .header = "Retry-After: 5"}, 0, true, 2, 5000, 0, -1},
	{{"U", .status = 429, .problem = "rateLimited", .header = "Retry-After: 5"}, ACME_POST_ONCE, true, 2, 5000, 0,
		-1},
	{{"U", .status = 429, .header = "Retry-After: 5"}, 0, true, 2, 5000, 0, -1},
	{{"U", .status = 429, .problem = "rateLimited", .header = "Retry-After: -1"}, 0, false, 1, 0, ERR_ACME, -1},
	{{"U", .status = 429, .problem = "rateLimited"}, 0, false, 1, 0, ERR_ACME, -1},
	{{"U", .status = 429, .problem = "rateLimited", .header = "Retry-After: 99999999999"}, 0, false, 1, 0, ERR_ACME,
		86400000},
	{{"U", .status = 503, .problem = "rateLimited", .header = "Retry-After: 5"}, ACME_POST_ONCE, true, 2, 5000, 0,
		-1},
	{{"U", .status = 500}, ACME_POST_ONCE, false, 1, 0, ERR_HTTP, -1},
	{{"U", .status = 503, .header = "Retry-After: 5"}, ACME_POST_ONCE, false, 1, 0, ERR_HTTP, 5000},
	{{"U", .lost = true}, ACME_POST_ONCE, false, 1, 0, ERR_NET, -1},
	{{"U", .status = 400, .problem = "malformed"}, 0, false, 1, 0, ERR_ACME, -1},
	{{"U", .status = 403, .problem = "unauthorized"}, 0, false, 1, 0, ERR_ACME, -1},
	{{"U", .status = 301, .header = "Location: https://evil.test/"}, 0, false, 1, 0, ERR_HTTP, -1},
	{{"U", .status = 500, .times = 1000}, 0, false, 0, 40000, ERR_HTTP, -1},
	{{"N", .status = 500, .times = 1000}, 0, false, 0, 40000, ERR_HTTP, -1},
	{{"N", .status = 403, .body = "go away"}, 0, false, 0, 0, ERR_HTTP, -1},
	{{"D", .status = 404}, 0, false, 0, 0, ERR_HTTP, -1},
};

static void repeats_what_may_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(repeats); i++) {
		const struct repeat_row *row = &repeats[i];
		struct run t;
		struct fake_ca ca = {.faults = {row->fault}};
		start(&t, &ca);
		post(&t, row->flags);
		turn(&t);
		int64_t took = ca.now - ca.began;
		int64_t retry_in = t.e.retry_at ? t.e.retry_at - ca.began : -1;
		if (t.replies != row->ok || t.failures == row->ok || (row->requests && ca.requests != row->requests))
			fail_msg("row %zu: %d replies, %u requests: %s", i, t.replies, ca.requests, t.e.msg);
		if (took < row->wait_ms || took > 60000)
			fail_msg("row %zu: took %lld ms", i, (long long)took);
		if (t.e.kind != row->kind || retry_in != row->retry_in_ms)
			fail_msg("row %zu: kind %s, retry in %lld", i, err_kind_name(t.e.kind), (long long)retry_in);
		if (row->kind && !strstr(t.e.msg, "fake"))
			fail_msg("row %zu: which CA? %s", i, t.e.msg);
		stop(&t);
	}
}

static void many_at_once_and_cancelled(void **state)
{
	(void)state;
	enum { N = 20 };
	for (int cancelled = 0; cancelled < 2; cancelled++) {
		struct run t;
		struct fake_ca ca = {0};
		struct acme_post *p[N];
		start(&t, &ca);
		for (int i = 0; i < N; i++)
			p[i] = post(&t, 0);
		if (cancelled) /* while they wait for the directory */
			for (int i = 0; i < N; i += 2)
				acme_post_cancel(p[i]);
		turn(&t);
		assert_int_equal(t.replies, cancelled ? N / 2 : N);
		assert_int_equal(t.failures, 0);
		/* One directory for all; afterwards there are nonces enough. */
		assert_null(strstr(buf_str(&ca.log) + 1, "D"));
		buf_clear(&ca.log);
		post(&t, 0);
		turn(&t);
		assert_string_equal(buf_str(&ca.log), "U");
		acme_post_cancel(NULL);
		stop(&t);
	}
}

static void needs_a_key(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {0};
	start(&t, &ca);
	acme_session_set_account(t.s, NULL, NULL);
	post(&t, 0);
	turn(&t);
	assert_int_equal(t.failures, 1);
	assert_int_equal(t.e.kind, ERR_CONFIG);
	stop(&t);
}

static void on_directory(const struct acme_directory *d, const struct err *e, void *ctx)
{
	struct run *t = ctx;
	if (d) {
		t->replies++;
		return;
	}
	t->failures++;
	err_copy(&t->e, e);
	/* Whoever asks again at once gets a new fetch, not the old error for ever. */
	if (t->failures == 3)
		acme_session_directory(t->s, on_directory, t);
}

static void directory_is_shared(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {.faults = {{"D", .body = "{}"}}};
	start(&t, &ca);
	for (int i = 0; i < 4; i++)
		acme_session_directory(t.s, on_directory, &t);
	acme_session_directory_cancel(t.s, on_directory, &t);
	assert_null(acme_session_have_directory(t.s));
	turn(&t);
	assert_int_equal(t.failures, 3);
	assert_int_equal(t.replies, 1);
	assert_string_equal(buf_str(&ca.log), "D D");
	acme_session_directory(t.s, on_directory, &t);
	turn(&t);
	assert_int_equal(t.replies, 2);
	assert_string_equal(buf_str(&ca.log), "D D");
	assert_non_null(acme_session_have_directory(t.s));
	acme_session_directory(t.s, on_directory, &t); /* never answered: the session ends first */
	stop(&t);
}

/* By a clock that is more than a day from the CA's nothing is ordered. */
static void notices_a_wrong_clock(void **state)
{
	static const struct {
		const char *date;
		bool fine;
	} rows[] = {
		{"Sat, 21 Nov 2026 08:00:00 GMT", true},
		{"Sun, 22 Nov 2026 07:00:00 GMT", true},
		{"Sun, 22 Nov 2026 09:00:00 GMT", false},
		{"Fri, 20 Nov 2026 07:00:00 GMT", false},
		{"Thu, 01 Jan 1970 00:00:00 GMT", false},
		{"yesterday", true},
		{"", true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run t;
		struct fake_ca ca = {.date = rows[i].date};
		start(&t, &ca);
		ca.now = clock_utc(2026, 11, 21, 8, 0, 0) * 1000;
		acme_session_directory(t.s, on_directory, &t);
		turn(&t);
		assert_int_equal(t.replies, rows[i].fine);
		assert_int_equal(t.e.kind, rows[i].fine ? ERR_NONE : ERR_CLOCK);
		if (!rows[i].fine) {
			assert_non_null(strstr(t.e.msg, "the clock of this machine says 2026-11-21T08:00:00Z"));
			assert_string_equal(buf_str(&ca.log), "D");
		}
		stop(&t);
	}
}

/* One that jumped later is noticed, too, and that it was put right; the directory that is here stays. */
static void notices_a_clock_that_jumped(void **state)
{
	struct run t;
	struct fake_ca ca = {.date = "Sat, 21 Nov 2026 08:00:00 GMT"};
	(void)state;
	start(&t, &ca);
	ca.now = clock_utc(2026, 11, 21, 8, 0, 0) * 1000;
	acme_session_directory(t.s, on_directory, &t);
	turn(&t);
	ca.now = clock_utc(2027, 3, 1, 8, 0, 0) * 1000;
	acme_session_doubt_clock(t.s);
	for (int i = 0; i < 2; i++) {
		acme_session_directory(t.s, on_directory, &t);
		turn(&t);
		assert_int_equal(t.replies, 1);
		assert_int_equal(t.e.kind, ERR_CLOCK);
		assert_non_null(acme_session_have_directory(t.s));
		err_done(&t.e);
	}
	ca.now = clock_utc(2026, 11, 21, 8, 5, 0) * 1000;
	for (int i = 0; i < 2; i++) {
		acme_session_directory(t.s, on_directory, &t);
		turn(&t);
		assert_int_equal(t.e.kind, ERR_NONE);
	}
	assert_int_equal(t.replies, 3);
	assert_string_equal(buf_str(&ca.log), "D D D D");
	stop(&t);
}

/* --- accounts --- */

static void on_account(const struct acme_account *a, const struct err *e, void *ctx)
{
	struct run *t = ctx;
	if (!a) {
		t->failures++;
		err_copy(&t->e, e);
		return;
	}
	t->replies++;
	t->created = a->created;
	snprintf(t->url, sizeof(t->url), "%s", a->url);
	snprintf(t->status, sizeof(t->status), "%s", a->status);
}

static void registers(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {0};
	struct strv contact = {0};
	start(&t, &ca);
	acme_session_set_account(t.s, ca.root_key, NULL);
	strv_add(&contact, "mailto:a@b.test");
	struct acme_account_request r = {.contact = &contact,
		.agree_tos = true,
		.eab_kid = "kid-1",
		.eab_key = "secret",
		.eab_key_n = 6,
		.eab_alg = "HS256"};
	acme_account_register(t.s, &r, on_account, &t);
	strv_done(&contact);
	turn(&t);
	assert_int_equal(t.replies, 1);
	assert_true(t.created);
	assert_string_equal(t.url, FAKE_ACCOUNT);
	assert_string_equal(acme_session_account_url(t.s), FAKE_ACCOUNT);
	struct json *doc;
	assert_int_equal(json_parse(buf_str(&ca.payload), ca.payload.n, "payload", &doc, &t.e), 0);
	assert_non_null(json_get(doc, "termsOfServiceAgreed"));
	assert_null(json_get(doc, "onlyReturnExisting"));
	assert_string_equal(json_str(json_at(json_get(doc, "contact"), 0)), "mailto:a@b.test");
	assert_non_null(json_get(json_get(doc, "externalAccountBinding"), "signature"));
	json_free(doc);

	struct acme_account_request find = {.only_existing = true, .eab_kid = "kid-1"};
	acme_account_register(t.s, &find, on_account, &t);
	turn(&t);
	assert_string_equal(buf_str(&ca.payload), "{\"onlyReturnExisting\":true}");
	stop(&t);
}

static void registering_fails(void **state)
{
	(void)state;
	static const struct {
		struct fake_fault fault;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{{"R", .status = 201, .body = "{\"status\":\"valid\"}"}, ERR_PROTO, "no Location"},
		{{"R", .status = 201, .body = "{}", .header = "Location: http://ca.test/account/1"}, ERR_PROTO,
			"https"},
		{{"R", .status = 201, .body = "{}", .header = "Location: https://evil.test/account/1"}, ERR_PROTO,
			"evil.test"},
		{{"R", .status = 202, .body = "{}", .header = "Location: " FAKE_ACCOUNT}, ERR_PROTO, "202"},
		{{"R", .status = 200, .body = "[]", .header = "Location: " FAKE_ACCOUNT}, ERR_PROTO, "not an object"},
		{{"R", .status = 200, .body = "nonsense", .header = "Location: " FAKE_ACCOUNT}, ERR_PROTO, "account"},
		{{"R", .status = 200, .body = "{\"status\":7}", .header = "Location: " FAKE_ACCOUNT}, ERR_PROTO,
			"status"},
		{{"R", .status = 200, .body = "{\"status\":\"deactivated\"}", .header = "Location: " FAKE_ACCOUNT},
			ERR_POLICY, "is deactivated"},
		{{"R", .status = 403, .problem = "userActionRequired"}, ERR_ACME, "https://terms.test/1"},
		{{"R", .status = 403, .problem = "userActionRequired",
			 .header = "Link: <https://t.test>;rel=\"terms-of-service\""},
			ERR_ACME, "https://t.test"},
		{{"R", .status = 403, .problem = "externalAccountRequired"}, ERR_ACME, "eab:"},
		{{"R", .status = 400, .problem = "accountDoesNotExist"}, ERR_ACME, "perdure account register"},
		{{"D", .status = 404}, ERR_HTTP, "404"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run t;
		struct fake_ca ca = {.faults = {rows[i].fault}};
		start(&t, &ca);
		acme_session_set_account(t.s, ca.root_key, NULL);
		struct acme_account_request r = {.agree_tos = true};
		acme_account_register(t.s, &r, on_account, &t);
		turn(&t);
		if (t.failures != 1 || t.e.kind != rows[i].kind ||
			(!strstr(t.e.msg, rows[i].says) && !strstr(t.e.hint, rows[i].says)))
			fail_msg("row %zu: %s: %s (%s)", i, err_kind_name(t.e.kind), t.e.msg, t.e.hint);
		assert_null(acme_session_account_url(t.s));
		stop(&t);
	}
}

static void reads_changes_and_ends_accounts(void **state)
{
	(void)state;
	struct run t;
	struct fake_ca ca = {0};
	struct strv contact = {0};
	start(&t, &ca);
	acme_account_fetch(t.s, on_account, &t);
	turn(&t);
	assert_int_equal(t.replies, 1);
	assert_string_equal(t.url, FAKE_ACCOUNT);
	assert_string_equal(t.status, "valid");
	assert_string_equal(buf_str(&ca.payload), "");
	strv_add(&contact, "mailto:c@d.test");
	acme_account_update(t.s, &contact, on_account, &t);
	turn(&t);
	assert_string_equal(buf_str(&ca.payload), "{\"contact\":[\"mailto:c@d.test\"]}");
	acme_account_deactivate(t.s, on_account, &t);
	turn(&t);
	assert_int_equal(t.replies, 3);
	assert_string_equal(t.status, "deactivated");
	acme_session_set_account(t.s, ca.root_key, NULL);
	acme_account_fetch(t.s, on_account, &t);
	turn(&t);
	assert_int_equal(t.failures, 1);
	assert_int_equal(t.e.kind, ERR_CONFIG);
	strv_done(&contact);
	stop(&t);
}

/* The CA refuses the deactivation: because it is done already, or for another reason. */
static void deactivating_is_refused(void **state)
{
	(void)state;
	static const struct {
		struct fake_fault faults[2];
		const char *status; /* NULL: the refusal is told */
	} rows[] = {
		{{{"U", .status = 401, .problem = "unauthorized"}, {"R", .status = 403, .problem = "unauthorized"}},
			"deactivated"},
		{{{"U", .status = 403, .problem = "unauthorized"},
			 {"R", .status = 200, .body = "{\"status\":\"revoked\"}"}},
			"revoked"},
		{{{"U", .status = 403, .problem = "unauthorized"}}, NULL}, /* the account is valid */
		{{{"U", .status = 403, .problem = "unauthorized"},
			 {"R", .status = 400, .problem = "accountDoesNotExist"}},
			NULL},
		{{{"U", .status = 403, .problem = "unauthorized"}, {"R", .status = 200, .body = "no JSON"}}, NULL},
		{{{"U", .status = 403, .problem = "malformed"}, {"R", .status = 403, .problem = "unauthorized"}}, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run t;
		struct fake_ca ca = {.faults = {rows[i].faults[0], rows[i].faults[1]}};
		start(&t, &ca);
		acme_account_deactivate(t.s, on_account, &t);
		turn(&t);
		assert_string_equal(acme_session_account_url(t.s), FAKE_ACCOUNT);
		assert_int_equal(t.replies + t.failures, 1);
		if (rows[i].status) {
			assert_string_equal(t.status, rows[i].status);
			assert_string_equal(t.url, FAKE_ACCOUNT);
		} else {
			assert_non_null(strstr(t.e.msg, FAKE_ACCOUNT " answered 403"));
		}
		stop(&t);
	}
}

static void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

/* The session may end at any moment of an operation: before the directory, the nonce, the reply. */
static void accounts_end_with_the_session(void **state)
{
	(void)state;
	for (int ms = 5; ms <= 25; ms += 10) {
		struct run t;
		struct fake_ca ca = {.delay_ms = 10};
		start(&t, &ca);
		struct acme_account_request r = {.agree_tos = true, .eab_kid = "k", .eab_key = "s", .eab_key_n = 1};
		acme_account_register(t.s, &r, on_account, &t);
		acme_account_fetch(t.s, on_account, &t);
		struct loop_timer *knife = loop_timer_new(ca.l, stop_loop, ca.l);
		loop_timer_start(knife, ms);
		turn(&t);
		assert_int_equal(t.replies + t.failures, 0);
		loop_timer_free(knife);
		stop(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_nonces),
		cmocka_unit_test(old_nonces_are_not_used),
		cmocka_unit_test(bad_nonces_are_repeated),
		cmocka_unit_test(repeats_what_may_be),
		cmocka_unit_test(many_at_once_and_cancelled),
		cmocka_unit_test(needs_a_key),
		cmocka_unit_test(directory_is_shared),
		cmocka_unit_test(notices_a_wrong_clock),
		cmocka_unit_test(notices_a_clock_that_jumped),
		cmocka_unit_test(registers),
		cmocka_unit_test(registering_fails),
		cmocka_unit_test(reads_changes_and_ends_accounts),
		cmocka_unit_test(deactivating_is_refused),
		cmocka_unit_test(accounts_end_with_the_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
