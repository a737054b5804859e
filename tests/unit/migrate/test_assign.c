/* test_assign.c: shell configuration read as assignments, and what would need a shell reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "migrate/assign.h"

static void parse(const char *text, struct assign *a, struct strv *odd)
{
	/* An exact copy: a read past the end would be seen by AddressSanitizer. */
	char *exact = xmemdup(text, strlen(text));
	assign_parse(exact, strlen(text), "conf", a, odd);
	free(exact);
}

static void test_understood(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *value; /* of X */
	} cases[] = {
		{"X=word", "word"},
		{"X=", ""},
		{"X=''", ""},
		{"X='a b $c `d` \"e\" \\f'", "a b $c `d` \"e\" \\f"},
		{"X=\"a b\"", "a b"},
		{"X=\"\\\"\\$\\`\\\\\\n\"", "\"$`\\\\n"},
		{"X='it'\"'\"'s'", "it's"},
		{"X='it'\\''s'", "it's"},
		{"  export X=1  # comment", "1"},
		{"X=1\r", "1"},
		{"X=a#b", NULL},
		{"# X=0\nX=1\n\n", "1"},
		{"X=1\nX=2", "2"},
		{"X=https://ca.example:443/dir?a", NULL},
		{"X=https://ca.example:443/dir", "https://ca.example:443/dir"},
		{"X=ops@example.com", "ops@example.com"},
		{"XY=1", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct assign a = {0};
		struct strv odd = {0};
		parse(cases[i].line, &a, &odd);
		const char *got = assign_get(&a, "X");
		if (cases[i].value ? !got || strcmp(got, cases[i].value) != 0 || odd.n : got != NULL)
			fail_msg("%s: %s, %zu odd", cases[i].line, got ? got : "nothing", odd.n);
		assign_done(&a);
		strv_done(&odd);
	}
}

static void test_reported(void **state)
{
	(void)state;
	static const char *const lines[] = {"X=$Y", "X=${Y}", "X=\"$Y\"", "X=`id`", "X=\"`id`\"", "X=$(id)", "X=a;id",
		"X=a id", "X=a&", "X=a|b", "X=<(id)", "X=~root", "X=*", "X=a{b,c}", "id", ". file", "source file",
		"if true", "X", "1X=1", "X-Y=1", "X='open", "X=\"open", "X+=1", "X[0]=1", "X=(a b)", "=1", "X= =\"`id`",
		"X=\"a\\"};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct assign a = {0};
		struct strv odd = {0};
		AUTO(xfreep) char *text = xasprintf("A=1\n%s\nB=2", lines[i]);
		parse(text, &a, &odd);
		if (assign_get(&a, "X") || odd.n != 1 || strncmp(odd.v[0], "conf:2: ", 8) != 0)
			fail_msg("%s: %zu odd, %s", lines[i], odd.n, odd.n ? odd.v[0] : "");
		assert_string_equal(assign_get(&a, "A"), "1");
		assert_string_equal(assign_get(&a, "B"), "2");
		assign_done(&a);
		strv_done(&odd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood),
		cmocka_unit_test(test_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
