/* test_verdict.c: reasons, positions, fixes, the points in which dialects differ, and that every input has a verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/hash.h"
#include "perdure/persist.h"

#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define OLD_KEY "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
#define U "https://ca.example/acct/123"
#define PREFIX "https://ca.example/account-hash/"
#define DIGEST "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define ANY "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"
#define NOW 1795219200
#define DRAFT PERDURE_DIALECT_DRAFT
#define BOULDER PERDURE_DIALECT_BOULDER
#define PEBBLE PERDURE_DIALECT_PEBBLE
#define A2C PERDURE_DIALECT_ACME2CERTIFIER
#define UCM PERDURE_DIALECT_UCM
#define ADCS PERDURE_DIALECT_ADCS

static const char *const issuers[] = {"ca.test", "ca2.test"};
static const char *const urls[] = {U};
static const char *const keys[] = {KEY, OLD_KEY};
static const struct perdure_hash hash = {.fn = perdure_hash_openssl};

static struct perdure_question question(enum perdure_level level, enum perdure_dialect d)
{
	return (struct perdure_question){.level = level,
		.dialect = d,
		.identifier = "example.com",
		.issuers = issuers,
		.n_issuers = 2,
		.account_urls = urls,
		.n_account_urls = 1,
		.thumbprints = keys,
		.n_thumbprints = 1,
		.account_hash_prefix = PREFIX,
		.hash = &hash,
		.now = NOW};
}

/* The verdict on RRs of one string each; values end with NULL. */
static struct perdure_verdict judge(const struct perdure_question *q, const char *const *values)
{
	struct perdure_text texts[8];
	struct perdure_rr rrs[8];
	size_t n = 0;
	for (; values[n]; n++) {
		texts[n] = (struct perdure_text){.p = values[n], .n = strlen(values[n])};
		rrs[n] = (struct perdure_rr){.strings = &texts[n], .n = 1};
	}
	struct perdure_verdict v;
	assert_int_equal(perdure_judge(q, rrs, n, &v), PERDURE_OK);
	assert_int_equal(v.valid, v.reason == PERDURE_REASON_OK);
	assert_int_equal(v.valid, v.problem == NULL);
	return v;
}

static struct perdure_verdict judge1(enum perdure_level level, enum perdure_dialect d, const char *value)
{
	struct perdure_question q = question(level, d);
	return judge(&q, (const char *const[]){value, NULL});
}

static void test_reasons_and_positions(void **state)
{
	(void)state;
	static const struct {
		enum perdure_level level;
		const char *value;
		enum perdure_reason reason;
		enum perdure_fault fault;
		ssize_t at;
	} cases[] = {
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U, PERDURE_REASON_OK, 0, -1},
		{PERDURE_LEVEL_01, "CA.Test;accounturi=" U, PERDURE_REASON_OK, 0, -1},
		{PERDURE_LEVEL_00, "ca2.test;accounturi=" U, PERDURE_REASON_OK, 0, -1},
		{PERDURE_LEVEL_01, "other.test;accounturi=" U, PERDURE_REASON_NOT_OURS, 0, -1},
		{PERDURE_LEVEL_01, "ca.test.;accounturi=" U, PERDURE_REASON_NOT_OURS, PERDURE_FAULT_ISSUER, 7},
		{PERDURE_LEVEL_01, " \"ca.test;accounturi=" U, PERDURE_REASON_NOT_OURS, PERDURE_FAULT_ISSUER, 1},
		{PERDURE_LEVEL_01, "", PERDURE_REASON_NOT_OURS, PERDURE_FAULT_NO_ISSUER, 0},
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U ";", PERDURE_REASON_SYNTAX, PERDURE_FAULT_EMPTY, 46},
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U ";a b=c", PERDURE_REASON_SYNTAX, PERDURE_FAULT_TAG, 48},
		{PERDURE_LEVEL_01, "ca.test", PERDURE_REASON_SYNTAX, PERDURE_FAULT_NO_ACCOUNT, 7},
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U "/", PERDURE_REASON_ACCOUNT, 0, 19},
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U ";persistUntil=1795219200", PERDURE_REASON_OK, 0, -1},
		{PERDURE_LEVEL_01, "ca.test;accounturi=" U ";persistUntil=1795219199", PERDURE_REASON_EXPIRED, 0, 60},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" U, PERDURE_REASON_URI_PREFIX, 0, 19},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX, PERDURE_REASON_URI_HASH, 0, 51},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-512/" DIGEST, PERDURE_REASON_URI_HASH, 0, 51},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/" DIGEST "x", PERDURE_REASON_URI_DIGEST, 0,
			59},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kx",
			PERDURE_REASON_URI_DIGEST, 0, 59},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/5SQm7n6tPh2+PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
			PERDURE_REASON_URI_DIGEST, 0, 59},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-k=",
			PERDURE_REASON_URI_DIGEST, 0, 59},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/6SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
			PERDURE_REASON_ACCOUNT, 0, 59},
		{PERDURE_LEVEL_02, "ca.test;accounturi=" PREFIX "sha-256/" DIGEST, PERDURE_REASON_OK, 0, -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perdure_verdict v = judge1(cases[i].level, DRAFT, cases[i].value);
		assert_int_equal(v.reason, cases[i].reason);
		assert_int_equal(v.fault, cases[i].fault);
		assert_int_equal(v.at, cases[i].at);
		assert_int_equal(v.rr, 0);
	}
}

