/* test_rotation.c: the overlap rule, step by step, and a rotation that went through its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "inventory/apply.h"
#include "inventory/rotation.h"

enum { NOW = 1000 };

/* One RRset whose value changes, one that only gets another, one with nothing to do, one that only loses a value. */
static struct rotation begun(bool accounts_only)
{
	AUTO(plan_done) struct plan p = {0};
	struct plan_rrset *r = plan_add(&p, PROVIDER_TXT, "_validation-persist.a.example", "a.example", 60);
	strv_add(&r->standing, "\"old\"");
	r->cache_s = 30;
	plan_item_add(r, PLAN_CHANGE, "\"new\"", "\"old\"", "ca", "reason");
	plan_item_add(r, PLAN_REMOVE, "\"written\"", NULL, "", "reason");
	plan_item_add(r, PLAN_UNKNOWN, "\"foreign\"", NULL, "", "reason");
	r = plan_add(&p, PROVIDER_TXT, "_validation-persist.b.example", "b.example", 60);
	r->cache_s = 90;
	plan_item_add(r, PLAN_ADD, "\"new\"", NULL, "ca", "reason");
	r = plan_add(&p, PROVIDER_TXT, "_validation-persist.c.example", "c.example", 60);
	plan_item_add(r, PLAN_KEEP, "\"new\"", NULL, "ca", "reason");
	r = plan_add(&p, PROVIDER_TXT, "_validation-persist.d.example", "d.example", 60);
	plan_item_add(r, PLAN_KEEP, "\"new\"", NULL, "ca", "reason");
	plan_item_add(r, PLAN_REMOVE, "\"old\"", NULL, "ca", "reason");
	struct rotation rot;
	rotation_begin(&rot, "account", "", NOW, &p, accounts_only);
	return rot;
}

static void test_what_is_taken_from_a_plan(void **state)
{
	(void)state;
	AUTO(rotation_done) struct rotation all = begun(false), some = begun(true);
	assert_int_equal(all.n, 3);
	assert_true(all.v[0].add.n == 1 && all.v[0].del.n == 2 && strv_has(&all.v[0].del, "\"written\""));
	assert_int_equal(all.v[0].cache_s, 60); /* the TTL of what stands, where servers told less */
	assert_int_equal(all.v[1].cache_s, 90);
	assert_true(all.v[2].add.n == 1 && all.v[2].del.n == 1); /* what is kept is to be seen first */
	assert_true(some.v[0].del.n == 1 && strv_has(&some.v[0].del, "\"old\""));
}

static void took(struct rotation *r, size_t i, enum apply_outcome outcome, const struct strv *added, int64_t now)
{
	struct plan_rrset set = {.type = r->v[i].type, .owner = r->v[i].owner};
	struct apply_report report = {.rrset = &set, .outcome = outcome, .added = added};
	rotation_took(r, &report, now);
}

