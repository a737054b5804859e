/* test_fs.c: files that are either old or new, secret files, links, trees, the lock. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/secret.h"
#include "support/scratch.h"

/* A path in the scratch directory, in one of a few static places. */
static const char *in(void **state, const char *name)
{
	static char paths[8][4096];
	static unsigned at;
	char *p = paths[at++ % ARRAY_LEN(paths)];
	snprintf(p, sizeof(paths[0]), "%s/%s", (const char *)*state, name);
	return p;
}

static size_t entries(const char *dir)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *f; (f = readdir(d));)
		n += strcmp(f->d_name, ".") && strcmp(f->d_name, "..");
	closedir(d);
	return n;
}

static void assert_content(const char *path, const char *text)
{
	AUTO(xfreep) char *got = scratch_read(path);
	assert_string_equal(got, text);
}

static void make_link(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

static void test_write_atomic(void **state)
{
	static const mode_t modes[] = {0600, 0640, 0644, 0400};
	mode_t old = umask(077); /* must not take what was asked for */
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct err e = {0};
		must(fs_write_atomic(in(state, "f"), "content", i, modes[i], &e), &e);
		assert_int_equal(scratch_mode(in(state, "f")), modes[i]);
		struct stat st;
		assert_int_equal(stat(in(state, "f"), &st), 0);
		assert_int_equal(st.st_size, i);
		assert_int_equal(entries(*state), 1); /* nothing temporary stays */
	}
	umask(old);
}

/* A link is replaced, not written through. */
static void test_write_over_link(void **state)
{
	struct err e = {0};
	scratch_write(in(state, "target"), "old", 3);
	make_link("target", in(state, "link"));
	must(fs_write_atomic(in(state, "link"), "new", 3, 0600, &e), &e);
	assert_content(in(state, "target"), "old");
	assert_content(in(state, "link"), "new");
}

