/* test_accounthash.c: the hashed account URI of level 02, its inputs and its refusals. */
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
#define URL "https://ca.example/acct/123"
#define PREFIX "https://ca.example/account-hash/"

static const struct perdure_hash openssl_hash = {.fn = perdure_hash_openssl};

/* Keeps what it is asked to hash. */
struct spy {
	char alg[32];
	uint8_t in[4096];
	size_t n;
	size_t answer; /* octets */
	int result;
};

static int spy_fn(void *ctx, const char *alg, const uint8_t *in, size_t n, uint8_t out[64], size_t *out_len)
{
	struct spy *s = ctx;
	snprintf(s->alg, sizeof(s->alg), "%s", alg);
	memcpy(s->in, in, n);
	s->n = n;
	memset(out, 0, 64);
	*out_len = s->answer;
	return s->result;
}

static void test_published_value(void **state)
{
	(void)state;
	char *uri;
	assert_int_equal(
		perdure_account_uri(&openssl_hash, "sha-256", PREFIX, "example.com", KEY, URL, &uri), PERDURE_OK);
	assert_string_equal(uri, PREFIX "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw");
	perdure_free(uri);
	assert_int_equal(perdure_account_uri(&openssl_hash, "sha-256", PREFIX, "*", KEY, URL, &uri), PERDURE_OK);
	assert_string_equal(uri, PREFIX "sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug");
	perdure_free(uri);
}

static void test_preimage(void **state)
{
	(void)state;
	struct spy spy = {.answer = 32};
	struct perdure_hash h = {.fn = spy_fn, .ctx = &spy};
	uint8_t digest[64];
	size_t n;
	assert_int_equal(perdure_account_hash(&h, "sha-256", "example.com", KEY, URL, digest, &n), PERDURE_OK);
	assert_int_equal(n, 32);
	assert_string_equal(spy.alg, "sha-256");
	assert_int_equal(spy.n, 82);
	assert_memory_equal(spy.in,
		"\x0B"
		"example.com" KEY URL,
		82);
	assert_int_equal(perdure_account_hash(&h, "sha-256", "*", KEY, URL, digest, &n), PERDURE_OK);
	assert_memory_equal(spy.in, "\x01*" KEY URL, 72);
	char name[235];
	memset(name, 'a', sizeof(name));
	name[233] = '\0';
	assert_int_equal(perdure_account_hash(&h, "sha-256", name, KEY, URL, digest, &n), PERDURE_OK);
	assert_int_equal(spy.in[0], 0xE9);
	name[233] = 'a';
	name[234] = '\0';
	assert_int_equal(perdure_account_hash(&h, "sha-256", name, KEY, URL, digest, &n), PERDURE_ENAMELONG);
}

static void test_refusals(void **state)
{
	(void)state;
	uint8_t digest[64];
	size_t n = 77;
	char *uri;
	struct spy spy = {.answer = 32, .result = -1};
	struct perdure_hash h = {.fn = spy_fn, .ctx = &spy};
	assert_int_equal(perdure_account_hash(&h, "sha-256", "a.b", KEY, URL, digest, &n), PERDURE_EHASH);
	spy.result = 0;
	spy.answer = 31;
	assert_int_equal(perdure_account_hash(&h, "sha-256", "a.b", KEY, URL, digest, &n), PERDURE_EHASH);
	assert_int_equal(n, 77);
	const struct perdure_hash *o = &openssl_hash;
	assert_int_equal(perdure_account_hash(NULL, "sha-256", "a.b", KEY, URL, digest, &n), PERDURE_EINVAL);
	static const char *const algs[] = {"SHA-256", "sha256", "sha-1", "sha-256-128", "sha3-224", "", NULL};
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		assert_int_equal(perdure_account_hash(o, algs[i], "a.b", KEY, URL, digest, &n), PERDURE_EHASHALG);
	static const char *const keys[] = {"", NULL, (KEY "x"), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X",
		"NzbLsXh8uDCcd+6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X="};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_int_equal(
			perdure_account_hash(o, "sha-256", "a.b", keys[i], URL, digest, &n), PERDURE_ETHUMBPRINT);
	assert_int_equal(perdure_account_hash(o, "sha-256", "", KEY, URL, digest, &n), PERDURE_ENAMEEMPTY);
	assert_int_equal(perdure_account_hash(o, "sha-256", "a.b", KEY, "", digest, &n), PERDURE_EURI);
	static const char *const prefixes[] = {"", "https://x/a;b/", "https://x/a b/", NULL};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		assert_int_equal(perdure_account_uri(o, "sha-256", prefixes[i], "a.b", KEY, URL, &uri), PERDURE_EURI);
	char *url = malloc(4000);
	memset(url, 'u', 3999);
	url[3999] = '\0';
	assert_int_equal(perdure_account_hash(o, "sha-256", "a.b", KEY, url, digest, &n), PERDURE_ELIMIT);
	assert_int_equal(perdure_account_uri(o, "sha-256", url, "a.b", KEY, URL, &uri), PERDURE_ELIMIT);
	free(url);
}