static void test_steps(void **state)
{
	(void)state;
	AUTO(rotation_done) struct rotation r = begun(false);
	AUTO(strv_done) struct strv added = {0}, ordered = {0}, held = {0}, none = {0};
	strv_add(&added, "\"new\"");
	AUTO(plan_done) struct plan p = {0}, q = {0};
	rotation_plan(&r, ROTATION_PUBLISH, &p);
	assert_true(p.n == 3 && plan_count(&p, PLAN_ADD) == 3 && !plan_count(&p, PLAN_REMOVE));
	took(&r, 0, APPLY_NOT_SERVED, &added, NOW);
	took(&r, 0, APPLY_CHANGED, &added, NOW);
	took(&r, 0, APPLY_FAILED, NULL, NOW);
	assert_int_equal(r.v[0].phase, ROTATION_PUBLISH);
	took(&r, 0, APPLY_SERVED, &added, NOW);
	took(&r, 1, APPLY_SERVED, &added, NOW);
	took(&r, 2, APPLY_SERVED, NULL, NOW);
	assert_int_equal(r.v[0].phase, ROTATION_HOLD);
	assert_int_equal(r.v[0].until, NOW + 61);
	assert_int_equal(r.v[1].phase, ROTATION_DONE); /* nothing old there */
	assert_int_equal(rotation_until(&r), NOW + 1); /* d.example: nobody said how long */
	assert_int_equal(rotation_advance(&r, NOW, &none, &held), 0);
	assert_int_equal(rotation_advance(&r, NOW + 1, &none, &held), 1);
	assert_int_equal(r.v[2].phase, ROTATION_PUBLISH);
	/* An order for a name below keeps it, one for another name does not. */
	strv_add(&ordered, "www.a.example");
	assert_int_equal(rotation_advance(&r, NOW + 61, &ordered, &held), 0);
	assert_true(held.n == 1 && !strcmp(held.v[0], r.v[0].owner));
	strv_done(&ordered);
	strv_add(&ordered, "a.example.net");
	assert_int_equal(rotation_advance(&r, NOW + 61, &ordered, &held), 1);
	/* Looked at once more: one still stands, the other had to be put back. */
	took(&r, 0, APPLY_SERVED, NULL, NOW + 62);
	took(&r, 2, APPLY_SERVED, &added, NOW + 62);
	assert_int_equal(r.v[0].phase, ROTATION_REMOVE);
	assert_int_equal(r.v[2].phase, ROTATION_HOLD);
	rotation_plan(&r, ROTATION_REMOVE, &q);
	assert_true(q.n == 1 && plan_count(&q, PLAN_REMOVE) == 2 && !plan_count(&q, PLAN_ADD));
	took(&r, 0, APPLY_NOT_SERVED, NULL, NOW + 63);
	assert_int_equal(r.v[0].phase, ROTATION_REMOVE);
	took(&r, 0, APPLY_SERVED, NULL, NOW + 64);
	assert_int_equal(r.v[0].phase, ROTATION_DONE);
	assert_int_equal(rotation_count(&r, ROTATION_DONE), 2);
}

static void test_through_a_file(void **state)
{
	char dir[] = "/tmp/rotationXXXXXX";
	struct err e = {0};
	struct stat st;
	bool found;
	(void)state;
	assert_non_null(mkdtemp(dir));
	AUTO(xfreep) char *records = xasprintf("%s/records", dir), *path = xasprintf("%s/rotation.json", records);
	AUTO(rotation_done) struct rotation r = begun(false), got = {0}, none = {0};
	assert_int_equal(rotation_load(dir, &none, &found, &e), 0);
	assert_false(found);
	assert_int_equal(fs_mkdirs(records, 0700, &e), 0);
	r.v[0].phase = ROTATION_HOLD;
	r.v[0].until = 4711;
	assert_int_equal(rotation_save(dir, &r, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rotation_load(dir, &got, &found, &e), 0);
	assert_true(found && got.n == r.n && !strcmp(got.kind, "account") && got.begun == NOW);
	assert_true(got.v[0].phase == ROTATION_HOLD && got.v[0].until == 4711 && got.v[0].cache_s == 60);
	assert_true(strv_same_set(&got.v[0].del, &r.v[0].del) && strv_same_set(&got.v[0].add, &r.v[0].add));
	static const char *const bad[] = {"{\"version\":2}", "{\"version\":1}", "{",
		"{\"version\":1,\"kind\":\"k\",\"what\":\"\",\"rrsets\":[{\"type\":\"TXT\",\"owner\":\"o\",\"name\":"
		"\"o\","
		"\"phase\":\"burn\"}]}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(fs_write_atomic(path, bad[i], strlen(bad[i]), 0600, &e), 0);
		assert_int_equal(rotation_load(dir, &none, &found, &e), -1);
		assert_non_null(strstr(e.msg, "rotation.json"));
		err_done(&e);
	}
	assert_int_equal(rotation_forget(dir, &e), 0);
	assert_int_equal(rotation_forget(dir, &e), 0);
	assert_false(fs_exists(path));
	assert_int_equal(fs_remove_tree(dir, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_taken_from_a_plan),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_through_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
