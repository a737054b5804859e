/* test_aside.c: a damaged database is renamed, never to a name that is taken, and what can be read of it is taken over.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "state/aside.h"
#include "state/deployrows.h"
#include "state/sqlite.h"
#include "state/valuerows.h"
#include "support/store.h"

enum { NOW = 1795340512 }; /* 2026-11-22T09:41:52Z */

static char *below(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make(const char *dir, const char *name, const char *text)
{
	AUTO(xfreep) char *path = below(dir, name);
	scratch_write(path, text, strlen(text));
}

static void check_text(const char *path, const char *text)
{
	AUTO(xfreep) char *is = scratch_read(path);
	assert_string_equal(is, text);
}

static void test_names(void **state)
{
	static const char *const ends[] = {"", "-3", "-4"};
	const char *dir = *state;
	char when[CLOCK_TEXT_MAX];
	clock_rfc3339(NOW, when);
	assert_string_equal(when, "2026-11-22T09:41:52Z");
	/* A log alone takes the name, too. */
	make(dir, "perdure.db.damaged-20261122T094152Z-2-wal", "of another");
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct err e = {0};
		AUTO(xfreep) char *text = xasprintf("database %zu", i);
		AUTO(xfreep) char *to = NULL;
		AUTO(xfreep) char *wanted = xasprintf("%s/perdure.db.damaged-20261122T094152Z%s", dir, ends[i]);
		make(dir, "perdure.db", text);
		make(dir, "perdure.db-wal", "log");
		must(aside_put(dir, NOW, &to, &e), &e);
		assert_string_equal(to, wanted);
		check_text(to, text);
		AUTO(xfreep) char *wal = xasprintf("%s-wal", to);
		check_text(wal, "log");
		AUTO(xfreep) char *db = below(dir, "perdure.db");
		AUTO(xfreep) char *log = below(dir, "perdure.db-wal");
		assert_false(fs_exists(db) || fs_exists(log));
	}
	AUTO(xfreep) char *other = below(dir, "perdure.db.damaged-20261122T094152Z-2-wal");
	check_text(other, "of another");
}

static void test_log_alone(void **state)
{
	const char *dir = *state;
	assert_false(aside_log_alone(dir));
	make(dir, "perdure.db-wal", "");
	assert_false(aside_log_alone(dir));
	make(dir, "perdure.db-wal", "log");
	assert_true(aside_log_alone(dir));
	make(dir, "perdure.db", "");
	assert_true(aside_log_alone(dir));
	make(dir, "perdure.db", "x");
	assert_false(aside_log_alone(dir));
}

/* A database with many rows of each kind, closed. */
static char *fill(const char *dir, int n)
{
	struct err e = {0};
	struct store *s = open_store(dir);
	for (int i = 0; i < n; i++) {
		AUTO(xfreep) char *name = xasprintf("name-%04d.example.com", i);
		struct store_cert c = {
			.name = name, .ca = name + 5, .generation = 7, .failures = 3, .next_at = INT64_MAX};
		struct store_value v = {.owner = name, .text = name, .cert = name};
		struct store_deploy d = {.cert = name, .action = name, .generation = 7, .done = i % 2, .tries = 9};
		must(store_cert_put(s, &c, &e) || store_value_put(s, &v, &e) || store_deploy_put(s, &d, &e), &e);
		struct store_order o = {
			.cert = xstrdup(name), .key_pem = secret_dup(name, strlen(name)), .generation = 8};
		must(store_order_put(s, &o, &e), &e);
		store_order_done(&o);
	}
	struct store_account a = {.ca = xstrdup("ca"), .url = xstrdup("https://ca.example/1")};
	must(store_account_put(s, &a, &e), &e);
	store_account_done(&a);
	store_close(s);
	return database(dir);
}

struct seen {
	size_t certs, orders, values, deploys;
};

static int see_cert(const struct store_cert *c, void *ctx, struct err *e)
{
	struct seen *n = ctx;
	(void)e;
	assert_string_equal(c->ca, c->name + 5);
	assert_true(!c->generation && !c->failures && !c->next_at && !c->names.n);
	n->certs++;
	return 0;
}

