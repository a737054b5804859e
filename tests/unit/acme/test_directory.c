/* test_directory.c: directories of CAs as they are, and of servers that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "acme/directory.h"
#include "base/err.h"
#include "base/xalloc.h"

#define URL "https://ca.test/dir"
#define THREE                                                                                                          \
	"\"newNonce\":\"https://ca.test/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://ca.test/o\""

static int decode(const char *text, struct acme_directory *d, struct err *e)
{
	return acme_directory_decode(text, strlen(text), URL, d, e);
}

static void reads_everything(void **state)
{
	(void)state;
	struct acme_directory d;
	struct err e = {0};
	assert_int_equal(
		decode("{" THREE ",\"x7\":\"https://community.test/adding-random-entries\","
		       "\"keyChange\":\"https://ca.test/k\",\"revokeCert\":\"https://ca.test/r\","
		       "\"renewalInfo\":\"https://ca.test/ari\",\"meta\":{\"termsOfService\":\"data:text/plain,none\","
		       "\"website\":\"https://other.test\",\"caaIdentities\":[\"ca.test\",\"b.test\"],"
		       "\"externalAccountRequired\":true,\"profiles\":{\"a\":\"one\",\"b\":7},"
		       "\"accountHashPrefix\":\"https://ca.test/h/\",\"issuerDomainNames\":[\"ca.test\"]}}",
			&d, &e),
		0);
	assert_string_equal(d.new_nonce, "https://ca.test/n");
	assert_string_equal(d.key_change, "https://ca.test/k");
	assert_string_equal(d.renewal_info, "https://ca.test/ari");
	assert_string_equal(d.terms_of_service, "data:text/plain,none");
	assert_true(d.external_account_required);
	assert_int_equal(d.caa_identities.n, 2);
	assert_int_equal(d.n_profiles, 2);
	assert_string_equal(d.profiles[0].name, "a");
	assert_string_equal(d.profiles[1].description, "");
	assert_string_equal(d.account_hash_prefix, "https://ca.test/h/");
	assert_true(d.has_issuer_domain_names);
	assert_string_equal(d.issuer_domain_names.v[0], "ca.test");
	acme_directory_done(&d);
}

/* What is ill-formed of level 02 counts as absent (draft-ietf-acme-dns-persist section 3.2). */
static void takes_little(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{" THREE "}",
		"{" THREE ",\"meta\":null}",
		"{" THREE ",\"meta\":{}}",
		"{" THREE ",\"meta\":{\"issuerDomainNames\":\"ca.test\",\"accountHashPrefix\":7,\"caaIdentities\":{}}}",
		"{" THREE ",\"meta\":{\"issuerDomainNames\":[\"ca.test\",7],\"accountHashPrefix\":\"\","
		"\"caaIdentities\":[null],\"profiles\":[\"a\"]}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct acme_directory d;
		struct err e = {0};
		if (decode(texts[i], &d, &e))
			fail_msg("%s: %s", texts[i], e.msg);
		assert_string_equal(d.revoke_cert, "");
		assert_null(d.account_hash_prefix);
		assert_false(d.has_issuer_domain_names);
		assert_int_equal(d.caa_identities.n + d.issuer_domain_names.n + d.n_profiles, 0);
		acme_directory_done(&d);
	}
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"", "directory"},
		{"<!DOCTYPE html>", "directory"},
		{"[]", "not an object"},
		{"{}", "newNonce"},
		{"{\"newNonce\":\"https://ca.test/n\",\"newAccount\":\"https://ca.test/a\"}", "newOrder"},
		{"{\"newNonce\":7,\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://ca.test/o\"}",
			"newNonce"},
		{"{\"newNonce\":\"http://ca.test/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://"
		 "ca.test/o\"}",
			"https"},
		{"{\"newNonce\":\"https://evil.test/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://"
		 "ca.test/o\"}",
			"https://evil.test/n is not at the host of " URL},
		{"{\"newNonce\":\"https://ca.test:8443/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://"
		 "ca.test/o\"}",
			"not at the host"},
		{"{\"newNonce\":\"https://ca.test@evil.test/n\",\"newAccount\":\"https://ca.test/"
		 "a\",\"newOrder\":\"https://ca.test/"
		 "o\"}",
			"newNonce"},
		{"{\"newNonce\":\"/n\",\"newAccount\":\"https://ca.test/a\",\"newOrder\":\"https://ca.test/o\"}",
			"newNonce"},
		{"{" THREE ",\"renewalInfo\":\"https://evil.test/x\"}", "renewalInfo"},
		{"{" THREE ",\"keyChange\":[]}", "keyChange"},
		{"{" THREE ",\"meta\":[]}", "meta"},
		{"{" THREE ",\"meta\":{\"termsOfService\":7}}", "termsOfService"},
		{"{" THREE ",\"meta\":{\"externalAccountRequired\":\"yes\"}}", "externalAccountRequired"},
		{"{" THREE "," THREE "}", "directory"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_directory d;
		struct err e = {0};
		if (!decode(rows[i].text, &d, &e))
			fail_msg("accepted: %s", rows[i].text);
		if (e.kind != ERR_PROTO || !strstr(e.msg, rows[i].says) || !strstr(e.msg, URL) || !e.hint[0])
			fail_msg("%s: %s: %s (%s)", rows[i].text, err_kind_name(e.kind), e.msg, e.hint);
		err_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(takes_little),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
