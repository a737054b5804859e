/* test_name.c: domain names as text, and the table keyed by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "dns/map.h"
#include "dns/name.h"

static void test_parent(void **state)
{
	static const struct {
		const char *name, *parent;
		unsigned labels;
	} cases[] = {
		{"", NULL, 0},
		{"test", "", 1},
		{"www.example.test", "example.test", 3},
		{"a\\.b.test", "test", 2},
		{"a\\\\.b.test", "b.test", 3},
		{"a\\046b.test", "test", 2},
		{"end\\", "", 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *p = name_parent(cases[i].name);
		if (cases[i].parent)
			assert_string_equal(p, cases[i].parent);
		else
			assert_null(p);
		assert_int_equal(name_labels(cases[i].name), cases[i].labels);
	}
}

static void test_within(void **state)
{
	static const struct {
		const char *name, *zone;
		bool within;
	} cases[] = {
		{"", "", true},
		{"test", "", true},
		{"", "test", false},
		{"example.test", "example.test", true},
		{"www.example.test", "example.test", true},
		{"badexample.test", "example.test", false},
		{"www\\.example.test", "example.test", false},
		{"example.test", "www.example.test", false},
		{"a.b.c", "b.c", true},
		{"a.b.c", "b", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(name_within(cases[i].name, cases[i].zone), cases[i].within);
}

static void test_suffix(void **state)
{
	(void)state;
	assert_string_equal(name_suffix("a.b.c", 0), "");
	assert_string_equal(name_suffix("a.b.c", 2), "b.c");
	assert_string_equal(name_suffix("a.b.c", 3), "a.b.c");
	assert_string_equal(name_suffix("a.b.c", 9), "a.b.c");
}

static void test_lower(void **state)
{
	char s[] = "AbZ-_09.\xc4Z";
	(void)state;
	name_lower(s);
	assert_string_equal(s, "abz-_09.\xc4z");
}

static bool drop_odd(void *value, void *ctx)
{
	const int *all = ctx, *v = value;
	return (v - all) % 2 == 1;
}

static void test_map(void **state)
{
	enum { N = 1000 };
	static int values[N];
	struct map m = {0};
	(void)state;
	assert_null(map_get(&m, "k0"));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			char key[16];
			snprintf(key, sizeof(key), "k%d", i);
			assert_ptr_equal(map_put(&m, key, &values[i]), round ? &values[i] : NULL);
		}
		assert_int_equal(m.n, N);
	}
	map_sweep(&m, drop_odd, values);
	assert_int_equal(m.n, N / 2);
	for (int i = 0; i < N; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		assert_ptr_equal(map_get(&m, key), i % 2 ? NULL : &values[i]);
	}
	map_done(&m);
	assert_null(map_get(&m, "k0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_suffix),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
