/* deployrows.c: deploy actions as rows. */
#include "state/deployrows.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "state/internal.h"
#include "state/sqlite.h"

#define COLUMNS "cert, action, label, generation, done, status, tries, at, next_at, last_error"

enum sql { PUT, DELETE, DELETE_ALL, EACH, EACH_OF, EACH_LIVE, SQL_N_ };
_Static_assert((int)STORE_SLOT_DEPLOY + (int)SQL_N_ <= (int)STORE_SLOT_VALUE, "a place for every statement");

static const char *const sql[SQL_N_] = {
	[PUT] = "INSERT OR REPLACE INTO deploy(" COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)",
	[DELETE] = "DELETE FROM deploy WHERE cert=? AND action=?",
	[DELETE_ALL] = "DELETE FROM deploy WHERE cert=?",
	[EACH] = "SELECT " COLUMNS " FROM deploy ORDER BY cert, action",
	[EACH_OF] = "SELECT " COLUMNS " FROM deploy WHERE cert=? ORDER BY action",
	[EACH_LIVE] = "SELECT c.name, coalesce(d.action, '') FROM cert c LEFT JOIN deploy d"
		      " ON d.cert=c.name AND d.generation=c.generation AND d.done WHERE c.generation>0 ORDER BY c.name",
};

static int begin(struct store *s, enum sql which, struct sq_stmt **ret, struct err *e)
{
	return sq_begin(store_db_(s), (unsigned)STORE_SLOT_DEPLOY + (unsigned)which, sql[which], ret, e);
}

void store_deploy_done(struct store_deploy *d)
{
	free(d->cert);
	free(d->action);
	free(d->label);
	free(d->last_error);
	*d = (struct store_deploy){0};
}

int store_deploy_put(struct store *s, const struct store_deploy *d, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, PUT, &st, e))
		return err_ctx(e, "write the deploy action of %s", d->cert);
	sq_bind_text(st, d->cert);
	sq_bind_text(st, d->action);
	sq_bind_text(st, d->label);
	sq_bind_int(st, d->generation);
	sq_bind_int(st, d->done);
	sq_bind_int(st, d->status);
	sq_bind_int(st, d->tries);
	sq_bind_int(st, d->at);
	sq_bind_int(st, d->next_at);
	sq_bind_text(st, d->last_error);
	int r = sq_run(st, e);
	if (r)
		err_ctx(e, "write the deploy action of %s", d->cert);
	return store_write_end_(s, r, e);
}

int store_deploy_delete(struct store *s, const char *cert, const char *action, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, action ? DELETE : DELETE_ALL, &st, e))
		return err_ctx(e, "forget the deploy actions of %s", cert);
	sq_bind_text(st, cert);
	if (action)
		sq_bind_text(st, action);
	int r = sq_run(st, e);
	if (r)
		err_ctx(e, "forget the deploy actions of %s", cert);
	return store_write_end_(s, r, e);
}

static struct store_deploy row_of(struct sq_stmt *st)
{
	struct store_deploy d = {0};
	d.cert = xstrdup(sq_text(st));
	d.action = xstrdup(sq_text(st));
	d.label = xstrdup(sq_text(st));
	d.generation = sq_int(st);
	d.done = sq_int(st) != 0;
	d.status = sq_int(st);
	d.tries = sq_int(st);
	d.at = sq_int(st);
	d.next_at = sq_int(st);
	d.last_error = xstrdup(sq_text(st));
	return d;
}

int store_deploy_each(struct store *s, const char *cert,
	int (*fn)(const struct store_deploy *d, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, cert ? EACH_OF : EACH, &st, e))
		return err_ctx(e, "read the deploy actions");
	if (cert)
		sq_bind_text(st, cert);
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the deploy actions");
		if (!row)
			return 0;
		AUTO(store_deploy_done) struct store_deploy d = row_of(st);
		int r = fn(&d, ctx, e);
		if (r)
			return r;
	}
}

int store_deploy_each_live(struct store *s, int (*fn)(const char *cert, const char *action, void *ctx, struct err *e),
	void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, EACH_LIVE, &st, e))
		return err_ctx(e, "read the deploy actions");
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the deploy actions");
		if (!row)
			return 0;
		const char *cert = sq_text(st);
		int r = fn(cert, sq_text(st), ctx, e);
		if (r)
			return r;
	}
}
