/* rows.c: accounts, certificates, orders in work and small facts as rows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "state/internal.h"
#include "state/sqlite.h"
#include "state/store.h"

#define ACCOUNT_COLUMNS "ca, directory, url, status, contact, thumbprints, created"
#define CERT_COLUMNS                                                                                                   \
	"name, ca, names, generation, not_before, not_after, serial, ari_id, issued_at, failures, next_at, "           \
	"last_error,"                                                                                                  \
	" window_start, window_end, window_at, window_ask_at, window_url"
#define ORDER_COLUMNS                                                                                                  \
	"cert, ca, account_url, state, names, profile, url, key_pem, csr_der, chain_pem, generation, created"

enum sql {
	ACCOUNT_GET,
	ACCOUNT_PUT,
	ACCOUNT_EACH,
	CERT_GET,
	CERT_PUT,
	CERT_PUT_WINDOW,
	CERT_DELETE,
	CERT_EACH,
	CERT_EACH_TO_ASK,
	ORDER_INSERT,
	ORDER_UPDATE,
	ORDER_GET,
	ORDER_DELETE,
	ORDER_EACH,
	FACT_GET,
	FACT_PUT,
	SQL_N_
};
_Static_assert((int)STORE_SLOT_ROWS + (int)SQL_N_ <= (int)STORE_SLOT_DEPLOY, "a place for every statement");

static const char *const sql[SQL_N_] = {
	[ACCOUNT_GET] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE ca=?",
	[ACCOUNT_PUT] = "INSERT OR REPLACE INTO account(" ACCOUNT_COLUMNS ") VALUES(?,?,?,?,?,?,?)",
	[ACCOUNT_EACH] = "SELECT " ACCOUNT_COLUMNS " FROM account ORDER BY ca",
	[CERT_GET] = "SELECT " CERT_COLUMNS " FROM cert WHERE name=?",
	[CERT_PUT] = "INSERT OR REPLACE INTO cert(" CERT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[CERT_PUT_WINDOW] =
		"UPDATE cert SET (window_start, window_end, window_at, window_ask_at, window_url)=(?,?,?,?,?)"
		" WHERE name=?",
	[CERT_DELETE] = "DELETE FROM cert WHERE name=?",
	[CERT_EACH] = "SELECT " CERT_COLUMNS " FROM cert ORDER BY name",
	[CERT_EACH_TO_ASK] = "SELECT " CERT_COLUMNS " FROM cert WHERE generation>0 AND"
			     " (window_ask_at<=?1 OR window_ask_at>?1+2*86400) ORDER BY name",
	[ORDER_INSERT] = "INSERT INTO work(" ORDER_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
	[ORDER_UPDATE] = "UPDATE work SET (" ORDER_COLUMNS ")=(?,?,?,?,?,?,?,?,?,?,?,?) WHERE id=?",
	[ORDER_GET] = "SELECT id, " ORDER_COLUMNS " FROM work WHERE cert=?",
	[ORDER_DELETE] = "DELETE FROM work WHERE id=?",
	[ORDER_EACH] = "SELECT id, " ORDER_COLUMNS " FROM work ORDER BY id",
	[FACT_GET] = "SELECT value FROM fact WHERE key=?",
	[FACT_PUT] = "INSERT OR REPLACE INTO fact(key, value) VALUES(?,?)",
};

/* --- what the tables share --- */

static int begin(struct store *s, enum sql which, struct sq_stmt **ret, struct err *e)
{
	return sq_begin(store_db_(s), (unsigned)which, sql[which], ret, e);
}

/* A list as text: a line feed after each element. */
static int list_text(const struct strv *v, const char *what, char **ret, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < v->n; i++) {
		if (strchr(v->v[i], '\n'))
			return err_set(e, ERR_STORE, "%s must not hold a line break: \"%s\"", what, v->v[i]);
		n += strlen(v->v[i]) + 1;
	}
	char *text = xmalloc(n + 1);
	char *to = text;
	for (size_t i = 0; i < v->n; i++) {
		size_t len = strlen(v->v[i]);
		memcpy(to, v->v[i], len);
		to[len] = '\n';
		to += len + 1;
	}
	*to = '\0';
	*ret = text;
	return 0;
}

