/* test_certfiles.c: what is in place after each of the operations, from whatever was there before. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "state/certfiles.h"
#include "support/scratch.h"

/* A set that shows its lineage and generation in every file. */
struct sample {
	struct certfiles_set set;
	struct secret key;
	char *cert, *chain, *full;
};

static struct sample sample(const char *name, int64_t n, const char *variant)
{
	struct sample s = {.cert = xasprintf("cert %s %d %s\n", name, (int)n, variant),
		.chain = xasprintf("chain %s %d %s\n", name, (int)n, variant)};
	AUTO(xfreep) char *key = xasprintf("key %s %d %s\n", name, (int)n, variant);
	s.key = secret_dup(key, strlen(key));
	s.full = xasprintf("%s%s", s.cert, s.chain);
	s.set = (struct certfiles_set){
		.name = name, .generation = n, .cert_pem = s.cert, .chain_pem = s.chain, .fullchain_pem = s.full};
	return s;
}

static void sample_done(struct sample *s)
{
	secret_done(&s->key);
	free(s->cert);
	free(s->chain);
	free(s->full);
}

static int install_variant(const char *dir, const char *name, int64_t n, const char *variant, struct err *e)
{
	AUTO(sample_done) struct sample s = sample(name, n, variant);
	s.set.key_pem = &s.key;
	return certfiles_install(dir, &s.set, e);
}

static void install(const char *dir, const char *name, int64_t n)
{
	struct err e = {0};
	must(install_variant(dir, name, n, "", &e), &e);
}

static void holds(const char *dir, const char *path, const char *text)
{
	AUTO(xfreep) char *full = xasprintf("%s/%s", dir, path);
	AUTO(xfreep) char *have = scratch_read(full);
	assert_string_equal(have, text);
}

static bool there(const char *dir, const char *path)
{
	AUTO(xfreep) char *full = xasprintf("%s/%s", dir, path);
	return fs_exists(full);
}

static unsigned mode(const char *dir, const char *path)
{
	AUTO(xfreep) char *full = xasprintf("%s/%s", dir, path);
	return scratch_mode(full);
}

static void put(const char *dir, const char *path, const char *text)
{
	AUTO(xfreep) char *full = xasprintf("%s/%s", dir, path);
	scratch_write(full, text, strlen(text));
}

static void make_dir(const char *dir, const char *path)
{
	AUTO(xfreep) char *full = xasprintf("%s/%s", dir, path);
	struct err e = {0};
	must(fs_mkdirs(full, 0700, &e), &e);
}

static int64_t live(const char *dir, const char *name)
{
	struct err e = {0};
	int64_t n = -1;
	must(certfiles_live_generation(dir, name, &n, &e), &e);
	return n;
}

static int64_t next(const char *dir, const char *name)
{
	struct err e = {0};
	int64_t n = -1;
	must(certfiles_next_generation(dir, name, &n, &e), &e);
	return n;
}

static void test_install(void **state)
{
	const char *dir = *state;
	mode_t old = umask(0377);
	assert_int_equal(live(dir, "a"), 0);
	assert_int_equal(next(dir, "a"), 1);
	umask(077);
	install(dir, "a", 1);
	umask(old);
	assert_int_equal(live(dir, "a"), 1);
	assert_int_equal(next(dir, "a"), 2);
	holds(dir, "live/a/privkey.pem", "key a 1 \n");
	holds(dir, "live/a/cert.pem", "cert a 1 \n");
	holds(dir, "live/a/chain.pem", "chain a 1 \n");
	holds(dir, "live/a/fullchain.pem", "cert a 1 \nchain a 1 \n");
	holds(dir, "live/a/combined.pem", "key a 1 \ncert a 1 \nchain a 1 \n");
	assert_int_equal(mode(dir, "live"), 0700);
	assert_int_equal(mode(dir, "archive"), 0700);
	assert_int_equal(mode(dir, "archive/a"), 0700);
	assert_int_equal(mode(dir, "archive/a/1"), 0700);
	assert_int_equal(mode(dir, "archive/a/1/privkey.pem"), 0600);
	assert_int_equal(mode(dir, "archive/a/1/combined.pem"), 0600);
	assert_int_equal(mode(dir, "archive/a/1/cert.pem"), 0644);
	assert_int_equal(mode(dir, "archive/a/1/chain.pem"), 0644);
	assert_int_equal(mode(dir, "archive/a/1/fullchain.pem"), 0644);
	install(dir, "a", 2);
	assert_int_equal(live(dir, "a"), 2);
	holds(dir, "live/a/combined.pem", "key a 2 \ncert a 2 \nchain a 2 \n");
	holds(dir, "archive/a/1/privkey.pem", "key a 1 \n");
	install(dir, "a", 12);
	assert_int_equal(next(dir, "a"), 13);
}

