/* test_commit.c: writes collected into one transaction: when it is committed, what is undone, and who is told. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "support/store.h"

struct told {
	int calls;
	enum err_kind kind;
	struct store *write_again;
};

static void on_commit(const struct err *failed, void *ctx)
{
	struct told *t = ctx;
	t->calls++;
	t->kind = failed ? failed->kind : ERR_NONE;
	if (t->write_again) {
		struct store *s = t->write_again;
		t->write_again = NULL;
		put_cert(s, "again", 1);
		store_after_commit(s, on_commit, t);
	}
}

static void test_two_connections(void **state)
{
	struct err e = {0};
	struct store *a = open_store(*state);
	struct store *b = open_store(*state);
	put_cert(a, "x", 1);
	assert_int_equal(generation(a, "x"), 1);
	assert_int_equal(generation(b, "x"), -1);
	/* a holds the lock: b waits, then says so. */
	struct store_cert c = {.name = xstrdup("x"), .generation = 2};
	assert_int_equal(store_cert_put(b, &c, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(e.retry, RETRY_LATER);
	assert_string_not_equal(e.hint, "");
	err_done(&e);
	commit(a);
	assert_int_equal(generation(b, "x"), 1);
	must(store_cert_put(b, &c, &e), &e);
	commit(b);
	assert_int_equal(generation(a, "x"), 2);
	store_cert_done(&c);
	store_close(a);
	store_close(b);
}

static void test_after_commit(void **state)
{
	struct store *s = open_store(*state);
	struct told t = {.write_again = s};
	put_cert(s, "x", 1);
	store_after_commit(s, on_commit, &t);
	assert_int_equal(t.calls, 0);
	commit(s);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.kind, ERR_NONE);
	commit(s);
	assert_int_equal(t.calls, 2);
	commit(s);
	assert_int_equal(t.calls, 2);
	store_after_commit(s, on_commit, &t);
	t.write_again = s;
	store_close(s);
	assert_int_equal(t.calls, 4);
	s = open_store(*state);
	assert_int_equal(generation(s, "again"), 1);
	store_close(s);
}

struct turn {
	struct store *s;
	struct loop_timer *timer;
	struct told told;
	int turns;
	int64_t seen[3]; /* told.calls at the beginning of each turn */
};

static void on_turn(void *ctx)
{
	struct turn *t = ctx;
	t->seen[t->turns] = t->told.calls;
	if (t->turns < 2) {
		put_cert(t->s, "x", t->turns);
		put_cert(t->s, "y", t->turns);
		store_after_commit(t->s, on_commit, &t->told);
		store_after_commit(t->s, on_commit, &t->told);
		loop_timer_start(t->timer, 1);
	}
	t->turns++;
}

/* The writes of a turn are committed at its end, without anybody asking. */
static void test_loop(void **state)
{
	struct err e = {0};
	struct loop *l = NULL;
	must(loop_new(clk_real(), &l, &e), &e);
	struct turn t = {.s = open_store(*state)};
	store_attach(t.s, l);
	t.timer = loop_timer_new(l, on_turn, &t);
	loop_timer_start(t.timer, 0);
	must(loop_run(l, &e), &e);
	assert_int_equal(t.turns, 3);
	assert_int_equal(t.seen[0], 0);
	assert_int_equal(t.seen[1], 2);
	assert_int_equal(t.seen[2], 4);
	struct store *other = open_store(*state);
	assert_int_equal(generation(other, "y"), 1);
	store_close(other);

	/* Begun before it was attached. */
	store_detach(t.s);
	put_cert(t.s, "x", 5);
	store_attach(t.s, l);
	must(loop_run(l, &e), &e);
	other = open_store(*state);
	assert_int_equal(generation(other, "x"), 5);
	store_close(other);
	store_close(t.s);
	loop_timer_free(t.timer);
	loop_free(l);
}

static void hurry(void *ctx)
{
	store_hurry(ctx);
}

