/* test_system.c: the name servers in resolv.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../support/scratch.h"
#include "base/strv.h"
#include "dns/system.h"

static void test_lines(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"nameserver 192.0.2.1\n", "192.0.2.1"},
		{"nameserver 192.0.2.1", "192.0.2.1"},
		{"search example.test\nnameserver\t2001:DB8::1  \r\noptions edns0\n", "2001:db8::1"},
		{"nameserver 192.0.2.2\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n", "192.0.2.2 192.0.2.1"},
		{"# nameserver 192.0.2.1\n;nameserver 192.0.2.1\n nameserver 192.0.2.1\n", ""},
		{"nameservers 192.0.2.1\nnameserver\nnameserver \nnameserver192.0.2.1\n", ""},
		{"nameserver fe80::1%eth0\nnameserver ns.example.test\nnameserver 127.0.0.53 # local\n", "127.0.0.53"},
		{"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
		 "nameserver 192.0.2.5\nnameserver 192.0.2.6\nnameserver 192.0.2.7\nnameserver 192.0.2.8\n"
		 "nameserver 192.0.2.9\n",
			"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8"},
	};
	AUTO(xfreep) char *path = xasprintf("%s/resolv.conf", (char *)*state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strv_done) struct strv got = {0};
		struct err e = {0};
		scratch_write(path, cases[i].text, strlen(cases[i].text));
		must(dns_system_resolvers(path, &got, &e), &e);
		AUTO(xfreep) char *text = strv_join(&got, " ");
		assert_string_equal(text, cases[i].want);
	}
}

static void test_files(void **state)
{
	AUTO(strv_done) struct strv got = {0};
	AUTO(xfreep) char *missing = xasprintf("%s/missing", (char *)*state);
	struct err e = {0};
	must(dns_system_resolvers(missing, &got, &e), &e);
	assert_int_equal(got.n, 0);
	assert_int_equal(dns_system_resolvers(*state, &got, &e), -1); /* a directory */
	assert_int_equal(e.kind, ERR_SYS);
	err_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_files, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
