/* test_advise.c: which ways there are for a name, and which is recommended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "inventory/advise.h"

#define GOOD RECORDCHECK_GOOD
#define REFUSED RECORDCHECK_REFUSED
#define PUBLIC ADVISE_ADDRESS_PUBLIC

struct row {
	const char *title;
	struct advise_facts f;
	const char *states; /* one letter a way: Works, Unclear, Needs, Impossible */
	enum config_validation best;
	const char *why; /* a part of it */
};

static const struct row rows[] = {
	{"the record stands", {.offers = ADVISE_YES, .record = GOOD, .zone_provider = "p"}, "WNWI",
		CONFIG_VALIDATION_PERSIST, "writes nothing"},
	{"the record is missing", {.offers = ADVISE_YES, .record = REFUSED}, "NNII", CONFIG_VALIDATION_PERSIST,
		"writes nothing"},
	{"the record is missing, and something else works",
		{.offers = ADVISE_YES, .record = REFUSED, .zone_provider = "p"}, "NNWI", CONFIG_VALIDATION_PERSIST,
		"writes nothing"},
	{"the record cannot be seen", {.offers = ADVISE_YES, .record = RECORDCHECK_UNKNOWN}, "UNII",
		CONFIG_VALIDATION_DELEGATION, "one zone"},
	{"not offered, delegation stands",
		{.record = REFUSED,
			.delegation = true,
			.cname = ADVISE_YES,
			.target_provider = "t",
			.zone_provider = "p"},
		"IWWI", CONFIG_VALIDATION_DELEGATION, "one zone's credentials"},
	{"not offered, wildcard behind a delegation",
		{.wildcard = true,
			.record = REFUSED,
			.delegation = true,
			.cname = ADVISE_YES,
			.target_provider = "t",
			.webroot = "/w",
			.address = PUBLIC},
		"IWII", CONFIG_VALIDATION_DELEGATION, "a wildcard"},
	{"the delegation's CNAME is missing", {.record = REFUSED, .delegation = true, .target_provider = "t"}, "INII",
		CONFIG_VALIDATION_DELEGATION, "one zone"},
	{"the delegation's CNAME cannot be seen",
		{.record = REFUSED, .delegation = true, .cname = ADVISE_UNKNOWN, .target_provider = "t"}, "IUII",
		CONFIG_VALIDATION_DELEGATION, "one zone"},
	{"nobody writes to the validation zone",
		{.record = REFUSED, .delegation = true, .cname = ADVISE_YES, .zone_provider = "p"}, "INWI",
		CONFIG_VALIDATION_DNS, "nothing that asks less"},
	{"a public web service", {.record = REFUSED, .listen = "0.0.0.0@80", .address = PUBLIC}, "INIW",
		CONFIG_VALIDATION_HTTP, "not under control"},
	{"a public web service with a provider",
		{.record = REFUSED, .zone_provider = "p", .webroot = "/w", .address = PUBLIC}, "INWW",
		CONFIG_VALIDATION_HTTP, "no credentials"},
	{"a public web service where nothing is set up", {.record = REFUSED, .address = PUBLIC}, "ININ",
		CONFIG_VALIDATION_HTTP, "not under control"},
	{"internal only", {.record = REFUSED, .zone_provider = "p", .webroot = "/w", .address = ADVISE_ADDRESS_PRIVATE},
		"INWI", CONFIG_VALIDATION_DNS, "nothing that asks less"},
	{"no address", {.record = REFUSED, .webroot = "/w", .address = ADVISE_ADDRESS_NONE}, "INII",
		CONFIG_VALIDATION_DELEGATION, "one zone"},
	{"an address that cannot be seen", {.record = REFUSED, .webroot = "/w"}, "INIU", CONFIG_VALIDATION_DELEGATION,
		"one zone"},
	{"nobody knows what the CA offers", {.offers = ADVISE_UNKNOWN, .record = GOOD}, "UNII",
		CONFIG_VALIDATION_DELEGATION, "one zone"},
	{"a wildcard at dns-01", {.wildcard = true, .record = REFUSED, .zone_provider = "p"}, "INWI",
		CONFIG_VALIDATION_DNS, "a wildcard"},
};

static void what_is_advised(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct row r = rows[i];
		struct advice a;
		if (r.f.address == ADVISE_ADDRESS_UNKNOWN && !r.f.webroot)
			r.f.address = ADVISE_ADDRESS_PRIVATE;
		advise(&r.f, &a);
		char states[ADVISE_WAYS + 1] = {0};
		for (size_t k = 0; k < ADVISE_WAYS; k++) {
			states[k] = "WUNI"[a.ways[k].state];
			assert_true(*a.ways[k].reason);
		}
		if (strcmp(states, r.states) != 0 || !a.best || a.best->how != r.best || !strstr(a.why, r.why))
			fail_msg("%s: %s, %s: %s", r.title, states, a.best ? config_validation_name(a.best->how) : "-",
				a.why);
	}
}

static void what_it_costs(void **state)
{
	(void)state;
	struct advise_facts f = {.delegation = true,
		.cname = ADVISE_YES,
		.target_provider = "edge",
		.zone_provider = "zones",
		.listen = "systemd",
		.address = PUBLIC};
	struct advice a;
	advise(&f, &a);
	static const int writes[ADVISE_WAYS] = {0, 2, 2, 0};
	static const char *const credentials[ADVISE_WAYS] = {"", "edge", "zones", ""};
	for (size_t i = 0; i < ADVISE_WAYS; i++) {
		assert_int_equal(a.ways[i].writes, writes[i]);
		assert_string_equal(a.ways[i].credentials, credentials[i]);
		assert_false(a.ways[i].unnamed);
		assert_int_equal(*a.ways[i].port != 0, i == 3);
	}
	assert_non_null(strstr(a.ways[3].port, "perdure"));
	f.keep = true;
	f.zone_provider = NULL;
	advise(&f, &a);
	assert_int_equal(a.ways[1].writes, 1);
	assert_true(a.ways[2].unnamed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_advised), cmocka_unit_test(what_it_costs)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