/* Again with the same set: nothing is written anew. */
static void test_again(void **state)
{
	struct stat before, after;
	AUTO(xfreep) char *key = xasprintf("%s/archive/a/1/privkey.pem", (char *)*state);
	AUTO(xfreep) char *link = xasprintf("%s/live/a", (char *)*state);
	install(*state, "a", 1);
	assert_int_equal(stat(key, &before), 0);
	install(*state, "a", 1);
	assert_int_equal(stat(key, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	/* Complete, but the switch did not happen. */
	assert_int_equal(unlink(link), 0);
	install(*state, "a", 1);
	assert_int_equal(stat(key, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_int_equal(live(*state, "a"), 1);
}

/* What an earlier run left in the way. */
static void test_left_over(void **state)
{
	const char *dir = *state;
	AUTO(xfreep) char *left = xasprintf("%s/live/.a.tmp", dir);
	install(dir, "a", 1);
	make_dir(dir, "archive/a/.2.tmp");
	put(dir, "archive/a/.2.tmp/privkey.pem", "half");
	make_dir(dir, "archive/a/.2.old/deep/er");
	make_dir(dir, "archive/a/2");
	put(dir, "archive/a/2/privkey.pem", "key a 2 \n");
	assert_int_equal(symlink("../archive/a/77", left), 0);
	assert_int_equal(next(dir, "a"), 3);
	install(dir, "a", 2);
	assert_int_equal(live(dir, "a"), 2);
	holds(dir, "live/a/combined.pem", "key a 2 \ncert a 2 \nchain a 2 \n");
	assert_false(there(dir, "archive/a/.2.tmp"));
	assert_false(there(dir, "archive/a/.2.old"));
	assert_false(there(dir, "live/.a.tmp"));
	/* Complete, but of another order, and not in use. */
	struct err e = {0};
	make_dir(dir, "archive/a/3");
	put(dir, "archive/a/3/privkey.pem", "key a 3 \n");
	put(dir, "archive/a/3/cert.pem", "cert a 3 other\n");
	put(dir, "archive/a/3/chain.pem", "chain a 3 other\n");
	must(install_variant(dir, "a", 3, "mine", &e), &e);
	holds(dir, "live/a/privkey.pem", "key a 3 mine\n");
	/* A name that is no directory. */
	put(dir, "archive/a/4", "x");
	install(dir, "a", 4);
	holds(dir, "live/a/cert.pem", "cert a 4 \n");
}

/* What is in use is not touched, and not left for something older. */
static void test_in_use(void **state)
{
	struct err e = {0};
	install(*state, "a", 1);
	install(*state, "a", 2);
	assert_int_equal(install_variant(*state, "a", 2, "other", &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_string_not_equal(e.hint, "");
	err_done(&e);
	assert_int_equal(install_variant(*state, "a", 1, "", &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
	assert_int_equal(live(*state, "a"), 2);
	holds(*state, "live/a/combined.pem", "key a 2 \ncert a 2 \nchain a 2 \n");
}

/* With a request of somebody else there is no key; a generation with one is something else. */
static void test_without_key(void **state)
{
	struct err e = {0};
	AUTO(sample_done) struct sample s = sample("a", 1, "");
	struct secret key = {0};
	bool found = true;
	must(certfiles_install(*state, &s.set, &e), &e);
	assert_false(there(*state, "live/a/privkey.pem"));
	assert_false(there(*state, "live/a/combined.pem"));
	holds(*state, "live/a/fullchain.pem", "cert a 1 \nchain a 1 \n");
	must(certfiles_read_key(*state, "a", &key, &found, &e), &e);
	assert_false(found);
	s.set.key_pem = &key;
	must(certfiles_install(*state, &s.set, &e), &e);
	s.set.key_pem = &s.key;
	assert_int_equal(certfiles_install(*state, &s.set, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
}

static void test_read_key(void **state)
{
	struct err e = {0};
	struct secret key = {0};
	bool found = true;
	must(certfiles_read_key(*state, "a", &key, &found, &e), &e);
	assert_false(found);
	AUTO(sample_done) struct sample s = sample("a", 1, "");
	s.set.key_pem = &s.key;
	s.key.n--; /* without the line end: what follows it in combined.pem begins a line all the same */
	must(certfiles_install(*state, &s.set, &e), &e);
	holds(*state, "live/a/combined.pem", "key a 1 \ncert a 1 \nchain a 1 \n");
	must(certfiles_read_key(*state, "a", &key, &found, &e), &e);
	assert_true(found);
	assert_int_equal(key.n, s.key.n + 1);
	assert_memory_equal(key.p, s.key.p, s.key.n);
	secret_done(&key);
}

static void test_incomplete(void **state)
{
	static const struct {
		int64_t n;
		const char *cert, *chain, *full;
		bool good;
	} cases[] = {
		{1, "c\n", "i\n", "c\ni\n", true},
		{0, "c\n", "i\n", "c\ni\n", false},
		{-1, "c\n", "i\n", "c\ni\n", false},
		{2, "", "i\n", "c\ni\n", false},
		{2, "c\n", "i\n", "", false},
		{2, NULL, "i\n", "c\ni\n", false},
		{2, "c\n", NULL, "c\ni\n", false},
		{2, "c\n", "i\n", NULL, false},
		{2, "c\n", "", "c\ni\n", false},
		{2, "c\n", "", "c\n", true},
	};
	struct secret key = secret_dup("k\n", 2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct certfiles_set set = {.name = "a",
			.generation = cases[i].n,
			.key_pem = &key,
			.cert_pem = cases[i].cert,
			.chain_pem = cases[i].chain,
			.fullchain_pem = cases[i].full};
		int64_t before = live(*state, "a");
		int r = certfiles_install(*state, &set, &e);
		if (r != (cases[i].good ? 0 : -1))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(e.kind, cases[i].good ? ERR_NONE : ERR_POLICY);
		assert_int_equal(live(*state, "a"), cases[i].good ? cases[i].n : before);
		err_done(&e);
	}
	holds(*state, "live/a/chain.pem", "");
	secret_done(&key);
}

static void test_names(void **state)
{
	char long_name[300];
	memset(long_name, 'a', sizeof(long_name));
	static const char *const bad[] = {"", ".", "..", ".a", "a/b", "/a", "../a", "a/", NULL};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *name = bad[i] ? bad[i] : long_name;
		struct err e = {0};
		struct secret key = {0};
		bool found;
		int64_t n;
		long_name[251] = '\0';
		assert_int_equal(install_variant(*state, name, 1, "", &e), -1);
		assert_int_equal(e.kind, ERR_POLICY);
		err_done(&e);
		assert_int_equal(certfiles_next_generation(*state, name, &n, &e), -1);
		err_done(&e);
		assert_int_equal(certfiles_live_generation(*state, name, &n, &e), -1);
		err_done(&e);
		assert_int_equal(certfiles_prune(*state, name, 1, &e), -1);
		err_done(&e);
		assert_int_equal(certfiles_delete(*state, name, &e), -1);
		err_done(&e);
		assert_int_equal(certfiles_read_key(*state, name, &key, &found, &e), -1);
		assert_int_equal(e.kind, ERR_POLICY);
		err_done(&e);
	}
	assert_false(there(*state, "archive"));
	long_name[250] = '\0';
	install(*state, long_name, 1);
	assert_int_equal(live(*state, long_name), 1);
	install(*state, "_weird name*\n", 1);
	assert_int_equal(live(*state, "_weird name*\n"), 1);
}

static void test_prune(void **state)
{
	static const struct {
		int64_t keep;
		const char *left;
	} cases[] = {
		{9, "1 2 4 9 10 11"},
		{4, "1 2 4 9 10 11"},
		{2, "4 9 10 11"},
		{2, "4 9 10 11"},
		{1, "9 10 11"},
		{0, "10 11"},
		{-1, "10 11"},
	};
	static const int64_t all[] = {1, 2, 4, 9, 10};
	struct err e = {0};
	must(certfiles_prune(*state, "a", 1, &e), &e);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		install(*state, "a", all[i]);
	make_dir(*state, "archive/a/11");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_dir(*state, "archive/a/.11.tmp/x");
		must(certfiles_prune(*state, "a", cases[i].keep, &e), &e);
		assert_false(there(*state, "archive/a/.11.tmp"));
		AUTO(buf_done) struct buf b = buf_make(1000);
		for (int n = 1; n < 20; n++) {
			AUTO(xfreep) char *path = xasprintf("archive/a/%d", n);
			if (there(*state, path))
				buf_printf(&b, "%s%d", b.n ? " " : "", n);
		}
		assert_string_equal(buf_str(&b), cases[i].left);
		assert_int_equal(live(*state, "a"), 10);
		holds(*state, "live/a/combined.pem", "key a 10 \ncert a 10 \nchain a 10 \n");
	}
}

static void test_list_and_delete(void **state)
{
	struct err e = {0};
	struct strv names = {0};
	must(certfiles_list(*state, &names, &e), &e);
	assert_int_equal(names.n, 0);
	install(*state, "b.example", 1);
	install(*state, "a.tmp", 1);
	install(*state, "a", 1);
	AUTO(xfreep) char *stray = xasprintf("%s/live/.b.example.tmp", (char *)*state);
	AUTO(xfreep) char *elsewhere = xasprintf("%s/live/z", (char *)*state);
	assert_int_equal(symlink("../archive/b.example/1", stray), 0);
	assert_int_equal(symlink("../archive/b.example/1", elsewhere), 0);
	put(*state, "live/README", "text");
	must(certfiles_list(*state, &names, &e), &e);
	AUTO(xfreep) char *joined = strv_join(&names, " ");
	assert_string_equal(joined, "a a.tmp b.example");
	strv_done(&names);

	must(certfiles_delete(*state, "b.example", &e), &e);
	must(certfiles_delete(*state, "b.example", &e), &e);
	assert_false(there(*state, "live/b.example"));
	assert_false(there(*state, "live/.b.example.tmp"));
	assert_false(there(*state, "archive/b.example"));
	assert_false(there(*state, "archive/.b.example.old"));
	assert_int_equal(live(*state, "a"), 1);
	assert_int_equal(next(*state, "b.example"), 1);
	/* Not ours: not removed. */
	assert_int_equal(certfiles_delete(*state, "README", &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_string_not_equal(e.hint, "");
	err_done(&e);
	assert_int_equal(install_variant(*state, "README", 1, "", &e), -1);
	err_done(&e);
	holds(*state, "live/README", "text");
}

static void test_dangling(void **state)
{
	struct err e = {0};
	install(*state, "a", 5);
	AUTO(xfreep) char *dir = xasprintf("%s/archive/a", (char *)*state);
	must(fs_remove_tree(dir, &e), &e);
	assert_int_equal(live(*state, "a"), 5);
	assert_int_equal(next(*state, "a"), 6);
	install(*state, "a", 6);
	holds(*state, "live/a/cert.pem", "cert a 6 \n");
}

static void test_probe(void **state)
{
	struct err e = {0};
	AUTO(xfreep) char *none = xasprintf("%s/none", (char *)*state);
	AUTO(xfreep) char *link = xasprintf("%s/.probe", (char *)*state);
	must(certfiles_probe(*state, &e), &e);
	assert_false(there(*state, ".probe"));
	assert_int_equal(certfiles_probe(none, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(e.code, ENOENT);
	err_done(&e);
	/* The test file has no name, or is not written through a link. */
	assert_int_equal(symlink("elsewhere", link), 0);
	if (certfiles_probe(*state, &e))
		err_done(&e);
	assert_false(there(*state, "elsewhere"));
	if (geteuid()) {
		assert_int_equal(unlink(link), 0);
		assert_int_equal(chmod(*state, 0500), 0);
		assert_int_equal(certfiles_probe(*state, &e), -1);
		assert_int_equal(e.code, EACCES);
		assert_non_null(strstr(e.hint, "run as"));
		err_done(&e);
		assert_int_equal(chmod(*state, 0700), 0);
	}
}

/* Several together: what stands in the way of one is no matter of the others. */
static void test_many(void **state)
{
	enum { N = 9 };
	const char *dir = *state;
	static const struct {
		const char *name;
		int64_t generation;
		enum err_kind kind;
		int64_t live;
	} rows[N] = {
		{"new", 1, ERR_NONE, 1},
		{"another", 1, ERR_NONE, 1},
		{"renewed", 2, ERR_NONE, 2},
		{"left", 1, ERR_NONE, 1},
		{"differs", 2, ERR_NONE, 2},
		{"again", 1, ERR_NONE, 1},
		{"older", 1, ERR_STORE, 2},
		{"a/b", 1, ERR_POLICY, 0},
		{"new", 2, ERR_NONE, 2},
	};
	struct sample samples[N];
	struct certfiles_one v[N];
	struct err errors[N] = {{0}};
	install(dir, "renewed", 1);
	install(dir, "differs", 1);
	make_dir(dir, "archive/differs/2");
	make_dir(dir, "archive/left/.1.tmp");
	put(dir, "archive/left/.1.tmp/cert.pem", "half");
	install(dir, "again", 1);
	install(dir, "older", 2);
	for (size_t i = 0; i < N; i++) {
		samples[i] = sample(rows[i].name, rows[i].generation, "");
		samples[i].set.key_pem = &samples[i].key;
		v[i] = (struct certfiles_one){.set = samples[i].set, .e = &errors[i]};
	}
	certfiles_install_many(dir, v, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(errors[i].kind, rows[i].kind);
		err_done(&errors[i]);
		sample_done(&samples[i]);
	}
	for (size_t i = 1; i < N; i++)
		if (rows[i].live)
			assert_int_equal(live(dir, rows[i].name), rows[i].live);
	holds(dir, "archive/new/1/combined.pem", "key new 1 \ncert new 1 \nchain new 1 \n");
	holds(dir, "live/new/combined.pem", "key new 2 \ncert new 2 \nchain new 2 \n");
	holds(dir, "live/differs/privkey.pem", "key differs 2 \n");
	holds(dir, "live/left/cert.pem", "cert left 1 \n");
	assert_false(there(dir, "archive/left/.1.tmp"));
	assert_false(there(dir, "live/.new.tmp"));
	assert_int_equal(mode(dir, "archive/another/1/privkey.pem"), 0600);
	assert_int_equal(mode(dir, "archive/another"), 0700);
}

/* One, and none: as without the others. */
static void test_many_of_one(void **state)
{
	const char *dir = *state;
	struct err e = {0};
	AUTO(sample_done) struct sample s = sample("one", 1, "");
	struct certfiles_one v = {.set = s.set, .e = &e};
	certfiles_install_many(dir, &v, 1);
	assert_int_equal(e.kind, ERR_NONE);
	assert_int_equal(live(dir, "one"), 1);
	certfiles_install_many(dir, NULL, 0);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	AUTO(xfreep) char *none = xasprintf("%s/none", dir);
	assert_false(certfiles_syncs_at_once(none));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_install),
		TEST(test_again),
		TEST(test_left_over),
		TEST(test_in_use),
		TEST(test_without_key),
		TEST(test_read_key),
		TEST(test_incomplete),
		TEST(test_names),
		TEST(test_prune),
		TEST(test_list_and_delete),
		TEST(test_dangling),
		TEST(test_probe),
		TEST(test_many),
		TEST(test_many_of_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