static void test_which_record_decides(void **state)
{
	(void)state;
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	struct perdure_verdict v =
		judge(&q, (const char *const[]){"v=spf1 -all", "ca.test;accounturi=" U ";",
				  "ca2.test;accounturi=" U ";persistUntil=1893456000;policy=wildcard", NULL});
	assert_true(v.valid);
	assert_int_equal(v.rr, 2);
	assert_int_equal(v.i_issuer, 1);
	assert_true(v.policy_wildcard);
	assert_true(v.has_until);
	assert_int_equal(v.until, 1893456000);
	/* Malformed goes before unauthorized. */
	v = judge(&q, (const char *const[]){"ca.test;accounturi=x", "ca.test;accounturi=" U ";", NULL});
	assert_string_equal(v.problem, "malformed");
	assert_int_equal(v.rr, 1);
	/* Among refused ones, the nearest to success is spoken of. */
	v = judge(&q, (const char *const[]){"ca.test;accounturi=x", "ca.test;accounturi=" U ";persistUntil=5", NULL});
	assert_int_equal(v.reason, PERDURE_REASON_EXPIRED);
	assert_int_equal(v.rr, 1);
	v = judge(&q, (const char *const[]){NULL});
	assert_int_equal(v.reason, PERDURE_REASON_NO_RECORD);
	assert_int_equal(v.rr, -1);
	q.deactivated = true;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" U, NULL});
	assert_int_equal(v.reason, PERDURE_REASON_DEACTIVATED);
}

static void test_keys_and_forms(void **state)
{
	(void)state;
	struct perdure_question q = question(PERDURE_LEVEL_02, DRAFT);
	struct perdure_verdict v = judge(&q, (const char *const[]){"ca.test;accounturi=" PREFIX "sha-256/" ANY, NULL});
	assert_true(v.valid);
	assert_true(v.any_domain);
	static const char *const swapped[] = {OLD_KEY, KEY};
	q.thumbprints = swapped;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" PREFIX "sha-256/" DIGEST, NULL});
	assert_int_equal(v.reason, PERDURE_REASON_ACCOUNT);
	q.n_thumbprints = 2;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" PREFIX "sha-256/" DIGEST, NULL});
	assert_true(v.valid);
	assert_int_equal(v.i_thumbprint, 1);
	assert_false(v.any_domain);
	/* What the CA documents beside sha-256. */
	static const char *const algs[] = {"sha-512", "sha-256"};
	q = question(PERDURE_LEVEL_02, DRAFT);
	q.hash_algs = algs;
	q.n_hash_algs = 2;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" PREFIX
					    "sha-512/3fpd3noMLjcq-dImlHryCSzsdQ5EA0iltJlKSsD8vxLPVVOor7"
					    "Ujwwa4BW_x8IDh1mAMKPMTSCE4qHKPerZMXw",
			      NULL});
	assert_true(v.valid);
	q.identifier = "EXAMPLE.com";
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" PREFIX "sha-256/" DIGEST, NULL});
	assert_true(v.valid);
}

