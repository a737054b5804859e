/* test_jose.c: JWK, thumbprints, JWS and external account binding, against published values where there are any. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "fixtures.h"
#include "fixtures_jwk.h"

#define A2_N                                                                                                           \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2"   \
	"lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTB"   \
	"EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz"   \
	"k2PAcDTW9gb54h4FRWyuXpoQ"
#define J01_N                                                                                                          \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"   \
	"n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"   \
	"zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c"   \
	"sFCur-kEgU8awapJzKnqDKgw"
/* A struct jose_jws owns its strings, but verifying only reads them. */
#define TEXT(s) ((char *)(uintptr_t)(s))
/* The payload of the examples in RFC 7515 appendix A. */
#define A_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define A2_SIGNATURE                                                                                                   \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9"   \
	"CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOL"   \
	"n6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtV"   \
	"rBp0igcN_IoypGlUPQGe77Rw"

static struct key *from_jwk(const char *jwk)
{
	struct err e = {0};
	struct key *k = NULL;
	/* An exact copy: a read past the end would be seen by AddressSanitizer. */
	char *exact = xmemdup(jwk, strlen(jwk));
	if (jose_key_from_jwk(exact, strlen(jwk), &k, &e))
		fail_msg("%s: %s", jwk, e.msg);
	free(exact);
	return k;
}

static void test_thumbprint(void **state)
{
	(void)state;
	static const struct {
		const char *jwk;
		const char *thumbprint;
	} cases[] = {
		/* RFC 7638 section 3.1 */
		{"{\"kty\":\"RSA\",\"n\":\"" J01_N "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		/* The key of RFC 7517 appendix A.1, the thumbprint computed. */
		{"{ \"kty\":\"EC\",\n\"crv\":\"P-256\", \"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
		 "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"use\":\"enc\",\"key_ops\":[\"verify\", "
		 "\"x\"],"
		 "\"x5c\":[]} \n",
			"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"},
		/* RFC 8037 appendix A.3 */
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = from_jwk(cases[i].jwk);
		char got[JOSE_THUMBPRINT_LEN + 1];
		assert_int_equal(jose_thumbprint(k, got, &e), 0);
		assert_string_equal(got, cases[i].thumbprint);
		key_free(k);
	}
}

static void test_jwk(void **state)
{
	(void)state;
	static const struct {
		const char *pem;
		const char *jwk;
		const char *alg;
	} cases[] = {
		{rfc7515_a2_pem, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" A2_N "\"}", "RS256"},
		{rfc8037_a1_pem,
			"{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
			"EdDSA"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL;
		struct buf out = buf_make(2000);
		assert_int_equal(key_from_pem(cases[i].pem, strlen(cases[i].pem), "x", &k, &e), 0);
		assert_int_equal(jose_jwk(k, &out, &e), 0);
		assert_string_equal(buf_str(&out), cases[i].jwk);
		assert_string_equal(jose_alg(k), cases[i].alg);
		struct key *pub = from_jwk(buf_str(&out));
		assert_true(key_same_public(k, pub));
		key_free(pub);
		key_free(k);
		buf_done(&out);
	}
}

/* A private key as certbot keeps it signs as the same key in PEM does. */
static void test_private_jwk(void **state)
{
	(void)state;
	static const struct {
		const char *jwk;
		const char *pem; /* NULL: see pub */
		const char *pub;
	} cases[] = {
		{PRIVATE_RSA_JWK, PRIVATE_RSA_PEM, NULL},
		/* RFC 7515 appendix A.3.1 */
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
		 "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
			NULL,
			"{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL, *other = NULL;
		struct secret pem = {0};
		char *exact = xmemdup(cases[i].jwk, strlen(cases[i].jwk));
		if (jose_private_key_from_jwk(exact, strlen(cases[i].jwk), "key.json", &k, &e))
			fail_msg("%s", e.msg);
		free(exact);
		if (cases[i].pem)
			assert_int_equal(key_from_pem(cases[i].pem, strlen(cases[i].pem), "x", &other, &e), 0);
		else
			other = from_jwk(cases[i].pub);
		assert_true(key_same_public(k, other));
		assert_int_equal(key_to_pem(k, &pem, &e), 0);
		secret_done(&pem);
		key_free(k);
		key_free(other);
	}
}

static void test_private_jwk_refused(void **state)
{
	(void)state;
	static const struct {
		const char *jwk;
		const char *says;
	} cases[] = {
		{"[]", "no object of strings"},
		{"{\"kty\":\"RSA\",\"n\":\"" J01_N "\",\"e\":\"AQAB\"}", "has no \"d\""},
		{"{\"kty\":\"RSA\",\"n\":\"" J01_N "\",\"e\":\"AQAB\",\"d\":\"AQAB\"}", "has no \"p\""},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
			"neither EC nor RSA"},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
			"has no \"d\""},
		/* The private number of another key. */
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
		 "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
			"do not belong together"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL;
		assert_int_equal(jose_private_key_from_jwk(cases[i].jwk, strlen(cases[i].jwk), "key.json", &k, &e), -1);
		if (!strstr(e.msg, cases[i].says) || !strstr(e.msg, "key.json"))
			fail_msg("case %zu: %s", i, e.msg);
		err_done(&e);
	}
}

