/*
 * sqlite.h: a database connection as src/state needs it: errors in our words, statements that stay prepared, binding
 * and reading in order of the columns. sqlite.c is the only user of SQLite; its types do not show.
 */
#ifndef PERDURE_STATE_SQLITE_H
#define PERDURE_STATE_SQLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct secret;
struct sq;
struct sq_stmt;

enum sq_mode {
	SQ_WRITE,
	SQ_READ, /* sees what other processes commit meanwhile */
	SQ_FROZEN, /* the main file alone, without locks: only right when nobody writes */
};
enum { SQ_KEPT_MAX = 64 };

/* Opens an existing file (an empty one is an empty database). ERR_STORE, ERR_BUSY. */
int sq_open(const char *path, enum sq_mode mode, struct sq **ret, struct err *e);
/* Undoes what is not committed and closes. */
void sq_close(struct sq *q);
/* sq_close() then moves nothing from the write-ahead log into the database: for a database that we refuse. */
void sq_leave_alone(struct sq *q);
const char *sq_path(const struct sq *q);

/* Runs statements without parameters. */
int sq_exec(struct sq *q, const char *sql, struct err *e);
/* The first column of the first row; *ret is untouched when there is no row. */
int sq_query_int(struct sq *q, const char *sql, int64_t *ret, struct err *e);
/* The same as a heap string, NULL when there is no row. */
int sq_query_text(struct sq *q, const char *sql, char **ret, struct err *e);
/* Whether a transaction is open: SQLite itself undoes one on some errors. */
bool sq_in_transaction(const struct sq *q);

/* The hint for a database that is damaged or none. */
void sq_advise_damaged(struct err *e, const char *path);
/* What an error from here means. */
bool sq_err_constraint(const struct err *e); /* one row was refused; the transaction is as before the statement */
bool sq_err_cannot_open(const struct err *e); /* files or rights are missing */
bool sq_err_foreign(const struct err *e); /* the file is no database */
bool sq_err_damaged(const struct err *e); /* that, or what is in it cannot be, or is not what our statements go with */
/* Whether any operation of the connection met a damage. */
bool sq_met_damage(const struct sq *q);

/*
 * Gives the statement in the place `slot` (below SQ_KEPT_MAX; always with the same sql), prepared once and kept. Ready
 * for binding; needs sq_end(), after which it may be got again. When it is in use (a walk inside a walk) a temporary
 * one is given.
 */
int sq_begin(struct sq *q, unsigned slot, const char *sql, struct sq_stmt **ret, struct err *e);
/* Ends the use; NULL is fine. */
void sq_end(struct sq_stmt *st);
void sq_endp(struct sq_stmt **st);

/* Bind the next parameter. What is pointed to must last until sq_end(). NULL is bound as ''. */
void sq_bind_int(struct sq_stmt *st, int64_t v);
void sq_bind_text(struct sq_stmt *st, const char *s);
void sq_bind_secret(struct sq_stmt *st, const struct secret *s);
/* Goes to the next row (*ret_row) or to the end. Reports what binding did not like, too. */
int sq_step(struct sq_stmt *st, bool *ret_row, struct err *e);
/* For statements without a result. */
int sq_run(struct sq_stmt *st, struct err *e);
/* Read the next column of the row. The string is never NULL, and is borrowed until the next step. */
int64_t sq_int(struct sq_stmt *st);
const char *sq_text(struct sq_stmt *st);
/* A copy. */
struct secret sq_secret(struct sq_stmt *st);
/*
 * Binds each row of the query select, as far as it can be read, to the parameters of the statement insert of another
 * database and runs that; what the tables there do not take is left out. *ret_n is increased by the rows taken.
 * ERR_STORE: the other database cannot be written.
 */
int sq_copy(struct sq *from, const char *select, struct sq *to, const char *insert, size_t *ret_n, struct err *e);
/* Rows changed by the last statement that ended, and the id that an INSERT gave. */
int64_t sq_changes(const struct sq *q);
int64_t sq_last_id(const struct sq *q);

#endif
