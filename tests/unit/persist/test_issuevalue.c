/* test_issuevalue.c: the grammar of RFC 8659 section 4.2, with the position of every fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/persist.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct good {
	const char *value;
	const char *issuer;
	size_t issuer_at;
	const char *params; /* tag=value joined by a space; "tag@at" positions are checked apart */
};

static const struct good goods[] = {
	{"", "", 0, ""},
	{" \t ", "", 3, ""},
	{";", "", 0, ""},
	{" ; ", "", 1, ""},
	{"ca.example", "ca.example", 0, ""},
	{"ca.example;", "ca.example", 0, ""},
	{" ca.example \t; \t", "ca.example", 1, ""},
	{"ca.example;a=b", "ca.example", 0, "a=b"},
	{"ca.example; a = b ;\tc\t=\td ", "ca.example", 0, "a=b c=d"},
	{";a=b", "", 0, "a=b"},
	{"ca.example;a=", "ca.example", 0, "a="},
	{"ca.example;a=;b=", "ca.example", 0, "a= b="},
	{"ca.example;x-y=a=b", "ca.example", 0, "x-y=a=b"},
	{"ca.example;a--b=1", "ca.example", 0, "a--b=1"},
	{"ca.example;a=\"q\"", "ca.example", 0, "a=\"q\""},
	{"ca.example;a=1;a=2", "ca.example", 0, "a=1 a=2"},
	{"CA.Example;ACCOUNTURI=U", "CA.Example", 0, "ACCOUNTURI=U"},
	{"a--b.c-d.0;1=~", "a--b.c-d.0", 0, "1=~"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *g = &goods[i];
		struct perdure_issuevalue v;
		char got[256] = "";
		assert_int_equal(perdure_issuevalue_parse(g->value, strlen(g->value), &v), PERDURE_OK);
		assert_int_equal(v.fault, PERDURE_FAULT_NONE);
		assert_int_equal(v.issuer_at, g->issuer_at);
		assert_int_equal(v.issuer.n, strlen(g->issuer));
		if (v.issuer.n)
			assert_memory_equal(v.issuer.p, g->issuer, v.issuer.n);
		for (size_t k = 0; k < v.n_params; k++) {
			const struct perdure_param *p = &v.params[k];
			strncat(got, k ? " " : "", 2);
			strncat(got, p->tag.p, p->tag.n);
			strncat(got, "=", 2);
			strncat(got, p->value.p, p->value.n);
			assert_ptr_equal(g->value + p->tag_at, p->tag.p);
			assert_ptr_equal(g->value + p->value_at, p->value.p);
		}
		assert_string_equal(got, g->params);
		perdure_issuevalue_done(&v);
	}
}

struct bad {
	const char *value;
	size_t n; /* 0: strlen */
	enum perdure_fault fault;
	size_t at;
};

