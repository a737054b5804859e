/* test_store.c: what is put is got again, also after a new start; who may open the database, and who is refused. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "state/deployrows.h"
#include "state/sqlite.h"
#include "state/valuerows.h"
#include "support/store.h"

/* Takes blank separated words. */
static struct strv words(const char *text)
{
	struct strv v = {0};
	for (const char *end = text; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, ' ');
		strv_add_take(&v, xstrndup(text, (size_t)(end - text)));
	}
	return v;
}

static void same_list(const struct strv *a, const struct strv *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_string_equal(a->v[i], b->v[i]);
}

/* Runs SQL on the file, by the side of the store. */
static void run_sql(const char *path, const char *text)
{
	struct err e = {0};
	struct sq *q;
	must(sq_open(path, SQ_WRITE, &q, &e), &e);
	must(sq_exec(q, text, &e), &e);
	sq_close(q);
}

/* --- round trips --- */

static void test_account(void **state)
{
	static const struct {
		const char *ca, *directory, *url, *status, *contact, *thumbprints;
		int64_t created;
	} rows[] = {
		{"google", "https://g.example/dir", "https://g.example/a/1", "valid", "mailto:a@example.com", "t1 t0",
			1},
		{"letsencrypt", "https://l.example/dir", "", "", "", "", 0},
		{"a", "x", "https://l.example/a'\"\t", "deactivated", "mailto:\xc3\xa9@example.com tel:1", "t",
			INT64_MAX},
	};
	struct err e = {0};
	struct store *s = open_store(*state);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct store_account a = {.ca = xstrdup(rows[i].ca),
				.directory = xstrdup(rows[i].directory),
				.url = xstrdup(rows[i].url),
				.status = xstrdup(rows[i].status),
				.contact = words(rows[i].contact),
				.thumbprints = words(rows[i].thumbprints),
				.created = rows[i].created - round};
			struct store_account b;
			bool found;
			must(store_account_put(s, &a, &e), &e);
			if (i == 1)
				s = reopen(s, *state);
			must(store_account_get(s, rows[i].ca, &b, &found, &e), &e);
			assert_true(found);
			assert_string_equal(b.ca, a.ca);
			assert_string_equal(b.directory, a.directory);
			assert_string_equal(b.url, a.url);
			assert_string_equal(b.status, a.status);
			same_list(&b.contact, &a.contact);
			same_list(&b.thumbprints, &a.thumbprints);
			assert_true(b.created == a.created);
			store_account_done(&a);
			store_account_done(&b);
		}
	}
	struct store_account none;
	bool found = true;
	must(store_account_get(s, "zerossl", &none, &found, &e), &e);
	assert_false(found);
	store_close(s);
}

static int join_account(const struct store_account *a, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s ", a->ca);
	return 0;
}

static int join_cert(const struct store_cert *c, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s ", c->name);
	return strcmp(c->name, "c") ? 0 : 7;
}

static int join_order(const struct store_order *o, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s:%zu ", o->cert, o->key_pem.n);
	return 0;
}

static void test_each(void **state)
{
	static const char *const names[] = {"b.example", "a.example", "c", "d"};
	struct err e = {0};
	struct store *s = open_store(*state);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct store_account a = {.ca = xstrdup(names[i])};
		struct store_order o = {.cert = xstrdup(names[i]), .key_pem = secret_dup("abcd", i)};
		must(store_account_put(s, &a, &e), &e);
		must(store_order_put(s, &o, &e), &e);
		put_cert(s, names[i], 1);
		store_account_done(&a);
		store_order_done(&o);
	}
	AUTO(buf_done) struct buf b = buf_make(1000);
	must(store_account_each(s, join_account, &b, &e), &e);
	assert_string_equal(buf_str(&b), "a.example b.example c d ");
	buf_clear(&b);
	assert_int_equal(store_cert_each(s, join_cert, &b, &e), 7);
	assert_string_equal(buf_str(&b), "a.example b.example c ");
	buf_clear(&b);
	must(store_order_each(s, join_order, &b, &e), &e);
	assert_string_equal(buf_str(&b), "b.example:0 a.example:1 c:2 d:3 ");
	store_close(s);
}