static void test_algorithms(void **state)
{
	(void)state;
	static const struct {
		const char *alg;
		size_t n;
		bool ready; /* the ready callback knows it */
	} cases[] = {
		{"sha-256", 32, true},
		{"sha-384", 48, true},
		{"sha-512", 64, true},
		{"sha3-256", 32, true},
		{"sha3-384", 48, true},
		{"sha3-512", 64, true},
		{"blake2s-256", 32, true},
		{"blake2b-512", 64, true},
		{"blake2b-256", 32, false},
		{"k12-256", 32, false},
	};
	void *ctx = perdure_hash_openssl_new();
	struct perdure_hash cached = {.fn = perdure_hash_openssl, .ctx = ctx};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t a[64], b[64];
		size_t n = 0, m = 0;
		assert_int_equal(perdure_hash_length(cases[i].alg), cases[i].n);
		enum perdure_status s = perdure_account_hash(&openssl_hash, cases[i].alg, "a.b", KEY, URL, a, &n);
		assert_int_equal(s, cases[i].ready ? PERDURE_OK : PERDURE_EHASH);
		assert_int_equal(perdure_account_hash(&cached, cases[i].alg, "a.b", KEY, URL, b, &m), s);
		if (s != PERDURE_OK)
			continue;
		assert_int_equal(n, cases[i].n);
		assert_int_equal(m, n);
		assert_memory_equal(a, b, n);
	}
	perdure_hash_openssl_free(ctx);
	assert_int_equal(perdure_hash_length("sha-256-120"), 0);
}

static void test_build(void **state)
{
	(void)state;
	struct perdure_recipe r = {.level = PERDURE_LEVEL_02,
		.domain = "*.BÜCHER.de",
		.issuer = "authority.example",
		.account_url = URL,
		.thumbprint = KEY,
		.account_hash_prefix = PREFIX,
		.hash = &openssl_hash,
		.has_until = true,
		.until = 1893456000,
		.ttl = 300};
	struct perdure_built b;
	assert_int_equal(perdure_record_build(&r, &b), PERDURE_OK);
	assert_string_equal(b.fqdn, "xn--bcher-kva.de");
	assert_string_equal(b.owner, "_validation-persist.xn--bcher-kva.de");
	assert_string_equal(b.value,
		"authority.example;accounturi=" PREFIX
		"sha-256/_vt8PS6Wcw2ACmRVY3aEYVfmuUyiCvlb4SEmaUxkB9E;policy=wildcard;persistUntil=1893456000");
	assert_string_equal(b.zone_line,
		"_validation-persist.xn--bcher-kva.de. 300 IN TXT \"authority.example;accounturi=" PREFIX
		"sha-256/_vt8PS6Wcw2ACmRVY3aEYVfmuUyiCvlb4SEmaUxkB9E;policy=wildcard;persistUntil=1893456000\"");
	perdure_built_done(&b);
	assert_null(b.owner);
	r.any_domain = true;
	r.hash_alg = "sha-512";
	r.domain = "example.com";
	assert_int_equal(perdure_record_build(&r, &b), PERDURE_OK);
	assert_non_null(strstr(b.value, "/sha-512/"));
	assert_null(strstr(b.value, "policy"));
	perdure_built_done(&b);
	r.level = PERDURE_LEVEL_01;
	r.wildcard = true;
	r.has_until = false;
	assert_int_equal(perdure_record_build(&r, &b), PERDURE_OK);
	assert_string_equal(b.value, "authority.example;accounturi=" URL ";policy=wildcard");
	perdure_built_done(&b);
}

static void test_build_refusals(void **state)
{
	(void)state;
	const struct perdure_recipe good = {.level = PERDURE_LEVEL_02,
		.domain = "example.com",
		.issuer = "authority.example",
		.account_url = URL,
		.thumbprint = KEY,
		.account_hash_prefix = PREFIX,
		.hash = &openssl_hash};
	struct perdure_built b = {0};
	struct perdure_recipe r;
#define REFUSE(field, v, status)                                                                                       \
	do {                                                                                                           \
		r = good;                                                                                              \
		r.field = v;                                                                                           \
		assert_int_equal(perdure_record_build(&r, &b), status);                                                \
		assert_null(b.owner);                                                                                  \
	} while (0)
	REFUSE(domain, NULL, PERDURE_EINVAL);
	REFUSE(issuer, NULL, PERDURE_EINVAL);
	REFUSE(account_url, NULL, PERDURE_EINVAL);
	REFUSE(thumbprint, NULL, PERDURE_EINVAL);
	REFUSE(account_hash_prefix, NULL, PERDURE_EINVAL);
	REFUSE(hash, NULL, PERDURE_EINVAL);
	REFUSE(issuer, "Authority.example", PERDURE_EISSUER);
	REFUSE(domain, "192.0.2.1", PERDURE_ENAMEIP);
	REFUSE(domain, "*.*.example.com", PERDURE_ENAMEWILD);
	REFUSE(hash_alg, "md5", PERDURE_EHASHALG);
	REFUSE(thumbprint, "x", PERDURE_ETHUMBPRINT);
	REFUSE(ttl, 2147483648u, PERDURE_ELIMIT);
	r = good;
	r.level = PERDURE_LEVEL_01;
	r.account_url = "https://x/;";
	assert_int_equal(perdure_record_build(&r, &b), PERDURE_EURI);
	r = good;
	r.has_until = true;
	r.until = PERDURE_UNTIL_MAX + 1;
	assert_int_equal(perdure_record_build(&r, &b), PERDURE_ELIMIT);
#undef REFUSE
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_value),
		cmocka_unit_test(test_preimage),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_build_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
