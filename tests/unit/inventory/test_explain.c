/*
 * test_explain.c: what is said of made observations. One in which all is well gives nothing to say; each change of it
 * gives exactly the remarks that it should, and all codes that an explanation can have come up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "explain_cases.h"

static void check_codes(size_t i, const struct remarks *r)
{
	size_t n = 0;
	while (n < CODES && explain_cases[i].codes[n] != REMARK_CODE_N_)
		n++;
	for (size_t k = 0; k < r->n; k++)
		if (k >= n || r->v[k].code != explain_cases[i].codes[k])
			fail_msg("%s: remark %zu is %s: %s", explain_cases[i].name, k, remark_kind(r->v[k].code)->id,
				r->v[k].text);
	if (r->n != n)
		fail_msg("%s: %zu remarks, not %zu", explain_cases[i].name, r->n, n);
}

static void test_cases(void **state)
{
	size_t seen[REMARK_CODE_N_] = {0};
	(void)state;
	for (size_t i = 0; i < explain_n_cases; i++) {
		struct world *w = made_world();
		struct explained x;
		explain_cases[i].change(w);
		explain(&w->q, &w->o, &x);
		if (x.verdict != explain_cases[i].verdict || strcmp(x.problem, explain_cases[i].problem))
			fail_msg("%s: %s, problem \"%s\": %s", explain_cases[i].name,
				recordcheck_result_name(x.verdict), x.problem, x.reason);
		check_codes(i, &x.remarks);
		for (size_t k = 0; k < x.remarks.n; k++) {
			seen[x.remarks.v[k].code]++;
			assert_true(x.remarks.v[k].text[0]);
		}
		explained_done(&x);
		made_world_free(w);
	}
	for (int c = 0; c < REMARK_PREFLIGHT_SILENCES_WILDCARD; c++)
		if (!seen[c] || seen[c] >= explain_n_cases)
			fail_msg("%s comes up in %zu of %zu cases", remark_kind((enum remark_code)c)->id, seen[c],
				explain_n_cases);
}

/* What is suggested to be published makes the refusal go away. */
static void test_fixes(void **state)
{
	static const char *const changes[] = {"no_record", "other_ca", "malformed", "other_account", "not_wildcard",
		"expired", "split", "quoted", "ends_early", "reading_differs", "wildcard_answer"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct world *w = made_world();
		struct explained x, y;
		char value[256];
		explain_case(changes[i])->change(w);
		explain(&w->q, &w->o, &x);
		assert_true(x.remarks.n > 0);
		assert_int_equal(sscanf(x.remarks.v[0].fix, OWNER ". 3600 IN TXT \"%255[^\"]\"", value), 1);
		w->txt.v.wildcard = NULL;
		made_record(&w->txt, value);
		explain(&w->q, &w->o, &y);
		assert_int_equal(y.verdict, RECORDCHECK_GOOD);
		assert_int_equal(y.remarks.n, 0);
		explained_done(&x);
		explained_done(&y);
		made_world_free(w);
	}
}

/* The CA's words are told where its software is public, and only there. */
static void test_words(void **state)
{
	static const struct {
		enum perdure_dialect d;
		const char *words;
	} said[] = {{PERDURE_DIALECT_DRAFT, NULL}, {PERDURE_DIALECT_BOULDER, "accounturi mismatch"},
		{PERDURE_DIALECT_PEBBLE, "accounturi mismatch"}, {PERDURE_DIALECT_UCM, NULL}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct world *w = made_world();
		struct explained x;
		explain_case("other_account")->change(w);
		w->q.q.dialect = said[i].d;
		explain(&w->q, &w->o, &x);
		assert_int_equal(x.remarks.v[0].code, REMARK_RECORD_ACCOUNT);
		if (said[i].words)
			assert_string_equal(x.remarks.v[0].says, said[i].words);
		else
			assert_null(x.remarks.v[0].says);
		explained_done(&x);
		made_world_free(w);
	}
}

/* Shares are told in per cent of the addresses that answered. */
static void test_shares(void **state)
{
	struct world *w = made_world();
	struct explained x;
	(void)state;
	explain_case("disagree")->change(w);
	explain(&w->q, &w->o, &x);
	assert_non_null(strstr(x.remarks.v[0].text, "2 of 3 addresses (67 %"));
	assert_non_null(strstr(x.remarks.v[0].text, "1 of 3 addresses (33 %"));
	assert_non_null(strstr(x.remarks.v[0].fix, made_hosts[2]));
	explained_done(&x);
	made_world_free(w);
}

/* Every code has a name of its own, in lower case with hyphens, and a text. */
static void test_table(void **state)
{
	(void)state;
	for (int c = 0; c < REMARK_CODE_N_; c++) {
		const struct remark_kind *k = remark_kind((enum remark_code)c);
		assert_int_equal(strspn(k->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(k->id));
		assert_true(k->summary[0] && k->severity < REMARK_SEVERITY_N_);
		for (int d = 0; d < c; d++)
			assert_string_not_equal(k->id, remark_kind((enum remark_code)d)->id);
	}
}

/* What servers say does not reach the terminal as control characters. */
static void test_printable(void **state)
{
	struct remarks r = {0};
	(void)state;
	struct remark *m = remarks_add(&r, REMARK_SERVER_ERROR, "%s", "a\033[2J\nb\x7F");
	remark_fix(m, "%s", "c\r");
	assert_string_equal(m->text, "a?[2J?b?");
	assert_string_equal(m->fix, "c?");
	assert_ptr_equal(remarks_worst(&r), m);
	assert_true(remarks_has(&r, REMARK_SERVER_ERROR) && !remarks_has(&r, REMARK_SERVER_LAME));
	remarks_done(&r);
	assert_null(remarks_worst(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_fixes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_printable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
