/* test_desired.c: facts of a CA, and the records that certificates need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acme/directory.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "inventory/cafacts.h"
#include "inventory/desired.h"
#include "inventory/site.h"

static char prefix[] = "https://ca.example/account-hash/";
static char thumbprint[] = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

/* A borrowed list of one, or none. */
static struct strv one(char **s)
{
	return *s ? (struct strv){s, 1, 1} : (struct strv){0};
}

static void test_where_the_issuer_comes_from(void **state)
{
	static const struct {
		const char *configured, *announced, *preset, *caa, *want;
	} rows[] = {
		{"a.example", "b.example", "c.example", "d.example", "a.example"},
		{NULL, "b.example", "c.example", "d.example", "b.example"},
		{NULL, NULL, "c.example", "d.example", "c.example"},
		{NULL, NULL, NULL, "d.example", "d.example"},
		{NULL, NULL, NULL, NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *v[] = {(char *)(uintptr_t)rows[i].configured, (char *)(uintptr_t)rows[i].announced,
			(char *)(uintptr_t)rows[i].preset, (char *)(uintptr_t)rows[i].caa};
		char name[] = "x";
		struct config_ca conf = {
			.name = name, .issuers = one(&v[0]), .preset_issuers = one(&v[2]), .level = CONFIG_LEVEL_UNSET};
		struct acme_directory dir = {.issuer_domain_names = one(&v[1]), .caa_identities = one(&v[3])};
		struct cafacts f;
		struct err e = {0};
		int r = cafacts_make(&conf, &dir, &f, &e);
		if (!rows[i].want) {
			assert_int_equal(r, -1);
			assert_int_equal(e.kind, ERR_CONFIG);
			assert_non_null(strstr(e.hint, "perdure ca probe x"));
			err_done(&e);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(f.issuers.v[0], rows[i].want);
		cafacts_done(&f);
	}
}

static void test_which_levels(void **state)
{
	static const struct {
		const char *name;
		int configured;
		bool have_dir, hashed;
		int want[2], n; /* n 0: refused */
	} rows[] = {
		{"x", CONFIG_LEVEL_UNSET, true, false, {1}, 1},
		{"x", CONFIG_LEVEL_UNSET, true, true, {2}, 1},
		{"x", CONFIG_LEVEL_UNSET, false, false, {1}, 1},
		{"x", 1, true, true, {1, 2}, 2},
		{"x", 0, true, false, {0}, 1},
		{"x", 2, true, true, {2}, 1},
		{"x", 2, true, false, {0}, 0},
		{"x", 2, false, false, {0}, 0},
		{"google", CONFIG_LEVEL_UNSET, true, true, {1, 2}, 2},
		{"google", CONFIG_LEVEL_UNSET, false, false, {1}, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char issuer[] = "a.example", name[16];
		char *issuers[] = {issuer};
		snprintf(name, sizeof(name), "%s", rows[i].name);
		struct config_ca conf = {.name = name, .issuers = {issuers, 1, 1}, .level = rows[i].configured};
		struct acme_directory dir = {.account_hash_prefix = rows[i].hashed ? prefix : NULL};
		struct cafacts f;
		struct err e = {0};
		int r = cafacts_make(&conf, rows[i].have_dir ? &dir : NULL, &f, &e);
		assert_int_equal(r, rows[i].n ? 0 : -1);
		err_done(&e);
		if (r)
			continue;
		assert_int_equal(f.n_levels, rows[i].n);
		for (int l = 0; l < f.n_levels; l++)
			assert_int_equal(f.levels[l], rows[i].want[l]);
		cafacts_done(&f);
	}
}

/* Two certificates share example.com: one wants the wildcard until 3000, the other the name until 5000. */
static void test_scopes_are_merged(void **state)
{
	char ca_name[] = "x", base[] = "example.com", wild[] = "*.example.com", www[] = "www.example.com";
	char url[] = "https://ca.example/acct/123", issuer[] = "authority.example", *issuers[] = {issuer},
	     *cas[] = {ca_name};
	char *first[] = {wild, www}, *second[] = {base};
	struct config_cert certs[] = {
		{.name = base, .names = {first, 2, 2}, .cas = {cas, 1, 1}, .persist_until = 3000},
		{.name = www, .names = {second, 1, 1}, .cas = {cas, 1, 1}, .persist_until = 5000},
	};
	struct config_ca conf_ca = {.name = ca_name};
	struct config conf = {.certs = certs, .n_certs = 2, .record_ttl = 3600};
	char *thumbs[] = {thumbprint};
	struct site_ca ca = {.conf = &conf_ca, .account = {.url = url, .thumbprints = {thumbs, 1, 1}}};
	struct cafacts f = {.issuers = {issuers, 1, 1}, .levels = {1, 2}, .n_levels = 2, .prefix = prefix};
	struct desired d = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(desired_add(&d, &conf, &ca, &f, NULL, &e), 0);
	assert_int_equal(d.n, 4);
	assert_string_equal(d.v[0].zone_line,
		"_validation-persist.example.com. 3600 IN TXT "
		"\"authority.example;accounturi=https://ca.example/acct/123;policy=wildcard;persistUntil=5000\"");
	assert_int_equal(d.v[1].level, 2);
	/* The digest of the draft's own example, section 10.2. */
	assert_string_equal(d.v[1].value, "authority.example;accounturi=https://ca.example/account-hash/sha-256/"
					  "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw;"
					  "policy=wildcard;persistUntil=5000");
	assert_string_equal(d.v[2].owner, "_validation-persist.www.example.com");
	assert_false(d.v[2].wildcard);
	desired_done(&d);
}

static void test_unregistered_account(void **state)
{
	char ca_name[] = "x", empty[] = "", issuer[] = "authority.example", *issuers[] = {issuer};
	struct config_ca conf_ca = {.name = ca_name};
	struct config conf = {.record_ttl = 3600};
	struct site_ca ca = {.conf = &conf_ca, .account = {.url = empty}};
	struct cafacts f = {.issuers = {issuers, 1, 1}, .levels = {1}, .n_levels = 1};
	struct desired d = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(desired_add(&d, &conf, &ca, &f, NULL, &e), -1);
	assert_non_null(strstr(e.hint, "perdure account register --ca x"));
	err_done(&e);
	desired_done(&d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_the_issuer_comes_from),
		cmocka_unit_test(test_which_levels),
		cmocka_unit_test(test_scopes_are_merged),
		cmocka_unit_test(test_unregistered_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
