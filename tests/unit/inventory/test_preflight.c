/* test_preflight.c: names of which no look at the DNS is needed to say that they can have no record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inventory/preflight.h"

enum { LABEL = 60 };

static void take(struct preflight *p, void *ctx)
{
	struct preflight **ret = ctx;
	*ret = p;
}

static void test_owner_too_long(void **state)
{
	char name[4 * (LABEL + 1)];
	struct preflight *p = NULL;
	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t i = 1; i < 4; i++)
		name[i * (LABEL + 1) - 1] = '.';
	name[sizeof(name) - 1] = '\0';
	struct preflight_question q = {.fqdn = name, .value_len = 100};
	assert_null(preflight_start(NULL, &q, take, &p));
	assert_non_null(p);
	assert_string_equal(p->owner, "");
	assert_int_equal(p->remarks.n, 1);
	assert_int_equal(p->remarks.v[0].code, REMARK_PREFLIGHT_OWNER_LONG);
	assert_int_equal(p->remarks.v[0].severity, REMARK_ERROR);
	assert_non_null(strstr(p->remarks.v[0].fix, "233"));
	preflight_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