static struct strv text_list(const char *text)
{
	struct strv v = {0};
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		strv_add_take(&v, xstrndup(text, (size_t)(end - text)));
	return v;
}

/* Runs a bound statement that writes. */
static int run_write(struct store *s, struct sq_stmt *st, const char *what, const char *name, struct err *e)
{
	int r = sq_run(st, e);
	if (r)
		err_ctx(e, "%s %s", what, name);
	return store_write_end_(s, r, e);
}

/* --- accounts --- */

void store_account_done(struct store_account *a)
{
	free(a->ca);
	free(a->directory);
	free(a->url);
	free(a->status);
	strv_done(&a->contact);
	strv_done(&a->thumbprints);
	*a = (struct store_account){0};
}

static struct store_account account_row(struct sq_stmt *st)
{
	struct store_account a = {0};
	a.ca = xstrdup(sq_text(st));
	a.directory = xstrdup(sq_text(st));
	a.url = xstrdup(sq_text(st));
	a.status = xstrdup(sq_text(st));
	a.contact = text_list(sq_text(st));
	a.thumbprints = text_list(sq_text(st));
	a.created = sq_int(st);
	return a;
}

int store_account_get(struct store *s, const char *ca, struct store_account *ret, bool *ret_found, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, ACCOUNT_GET, &st, e))
		return err_ctx(e, "read the account at %s", ca);
	sq_bind_text(st, ca);
	if (sq_step(st, ret_found, e))
		return err_ctx(e, "read the account at %s", ca);
	if (*ret_found)
		*ret = account_row(st);
	return 0;
}

int store_account_put(struct store *s, const struct store_account *a, struct err *e)
{
	AUTO(xfreep) char *contact = NULL;
	AUTO(xfreep) char *thumbprints = NULL;
	if (list_text(&a->contact, "a contact", &contact, e) ||
		list_text(&a->thumbprints, "a thumbprint", &thumbprints, e))
		return -1;
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, ACCOUNT_PUT, &st, e))
		return err_ctx(e, "write the account at %s", a->ca);
	sq_bind_text(st, a->ca);
	sq_bind_text(st, a->directory);
	sq_bind_text(st, a->url);
	sq_bind_text(st, a->status);
	sq_bind_text(st, contact);
	sq_bind_text(st, thumbprints);
	sq_bind_int(st, a->created);
	return run_write(s, st, "write the account at", a->ca, e);
}

int store_account_each(
	struct store *s, int (*fn)(const struct store_account *a, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, ACCOUNT_EACH, &st, e))
		return err_ctx(e, "read the accounts");
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the accounts");
		if (!row)
			return 0;
		AUTO(store_account_done) struct store_account a = account_row(st);
		int r = fn(&a, ctx, e);
		if (r)
			return r;
	}
}

/* --- certificates --- */

void store_cert_done(struct store_cert *c)
{
	free(c->name);
	free(c->ca);
	strv_done(&c->names);
	free(c->serial);
	free(c->ari_id);
	free(c->last_error);
	free(c->window.url);
	*c = (struct store_cert){0};
}

static struct store_cert cert_row(struct sq_stmt *st)
{
	struct store_cert c = {0};
	c.name = xstrdup(sq_text(st));
	c.ca = xstrdup(sq_text(st));
	c.names = text_list(sq_text(st));
	c.generation = sq_int(st);
	c.not_before = sq_int(st);
	c.not_after = sq_int(st);
	c.serial = xstrdup(sq_text(st));
	c.ari_id = xstrdup(sq_text(st));
	c.issued_at = sq_int(st);
	c.failures = sq_int(st);
	c.next_at = sq_int(st);
	c.last_error = xstrdup(sq_text(st));
	c.window.start = sq_int(st);
	c.window.end = sq_int(st);
	c.window.at = sq_int(st);
	c.window.ask_at = sq_int(st);
	c.window.url = xstrdup(sq_text(st));
	return c;
}

