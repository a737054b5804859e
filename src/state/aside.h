/*
 * aside.h: a damaged database (store_err_damaged()): out of the way, but kept, and read as far as it can be. The caller
 * is the only process that changes the state directory.
 */
#ifndef PERDURE_STATE_ASIDE_H
#define PERDURE_STATE_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

/* Whether there is a write-ahead log in dir whose database is gone or empty: SQLite would delete it. */
bool aside_log_alone(const char *dir);
/*
 * Renames the database in dir with its log and shared memory to perdure.db.damaged-TIME (UTC; with a number after it
 * when that name is taken), and syncs the directory. Nothing is written to or deleted. *ret: the new path, heap
 * string. ERR_SYS: what has been renamed stays so, and doing it again is harmless.
 */
int aside_put(const char *dir, int64_t now_s, char **ret, struct err *e);
/*
 * Copies from the database at path into s what can still be read: accounts, orders in work, values in the DNS, deploy
 * actions that are done, and of certificates the name and the CA (generation 0). There is no saying whether the values
 * are right. Rows that are there already stay. ERR_STORE: s cannot be written.
 */
int aside_salvage(const char *path, struct store *s, struct err *e);

#endif
