/* test_plan.c: whose a record is, what is to be done with an RRset, and a plan that went through a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <perdure/hash.h>
#include <perdure/persist.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/cafacts.h"
#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/planfile.h"
#include "inventory/site.h"
#include "provider/rdata.h"

#define URL "https://ca.example/acct/1"
#define OTHER "https://ca.example/acct/2"
#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define OLD_KEY "AzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define PREFIX "https://ca.example/account-hash/"
#define V(rest) "ca.example;accounturi=" URL rest

static struct ours made_ours(void)
{
	static char name[] = "ca", url[] = URL, key[] = KEY, old[] = OLD_KEY, issuer[] = "ca.example",
		    prefix[] = PREFIX;
	static char *keys[] = {key, old}, *issuers[] = {issuer};
	static const struct config_ca conf = {.name = name};
	struct site_ca ca = {.conf = &conf, .account = {.url = url, .thumbprints = {keys, 2, 2}}};
	struct cafacts f = {.issuers = {issuers, 1, 1}, .prefix = prefix};
	struct ours o = {0};
	ours_add(&o, &ca, &f);
	return o;
}

static char *hashed(const char *domain, const char *key)
{
	static const struct perdure_hash hash = {.fn = perdure_hash_openssl};
	char *uri;
	assert_int_equal(perdure_account_uri(&hash, "sha-256", PREFIX, domain, key, URL, &uri), PERDURE_OK);
	char *value = xasprintf("ca.example;accounturi=%s", uri);
	perdure_free(uri);
	return value;
}

static void test_whose(void **state)
{
	(void)state;
	AUTO(ours_done) struct ours o = made_ours();
	AUTO(xfreep)
	char *mine = hashed("example.com", KEY), *before = hashed("example.com", OLD_KEY), *any = hashed("*", KEY),
	     *elsewhere = hashed("example.net", KEY);
	const struct {
		const char *value;
		bool ours;
	} rows[] = {
		{V(""), true},
		{V(";policy=wildcard;persistUntil=1"), true},
		{"ca.example; accounturi=" URL, true},
		{mine, true},
		{before, true},
		{any, true},
		{elsewhere, false},
		{"ca.example;accounturi=" OTHER, false},
		{"other.example;accounturi=" URL, false},
		{"ca.example;accounturi=" PREFIX "md5/AA", false},
		{"v=spf1 -all", false},
		{"", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *ca = ours_whose(&o, "example.com", rows[i].value, strlen(rows[i].value));
		assert_int_equal(ca != NULL, rows[i].ours);
		assert_true(!ca || !strcmp(ca, "ca"));
	}
}

/* "action data" of each item, "action data<old" for changes, in their order; data without its quotes. */
static char *summary(const struct plan_rrset *r)
{
	struct buf b = buf_make(1 << 20);
	for (size_t i = 0; i < r->n; i++) {
		const struct plan_item *it = &r->items[i];
		AUTO(buf_done) struct buf data = buf_make(RDATA_MAX), old = buf_make(RDATA_MAX);
		rdata_text(it->data, &data);
		if (it->old)
			rdata_text(it->old, &old);
		buf_printf(&b, "%s%s %s%s%s", i ? "|" : "", plan_action_name(it->action), buf_str(&data),
			it->old ? "<" : "", buf_str(&old));
		assert_true(strlen(it->reason) > 5);
	}
	return buf_take(&b);
}