static void test_jwk_refused(void **state)
{
	(void)state;
	static const struct {
		const char *jwk;
		const char *says;
	} cases[] = {
		{"", "no object"},
		{"{}", "no object"},
		{"[]", "no object"},
		{"{\"kty\":\"EC\"", "no object"},
		{"{\"kty\":\"EC\"}x", "no object"},
		{"{\"kty\":\"EC\",}", "no object"},
		{"{\"kty\":5}", "no object"},
		{"{\"kty\":[\"EC\"]}", "no object"},
		{"{\"kty\":\"EC\",\"kty\":\"EC\"}", "no object"},
		{"{\"kty\":\"E\\u0043\"}", "no object"},
		{"{\"key_ops\":[\"a\"", "no object"},
		{"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "not EC, RSA or OKP"},
		{"{\"crv\":\"P-256\"}", "not EC, RSA or OKP"},
		{"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}", "neither P-256 nor P-384"},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}", "no \"y\""},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}", "32 octets"},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A+\",\"y\":\"AA\"}", "member \"x\""},
		/* A point that is not on the curve: the last octet of y changed. */
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
		 "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyQ\"}",
			"no public key"},
		/* x and y of other lengths, the sum as it should be. */
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7A\","
		 "\"y\":\"PuBLZekkVtmIi1Kzeb371R7oae8fD8ZbZllpW2zOCBcj\"}",
			"32 octets"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\"}", "not Ed25519"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "no public key"},
		{"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "RSA key of 17 bits"},
		{"{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "no \"e\""},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
		 "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
			"private key"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL;
		size_t n = strlen(cases[i].jwk);
		char *exact = xmemdup(cases[i].jwk, n);
		if (jose_key_from_jwk(exact, n, &k, &e) != -1)
			fail_msg("case %zu was accepted", i);
		free(exact);
		assert_null(k);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		err_done(&e);
	}
}

/* RFC 7515 appendices A.2 and A.3, RFC 8037 appendix A.4 */
static const struct {
	const char *jwk;
	const char *alg;
	struct jose_jws jws;
	const char *pem; /* where the signature is deterministic and the private key is at hand */
} published[] = {
	{"{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"AQAB\"}", "RS256",
		{TEXT("eyJhbGciOiJSUzI1NiJ9"), TEXT(A_PAYLOAD), TEXT(A2_SIGNATURE)}, rfc7515_a2_pem},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"ES256",
		{TEXT("eyJhbGciOiJFUzI1NiJ9"), TEXT(A_PAYLOAD),
			TEXT("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-"
			     "Kg6NU1Q")},
		NULL},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", "EdDSA",
		{TEXT("eyJhbGciOiJFZERTQSJ9"), TEXT("RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
			TEXT("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
			     "MuM0KAg")},
		rfc8037_a1_pem},
};