static int see_order(const struct store_order *o, void *ctx, struct err *e)
{
	struct seen *n = ctx;
	(void)e;
	assert_int_equal(o->key_pem.n, strlen(o->cert));
	assert_memory_equal(o->key_pem.p, o->cert, o->key_pem.n);
	n->orders++;
	return 0;
}

static int see_value(const struct store_value *v, void *ctx, struct err *e)
{
	struct seen *n = ctx;
	(void)e;
	assert_string_equal(v->owner, v->cert);
	n->values++;
	return 0;
}

static int see_deploy(const struct store_deploy *d, void *ctx, struct err *e)
{
	struct seen *n = ctx;
	(void)e;
	assert_true(d->done && !d->tries);
	n->deploys++;
	return 0;
}

static struct seen salvage(const char *path, const char *dir)
{
	struct err e = {0};
	struct seen n = {0};
	struct store *s = open_store(dir);
	must(aside_salvage(path, s, &e), &e);
	must(store_commit(s, &e), &e);
	s = reopen(s, dir);
	must(store_cert_each(s, see_cert, &n, &e) || store_order_each(s, see_order, &n, &e) ||
			store_value_each(s, see_value, &n, &e) || store_deploy_each(s, NULL, see_deploy, &n, &e),
		&e);
	store_close(s);
	return n;
}

static void test_salvage(void **state)
{
	enum { N = 400 };
	AUTO(xfreep) char *from = below(*state, "from");
	AUTO(xfreep) char *path = fill(from, N);
	AUTO(xfreep) char *all = below(*state, "all");
	struct seen n = salvage(path, all);
	assert_true(n.certs == N && n.orders == N && n.values == N && n.deploys == N / 2);
	/* Whichever page is lost, everything on the others can be had, or the table is. */
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	AUTO(xfreep) char *octets = scratch_read(path);
	size_t pages = (size_t)st.st_size / 4096, kept = 0;
	for (size_t i = 0; i < pages; i += 7) {
		AUTO(xfreep) char *broken = below(*state, "broken.db");
		AUTO(xfreep) char *to = xasprintf("%s/%zu", (char *)*state, i);
		AUTO(xfreep) char *damaged = xmalloc((size_t)st.st_size);
		memcpy(damaged, octets, (size_t)st.st_size);
		memset(damaged + i * 4096, 0x5a, 4096);
		scratch_write(broken, damaged, (size_t)st.st_size);
		n = salvage(broken, to);
		size_t sum = n.certs + n.orders + n.values + 2 * n.deploys;
		assert_true(sum <= (size_t)4 * N);
		kept += i ? sum : 0;
	}
	assert_true(kept > (pages / 7 - 1) * 3 * N);
	/* No database at all. */
	AUTO(xfreep) char *none = below(*state, "none");
	n = salvage(none, none);
	assert_int_equal(n.certs + n.orders, 0);
}

/* What is told of damage, by the connection that met it, and by nothing else. */
static void test_met(void **state)
{
	struct err e = {0};
	AUTO(xfreep) char *path = fill(*state, 400);
	struct store *s = open_store(*state);
	struct seen n = {0};
	assert_false(store_met_damage(s));
	must(store_order_each(s, see_order, &n, &e), &e);
	struct store_order twice = {.cert = xstrdup("name-0000.example.com")};
	assert_int_equal(store_order_put(s, &twice, &e), -1);
	assert_false(store_met_damage(s) || store_err_damaged(&e));
	err_done(&e);
	store_order_done(&twice);
	store_close(s);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	s = NULL;
	must(store_open(*state, true, &s, &e), &e);
	AUTO(xfreep) char *octets = scratch_read(path);
	memset(octets + 4096, 0x5a, (size_t)st.st_size - 4096);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fwrite(octets, (size_t)st.st_size, 1, f), 1);
	fclose(f);
	assert_int_equal(store_cert_each(s, see_cert, &n, &e), -1);
	assert_true(store_met_damage(s) && store_err_damaged(&e));
	assert_non_null(strstr(e.hint, "perdure renew"));
	err_done(&e);
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_log_alone),
		TEST(test_salvage),
		TEST(test_met),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
