/* test_object.c: orders, authorizations and challenges, as servers send them and as they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "acme/object.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"

#define URL "https://ca.test/order/1"
#define IDS "\"identifiers\":[{\"type\":\"dns\",\"value\":\"A.test\"},{\"type\":\"dns\",\"value\":\"*.a.test\"}]"
#define AUTHZS "\"authorizations\":[\"https://ca.test/z/1\",\"https://ca.test/z/2\",\"https://ca.test/z/1\"]"
#define FIN "\"finalize\":\"https://ca.test/f\""
#define ID "\"identifier\":{\"type\":\"dns\",\"value\":\"a.test\"}"
#define CH "\"type\":\"dns-persist-01\",\"url\":\"https://ca.test/c/1\",\"status\":\"pending\""

static int order(const char *text, struct acme_order *o, struct err *e)
{
	return acme_order_decode(text, strlen(text), URL, o, e);
}

static int authz(const char *text, struct acme_authz *a, struct err *e)
{
	return acme_authz_decode(text, strlen(text), "https://ca.test/z/1", a, e);
}

static void reads_orders(void **state)
{
	(void)state;
	struct acme_order o;
	struct err e = {0};
	assert_int_equal(
		order("{\"status\":\"valid\",\"expires\":\"2026-09-21T14:13:20.5+00:00\"," IDS "," AUTHZS "," FIN
		      ",\"certificate\":\"https://ca.test/cert\",\"profile\":\"p\",\"error\":{\"type\":\"urn:ietf:"
		      "params:acme:error:caa\",\"detail\":\"no\"}}",
			&o, &e),
		0);
	assert_int_equal(o.status, ACME_VALID);
	assert_int_equal(o.expires, 1790000000);
	assert_int_equal(o.names.n, 2);
	assert_string_equal(o.names.v[0], "a.test");
	assert_int_equal(o.authzs.n, 2);
	assert_string_equal(o.certificate, "https://ca.test/cert");
	assert_string_equal(o.profile, "p");
	assert_int_equal(o.error->kind, ERR_ACME);
	acme_order_done(&o);
	for (enum acme_status s = 0; s < ACME_STATUS_N_; s++) {
		AUTO(xfreep)
		char *text = xasprintf("{\"status\":\"%s\"," IDS ",\"authorizations\":[]," FIN
				       ",\"certificate\":\"https://ca.test/cert\"}",
			acme_status_name(s));
		assert_int_equal(order(text, &o, &e), 0);
		assert_int_equal(o.status, s);
		assert_null(o.error);
		acme_order_done(&o);
	}
}

static void refuses_orders(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"", "order"},
		{"null", "not an object"},
		{"{}", "status"},
		{"{\"status\":\"\"," IDS "," AUTHZS "," FIN "}", "no status of ACME"},
		{"{\"status\":\"v\"," IDS "," AUTHZS "," FIN "}", "no status of ACME"},
		{"{\"status\":\"Valid\"," IDS "," AUTHZS "," FIN "}", "no status of ACME"},
		{"{\"status\":7," IDS "," AUTHZS "," FIN "}", "status"},
		{"{\"status\":\"pending\"," AUTHZS "," FIN "}", "identifiers"},
		{"{\"status\":\"pending\",\"identifiers\":\"a.test\"," AUTHZS "," FIN "}", "identifiers"},
		{"{\"status\":\"pending\",\"identifiers\":[{\"type\":\"ip\",\"value\":\"::1\"}]," AUTHZS "," FIN "}",
			"ip"},
		{"{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"\"}]," AUTHZS "," FIN "}",
			"DNS name"},
		{"{\"status\":\"pending\",\"identifiers\":[\"a\"]," AUTHZS "," FIN "}", "identifier"},
		{"{\"status\":\"pending\"," IDS "," FIN "}", "authorizations"},
		{"{\"status\":\"pending\"," IDS ",\"authorizations\":[7]," FIN "}", "authorizations"},
		{"{\"status\":\"pending\"," IDS ",\"authorizations\":[\"http://ca.test/z\"]," FIN "}", "https"},
		{"{\"status\":\"pending\"," IDS ",\"authorizations\":[\"https://evil.test/z\"]," FIN "}", "evil.test"},
		{"{\"status\":\"pending\"," IDS "," AUTHZS "}", "finalize"},
		{"{\"status\":\"pending\"," IDS "," AUTHZS ",\"finalize\":\"https://evil.test/f\"}", "evil.test"},
		{"{\"status\":\"pending\"," IDS "," AUTHZS "," FIN ",\"expires\":\"tomorrow\"}", "expires"},
		{"{\"status\":\"pending\"," IDS "," AUTHZS "," FIN ",\"expires\":7}", "expires"},
		{"{\"status\":\"valid\"," IDS "," AUTHZS "," FIN "}", "certificate"},
		{"{\"status\":\"valid\"," IDS "," AUTHZS "," FIN ",\"certificate\":\"https://evil.test/c\"}",
			"evil.test"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_order o;
		struct err e = {0};
		if (!order(rows[i].text, &o, &e))
			fail_msg("accepted: %s", rows[i].text);
		if (e.kind != ERR_PROTO || !strstr(e.msg, rows[i].says) || !strstr(e.msg, URL))
			fail_msg("%s: %s: %s", rows[i].text, err_kind_name(e.kind), e.msg);
		err_done(&e);
	}
}

static void caps_orders(void **state)
{
	(void)state;
	struct acme_order o;
	struct err e = {0};
	for (int n = ACME_MAX_AUTHZS; n <= ACME_MAX_AUTHZS + 1; n++) {
		struct buf b = buf_make(1 << 20);
		buf_puts(&b, "{\"status\":\"pending\"," IDS "," FIN ",\"authorizations\":[");
		for (int i = 0; i < n; i++)
			buf_printf(&b, "%s\"https://ca.test/z/%d\"", i ? "," : "", i);
		buf_puts(&b, "]}");
		int rc = order(buf_str(&b), &o, &e);
		assert_int_equal(rc, n > ACME_MAX_AUTHZS ? -1 : 0);
		if (!rc)
			acme_order_done(&o);
		buf_done(&b);
	}
	err_done(&e);
}

static void reads_authorizations(void **state)
{
	(void)state;
	struct acme_authz a;
	struct err e = {0};
	assert_int_equal(
		authz("{\"status\":\"pending\"," ID ",\"wildcard\":true,\"expires\":\"2026-09-21T14:13:20Z\","
		      "\"challenges\":[{\"type\":\"http-01\",\"url\":7,\"status\":7,\"token\":\"../..\"},"
		      "{\"type\":\"x\"},{" CH ",\"issuer-domain-names\":[\"a\",\"b\"],\"accounturi\":\"urn:x\"}]}",
			&a, &e),
		0);
	assert_string_equal(a.name, "a.test");
	assert_true(a.wildcard);
	assert_int_equal(a.n, 3);
	assert_null(acme_authz_find(&a, "dns-01"));
	const struct acme_challenge *c = acme_authz_find(&a, ACME_DNS_PERSIST_01);
	assert_string_equal(c->url, "https://ca.test/c/1");
	assert_string_equal(c->accounturi, "urn:x");
	assert_true(c->has_issuers_old);
	assert_false(c->has_issuers);
	assert_int_equal(c->issuers_old.n, 2);
	assert_null(c->token);
	acme_authz_done(&a);

	assert_int_equal(
		authz("{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"*.A.Test\"},\"challenges\":"
		      "["
		      "{" CH ",\"issuerDomainNames\":[],\"token\":\"t\",\"error\":{\"type\":\"urn:ietf:params:acme:"
		      "error:dns\"}}]}",
			&a, &e),
		0);
	assert_string_equal(a.name, "a.test");
	assert_true(a.wildcard);
	assert_true(a.challenges[0].has_issuers);
	assert_int_equal(a.challenges[0].issuers.n, 0);
	assert_int_equal(a.challenges[0].error->kind, ERR_ACME);
	acme_authz_done(&a);

	/* Valid just in time: nothing else is said. */
	assert_int_equal(authz("{\"status\":\"valid\"," ID "}", &a, &e), 0);
	assert_int_equal(a.n, 0);
	acme_authz_done(&a);
}

