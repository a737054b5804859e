/* test_recorduntil.c: until when the validation records of a certificate hold. */
#include "config/config.h"
#include "fleet/recorduntil.h"
#include "support/store.h"

static void test_until(void **state)
{
	static const struct {
		int64_t then, seen, now, until;
	} rows[] = {
		{0, 0, 0, 0},
		{0, 100, 0, 100},
		{200, 0, 200, 200},
		{200, 100, 200, 100}, /* what stands is not what was configured */
		{200, 300, 200, 200},
		{200, 100, 300, 300}, /* moved since: the record was published anew, or the plan says it is not */
		{0, 100, 300, 300},
		{200, 100, 0, 0},
	};
	char name[] = "a.test";
	struct store *st = open_store(*state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config_cert c = {.name = name, .persist_until = rows[i].then};
		struct err e = {0};
		int64_t until = -1;
		must(recorduntil_note(st, &c, rows[i].seen, &e), &e);
		c.persist_until = rows[i].now;
		must(recorduntil_get(st, &c, &until, &e), &e);
		assert_int_equal(until, rows[i].until);
		must(recorduntil_get(NULL, &c, &until, &e), &e);
		assert_int_equal(until, rows[i].now);
	}
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_until, scratch_make, scratch_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