static void test_scope(void **state)
{
	(void)state;
	static const struct {
		const char *identifier, *fqdn;
		bool wildcard, policy;
		enum perdure_dialect d;
		enum perdure_reason reason;
	} cases[] = {
		{"example.com", "example.com", true, false, DRAFT, PERDURE_REASON_SCOPE_WILD},
		{"example.com", "example.com", true, true, DRAFT, PERDURE_REASON_OK},
		{"a.b.example.com", "example.com", false, true, DRAFT, PERDURE_REASON_OK},
		{"a.b.example.com", "example.com", true, true, DRAFT, PERDURE_REASON_OK},
		{"a.example.com", "example.com", false, false, DRAFT, PERDURE_REASON_SCOPE_BELOW},
		{"a.example.com", "com", false, true, DRAFT, PERDURE_REASON_OK},
		{"xexample.com", "example.com", false, true, DRAFT, PERDURE_REASON_SCOPE_NAME},
		{".example.com", "example.com", false, true, DRAFT, PERDURE_REASON_SCOPE_NAME},
		{"com", "example.com", false, true, DRAFT, PERDURE_REASON_SCOPE_NAME},
		{"a.example.com", "example.com", false, true, BOULDER, PERDURE_REASON_SCOPE_BELOW},
		{"a.example.com", "example.com", false, true, PEBBLE, PERDURE_REASON_SCOPE_BELOW},
		{"a.example.com", "example.com", false, true, A2C, PERDURE_REASON_SCOPE_BELOW},
		{"a.b.example.com", "example.com", false, true, UCM, PERDURE_REASON_OK},
		{"a.example.com", "com", false, true, UCM, PERDURE_REASON_SCOPE_BELOW},
		{"a.example.com", "example.com", false, true, ADCS, PERDURE_REASON_OK},
		{"a.example.com", "example.com", true, true, ADCS, PERDURE_REASON_SCOPE_BELOW},
		{"a.b.example.com", "example.com", false, true, ADCS, PERDURE_REASON_SCOPE_BELOW},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perdure_question q = question(PERDURE_LEVEL_01, cases[i].d);
		q.identifier = cases[i].identifier;
		q.fqdn = cases[i].fqdn;
		q.wildcard = cases[i].wildcard;
		const char *value =
			cases[i].policy ? "ca.test;accounturi=" U ";policy=wildcard" : "ca.test;accounturi=" U;
		assert_int_equal(judge(&q, (const char *const[]){value, NULL}).reason, cases[i].reason);
	}
}

/* One letter per dialect in the order of the enum: v valid, m malformed, u unauthorized, i incorrectResponse, x
 * exception. */