int store_cert_get(struct store *s, const char *name, struct store_cert *ret, bool *ret_found, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, CERT_GET, &st, e))
		return err_ctx(e, "read the certificate %s", name);
	sq_bind_text(st, name);
	if (sq_step(st, ret_found, e))
		return err_ctx(e, "read the certificate %s", name);
	if (*ret_found)
		*ret = cert_row(st);
	return 0;
}

static void window_bind(struct sq_stmt *st, const struct store_window *w)
{
	sq_bind_int(st, w->start);
	sq_bind_int(st, w->end);
	sq_bind_int(st, w->at);
	sq_bind_int(st, w->ask_at);
	sq_bind_text(st, w->url);
}

int store_cert_put_window(struct store *s, const char *name, const struct store_window *w, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, CERT_PUT_WINDOW, &st, e))
		return err_ctx(e, "write the window of %s", name);
	window_bind(st, w);
	sq_bind_text(st, name);
	return run_write(s, st, "write the window of", name, e);
}

int store_cert_put(struct store *s, const struct store_cert *c, struct err *e)
{
	AUTO(xfreep) char *names = NULL;
	if (list_text(&c->names, "a name", &names, e))
		return err_ctx(e, "write the certificate %s", c->name);
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, CERT_PUT, &st, e))
		return err_ctx(e, "write the certificate %s", c->name);
	sq_bind_text(st, c->name);
	sq_bind_text(st, c->ca);
	sq_bind_text(st, names);
	sq_bind_int(st, c->generation);
	sq_bind_int(st, c->not_before);
	sq_bind_int(st, c->not_after);
	sq_bind_text(st, c->serial);
	sq_bind_text(st, c->ari_id);
	sq_bind_int(st, c->issued_at);
	sq_bind_int(st, c->failures);
	sq_bind_int(st, c->next_at);
	sq_bind_text(st, c->last_error);
	window_bind(st, &c->window);
	return run_write(s, st, "write the certificate", c->name, e);
}

int store_cert_delete(struct store *s, const char *name, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, CERT_DELETE, &st, e))
		return err_ctx(e, "forget the certificate %s", name);
	sq_bind_text(st, name);
	return run_write(s, st, "forget the certificate", name, e);
}

/* The rows of a statement that is bound. */
static int each_cert(
	struct sq_stmt *st, int (*fn)(const struct store_cert *c, void *ctx, struct err *e), void *ctx, struct err *e)
{
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the certificates");
		if (!row)
			return 0;
		AUTO(store_cert_done) struct store_cert c = cert_row(st);
		int r = fn(&c, ctx, e);
		if (r)
			return r;
	}
}

int store_cert_each(
	struct store *s, int (*fn)(const struct store_cert *c, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, CERT_EACH, &st, e))
		return err_ctx(e, "read the certificates");
	return each_cert(st, fn, ctx, e);
}

int store_cert_each_to_ask(struct store *s, int64_t now,
	int (*fn)(const struct store_cert *c, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, CERT_EACH_TO_ASK, &st, e))
		return err_ctx(e, "read the certificates");
	sq_bind_int(st, now);
	return each_cert(st, fn, ctx, e);
}

/* --- orders in work --- */

void store_order_done(struct store_order *o)
{
	free(o->cert);
	free(o->ca);
	free(o->account_url);
	strv_done(&o->names);
	free(o->profile);
	free(o->url);
	secret_done(&o->key_pem);
	secret_done(&o->csr_der);
	free(o->chain_pem);
	*o = (struct store_order){0};
}

