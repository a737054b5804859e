/* test_anchor.c: which keys are trusted, and our copy of those of the distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../support/scratch.h"
#include "dns/anchor.h"

#define KEY "257 3 8 AwEAAaz/tAm8yTn4"
#define DS "20326 8 2 E06D44B80B8F1D39"

static char *put(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	scratch_write(path, text, strlen(text));
	return path;
}

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t keys;
		const char *zones;
	} cases[] = {
		{". IN DNSKEY " KEY " ; keytag 20326\n", 1, ""},
		{".\t172800\tIN\tDNSKEY\t" KEY "\r\n. IN DS " DS "\n", 2, ""},
		{". dnskey " KEY, 1, ""},
		{"Example.Test. 3600 IN DS " DS "\n", 1, "example.test"},
		{"example.test DS " DS "\nsub.example.test. DS " DS "\n", 2, "example.test sub.example.test"},
		/* Nothing in them. */
		{"", 0, NULL},
		{"; . IN DS " DS "\n", 0, NULL},
		{"DS " DS "\n", 0, NULL},
		{". IN TXT DS\n. IN A 192.0.2.1\n\n \t\n", 0, NULL},
		{"what is this", 0, NULL},
		/* As kept up to date: only valid and missing keys are trusted. */
		{". 1 IN DNSKEY " KEY " ;;state=2 [  VALID  ] ;;count=0\n"
		 ". 1 IN DNSKEY " KEY " ;;state=3 [ MISSING ] ;;count=0\n"
		 ". 1 IN DNSKEY " KEY " ;;state=1 [ ADDPEND ] ;;count=0\n"
		 ". 1 IN DNSKEY " KEY " ;;state=4 [ REVOKED ] ;;count=0\n",
			2, ""},
		{". 1 IN DNSKEY " KEY " ;;state=4 [ REVOKED ] ;;count=0\n", 0, NULL},
	};
	const char *dir = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(xfreep) char *path = put(dir, "anchor.key", cases[i].text);
		AUTO(anchor_done) struct anchor a;
		anchor_find(&(struct anchor_where){.configured = path, .state_dir = dir}, true, &a);
		AUTO(xfreep) char *zones = strv_join(&a.zones, " ");
		if (!cases[i].keys) {
			assert_int_equal(a.kind, ANCHOR_NONE);
			assert_non_null(strstr(a.why, path));
			assert_non_null(strstr(a.hint, "dns.trust_anchor"));
			continue;
		}
		assert_int_equal(a.kind, ANCHOR_CONFIGURED);
		assert_int_equal(a.keys.n, cases[i].keys);
		assert_string_equal(zones, cases[i].zones);
		assert_string_equal(a.path, path);
		assert_true(a.changed > 0);
		for (size_t k = 0; k < a.keys.n; k++)
			assert_null(strchr(a.keys.v[k], ';'));
	}
	AUTO(xfreep) char *none = xasprintf("%s/dnssec", dir);
	assert_false(fs_exists(none)); /* what is configured is not copied */
}

static void test_missing(void **state)
{
	AUTO(anchor_done) struct anchor a;
	AUTO(xfreep) char *path = xasprintf("%s/root.key", (char *)*state);
	anchor_find(&(struct anchor_where){.shipped = path, .state_dir = *state}, true, &a);
	assert_int_equal(a.kind, ANCHOR_NONE);
	assert_string_equal(a.path, "");
	assert_non_null(strstr(a.why, path));
	assert_non_null(strstr(a.hint, "apt install dns-root-data"));
}

static enum anchor_kind kind_of(const struct anchor_where *w, bool make)
{
	struct anchor a;
	anchor_find(w, make, &a);
	enum anchor_kind kind = a.kind;
	anchor_done(&a);
	return kind;
}

static void test_copy(void **state)
{
	const char *dir = *state;
	AUTO(xfreep) char *shipped = put(dir, "root.key", ". IN DS " DS "\n");
	AUTO(xfreep) char *nowhere = xasprintf("%s/nowhere", dir);
	AUTO(xfreep) char *copy = xasprintf("%s/dnssec/root.key", dir);
	struct anchor_where w = {.shipped = shipped};
	assert_int_equal(kind_of(&w, true), ANCHOR_SHIPPED);
	w.state_dir = nowhere; /* no state yet: that is not for us to make */
	assert_int_equal(kind_of(&w, true), ANCHOR_SHIPPED);
	assert_false(fs_exists(nowhere));
	w.state_dir = dir;
	assert_int_equal(kind_of(&w, false), ANCHOR_SHIPPED);
	assert_false(fs_exists(copy));
	assert_int_equal(kind_of(&w, true), ANCHOR_MANAGED);
	assert_int_equal(kind_of(&w, false), ANCHOR_MANAGED);
	AUTO(anchor_done) struct anchor a;
	anchor_find(&w, false, &a);
	assert_string_equal(a.path, copy);
	assert_true(a.fresh);
	assert_true(a.renewable);
}

/* The copy with text in it, looked at (and mended) by anchor_find(): the number of its keys, and what became of it. */
static size_t look_at(const char *dir, const char *shipped, const char *text, bool make, bool *ret_fresh)
{
	AUTO(anchor_done) struct anchor a;
	if (text) {
		AUTO(xfreep) char *copy = put(dir, "dnssec/root.key", text);
	}
	anchor_find(&(struct anchor_where){.shipped = shipped, .state_dir = dir}, make, &a);
	*ret_fresh = a.kind == ANCHOR_MANAGED && a.fresh;
	return a.keys.n;
}

static void test_copy_that_is_old_or_damaged(void **state)
{
	static const char kept[] = "; autotrust\n. 1 IN DNSKEY " KEY " ;;state=2\n. 1 IN DNSKEY " KEY " ;;state=2\n";
	const char *dir = *state;
	AUTO(xfreep) char *shipped = put(dir, "root.key", ". IN DS " DS "\n");
	bool fresh;
	assert_int_equal(look_at(dir, shipped, NULL, true, &fresh), 1);
	assert_true(fresh);
	assert_int_equal(look_at(dir, shipped, kept, true, &fresh), 2);
	assert_false(fresh);
	/* Damaged: those shipped, and a new copy if there may be one. */
	assert_int_equal(look_at(dir, shipped, "what is this", false, &fresh), 1);
	assert_false(fresh);
	assert_int_equal(look_at(dir, shipped, NULL, true, &fresh), 1);
	assert_true(fresh);
	/* Shipped anew: the copy begins with them. */
	assert_int_equal(look_at(dir, shipped, kept, true, &fresh), 2);
	free(put(dir, "root.key", ". IN DS " DS "\n. IN DS " DS "\n. IN DNSKEY " KEY "\n"));
	assert_int_equal(look_at(dir, shipped, NULL, true, &fresh), 3);
	assert_true(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_missing, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_copy, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_copy_that_is_old_or_damaged, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