/* A commit that may be put off comes when somebody hurries, when patience ends, or when there is none any more. */
static void test_patience(void **state)
{
	enum { FOR_EVER = 3600000 };
	struct err e = {0};
	struct loop *l = NULL;
	must(loop_new(clk_real(), &l, &e), &e);
	struct store *s = open_store(*state);
	struct told told = {0};
	store_attach(s, l);
	struct loop_timer *timer = loop_timer_new(l, hurry, s);

	store_set_patience(s, FOR_EVER, 0);
	put_cert(s, "x", 1);
	store_after_commit(s, on_commit, &told);
	loop_timer_start(timer, 1);
	must(loop_run(l, &e), &e);
	assert_int_equal(told.calls, 1);

	put_cert(s, "x", 2);
	store_after_commit(s, on_commit, &told);
	store_set_patience(s, 0, 0);
	must(loop_run(l, &e), &e);
	assert_int_equal(told.calls, 2);

	store_set_patience(s, 1, 0);
	put_cert(s, "x", 3);
	store_after_commit(s, on_commit, &told);
	assert_int_equal(told.calls, 2);
	must(loop_run(l, &e), &e);
	assert_int_equal(told.calls, 3);

	/* Those in a hurry wait too when told so; then not longer than that, nor longer than they are told so. */
	store_set_patience(s, FOR_EVER, 1);
	put_cert(s, "x", 4);
	store_after_commit(s, on_commit, &told);
	store_hurry(s);
	store_hurry(s);
	must(loop_run(l, &e), &e);
	assert_int_equal(told.calls, 4);
	store_set_patience(s, FOR_EVER, FOR_EVER);
	put_cert(s, "x", 5);
	store_after_commit(s, on_commit, &told);
	store_hurry(s);
	store_set_patience(s, FOR_EVER, 0);
	must(loop_run(l, &e), &e);
	assert_int_equal(told.calls, 5);

	/* What waits when the loop goes is committed with the close. */
	store_set_patience(s, FOR_EVER, 0);
	put_cert(s, "x", 6);
	store_close(s);
	s = open_store(*state);
	assert_int_equal(generation(s, "x"), 6);
	store_close(s);
	loop_timer_free(timer);
	loop_free(l);
}

/* A file that may not grow stands for a full disk. */
static void limit_files(rlim_t octets)
{
	struct rlimit r = {.rlim_cur = octets, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static int put_large(struct store *s, const char *name, size_t n, struct err *e)
{
	AUTO(xfreep) char *text = xmalloc(n + 1);
	memset(text, 'x', n);
	text[n] = '\0';
	struct store_cert c = {.name = xstrdup(name), .last_error = TAKE(text)};
	int r = store_cert_put(s, &c, e);
	store_cert_done(&c);
	return r;
}

/* The commit fails: all is undone, all are told, and afterwards the store works. */
static void test_commit_fails(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	struct told first = {0};
	struct told second = {0};
	put_cert(s, "x", 1);
	commit(s);
	put_cert(s, "x", 2);
	store_after_commit(s, on_commit, &first);
	put_cert(s, "y", 2);
	must(put_large(s, "large", 100000, &e), &e);
	store_after_commit(s, on_commit, &second);
	limit_files(40000);
	int r = store_commit(s, &e);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, -1);
	assert_int_equal(e.kind, ERR_STORE);
	assert_string_not_equal(e.hint, "");
	err_done(&e);
	assert_int_equal(first.calls, 1);
	assert_int_equal(first.kind, ERR_STORE);
	assert_int_equal(second.calls, 1);
	assert_int_equal(second.kind, ERR_STORE);
	assert_int_equal(generation(s, "x"), 1);
	assert_int_equal(generation(s, "y"), -1);
	put_cert(s, "y", 3);
	commit(s);
	assert_int_equal(first.calls, 1);
	s = reopen(s, *state);
	assert_int_equal(generation(s, "x"), 1);
	assert_int_equal(generation(s, "y"), 3);
	store_close(s);
}

/* A write fails because the cache spills into the log: the writes before it are undone as well. */
static void test_write_fails(void **state)
{
	struct err e = {0};
	struct store *s = open_store(*state);
	struct told t = {0};
	put_cert(s, "x", 1);
	commit(s);
	put_cert(s, "x", 2);
	store_after_commit(s, on_commit, &t);
	limit_files(40000);
	int r = put_large(s, "large", 8 << 20, &e);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, -1);
	err_done(&e);
	/* Half of a batch must not be committed with the other half lost. */
	struct store_cert c = {.name = xstrdup("y")};
	assert_int_equal(store_cert_put(s, &c, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
	assert_int_equal(t.calls, 0);
	assert_int_equal(store_commit(s, &e), -1);
	err_done(&e);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.kind, ERR_STORE);
	assert_int_equal(generation(s, "x"), 1);
	must(store_cert_put(s, &c, &e), &e);
	commit(s);
	s = reopen(s, *state);
	assert_int_equal(generation(s, "x"), 1);
	assert_int_equal(generation(s, "y"), 0);
	store_cert_done(&c);
	store_close(s);
}

/* Nobody waited when the commit at the end of the turn failed: the next write hears of it, the one after works. */
static void test_unheard(void **state)
{
	struct err e = {0};
	struct loop *l = NULL;
	must(loop_new(clk_real(), &l, &e), &e);
	struct store *s = open_store(*state);
	store_attach(s, l);
	must(put_large(s, "large", 100000, &e), &e);
	limit_files(40000);
	int r = loop_run(l, &e);
	limit_files(RLIM_INFINITY);
	must(r, &e);
	struct store_cert c = {.name = xstrdup("y")};
	assert_int_equal(store_cert_put(s, &c, &e), -1);
	assert_int_equal(e.kind, ERR_STORE);
	err_done(&e);
	must(loop_run(l, &e), &e);
	must(store_cert_put(s, &c, &e), &e);
	must(loop_run(l, &e), &e);
	assert_int_equal(generation(s, "y"), 0);
	assert_int_equal(generation(s, "large"), -1);
	store_cert_done(&c);
	store_close(s);
	loop_free(l);
}

/* ---- a thread waits for the disk ---- */

static pthread_t loop_thread;
static atomic_int syncs_here, syncs_elsewhere, sync_error;

/* In the place of the C library's, also for SQLite. */
int fdatasync(int fd)
{
	atomic_fetch_add(pthread_equal(pthread_self(), loop_thread) ? &syncs_here : &syncs_elsewhere, 1);
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	return fsync(fd);
}

static void forget_syncs(void)
{
	loop_thread = pthread_self();
	syncs_here = syncs_elsewhere = sync_error = 0;
}

/* In the background from the next commit on. */
static struct store *open_in_background(const char *dir, struct loop **ret_loop)
{
	struct err e = {0};
	struct store *s = open_store(dir);
	must(loop_new(clk_real(), ret_loop, &e), &e);
	store_attach(s, *ret_loop);
	store_set_background(s, true);
	put_cert(s, "first", 1);
	must(loop_run(*ret_loop, &e), &e);
	forget_syncs();
	return s;
}

/* A write from inside a sync's time, as the loop goes on meanwhile. */
struct meanwhile {
	struct store *s;
	struct told *told;
};

static void write_meanwhile(void *ctx)
{
	struct meanwhile *m = ctx;
	put_cert(m->s, "meanwhile", 1);
	store_after_commit(m->s, on_commit, m->told);
}

static void test_background(void **state)
{
	struct err e = {0};
	struct loop *l;
	struct store *s = open_in_background(*state, &l);
	struct told a = {0}, b = {0};
	struct meanwhile m = {s, &b};
	struct loop_timer *timer = loop_timer_new(l, write_meanwhile, &m);
	put_cert(s, "x", 1);
	store_after_commit(s, on_commit, &a);
	loop_timer_start(timer, 0);
	must(loop_run(l, &e), &e);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.kind, ERR_NONE);
	assert_int_equal(b.calls, 1);
	assert_int_equal(syncs_here, 0);
	assert_in_range(syncs_elsewhere, 1, 2);
	assert_int_equal(generation(s, "x"), 1);
	struct store *other = open_store(*state);
	assert_int_equal(generation(other, "meanwhile"), 1);
	store_close(other);

	/* store_commit() waits by itself, and so does the loop when it is told so. */
	forget_syncs();
	put_cert(s, "x", 2);
	commit(s);
	assert_int_equal(syncs_here, 1);
	store_set_background(s, false);
	put_cert(s, "x", 3);
	must(loop_run(l, &e), &e);
	assert_int_equal(syncs_here, 2);
	assert_int_equal(syncs_elsewhere, 0);
	store_close(s);
	loop_timer_free(timer);
	loop_free(l);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* The store is closed while the thread waits for the disk: those who wait are told once. */
static void test_closed_meanwhile(void **state)
{
	struct err e = {0};
	struct loop *l;
	struct store *s = open_in_background(*state, &l);
	struct told told = {0};
	struct loop_idle *idle = loop_idle_new(l, stop, l);
	put_cert(s, "x", 1);
	store_after_commit(s, on_commit, &told);
	loop_idle_request(idle); /* after the commit of this turn */
	must(loop_run(l, &e), &e);
	assert_in_range(told.calls, 0, 1);
	store_close(s);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.kind, ERR_NONE);
	s = open_store(*state);
	assert_int_equal(generation(s, "x"), 1);
	store_close(s);
	loop_idle_free(idle);
	loop_free(l);
}