static const struct bad bads[] = {
	{".", 0, PERDURE_FAULT_ISSUER, 0},
	{"ca.example.", 0, PERDURE_FAULT_ISSUER, 10},
	{"ca..example", 0, PERDURE_FAULT_ISSUER, 3},
	{"-ca.example", 0, PERDURE_FAULT_ISSUER, 0},
	{"ca-.example", 0, PERDURE_FAULT_ISSUER, 2},
	{"ca.-example", 0, PERDURE_FAULT_ISSUER, 3},
	{"ca.example-", 0, PERDURE_FAULT_ISSUER, 10},
	{"ca_x.example", 0, PERDURE_FAULT_ISSUER, 2},
	{"ca example", 0, PERDURE_FAULT_ISSUER, 2},
	{"  ca,x;a=b", 0, PERDURE_FAULT_ISSUER, 4},
	{"\"ca.example;a=b\"", 0, PERDURE_FAULT_ISSUER, 0},
	{"accounturi=x", 0, PERDURE_FAULT_ISSUER, 10},
	{"c\xC3\xA4.example", 0, PERDURE_FAULT_ISSUER, 1},
	{"ca\0.example", 11, PERDURE_FAULT_ISSUER, 2},
	{"ca.example;;", 0, PERDURE_FAULT_EMPTY, 11},
	{"ca.example; ;", 0, PERDURE_FAULT_EMPTY, 12},
	{"ca.example;a=b;", 0, PERDURE_FAULT_EMPTY, 14},
	{"ca.example;a=b; \t", 0, PERDURE_FAULT_EMPTY, 14},
	{"ca.example;a=b;;c=d", 0, PERDURE_FAULT_EMPTY, 15},
	{"ca.example;;a=b", 0, PERDURE_FAULT_EMPTY, 11},
	{"ca.example;a", 0, PERDURE_FAULT_NO_EQUALS, 12},
	{"ca.example; foo ;a=b", 0, PERDURE_FAULT_NO_EQUALS, 15},
	{"ca.example;=b", 0, PERDURE_FAULT_TAG, 11},
	{"ca.example; =b", 0, PERDURE_FAULT_TAG, 12},
	{"ca.example;-a=b", 0, PERDURE_FAULT_TAG, 11},
	{"ca.example;a-=b", 0, PERDURE_FAULT_TAG, 12},
	{"ca.example;x_y=b", 0, PERDURE_FAULT_TAG, 12},
	{"ca.example;x y=b", 0, PERDURE_FAULT_TAG, 12},
	{"ca.example;x.y=b", 0, PERDURE_FAULT_TAG, 12},
	{"ca.example;a=b c", 0, PERDURE_FAULT_VALUE, 14},
	{"ca.example;a=b\tc", 0, PERDURE_FAULT_VALUE, 14},
	{"ca.example;a=b\xFC", 0, PERDURE_FAULT_VALUE, 14},
	{"ca.example;a=\x7F", 0, PERDURE_FAULT_VALUE, 13},
	{"ca.example;a=b\nc", 0, PERDURE_FAULT_VALUE, 14},
	{"ca.example;a=b\0", 15, PERDURE_FAULT_VALUE, 14},
	{"ca.example;a=b\r", 0, PERDURE_FAULT_VALUE, 14},
	{LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, 0, PERDURE_FAULT_ISSUER, 253},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *b = &bads[i];
		struct perdure_issuevalue v;
		size_t n = b->n ? b->n : strlen(b->value);
		/* An exact copy on the heap: a read past the end is seen by the sanitizer. */
		char *copy = malloc(n);
		memcpy(copy, b->value, n);
		assert_int_equal(perdure_issuevalue_parse(copy, n, &v), PERDURE_EMALFORMED);
		assert_int_equal(v.fault, b->fault);
		assert_int_equal(v.fault_at, b->at);
		perdure_issuevalue_done(&v);
		free(copy);
	}
}

static void test_what_was_read_before_the_fault(void **state)
{
	(void)state;
	struct perdure_issuevalue v;
	const char *s = "ca.example;a=b;c";
	assert_int_equal(perdure_issuevalue_parse(s, strlen(s), &v), PERDURE_EMALFORMED);
	assert_int_equal(v.issuer.n, 10);
	assert_int_equal(v.n_params, 1);
	perdure_issuevalue_done(&v);
	assert_null(v.params);
	assert_int_equal(perdure_issuevalue_parse(NULL, 0, &v), PERDURE_OK);
	assert_int_equal(v.issuer.n, 0);
	perdure_issuevalue_done(&v);
}

static void test_no_limit_on_parameters(void **state)
{
	(void)state;
	char s[4096] = "ca.example";
	size_t n = strlen(s);
	for (int i = 0; i < 1000; i++, n += 4)
		memcpy(s + n, ";a=b", 4);
	struct perdure_issuevalue v;
	assert_int_equal(perdure_issuevalue_parse(s, n, &v), PERDURE_OK);
	assert_int_equal(v.n_params, 1000);
	assert_int_equal(v.params[999].value_at, n - 1);
	perdure_issuevalue_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_what_was_read_before_the_fault),
		cmocka_unit_test(test_no_limit_on_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
