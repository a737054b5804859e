/* test_csr.c: requests for certificates: made, read back, refused, and those that others made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "fixtures.h"
#include "fixtures_x509.h"

static void test_csr(void **state)
{
	(void)state;
	static const enum key_type types[] = {KEY_EC256, KEY_EC384, KEY_RSA2048};
	struct strv names = {0};
	strv_add(&names, "example.org");
	strv_add(&names, "*.example.org");
	strv_add(&names, "xn--bcher-kva.example");
	for (size_t i = 0; i < 2 * ARRAY_LEN(types); i++) {
		struct err e = {0};
		struct key *k = NULL, *back = NULL;
		struct buf der = buf_make(10000), again = buf_make(10000);
		struct x509_csr_info info = {0};
		struct x509_csr_options o = {.must_staple = i % 2};
		assert_int_equal(key_generate(types[i / 2], &k, &e), 0);
		assert_int_equal(x509_csr(k, &names, i % 2 ? &o : NULL, &der, &e), 0);
		if (x509_csr_read(der.p, der.n, "x", &again, &info, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(again.n, der.n);
		assert_memory_equal(again.p, der.p, der.n);
		assert_true(strv_same_set(&info.names, &names));
		char spki[65];
		assert_int_equal(x509_spki_sha256(k, spki, &e), 0);
		assert_string_equal(spki, info.spki_sha256);
		static const char feature[] = "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x18\x04\x05\x30\x03\x02\x01\x05";
		assert_int_equal(memmem(der.p, der.n, feature, sizeof(feature) - 1) != NULL, i % 2);
		/* The empty subject comes right after the version. */
		assert_non_null(memmem(der.p, 16, "\x02\x01\x00\x30\x00\x30", 6));
		assert_int_equal(issue_csr_key(der.p, der.n, &back, &e), 0);
		assert_true(key_same_public(k, back));
		/* Octets after it are no part of it. */
		buf_putc(&der, '\0');
		x509_csr_info_done(&info);
		assert_int_equal(x509_csr_read(der.p, der.n, "x", &again, &info, &e), -1);
		err_done(&e);
		buf_done(&der);
		buf_done(&again);
		key_free(back);
		key_free(k);
	}
	strv_done(&names);
}

static void test_csr_refused(void **state)
{
	(void)state;
	struct err e = {0};
	struct key *k = NULL, *ed = NULL;
	struct buf der = buf_make(10000);
	struct strv names = {0};
	assert_int_equal(key_generate(KEY_EC256, &k, &e), 0);
	assert_int_equal(x509_csr(k, &names, NULL, &der, &e), -1);
	assert_non_null(strstr(e.msg, "no names"));
	err_done(&e);
	strv_add(&names, "b\xc3\xbc.example");
	assert_int_equal(x509_csr(k, &names, NULL, &der, &e), -1);
	assert_non_null(strstr(e.msg, "cannot stand in a certificate"));
	err_done(&e);
	strv_done(&names);
	strv_add(&names, "a.example");
	assert_int_equal(key_generate(KEY_ED25519, &ed, &e), 0);
	assert_int_equal(x509_csr(ed, &names, NULL, &der, &e), -1);
	assert_non_null(strstr(e.msg, "Ed25519"));
	err_done(&e);
	assert_int_equal(der.n, 0);
	strv_done(&names);
	key_free(ed);
	key_free(k);
	buf_done(&der);
}