static void test_decisions(void **state)
{
	static const struct {
		const char *standing[4];
		const char *wanted; /* NULL: none */
		const char *blocked;
		const char *expect;
	} rows[] = {
		{{NULL}, V(""), NULL, "add " V("")},
		{{NULL}, V(""), "a CNAME", "blocked " V("")},
		{{V("")}, V(""), NULL, "keep " V("")},
		{{V("")}, V(""), "a CNAME", "keep " V("")},
		{{"ca.example; accounturi=" URL " "}, V(""), NULL, "keep ca.example; accounturi=" URL " "},
		{{V(";policy=wildcard")}, V(""), NULL, "keep " V(";policy=wildcard")},
		{{V("")}, V(";policy=wildcard"), NULL, "change " V(";policy=wildcard") "<" V("")},
		{{V(";persistUntil=5")}, V(""), NULL, "change " V("") "<" V(";persistUntil=5")},
		{{V(";persistUntil=5")}, V(";persistUntil=9"), NULL,
			"change " V(";persistUntil=9") "<" V(";persistUntil=5")},
		{{V(";persistUntil=9")}, V(";persistUntil=5"), NULL, "keep " V(";persistUntil=9")},
		{{"ca.example;accounturi=" OTHER}, V(""), NULL, "add " V("") "|unknown ca.example;accounturi=" OTHER},
		{{"hello"}, V(""), NULL, "add " V("") "|unknown hello"},
		{{V(""), V(";policy=wildcard")}, V(";policy=wildcard"), NULL,
			"keep " V(";policy=wildcard") "|remove " V("")},
		{{V("")}, NULL, NULL, "remove " V("")},
		{{"hello"}, NULL, NULL, "unknown hello"},
	};
	(void)state;
	AUTO(ours_done) struct ours o = made_ours();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(plan_done) struct plan p = {0};
		struct plan_rrset *r = plan_add(&p, PROVIDER_TXT, "_validation-persist.example.com", "example.com", 60);
		for (size_t k = 0; k < 4 && rows[i].standing[k]; k++)
			strv_add_take(&r->standing, rdata_from_text(rows[i].standing[k], strlen(rows[i].standing[k])));
		r->blocked = rows[i].blocked ? xstrdup(rows[i].blocked) : NULL;
		struct plan_want w = {.ca = "ca", .value = rows[i].wanted};
		plan_decide(r, &w, rows[i].wanted != NULL, &o, false);
		AUTO(xfreep) char *got = summary(r);
		assert_string_equal(got, rows[i].expect);
	}
}

/* As summary(), for data that is no text. */
static char *plain_summary(const struct plan_rrset *r)
{
	struct buf b = buf_make(1 << 20);
	for (size_t i = 0; i < r->n; i++)
		buf_printf(&b, "%s%s %s%s%s", i ? "|" : "", plan_action_name(r->items[i].action), r->items[i].data,
			r->items[i].old ? "<" : "", r->items[i].old ? r->items[i].old : "");
	return buf_take(&b);
}

/* Only an alias that leads to a validation zone of ours gives way. */
static void test_delegations(void **state)
{
	static const struct {
		const char *standing, *wanted, *blocked, *expect;
	} rows[] = {
		{NULL, "a.v.example", NULL, "add a.v.example."},
		{"a.v.example.", "a.v.example", NULL, "keep a.v.example."},
		{"b.v.example.", "a.v.example", NULL, "change a.v.example.<b.v.example."},
		{"b.other.example.", "a.v.example", NULL, "blocked a.v.example.|unknown b.other.example."},
		{"b.notv.example.", "a.v.example", NULL, "blocked a.v.example.|unknown b.notv.example."},
		{NULL, "a.v.example", "TXT beside", "blocked a.v.example."},
		{"a.v.example.", NULL, NULL, "remove a.v.example."},
		{"b.other.example.", NULL, NULL, "unknown b.other.example."},
		{NULL, NULL, NULL, ""},
	};
	(void)state;
	AUTO(ours_done) struct ours o = {0};
	strv_add(&o.zones, "v.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(plan_done) struct plan p = {0};
		struct plan_rrset *r = plan_add(&p, PROVIDER_CNAME, "_acme-challenge.example.com", "example.com", 60);
		if (rows[i].standing)
			strv_add(&r->standing, rows[i].standing);
		r->blocked = rows[i].blocked ? xstrdup(rows[i].blocked) : NULL;
		struct plan_want w = {.kind = PLAN_DELEGATION, .ca = "ca", .value = rows[i].wanted};
		plan_decide(r, &w, rows[i].wanted != NULL, &o, false);
		AUTO(xfreep) char *got = plain_summary(r);
		assert_string_equal(got, rows[i].expect);
		assert_true(!strstr(rows[i].expect, "blocked") || r->blocked);
	}
}

