/* test_delegation.c: which names a delegation has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/delegation.h"

#define LONG "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz"

static void own_names(void **state)
{
	static const struct {
		const char *fqdn, *target;
	} rows[] = {
		{"example.com", "_example-com.acme.example.net"},
		{"a-b.com", "_a--b-com.acme.example.net"},
		{"a.b.com", "_a-b-com.acme.example.net"},
		{"xn--bcher-kva.example", "_xn----bcher--kva-example.acme.example.net"},
	};
	const struct config_delegation conf = {.zone = "acme.example.net", .cname_ttl = 7, .txt_ttl = 8};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		AUTO(delegation_done) struct delegation d = {0};
		assert_int_equal(delegation_of(&conf, NULL, rows[i].fqdn, &d, &e), 0);
		assert_string_equal(d.target, rows[i].target);
		AUTO(xfreep) char *owner = xasprintf("_acme-challenge.%s", rows[i].fqdn);
		assert_string_equal(d.owner, owner);
		assert_false(d.shared);
		assert_int_equal(d.cname_ttl, 7);
		assert_int_equal(d.txt_ttl, 8);
	}
}

/* Names too long for a label of their own end in a hash: still a label, and still their own. */
static void long_names(void **state)
{
	const struct config_delegation conf = {.zone = "z.example"};
	struct err e = {0};
	AUTO(delegation_done) struct delegation a = {0}, b = {0};
	(void)state;
	assert_int_equal(delegation_of(&conf, NULL, LONG ".one.example", &a, &e), 0);
	assert_int_equal(delegation_of(&conf, NULL, LONG ".two.example", &b, &e), 0);
	assert_int_equal(strcspn(a.target, "."), 63);
	assert_int_equal(strcspn(b.target, "."), 63);
	assert_string_not_equal(a.target, b.target);
}

static void shared_name(void **state)
{
	const struct config_delegation conf = {.zone = "z.example", .name = "_acme.z.example"};
	struct err e = {0};
	AUTO(delegation_done) struct delegation d = {0};
	(void)state;
	assert_int_equal(delegation_of(&conf, NULL, "example.com", &d, &e), 0);
	assert_string_equal(d.target, "_acme.z.example");
	assert_true(d.shared);
}

static void refused(void **state)
{
	const struct config_delegation none = {0}, conf = {.zone = "z.example"};
	struct err e = {0};
	struct delegation d;
	char name[245];
	(void)state;
	assert_int_equal(delegation_of(&none, NULL, "example.com", &d, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	err_done(&e);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(delegation_of(&conf, NULL, name, &d, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	err_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_names),
		cmocka_unit_test(long_names),
		cmocka_unit_test(shared_name),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
