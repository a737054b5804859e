/* schema.c: the tables of the database, its version, and who may open it. */
#include "state/schema.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "state/sqlite.h"
#include "state/store.h"

/* In the header of the file, for file(1) and for us: "perd". */
enum { APPLICATION_ID = 0x70657264 };

/* No perdure will come so far. */
enum { NO_SCHEMA = 10000 };

/* Of cert since version 2: when the CA wishes it renewed. */
#define WINDOW_COLUMNS(next)                                                                                           \
	" window_start INTEGER NOT NULL DEFAULT 0" next " window_end INTEGER NOT NULL DEFAULT 0" next                  \
	" window_at INTEGER NOT NULL DEFAULT 0" next " window_ask_at INTEGER NOT NULL DEFAULT 0" next                  \
	" window_url TEXT NOT NULL DEFAULT ''"

/* Since version 3: deploy actions that have been tried. */
#define DEPLOY_TABLE                                                                                                   \
	"CREATE TABLE deploy("                                                                                         \
	" cert TEXT NOT NULL, action TEXT NOT NULL, label TEXT NOT NULL, generation INTEGER NOT NULL,"                 \
	" done INTEGER NOT NULL, status INTEGER NOT NULL, tries INTEGER NOT NULL, at INTEGER NOT NULL,"                \
	" next_at INTEGER NOT NULL, last_error TEXT NOT NULL, PRIMARY KEY(cert, action)) STRICT, WITHOUT ROWID;"

/* Since version 3: values in the DNS. */
#define VALUE_TABLE                                                                                                    \
	"CREATE TABLE value("                                                                                          \
	" owner TEXT NOT NULL, text TEXT NOT NULL, cert TEXT NOT NULL, keep INTEGER NOT NULL,"                         \
	" created INTEGER NOT NULL, PRIMARY KEY(owner, text)) STRICT, WITHOUT ROWID;"

/* Since version 3: what is remembered for telling. */
#define TELL_TABLES                                                                                                    \
	"CREATE TABLE metric(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"               \
	"CREATE TABLE notice("                                                                                         \
	" channel TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,"    \
	" severity INTEGER NOT NULL, since INTEGER NOT NULL, told_at INTEGER NOT NULL,"                                \
	" PRIMARY KEY(channel, key)) STRICT, WITHOUT ROWID;"

/*
 * Lists of strings are text with a line feed after each element. `work` is the orders in work; its ids are never used
 * twice, so that a late deletion cannot hit another order.
 */
static const char tables[] =
	"CREATE TABLE fact(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO fact VALUES('" STORE_FRESH "', '" STORE_FRESH_NEW "');"
	"CREATE TABLE account("
	" ca TEXT NOT NULL PRIMARY KEY, directory TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL,"
	" contact TEXT NOT NULL, thumbprints TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE cert("
	" name TEXT NOT NULL PRIMARY KEY, ca TEXT NOT NULL, names TEXT NOT NULL, generation INTEGER NOT NULL,"
	" not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, serial TEXT NOT NULL, ari_id TEXT NOT NULL,"
	" issued_at INTEGER NOT NULL, failures INTEGER NOT NULL, next_at INTEGER NOT NULL,"
	" last_error TEXT NOT NULL," WINDOW_COLUMNS(
		",") ") STRICT, WITHOUT ROWID;"
		     "CREATE TABLE work("
		     " id INTEGER PRIMARY KEY AUTOINCREMENT, cert TEXT NOT NULL UNIQUE, ca TEXT NOT NULL,"
		     " account_url TEXT NOT NULL, state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 2), names TEXT NOT "
		     "NULL,"
		     " profile TEXT NOT NULL, url TEXT NOT NULL, key_pem BLOB NOT NULL, csr_der BLOB NOT NULL,"
		     " chain_pem TEXT NOT NULL, generation INTEGER NOT NULL, created INTEGER NOT NULL) "
		     "STRICT;" DEPLOY_TABLE VALUE_TABLE TELL_TABLES;
/* From version i + 1 to the next. */
static const char *const upgrades[] = {
	"ALTER TABLE cert ADD COLUMN" WINDOW_COLUMNS("; ALTER TABLE cert ADD COLUMN") ";",
	DEPLOY_TABLE VALUE_TABLE TELL_TABLES,
};
/* Whether these can be asked is the quickest way to see that the tables are what they should be. */
static const char shape[] =
	"SELECT ca, directory, url, status, contact, thumbprints, created FROM account WHERE 0;"
	"SELECT name, ca, names, generation, not_before, not_after, serial, ari_id, issued_at, failures, next_at,"
	" last_error, window_start, window_end, window_at, window_ask_at, window_url FROM cert WHERE 0;"
	"SELECT id, cert, ca, account_url, state, names, profile, url, key_pem, csr_der, chain_pem, generation, created"
	" FROM work WHERE 0;"
	"SELECT key, value FROM fact WHERE 0;"
	"SELECT cert, action, label, generation, done, status, tries, at, next_at, last_error FROM deploy WHERE 0;"
	"SELECT owner, text, cert, keep, created FROM value WHERE 0;"
	"SELECT key, value FROM metric WHERE 0;"
	"SELECT channel, key, kind, subject, text, severity, since, told_at FROM notice WHERE 0";
_Static_assert(ARRAY_LEN(upgrades) == STORE_SCHEMA - 1, "an upgrade from each older version");
_Static_assert(STORE_ORDER_STATE_N_ == 3, "the CHECK of work.state names the last state");

