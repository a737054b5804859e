/* test_init.c: the schema table agrees with itself, and the first configuration made from it loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "config/form.h"
#include "config/init.h"
#include "memory.h"

static void schema_rows(void **state)
{
	(void)state;
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		const struct schema_key *k = &schema_keys[id];
		assert_non_null(k->name);
		assert_non_null(k->help);
		assert_int_equal(schema_find(k->parent, k->name), id);
		enum schema_type up = schema_keys[k->parent].type;
		assert_true(up == SCHEMA_MAP || up == SCHEMA_LIST);
		bool inner = k->type == SCHEMA_MAP || k->type == SCHEMA_LIST;
		assert_true(inner || k->def || k->example);
		assert_true(k->type != SCHEMA_WORD || k->words);
		assert_true(k->type != SCHEMA_WORD || !k->def || schema_has_word(k->words, k->def));
		int64_t v = k->min;
		if (k->type == SCHEMA_INT && k->def)
			assert_int_equal(form_int(k->def, &v), 0);
		if (k->type == SCHEMA_DURATION && k->def)
			assert_int_equal(form_duration(k->def, &v), 0);
		assert_true(v >= k->min && v <= k->max);
	}
	assert_string_equal(schema_path(SCHEMA_CA_EAB_KID).text, "cas[].eab.kid");
	assert_string_equal(schema_path(SCHEMA_STUB_PORT).text, "dns.stubs[].port");
}

static void suggestions(void **state)
{
	(void)state;
	assert_string_equal(schema_suggest(SCHEMA_ROOT, "certificate"), "certificates");
	assert_string_equal(schema_suggest(SCHEMA_ROOT, "statedir"), "state_dir");
	assert_string_equal(schema_suggest(SCHEMA_DNS, "resolver"), "resolvers");
	assert_null(schema_suggest(SCHEMA_ROOT, "wombat"));
	assert_null(schema_suggest(SCHEMA_ROOT, "a_very_long_key_that_nobody_would_ever_have_written_here"));
}

static void durations(void **state)
{
	(void)state;
	static const struct {
		const char *s;
		int64_t ms;
	} table[] = {{"10s", 10000}, {"5m", 300000}, {"2h", 7200000}, {"30d", 2592000000}, {"7", 7000}, {"0s", 0},
		{"", -1}, {"s", -1}, {"-1s", -1}, {"1 s", -1}, {"1w", -1}, {"1ss", -1}, {"01s", -1}, {"1.5s", -1}};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t ms = -1;
		int r = form_duration(table[i].s, &ms);
		assert_int_equal(r, table[i].ms < 0 ? -1 : 0);
		assert_int_equal(ms, table[i].ms);
	}
}

static void text_loads(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(xfreep) char *bare = config_init_text(NULL, NULL, NULL);
	AUTO(config_freep) struct config *c = NULL;
	if (memory_load(bare, NULL, &c, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(c->n_cas, 0);
	AUTO(strv_done) struct strv names = {0};
	strv_add(&names, "example.com");
	strv_add(&names, "*.example.com");
	AUTO(xfreep) char *full = config_init_text("google", &names, "/srv/perdure");
	AUTO(config_freep) struct config *d = NULL;
	if (memory_load(full, NULL, &d, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(d->n_cas, 1);
	assert_int_equal(d->certs[0].names.n, 2);
	assert_string_equal(d->state_dir, "/srv/perdure");
	assert_non_null(strstr(full, "external account binding"));
}

/* Takes the '#' from commented keys: those are followed by a letter or by more than one blank. */
static char *uncomment(const char *text)
{
	struct buf b = buf_make(1 << 20);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n") + 1;
		bool key = p[0] == '#' && (p[1] != ' ' || p[2] == ' ') && p[1] != '\n';
		buf_put(&b, p + key, n - key);
		p += n;
	}
	return buf_take(&b);
}

static void every_key_is_there_and_loads(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(xfreep) char *text = config_init_text(NULL, NULL, NULL);
	AUTO(xfreep) char *all = uncomment(text);
	AUTO(config_freep) struct config *c = NULL;
	/* Of two keys that exclude each other one stays a comment. */
	*strstr(all, "  webroot:") = '#';
	for (int i = 0; i < 2; i++) /* of delegations */
		*strstr(all, "  provider:") = '#';
	if (memory_load(all, "listed.example\n", &c, &e))
		fail_msg("%s\n%s", e.msg, all);
	assert_int_equal(c->n_cas, 1);
	assert_int_equal(c->n_certs, 2);
	assert_string_equal(c->state_dir, "/var/lib/perdure");
	assert_int_equal(c->dns.n_stubs, 1);
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		AUTO(xfreep) char *key = xasprintf("%s:", schema_keys[id].name);
		assert_non_null(strstr(all, key));
		assert_non_null(strstr(all, schema_keys[id].help));
	}
}

static void written_once(void **state)
{
	(void)state;
	char dir[] = "/tmp/perdure-init-XXXXXX";
	assert_non_null(mkdtemp(dir));
	AUTO(xfreep) char *path = xasprintf("%s/new/perdure.yaml", dir);
	AUTO(strv_done) struct strv names = {0};
	strv_add(&names, "B\xc3\xbc"
			 "cher.example");
	struct err e = {0};
	assert_int_equal(config_init_write(path, "gogle", &names, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "google"));
	err_done(&e);
	assert_int_equal(config_init_write(path, NULL, &names, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "needs a CA"));
	err_done(&e);
	assert_false(fs_exists(path));
	if (config_init_write(path, "letsencrypt-staging", &names, NULL, &e))
		fail_msg("%s", e.msg);
	AUTO(config_freep) struct config *c = NULL;
	assert_int_equal(config_load(path, &c, &e), 0);
	assert_string_equal(c->certs[0].name, "xn--bcher-kva.example");
	struct stat before;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0644);
	assert_int_equal(config_init_write(path, NULL, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "exists already"));
	err_done(&e);
	struct stat after;
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	strv_add(&names, "192.0.2.1");
	AUTO(xfreep) char *other = xasprintf("%s/other.yaml", dir);
	assert_int_equal(config_init_write(other, "google", &names, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "IP address"));
	assert_false(fs_exists(other));
	err_done(&e);
	assert_int_equal(fs_remove_tree(dir, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_rows),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(durations),
		cmocka_unit_test(text_loads),
		cmocka_unit_test(every_key_is_there_and_loads),
		cmocka_unit_test(written_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
