/* test_provider.c: which provider a name belongs to, and the values of its keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "memory.h"

static const char text[] =
	"providers:\n"
	"  - { name: any, type: rfc2136, server: 192.0.2.1 }\n"
	"  - { name: com, type: rfc2136, server: 192.0.2.2, zones: [Example.COM., example.net] }\n"
	"  - { name: sub, type: rfc2136, server: 192.0.2.3, zones: sub.example.com,\n"
	"      tsig: { file: k.tsig, name: Key } }\n"
	"  - { name: later, type: powerdns, url: \"http://127.0.0.1:8081\", key_file: /k, plain_http: true }\n";

static void load(struct config **ret)
{
	struct err e = {0};
	if (memory_load(text, NULL, ret, &e))
		fail_msg("%s", e.msg);
}

static void closest_list_wins(void **state)
{
	static const struct {
		const char *name;
		const char *first, *second, *zone; /* NULL: none */
	} table[] = {
		{"example.com", "com", NULL, "example.com"},
		{"_v.www.example.com", "com", NULL, "example.com"},
		{"_v.www.example.net", "com", NULL, "example.net"},
		{"_v.www.sub.example.com", "sub", NULL, "sub.example.com"},
		{"sub.example.com", "sub", NULL, "sub.example.com"},
		{"xsub.example.com", "com", NULL, "example.com"},
		{"notexample.com", "any", "later", NULL},
		{"com", "any", "later", NULL},
	};
	AUTO(config_freep) struct config *c = NULL;
	(void)state;
	load(&c);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *zone = NULL;
		const struct config_provider *a = config_provider_for(c, table[i].name, 0, &zone);
		const struct config_provider *b = config_provider_for(c, table[i].name, 1, NULL);
		assert_non_null(a);
		assert_string_equal(a->name, table[i].first);
		assert_string_equal(b ? b->name : "", table[i].second ? table[i].second : "");
		assert_string_equal(zone ? zone : "", table[i].zone ? table[i].zone : "");
		assert_null(config_provider_for(c, table[i].name, 2, NULL));
	}
}

static void values_of_keys(void **state)
{
	AUTO(config_freep) struct config *c = NULL;
	(void)state;
	load(&c);
	const struct config_provider *sub = config_find_provider(c, "sub"), *later = config_find_provider(c, "later");
	assert_string_equal(config_provider_str(sub, "tsig.file"), "/etc/perdure/k.tsig");
	assert_string_equal(config_provider_str(sub, "tsig.name"), "Key");
	assert_null(config_provider_str(sub, "tsig.algorithm"));
	assert_int_equal(config_provider_int(sub, "plain_http", 7), 7);
	assert_int_equal(config_provider_int(later, "plain_http", 7), 1);
	assert_int_equal(config_provider_list(later, "nothing")->n, 0);
	assert_null(config_find_provider(c, "none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closest_list_wins),
		cmocka_unit_test(values_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
