/* test_ct.c: files of certificates from the logs, and what is found in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/ct.h"

#define LINE(names, serial) "{\"names\":[" names "],\"issuer\":\"O=CA\",\"serial\":\"" serial "\"}\n"

static int read_text(
	struct ct *c, const char *text, int (*fn)(struct ct *c, const char *path, struct err *e), struct err *e)
{
	char path[64];
	FILE *f = tmpfile();
	assert_non_null(f);
	fputs(text, f);
	fflush(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	int rc = fn(c, path, e);
	fclose(f);
	return rc;
}

static struct ct *ct_of(const char *text, const char *known)
{
	struct err e = {0};
	struct ct *c = ct_new();
	if (read_text(c, text, ct_read, &e) || read_text(c, known, ct_read_known, &e))
		fail_msg("%s", e.msg);
	ct_ready(c);
	return c;
}

/* The serial numbers found, with a plus sign for ours. */
static void note(const struct ct_entry *t, void *ctx)
{
	char *out = ctx;
	snprintf(out + strlen(out), 200 - strlen(out), "%s%s%s", *out ? " " : "", t->ours ? "+" : "", t->serial);
}

static void test_found_by_name(void **state)
{
	static const struct {
		const char *fqdn;
		bool below;
		const char *found;
	} cases[] = {
		{"example.com", false, "1 2 3"},
		{"example.com", true, "1 2 3 4 5"},
		{"www.example.com", false, "2 3 4"},
		{"a.www.example.com", false, "5"},
		{"www.example.com", true, "2 3 4 5"},
		{"com", false, ""},
		{"com", true, "1 2 3 4 5 6"},
		{"ple.com", true, ""},
		{"example.org", true, ""},
	};
	(void)state;
	struct ct *c = ct_of(LINE("\"example.com\"", "1") LINE("\"*.example.com\",\"EXAMPLE.com.\"", "2")
				     LINE("\"*.example.com\"", "3") LINE("\"www.example.com\"", "4")
					     LINE("\"a.www.example.com\"", "5") LINE("\"badexample.com\"", "6"),
		"");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char found[200] = "";
		ct_each(c, cases[i].fqdn, cases[i].below, note, found);
		assert_string_equal(found, cases[i].found);
	}
	assert_int_equal(ct_count(c), 6);
	ct_free(c);
}

static void test_crtsh(void **state)
{
	static const char text[] =
		" \n[{\"issuer_ca_id\":1,\"issuer_name\":\"C=US, O=Let's Encrypt, CN=R11\",\"common_name\":\"a.test\","
		"\"name_value\":\"a.test\\n*.b.test\\nsomebody@a.test\",\"id\":3616206571,\"entry_timestamp\":"
		"\"2026-11-07T16:46:43.456\",\"not_before\":\"2026-11-07T15:46:43\",\"not_after\":\"2027-02-05T15:46:"
		"43\","
		"\"serial_number\":\"03ff\",\"result_count\":2},"
		"{\"issuer_name\":\"C=US, O=Let's Encrypt, "
		"CN=R11\",\"name_value\":\"a.test\",\"serial_number\":\"3FF\"},"
		"{\"issuer_name\":\"O=Other\",\"name_value\":\"a.test\",\"serial_number\":\"3ff\"}]";
	(void)state;
	struct ct *c = ct_of(text, "");
	char found[200] = "";
	ct_each(c, "a.test", false, note, found);
	assert_string_equal(found, "3ff 3ff"); /* one of each issuer: log entries of one certificate are one */
	found[0] = '\0';
	ct_each(c, "b.test", false, note, found);
	assert_string_equal(found, "3ff");
	ct_free(c);
}

static void see_crtsh(const struct ct_entry *t, void *ctx)
{
	bool *seen = ctx;
	*seen = true;
	assert_int_equal(t->not_before, 1794066403);
	assert_int_equal(t->not_after, 1801842403);
	assert_string_equal(t->id, "77");
	assert_int_equal(t->names.n, 1);
}

static void test_times(void **state)
{
	static const char *const from[] = {
		"2026-11-07T15:46:43", "2026-11-07T15:46:43.25", "2026-11-07T15:46:43Z", "2026-11-07T16:46:43+01:00"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		bool seen = false;
		AUTO(xfreep)
		char *text = xasprintf("[{\"issuer_name\":\"x\",\"name_value\":\"a.test\",\"serial_number\":\"1\","
				       "\"id\":77,\"not_before\":\"%s\",\"not_after\":\"2027-02-05T15:46:43\"}]",
			from[i]);
		struct ct *c = ct_of(text, "");
		ct_each(c, "a.test", false, see_crtsh, &seen);
		assert_true(seen);
		ct_free(c);
	}
}