static void test_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		struct err e = {0};
		const struct jose_jws *j = &published[i].jws;
		struct key *k = from_jwk(published[i].jwk);
		if (jose_verify(k, published[i].alg, j, &e))
			fail_msg("case %zu: %s", i, e.msg);
		/* Another algorithm, another payload, another signature. */
		static const char *const others[] = {"none", "HS256", "ES384", "RS512", ""};
		for (size_t o = 0; o < ARRAY_LEN(others); o++) {
			assert_int_equal(jose_verify(k, others[o], j, &e), -1);
			err_done(&e);
		}
		static const char *const signatures[] = {
			"", "AAAA", "A", "=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
		for (size_t o = 0; o < ARRAY_LEN(signatures); o++) {
			struct jose_jws bad = {j->protected_b64, j->payload_b64, TEXT(signatures[o])};
			assert_int_equal(jose_verify(k, published[i].alg, &bad, &e), -1);
			assert_int_equal(e.kind, ERR_CRYPTO);
			err_done(&e);
		}
		struct jose_jws bad = {j->protected_b64, TEXT("e30"), j->signature_b64};
		assert_int_equal(jose_verify(k, published[i].alg, &bad, &e), -1);
		assert_non_null(strstr(e.msg, "not made by this key"));
		err_done(&e);
		key_free(k);
		if (!published[i].pem)
			continue;
		uint8_t sig[SIG_MAX];
		size_t n;
		struct buf b64 = buf_make(1000);
		char *input = xasprintf("%s.%s", j->protected_b64, j->payload_b64);
		assert_int_equal(key_from_pem(published[i].pem, strlen(published[i].pem), "x", &k, &e), 0);
		assert_int_equal(sign_jws(k, input, strlen(input), sig, &n, &e), 0);
		codec_b64url(&b64, sig, n);
		assert_string_equal(buf_str(&b64), j->signature_b64);
		free(input);
		buf_done(&b64);
		key_free(k);
	}
}

/* RFC 7515 appendix A.1 */
static void test_published_hmac(void **state)
{
	(void)state;
	struct err e = {0};
	struct buf key = buf_make(100);
	struct jose_jws j = {TEXT("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"), TEXT(A_PAYLOAD),
		TEXT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")};
	static const char k[] =
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
	assert_int_equal(codec_b64url_decode(&key, k, strlen(k), &e), 0);
	assert_int_equal(jose_verify_hmac(key.p, key.n, "HS256", &j, &e), 0);
	assert_int_equal(jose_verify_hmac(key.p, key.n - 1, "HS256", &j, &e), -1);
	assert_non_null(strstr(e.msg, "not of this key"));
	err_done(&e);
	assert_int_equal(jose_verify_hmac(key.p, key.n, "HS384", &j, &e), -1);
	err_done(&e);
	assert_int_equal(jose_verify_hmac(key.p, key.n, "HS1", &j, &e), -1);
	assert_non_null(strstr(e.msg, "HS1 is not"));
	err_done(&e);
	assert_int_equal(jose_verify_hmac("", 0, "HS256", &j, &e), -1);
	assert_non_null(strstr(e.msg, "empty"));
	err_done(&e);
	j.signature_b64 = TEXT("");
	assert_int_equal(jose_verify_hmac(key.p, key.n, "HS256", &j, &e), -1);
	err_done(&e);
	buf_done(&key);
}

/* Cuts {"protected":"a","payload":"b","signature":"c"} in place. */
static struct jose_jws cut(struct buf *b)
{
	struct jose_jws j = {0};
	static const char p1[] = "{\"protected\":\"", p2[] = "\",\"payload\":\"", p3[] = "\",\"signature\":\"";
	assert_memory_equal(b->p, p1, sizeof(p1) - 1);
	char *payload = strstr(b->p, p2), *sig = strstr(b->p, p3);
	assert_non_null(payload);
	assert_non_null(sig);
	assert_string_equal(b->p + b->n - 2, "\"}");
	b->p[b->n - 2] = *payload = *sig = '\0';
	j.protected_b64 = b->p + sizeof(p1) - 1;
	j.payload_b64 = payload + sizeof(p2) - 1;
	j.signature_b64 = sig + sizeof(p3) - 1;
	return j;
}

static void assert_b64(const char *b64, const char *want)
{
	struct err e = {0};
	struct buf got = buf_make(10000);
	assert_int_equal(codec_b64url_decode(&got, b64, strlen(b64), &e), 0);
	assert_string_equal(buf_str(&got), want);
	buf_done(&got);
}

static void test_round_trip(void **state)
{
	(void)state;
	static const enum key_type made[] = {KEY_EC256, KEY_EC384, KEY_ED25519, KEY_RSA2048};
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		struct key *k = NULL, *other = NULL;
		assert_int_equal(key_generate(made[i], &k, &e), 0);
		assert_int_equal(key_generate(made[i], &other, &e), 0);
		/* Often enough that r or s has a leading zero octet at least once. */
		for (int round = 0; round < (strncmp(key_type_name(made[i]), "rsa", 3) ? 600 : 2); round++) {
			struct buf out = buf_make(10000);
			char *nonce = xasprintf("n-%d", round);
			struct jose_request r = {.url = "https://ca.example/x",
				.nonce = nonce,
				.kid = "https://ca.example/a/1",
				.payload = "{}",
				.payload_n = 2};
			assert_int_equal(jose_sign(k, &r, &out, &e), 0);
			struct jose_jws j = cut(&out);
			if (jose_verify(k, jose_alg(k), &j, &e))
				fail_msg("%s", e.msg);
			char *header = xasprintf("{\"alg\":\"%s\",\"kid\":\"https://ca.example/a/1\",\"nonce\":\"%s\","
						 "\"url\":\"https://ca.example/x\"}",
				jose_alg(k), nonce);
			assert_b64(j.protected_b64, header);
			assert_b64(j.payload_b64, "{}");
			if (round == 0) {
				assert_int_equal(jose_verify(other, jose_alg(k), &j, &e), -1);
				err_done(&e);
			}
			free(header);
			free(nonce);
			buf_done(&out);
		}
		key_free(other);
		key_free(k);
	}
}

