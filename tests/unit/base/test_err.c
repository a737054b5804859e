/* test_err.c: the error value: context, truncation, copies, hints, what is printed. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "support/capture.h"
#include "support/scratch.h"

static void test_set(void **state)
{
	(void)state;
	struct err e = {0};
	assert_false(err_is(&e));
	assert_int_equal(err_set(&e, ERR_PARSE, "line %d of %s", 7, "x.yaml"), -1);
	assert_true(err_is(&e));
	assert_int_equal(e.kind, ERR_PARSE);
	assert_string_equal(e.msg, "line 7 of x.yaml");
	assert_non_null(strstr(e.file, "test_err.c"));
	assert_int_not_equal(e.line, 0);
	err_hint(&e, "old hint");
	err_retry(&e, RETRY_LATER, 5);
	e.problem = err_problem_new();
	/* Nothing of an error survives in the one that overwrites it, and nothing leaks. */
	assert_int_equal(err_set(&e, ERR_DNS, "another"), -1);
	assert_string_equal(e.msg, "another");
	assert_string_equal(e.hint, "");
	assert_int_equal(e.retry, RETRY_NEVER);
	assert_int_equal(e.retry_at, 0);
	assert_null(e.problem);
	err_done(&e);
	assert_false(err_is(&e));
	assert_string_equal(e.msg, "");
}

static void test_sys(void **state)
{
	(void)state;
	static const struct {
		int number;
		const char *msg;
		bool hint;
	} cases[] = {
		{ENOENT, "open f: No such file or directory", false},
		{EACCES, "open f: Permission denied", false},
		{ENOSPC, "open f: No space left on device", true},
		{EDQUOT, "open f: Disk quota exceeded", true},
		{99999, "open f: unknown error", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		errno = cases[i].number;
		assert_int_equal(err_sys(&e, "open %s", "f"), -1);
		assert_int_equal(errno, cases[i].number);
		assert_int_equal(e.kind, ERR_SYS);
		assert_int_equal(e.code, cases[i].number);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.hint[0] != '\0', cases[i].hint);
	}
}

static void test_context(void **state)
{
	(void)state;
	struct err e = {0};
	err_set(&e, ERR_NET, "connection refused");
	assert_int_equal(err_ctx(&e, "ask %s", "ca.test"), -1);
	err_ctx(&e, "order %d", 3);
	assert_string_equal(e.msg, "order 3: ask ca.test: connection refused");
	assert_int_equal(e.kind, ERR_NET);
	/* A server's words are data, also when they look like a format. */
	err_set(&e, ERR_ACME, "%s", "100%n %s");
	err_ctx(&e, "%s", "%d");
	assert_string_equal(e.msg, "%d: 100%n %s");
}

/* Too long a text loses its end, not its beginning, and stays a string. */
static void test_truncation(void **state)
{
	(void)state;
	struct err e = {0};
	char lots[3000];
	memset(lots, 'x', sizeof(lots));
	lots[sizeof(lots) - 1] = '\0';
	err_set(&e, ERR_PARSE, "%s", lots);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_ctx(&e, "read %s", "a");
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_memory_equal(e.msg, "read a: xxx", 11);
	/* However long the context, something of the cause remains. */
	err_set(&e, ERR_PARSE, "the cause");
	err_ctx(&e, "%s", lots);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_non_null(strstr(e.msg, ": the cause"));
	for (int i = 0; i < 40; i++)
		err_ctx(&e, "outer %d of a long chain that grows and grows", i);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_memory_equal(e.msg, "outer 39 ", 9);
	err_hint(&e, "%s", lots);
	assert_int_equal(strlen(e.hint), sizeof(e.hint) - 1);
	errno = EIO;
	err_sys(&e, "%s", lots);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_int_equal(e.code, EIO);
}