static void test_write_fails(void **state)
{
	struct err e = {0};
	/* no such directory */
	assert_int_equal(fs_write_atomic(in(state, "no/f"), "x", 1, 0600, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(e.code, ENOENT);
	/* a directory stands there */
	assert_int_equal(mkdir(in(state, "d"), 0700), 0);
	assert_int_equal(fs_write_atomic(in(state, "d"), "x", 1, 0600, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(entries(*state), 1);
	/* the disk takes only a part */
	scratch_write(in(state, "f"), "old", 3);
	struct rlimit was, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 10;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = fs_write_atomic(in(state, "f"), "longer than ten octets", 22, 0600, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(r, -1);
	assert_int_equal(e.code, EFBIG);
	assert_content(in(state, "f"), "old");
	assert_int_equal(entries(*state), 2);
}

/* In a child that has given up root's rights: 0 when an unwritable directory refuses and keeps the old content. */
static int write_without_rights(const char *path)
{
	struct err e = {0};
	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		return 1;
	if (fs_write_atomic(path, "new", 3, 0644, &e) != -1 || e.kind != ERR_SYS || e.code != EACCES)
		return 2;
	return strstr(e.msg, path) ? 0 : 3;
}

static void test_unwritable_directory(void **state)
{
	struct err e = {0};
	int status;
	assert_int_equal(mkdir(in(state, "d"), 0755), 0);
	must(fs_write_atomic(in(state, "d/f"), "old", 3, 0644, &e), &e);
	assert_int_equal(chmod(in(state, "d"), 0555), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	pid_t child = fork();
	if (!child)
		_exit(write_without_rights(in(state, "d/f")));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(in(state, "d"), 0755), 0);
	assert_content(in(state, "d/f"), "old");
	assert_int_equal(entries(in(state, "d")), 1);
}

static void test_create_synced(void **state)
{
	struct err e = {0};
	must(fs_create_synced(in(state, "f"), "one", 3, 0640, &e), &e);
	assert_int_equal(scratch_mode(in(state, "f")), 0640);
	assert_int_equal(fs_create_synced(in(state, "f"), "two", 3, 0640, &e), -1);
	assert_int_equal(e.code, EEXIST);
	assert_content(in(state, "f"), "one");
	make_link("elsewhere", in(state, "link"));
	assert_int_equal(fs_create_synced(in(state, "link"), "two", 3, 0640, &e), -1);
	assert_false(fs_exists(in(state, "elsewhere")));
}

static void test_read(void **state)
{
	struct err e = {0};
	struct buf b = buf_make(5);
	scratch_write(in(state, "f"), "a\0bcd", 5);
	must(fs_read(in(state, "f"), &b, &e), &e);
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.p, "a\0bcd", 5);
	buf_clear(&b);
	scratch_write(in(state, "f"), "abcdef", 6);
	assert_int_equal(fs_read(in(state, "f"), &b, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_non_null(strstr(e.msg, in(state, "f")));
	buf_clear(&b);
	assert_int_equal(fs_read(in(state, "none"), &b, &e), -1);
	assert_int_equal(e.code, ENOENT);
	assert_int_equal(fs_read(*state, &b, &e), -1);
	assert_int_equal(e.code, EISDIR);
	buf_done(&b);
}

static void test_read_regular(void **state)
{
	struct err e = {0};
	struct buf b = buf_make(100);
	scratch_write(in(state, "f"), "content", 7);
	make_link("f", in(state, "link"));
	must(fs_read_regular(in(state, "link"), &b, &e), &e);
	assert_string_equal(buf_str(&b), "content");
	/* Neither is waited for a writer, nor is a device read. */
	assert_int_equal(mkfifo(in(state, "pipe"), 0600), 0);
	const char *const odd[] = {in(state, "pipe"), "/dev/zero", *state};
	alarm(20);
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		assert_int_equal(fs_read_regular(odd[i], &b, &e), -1);
		assert_int_equal(e.kind, ERR_SYS);
		assert_non_null(strstr(e.msg, odd[i]));
		err_done(&e);
	}
	alarm(0);
	assert_int_equal(fs_read_regular(in(state, "none"), &b, &e), -1);
	assert_int_equal(e.code, ENOENT);
	buf_done(&b);
}

static void test_mkdir(void **state)
{
	struct err e = {0};
	mode_t old = umask(077); /* is for files of ours */
	must(fs_mkdir(in(state, "d"), 0755, &e), &e);
	assert_int_equal(scratch_mode(in(state, "d")), 0755);
	/* One that is there is left as it is, also behind a link. */
	must(fs_mkdir(in(state, "d"), 0700, &e), &e);
	make_link("d", in(state, "link"));
	must(fs_mkdir(in(state, "link"), 0700, &e), &e);
	assert_int_equal(scratch_mode(in(state, "d")), 0755);
	scratch_write(in(state, "f"), "", 0);
	make_link("nowhere", in(state, "dangling"));
	assert_int_equal(fs_mkdir(in(state, "f"), 0755, &e), -1);
	assert_int_equal(e.code, ENOTDIR);
	assert_int_equal(fs_mkdir(in(state, "dangling"), 0755, &e), -1);
	assert_int_equal(fs_mkdir(in(state, "no/d"), 0755, &e), -1);
	assert_int_equal(e.code, ENOENT);
	umask(old);
}

static void test_secret_read(void **state)
{
	static const struct {
		const char *content, *secret;
		mode_t mode;
	} cases[] = {
		{"s3cret", "s3cret", 0600},
		{"s3cret\n", "s3cret", 0400},
		{"s3cret\n\n", "s3cret\n", 0600},
		{" s3cret ", " s3cret ", 0700},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct secret s = {0};
		must(fs_write_atomic(in(state, "f"), cases[i].content, strlen(cases[i].content), cases[i].mode, &e),
			&e);
		must(fs_read_secret(in(state, "f"), &s, &e), &e);
		assert_int_equal(s.n, strlen(cases[i].secret));
		assert_string_equal((char *)s.p, cases[i].secret);
		secret_done(&s);
	}
}

static void test_secret_refused(void **state)
{
	struct err e = {0};
	struct secret s = {0};
	static const mode_t modes[] = {0640, 0604, 0644, 0660, 0610, 0666};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		must(fs_write_atomic(in(state, "f"), "x", 1, modes[i], &e), &e);
		assert_int_equal(fs_read_secret(in(state, "f"), &s, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.hint, "chmod 600 "));
		assert_non_null(strstr(e.hint, in(state, "f")));
		err_done(&e);
	}
	/* Whatever it is for, nothing would be protected by it. */
	for (size_t n = 0; n < 2; n++) {
		must(fs_write_atomic(in(state, "f"), "\n", n, 0600, &e), &e);
		assert_int_equal(fs_read_secret(in(state, "f"), &s, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, "is empty"));
		assert_non_null(strstr(e.hint, in(state, "f")));
		err_done(&e);
	}
	must(fs_write_atomic(in(state, "f"), "x", 1, 0600, &e), &e);
	make_link("f", in(state, "link"));
	assert_int_equal(fs_read_secret(in(state, "link"), &s, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "symbolic link"));
	assert_int_equal(mkdir(in(state, "d"), 0700), 0);
	assert_int_equal(fs_read_secret(in(state, "d"), &s, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	/* A pipe is refused at once; nobody waits for its writer. */
	assert_int_equal(mkfifo(in(state, "pipe"), 0600), 0);
	alarm(20);
	assert_int_equal(fs_read_secret(in(state, "pipe"), &s, &e), -1);
	alarm(0);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_int_equal(fs_read_secret(in(state, "none"), &s, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	AUTO(xfreep) char *big = xcalloc(1, (64 << 10) + 1);
	must(fs_write_atomic(in(state, "f"), big, (64 << 10) + 1, 0600, &e), &e);
	assert_int_equal(fs_read_secret(in(state, "f"), &s, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_null(s.p);
}

static void test_mkdirs(void **state)
{
	struct err e = {0};
	mode_t old = umask(022);
	must(fs_mkdirs(in(state, "a/b/c"), 0750, &e), &e);
	assert_int_equal(scratch_mode(in(state, "a")), 0750);
	assert_int_equal(scratch_mode(in(state, "a/b/c")), 0750);
	must(fs_mkdirs(in(state, "a/b/c"), 0700, &e), &e);
	assert_int_equal(scratch_mode(in(state, "a/b/c")), 0750);
	must(fs_mkdirs(in(state, "x/y/"), 0700, &e), &e);
	must(fs_mkdirs(in(state, "x//z"), 0700, &e), &e);
	must(fs_mkdirs("/", 0700, &e), &e);
	make_link("a", in(state, "link"));
	must(fs_mkdirs(in(state, "link/d"), 0700, &e), &e);
	assert_true(fs_exists(in(state, "a/d")));
	umask(old);
	scratch_write(in(state, "f"), "", 0);
	make_link("nowhere", in(state, "dangling"));
	static const char *const refused[] = {"f", "f/sub", "f/sub/sub", "dangling"};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_int_equal(fs_mkdirs(in(state, refused[i]), 0700, &e), -1);
		assert_int_equal(e.kind, ERR_SYS);
		assert_int_equal(e.code, ENOTDIR);
		err_done(&e);
	}
	assert_int_equal(fs_mkdirs("", 0700, &e), -1);
	assert_true(err_is(&e));
}

static void assert_link(const char *path, const char *target)
{
	char got[4096];
	ssize_t n = readlink(path, got, sizeof(got) - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, target);
}

static void test_symlink_switch(void **state)
{
	struct err e = {0};
	must(fs_symlink_switch("one", in(state, "link"), &e), &e);
	assert_link(in(state, "link"), "one");
	must(fs_symlink_switch("two", in(state, "link"), &e), &e);
	assert_link(in(state, "link"), "two");
	/* What a killed process left behind goes with it. */
	make_link("left", in(state, ".link.tmp"));
	must(fs_symlink_switch("three", in(state, "link"), &e), &e);
	assert_link(in(state, "link"), "three");
	scratch_write(in(state, ".link.tmp"), "x", 1);
	must(fs_symlink_switch("four", in(state, "link"), &e), &e);
	assert_link(in(state, "link"), "four");
	assert_int_equal(entries(*state), 1);
	/* A directory is not replaced. */
	assert_int_equal(mkdir(in(state, "d"), 0700), 0);
	assert_int_equal(fs_symlink_switch("x", in(state, "d"), &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(entries(*state), 2);
	assert_int_equal(fs_symlink_switch("x", in(state, "no/link"), &e), -1);
	assert_int_equal(e.code, ENOENT);
}

static void test_remove_tree(void **state)
{
	struct err e = {0};
	must(fs_mkdirs(in(state, "keep/sub"), 0700, &e), &e);
	scratch_write(in(state, "keep/sub/f"), "kept", 4);
	must(fs_mkdirs(in(state, "tree/a/b"), 0700, &e), &e);
	scratch_write(in(state, "tree/a/b/f"), "x", 1);
	make_link(in(state, "keep"), in(state, "tree/a/out"));
	make_link("../../keep/sub/f", in(state, "tree/a/file"));
	make_link("nowhere", in(state, "tree/dangling"));
	make_link("..", in(state, "tree/up"));
	must(fs_remove_tree(in(state, "tree"), &e), &e);
	assert_false(fs_exists(in(state, "tree")));
	assert_content(in(state, "keep/sub/f"), "kept");
	/* Also when the link is what is named. */
	make_link("keep", in(state, "link"));
	must(fs_remove_tree(in(state, "link"), &e), &e);
	assert_false(fs_exists(in(state, "link")));
	assert_content(in(state, "keep/sub/f"), "kept");
	must(fs_remove_tree(in(state, "none"), &e), &e);
	must(fs_remove_tree(in(state, "keep/sub/f"), &e), &e);
	assert_false(fs_exists(in(state, "keep/sub/f")));
}

static void test_exists(void **state)
{
	make_link("nowhere", in(state, "dangling"));
	assert_true(fs_exists(in(state, "dangling")));
	assert_false(fs_exists(in(state, "nowhere")));
}

/* A child that holds the lock until its pipe is closed or it is killed; returns when it holds it. */
static pid_t hold_in_child(const char *path, int *ret_release)
{
	int held[2], release[2];
	char c;
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	assert_int_equal(pipe2(release, O_CLOEXEC), 0);
	pid_t child = fork();
	if (!child) {
		struct fs_lock l;
		struct err e = {0};
		close(release[1]);
		if (fs_lock_take(&l, path, 0, NULL, &e) || write(held[1], "x", 1) != 1)
			_exit(1);
		_exit(read(release[0], &c, 1) < 0 ? 1 : 0);
	}
	close(held[1]);
	close(release[0]);
	assert_int_equal(read(held[0], &c, 1), 1);
	close(held[0]);
	*ret_release = release[1];
	return child;
}

static pid_t told;
static int release_fd = -1;

static void note_and_release(pid_t holder)
{
	told = holder;
	close(release_fd);
}

static void test_lock(void **state)
{
	struct err e = {0};
	struct fs_lock l;
	char pid[32];
	int status;
	pid_t child = hold_in_child(in(state, "lock"), &release_fd);
	assert_int_equal(scratch_mode(in(state, "lock")), 0600);
	assert_int_equal(fs_lock_take(&l, in(state, "lock"), 0, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(e.retry, RETRY_LATER);
	snprintf(pid, sizeof(pid), "process %ld)", (long)child);
	assert_non_null(strstr(e.msg, pid));
	assert_int_equal(l.fd, -1);
	/* Waiting is told once, with the holder, and ends with it. */
	must(fs_lock_take(&l, in(state, "lock"), 60000, note_and_release, &e), &e);
	assert_int_equal(told, child);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	assert_content(in(state, "lock"), pid);
	fs_lock_release(&l);
	assert_int_equal(l.fd, -1);
	fs_lock_release(&l);
	must(fs_lock_take(&l, in(state, "lock"), 0, NULL, &e), &e);
	fs_lock_release(&l);
}

static void test_lock_ends_with_process(void **state)
{
	struct err e = {0};
	struct fs_lock l;
	int release;
	pid_t child = hold_in_child(in(state, "lock"), &release);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	must(fs_lock_take(&l, in(state, "lock"), 0, NULL, &e), &e);
	fs_lock_release(&l);
	close(release);
}

static void test_lock_refused(void **state)
{
	struct err e = {0};
	struct fs_lock l;
	scratch_write(in(state, "f"), "precious", 8);
	make_link("f", in(state, "link"));
	assert_int_equal(fs_lock_take(&l, in(state, "link"), 0, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(l.fd, -1);
	assert_content(in(state, "f"), "precious");
	assert_int_equal(fs_lock_take(&l, in(state, "no/lock"), 0, NULL, &e), -1);
	assert_int_equal(e.code, ENOENT);
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_write_atomic),
		SCRATCH_TEST(test_write_over_link),
		SCRATCH_TEST(test_write_fails),
		SCRATCH_TEST(test_unwritable_directory),
		SCRATCH_TEST(test_create_synced),
		SCRATCH_TEST(test_read),
		SCRATCH_TEST(test_read_regular),
		SCRATCH_TEST(test_mkdir),
		SCRATCH_TEST(test_secret_read),
		SCRATCH_TEST(test_secret_refused),
		SCRATCH_TEST(test_mkdirs),
		SCRATCH_TEST(test_symlink_switch),
		SCRATCH_TEST(test_remove_tree),
		SCRATCH_TEST(test_exists),
		SCRATCH_TEST(test_lock),
		SCRATCH_TEST(test_lock_ends_with_process),
		SCRATCH_TEST(test_lock_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
