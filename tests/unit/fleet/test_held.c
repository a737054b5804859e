/* test_held.c: what the state remembers of orders that wait for a validation record. */
#include <string.h>

#include "config/config.h"
#include "fleet/held.h"
#include "support/store.h"

static char lineage[] = "a.test";

static void test_held(void **state)
{
	static const struct {
		const char *ca;
		enum issue_result result;
		const char *held;
	} steps[] = {
		{"first", ISSUE_FAILED, NULL},
		{"first", ISSUE_HELD, "first"},
		{"first", ISSUE_HELD, "first"},
		{"first", ISSUE_PARKED, "first"},
		{"second", ISSUE_FAILED, "first"},
		{"first", ISSUE_FAILED, NULL},
		{"first", ISSUE_HELD, "first"},
		{"second", ISSUE_HELD, "second"},
		{"first", ISSUE_RENEWED, NULL},
		{"first", ISSUE_PARKED, NULL},
	};
	struct store *st = open_store(*state);
	struct config_cert c = {.name = lineage};
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		AUTO(xfreep) char *ca = NULL;
		must(held_note(st, &c, steps[i].ca, steps[i].result, &e), &e);
		must(held_get(st, &c, &ca, &e), &e);
		if (steps[i].held ? !ca || strcmp(ca, steps[i].held) != 0 : ca != NULL)
			fail_msg("step %zu: held by %s", i, ca ? ca : "nobody");
	}
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_held, scratch_make, scratch_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