/* What a key and its request belong together by. */
static void check_request(const struct x509_request *r, const struct strv *names)
{
	struct err e = {0};
	struct key *k = NULL;
	struct x509_csr_info info = {0};
	AUTO(buf_done) struct buf der = buf_make(10000);
	char spki[65];
	if (key_from_pem(r->key_pem.p, r->key_pem.n, "x", &k, &e) || x509_spki_sha256(k, spki, &e) ||
		x509_csr_read(r->csr_der.p, r->csr_der.n, "x", &der, &info, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(spki, r->spki_sha256);
	assert_string_equal(info.spki_sha256, r->spki_sha256);
	assert_true(strv_same_set(&info.names, names));
	x509_csr_info_done(&info);
	key_free(k);
}

static void test_request(void **state)
{
	(void)state;
	static const enum key_type types[] = {KEY_EC256, KEY_EC384, KEY_RSA2048};
	static const struct x509_csr_options none;
	struct strv names = {0};
	strv_add(&names, "example.org");
	strv_add(&names, "*.example.org");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct err e = {0};
		struct x509_request r = {0}, again = {0}, other = {0};
		if (x509_request(types[i], &(struct secret){0}, &names, &none, &r, &e) ||
			x509_request(KEY_EC256, &r.key_pem, &names, &none, &again, &e) ||
			x509_request(types[i], &(struct secret){0}, &names, &none, &other, &e))
			fail_msg("%s", e.msg);
		check_request(&r, &names);
		/* An old key stays what it is, whatever type was asked for. */
		check_request(&again, &names);
		assert_string_equal(r.key_pem.p, again.key_pem.p);
		assert_string_not_equal(r.spki_sha256, other.spki_sha256);
		x509_request_done(&r);
		x509_request_done(&again);
		x509_request_done(&other);
	}
	strv_done(&names);
}

static void test_request_refused(void **state)
{
	(void)state;
	static const struct x509_csr_options none;
	struct err e = {0};
	struct x509_request r = {0};
	struct strv names = {0};
	struct secret broken = secret_dup("no key", 6);
	assert_int_equal(x509_request(KEY_EC256, &(struct secret){0}, &names, &none, &r, &e), -1);
	assert_non_null(strstr(e.msg, "no names"));
	err_done(&e);
	strv_add(&names, "a.example");
	assert_int_equal(x509_request(KEY_ED25519, &(struct secret){0}, &names, &none, &r, &e), -1);
	assert_non_null(strstr(e.msg, "Ed25519"));
	err_done(&e);
	assert_int_equal(x509_request(KEY_EC256, &broken, &names, &none, &r, &e), -1);
	assert_non_null(strstr(e.msg, "the key in use: no private key in PEM"));
	err_done(&e);
	assert_null(r.key_pem.p);
	secret_done(&broken);
	strv_done(&names);
}

static void test_csr_of_others(void **state)
{
	(void)state;
	static const struct {
		const char *pem;
		const char *names; /* NULL: refused */
		const char *says;
	} cases[] = {
		{csr_upper_pem, "www.example.org *.example.org", NULL},
		{csr_cn_pem, "old.example.org", NULL},
		{csr_cn_text_pem, NULL, "common name is not a DNS name"},
		{csr_nothing_pem, NULL, "asks for no names"},
		{csr_ip_pem, NULL, "name 2 is an IP address"},
		{csr_mail_pem, NULL, "name 1 is a mail address"},
		{csr_tampered_pem, NULL, "signature is not of its own key"},
		{rfc7515_a2_pem, NULL, "no certification request"},
		{cert_ari_pem, NULL, "no certification request"},
		{"", NULL, "no certification request"},
		{"0", NULL, "no certification request"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct buf der = buf_make(10000);
		struct x509_csr_info info = {0};
		int got = x509_csr_read(cases[i].pem, strlen(cases[i].pem), "the.csr", &der, &info, &e);
		if (cases[i].names) {
			if (got)
				fail_msg("case %zu: %s", i, e.msg);
			char *names = strv_join(&info.names, " ");
			assert_string_equal(names, cases[i].names);
			assert_string_equal(info.spki_sha256, csr_spki_sha256);
			assert_int_equal(der.p[0], 0x30);
			free(names);
		} else {
			assert_int_equal(got, -1);
			assert_int_equal(e.kind, ERR_CRYPTO);
			assert_memory_equal(e.msg, "the.csr: ", 9);
			if (!strstr(e.msg, cases[i].says))
				fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
			assert_int_equal(der.n, 0);
			assert_null(info.names.v);
		}
		x509_csr_info_done(&info);
		buf_done(&der);
		err_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csr),
		cmocka_unit_test(test_csr_refused),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_refused),
		cmocka_unit_test(test_csr_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