/* A record that grants more counts, unless the plan is to be exact. */
static void test_exact(void **state)
{
	(void)state;
	AUTO(ours_done) struct ours o = made_ours();
	for (int exact = 0; exact < 2; exact++) {
		AUTO(plan_done) struct plan p = {0};
		struct plan_rrset *r = plan_add(&p, PROVIDER_TXT, "_validation-persist.example.com", "example.com", 60);
		strv_add(&r->standing, "\"" V(";persistUntil=9") "\"");
		struct plan_want w = {.ca = "ca", .value = V(";persistUntil=5")};
		plan_decide(r, &w, 1, &o, exact);
		AUTO(xfreep) char *got = summary(r);
		assert_string_equal(got,
			exact ? "change " V(";persistUntil=5") "<" V(";persistUntil=9") : "keep " V(";persistUntil=9"));
	}
}

static void test_changes(void **state)
{
	(void)state;
	AUTO(plan_done) struct plan p = {0};
	AUTO(strv_done) struct strv add = {0}, del = {0}, add2 = {0}, del2 = {0};
	struct plan_rrset *r = plan_add(&p, PROVIDER_TXT, "o", "o", 60);
	plan_item_add(r, PLAN_ADD, "\"a\"", NULL, "ca", "reason");
	plan_item_add(r, PLAN_CHANGE, "\"b\"", "\"c\"", "ca", "reason");
	plan_item_add(r, PLAN_REMOVE, "\"d\"", NULL, "ca", "reason");
	plan_item_add(r, PLAN_KEEP, "\"e\"", NULL, "ca", "reason");
	plan_item_add(r, PLAN_UNKNOWN, "\"f\"", NULL, "", "reason");
	plan_item_add(r, PLAN_BLOCKED, "\"g\"", NULL, "ca", "reason");
	plan_changes(r, false, &add, &del);
	assert_true(add.n == 2 && del.n == 1 && strv_has(&add, "\"a\"") && strv_has(&add, "\"b\"") &&
		    strv_has(&del, "\"c\""));
	plan_changes(r, true, &add2, &del2);
	assert_true(add2.n == 2 && del2.n == 2 && strv_has(&del2, "\"d\""));
}

static void test_through_a_file(void **state)
{
	char path[] = "/tmp/planXXXXXX";
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	AUTO(plan_done) struct plan p = {.made = 1795219200}, q = {0};
	AUTO(buf_done) struct buf text = buf_make(1 << 20), again = buf_make(1 << 20);
	struct plan_rrset *r = plan_add(&p, PROVIDER_TXT, "_validation-persist.example.com", "example.com", 60);
	strv_add(&r->standing, "\"a \\\"b\\\"\" \"c\"");
	r->observed = true;
	plan_item_add(r, PLAN_CHANGE, "\"n\"", "\"a \\\"b\\\"\" \"c\"", "ca", "because");
	r = plan_add(&p, PROVIDER_TXT, "_validation-persist.example.net", "example.net", 61);
	r->blocked = xstrdup("an alias");
	plan_item_add(r, PLAN_BLOCKED, "\"n\"", NULL, "ca", "an alias");
	planfile_write(&p, &text);
	struct err e = {0};
	assert_int_equal(fs_write_atomic(path, text.p, text.n, 0600, &e), 0);
	assert_int_equal(planfile_read(path, &q, &e), 0);
	planfile_write(&q, &again);
	assert_string_equal(buf_str(&text), buf_str(&again));
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"{\"version\":2,\"rrsets\":[]}", "version 2"},
		{"{\"version\":1}", "rrsets"},
		{"[]", "version 0"},
		{"{\"version\":1,\"rrsets\":[{\"owner\":\"o\",\"name\":\"o\",\"items\":[{\"action\":\"burn\",\"data\":"
		 "\"\\\"x\\\"\"}]}]}",
			"burn"},
		{"{\"version\":1,\"rrsets\":[{\"owner\":\"o\",\"name\":\"o\",\"items\":[{\"action\":\"change\","
		 "\"data\":\"\\\"x\\\"\"}]}]}",
			"old"},
		{"{\"version\":1,\"rrsets\":[{\"owner\":\"o\",\"name\":\"o\",\"items\":[{\"action\":\"add\",\"data\":"
		 "\"\\\"x\"}]}]}",
			"item 1 of o"},
		{"{\"version\":1,", "line 1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct plan none = {0};
		assert_int_equal(fs_write_atomic(path, bad[i].text, strlen(bad[i].text), 0600, &e), 0);
		assert_int_equal(planfile_read(path, &none, &e), -1);
		assert_non_null(strstr(e.msg, bad[i].words));
		err_done(&e);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_delegations),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_through_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
