/* store.c: opening the store; writes collected into one transaction, and those who wait for its commit. */
#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "state/internal.h"
#include "state/schema.h"
#include "state/sqlite.h"
#include "state/walsync.h"

struct waiter {
	void (*cb)(const struct err *failed, void *ctx);
	void *ctx;
};

struct waiters {
	struct waiter *v;
	size_t n, cap;
};

struct store {
	struct sq *db;
	bool read_only;
	struct loop *loop;
	struct loop_idle *idle; /* NULL without a loop */
	struct loop_timer *late; /* the end of patience */
	int64_t patience_ms, hurry_ms;
	bool late_runs;
	bool hurried; /* late runs for somebody in a hurry */
	struct waiters waiting; /* for the next commit */
	struct waiters committed; /* for the disk to have the last one */
	struct err failed; /* why the writes since the last commit are undone; clean when they are not */
	bool told; /* somebody has got that error */
	bool background; /* a thread is to wait for the disk */
	bool due; /* a commit, as soon as the disk has the last one */
	bool unsynced; /* the log may hold more than the disk */
	struct walsync *log; /* NULL: SQLite syncs at each commit */
	struct err lost; /* a sync failed: nothing is written any more */
};

static int missing(const char *path, struct err *e)
{
	err_set(e, ERR_STORE, "%s does not exist", path);
	err_hint(e, "run `perdure init` first, or name the state directory that you mean");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	e->code = STORE_MISSING;
	return -1;
}

static int make_directory(const char *dir, struct err *e)
{
	if (fs_exists(dir))
		return 0;
	AUTO(xfreep) char *up = xasprintf("%s/..", dir);
	if (fs_mkdirs(dir, 0700, e) || fs_sync_dir(up, e)) {
		err_hint(e, "make the directory yourself, owned by the user who runs perdure: install -d -m 700 %s",
			dir);
		return err_ctx(e, "set up the state directory");
	}
	return 0;
}

/*
 * SQLite would make the file with rights by the umask; its -wal and -shm take the rights of the file. Only a file that
 * was not there is opened here: closing one that SQLite has open elsewhere in this process would drop SQLite's locks.
 */
static int make_file(const char *dir, const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0) {
		err_sys(e, "make the database %s", path);
		err_hint(e, "run as the user who owns %s, on a file system mounted for writing", dir);
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		return -1;
	}
	close(fd);
	return fs_sync_dir(dir, e);
}

static int open_for_writing(const char *dir, const char *path, struct sq **ret, struct err *e)
{
	int version;
	struct sq *q = NULL;
	if (make_directory(dir, e) || make_file(dir, path, e) || schema_check_file(path, e) ||
		sq_open(path, SQ_WRITE, &q, e))
		return -1;
	if (schema_check(q, &version, e) || schema_check_pages(q, version, e)) {
		sq_leave_alone(q);
		sq_close(q);
		return -1;
	}
	if (schema_prepare(q, e)) {
		sq_close(q);
		return -1;
	}
	*ret = q;
	return 0;
}

/* Whether the log beside the database holds anything. */
static bool has_log(const char *path)
{
	struct stat st;
	AUTO(xfreep) char *log = xasprintf("%s-wal", path);
	return !stat(log, &st) && st.st_size > 0;
}

static int open_reader(const char *path, enum sq_mode mode, struct sq **ret, struct err *e)
{
	struct sq *q;
	int version = 0;
	if (sq_open(path, mode, &q, e))
		return -1;
	sq_leave_alone(q);
	if (schema_check(q, &version, e) || (!version && missing(path, e)) ||
		(version < STORE_SCHEMA && schema_refuse_older(q, version, e))) {
		sq_close(q);
		return -1;
	}
	*ret = q;
	return 0;
}

static int open_for_reading(const char *path, struct sq **ret, struct err *e)
{
	if (!fs_exists(path))
		return missing(path, e);
	if (schema_check_file(path, e))
		return -1;
	if (!open_reader(path, SQ_READ, ret, e))
		return 0;
	/*
	 * Readers share memory with writers through a file beside the database. When it is not there and may not be
	 * made by us, nobody has the database open; and without a log the main file holds everything.
	 */
	if (!sq_err_cannot_open(e) || has_log(path))
		return -1;
	err_done(e);
	return open_reader(path, SQ_FROZEN, ret, e);
}

/* Those who close the database while we open it take its log from under us: that passes. */
enum { OPEN_TRIES = 50 };

