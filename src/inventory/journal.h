/*
 * journal.h: what was done to whose records, kept in the state directory under records/: a file of JSON Lines for each
 * run that changes records, written before a change is sent and after its outcome, so that a run can be undone, also
 * one that was killed. journal_sync() comes before what is in it is sent.
 */
#ifndef PERDURE_INVENTORY_JOURNAL_H
#define PERDURE_INVENTORY_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"
#include "provider/provider.h"

struct err;
struct journal;

/* One change as it was meant, and what came of it. */
struct journal_change {
	char *provider;
	char *zone;
	enum provider_type type;
	char *owner;
	int64_t ttl;
	struct strv before; /* record data */
	struct strv add;
	struct strv del;
	char *outcome; /* "changed", "unchanged", "failed"; "" when the run ended before it was known */
};
void journal_change_done(struct journal_change *c);

/* Makes a new file; *ret needs journal_close(). ERR_SYS. */
int journal_open(const char *state_dir, int64_t now, struct journal **ret, struct err *e);
/* "20261122T034501Z-4711". */
const char *journal_id(const struct journal *j);
/* Whether anything is in it yet. */
bool journal_written(const struct journal *j);
/* What it says survives the end of the process. ERR_SYS. */
int journal_before(struct journal *j, const struct journal_change *c, struct err *e);
int journal_after(struct journal *j, enum provider_type type, const char *owner, const char *outcome,
	const struct strv *after, struct err *e);
/* Everything written so far is on the disk when it returns. ERR_SYS. */
int journal_sync(struct journal *j, struct err *e);
/* Removes the file again when nothing was written. NULL is fine. */
void journal_close(struct journal *j);

/* Appends the ids of all runs, the earliest first. ERR_SYS. */
int journal_list(const char *state_dir, struct strv *ret, struct err *e);
/* Reads a run: *ret is an array of *ret_n, to be released with journal_changes_free(). ERR_USAGE when there is no such
 * run, naming the latest; ERR_PARSE. A last line that was cut by a crash is passed over. */
int journal_read(const char *state_dir, const char *id, struct journal_change **ret, size_t *ret_n, struct err *e);
void journal_changes_free(struct journal_change *c, size_t n);

#endif
