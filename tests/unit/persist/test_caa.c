/* test_caa.c: CAA RDATA, who may issue by a set of them, why not, and that the fix is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/caa.h"

#define URL "https://ca.test/acct/1"
#define PREFIX "https://ca.test/account-hash/"
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define DRAFT PERDURE_DIALECT_DRAFT
#define BOULDER PERDURE_DIALECT_BOULDER

enum { MAX = 4, RDATA = 512 };

static const char *const issuers[] = {"ca.test", "ca2.test"};

static struct perdure_caa_question question(enum perdure_dialect d, bool wildcard)
{
	return (struct perdure_caa_question){.dialect = d,
		.wildcard = wildcard,
		.issuers = issuers,
		.n_issuers = ARRAY_LEN(issuers),
		.account_url = URL,
		.account_hash_prefix = PREFIX};
}

/* "FLAGS TAG VALUE" as RDATA in buf. */
static struct perdure_text rdata(char *buf, const char *text)
{
	char *end;
	unsigned long flags = strtoul(text, &end, 10);
	const char *tag = end + 1;
	size_t n_tag = strcspn(tag, " ");
	const char *value = tag + n_tag + 1;
	buf[0] = (char)flags;
	buf[1] = (char)n_tag;
	memcpy(buf + 2, tag, n_tag);
	memcpy(buf + 2 + n_tag, value, strlen(value));
	return (struct perdure_text){.p = buf, .n = 2 + n_tag + strlen(value)};
}

struct set {
	struct perdure_text rr[MAX];
	size_t n;
	char buf[MAX][RDATA];
};

static void set_make(struct set *s, const char *const *texts)
{
	for (s->n = 0; s->n < MAX && texts[s->n]; s->n++)
		s->rr[s->n] = rdata(s->buf[s->n], texts[s->n]);
}

static void test_read(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t n;
		enum perdure_status status;
		enum perdure_caa_kind kind;
		bool critical;
	} cases[] = {
		{"\x00\x05issueca.test", 14, PERDURE_OK, PERDURE_CAA_ISSUE, false},
		{"\x00\x05issue", 7, PERDURE_OK, PERDURE_CAA_ISSUE, false},
		{"\x80\x05iSSue;", 8, PERDURE_OK, PERDURE_CAA_ISSUE, true},
		{"\x01\x09issuewild;", 12, PERDURE_OK, PERDURE_CAA_ISSUEWILD, false},
		{"\x00\x05iodefmailto:a@b", 17, PERDURE_OK, PERDURE_CAA_IODEF, false},
		{"\xff\x03tbs", 5, PERDURE_OK, PERDURE_CAA_OTHER, true},
		{"\x00\x05issu", 6, PERDURE_EMALFORMED, 0, false},
		{"\x00\x00ca.test", 9, PERDURE_EMALFORMED, 0, false},
		{"\x00\x05is-ue", 7, PERDURE_EMALFORMED, 0, false},
		{"\x00", 1, PERDURE_EMALFORMED, 0, false},
		{"", 0, PERDURE_EMALFORMED, 0, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct perdure_caa c = {0};
		assert_int_equal(perdure_caa_read(cases[i].p, cases[i].n, &c), cases[i].status);
		assert_int_equal(c.kind, cases[i].kind);
		assert_int_equal(c.critical, cases[i].critical);
	}
}

static void test_present(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t n;
		const char *text;
	} cases[] = {
		{"\x00\x05issueca.test", 14, "0 issue \"ca.test\""},
		{"\x80\x05issue\"\\\x07", 10, "128 issue \"\\\"\\\\\\007\""},
		{"\x00\x05iss", 5, "\\# 5 0005697373"},
		{"", 0, "\\# 0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = NULL;
		assert_int_equal(perdure_caa_present(cases[i].p, cases[i].n, &text), PERDURE_OK);
		assert_string_equal(text, cases[i].text);
		perdure_free(text);
	}
	char *text = NULL;
	assert_int_equal(perdure_caa_present("", 65536, &text), PERDURE_ELIMIT);
}