static void test_first_hint_stays(void **state)
{
	(void)state;
	struct err e = {0};
	err_set(&e, ERR_CONFIG, "x");
	err_hint(&e, "chmod %o", 0600);
	err_hint(&e, "read the manual");
	assert_string_equal(e.hint, "chmod 600");
}

static void fill(struct err *e)
{
	err_set(e, ERR_ACME, "refused");
	err_hint(e, "wait");
	err_retry(e, RETRY_LATER, INT64_C(1800000000000));
	e->code = 429;
	e->problem = err_problem_new();
	free(e->problem->type);
	e->problem->type = xstrdup("urn:ietf:params:acme:error:compound");
	free(e->problem->detail);
	e->problem->detail = xstrdup("two names");
	e->problem->status = 429;
	err_problem_add(e->problem, "a.test", "urn:x", "no");
	err_problem_add(e->problem, NULL, NULL, NULL);
}

static void assert_filled(const struct err *e)
{
	assert_int_equal(e->kind, ERR_ACME);
	assert_int_equal(e->code, 429);
	assert_int_equal(e->retry, RETRY_LATER);
	assert_int_equal(e->retry_at, INT64_C(1800000000000));
	assert_string_equal(e->msg, "refused");
	assert_string_equal(e->hint, "wait");
	assert_string_equal(e->problem->type, "urn:ietf:params:acme:error:compound");
	assert_string_equal(e->problem->title, "");
	assert_string_equal(e->problem->detail, "two names");
	assert_string_equal(e->problem->instance, "");
	assert_int_equal(e->problem->status, 429);
	assert_int_equal(e->problem->n_subs, 2);
	assert_string_equal(e->problem->subs[0].identifier, "a.test");
	assert_string_equal(e->problem->subs[0].type, "urn:x");
	assert_string_equal(e->problem->subs[0].detail, "no");
	assert_string_equal(e->problem->subs[1].identifier, "");
	assert_string_equal(e->problem->subs[1].type, "");
	assert_string_equal(e->problem->subs[1].detail, "");
}

static void test_copy(void **state)
{
	(void)state;
	struct err a = {0}, b = {0};
	fill(&a);
	fill(&b); /* the old content is released: the leak checker would tell */
	err_copy(&b, &a);
	assert_ptr_not_equal(a.problem, b.problem);
	assert_filled(&a);
	err_done(&a);
	assert_filled(&b);
	err_copy(&b, &b);
	assert_filled(&b);
	err_copy(&b, &a); /* a is clean now */
	assert_false(err_is(&b));
	assert_null(b.problem);
}

static void test_move(void **state)
{
	(void)state;
	struct err a = {0}, b = {0};
	fill(&a);
	fill(&b);
	err_move(&b, &a);
	assert_filled(&b);
	assert_false(err_is(&a));
	assert_null(a.problem);
	err_move(&b, &b);
	assert_filled(&b);
	err_done(&b);
}

static void test_kind_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ERR_KIND_N_; i++) {
		assert_non_null(err_kind_name((enum err_kind)i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(err_kind_name((enum err_kind)i), err_kind_name((enum err_kind)j));
	}
	assert_string_equal(err_kind_name(ERR_KIND_N_), "unknown");
}

static void test_print(void **state)
{
	struct err e = {0};
	err_set(&e, ERR_ACME, "%s", "refused\x1b[2J\nperdure: all is well");
	err_hint(&e, "wait");
	e.problem = err_problem_new();
	err_problem_add(e.problem, "a.test", "urn:x", "no\rhidden");
	struct capture c = capture_begin(*state);
	err_print(&e);
	AUTO(xfreep) char *got = capture_end(&c);
	assert_string_equal(got, "perdure: refused\\x1b[2J\\nperdure: all is well\n"
				 "perdure:   a.test: no\\x0dhidden (urn:x)\n"
				 "perdure:   hint: wait\n");
	err_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_first_hint_stays),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_kind_names),
		cmocka_unit_test_setup_teardown(test_print, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
