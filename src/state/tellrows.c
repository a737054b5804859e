/* tellrows.c: counters and what channels were told, as rows. */
#include "state/tellrows.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "state/internal.h"
#include "state/sqlite.h"

#define NOTICE_COLUMNS "channel, key, kind, subject, text, severity, since, told_at"

enum sql { METRIC_PUT, METRIC_EACH, NOTICE_PUT, NOTICE_CLEAR, NOTICE_EACH, SQL_N_ };
_Static_assert((int)STORE_SLOT_TELL + (int)SQL_N_ <= (int)SQ_KEPT_MAX, "a place for every statement");

static const char *const sql[SQL_N_] = {
	[METRIC_PUT] = "INSERT OR REPLACE INTO metric(key, value) VALUES(?,?)",
	[METRIC_EACH] = "SELECT key, value FROM metric",
	[NOTICE_PUT] = "INSERT OR REPLACE INTO notice(" NOTICE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?)",
	[NOTICE_CLEAR] = "DELETE FROM notice WHERE channel=?",
	[NOTICE_EACH] = "SELECT " NOTICE_COLUMNS " FROM notice WHERE channel=? ORDER BY key",
};

static int begin(struct store *s, enum sql which, struct sq_stmt **ret, struct err *e)
{
	return sq_begin(store_db_(s), (unsigned)STORE_SLOT_TELL + (unsigned)which, sql[which], ret, e);
}

static int begin_write(struct store *s, enum sql which, struct sq_stmt **ret, struct err *e)
{
	return store_write_begin_(s, e) || begin(s, which, ret, e) ? -1 : 0;
}

static int run(struct store *s, struct sq_stmt *st, const char *what, struct err *e)
{
	int r = sq_run(st, e);
	if (r)
		err_ctx(e, "remember %s", what);
	return store_write_end_(s, r, e);
}

int store_metric_put(struct store *s, const char *key, const char *value, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin_write(s, METRIC_PUT, &st, e))
		return err_ctx(e, "remember a metric");
	sq_bind_text(st, key);
	sq_bind_text(st, value);
	return run(s, st, "a metric", e);
}

int store_metric_each(struct store *s, int (*fn)(const char *key, const char *value, void *ctx, struct err *e),
	void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, METRIC_EACH, &st, e))
		return err_ctx(e, "read the metrics");
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the metrics");
		if (!row)
			return 0;
		AUTO(xfreep) char *key = xstrdup(sq_text(st));
		int r = fn(key, sq_text(st), ctx, e);
		if (r)
			return r;
	}
}

void store_notice_done(struct store_notice *n)
{
	free(n->channel);
	free(n->key);
	free(n->kind);
	free(n->subject);
	free(n->text);
	*n = (struct store_notice){0};
}

int store_notice_put(struct store *s, const struct store_notice *n, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin_write(s, NOTICE_PUT, &st, e))
		return err_ctx(e, "remember what %s was told", n->channel);
	sq_bind_text(st, n->channel);
	sq_bind_text(st, n->key);
	sq_bind_text(st, n->kind);
	sq_bind_text(st, n->subject);
	sq_bind_text(st, n->text);
	sq_bind_int(st, n->severity);
	sq_bind_int(st, n->since);
	sq_bind_int(st, n->told_at);
	return run(s, st, "a notice", e);
}

int store_notice_clear(struct store *s, const char *channel, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin_write(s, NOTICE_CLEAR, &st, e))
		return err_ctx(e, "forget what %s was told", channel);
	sq_bind_text(st, channel);
	return run(s, st, "a notice", e);
}

int store_notice_each(struct store *s, const char *channel,
	int (*fn)(const struct store_notice *n, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, NOTICE_EACH, &st, e))
		return err_ctx(e, "read what %s was told", channel);
	sq_bind_text(st, channel);
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read what %s was told", channel);
		if (!row)
			return 0;
		AUTO(store_notice_done) struct store_notice n = {0};
		n.channel = xstrdup(sq_text(st));
		n.key = xstrdup(sq_text(st));
		n.kind = xstrdup(sq_text(st));
		n.subject = xstrdup(sq_text(st));
		n.text = xstrdup(sq_text(st));
		n.severity = sq_int(st);
		n.since = sq_int(st);
		n.told_at = sq_int(st);
		int r = fn(&n, ctx, e);
		if (r)
			return r;
	}
}
