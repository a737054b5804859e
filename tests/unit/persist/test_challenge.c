/* test_challenge.c: the duties of a client that gets a challenge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "perdure/persist.h"

#define PREFIX "https://ca.example/account-hash/"
#define URL "https://ca.example/acct/123"
#define LIST(...) ((const char *const[]){__VA_ARGS__})

static struct perdure_offer_result check(const struct perdure_offer *o)
{
	struct perdure_offer_result r;
	assert_int_equal(perdure_challenge_check(o, &r), PERDURE_OK);
	assert_int_equal(r.answer == PERDURE_OFFER_ACCEPT, *r.reason == '\0');
	return r;
}

static void test_levels(void **state)
{
	(void)state;
	assert_int_equal(perdure_level_detect(NULL, NULL), PERDURE_LEVEL_00);
	assert_int_equal(perdure_level_detect(NULL, URL), PERDURE_LEVEL_01);
	assert_int_equal(perdure_level_detect(PREFIX, NULL), PERDURE_LEVEL_02);
	assert_int_equal(perdure_level_detect(PREFIX, URL), PERDURE_LEVEL_02);
}

static void test_list_of_issuers(void **state)
{
	(void)state;
	static const char *const eleven[] = {
		"a.b", "b.b", "c.b", "d.b", "e.b", "f.b", "g.b", "h.b", "i.b", "j.b", "k.b"};
	struct perdure_offer o = {.names_old = eleven, .n_names_old = 10};
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	o.n_names_old = 11;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	o.n_names_old = 0;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	o.names_old = NULL;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	o.names_old = LIST("a.b", "A.c", "d.e");
	o.n_names_old = 3;
	struct perdure_offer_result r = check(&o);
	assert_int_equal(r.answer, PERDURE_OFFER_REJECT);
	assert_int_equal(r.at, 1);
	o.identifier_type = "ip";
	assert_int_equal(check(&o).answer, PERDURE_OFFER_NOT_APPLICABLE);
	assert_int_equal(perdure_challenge_check(NULL, &r), PERDURE_EINVAL);
}

static void test_spelling_of_the_member(void **state)
{
	(void)state;
	/* The list of the level counts; the other spelling alone is read as well. */
	struct perdure_offer o = {
		.names = LIST("new.test"), .n_names = 1, .names_old = LIST("old.test"), .n_names_old = 1};
	assert_string_equal(check(&o).issuers[0], "old.test");
	o.account_hash_prefix = PREFIX;
	assert_string_equal(check(&o).issuers[0], "new.test");
	o.names = NULL;
	assert_string_equal(check(&o).issuers[0], "old.test");
	o = (struct perdure_offer){.names = LIST("new.test"), .n_names = 1};
	assert_string_equal(check(&o).issuers[0], "new.test");
}

static void test_level_01_account(void **state)
{
	(void)state;
	struct perdure_offer o = {.names_old = LIST("a.b"), .n_names_old = 1, .account_uri = URL, .account_url = URL};
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	assert_int_equal(check(&o).level, PERDURE_LEVEL_01);
	o.account_uri = URL "/";
	assert_int_equal(check(&o).answer, PERDURE_OFFER_CONFIRM);
	o.account_url = NULL;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	o.account_uri = "https://ca.example/;policy=wildcard";
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	o.account_uri = "";
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
}

static void test_level_02_lists(void **state)
{
	(void)state;
	struct perdure_offer o = {.account_hash_prefix = PREFIX, .names = LIST("a.b", "c.d"), .n_names = 2};
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	assert_false(check(&o).preprovision);
	o.directory = LIST("c.d");
	o.n_directory = 1;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	assert_true(check(&o).preprovision);
	o.directory = LIST("e.f");
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	assert_int_equal(check(&o).at, 0);
	/* An unusable D says nothing. */
	o.directory = LIST("E.f");
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	assert_false(check(&o).preprovision);
	o.directory = NULL;
	o.caa = LIST("C.D.", "A.b");
	o.n_caa = 2;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	o.n_caa = 1;
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	assert_int_equal(check(&o).at, 0);
	o.caa = LIST("not a name");
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
	o.caa = NULL;
	o.account_hash_prefix = "https://ca.example/a;b/";
	assert_int_equal(check(&o).answer, PERDURE_OFFER_REJECT);
	/* At level 01 D and I are no matter. */
	o = (struct perdure_offer){.names_old = LIST("a.b"),
		.n_names_old = 1,
		.directory = LIST("e.f"),
		.n_directory = 1,
		.caa = LIST("g.h"),
		.n_caa = 1,
		.account_uri = URL};
	assert_int_equal(check(&o).answer, PERDURE_OFFER_ACCEPT);
}

static void test_pick(void **state)
{
	(void)state;
	assert_int_equal(perdure_issuer_pick(LIST("b.c", "a.z", "a.b"), 3), 2);
	assert_int_equal(perdure_issuer_pick(LIST("b.c"), 1), 0);
	assert_int_equal(perdure_issuer_pick(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_list_of_issuers),
		cmocka_unit_test(test_spelling_of_the_member),
		cmocka_unit_test(test_level_01_account),
		cmocka_unit_test(test_level_02_lists),
		cmocka_unit_test(test_pick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