static void test_dialects_differ(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *answers;
	} cases[] = {
		{"ca.test;accounturi=" U, "vvvvvv"},
		{"CA.TEST;accounturi=" U, "vvuvvv"},
		{"ca.test.;accounturi=" U, "uvuuvi"},
		{"ca.test..;accounturi=" U, "uuuuvi"},
		{"ca2.test;accounturi=" U, "vuvvvv"},
		{"\tca.test;accounturi=" U, "vuuvvv"},
		{"ca.test;accounturi=" U ";x=\xFC", "mvvvvv"},
		{"ca.test;accounturi=" U ";x=a b", "mmmvvv"},
		{"ca.test;accounturi=" U ";x=\"\\", "vvvvvv"},
		{"ca.test;accounturi=" U ";=x", "mmmmvv"},
		{"ca.test;accounturi=" U ";;x=1", "mmmvvv"},
		{"ca.test;accounturi=" U ";policy", "mmmmmv"},
		{"ca.test;accounturi=" U ";x=1;X=2", "vvmmmv"},
		{"ca.test;accounturi=", "mmmumi"},
		{"ca.test;accounturi=x;persistUntil=x", "mmmumi"},
		{"ca.test;accounturi=" U ";persistUntil=", "mmmvmi"},
		{"ca.test;accounturi=" U ";persistUntil=-1", "uuummi"},
		{"ca.test;accounturi=" U ";persistUntil=+1893456000", "mvvmmv"},
		{"ca.test;accounturi=" U ";persistUntil=0001893456000", "vvvvvv"},
		{"ca.test;accounturi=" U ";persistUntil=253402300799", "vvvvvv"},
		{"ca.test;accounturi=" U ";persistUntil=253402300800", "vvvvvx"},
		{"ca.test;accounturi=" U ";persistUntil=9223372036854775807", "vuuvvx"},
		{"ca.test;accounturi=" U ";persistUntil=9223371974719179007", "vvvvvx"},
		{"ca.test;accounturi=" U ";persistUntil=9223371974719179008", "vuuvvx"},
		{"ca.test;accounturi=" U ";persistUntil=9223372036854775808", "vmmvvi"},
		{"ca.test;accounturi=" U ";persistUntil=-62135596800", "uvummi"},
		{"ca.test;accounturi=" U ";persistUntil=-62135596801", "uuummx"},
		{"test;accounturi=" U, "uuuumi"},
		{"other.test;accounturi=" U ";x=1;x=1", "uuummi"},
		{"other.test;policy=wildcard", "uuuuui"},
		{"\"ca.test;accounturi=" U "\"", "uuuvmi"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[PERDURE_DIALECT_N_ + 1] = "";
		for (int d = 0; d < PERDURE_DIALECT_N_; d++) {
			struct perdure_verdict v = judge1(PERDURE_LEVEL_01, (enum perdure_dialect)d, cases[i].value);
			got[d] = v.valid ? 'v' : !strcmp(v.problem, "exception") ? 'x' : v.problem[0];
		}
		if (strcmp(got, cases[i].answers) != 0)
			print_message("%s\n", cases[i].value);
		assert_string_equal(got, cases[i].answers);
	}
}

static void test_several_strings(void **state)
{
	(void)state;
	static const char *const parts[] = {"ca.test;accounturi=https://ca.exa", "mple/acct/123;x=a b"};
	struct perdure_text strings[] = {{parts[0], strlen(parts[0])}, {parts[1], strlen(parts[1])}};
	struct perdure_rr rr = {.strings = strings, .n = 2};
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	struct perdure_verdict v;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.fault, PERDURE_FAULT_VALUE);
	assert_int_equal(v.at, 50); /* the space, counted over both strings */
	q.dialect = A2C; /* the first string only: another account */
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.reason, PERDURE_REASON_ACCOUNT);
	q.dialect = ADCS; /* each string alone */
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_false(v.valid);
	strings[0] = (struct perdure_text){"other.test", 10};
	strings[1] = (struct perdure_text){"ca.test;accounturi=" U, strlen("ca.test;accounturi=" U)};
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_true(v.valid);
	/* Positions are in the RR's octets also where the CA's DNS library escapes them. */
	q.dialect = PEBBLE;
	const char *escaped = "ca.test;x=\xFC\"\\;accounturi=" U ";";
	strings[0] = (struct perdure_text){escaped, strlen(escaped)};
	rr.n = 1;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.at, (ssize_t)strlen(escaped) - 1);
	q.via_alias = true;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.reason, PERDURE_REASON_SYNTAX);
	q.dialect = ADCS;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.reason, PERDURE_REASON_ALIAS);
}