static void refuses_authorizations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"[]", "not an object"},
		{"{\"status\":\"pending\"}", "identifier"},
		{"{\"status\":\"ready\"," ID "}", "no status of an authorization"},
		{"{\"status\":\"processing\"," ID "}", "no status of an authorization"},
		{"{" ID "}", "status"},
		{"{\"status\":\"pending\"," ID ",\"wildcard\":\"yes\"}", "wildcard"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":{}}", "challenges"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[7]}", "challenge"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{}]}", "type"},
		{"{\"status\":\"pending\"," ID
		 ",\"challenges\":[{\"type\":\"dns-persist-01\",\"status\":\"pending\"}]}",
			"url"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{\"type\":\"dns-persist-01\",\"status\":\"pending\","
		 "\"url\":\"http://ca.test/c\"}]}",
			"https"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{\"type\":\"dns-persist-01\",\"status\":\"pending\","
		 "\"url\":\"https://evil.test/c\"}]}",
			"evil.test"},
		{"{\"status\":\"pending\"," ID
		 ",\"challenges\":[{\"type\":\"dns-persist-01\",\"url\":\"https://ca.test/c\"}]}",
			"status"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"token\":\"\"}]}", "token"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"token\":\"a b\"}]}", "token"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"token\":7}]}", "token"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"issuer-domain-names\":\"ca.test\"}]}",
			"issuer-domain-names"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"issuerDomainNames\":[7]}]}",
			"issuerDomainNames"},
		{"{\"status\":\"pending\"," ID ",\"challenges\":[{" CH ",\"accounturi\":{}}]}", "accounturi"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_authz a;
		struct err e = {0};
		if (!authz(rows[i].text, &a, &e))
			fail_msg("accepted: %s", rows[i].text);
		if (e.kind != ERR_PROTO || !strstr(e.msg, rows[i].says) || !strstr(e.msg, "https://ca.test/z/1"))
			fail_msg("%s: %s: %s", rows[i].text, err_kind_name(e.kind), e.msg);
		err_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_orders),
		cmocka_unit_test(refuses_orders),
		cmocka_unit_test(caps_orders),
		cmocka_unit_test(reads_authorizations),
		cmocka_unit_test(refuses_authorizations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