/* Nobody knows what the disk has: those who waited hear of it, and everybody after them. */
static void test_sync_fails(void **state)
{
	struct err e = {0};
	struct loop *l;
	for (int in_background = 0; in_background < 2; in_background++) {
		struct store *s = open_in_background(*state, &l);
		struct told told = {0};
		put_cert(s, "x", 1);
		store_after_commit(s, on_commit, &told);
		sync_error = EIO;
		store_set_background(s, in_background);
		must(loop_run(l, &e), &e);
		sync_error = 0;
		assert_int_equal(told.calls, 1);
		assert_int_equal(told.kind, ERR_STORE);
		for (int i = 0; i < 3; i++) {
			struct store_cert c = {.name = xstrdup("y")};
			assert_int_equal(store_cert_put(s, &c, &e), -1);
			assert_int_equal(e.kind, ERR_STORE);
			assert_non_null(strstr(e.msg, "sync: Input/output error"));
			assert_string_not_equal(e.hint, "");
			err_done(&e);
			must(loop_run(l, &e), &e);
			store_cert_done(&c);
		}
		s = reopen(s, *state);
		put_cert(s, "y", 1);
		commit(s);
		assert_int_equal(generation(s, "y"), 1);
		store_close(s);
		loop_free(l);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_connections),
		TEST(test_after_commit),
		TEST(test_loop),
		TEST(test_patience),
		TEST(test_commit_fails),
		TEST(test_write_fails),
		TEST(test_unheard),
		TEST(test_background),
		TEST(test_closed_meanwhile),
		TEST(test_sync_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