static void same_window(const struct store_window *a, const struct store_window *b)
{
	assert_true(a->start == b->start && a->end == b->end && a->at == b->at && a->ask_at == b->ask_at);
	assert_string_equal(a->url, b->url ? b->url : "");
}

/* Live certificates whose time to be asked for has come, or was written by a clock that was ahead. */
static void test_to_ask(void **state)
{
	static const struct {
		const char *name;
		int64_t generation, ask_at;
	} rows[] = {{"a", 1, 0}, {"b", 1, 100}, {"c", 0, 0}, {"d", 3, 99}, {"e", 1, 101}, {"f", 1, 100 + 172801}};
	struct err e = {0};
	struct store *s = open_store(*state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct store_window w = {.ask_at = rows[i].ask_at};
		put_cert(s, rows[i].name, rows[i].generation);
		must(store_cert_put_window(s, rows[i].name, &w, &e), &e);
	}
	AUTO(buf_done) struct buf b = buf_make(1000);
	must(store_cert_each_to_ask(s, 100, join_cert, &b, &e), &e);
	assert_string_equal(buf_str(&b), "a b d f ");
	store_close(s);
}

static void test_cert(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	struct store_cert c = {.name = xstrdup("example.com"),
		.ca = xstrdup("google"),
		.names = words("example.com *.example.com"),
		.generation = 3,
		.not_before = -1,
		.not_after = 253402300799,
		.serial = xstrdup("00ff"),
		.ari_id = xstrdup("a.b"),
		.issued_at = 5,
		.failures = 6,
		.next_at = 7,
		.last_error = xstrdup("line\nline"),
		.window = {.start = 10, .end = 20, .at = 15, .ask_at = 8, .url = xstrdup("https://why.test/")}};
	struct store_cert d;
	bool found;
	must(store_cert_put(s, &c, &e), &e);
	s = reopen(s, *state);
	must(store_cert_get(s, "example.com", &d, &found, &e), &e);
	assert_true(found);
	assert_string_equal(d.name, c.name);
	assert_string_equal(d.ca, c.ca);
	same_list(&d.names, &c.names);
	assert_string_equal(d.serial, c.serial);
	assert_string_equal(d.ari_id, c.ari_id);
	assert_string_equal(d.last_error, c.last_error);
	assert_true(d.generation == 3 && d.not_before == -1 && d.not_after == 253402300799 && d.issued_at == 5 &&
		    d.failures == 6 && d.next_at == 7);
	same_window(&d.window, &c.window);
	store_cert_done(&d);

	const struct store_window later = {.start = 11, .end = 21, .at = 16, .ask_at = 9};
	must(store_cert_put_window(s, "example.com", &later, &e), &e);
	must(store_cert_get(s, "example.com", &d, &found, &e), &e);
	same_window(&d.window, &later);
	assert_string_equal(d.serial, c.serial);
	store_cert_done(&d);

	must(store_cert_delete(s, "example.com", &e), &e);
	must(store_cert_delete(s, "example.com", &e), &e);
	assert_int_equal(generation(s, "example.com"), -1);

	strv_add(&c.names, "two\nlines");
	assert_int_equal(store_cert_put(s, &c, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_non_null(strstr(e.msg, "line break"));
	assert_int_equal(generation(s, "example.com"), -1);
	err_done(&e);
	store_cert_done(&c);
	store_close(s);
}

static void test_order(void **state)
{
	static const uint8_t key[] = {'k', 0, 0xff, '\n', 0};
	struct err e = {0};
	struct store *s = open_store(*state);
	struct store_order o = {.cert = xstrdup("example.com"),
		.ca = xstrdup("google"),
		.account_url = xstrdup("https://g.example/a/1"),
		.names = words("example.com *.example.com"),
		.key_pem = secret_dup(key, sizeof(key)),
		.csr_der = secret_dup(key, 3),
		.generation = 4,
		.created = 9};
	struct store_order p;
	bool found;
	must(store_order_put(s, &o, &e), &e);
	assert_true(o.id > 0);
	int64_t first = o.id;
	o.state = STORE_ORDER_PLACED;
	o.url = xstrdup("https://g.example/o/1");
	must(store_order_put(s, &o, &e), &e);
	assert_true(o.id == first);
	s = reopen(s, *state);
	must(store_order_get(s, "example.com", &p, &found, &e), &e);
	assert_true(found);
	assert_true(p.id == first && p.generation == 4 && p.created == 9);
	assert_int_equal(p.state, STORE_ORDER_PLACED);
	assert_string_equal(p.cert, "example.com");
	assert_string_equal(p.ca, "google");
	assert_string_equal(p.account_url, "https://g.example/a/1");
	assert_string_equal(p.url, "https://g.example/o/1");
	assert_string_equal(p.profile, "");
	assert_string_equal(p.chain_pem, "");
	same_list(&p.names, &o.names);
	assert_int_equal(p.key_pem.n, sizeof(key));
	assert_memory_equal(p.key_pem.p, key, sizeof(key));
	assert_int_equal(p.csr_der.n, 3);
	assert_memory_equal(p.csr_der.p, key, 3);
	store_order_done(&p);

	/* One order for each lineage; the refusal leaves what else the transaction holds. */
	put_cert(s, "other", 1);
	o.id = 0;
	assert_int_equal(store_order_put(s, &o, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
	commit(s);
	assert_int_equal(generation(s, "other"), 1);

	/* An id is not used twice, and a deleted order is not written to. */
	must(store_order_delete(s, first, &e), &e);
	must(store_order_delete(s, first, &e), &e);
	must(store_order_get(s, "example.com", &p, &found, &e), &e);
	assert_false(found);
	o.id = first;
	assert_int_equal(store_order_put(s, &o, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
	o.id = 0;
	must(store_order_put(s, &o, &e), &e);
	assert_true(o.id > first);
	commit(s);
	assert_int_equal(generation(s, "other"), 1);
	store_order_done(&o);
	store_close(s);
}

static void test_fact(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	char *v = NULL;
	must(store_fact_get(s, "last", &v, &e), &e);
	assert_null(v);
	must(store_fact_put(s, "last", "1", &e), &e);
	must(store_fact_put(s, "last", "2", &e), &e);
	s = reopen(s, *state);
	must(store_fact_get(s, "last", &v, &e), &e);
	assert_string_equal(v, "2");
	free(v);
	store_close(s);
}

static int count_and_write(const struct store_cert *c, void *ctx, struct err *e)
{
	struct store *s = ctx;
	struct store_cert changed = *c;
	changed.failures++;
	AUTO(buf_done) struct buf b = buf_make(1000);
	return store_cert_put(s, &changed, e) || store_cert_each(s, join_cert, &b, e) ? -1 : 0;
}

static int sum_failures(const struct store_cert *c, void *ctx, struct err *e)
{
	(void)e;
	*(int64_t *)ctx += c->failures;
	return 0;
}

/* Writing, and walking again, inside a walk. */
static void test_walk_and_write(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	int64_t sum = 0;
	for (char name[] = "k"; *name < 'z'; ++*name)
		put_cert(s, name, 1);
	must(store_cert_each(s, count_and_write, s, &e), &e);
	must(store_cert_each(s, sum_failures, &sum, &e), &e);
	assert_int_equal(sum, 'z' - 'k');
	store_close(s);
}

/* --- opening --- */

static void test_modes(void **state)
{
	AUTO(xfreep) char *dir = xasprintf("%s/a/b", (char *)*state);
	AUTO(xfreep) char *up = xasprintf("%s/a", (char *)*state);
	AUTO(xfreep) char *db = database(dir);
	AUTO(xfreep) char *wal = xasprintf("%s-wal", db);
	AUTO(xfreep) char *shm = xasprintf("%s-shm", db);
	mode_t old = umask(0);
	struct store *s = open_store(dir);
	put_cert(s, "x", 1);
	commit(s);
	umask(old);
	assert_int_equal(scratch_mode(up), 0700);
	assert_int_equal(scratch_mode(dir), 0700);
	assert_int_equal(scratch_mode(db), 0600);
	assert_int_equal(scratch_mode(wal), 0600);
	assert_int_equal(scratch_mode(shm), 0600);
	store_close(s);
}

static void test_settings(void **state)
{
	struct err e = {0};
	AUTO(xfreep) char *path = database(*state);
	AUTO(xfreep) char *mode = NULL;
	int64_t version = 0;
	int64_t strict = 0;
	struct sq *q;
	store_close(open_store(*state));
	must(sq_open(path, SQ_READ, &q, &e), &e);
	must(sq_query_text(q, "PRAGMA journal_mode", &mode, &e), &e);
	must(sq_query_int(q, "PRAGMA user_version", &version, &e), &e);
	must(sq_query_int(q,
		     "SELECT count(*) FROM pragma_table_list WHERE schema='main' AND name NOT LIKE 'sqlite%'"
		     " AND NOT strict",
		     &strict, &e),
		&e);
	assert_string_equal(mode, "wal");
	assert_int_equal(version, STORE_SCHEMA);
	assert_int_equal(strict, 0);
	sq_close(q);
}

/* What is not ours is refused, with a hint, and stays as it is to the last octet. */
static void test_refused(void **state)
{
	static const struct {
		const char *sql; /* makes the file, or NULL */
		const char *octets;
		const char *says;
		bool damaged;
	} cases[] = {
		{NULL,
			"this is no database, but it is long enough to look at: "
			"0123456789012345678901234567890123456789012345678901234567890123456789",
			"not a database", true},
		{NULL, "short", "not a database", true},
		{"CREATE TABLE t(a); PRAGMA user_version=4", NULL, "another program", false},
		{"CREATE TABLE t(a)", NULL, "another program", false},
		{"PRAGMA application_id=77", NULL, "another program", false},
		{"PRAGMA application_id=0x70657264; PRAGMA user_version=4", NULL, "schema version 4", false},
		{"PRAGMA application_id=0x70657264; PRAGMA user_version=-5", NULL, "damaged", true},
		{"PRAGMA application_id=0x70657264; PRAGMA user_version=99999", NULL, "damaged", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(xfreep) char *dir = xasprintf("%s/%zu", (char *)*state, i);
		AUTO(xfreep) char *path = database(dir);
		assert_int_equal(mkdir(dir, 0700), 0);
		scratch_write(
			path, cases[i].octets ? cases[i].octets : "", cases[i].octets ? strlen(cases[i].octets) : 0);
		if (cases[i].sql)
			run_sql(path, cases[i].sql);
		struct stat before, after;
		assert_int_equal(stat(path, &before), 0);
		AUTO(xfreep) char *old = scratch_read(path);
		for (int read_only = 0; read_only < 2; read_only++) {
			struct err e = {0};
			struct store *s = NULL;
			assert_int_equal(store_open(dir, read_only, &s, &e), -1);
			assert_int_equal(e.kind, ERR_STORE);
			if (!strstr(e.msg, cases[i].says))
				fail_msg("case %zu: %s", i, e.msg);
			assert_string_not_equal(e.hint, "");
			assert_int_equal(store_err_damaged(&e), cases[i].damaged);
			err_done(&e);
		}
		AUTO(xfreep) char *new = scratch_read(path);
		assert_int_equal(stat(path, &after), 0);
		assert_int_equal(before.st_size, after.st_size);
		assert_memory_equal(old, new, (size_t)before.st_size);
		assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
			    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	}
}

/* What takes the tables back: from version 3, from version 2. */
#define BACK_TO_2 "DROP TABLE deploy; DROP TABLE value; DROP TABLE metric; DROP TABLE notice; PRAGMA user_version=2;"
#define BACK_TO_1                                                                                                      \
	"ALTER TABLE cert DROP COLUMN window_start; ALTER TABLE cert DROP COLUMN window_end;"                          \
	"ALTER TABLE cert DROP COLUMN window_at; ALTER TABLE cert DROP COLUMN window_ask_at;"                          \
	"ALTER TABLE cert DROP COLUMN window_url; PRAGMA user_version=1;"

/* Tables of an older version: brought up to date by who writes, refused and left alone for who reads. */
static void put_deploy(struct store *s, const char *cert, const char *action, int64_t generation, const char *failed)
{
	struct err e = {0};
	AUTO(store_deploy_done)
	struct store_deploy d = {.cert = xstrdup(cert),
		.action = xstrdup(action),
		.generation = generation,
		.done = !*failed,
		.status = -1,
		.last_error = xstrdup(failed)};
	must(store_deploy_put(s, &d, &e), &e);
}

static void put_value(struct store *s, const char *owner, const char *text, const char *cert)
{
	struct err e = {0};
	AUTO(store_value_done)
	struct store_value v = {
		.owner = xstrdup(owner), .text = xstrdup(text), .cert = xstrdup(cert), .keep = *text == 'k'};
	must(store_value_put(s, &v, &e), &e);
}

static void older(const char *dir, const char *back)
{
	struct err e = {0};
	AUTO(xfreep) char *path = database(dir);
	struct store *s = open_store(dir);
	put_cert(s, "example.com", 4);
	store_close(s);
	run_sql(path, back);
	assert_int_equal(store_open(dir, true, &s, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_non_null(strstr(e.hint, "renew"));
	err_done(&e);
	s = open_store(dir);
	assert_int_equal(generation(s, "example.com"), 4);
	const struct store_window w = {.start = 1, .end = 2, .at = 1, .ask_at = 3};
	must(store_cert_put_window(s, "example.com", &w, &e), &e);
	put_deploy(s, "example.com", "a1", 4, "");
	put_value(s, "_acme.example.net", "v1", "example.com");
	store_close(s);
	must(store_open(dir, true, &s, &e), &e);
	store_close(s);
}

static void test_older(void **state)
{
	AUTO(xfreep) char *one = xasprintf("%s/1", (char *)*state);
	AUTO(xfreep) char *two = xasprintf("%s/2", (char *)*state);
	older(two, BACK_TO_2);
	older(one, BACK_TO_2 BACK_TO_1);
}

/* --- deploy actions --- */

static int join_deploy(const struct store_deploy *d, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s/%s=%lld%s ", d->cert, d->action, (long long)d->generation, d->done ? "" : d->last_error);
	return 0;
}

static void deploys(struct store *s, const char *cert, const char *wanted)
{
	struct err e = {0};
	AUTO(buf_done) struct buf b = buf_make(1000);
	must(store_deploy_each(s, cert, join_deploy, &b, &e), &e);
	assert_string_equal(buf_str(&b), wanted);
}

/* --- values in the DNS --- */

static int join_value(const struct store_value *v, void *ctx, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s=%s/%s%s ", v->owner, v->text, v->cert, v->keep ? "!" : "");
	return 0;
}

static void values(struct store *s, const char *wanted)
{
	struct err e = {0};
	AUTO(buf_done) struct buf b = buf_make(1000);
	must(store_value_each(s, join_value, &b, &e), &e);
	assert_string_equal(buf_str(&b), wanted);
}

static void test_values(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	put_value(s, "b.test", "v", "one");
	put_value(s, "a.test", "w", "one");
	put_value(s, "a.test", "kept", "two");
	put_value(s, "a.test", "w", "three");
	values(s, "a.test=kept/two! a.test=w/three b.test=v/one ");
	must(store_value_delete(s, "a.test", "w", &e), &e);
	must(store_value_delete(s, "a.test", "v", &e), &e);
	store_close(s);
	s = open_store(*state);
	values(s, "a.test=kept/two! b.test=v/one ");
	store_close(s);
}

static void test_deploys(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	put_deploy(s, "b", "x", 1, "");
	put_deploy(s, "a", "y", 1, "");
	put_deploy(s, "a", "x", 1, "");
	put_deploy(s, "a", "x", 2, "");
	commit(s);
	deploys(s, NULL, "a/x=2 a/y=1 b/x=1 ");
	put_deploy(s, "b", "x", 2, "!");
	deploys(s, "b", "b/x=2! ");
	must(store_deploy_delete(s, "a", "x", &e), &e);
	deploys(s, NULL, "a/y=1 b/x=2! ");
	must(store_deploy_delete(s, "a", NULL, &e), &e);
	must(store_deploy_delete(s, "none", NULL, &e), &e);
	deploys(s, "a", "");
	store_close(s);
	s = open_store(*state);
	deploys(s, NULL, "b/x=2! ");
	store_close(s);
}

/* A newer schema that only the log knows about. */
static void test_newer_in_log(void **state)
{
	struct err e = {0};
	AUTO(xfreep) char *path = database(*state);
	store_close(open_store(*state));
	struct sq *q;
	must(sq_open(path, SQ_WRITE, &q, &e), &e);
	sq_leave_alone(q);
	must(sq_exec(q, "PRAGMA user_version=4", &e), &e);
	sq_close(q);
	AUTO(xfreep) char *wal = xasprintf("%s-wal", path);
	struct stat before, after;
	assert_int_equal(stat(wal, &before), 0);
	assert_true(before.st_size > 0);
	struct store *s = NULL;
	assert_int_equal(store_open(*state, false, &s, &e), -1);
	assert_non_null(strstr(e.msg, "schema version 4"));
	err_done(&e);
	assert_int_equal(stat(wal, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
}

static void test_damaged(void **state)
{
	struct err e = {0};
	AUTO(xfreep) char *path = database(*state);
	struct store *s = open_store(*state);
	for (int i = 0; i < 500; i++) {
		AUTO(xfreep) char *name = xasprintf("name-%d.example.com", i);
		put_cert(s, name, i);
	}
	store_close(s);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	AUTO(xfreep) char *octets = scratch_read(path);
	memset(octets + st.st_size / 2, 0x5a, 4096);
	scratch_write(path, octets, (size_t)st.st_size);
	assert_int_equal(store_open(*state, false, &s, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_non_null(strstr(e.hint, "backup"));
	assert_true(store_err_damaged(&e));
	err_done(&e);
	AUTO(xfreep) char *after = scratch_read(path);
	assert_memory_equal(octets, after, (size_t)st.st_size);
}

static void test_missing(void **state)
{
	struct err e = {0};
	struct store *s = NULL;
	AUTO(xfreep) char *path = database(*state);
	assert_int_equal(store_open(*state, true, &s, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_int_equal(e.code, STORE_MISSING);
	err_done(&e);
	assert_false(fs_exists(path));
	/* Made, but stopped before there was a table: the next start goes on. */
	scratch_write(path, "", 0);
	assert_int_equal(store_open(*state, true, &s, &e), -1);
	assert_int_equal(e.code, STORE_MISSING);
	err_done(&e);
	s = open_store(*state);
	put_cert(s, "x", 1);
	store_close(s);
}

/* Runs fn as another user in a child when we are root, else as we are. */
static int as_nobody(int (*fn)(const char *dir), const char *dir)
{
	pid_t pid = fork();
	if (!pid) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(99);
		_exit(fn(dir));
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int reads_x(const char *dir)
{
	struct err e = {0};
	struct store *s = NULL;
	if (store_open(dir, true, &s, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	int r = generation(s, "x") == 1 ? 0 : 2;
	struct store_cert c = {.name = dir ? xstrdup("y") : NULL};
	if (!store_cert_put(s, &c, &e))
		r = 3;
	store_cert_done(&c);
	err_done(&e);
	store_close(s);
	return r;
}

static int cannot_write(const char *dir)
{
	struct err e = {0};
	struct store *s = NULL;
	if (!store_open(dir, false, &s, &e))
		return 1;
	int r = e.hint[0] && (e.kind == ERR_STORE || e.kind == ERR_SYS) ? 0 : 2;
	err_done(&e);
	return r;
}

/* A user who may only read, without a writer, and beside one. */
static void test_read_only(void **state)
{
	AUTO(xfreep) char *path = database(*state);
	AUTO(xfreep) char *wal = xasprintf("%s-wal", path);
	AUTO(xfreep) char *shm = xasprintf("%s-shm", path);
	AUTO(xfreep) char *fresh = xasprintf("%s/none", (char *)*state);
	struct store *s = open_store(*state);
	put_cert(s, "x", 1);
	store_close(s);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(*state, 0555), 0);
	assert_false(fs_exists(shm));
	assert_int_equal(as_nobody(reads_x, *state), 0);
	assert_int_equal(as_nobody(cannot_write, *state), 0);
	assert_int_equal(as_nobody(cannot_write, fresh), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	s = open_store(*state);
	put_cert(s, "x", 1);
	put_cert(s, "y", 2);
	commit(s);
	put_cert(s, "x", 3);
	assert_true(fs_exists(wal));
	assert_int_equal(as_nobody(reads_x, *state), 0);
	store_close(s);
}

/* The key of an order that is gone is nowhere in the database. */
static void test_key_is_wiped(void **state)
{
	static const char mark[] = "-----the key of the order-----";
	struct err e = {0};
	struct store *s = open_store(*state);
	struct store_order o = {.cert = xstrdup("x"), .key_pem = secret_dup(mark, strlen(mark))};
	AUTO(xfreep) char *path = database(*state);
	struct stat st;
	must(store_order_put(s, &o, &e), &e);
	s = reopen(s, *state);
	AUTO(xfreep) char *with = scratch_read(path);
	assert_int_equal(stat(path, &st), 0);
	assert_non_null(memmem(with, (size_t)st.st_size, mark, strlen(mark)));
	must(store_order_delete(s, o.id, &e), &e);
	store_close(s);
	AUTO(xfreep) char *without = scratch_read(path);
	assert_int_equal(stat(path, &st), 0);
	assert_null(memmem(without, (size_t)st.st_size, mark, strlen(mark)));
	store_order_done(&o);
}

/* Processes that start on a new state directory at once all find it working. */
static void test_born_together(void **state)
{
	enum { N = 4 };
	pid_t pid[N];
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			char name[] = {(char)('a' + i), '\0'};
			struct store *s = open_store(*state);
			put_cert(s, name, 1);
			store_close(s);
			_exit(0);
		}
	}
	for (int i = 0; i < N; i++) {
		int status = -1;
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	struct store *s = open_store(*state);
	for (char name[] = "a"; *name < 'a' + N; ++*name)
		assert_int_equal(generation(s, name), 1);
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_account),
		TEST(test_each),
		TEST(test_cert),
		TEST(test_order),
		TEST(test_fact),
		TEST(test_walk_and_write),
		TEST(test_modes),
		TEST(test_settings),
		TEST(test_refused),
		TEST(test_to_ask),
		TEST(test_older),
		TEST(test_deploys),
		TEST(test_values),
		TEST(test_newer_in_log),
		TEST(test_damaged),
		TEST(test_missing),
		TEST(test_read_only),
		TEST(test_key_is_wiped),
		TEST(test_born_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
