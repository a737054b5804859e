/*
 * test_audit.c: the rules that no single look can tell: what has changed since the baseline, and what CAs offer. Each
 * with a case in which it speaks up and one like it in which it does not.
 */
#include <string.h>

#include "support/scratch.h"
#include "watch/audit.h"

#define URL "https://ca.example/acct/123"
#define GOOD "ca.example;accounturi=" URL
#define FOREIGN "ca.example;accounturi=https://ca.example/acct/9"

enum { LIST = 3, HEARD = 4096, NOW = 1800000000 };

/* One audit: the records at example.com, and what the CA says of itself; what is not said is as usual. */
struct state {
	const char *txt[LIST], *other[LIST];
	bool two; /* two servers, the second with `other` */
	const char *failure;
	const char *prefix, *issuers[LIST], *caa[LIST];
	bool moving;
};

struct heard {
	char rules[HEARD];
	char evidence[HEARD];
};

static void add_all(struct strv *to, const char *const *from)
{
	for (size_t i = 0; i < LIST && from[i]; i++)
		strv_add(to, from[i]);
}

static struct audit_context *context(const struct state *s)
{
	static const char *const usual[LIST] = {"ca.example"};
	struct err e = {0};
	struct audit_context *c = context_new(NOW);
	struct audit_ca *a = context_add_ca(c, "one");
	strv_add(&a->issuers, "ca.example");
	a->account_url = xstrdup(URL);
	a->levels[0] = 1;
	a->levels[1] = 2;
	a->n_levels = s->moving ? 2 : 1;
	a->prefix = s->prefix ? xstrdup(s->prefix) : NULL;
	a->asked = true;
	add_all(&a->directory_issuers, s->issuers[0] ? s->issuers : usual);
	add_all(&a->caa_identities, s->caa[0] ? s->caa : usual);
	must(context_ready(c, &e), &e);
	return c;
}

static void add_set(struct facts *f, const char *const *txt, const char *server)
{
	struct facts_set *set = facts_add_set(f, server, 1, 3600);
	for (size_t i = 0; i < LIST && txt[i]; i++)
		facts_add_rr(set, &(struct perdure_text){txt[i], strlen(txt[i])}, 1);
}

static void on_name(void *ctx, const char *fqdn)
{
	(void)ctx;
	assert_true(*fqdn);
}

static void on_finding(const struct finding *f, void *ctx)
{
	struct heard *h = ctx;
	size_t n = strlen(h->rules);
	if (f->rule->check)
		return;
	snprintf(h->rules + n, sizeof(h->rules) - n, "%s%s", n ? " " : "", f->rule->id);
	n = strlen(h->evidence);
	snprintf(h->evidence + n, sizeof(h->evidence) - n, "%s|%s|%s\n", f->evidence, f->server, f->record);
	assert_true(f->remedy[0] && f->evidence[0]);
}

/* Audits; writes a baseline when path_out is given, compares with one when path_in is. */
static struct report_summary audit(
	const struct state *s, const char *path_in, const char *path_out, const char *ignore, struct heard *h)
{
	AUTO(context_freep) struct audit_context *c = context(s);
	AUTO(baseline_freep) struct baseline *before = NULL;
	AUTO(baseline_out_freep) struct baseline_out *after = path_out ? baseline_out_new() : NULL;
	struct err e = {0};
	struct facts f = {.fqdn = "example.com", .owner = "_validation-persist.example.com", .failure = s->failure};
	*h = (struct heard){0};
	if (path_in)
		must(baseline_load(path_in, &before, &e), &e);
	if (ignore)
		must(context_add_ignore(c, ignore, NULL, &e), &e);
	struct audit a = {
		.c = c, .before = before, .after = after, .name = on_name, .finding = on_finding, .ctx = h, .e = &e};
	audit_cas(&a);
	if (!s->failure)
		add_set(&f, s->txt, "ns1");
	if (s->two)
		add_set(&f, s->other, "ns2");
	audit_facts(&a, &f);
	audit_rest(&a);
	facts_done(&f);
	if (a.failed)
		fail_msg("%s", e.msg);
	if (after)
		must(baseline_out_write(after, path_out, &e), &e);
	return a.sum;
}

