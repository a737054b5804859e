/* test_acmeaccounts.c: files of accounts at acme-dns, whoever wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "provider/acmeaccounts.h"

#define ACCOUNT(n)                                                                                                     \
	"{\"username\":\"u" n "\",\"password\":\"p" n "\",\"fulldomain\":\"s" n ".adns.test\",\"subdomain\":\"s" n "\"}"

struct file {
	char dir[32];
	char *path;
	struct config_provider_value value;
	struct config_provider conf;
};

static int set_up(void **state)
{
	static char name[] = "adns", type[] = "acme-dns";
	struct file *f = xcalloc(1, sizeof(*f));
	strncpy(f->dir, "/tmp/perdure-adns-XXXXXX", sizeof(f->dir) - 1);
	assert_non_null(mkdtemp(f->dir));
	f->path = xasprintf("%s/accounts.json", f->dir);
	f->value = (struct config_provider_value){.key = "accounts_file", .s = f->path};
	f->conf = (struct config_provider){.name = name, .type = type, .values = &f->value, .n_values = 1};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct file *f = *state;
	struct err e = {0};
	assert_int_equal(fs_remove_tree(f->dir, &e), 0);
	free(f->path);
	free(f);
	return 0;
}

static void put(const struct file *f, const char *text, mode_t mode)
{
	struct err e = {0};
	assert_int_equal(fs_write_atomic(f->path, text, strlen(text), mode, &e), 0);
}

static const char *target(const struct file *f, struct acmeaccounts *a, bool one, const char *domain)
{
	const struct acmeaccount *found = NULL;
	struct err e = {0};
	assert_int_equal(acmeaccounts_read(a, &f->conf, &e), 0);
	if (acmeaccounts_for(a, &f->conf, one, domain, &found, &e)) {
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_int_equal(e.retry, RETRY_AFTER_OPERATOR);
		assert_true(e.hint[0] != '\0');
		err_done(&e);
		return NULL;
	}
	return found->fulldomain;
}

static void forms(void **state)
{
	static const struct {
		const char *text, *domain, *target;
		bool one;
	} rows[] = {
		{"{\"a.test\":" ACCOUNT("1") ",\"b.test\":" ACCOUNT("2") "}", "b.test", "s2.adns.test", false},
		{"{\"*.A.test.\":" ACCOUNT("1") "}", "a.test", "s1.adns.test", false},
		{"{\"a.test\":" ACCOUNT("1") "}", "b.test", NULL, false},
		{"{\"a.test\":" ACCOUNT("1") "}", "a.test", NULL, true},
		{ACCOUNT("1"), "anything.test", "s1.adns.test", true},
		{ACCOUNT("1"), "a.test", NULL, false},
		{"{\"a.test\":{\"Username\":\"u\",\"Password\":\"p\",\"FullDomain\":\"S.ADNS.test.\",\"SubDomain\":"
		 "\"s\","
		 "\"server_url\":\"https://x\",\"allowfrom\":[]}}",
			"a.test", "s.adns.test", false},
		{"{}", "a.test", NULL, false},
	};
	struct file *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(acmeaccounts_done) struct acmeaccounts a = {0};
		put(f, rows[i].text, 0600);
		const char *found = target(f, &a, rows[i].one, rows[i].domain);
		assert_int_equal(found != NULL, rows[i].target != NULL);
		if (found)
			assert_string_equal(found, rows[i].target);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{\"a.test\":",
		"{\"a.test\":1}",
		"{\"a.test\":{\"username\":\"u\",\"password\":\"p\",\"fulldomain\":\"s.x\"}}",
		"{\"a.test\":{\"username\":\"u v\",\"password\":\"p\",\"fulldomain\":\"s.x\",\"subdomain\":\"s\"}}",
		"{\"a.test\":{\"username\":\"u\\r\\nX: "
		"y\",\"password\":\"p\",\"fulldomain\":\"s.x\",\"subdomain\":\"s\"}}",
		"{\"a.test\":{\"username\":\"u\",\"password\":\"p\",\"fulldomain\":\"s.x\",\"subdomain\":\"t\"}}",
		"{\"a.test\":{\"username\":\"u\",\"password\":\"p\",\"fulldomain\":\"s.x y\",\"subdomain\":\"s\"}}",
	};
	struct file *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts) + 1; i++) {
		AUTO(acmeaccounts_done) struct acmeaccounts a = {0};
		struct err e = {0};
		bool readable = i == ARRAY_LEN(texts);
		put(f, readable ? ACCOUNT("1") : texts[i], readable ? 0640 : 0600);
		assert_int_equal(acmeaccounts_read(&a, &f->conf, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, f->path));
		assert_int_equal(a.n, 0);
		err_done(&e);
	}
}

/* What others wrote stays letter by letter, and the file is seen to have changed. */
static void added(void **state)
{
	static const char *const before[] = {
		NULL, "{}", " { }\n", "{ \"a.test\" :\n " ACCOUNT("1") "\n\n}\n\n", "{\"a.test\":" ACCOUNT("1") "}"};
	struct file *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		AUTO(acmeaccounts_done) struct acmeaccounts a = {0};
		AUTO(buf_done) struct buf b = buf_make(10000);
		struct err e = {0};
		struct stat st;
		unlink(f->path);
		if (before[i])
			put(f, before[i], 0600);
		assert_null(target(f, &a, false, "b.test"));
		assert_int_equal(acmeaccounts_add(&a, "b.test", ACCOUNT("2"), &e), 0);
		assert_string_equal(target(f, &a, false, "b.test"), "s2.adns.test");
		assert_int_equal(acmeaccounts_add(&a, "c.test", ACCOUNT("3"), &e), 0);
		assert_string_equal(target(f, &a, false, "c.test"), "s3.adns.test");
		assert_int_equal(a.n, i < 3 ? 2 : 3);
		assert_ptr_equal(acmeaccounts_at(&a, "s3.adns.test"), &a.v[a.n - 1]);
		assert_null(acmeaccounts_at(&a, "s4.adns.test"));
		assert_int_equal(stat(f->path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(fs_read(f->path, &b, &e), 0);
		if (i == 3)
			assert_memory_equal(buf_str(&b), before[i], strlen(before[i]) - 5);
	}
	AUTO(acmeaccounts_done) struct acmeaccounts a = {0};
	struct err e = {0};
	unlink(f->path);
	assert_null(target(f, &a, true, "x.test"));
	assert_int_equal(acmeaccounts_add(&a, "", ACCOUNT("9"), &e), 0);
	assert_string_equal(target(f, &a, true, "x.test"), "s9.adns.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forms, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(added, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