int store_open(const char *dir, bool read_only, struct store **ret, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/perdure.db", dir);
	struct sq *db;
	for (int tries = 0; read_only ? open_for_reading(path, &db, e) : open_for_writing(dir, path, &db, e); tries++) {
		if (e->retry != RETRY_NOW || tries == OPEN_TRIES)
			return err_ctx(e, "open the state");
		err_done(e);
		poll(NULL, 0, 20);
	}
	struct store *s = xcalloc(1, sizeof(*s));
	s->db = db;
	s->read_only = read_only;
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_detach(s);
	while (s->waiting.n || sq_in_transaction(s->db)) {
		struct err e = {0};
		if (store_commit(s, &e))
			err_done(&e);
	}
	err_done(&s->failed);
	err_done(&s->lost);
	walsync_free(s->log);
	sq_close(s->db);
	free(s);
}

bool store_err_damaged(const struct err *e)
{
	return sq_err_damaged(e) || (e->kind == ERR_STORE && e->code == STORE_DAMAGED);
}

int store_check(struct store *s, struct err *e)
{
	return schema_check_pages(s->db, STORE_SCHEMA, e);
}

bool store_met_damage(const struct store *s)
{
	return sq_met_damage(s->db);
}

static void commit_this_turn(struct store *s)
{
	if (s->idle)
		loop_idle_request(s->idle);
}

void store_hurry(struct store *s)
{
	if (!s->hurry_ms) {
		commit_this_turn(s);
	} else if (s->idle && !s->hurried) {
		s->late_runs = s->hurried = true;
		loop_timer_start(s->late, s->hurry_ms);
	}
}

static void request_commit(struct store *s)
{
	if (!s->idle || !s->patience_ms) {
		commit_this_turn(s);
	} else if (!s->late_runs) {
		s->late_runs = true;
		loop_timer_start(s->late, s->patience_ms);
	}
}

static void patience_ends(void *ctx)
{
	struct store *s = ctx;
	s->late_runs = s->hurried = false;
	commit_this_turn(s);
}

void store_set_patience(struct store *s, int64_t ms, int64_t hurry_ms)
{
	s->patience_ms = ms;
	s->hurry_ms = hurry_ms;
	if ((s->late_runs && !ms) || (s->hurried && !hurry_ms))
		commit_this_turn(s);
}

static void stop_late(struct store *s)
{
	if (s->late_runs)
		loop_timer_stop(s->late);
	s->late_runs = s->hurried = false;
}

static void undo(struct store *s, struct err *why)
{
	struct err e = {0};
	if (sq_in_transaction(s->db) && sq_exec(s->db, "ROLLBACK", &e))
		err_done(&e);
	err_move(&s->failed, why);
	s->told = false;
	commit_this_turn(s);
}

/* Calls those who wait. They may write and wait again: that is for the next commit. */
static void tell(struct waiters *those, const struct err *failed)
{
	struct waiters w = *those;
	*those = (struct waiters){0};
	for (size_t i = 0; i < w.n; i++)
		w.v[i].cb(failed, w.v[i].ctx);
	free(w.v);
}

/* Of the log: whether the disk has what is in it is not known, and later commits follow upon it. */
static void lose(struct store *s, const struct err *why)
{
	struct err undone = {0};
	err_done(&s->lost);
	err_copy(&s->lost, why);
	err_copy(&undone, why);
	undo(s, &undone);
}

/* Without syncing, if that is left to us. s->failed tells whether it went well. */
static void commit_writes(struct store *s)
{
	struct err why = {0};
	stop_late(s);
	if (err_is(&s->failed) || !sq_in_transaction(s->db))
		return;
	FAULT("store.before-commit");
	if (sq_exec(s->db, "COMMIT", &why)) {
		err_ctx(&why, "commit");
		undo(s, &why);
		return;
	}
	s->unsynced = s->log != NULL;
	FAULT("store.committed");
}

static void sync_here(struct store *s)
{
	struct err why = {0};
	if (!s->unsynced)
		return;
	s->unsynced = false;
	if (walsync_now(s->log, &why)) {
		err_ctx(&why, "commit");
		lose(s, &why);
		err_done(&why);
	}
}

int store_commit(struct store *s, struct err *e)
{
	commit_writes(s);
	sync_here(s);
	if (!err_is(&s->failed)) {
		tell(&s->waiting, NULL);
		return 0;
	}
	struct err why = {0};
	err_move(&why, &s->failed);
	tell(&s->waiting, &why);
	err_move(e, &why);
	return -1;
}

