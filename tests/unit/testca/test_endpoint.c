/* test_endpoint.c: paths taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "testca/endpoint.h"

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		enum endpoint ep;
		uint64_t id, sub;
		const char *rest;
	} rows[] = {
		{"/directory", EP_DIRECTORY, 0, 0, ""},
		{"/directory/", EP_OTHER, 0, 0, ""},
		{"/directoryx", EP_OTHER, 0, 0, ""},
		{"/acme/new-order", EP_NEW_ORDER, 0, 0, ""},
		{"/acme/order/17", EP_ORDER, 17, 0, ""},
		{"/acme/orders/17", EP_ORDERS, 17, 0, ""},
		{"/acme/order/", EP_OTHER, 0, 0, ""},
		{"/acme/order/x", EP_OTHER, 0, 0, ""},
		{"/acme/order/-1", EP_OTHER, 0, 0, ""},
		{"/acme/order/99999999999999999999", EP_OTHER, 0, 0, ""},
		{"/acme/challenge/5/1", EP_CHALLENGE, 5, 1, ""},
		{"/acme/challenge/5/1/2", EP_OTHER, 0, 0, ""},
		{"/acme/certificate/5/", EP_OTHER, 0, 0, ""},
		{"/acme/renewal-info/a.b", EP_RENEWAL_INFO, 0, 0, "a.b"},
		{"/acme/renewal-info", EP_RENEWAL_INFO, 0, 0, ""},
		{"/", EP_OTHER, 0, 0, ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint_at at = endpoint_parse(rows[i].path);
		assert_int_equal(at.ep, rows[i].ep);
		if (at.ep == EP_OTHER)
			continue;
		assert_int_equal(at.id, rows[i].id);
		assert_int_equal(at.sub, rows[i].sub);
		assert_string_equal(at.rest, rows[i].rest);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EP_N_; i++)
		assert_int_equal(endpoint_find(endpoint_name((enum endpoint)i)), i);
	assert_int_equal(endpoint_find("nonsense"), EP_N_);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
