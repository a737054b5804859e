/* test_key.c: making, reading and writing keys; sealing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "fixtures.h"

static void test_types(void **state)
{
	(void)state;
	enum key_type t;
	for (unsigned i = 0; i < KEY_TYPE_N_; i++) {
		assert_int_equal(key_type_from_name(key_type_name((enum key_type)i), &t), 0);
		assert_int_equal(t, i);
	}
	static const char *const unknown[] = {"", "EC256", "ec521", "rsa", "rsa1024", "ec256 "};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		assert_int_equal(key_type_from_name(unknown[i], &t), -1);
}

static void test_generate(void **state)
{
	(void)state;
	/* The larger RSA keys differ in a number only, and take seconds. */
	static const enum key_type made[] = {KEY_EC256, KEY_EC384, KEY_ED25519, KEY_RSA2048};
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		struct err e = {0};
		struct key *k = NULL, *other = NULL, *back = NULL;
		struct secret pem = {0};
		assert_int_equal(key_generate(made[i], &k, &e), 0);
		assert_int_equal(key_generate(made[i], &other, &e), 0);
		assert_int_equal(key_type(k), made[i]);
		assert_int_equal(key_to_pem(k, &pem, &e), 0);
		assert_memory_equal(pem.p, "-----BEGIN PRIVATE KEY-----\n", 28);
		assert_int_equal(key_from_pem(pem.p, pem.n, "x.pem", &back, &e), 0);
		assert_int_equal(key_type(back), made[i]);
		assert_true(key_same_public(k, back));
		assert_false(key_same_public(k, other));
		secret_done(&pem);
		key_free(back);
		key_free(other);
		key_free(k);
	}
	key_free(NULL);
}

static void test_ref(void **state)
{
	(void)state;
	struct err e = {0};
	struct key *k = NULL;
	assert_int_equal(key_generate(KEY_EC256, &k, &e), 0);
	struct key *again = key_ref(k);
	key_freep(&k);
	assert_null(k);
	assert_int_equal(key_type(again), KEY_EC256);
	key_free(again);
}

static void test_read(void **state)
{
	(void)state;
	static const struct {
		const char *pem;
		int type; /* -1: refused */
		const char *says;
	} cases[] = {
		{rfc7515_a2_pem, KEY_RSA2048, NULL},
		{rfc8037_a1_pem, KEY_ED25519, NULL},
		{sec1_params_pem, KEY_EC256, NULL},
		{pkcs1_pem, KEY_RSA2048, NULL},
		{rsa1024_pem, -1, "an RSA key of 1024 bits is not supported"},
		{rsapss_pem, -1, "RSA-PSS is not supported"},
		{p521_pem, -1, "the curve secp521r1 is not supported"},
		{x25519_pem, -1, "X25519 is not supported"},
		{encrypted_sec1_pem, -1, "is encrypted"},
		{encrypted_pkcs8_pem, -1, "is encrypted"},
		{mismatch_pem, -1, "do not belong together"},
		{"", -1, "no private key in PEM"},
		{"hello", -1, "no private key in PEM"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -1, "no private key in PEM"},
		{"-----BEGIN PRIVATE KEY-----\nMC4CAQ", -1, "no private key in PEM"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL;
		int got = key_from_pem(cases[i].pem, strlen(cases[i].pem), "the.pem", &k, &e);
		if (cases[i].type >= 0) {
			if (got)
				fail_msg("case %zu: %s", i, e.msg);
			assert_int_equal(key_type(k), cases[i].type);
		} else {
			assert_int_equal(got, -1);
			assert_null(k);
			assert_int_equal(e.kind, ERR_CRYPTO);
			assert_memory_equal(e.msg, "the.pem: ", 9);
			if (!strstr(e.msg, cases[i].says))
				fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		}
		key_free(k);
		err_done(&e);
	}
}

static void test_public_only(void **state)
{
	(void)state;
	struct err e = {0};
	struct key *k = NULL, *pub = NULL;
	struct secret pem = {0};
	struct buf jwk = buf_make(2000);
	assert_int_equal(key_generate(KEY_EC384, &k, &e), 0);
	assert_int_equal(jose_jwk(k, &jwk, &e), 0);
	assert_int_equal(jose_key_from_jwk(jwk.p, jwk.n, &pub, &e), 0);
	assert_true(key_same_public(k, pub));
	assert_int_equal(key_to_pem(pub, &pem, &e), -1);
	assert_non_null(strstr(e.msg, "only the public part"));
	assert_null(pem.p);
	err_done(&e);
	buf_done(&jwk);
	key_free(pub);
	key_free(k);
}

static void test_seal(void **state)
{
	(void)state;
	static const char plain[] = "-----BEGIN PRIVATE KEY-----\nnot really\n\0\xff";
	static const size_t lengths[] = {sizeof(plain), 0, 1};
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct err e = {0};
		struct buf a = buf_make(1000), b = buf_make(1000);
		struct secret got = {0};
		assert_int_equal(key_seal(plain, lengths[i], "correct horse", &a, &e), 0);
		assert_int_equal(key_seal(plain, lengths[i], "correct horse", &b, &e), 0);
		assert_string_not_equal(buf_str(&a), buf_str(&b));
		assert_null(memmem(a.p, a.n, "not really", 10));
		assert_int_equal(key_unseal(a.p, a.n, "correct horse", &got, &e), 0);
		assert_int_equal(got.n, lengths[i]);
		assert_memory_equal(got.p, plain, got.n);
		secret_done(&got);
		static const char *const wrong[] = {"correct hors", "correct horse ", "", "Correct horse"};
		for (size_t w = 0; w < ARRAY_LEN(wrong) && i == 0; w++) {
			assert_int_equal(key_unseal(a.p, a.n, wrong[w], &got, &e), -1);
			assert_int_equal(e.kind, ERR_CRYPTO);
			assert_non_null(strstr(e.msg, "passphrase is wrong"));
			assert_null(got.p);
			err_done(&e);
		}
		buf_done(&a);
		buf_done(&b);
	}
}