static const struct {
	const char *rule, *says;
	struct state before, yes, no;
} rows[] = {
	{"PD801", "now ", {.prefix = "https://ca.example/1/"}, {.prefix = "https://ca.example/2/"},
		{.prefix = "https://ca.example/1/"}},
	{"PD801", "new.example", {.txt = {GOOD}},
		{.issuers = {"ca.example", "new.example"}, .caa = {"ca.example", "new.example"}}, {.txt = {GOOD}}},
	{"PD802", "ca.example is in use, the directory offers new.example", {.txt = {GOOD}},
		{.issuers = {"new.example"}, .caa = {"new.example"}}, {.txt = {GOOD}}},
	{"PD802", "not among the CAA identities", {.txt = {GOOD}}, {.issuers = {"ca.example", "b.example"}},
		{.caa = {"ca.example", "b.example"}}},
	{"PD803", "levels 01 and 02", {.txt = {GOOD}}, {.moving = true}, {.moving = false}},
	{"PD901", GOOD, {.txt = {NULL}}, {.txt = {GOOD}}, {.txt = {NULL}}},
	{"PD901", "|ns2|", {.txt = {GOOD}}, {.txt = {GOOD}, .two = true, .other = {GOOD, FOREIGN}},
		{.txt = {GOOD}, .two = true, .other = {GOOD}}},
	{"PD902", GOOD, {.txt = {GOOD}}, {.txt = {NULL}}, {.failure = "nobody answered"}},
	{"PD902", GOOD, {.txt = {GOOD, FOREIGN}}, {.txt = {FOREIGN}}, {.txt = {FOREIGN, GOOD}}},
	{"PD903", "was \"" GOOD "\"", {.txt = {GOOD}}, {.txt = {GOOD ";policy=wildcard"}}, {.txt = {FOREIGN}}},
};

static const char *file(void **state, const char *name)
{
	static char path[200];
	snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name);
	return path;
}

static bool has(const struct heard *h, const char *rule)
{
	return strstr(h->rules, rule) != NULL;
}

static void test_each_rule(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard h;
		const char *path = file(state, "baseline");
		audit(&rows[i].before, NULL, path, NULL, &h);
		audit(&rows[i].yes, path, NULL, NULL, &h);
		if (!has(&h, rows[i].rule) || !strstr(h.evidence, rows[i].says))
			fail_msg("row %zu: %s does not speak up: \"%s\", %s", i, rows[i].rule, h.rules, h.evidence);
		audit(&rows[i].yes, path, NULL, rows[i].rule, &h);
		if (has(&h, rows[i].rule))
			fail_msg("row %zu: %s speaks up although it is ignored", i, rows[i].rule);
		audit(&rows[i].no, path, NULL, NULL, &h);
		if (has(&h, rows[i].rule))
			fail_msg("row %zu: %s speaks up: %s", i, rows[i].rule, h.evidence);
	}
}

/* test_rules.c has rows for the rules that one look can tell; here are those for all others. */
static void test_every_other_rule_is_tested(void **state)
{
	size_t n;
	const struct rule *all = rules_all(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(rows) && strcmp(rows[k].rule, all[i].id))
			k++;
		if (!all[i].check && k == ARRAY_LEN(rows))
			fail_msg("%s has no row", all[i].id);
	}
}

/* What was found before is not told again, and what is no more is counted. */
static void test_known_findings(void **state)
{
	const char *path = file(state, "known");
	const struct state bad = {.txt = {GOOD, FOREIGN}}, good = {.txt = {GOOD}};
	struct heard h;
	struct report_summary first = audit(&bad, NULL, path, NULL, &h), again = audit(&bad, path, NULL, NULL, &h);
	assert_true(first.found[SEVERITY_ERROR] == 1 && !again.found[SEVERITY_ERROR]);
	assert_int_equal(
		again.known, first.found[SEVERITY_ERROR] + first.found[SEVERITY_WARNING] + first.found[SEVERITY_INFO]);
	struct report_summary mended = audit(&good, path, NULL, NULL, &h);
	assert_string_equal(h.rules, "PD902");
	assert_true(mended.gone > 0);
}

/* A name that cannot be looked at keeps its line; one that is no more is told with its records. */
static void test_names_that_are_gone(void **state)
{
	const char *path = file(state, "gone");
	const struct state good = {.txt = {GOOD}}, unseen = {.failure = "nobody answered"};
	struct heard h;
	audit(&good, NULL, path, NULL, &h);
	AUTO(xfreep) char *before = scratch_read(path);
	audit(&unseen, path, path, NULL, &h);
	AUTO(xfreep) char *after = scratch_read(path);
	assert_string_equal(before, after);
	AUTO(xfreep)
	char *more = xasprintf("%s{\"name\":\"gone.example\",\"records\":[\"\\\"" GOOD "\\\"\"]}\n", before);
	scratch_write(path, more, strlen(more));
	audit(&good, path, NULL, NULL, &h);
	assert_string_equal(h.rules, "PD902");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_rule, scratch_make, scratch_remove),
		cmocka_unit_test(test_every_other_rule_is_tested),
		cmocka_unit_test_setup_teardown(test_known_findings, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_names_that_are_gone, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