struct work {
	const struct key *k;
	bool ok;
};

static void *sign_and_verify(void *arg)
{
	struct work *w = arg;
	static const char text[] = "shared by threads";
	w->ok = true;
	for (int i = 0; i < 100; i++) {
		struct err e = {0};
		uint8_t sig[SIG_MAX];
		size_t n;
		if (sign_jws(w->k, text, sizeof(text), sig, &n, &e) ||
			sign_verify_jws(w->k, text, sizeof(text), sig, n, &e))
			w->ok = false;
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	static const enum key_type made[] = {KEY_EC256, KEY_ED25519, KEY_RSA2048};
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		struct err e = {0};
		struct key *k = NULL;
		pthread_t threads[4];
		struct work work[ARRAY_LEN(threads)];
		assert_int_equal(key_generate(made[i], &k, &e), 0);
		for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
			work[t] = (struct work){.k = k};
			assert_int_equal(pthread_create(&threads[t], NULL, sign_and_verify, &work[t]), 0);
		}
		for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
			assert_int_equal(pthread_join(threads[t], NULL), 0);
			assert_true(work[t].ok);
		}
		key_free(k);
	}
}

static void test_headers(void **state)
{
	(void)state;
	struct err e = {0};
	struct key *k = NULL, *pub;
	struct buf out = buf_make(10000);
	assert_int_equal(key_from_pem(rfc8037_a1_pem, strlen(rfc8037_a1_pem), "x", &k, &e), 0);
	/* An inner JWS by a new key: no nonce, the JWK instead of a kid; no payload; octets that need escaping. */
	struct jose_request r = {.url = "https://ca.example/\"\\\n"};
	assert_int_equal(jose_sign(k, &r, &out, &e), 0);
	struct jose_jws j = cut(&out);
	assert_b64(j.protected_b64,
		"{\"alg\":\"EdDSA\",\"jwk\":{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":"
		"\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},\"url\":\"https://ca.example/\\\"\\\\\\u000a\"}");
	assert_string_equal(j.payload_b64, "");
	assert_int_equal(jose_verify(k, "EdDSA", &j, &e), 0);
	buf_done(&out);
	/* Only the public part. */
	pub = from_jwk("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
	assert_int_equal(jose_sign(pub, &r, &out, &e), -1);
	assert_non_null(strstr(e.msg, "only the public part"));
	err_done(&e);
	/* No room. */
	struct buf small = buf_make(20);
	assert_int_equal(jose_sign(k, &r, &small, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	err_done(&e);
	buf_done(&small);
	buf_done(&out);
	key_free(pub);
	key_free(k);
}

static void test_jwt(void **state)
{
	(void)state;
	static const char claims[] = "{\"iss\":\"x\"}";
	static const struct {
		const char *pem, *kid, *header;
	} cases[] = {
		{rfc7515_a2_pem, "a\"b", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"a\\\"b\"}"},
		{rfc8037_a1_pem, NULL, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct key *k = NULL;
		struct buf out = buf_make(4000), small = buf_make(50);
		assert_int_equal(key_from_pem(cases[i].pem, strlen(cases[i].pem), "x", &k, &e), 0);
		assert_int_equal(jose_jwt(k, cases[i].kid, claims, strlen(claims), &out, &e), 0);
		char *rest = (char *)(uintptr_t)buf_str(&out);
		struct jose_jws jws = {.protected_b64 = strsep(&rest, ".")};
		jws.payload_b64 = strsep(&rest, ".");
		jws.signature_b64 = rest;
		assert_b64(jws.protected_b64, cases[i].header);
		assert_b64(jws.payload_b64, claims);
		assert_int_equal(jose_verify(k, jose_alg(k), &jws, &e), 0);
		assert_int_equal(jose_jwt(k, cases[i].kid, claims, strlen(claims), &small, &e), -1);
		err_done(&e);
		key_free(k);
		buf_done(&out);
		buf_done(&small);
	}
}

static void test_eab(void **state)
{
	(void)state;
	static const char *const macs[][2] = {
		/* HMAC of the same input with Python's hmac module. */
		{"HS256", "B0qDGDuCGQ2qtj3-bOQkW3rjP-cpz9spW1zLNruE5eA"},
		{"HS384", "5znpEINJxDDeyZaTqvLBMZAN3zOHu_h068IBH5NjHVo1mqGqbg_8fpaq9jQuMLc1"},
		{"HS512", "NHBh2ddW3ZPeb6tpQl941S79_SqRx9f3FwQYsVBftcgah1r_GXrj2yWA-XHtBOsGpQEM2635QkU5cRam78nt9Q"},
	};
	struct err e = {0};
	struct key *k = NULL;
	assert_int_equal(key_from_pem(rfc8037_a1_pem, strlen(rfc8037_a1_pem), "x", &k, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
		struct buf out = buf_make(10000);
		assert_int_equal(
			jose_eab(k, "kid-1", "known key", 9, macs[i][0], "https://ca.example/new", &out, &e), 0);
		struct jose_jws j = cut(&out);
		char *header =
			xasprintf("{\"alg\":\"%s\",\"kid\":\"kid-1\",\"url\":\"https://ca.example/new\"}", macs[i][0]);
		assert_b64(j.protected_b64, header);
		assert_b64(j.payload_b64,
			"{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
		assert_string_equal(j.signature_b64, macs[i][1]);
		assert_int_equal(jose_verify_hmac("known key", 9, macs[i][0], &j, &e), 0);
		assert_int_equal(jose_verify_hmac("known keys", 10, macs[i][0], &j, &e), -1);
		err_done(&e);
		free(header);
		buf_done(&out);
	}
	struct buf out = buf_make(10000);
	assert_int_equal(jose_eab(k, "kid-1", "x", 1, "HS1", "https://ca.example/new", &out, &e), -1);
	assert_non_null(strstr(e.msg, "external account binding: HMAC algorithm HS1"));
	err_done(&e);
	assert_int_equal(jose_eab(k, "kid-1", "", 0, "HS256", "https://ca.example/new", &out, &e), -1);
	assert_non_null(strstr(e.msg, "empty"));
	err_done(&e);
	assert_int_equal(out.n, 0);
	buf_done(&out);
	key_free(k);
}

static void test_sha256(void **state)
{
	(void)state;
	/* FIPS 180-2 appendix B.1 */
	static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d,
		0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
		0x15, 0xad};
	uint8_t got[32];
	jose_sha256("abc", 3, got);
	assert_memory_equal(got, abc, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thumbprint),
		cmocka_unit_test(test_jwk),
		cmocka_unit_test(test_jwk_refused),
		cmocka_unit_test(test_private_jwk),
		cmocka_unit_test(test_private_jwk_refused),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_published_hmac),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_jwt),
		cmocka_unit_test(test_eab),
		cmocka_unit_test(test_sha256),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
