/* sqlite.c: a database connection; the only user of SQLite. */
#include "state/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"

/* Commits of another process take milliseconds; one that holds the lock for longer hangs. */
enum { BUSY_WAIT_MS = 5000 };

struct sq_stmt {
	struct sq *q;
	sqlite3_stmt *st;
	int bound; /* parameters so far */
	int col; /* columns read of this row */
	int rc; /* first trouble while binding */
	bool kept;
	bool in_use;
};

struct sq {
	sqlite3 *db;
	char *path;
	bool damaged; /* something in it could not be */
	struct sq_stmt kept[SQ_KEPT_MAX];
};

/* Statements are our own: one that is refused does not go with the tables that there are. */
static bool means_damage(int rc)
{
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_ERROR;
}

/* os_error is that of the file operation which failed, or 0. */
static void advise(struct err *e, const char *path, int rc, int os_error)
{
	if (rc == SQLITE_FULL || os_error == ENOSPC || os_error == EDQUOT)
		err_hint(e, "make room on the file system of %s (or raise its quota), then run the same command again",
			path);
	else if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		err_hint(e, "another process is writing to this database: wait until it has ended, then run again");
	else if (rc == SQLITE_IOERR)
		err_hint(e, "check the disk under %s; the database is as it was at the last commit", path);
	else if (means_damage(rc))
		sq_advise_damaged(e, path);
	else if (rc == SQLITE_READONLY || rc == SQLITE_PERM || rc == SQLITE_CANTOPEN || rc == SQLITE_AUTH)
		err_hint(e, "run as the user who owns %s, and see that its file system is mounted for writing", path);
}

void sq_advise_damaged(struct err *e, const char *path)
{
	err_hint(e,
		"run \"perdure renew\": it keeps %s under another name and makes the state again from live/ and "
		"archive/; "
		"a backup that you would rather have goes in its place before",
		path);
}

/* Says what SQLite did not like and what helps; the callers say what they were about. Has the value -1. */
static int fail(struct sq *q, int rc, struct err *e)
{
	int kind = rc & 0xff;
	q->damaged |= means_damage(kind);
	int os_error = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN ? sqlite3_system_errno(q->db) : 0;
	bool ours = kind == SQLITE_ERROR || kind == SQLITE_CONSTRAINT;
	bool busy = kind == SQLITE_BUSY || kind == SQLITE_LOCKED;
	err_set(e, busy ? ERR_BUSY : ERR_STORE, "%s: %s%s%s", q->path,
		ours ? sqlite3_errmsg(q->db) : sqlite3_errstr(kind), os_error ? ": " : "",
		os_error ? strerrordesc_np(os_error) : "");
	e->code = rc;
	/* A log that was there a moment ago: the last one who had the database open has just closed it. */
	bool vanished = os_error == ENOENT;
	err_retry(e, vanished ? RETRY_NOW : busy ? RETRY_LATER : RETRY_AFTER_OPERATOR, 0);
	advise(e, q->path, kind, os_error);
	return -1;
}

/* An URI, because only that can say immutable=1: nothing beside the file is looked at or made. */
static char *frozen_uri(const char *path)
{
	AUTO(buf_done) struct buf b = buf_make(64 << 10);
	buf_puts(&b, "file:");
	for (const char *c = path; *c; c++)
		if (strchr("%?#", *c))
			buf_printf(&b, "%%%02x", (unsigned)*c);
		else
			buf_putc(&b, *c);
	buf_puts(&b, "?immutable=1");
	return xstrdup(buf_str(&b));
}