static int refuse_newer(const struct sq *q, int64_t version, struct err *e)
{
	err_set(e, ERR_STORE, "%s has schema version %" PRId64 ", this perdure knows up to %d", sq_path(q), version,
		STORE_SCHEMA);
	err_hint(
		e, "use the newer perdure that wrote it, or put back the backup from before that; nothing was changed");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

int schema_refuse_older(const struct sq *q, int version, struct err *e)
{
	err_set(e, ERR_STORE, "%s has schema version %d, of an older perdure, and is only read now", sq_path(q),
		version);
	err_hint(e, "the next \"perdure renew\" brings it up to date");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int refuse_foreign(const struct sq *q, struct err *e)
{
	err_set(e, ERR_STORE, "%s is the database of another program", sq_path(q));
	err_hint(e, "name another state directory, or move it away: what live/ and archive/ tell is known again then; "
		    "nothing "
		    "was changed");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int refuse_damaged(const struct sq *q, const char *why, struct err *e)
{
	err_set(e, ERR_STORE, "%s is damaged: %s", sq_path(q), why);
	sq_advise_damaged(e, sq_path(q));
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	e->code = STORE_DAMAGED;
	return -1;
}

static int check_header(struct sq *q, int64_t *ret_version, struct err *e)
{
	int64_t version = 0;
	int64_t app = 0;
	if (sq_query_int(q, "PRAGMA user_version", &version, e) || sq_query_int(q, "PRAGMA application_id", &app, e))
		return -1;
	if (app != APPLICATION_ID && (app || version))
		return refuse_foreign(q, e);
	if (version < 0 || version > NO_SCHEMA)
		return refuse_damaged(q, "its header has a version that there is not", e);
	if (version > STORE_SCHEMA)
		return refuse_newer(q, version, e);
	*ret_version = version;
	return 0;
}

int schema_check_file(const char *path, struct err *e)
{
	struct sq *q;
	if (sq_open(path, SQ_FROZEN, &q, e))
		return -1;
	int64_t version;
	int r = check_header(q, &version, e);
	/* A process that writes now may make the file look odd without its log: the real connection will judge. */
	if (r && e->code > 0 && !sq_err_foreign(e)) {
		err_done(e);
		r = 0;
	}
	sq_close(q);
	return r;
}

int schema_check(struct sq *q, int *ret_version, struct err *e)
{
	int64_t version;
	int64_t objects = 0;
	if (check_header(q, &version, e))
		return -1;
	if (!version && sq_query_int(q, "SELECT count(*) FROM sqlite_schema", &objects, e))
		return -1;
	/* Between the two questions another process may have made the tables; then the version tells now. */
	if (objects && check_header(q, &version, e))
		return -1;
	if (objects && !version)
		return refuse_foreign(q, e);
	*ret_version = (int)version;
	return 0;
}

/* In front of what it says of pages there is a line that names the database. */
static const char *first_finding(const char *verdict)
{
	const char *last = verdict ? strrchr(verdict, '\n') : NULL;
	return last ? last + 1 : verdict ? verdict : "no answer";
}

int schema_check_pages(struct sq *q, int version, struct err *e)
{
	AUTO(xfreep) char *verdict = NULL;
	/* Not quick_check: that would not compare the one index with its table, and there is nothing else it saves. */
	if (sq_query_text(q, "PRAGMA integrity_check(1)", &verdict, e))
		return -1;
	if (!verdict || strcmp(verdict, "ok") != 0)
		return refuse_damaged(q, first_finding(verdict), e);
	return version == STORE_SCHEMA ? sq_exec(q, shape, e) : 0;
}

/* Two processes that open a new database at once get in each other's way here, without SQLite waiting for us. */
static int switch_to_wal(struct sq *q, struct err *e)
{
	AUTO(xfreep) char *mode = NULL;
	for (int tries = 0;; tries++) {
		if (!sq_query_text(q, "PRAGMA journal_mode=WAL", &mode, e))
			break;
		if (e->kind != ERR_BUSY || tries == 100)
			return -1;
		err_done(e);
		poll(NULL, 0, 20);
	}
	if (mode && !strcmp(mode, "wal"))
		return 0;
	return err_set(e, ERR_STORE, "%s: no write-ahead log on this file system (journal mode is %s)", sq_path(q),
		mode ? mode : "unknown");
}

static int bring_to_date(struct sq *q, int version, struct err *e)
{
	AUTO(xfreep)
	char *mark =
		xasprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", (int)APPLICATION_ID, (int)STORE_SCHEMA);
	if (!version && sq_exec(q, tables, e))
		return -1;
	for (; version && version < STORE_SCHEMA; version++)
		if (sq_exec(q, upgrades[version - 1], e))
			return -1;
	return sq_exec(q, mark, e);
}

static int make_tables(struct sq *q, struct err *e)
{
	int version;
	if (sq_exec(q, "BEGIN IMMEDIATE", e))
		return -1;
	/* Now that we hold the lock: another process may have been faster. */
	if (schema_check(q, &version, e) || bring_to_date(q, version, e) || sq_exec(q, "COMMIT", e)) {
		struct err undo = {0};
		if (sq_in_transaction(q) && sq_exec(q, "ROLLBACK", &undo))
			err_done(&undo);
		return err_ctx(e, "make the tables");
	}
	return 0;
}

int schema_prepare(struct sq *q, struct err *e)
{
	int version;
	/* secure_delete: the keys of orders are overwritten with zeros when the order goes. */
	if (switch_to_wal(q, e) ||
		sq_exec(q,
			"PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
			"PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=4194304",
			e) ||
		schema_check(q, &version, e))
		return -1;
	return version < STORE_SCHEMA ? make_tables(q, e) : 0;
}
