/* test_paused.c: what becomes of a certificate whose name the CA has paused. */
#include <string.h>

#include "config/config.h"
#include "fleet/paused.h"
#include "support/store.h"

enum { DAY = 86400, NOW = 1000 * DAY };

static char first[] = "first", second[] = "second", name[] = "a.test", other[] = "b.test", lineage[] = "a.test";
static char *cas[] = {first, second}, *names[] = {name, other};

static void refuse(struct err *e, const char *type, const char *detail)
{
	err_done(e);
	err_set(e, ERR_ACME, "refused");
	e->problem = err_problem_new();
	free(e->problem->type);
	free(e->problem->detail);
	e->problem->type = xasprintf("urn:ietf:params:acme:error:%s", type);
	e->problem->detail = xstrdup(detail);
}

/* The moment of the next try after a failure at that CA. */
static int64_t failed(
	struct store *st, const struct config_cert *c, const char *ca, const struct err *why, int64_t lifetime)
{
	struct err e = {0};
	struct store_cert row = {.name = c->name, .generation = lifetime ? 1 : 0, .not_after = lifetime, .next_at = 7};
	must(paused_note(st, c, ca, why, &row, NOW, &e), &e);
	return row.next_at;
}

static void expect(struct store *st, const struct config_cert *c, const char *ca, const char *url, bool changed)
{
	AUTO(paused_done) struct paused p = {0};
	struct err e = {0};
	must(paused_get(st, c, &p, &e), &e);
	assert_int_equal(p.ca != NULL, ca != NULL);
	assert_int_equal(p.changed, changed);
	if (ca) {
		assert_string_equal(p.ca, ca);
		assert_string_equal(p.url, url);
	}
}

static void test_paused(void **state)
{
	struct store *st = open_store(*state);
	struct config_cert c = {.name = lineage, .names = {names, 1, 0}, .cas = {cas, 1, 0}};
	struct err e = {0};
	refuse(&e, "rateLimited", "too many orders, see https://ca.test/limits");
	assert_int_equal(failed(st, &c, first, &e, 0), 7);
	expect(st, &c, NULL, NULL, false);

	refuse(&e, "rateLimited", "visit https://ca.test/unpause?jwt=x.y now");
	assert_int_equal(failed(st, &c, first, &e, 0), NOW + 7 * DAY);
	assert_int_equal(failed(st, &c, first, &e, 90 * DAY), NOW + 7 * DAY);
	assert_int_equal(failed(st, &c, first, &e, 6 * DAY), NOW + DAY);
	expect(st, &c, first, "https://ca.test/unpause?jwt=x.y", false);

	/* Other names, other CAs: that is another wish. */
	c.names.n = 2;
	expect(st, &c, first, "https://ca.test/unpause?jwt=x.y", true);
	c.names.n = 1;
	c.cas.n = 2;
	expect(st, &c, first, "https://ca.test/unpause?jwt=x.y", true);

	/* With another CA the usual back-off counts, and what happens there says nothing of the first. */
	assert_int_equal(failed(st, &c, first, &e, 0), 7);
	expect(st, &c, first, "https://ca.test/unpause?jwt=x.y", false);
	refuse(&e, "serverInternal", "unpause https://ca.test/unpause");
	assert_int_equal(failed(st, &c, second, &e, 0), 7);
	expect(st, &c, first, "https://ca.test/unpause?jwt=x.y", false);
	failed(st, &c, first, &e, 0);
	expect(st, &c, NULL, NULL, false);

	refuse(&e, "rateLimited", "https://ca.test/unpause");
	failed(st, &c, first, &e, 0);
	expect(st, &c, first, "https://ca.test/unpause", false);
	failed(st, &c, second, NULL, 0);
	expect(st, &c, NULL, NULL, false);
	err_done(&e);
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_paused, scratch_make, scratch_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