int sq_open(const char *path, enum sq_mode mode, struct sq **ret, struct err *e)
{
	struct sq *q = xcalloc(1, sizeof(*q));
	q->path = xstrdup(path);
	AUTO(xfreep) char *uri = mode == SQ_FROZEN ? frozen_uri(path) : NULL;
	/* One thread uses the connection: SQLite's own locks would only cost. */
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (uri ? SQLITE_OPEN_URI : 0) |
		    (mode == SQ_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int rc = sqlite3_open_v2(uri ? uri : path, &q->db, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(q->db, BUSY_WAIT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(q->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc != SQLITE_OK) {
		fail(q, rc, e);
		sq_close(q);
		return -1;
	}
	*ret = q;
	return 0;
}

void sq_close(struct sq *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < SQ_KEPT_MAX; i++)
		sqlite3_finalize(q->kept[i].st);
	sqlite3_close(q->db);
	free(q->path);
	free(q);
}

void sq_leave_alone(struct sq *q)
{
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

const char *sq_path(const struct sq *q)
{
	return q->path;
}

int sq_exec(struct sq *q, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(q, rc, e);
}

/* Steps a query of our own to its first row. */
static int first_row(struct sq *q, const char *sql, sqlite3_stmt **ret, bool *ret_row, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(q->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		fail(q, rc, e);
		sqlite3_finalize(st);
		return -1;
	}
	*ret_row = rc == SQLITE_ROW;
	*ret = st;
	return 0;
}

int sq_query_int(struct sq *q, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st;
	bool row;
	if (first_row(q, sql, &st, &row, e))
		return -1;
	if (row)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return 0;
}

int sq_query_text(struct sq *q, const char *sql, char **ret, struct err *e)
{
	sqlite3_stmt *st;
	bool row;
	if (first_row(q, sql, &st, &row, e))
		return -1;
	const unsigned char *text = row ? sqlite3_column_text(st, 0) : NULL;
	*ret = text ? xstrdup((const char *)text) : NULL;
	sqlite3_finalize(st);
	return 0;
}

bool sq_in_transaction(const struct sq *q)
{
	return !sqlite3_get_autocommit(q->db);
}

bool sq_err_constraint(const struct err *e)
{
	return e->kind == ERR_STORE && (e->code & 0xff) == SQLITE_CONSTRAINT;
}

bool sq_err_cannot_open(const struct err *e)
{
	long rc = e->code & 0xff;
	return e->kind == ERR_STORE && e->code > 0 && (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY);
}

bool sq_err_foreign(const struct err *e)
{
	return e->kind == ERR_STORE && (e->code & 0xff) == SQLITE_NOTADB;
}

bool sq_err_damaged(const struct err *e)
{
	return e->kind == ERR_STORE && e->code > 0 && means_damage((int)e->code & 0xff);
}

bool sq_met_damage(const struct sq *q)
{
	return q->damaged;
}

int sq_begin(struct sq *q, unsigned slot, const char *sql, struct sq_stmt **ret, struct err *e)
{
	struct sq_stmt *st = &q->kept[slot];
	if (st->in_use)
		st = xcalloc(1, sizeof(*st));
	else
		st->kept = true;
	st->q = q;
	if (!st->st) {
		unsigned flags = st->kept ? SQLITE_PREPARE_PERSISTENT : 0;
		int rc = sqlite3_prepare_v3(q->db, sql, -1, flags, &st->st, NULL);
		if (rc != SQLITE_OK) {
			fail(q, rc, e);
			sq_end(st);
			return -1;
		}
	}
	st->in_use = true;
	*ret = st;
	return 0;
}

void sq_end(struct sq_stmt *st)
{
	if (!st)
		return;
	if (!st->kept) {
		sqlite3_finalize(st->st);
		free(st);
		return;
	}
	/* The bindings point to the caller's memory. There is no statement when it could not be prepared. */
	if (st->st) {
		sqlite3_reset(st->st);
		sqlite3_clear_bindings(st->st);
	}
	st->bound = 0;
	st->rc = SQLITE_OK;
	st->in_use = false;
}

void sq_endp(struct sq_stmt **st)
{
	sq_end(*st);
}

static void note(struct sq_stmt *st, int rc)
{
	if (st->rc == SQLITE_OK)
		st->rc = rc;
}

void sq_bind_int(struct sq_stmt *st, int64_t v)
{
	note(st, sqlite3_bind_int64(st->st, ++st->bound, v));
}

void sq_bind_text(struct sq_stmt *st, const char *s)
{
	note(st, sqlite3_bind_text(st->st, ++st->bound, s ? s : "", -1, SQLITE_STATIC));
}

void sq_bind_secret(struct sq_stmt *st, const struct secret *s)
{
	/* A NULL pointer would be bound as NULL. */
	const void *p = s->n ? (const void *)s->p : "";
	note(st, sqlite3_bind_blob64(st->st, ++st->bound, p, s->n, SQLITE_STATIC));
}

int sq_step(struct sq_stmt *st, bool *ret_row, struct err *e)
{
	int rc = st->rc == SQLITE_OK ? sqlite3_step(st->st) : st->rc;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(st->q, rc, e);
	st->col = 0;
	*ret_row = rc == SQLITE_ROW;
	return 0;
}

int sq_run(struct sq_stmt *st, struct err *e)
{
	bool row;
	return sq_step(st, &row, e);
}

int64_t sq_int(struct sq_stmt *st)
{
	return sqlite3_column_int64(st->st, st->col++);
}

const char *sq_text(struct sq_stmt *st)
{
	const unsigned char *text = sqlite3_column_text(st->st, st->col++);
	return text ? (const char *)text : "";
}

struct secret sq_secret(struct sq_stmt *st)
{
	int at = st->col++;
	const void *p = sqlite3_column_blob(st->st, at);
	return p ? secret_dup(p, (size_t)sqlite3_column_bytes(st->st, at)) : (struct secret){0};
}

/* SQLITE_OK: there is nothing more to read. */
static int copy_rows(sqlite3_stmt *in, sqlite3_stmt *out, struct sq *to, size_t *ret_n)
{
	while (sqlite3_step(in) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(in); i++)
			sqlite3_bind_value(out, i + 1, sqlite3_column_value(in, i));
		int rc = sqlite3_step(out);
		sqlite3_reset(out);
		if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT)
			return rc;
		*ret_n += rc == SQLITE_DONE && sqlite3_changes(to->db) > 0;
	}
	return SQLITE_OK;
}

int sq_copy(struct sq *from, const char *select, struct sq *to, const char *insert, size_t *ret_n, struct err *e)
{
	sqlite3_stmt *in = NULL, *out = NULL;
	int rc = sqlite3_prepare_v2(to->db, insert, -1, &out, NULL);
	if (rc == SQLITE_OK && sqlite3_prepare_v2(from->db, select, -1, &in, NULL) == SQLITE_OK)
		rc = copy_rows(in, out, to, ret_n);
	int r = rc == SQLITE_OK ? 0 : fail(to, rc, e);
	sqlite3_finalize(in);
	sqlite3_finalize(out);
	return r;
}

int64_t sq_changes(const struct sq *q)
{
	return sqlite3_changes64(q->db);
}

int64_t sq_last_id(const struct sq *q)
{
	return sqlite3_last_insert_rowid(q->db);
}
