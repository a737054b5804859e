/* test_nonce.c: nonces are good once, and only those that were made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "testca/nonce.h"

static void test_once(void **state)
{
	struct nonces *n = nonces_new(), *other = nonces_new();
	char a[NONCE_TEXT], b[NONCE_TEXT];
	(void)state;
	nonces_make(n, a);
	nonces_make(n, b);
	assert_int_equal(strlen(a), NONCE_TEXT - 1);
	assert_string_not_equal(a, b);
	assert_false(nonces_take(other, a));
	assert_true(nonces_take(n, b));
	assert_true(nonces_take(n, a));
	assert_false(nonces_take(n, a));
	assert_false(nonces_take(n, b));
	nonces_free(n);
	nonces_free(other);
}

static void test_what_is_none(void **state)
{
	struct nonces *n = nonces_new();
	char a[NONCE_TEXT], changed[NONCE_TEXT];
	(void)state;
	nonces_make(n, a);
	memcpy(changed, a, sizeof(a));
	changed[10] = a[10] == 'A' ? 'B' : 'A';
	assert_false(nonces_take(n, changed));
	assert_false(nonces_take(n, ""));
	assert_false(nonces_take(n, "not base64url, but long"));
	assert_false(nonces_take(n, "______________________"));
	assert_false(nonces_take(n, "AAAAAAAAAAAAAAAAAAAAAA"));
	assert_true(nonces_take(n, a));
	nonces_free(n);
}

/* The oldest go first, and the rest stay good. */
static void test_many(void **state)
{
	enum { RING = 65536 };
	struct nonces *n = nonces_new();
	char first[NONCE_TEXT], second[NONCE_TEXT], last[NONCE_TEXT];
	(void)state;
	nonces_make(n, first);
	nonces_make(n, second);
	for (int i = 0; i < RING - 1; i++)
		nonces_make(n, last);
	assert_false(nonces_take(n, first));
	assert_true(nonces_take(n, second));
	assert_true(nonces_take(n, last));
	nonces_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