static void synced(const struct err *failed, void *ctx)
{
	struct store *s = ctx;
	struct err why = {0};
	s->unsynced = false;
	if (failed) {
		err_copy(&why, failed);
		err_ctx(&why, "commit");
		lose(s, &why);
	}
	if (s->due)
		commit_this_turn(s);
	s->due = false;
	tell(&s->committed, failed ? &why : NULL);
	err_done(&why);
}

/* The commit's writes, then the thread's turn. Whether it has begun. */
static bool commit_in_background(struct store *s)
{
	if (!s->background || !s->log)
		return false;
	commit_writes(s);
	if (err_is(&s->failed) || !s->unsynced || !walsync_start(s->log, s->loop, synced, s))
		return false;
	s->committed = s->waiting;
	s->waiting = (struct waiters){0};
	return true;
}

/* From now on the syncs are ours. When they cannot be they stay SQLite's. */
static void take_over_syncs(struct store *s)
{
	struct err ignored = {0};
	AUTO(xfreep) char *path = xasprintf("%s-wal", sq_path(s->db));
	if (s->log || !s->background || sq_in_transaction(s->db) || walsync_new(path, &s->log, &ignored)) {
		err_done(&ignored);
		return;
	}
	if (sq_exec(s->db, "PRAGMA synchronous=NORMAL", &ignored)) {
		err_done(&ignored);
		walsync_free(TAKE(s->log));
	}
}

static void end_of_turn(void *ctx)
{
	struct store *s = ctx;
	if (s->log && walsync_runs(s->log)) {
		s->due = true;
		return;
	}
	if (commit_in_background(s))
		return;
	bool heard = s->waiting.n > 0 || s->told;
	struct err e = {0};
	if (!store_commit(s, &e)) {
		take_over_syncs(s);
		return;
	}
	/* An error that nobody was told is the answer to the next write. */
	if (!heard && !err_is(&s->failed))
		err_move(&s->failed, &e);
	err_done(&e);
}

void store_attach(struct store *s, struct loop *l)
{
	store_detach(s);
	s->loop = l;
	s->idle = loop_idle_new(l, end_of_turn, s);
	s->late = loop_timer_new(l, patience_ends, s);
	if (s->waiting.n || sq_in_transaction(s->db))
		request_commit(s);
}

/* What the thread was at is done here. */
static void end_background(struct store *s)
{
	if (!s->log || !walsync_runs(s->log))
		return;
	walsync_stop(s->log);
	s->unsynced = true;
	sync_here(s);
	struct err why = {0};
	if (err_is(&s->lost))
		err_copy(&why, &s->lost);
	tell(&s->committed, err_is(&why) ? &why : NULL);
	err_done(&why);
}

void store_detach(struct store *s)
{
	end_background(s);
	stop_late(s);
	if (s->idle)
		loop_idle_free(s->idle);
	loop_timer_free(s->late);
	s->idle = NULL;
	s->late = NULL;
	s->loop = NULL;
	s->due = false;
}

void store_set_background(struct store *s, bool on)
{
	s->background = on;
}

void store_after_commit(struct store *s, void (*cb)(const struct err *failed, void *ctx), void *ctx)
{
	struct waiters *w = &s->waiting;
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 8;
		w->v = xreallocarray(w->v, w->cap, sizeof(*w->v));
	}
	w->v[w->n++] = (struct waiter){.cb = cb, .ctx = ctx};
	request_commit(s);
}

struct sq *store_db_(struct store *s)
{
	return s->db;
}

int store_write_begin_(struct store *s, struct err *e)
{
	if (s->read_only)
		return err_set(e, ERR_STORE, "%s was opened for reading only", sq_path(s->db));
	if (!err_is(&s->failed) && err_is(&s->lost))
		err_copy(&s->failed, &s->lost);
	if (err_is(&s->failed)) {
		err_copy(e, &s->failed);
		s->told = true;
		request_commit(s);
		return -1;
	}
	if (!sq_in_transaction(s->db) && sq_exec(s->db, "BEGIN IMMEDIATE", e))
		return err_ctx(e, "begin a transaction");
	request_commit(s);
	return 0;
}

int store_write_end_(struct store *s, int r, struct err *e)
{
	if (r && !sq_err_constraint(e)) {
		struct err why = {0};
		err_copy(&why, e);
		undo(s, &why);
		s->told = true;
	}
	return r;
}
