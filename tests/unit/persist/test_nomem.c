/* test_nomem.c: when memory runs out at any allocation, the library says so, leaks nothing and leaves results alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/caa.h"
#include "perdure/persist.h"

#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

/* Allocations left before one fails; negative: never. */
static int budget = -1;
static size_t failures;

static int spend(void)
{
	if (budget < 0)
		return 0;
	if (budget-- > 0)
		return 0;
	failures++;
	budget = -1;
	return 1;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
	return spend() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return spend() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return spend() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return spend() ? NULL : __real_strdup(s);
}

static int fake_hash(void *ctx, const char *alg, const uint8_t *in, size_t n, uint8_t out[64], size_t *out_len)
{
	(void)ctx;
	(void)alg;
	(void)in;
	(void)n;
	memset(out, 7, 64);
	*out_len = 32;
	return 0;
}

static const struct perdure_hash hash = {.fn = fake_hash};

static enum perdure_status do_parse(void)
{
	struct perdure_issuevalue v;
	const char *s = "a.b;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1";
	enum perdure_status r = perdure_issuevalue_parse(s, strlen(s), &v);
	perdure_issuevalue_done(&v);
	return r;
}

static enum perdure_status do_build(void)
{
	struct perdure_recipe r = {.level = PERDURE_LEVEL_02,
		.domain = "example.com",
		.issuer = "a.b",
		.account_url = "https://a.b/1",
		.thumbprint = KEY,
		.account_hash_prefix = "https://a.b/h/",
		.hash = &hash};
	struct perdure_built b = {0};
	enum perdure_status s = perdure_record_build(&r, &b);
	assert_int_equal(s == PERDURE_OK, b.owner != NULL);
	perdure_built_done(&b);
	return s;
}

static enum perdure_status do_join(void)
{
	struct perdure_text t[] = {{"a", 1}, {"b", 1}};
	char *s;
	size_t n;
	enum perdure_status r = perdure_txt_join(t, 2, &s, &n);
	if (r == PERDURE_OK)
		perdure_free(s);
	return r;
}

static enum perdure_status do_judge(enum perdure_dialect d, const char *value, size_t n)
{
	static const char *const issuers[] = {"a.b"}, *const urls[] = {"u"};
	struct perdure_question q = {.level = PERDURE_LEVEL_01,
		.dialect = d,
		.identifier = "example.com",
		.issuers = issuers,
		.n_issuers = 1,
		.account_urls = urls,
		.n_account_urls = 1};
	struct perdure_text t[] = {{value, n / 2}, {value + n / 2, n - n / 2}};
	struct perdure_rr rr = {.strings = t, .n = 2};
	struct perdure_verdict v;
	enum perdure_status s = perdure_judge(&q, &rr, 1, &v);
	if (s != PERDURE_OK)
		return s;
	assert_true(v.valid);
	char *text;
	s = perdure_verdict_explain(&q, &v, &text);
	if (s == PERDURE_OK)
		perdure_free(text);
	return s;
}

static char many[4096];
static size_t n_many;

static enum perdure_status do_judge_long(void)
{
	return do_judge(PERDURE_DIALECT_DRAFT, many, n_many);
}

static enum perdure_status do_judge_tags(void)
{
	return do_judge(PERDURE_DIALECT_PEBBLE, many, n_many);
}

static enum perdure_status do_caa(void)
{
	static const char *const issuers[] = {"a.b"};
	static const char rdata[] = "\x00\x05issuea.b;validationmethods=dns-01;accounturi=https://a.b/acct/1";
	struct perdure_caa_question q = {.issuers = issuers, .n_issuers = 1};
	struct perdure_text rr = {rdata, sizeof(rdata) - 1};
	struct perdure_caa_verdict v;
	struct perdure_caa_fix f = {0};
	char *text;
	assert_int_equal(perdure_caa_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.reason, PERDURE_CAA_METHOD);
	enum perdure_status s = perdure_caa_explain(&q, &rr, &v, &text);
	if (s != PERDURE_OK)
		return s;
	perdure_free(text);
	s = perdure_caa_fix(&q, &rr, &v, "example.com", 60, &f);
	assert_int_equal(s == PERDURE_OK, f.line != NULL);
	perdure_caa_fix_done(&f);
	return s;
}

static enum perdure_status do_caa_unknown(void)
{
	char *text;
	enum perdure_status s = perdure_caa_present("\x00", 1, &text);
	if (s == PERDURE_OK)
		perdure_free(text);
	return s;
}

static void test_every_allocation(void **state)
{
	(void)state;
	static enum perdure_status (*const calls[])(void) = {
		do_parse, do_build, do_join, do_judge_long, do_judge_tags, do_caa, do_caa_unknown};
	n_many = (size_t)snprintf(many, sizeof(many), "a.b;accounturi=u");
	for (int i = 0; i < 300; i++)
		n_many += (size_t)snprintf(many + n_many, sizeof(many) - n_many, ";t%d=value", i);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int k = 0;
		for (;; k++) {
			failures = 0;
			budget = k;
			enum perdure_status s = calls[i]();
			budget = -1;
			assert_int_equal(s, failures ? PERDURE_ENOMEM : PERDURE_OK);
			if (!failures)
				break;
		}
		assert_true(k > 0); /* it does allocate */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
