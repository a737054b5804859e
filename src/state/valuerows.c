/* valuerows.c: values in the DNS as rows. */
#include "state/valuerows.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "state/internal.h"
#include "state/sqlite.h"

#define COLUMNS "owner, text, cert, keep, created"

enum sql { PUT, DELETE, EACH, SQL_N_ };
_Static_assert((int)STORE_SLOT_VALUE + (int)SQL_N_ <= (int)SQ_KEPT_MAX, "a place for every statement");

static const char *const sql[SQL_N_] = {
	[PUT] = "INSERT OR REPLACE INTO value(" COLUMNS ") VALUES(?,?,?,?,?)",
	[DELETE] = "DELETE FROM value WHERE owner=? AND text=?",
	[EACH] = "SELECT " COLUMNS " FROM value ORDER BY owner, text",
};

static int begin(struct store *s, enum sql which, struct sq_stmt **ret, struct err *e)
{
	return sq_begin(store_db_(s), (unsigned)STORE_SLOT_VALUE + (unsigned)which, sql[which], ret, e);
}

void store_value_done(struct store_value *v)
{
	free(v->owner);
	free(v->text);
	free(v->cert);
	*v = (struct store_value){0};
}

/* Runs a bound statement that writes. */
static int run(struct store *s, struct sq_stmt *st, const char *owner, struct err *e)
{
	int r = sq_run(st, e);
	if (r)
		err_ctx(e, "write down the value at %s", owner);
	return store_write_end_(s, r, e);
}

int store_value_put(struct store *s, const struct store_value *v, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, PUT, &st, e))
		return err_ctx(e, "write down the value at %s", v->owner);
	sq_bind_text(st, v->owner);
	sq_bind_text(st, v->text);
	sq_bind_text(st, v->cert);
	sq_bind_int(st, v->keep);
	sq_bind_int(st, v->created);
	return run(s, st, v->owner, e);
}

int store_value_delete(struct store *s, const char *owner, const char *text, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, DELETE, &st, e))
		return err_ctx(e, "write down the value at %s", owner);
	sq_bind_text(st, owner);
	sq_bind_text(st, text);
	return run(s, st, owner, e);
}

int store_value_each(
	struct store *s, int (*fn)(const struct store_value *v, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, EACH, &st, e))
		return err_ctx(e, "read the values that were written");
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the values that were written");
		if (!row)
			return 0;
		AUTO(store_value_done) struct store_value v = {0};
		v.owner = xstrdup(sq_text(st));
		v.text = xstrdup(sq_text(st));
		v.cert = xstrdup(sq_text(st));
		v.keep = sq_int(st) != 0;
		v.created = sq_int(st);
		int r = fn(&v, ctx, e);
		if (r)
			return r;
	}
}