static void test_sizes(void **state)
{
	(void)state;
	char *big = malloc(70000);
	memset(big, 'x', 70000);
	struct perdure_text s = {.p = big, .n = 65536};
	struct perdure_rr rr = {.strings = &s, .n = 1};
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	struct perdure_verdict v;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.reason, PERDURE_REASON_LONG);
	assert_string_equal(v.problem, "malformed");
	/* As many parameters as fit, in the dialects that remember every tag. */
	size_t n = (size_t)snprintf(big, 70000, "ca.test;accounturi=" U);
	for (unsigned i = 0; n + 8 < 65535; i++)
		n += (size_t)snprintf(big + n, 9, ";%x=", i);
	s.n = n;
	for (int d = 0; d < PERDURE_DIALECT_N_; d++) {
		q.dialect = (enum perdure_dialect)d;
		assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
		assert_true(v.valid);
	}
	memcpy(big + n, ";1F=", 4);
	s.n = n + 4;
	q.dialect = PEBBLE;
	assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
	assert_int_equal(v.fault, PERDURE_FAULT_DUPLICATE);
	assert_int_equal(v.at, (ssize_t)n + 1);
	free(big);
}

static void test_unusable_questions(void **state)
{
	(void)state;
	struct perdure_verdict v;
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	q.identifier = NULL;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
	q = question(PERDURE_LEVEL_01, DRAFT);
	q.n_issuers = 0;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
	q = question(PERDURE_LEVEL_01, DRAFT);
	q.n_account_urls = 0;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
	q = question(PERDURE_LEVEL_02, DRAFT);
	q.n_thumbprints = 0;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
	q = question(PERDURE_LEVEL_02, DRAFT);
	q.hash = NULL;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
	q = question(PERDURE_LEVEL_02, DRAFT);
	q.account_hash_prefix = NULL;
	assert_int_equal(perdure_judge(&q, NULL, 0, &v), PERDURE_EINVAL);
}

/* The record of perdure_verdict_fix() is accepted by the dialect that refused. */
static void test_fix_is_accepted(void **state)
{
	(void)state;
	static const char *const values[] = {"", "other.test;accounturi=x", "ca.test;accounturi=x",
		"ca.test;accounturi=" U ";", "ca.test;accounturi=" U ";persistUntil=1",
		"ca.test;accounturi=" PREFIX "sha-256/x"};
	size_t refused = 0;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (int d = 0; d < PERDURE_DIALECT_N_; d++)
			for (int l = PERDURE_LEVEL_00; l <= PERDURE_LEVEL_02; l++)
				for (int w = 0; w < 2; w++) {
					struct perdure_question q =
						question((enum perdure_level)l, (enum perdure_dialect)d);
					struct perdure_built fix;
					q.wildcard = w;
					struct perdure_verdict v = judge(&q, (const char *const[]){values[i], NULL});
					if (v.valid) /* a `;` at the end, for some */
						continue;
					refused++;
					assert_int_equal(perdure_verdict_fix(&q, &v, 60, &fix), PERDURE_OK);
					assert_string_equal(fix.owner, "_validation-persist.example.com");
					v = judge(&q, (const char *const[]){fix.value, NULL});
					assert_true(v.valid);
					struct perdure_built none;
					assert_int_equal(perdure_verdict_fix(&q, &v, 60, &none), PERDURE_EINVAL);
					perdure_built_done(&fix);
				}
	assert_true(refused >= 200);
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	q.identifier = "www.example.com";
	q.fqdn = "example.com";
	struct perdure_built fix;
	struct perdure_verdict v = judge(&q, (const char *const[]){"ca.test;accounturi=" U, NULL});
	assert_int_equal(perdure_verdict_fix(&q, &v, 60, &fix), PERDURE_OK);
	assert_string_equal(fix.owner, "_validation-persist.www.example.com");
	perdure_built_done(&fix);
	q.deactivated = true;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=" U, NULL});
	assert_int_equal(perdure_verdict_fix(&q, &v, 60, &fix), PERDURE_EINVAL);
}

