/* test_table.c: the command line by the table of verbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"

enum { MAX_WORDS = 10 };

/* Splits a line at its blanks; NULL-terminated. */
static int split(char *line, char **argv)
{
	int n = 0;
	char *save = NULL;
	argv[n++] = (char *)(uintptr_t) "perdure";
	for (char *w = strtok_r(line, " ", &save); w && n < MAX_WORDS; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	return n;
}

static void test_accepted(void **state)
{
	char line[] = "--config a.yaml -vv renew one --force-renewal --json -- --two";
	char *argv[MAX_WORDS + 1];
	struct cli c;
	struct err e = {0};
	(void)state;
	assert_int_equal(cli_parse(split(line, argv), argv, &c, &e), 0);
	assert_string_equal(c.verb->name, "renew");
	assert_string_equal(c.config, "a.yaml");
	assert_int_equal(c.verbose, 2);
	assert_true(c.json);
	assert_true(cli_flag(&c, "force-renewal"));
	assert_false(cli_flag(&c, "dry-run"));
	assert_int_equal(c.args.n, 2);
	assert_string_equal(c.args.v[1], "--two");
	cli_done(&c);
}

static void test_values(void **state)
{
	char line[] = "account register --ca=google --contact a@b --contact=c@d -c x";
	char *argv[MAX_WORDS + 1];
	struct cli c;
	struct err e = {0};
	(void)state;
	assert_int_equal(cli_parse(split(line, argv), argv, &c, &e), 0);
	assert_string_equal(c.verb->name, "account register");
	assert_string_equal(cli_value(&c, "ca"), "google");
	assert_int_equal(cli_values(&c, "contact")->n, 2);
	assert_string_equal(cli_values(&c, "contact")->v[1], "c@d");
	assert_string_equal(c.config, "x");
	cli_done(&c);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"nonsense", "\"perdure nonsense\" is not a command"},
		{"account nonsense", "\"perdure account nonsense\" is not a command"},
		{"renew --force-ren", "has no option --force-ren"},
		{"renew -z", "has no option -z"},
		{"renew --dry-run=yes", "--dry-run takes no argument"},
		{"issue --ca", "--ca needs an argument: NAME"},
		{"issue --ca a --ca b x", "--ca is given twice"},
		{"delete", "needs CERT"},
		{"delete a b", "\"b\" is one argument too many"},
		{"status --ca x", "has no option --ca"},
		{"--nonsense renew", "has no option --nonsense"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[128], *argv[MAX_WORDS + 1];
		struct cli c;
		struct err e = {0};
		snprintf(line, sizeof(line), "%s", rows[i].line);
		assert_int_equal(cli_parse(split(line, argv), argv, &c, &e), -1);
		if (!strstr(e.msg, rows[i].words))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].line, e.msg, rows[i].words);
		assert_int_equal(cli_status_of(&e), EXIT_USAGE);
		err_done(&e);
		cli_done(&c);
	}
}

/* What the tables promise to the parser. */
static void test_table_is_sound(void **state)
{
	size_t n;
	const struct cli_verb *const *v = cli_verbs(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(v[i]->summary);
		assert_non_null(v[i]->examples);
		assert_non_null(v[i]->run);
		size_t options = 0;
		for (const struct cli_option *o = v[i]->options; o && o->name; o++, options++)
			for (const struct cli_option *common = cli_common_options; common->name; common++) {
				assert_string_not_equal(o->name, common->name);
				assert_true(!o->letter || o->letter != common->letter);
			}
		assert_true(options <= CLI_MAX_OPTIONS);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(v[i]->name, v[k]->name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