static void test_known(void **state)
{
	(void)state;
	struct ct *c = ct_of(LINE("\"a.test\"", "00:AB:01") LINE("\"a.test\"", "2") LINE("\"a.test\"", "3")
				     LINE("\"a.test\"", "4") LINE("\"a.test\"", "5"),
		"# ours\nAB01 from another "
		"host\n\n{\"event\":\"issued\",\"serial\":\"0002\"}\n{\"event\":\"x\"}\n00:03\n");
	char found[200] = "";
	ct_each(c, "a.test", false, note, found);
	assert_string_equal(found, "+ab01 +2 +3 4 5");
	ct_free(c);
	c = ct_new();
	struct err e = {0};
	assert_int_equal(read_text(c, LINE("\"a.test\"", "7"), ct_read, &e), 0);
	ct_know(c, "07");
	ct_know(c, "no number");
	ct_ready(c);
	found[0] = '\0';
	ct_each(c, "a.test", false, note, found);
	assert_string_equal(found, "+7");
	ct_free(c);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"{", "line 1"},
		{LINE("\"a.test\"", "1") "[]\n", "line 2"},
		{"[{}]", "entry 1"},
		{"[{\"names\":[],\"issuer\":\"x\",\"serial\":\"1\"},5]", "entry 2"},
		{LINE("\"a.test\"", "xyz"), "\"xyz\" is no hexadecimal number"},
		{"{\"names\":\"a.test\",\"issuer\":\"x\",\"serial\":\"1\"}", "names"},
		{"{\"names\":[\"a.test\"],\"serial\":\"1\"}", "issuer"},
		{"{\"names\":[\"a.test\"],\"issuer\":\"x\",\"serial\":\"1\",\"not_after\":\"soon\"}", "not_after"},
		{"[{\"name_value\":\"a.test\",\"serial_number\":\"1\"}]", "issuer_name"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct ct *c = ct_new();
		assert_int_equal(read_text(c, cases[i].text, ct_read, &e), -1);
		if (e.kind != ERR_PARSE || !strstr(e.msg, cases[i].words) || !strstr(e.hint, "crt.sh"))
			fail_msg("%zu: %s (%s)", i, e.msg, e.hint);
		err_done(&e);
		ct_free(c);
	}
	struct err e = {0};
	struct ct *c = ct_new();
	assert_int_equal(read_text(c, "12\nnot one\n", ct_read_known, &e), -1);
	assert_non_null(strstr(e.msg, "line 2"));
	err_done(&e);
	assert_int_equal(ct_read(c, "/nowhere/at/all", &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	err_done(&e);
	ct_free(c);
}

static void test_issuers(void **state)
{
	static const struct {
		const char *issuer, *meant;
		bool is;
	} cases[] = {
		{"C=US, O=Let's Encrypt, CN=R11", "Let's Encrypt", true},
		{"C=US, O=Let's Encrypt, CN=R11", "let's encrypt", true},
		{"C=US, O=Let's Encrypt, CN=R11", "R11", true},
		{"C=US, O=Let's Encrypt, CN=R11", "C=US, O=Let's Encrypt, CN=R11", true},
		{"C=US, O=Let's Encrypt, CN=R11", "US", false},
		{"C=US, O=Let's Encrypt, CN=R11", "Let's", false},
		{"C=US, O=Let's Encrypt, CN=R11", "R1", false},
		{"C=US, OU=R11, O=x", "R11", false},
		{"/C=US/O=Google Trust Services/CN=WE1", "Google Trust Services", true},
		{"C = US, O = Google Trust Services, CN = WE1", "WE1", true},
		{"C=US, O=\"Cloudflare, Inc.\", CN=x", "Cloudflare, Inc.", true},
		{"O=x", "", false},
		{"", "x", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (ct_issuer_is(cases[i].issuer, cases[i].meant) != cases[i].is)
			fail_msg("%s, %s", cases[i].issuer, cases[i].meant);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_name),
		cmocka_unit_test(test_crtsh),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_issuers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
