/* aside.c: a damaged database: put aside, and what can still be read of it. */
#include "state/aside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "state/internal.h"
#include "state/sqlite.h"
#include "state/store.h"

/* --- out of the way --- */

/* The database first: without it nobody mistakes the log for that of another, or goes on without what is in it. */
static const char *const parts[] = {"", "-wal", "-shm"};

static char *part(const char *path, size_t i)
{
	return xasprintf("%s%s", path, parts[i]);
}

static off_t size_of(const char *dir, size_t i)
{
	struct stat st;
	AUTO(xfreep) char *path = xasprintf("%s/perdure.db%s", dir, parts[i]);
	return stat(path, &st) ? 0 : st.st_size;
}

bool aside_log_alone(const char *dir)
{
	return !size_of(dir, 0) && size_of(dir, 1) > 0;
}

static bool is_taken(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO(xfreep) char *one = part(path, i);
		if (fs_exists(one))
			return true;
	}
	return false;
}

/* perdure.db.damaged-20261122T094152Z */
static char *free_name(const char *from, int64_t now_s)
{
	char text[CLOCK_TEXT_MAX], when[CLOCK_TEXT_MAX], *to = when;
	clock_rfc3339(now_s, text);
	for (const char *c = text; *c; c++)
		if (*c != '-' && *c != ':')
			*to++ = *c;
	*to = '\0';
	char *path = xasprintf("%s.damaged-%s", from, when);
	for (unsigned n = 2; is_taken(path); n++) {
		free(path);
		path = xasprintf("%s.damaged-%s-%u", from, when, n);
	}
	return path;
}

int aside_put(const char *dir, int64_t now_s, char **ret, struct err *e)
{
	AUTO(xfreep) char *from = xasprintf("%s/perdure.db", dir);
	AUTO(xfreep) char *to = free_name(from, now_s);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO(xfreep) char *old = part(from, i);
		AUTO(xfreep) char *new = part(to, i);
		if (fs_exists(old) && fs_rename(old, new, e))
			return err_ctx(e, "keep the damaged database");
		FAULT("aside.renamed");
	}
	*ret = TAKE(to);
	return 0;
}

/* --- what can still be read --- */

/*
 * Of certificates the files tell everything else, and what is counted and waited for begins anew: a wrong number there
 * could stand in the way for years.
 */
static const struct {
	const char *table, *columns, *values, *key;
} tables[] = {
	{"account", "ca, directory, url, status, contact, thumbprints, created",
		"ca, directory, url, status, contact, thumbprints, created", "ca"},
	{"cert",
		"name, ca, names, generation, not_before, not_after, serial, ari_id, issued_at, failures, next_at, "
		"last_error",
		"name, ca, '', 0, 0, 0, '', '', 0, 0, 0, ''", "name"},
	{"work", "cert, ca, account_url, state, names, profile, url, key_pem, csr_der, chain_pem, generation, created",
		"cert, ca, account_url, state, names, profile, url, key_pem, csr_der, chain_pem, generation, created",
		"id"},
	{"value", "owner, text, cert, keep, created", "owner, text, cert, keep, created", "owner"},
	{"deploy", "cert, action, label, generation, done, status, tries, at, next_at, last_error",
		"cert, action, label, generation, nullif(done, 0), status, 0, at, 0, ''", "cert"},
};

/* From both ends: a page that cannot be read stops a walk. */
static int copy_table(struct sq *from, struct store *s, size_t i, struct err *e)
{
	size_t n = 0;
	AUTO(xfreep) char *marks = xstrdup("?");
	for (const char *c = strchr(tables[i].columns, ','); c; c = strchr(c + 1, ',')) {
		char *more = xasprintf("%s,?", marks);
		free(marks);
		marks = more;
	}
	AUTO(xfreep)
	char *insert = xasprintf("INSERT OR IGNORE INTO %s(%s) VALUES(%s)", tables[i].table, tables[i].columns, marks);
	for (int back = 0; back < 2; back++) {
		AUTO(xfreep)
		char *select = xasprintf("SELECT %s FROM %s ORDER BY %s%s", tables[i].values, tables[i].table,
			tables[i].key, back ? " DESC" : "");
		if (sq_copy(from, select, store_db_(s), insert, &n, e))
			return -1;
	}
	return 0;
}

int aside_salvage(const char *path, struct store *s, struct err *e)
{
	struct err ignored = {0};
	struct sq *from;
	if (!fs_exists(path) || sq_open(path, SQ_READ, &from, &ignored)) {
		err_done(&ignored);
		return 0;
	}
	sq_leave_alone(from);
	int r = store_write_begin_(s, e);
	for (size_t i = 0; !r && i < ARRAY_LEN(tables); i++)
		r = store_write_end_(s, copy_table(from, s, i, e), e);
	sq_close(from);
	return r;
}