static void test_explain(void **state)
{
	(void)state;
	struct perdure_question q = question(PERDURE_LEVEL_01, DRAFT);
	struct perdure_verdict v = judge(&q, (const char *const[]){"ca.test;accounturi=" U ";persistUntil=5", NULL});
	char *s;
	assert_int_equal(perdure_verdict_explain(&q, &v, &s), PERDURE_OK);
	assert_string_equal(s, "the record's persistUntil has passed (5, now it is 1795219200), record 1 at octet 60");
	perdure_free(s);
	for (int r = PERDURE_REASON_OK; r <= PERDURE_REASON_LONG + 1; r++)
		assert_true(strlen(perdure_reason_text((enum perdure_reason)r)) > 10);
	for (int f = PERDURE_FAULT_NONE; f <= PERDURE_FAULT_UNTIL + 1; f++)
		assert_true(strlen(perdure_fault_text((enum perdure_fault)f)) > 5);
	for (int c = PERDURE_OK; c <= PERDURE_ENAMEIDN + 1; c++)
		assert_true(strlen(perdure_strerror((enum perdure_status)c)) > 5);
	static const char *const evil[] = {"\x1B[31m\xFF\n"};
	q.account_urls = evil;
	v = judge(&q, (const char *const[]){"ca.test;accounturi=x", NULL});
	assert_int_equal(perdure_verdict_explain(&q, &v, &s), PERDURE_OK);
	for (const char *c = s; *c; c++)
		assert_in_range(*c, 0x20, 0x7E);
	perdure_free(s);
}

static void test_dialect_names(void **state)
{
	(void)state;
	for (int d = 0; d < PERDURE_DIALECT_N_; d++) {
		enum perdure_dialect found;
		assert_int_equal(
			perdure_dialect_find(perdure_dialect_name((enum perdure_dialect)d), &found), PERDURE_OK);
		assert_int_equal(found, d);
	}
	enum perdure_dialect unused;
	assert_null(perdure_dialect_name(PERDURE_DIALECT_N_));
	assert_int_equal(perdure_dialect_find("certbot", &unused), PERDURE_EINVAL);
	assert_int_equal(perdure_dialect_find(NULL, &unused), PERDURE_EINVAL);
}

/* Random octets, and good records with octets changed: always a verdict, positions always inside. */
static void test_total(void **state)
{
	(void)state;
	uint64_t seed = 0x9E3779B97F4A7C15u;
	static const char base[] = "ca.test; accounturi=" U "; policy=wildcard; persistUntil=1893456000; x=y";
	for (int i = 0; i < 60000; i++) {
		char octets[160];
		size_t n = sizeof(base) - 1;
		memcpy(octets, base, n);
		for (int k = 0; k < 1 + i % 4; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			octets[(seed >> 33) % n] = i % 2 ? (char)(seed >> 56) : "; =.-\t\"\\\0"[(seed >> 56) % 9];
		}
		n -= (seed >> 40) % (i % 3 ? 1 : n);
		/* Cut anywhere into two strings, on exact heap blocks. */
		size_t cut = (seed >> 20) % (n + 1);
		char *a = malloc(cut + 1), *b = malloc(n - cut + 1);
		memcpy(a, octets, cut);
		memcpy(b, octets + cut, n - cut);
		char *ea = realloc(a, cut ? cut : 1), *eb = realloc(b, n - cut ? n - cut : 1);
		struct perdure_text s[] = {{ea, cut}, {eb, n - cut}};
		struct perdure_rr rr = {.strings = s, .n = 2};
		struct perdure_question q =
			question((enum perdure_level)(i % 3), (enum perdure_dialect)(i / 3 % PERDURE_DIALECT_N_));
		q.wildcard = i / 18 % 2;
		struct perdure_verdict v;
		assert_int_equal(perdure_judge(&q, &rr, 1, &v), PERDURE_OK);
		assert_in_range(v.at + 1, 0, n + 1);
		assert_int_equal(v.rr, 0);
		assert_int_equal(v.valid, v.problem == NULL);
		free(ea);
		free(eb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons_and_positions),
		cmocka_unit_test(test_which_record_decides),
		cmocka_unit_test(test_keys_and_forms),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_dialects_differ),
		cmocka_unit_test(test_several_strings),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_unusable_questions),
		cmocka_unit_test(test_fix_is_accepted),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_dialect_names),
		cmocka_unit_test(test_total),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
