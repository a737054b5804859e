/* test_switch.c: names exchanged for links and back, from every state that a killed run can leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/switch.h"

struct place {
	char dir[64];
	char *ours, *theirs, *kept;
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	struct err e = {0};
	strncpy(p->dir, "/tmp/perdure-switch-XXXXXX", sizeof(p->dir) - 1);
	assert_non_null(mkdtemp(p->dir));
	p->ours = xasprintf("%s/ours", p->dir);
	p->theirs = xasprintf("%s/theirs", p->dir);
	p->kept = switch_kept_name(p->theirs);
	assert_int_equal(fs_write_atomic(p->ours, "new", 3, 0600, &e), 0);
	assert_int_equal(fs_write_atomic(p->theirs, "old", 3, 0600, &e), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	fs_remove_tree(p->dir, &e);
	free(p->ours);
	free(p->theirs);
	free(p->kept);
	free(p);
	return 0;
}

static void check_reads(const struct place *p, const char *expected)
{
	AUTO(buf_done) struct buf b = buf_make(100);
	struct err e = {0};
	assert_int_equal(fs_read(p->theirs, &b, &e), 0);
	assert_string_equal(buf_str(&b), expected);
}

static void switch_and_back(struct place *p, bool changes)
{
	struct err e = {0};
	bool changed;
	if (switch_to(p->theirs, p->ours, &changed, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(changed, changes);
	assert_true(switch_is_done(p->theirs));
	check_reads(p, "new");
	assert_int_equal(switch_to(p->theirs, p->ours, &changed, &e), 0);
	assert_false(changed);
	assert_int_equal(switch_back(p->theirs, &changed, &e), 0);
	assert_true(changed);
	assert_false(switch_is_done(p->theirs));
	assert_false(fs_exists(p->kept));
	check_reads(p, "old");
	assert_int_equal(switch_back(p->theirs, &changed, &e), 0);
	assert_false(changed);
}

static void test_there_and_back(void **state)
{
	switch_and_back(*state, true);
	switch_and_back(*state, true);
}

/* Killed after the link was made, before the exchange. */
static void test_killed_before(void **state)
{
	struct place *p = *state;
	assert_int_equal(symlink("/somewhere/else", p->kept), 0);
	switch_and_back(p, true);
	struct err e = {0};
	bool changed;
	assert_int_equal(symlink(p->ours, p->kept), 0);
	assert_int_equal(switch_back(p->theirs, &changed, &e), 0);
	assert_false(changed);
	assert_false(fs_exists(p->kept));
	check_reads(p, "old");
}

/* Killed after an undo's exchange: the link is left under the kept name, as above. A folder goes as a file does. */
static void test_folder(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	bool changed;
	assert_int_equal(unlink(p->theirs), 0);
	assert_int_equal(mkdir(p->theirs, 0700), 0);
	assert_int_equal(switch_to(p->theirs, p->dir, &changed, &e), 0);
	assert_true(changed && switch_is_done(p->theirs));
	assert_int_equal(switch_back(p->theirs, &changed, &e), 0);
	assert_true(changed && !switch_is_done(p->theirs));
}

static void test_refused(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	bool changed;
	/* Nothing there, a link of somebody else, and both names taken. */
	assert_int_equal(unlink(p->theirs), 0);
	assert_int_equal(switch_to(p->theirs, p->ours, &changed, &e), -1);
	assert_int_equal(e.kind, ERR_POLICY);
	assert_int_equal(symlink("/etc/hostname", p->theirs), 0);
	assert_int_equal(switch_to(p->theirs, p->ours, &changed, &e), -1);
	assert_non_null(strstr(e.msg, "symbolic link"));
	assert_int_equal(switch_back(p->theirs, &changed, &e), 0);
	assert_false(changed);
	assert_int_equal(unlink(p->theirs), 0);
	assert_int_equal(fs_write_atomic(p->theirs, "old", 3, 0600, &e), 0);
	assert_int_equal(fs_write_atomic(p->kept, "older", 5, 0600, &e), 0);
	assert_int_equal(switch_to(p->theirs, p->ours, &changed, &e), -1);
	assert_non_null(strstr(e.msg, "is there already"));
	check_reads(p, "old");
	err_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_killed_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