static const struct {
	const char *rrs[MAX + 1];
	bool wildcard;
	enum perdure_caa_reason reason;
	ssize_t rr;
} cases[] = {
	/* RFC 8659 section 4 */
	{{NULL}, false, PERDURE_CAA_NO_SET, -1},
	{{"0 issue ca.test"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test"}, true, PERDURE_CAA_NAMED, 0},
	{{"0 issue other.test"}, false, PERDURE_CAA_OTHERS, 0},
	{{"0 issue other.test", "0 issue ca2.test"}, false, PERDURE_CAA_NAMED, 1},
	{{"0 issue ;"}, false, PERDURE_CAA_FORBIDDEN, 0},
	{{"0 issue "}, false, PERDURE_CAA_FORBIDDEN, 0},
	{{"0 issue ;", "0 issue ca.test"}, false, PERDURE_CAA_NAMED, 1},
	{{"0 issue %%%%%"}, false, PERDURE_CAA_SYNTAX, 0},
	{{"0 issue ;;"}, false, PERDURE_CAA_SYNTAX, 0},
	{{"0 issue %%%%%", "0 issue ca.test"}, false, PERDURE_CAA_NAMED, 1},
	{{"0 issue ca.test;"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue  ca.test ; "}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test; policy=ev"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test; policy"}, false, PERDURE_CAA_SYNTAX, 0},
	{{"0 issue sub.ca.test"}, false, PERDURE_CAA_OTHERS, 0},
	{{"0 ISSUE CA.test"}, false, PERDURE_CAA_NAMED, 0},
	/* wildcards */
	{{"0 issue other.test", "0 issuewild ca.test"}, true, PERDURE_CAA_NAMED, 1},
	{{"0 issue other.test", "0 issuewild ca.test"}, false, PERDURE_CAA_OTHERS, 0},
	{{"0 issue ca.test", "0 issuewild ;"}, true, PERDURE_CAA_FORBIDDEN, 1},
	{{"0 issue ca.test", "0 issuewild ;"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issuewild other.test"}, false, PERDURE_CAA_UNRESTRICTED, -1},
	{{"0 issuewild other.test"}, true, PERDURE_CAA_OTHERS, 0},
	/* other properties */
	{{"0 iodef mailto:a@b.test"}, false, PERDURE_CAA_UNRESTRICTED, -1},
	{{"128 iodef mailto:a@b.test"}, true, PERDURE_CAA_UNRESTRICTED, -1},
	{{"0 tbs Unknown"}, false, PERDURE_CAA_UNRESTRICTED, -1},
	{{"0 issue ca.test", "128 tbs Unknown"}, false, PERDURE_CAA_CRITICAL, 1},
	{{"128 issue ca.test"}, false, PERDURE_CAA_NAMED, 0},
	{{"1 tbs Unknown", "0 issue ca.test"}, false, PERDURE_CAA_NAMED, 1},
	{{"0 is-sue ca.test", "0 issue ca.test"}, false, PERDURE_CAA_MALFORMED, 0},
	/* RFC 8657: methods */
	{{"0 issue ca.test;validationmethods=dns-persist-01"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test;validationmethods=dns-01,dns-persist-01"}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test;validationmethods=dns-01,http-01"}, false, PERDURE_CAA_METHOD, 0},
	{{"0 issue ca.test;validationmethods=DNS-persist-01"}, false, PERDURE_CAA_METHOD, 0},
	{{"0 issue ca.test;validationmethods="}, false, PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;validationmethods=dns-persist-01,"}, false, PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;validationmethods=dns_01,dns-persist-01"}, false, PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;validationmethods=dns-persist-01;validationmethods=dns-01"}, false,
		PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;ValidationMethods=dns-01"}, false, PERDURE_CAA_METHOD, 0},
	{{"0 issue other.test;validationmethods=dns-01"}, false, PERDURE_CAA_OTHERS, 0},
	{{"0 issue ca.test;validationmethods=dns-01", "0 issue ca.test"}, false, PERDURE_CAA_NAMED, 1},
	/* RFC 8657: accounts */
	{{"0 issue ca.test;accounturi=" URL}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test; accounturi = " URL " "}, false, PERDURE_CAA_NAMED, 0},
	{{"0 issue ca.test;accounturi=" URL "0"}, false, PERDURE_CAA_ACCOUNT, 0},
	{{"0 issue ca.test;accounturi=HTTPS://ca.test/acct/1"}, false, PERDURE_CAA_ACCOUNT, 0},
	{{"0 issue ca.test;accounturi="}, false, PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;accounturi=" URL ";accounturi=" URL}, false, PERDURE_CAA_UNSATISFIABLE, 0},
	{{"0 issue ca.test;accounturi=" PREFIX "sha-256/abc"}, false, PERDURE_CAA_ACCOUNT_HASHED, 0},
	{{"0 issue ca.test;accounturi=https://x.test/h/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"}, false,
		PERDURE_CAA_ACCOUNT_HASHED, 0},
	{{"0 issue ca.test;accounturi=https://x.test/h/sha-256/5SQm7n6tPh2"}, false, PERDURE_CAA_ACCOUNT, 0},
	{{"0 issue ca.test;accounturi=urn:x"}, false, PERDURE_CAA_ACCOUNT, 0},
	{{"0 issue ca.test;accounturi=" URL "0", "0 issue ca.test;accounturi=" URL}, false, PERDURE_CAA_NAMED, 1},
	{{"0 issue ca.test;accounturi=" URL ";validationmethods=dns-01"}, false, PERDURE_CAA_METHOD, 0},
	{{"0 issue ca.test;accounturi=" URL "0;validationmethods=dns-01"}, false, PERDURE_CAA_ACCOUNT, 0},
	/* the refusal that is nearest to an allowance is told */
	{{"0 issue ;", "0 issue other.test", "0 issue ca.test;validationmethods=dns-01"}, false, PERDURE_CAA_METHOD, 2},
	{{"0 issue ca.test;validationmethods=dns-01", "0 issue other.test", "0 issue ;"}, false, PERDURE_CAA_METHOD, 0},
	{{"0 issue ;", "0 issue other.test"}, false, PERDURE_CAA_OTHERS, 1},
};

static bool is_allowance(enum perdure_caa_reason r)
{
	return r == PERDURE_CAA_NAMED || r == PERDURE_CAA_NO_SET || r == PERDURE_CAA_UNRESTRICTED;
}

static void test_judge(void **state)
{
	(void)state;
	bool seen[PERDURE_CAA_REASON_N_] = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct set s;
		struct perdure_caa_verdict v;
		set_make(&s, cases[i].rrs);
		struct perdure_caa_question q = question(DRAFT, cases[i].wildcard);
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		if (v.reason != cases[i].reason || v.rr != cases[i].rr)
			fail_msg("case %zu: %s, record %zd", i, perdure_caa_reason_text(v.reason), v.rr);
		assert_int_equal(v.allowed, is_allowance(v.reason));
		seen[v.reason] = true;
	}
	for (int r = 0; r < PERDURE_CAA_REASON_N_; r++)
		assert_true(seen[r]);
}

static void test_dialects(void **state)
{
	(void)state;
	static const struct {
		const char *rr;
		enum perdure_caa_reason draft, boulder;
	} differ[] = {
		{"0 issue CA.test", PERDURE_CAA_NAMED, PERDURE_CAA_OTHERS},
		{"1 tbs Unknown", PERDURE_CAA_UNRESTRICTED, PERDURE_CAA_CRITICAL},
		{"2 tbs Unknown", PERDURE_CAA_UNRESTRICTED, PERDURE_CAA_UNRESTRICTED},
		{"0 issue ca.test", PERDURE_CAA_NAMED, PERDURE_CAA_NAMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(differ); i++) {
		struct set s;
		struct perdure_caa_verdict v;
		set_make(&s, (const char *const[]){differ[i].rr, NULL});
		struct perdure_caa_question q = question(DRAFT, false);
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		assert_int_equal(v.reason, differ[i].draft);
		q.dialect = BOULDER;
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		assert_int_equal(v.reason, differ[i].boulder);
	}
}

static void test_bounds_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *rr;
		bool account, methods;
		size_t issuer;
	} bound[] = {
		{"0 issue ca.test", false, false, 0},
		{"0 issue ca2.test;accounturi=" URL, true, false, 1},
		{"0 issue ca.test;validationmethods=dns-persist-01", false, true, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(bound); i++) {
		struct set s;
		struct perdure_caa_verdict v;
		struct perdure_caa_question q = question(DRAFT, false);
		set_make(&s, (const char *const[]){bound[i].rr, NULL});
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		assert_true(v.allowed);
		assert_int_equal(v.has_account, bound[i].account);
		assert_int_equal(v.has_methods, bound[i].methods);
		assert_int_equal(v.i_issuer, bound[i].issuer);
	}
}

/* The set after the fix was done, in texts. */
static void apply(struct set *s, const struct perdure_caa_fix *f, char line[static RDATA])
{
	if (f->replaces >= 0) {
		memmove(&s->rr[f->replaces], &s->rr[f->replaces + 1],
			(s->n - (size_t)f->replaces - 1) * sizeof(s->rr[0]));
		s->n--;
	}
	if (!f->line)
		return;
	unsigned flags;
	char tag[16], value[400], plain[RDATA];
	assert_int_equal(sscanf(f->line, "example.com. 300 IN CAA %u %15s \"%399[^\"]\"", &flags, tag, value), 3);
	snprintf(plain, sizeof(plain), "%u %s %s", flags, tag, value);
	s->rr[s->n++] = rdata(line, plain);
}

/* What is suggested is accepted, in every dialect and with both kinds of names; two steps when two records hurt. */
static void test_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct set s;
		char lines[2][RDATA];
		struct perdure_caa_verdict v;
		set_make(&s, cases[i].rrs);
		struct perdure_caa_question q = question(BOULDER, cases[i].wildcard);
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		for (int step = 0; step < 2 && !v.allowed; step++) {
			struct perdure_caa_fix f;
			assert_int_equal(perdure_caa_fix(&q, s.rr, &v, "example.com", 300, &f), PERDURE_OK);
			apply(&s, &f, lines[step]);
			perdure_caa_fix_done(&f);
			assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		}
		if (!v.allowed)
			fail_msg("case %zu: still %s", i, perdure_caa_reason_text(v.reason));
	}
}

static void test_fix_lines(void **state)
{
	(void)state;
	static const struct {
		const char *rr;
		const char *line; /* NULL: take the record away */
		ssize_t replaces;
	} fixes[] = {
		{"0 issue other.test", "e.test. 60 IN CAA 0 issue \"ca.test\"", -1},
		{"0 issue ;", "e.test. 60 IN CAA 0 issue \"ca.test\"", -1},
		{"128 issue ca.test;validationmethods=http-01;x=y",
			"e.test. 60 IN CAA 128 issue \"ca.test;validationmethods=http-01,dns-persist-01;x=y\"", 0},
		{"0 issue ca.test;accounturi=" URL "9", "e.test. 60 IN CAA 0 issue \"ca.test;accounturi=" URL "\"", -1},
		{"0 issue ca.test;accounturi=" PREFIX "x", "e.test. 60 IN CAA 0 issue \"ca.test;accounturi=" URL "\"",
			0},
		{"0 issue ca.test;accounturi=a:b;accounturi=c:d",
			"e.test. 60 IN CAA 0 issue \"ca.test;accounturi=" URL "\"", 0},
		{"128 tbs x", NULL, 0},
	};
	struct perdure_caa_question q = question(DRAFT, false);
	struct perdure_caa_verdict v;
	struct perdure_caa_fix f;
	struct set s;
	for (size_t i = 0; i < ARRAY_LEN(fixes); i++) {
		set_make(&s, (const char *const[]){fixes[i].rr, NULL});
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		assert_int_equal(perdure_caa_fix(&q, s.rr, &v, "e.test", 60, &f), PERDURE_OK);
		assert_int_equal(f.replaces, fixes[i].replaces);
		if (fixes[i].line)
			assert_string_equal(f.line, fixes[i].line);
		else
			assert_null(f.line);
		perdure_caa_fix_done(&f);
	}
	assert_int_equal(perdure_caa_judge(&q, NULL, 0, &v), PERDURE_OK);
	assert_int_equal(perdure_caa_fix(&q, NULL, &v, "e.test", 60, &f), PERDURE_EINVAL);
	set_make(&s, (const char *const[]){"0 issue ;", NULL});
	assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
	q.account_url = "https://ca.test/;";
	assert_int_equal(perdure_caa_fix(&q, s.rr, &v, "e.test", 60, &f), PERDURE_EURI);
	q.n_issuers = 0;
	assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_EINVAL);
}

static void test_explain(void **state)
{
	(void)state;
	static const struct {
		const char *rr, *words;
	} said[] = {
		{"0 issue other.test", "0 issue \"other.test\""},
		{"0 issue other.test", "wanted: ca.test"},
		{"0 issue ca.test;accounturi=x:y", "wanted: " URL},
		{"0 issue ca.test;validationmethods=dns-01", "wanted: dns-persist-01"},
		{"128 tbs x", "128 tbs"},
	};
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct set s;
		struct perdure_caa_verdict v;
		struct perdure_caa_question q = question(DRAFT, false);
		char *sentence = NULL;
		set_make(&s, (const char *const[]){said[i].rr, NULL});
		assert_int_equal(perdure_caa_judge(&q, s.rr, s.n, &v), PERDURE_OK);
		assert_int_equal(perdure_caa_explain(&q, s.rr, &v, &sentence), PERDURE_OK);
		if (!strstr(sentence, said[i].words) || !strstr(sentence, perdure_caa_reason_text(v.reason)))
			fail_msg("\"%s\" lacks \"%s\"", sentence, said[i].words);
		perdure_free(sentence);
	}
	assert_string_equal(perdure_caa_reason_text(PERDURE_CAA_REASON_N_), "unknown reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_present),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_dialects),
		cmocka_unit_test(test_bounds_are_told),
		cmocka_unit_test(test_fix),
		cmocka_unit_test(test_fix_lines),
		cmocka_unit_test(test_explain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