static void test_seal_limits(void **state)
{
	(void)state;
	struct err e = {0};
	struct buf out = buf_make(1000);
	assert_int_equal(key_seal("x", 1, "", &out, &e), -1);
	assert_non_null(strstr(e.msg, "passphrase is empty"));
	err_done(&e);
	assert_int_equal(key_seal("x", (size_t)2 << 20, "p", &out, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	err_done(&e);
	assert_int_equal(out.n, 0);
	buf_done(&out);
}

/* Every octet of the text matters, except white space where mail may have put it. */
static void test_seal_changed(void **state)
{
	(void)state;
	struct err e = {0};
	struct buf a = buf_make(1000);
	struct secret got = {0};
	assert_int_equal(key_seal("secret", 6, "p", &a, &e), 0);
	size_t body = (size_t)(strstr(a.p, "gcm\n") + 4 - a.p);
	for (size_t i = 0; i < a.n; i++) {
		/* scrypt is slow by design: all bits in the frame, one in every fifth octet of the body. */
		for (unsigned bit = 0; bit < 8; bit++) {
			if (i >= body && a.p[i] != '-' && (i % 5 || bit != i / 5 % 6))
				continue;
			a.p[i] = (char)(a.p[i] ^ 1 << bit);
			if (key_unseal(a.p, a.n, "p", &got, &e) == 0)
				fail_msg("bit %u of octet %zu makes no difference", bit, i);
			assert_int_equal(e.kind, ERR_CRYPTO);
			err_done(&e);
			a.p[i] = (char)(a.p[i] ^ 1 << bit);
		}
	}
	for (size_t n = 0; n < a.n - 1; n++) {
		assert_int_equal(key_unseal(a.p, n, "p", &got, &e), -1);
		err_done(&e);
	}
	/* Mailed: CRLF, a blank at a line's end, empty lines around, no last newline. */
	struct buf mailed = buf_make(2000);
	buf_puts(&mailed, "\r\n\n");
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] == '\n')
			buf_puts(&mailed, i + 1 < a.n ? " \r\n" : "");
		else
			buf_putc(&mailed, a.p[i]);
	if (key_unseal(mailed.p, mailed.n, "p", &got, &e))
		fail_msg("%s", e.msg);
	assert_string_equal((char *)got.p, "secret");
	secret_done(&got);
	buf_done(&mailed);
	buf_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_ref),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_public_only),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_seal_limits),
		cmocka_unit_test(test_seal_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