static struct store_order order_row(struct sq_stmt *st)
{
	struct store_order o = {0};
	o.id = sq_int(st);
	o.cert = xstrdup(sq_text(st));
	o.ca = xstrdup(sq_text(st));
	o.account_url = xstrdup(sq_text(st));
	o.state = (enum store_order_state)sq_int(st); /* the table checks the range */
	o.names = text_list(sq_text(st));
	o.profile = xstrdup(sq_text(st));
	o.url = xstrdup(sq_text(st));
	o.key_pem = sq_secret(st);
	o.csr_der = sq_secret(st);
	o.chain_pem = xstrdup(sq_text(st));
	o.generation = sq_int(st);
	o.created = sq_int(st);
	return o;
}

static void order_bind(struct sq_stmt *st, const struct store_order *o, const char *names)
{
	sq_bind_text(st, o->cert);
	sq_bind_text(st, o->ca);
	sq_bind_text(st, o->account_url);
	sq_bind_int(st, (int64_t)o->state);
	sq_bind_text(st, names);
	sq_bind_text(st, o->profile);
	sq_bind_text(st, o->url);
	sq_bind_secret(st, &o->key_pem);
	sq_bind_secret(st, &o->csr_der);
	sq_bind_text(st, o->chain_pem);
	sq_bind_int(st, o->generation);
	sq_bind_int(st, o->created);
	if (o->id)
		sq_bind_int(st, o->id);
}

int store_order_put(struct store *s, struct store_order *o, struct err *e)
{
	AUTO(xfreep) char *names = NULL;
	if (list_text(&o->names, "a name", &names, e))
		return err_ctx(e, "write the order for %s", o->cert);
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, o->id ? ORDER_UPDATE : ORDER_INSERT, &st, e))
		return err_ctx(e, "write the order for %s", o->cert);
	order_bind(st, o, names);
	if (run_write(s, st, "write the order for", o->cert, e))
		return -1;
	if (!o->id)
		o->id = sq_last_id(store_db_(s));
	else if (!sq_changes(store_db_(s)))
		return err_set(e, ERR_STORE, "there is no order %" PRId64 " for %s (any more)", o->id, o->cert);
	return 0;
}

int store_order_get(struct store *s, const char *cert, struct store_order *ret, bool *ret_found, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, ORDER_GET, &st, e))
		return err_ctx(e, "read the order for %s", cert);
	sq_bind_text(st, cert);
	if (sq_step(st, ret_found, e))
		return err_ctx(e, "read the order for %s", cert);
	if (*ret_found)
		*ret = order_row(st);
	return 0;
}

int store_order_delete(struct store *s, int64_t id, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, id);
	if (store_write_begin_(s, e) || begin(s, ORDER_DELETE, &st, e))
		return err_ctx(e, "forget the order %s", text);
	sq_bind_int(st, id);
	return run_write(s, st, "forget the order", text, e);
}

int store_order_each(
	struct store *s, int (*fn)(const struct store_order *o, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (begin(s, ORDER_EACH, &st, e))
		return err_ctx(e, "read the orders");
	for (;;) {
		bool row;
		if (sq_step(st, &row, e))
			return err_ctx(e, "read the orders");
		if (!row)
			return 0;
		AUTO(store_order_done) struct store_order o = order_row(st);
		int r = fn(&o, ctx, e);
		if (r)
			return r;
	}
}

/* --- small facts --- */

int store_fact_get(struct store *s, const char *key, char **ret, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	bool found;
	if (begin(s, FACT_GET, &st, e))
		return err_ctx(e, "read %s", key);
	sq_bind_text(st, key);
	if (sq_step(st, &found, e))
		return err_ctx(e, "read %s", key);
	*ret = found ? xstrdup(sq_text(st)) : NULL;
	return 0;
}

int store_fact_put(struct store *s, const char *key, const char *value, struct err *e)
{
	AUTO(sq_endp) struct sq_stmt *st = NULL;
	if (store_write_begin_(s, e) || begin(s, FACT_PUT, &st, e))
		return err_ctx(e, "write %s", key);
	sq_bind_text(st, key);
	sq_bind_text(st, value);
	return run_write(s, st, "write", key, e);
}
