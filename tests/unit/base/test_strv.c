/* test_strv.c: the list of strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"
#include "base/xalloc.h"

/* "b a b" as a list. */
static struct strv list(const char *words)
{
	struct strv s = {0};
	AUTO(xfreep) char *copy = xstrdup(words);
	char *rest = copy;
	for (char *w; (w = strsep(&rest, " "));)
		if (*w)
			strv_add(&s, w);
	return s;
}

static void assert_list(const struct strv *s, const char *words)
{
	AUTO(xfreep) char *joined = strv_join(s, " ");
	assert_string_equal(joined, words);
}

static void test_add(void **state)
{
	(void)state;
	struct strv s = {0};
	char text[] = "mine";
	strv_add(&s, text);
	text[0] = 'x';
	strv_add_take(&s, xstrdup("taken"));
	strv_add(&s, "");
	assert_int_equal(s.n, 3);
	assert_true(strv_has(&s, "mine"));
	assert_true(strv_has(&s, ""));
	assert_false(strv_has(&s, "min"));
	assert_false(strv_has(&s, "Mine"));
	for (int i = 0; i < 1000; i++)
		strv_add(&s, "more");
	assert_int_equal(s.n, 1003);
	assert_string_equal(s.v[1], "taken");
	strv_done(&s);
	assert_int_equal(s.n, 0);
	assert_false(strv_has(&s, "mine"));
	strv_done(&s);
}

static void test_sort_unique(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"", ""},
		{"a", "a"},
		{"b a", "a b"},
		{"a a a", "a"},
		{"b a b a c", "a b c"},
		{"a B \xc3\xa9 ab", "B a ab \xc3\xa9"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strv_done) struct strv s = list(cases[i].before);
		strv_sort_unique(&s);
		assert_list(&s, cases[i].after);
	}
}

static void test_same_set(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"", "", true},
		{"a", "", false},
		{"a b", "b a", true},
		{"a b", "a c", false},
		{"a b", "a b c", false},
		{"a b", "a B", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strv_done) struct strv a = list(cases[i].a);
		AUTO(strv_done) struct strv b = list(cases[i].b);
		assert_int_equal(strv_same_set(&a, &b), cases[i].same);
		assert_int_equal(strv_same_set(&b, &a), cases[i].same);
	}
}

static void test_copy(void **state)
{
	(void)state;
	AUTO(strv_done) struct strv a = list("x y");
	AUTO(strv_done) struct strv b = list("old ones go");
	strv_copy(&b, &a);
	assert_list(&b, "x y");
	assert_ptr_not_equal(a.v[0], b.v[0]);
	strv_copy(&b, &b);
	assert_list(&b, "x y");
	strv_done(&a);
	strv_copy(&b, &a);
	assert_int_equal(b.n, 0);
}

static void test_join(void **state)
{
	(void)state;
	AUTO(strv_done) struct strv s = list("a b c");
	AUTO(xfreep) char *joined = strv_join(&s, ", ");
	assert_string_equal(joined, "a, b, c");
	struct strv none = {0};
	AUTO(xfreep) char *empty = strv_join(&none, ", ");
	assert_string_equal(empty, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_sort_unique),
		cmocka_unit_test(test_same_set),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
