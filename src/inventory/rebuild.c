/* rebuild.c: the state made again from the files. */
#include "inventory/rebuild.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "inventory/rollover.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "state/aside.h"
#include "state/certfiles.h"

/* What STORE_FRESH becomes when only the accounts are missing, and in the end. */
#define ACCOUNTS_LEFT "accounts"
#define NOTHING_LEFT ""

/* A CA that does not answer is no reason to wait: there is a next time. */
enum { ASK_MS = 2000 };

void rebuild_done(struct rebuild *b)
{
	free(b->why);
	free(b->aside);
	*b = (struct rebuild){0};
}

/* --- certificates --- */

static void set_text(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

/* The CA that a certificate is from: as the old row had it when that can be, else the first of those configured. */
static void set_ca(const struct site *s, struct store_cert *row)
{
	const struct config_cert *c = config_find_cert(s->config, row->name);
	if (c && c->cas.n && (!row->ca || !strv_has(&c->cas, row->ca)))
		set_text(&row->ca, c->cas.v[0]);
}

static int check_key(const struct secret *pem, const char *spki, struct err *e)
{
	AUTO(key_freep) struct key *k = NULL;
	char own[65];
	if (!pem->n)
		return 0;
	if (key_from_pem(pem->p, pem->n, "the private key", &k, e) || x509_spki_sha256(k, own, e))
		return -1;
	return strcmp(own, spki) ? err_set(e, ERR_CRYPTO, "the private key is another one") : 0;
}

static int fill_row(const struct site *s, const char *name, struct store_cert *row, struct err *e)
{
	AUTO(certfiles_texts_done) struct certfiles_texts t = {0};
	AUTO(x509_chain_freep) struct x509_chain *chain = NULL;
	if (certfiles_read_live(s->config->state_dir, name, &t, e) ||
		x509_chain_parse(t.fullchain_pem, strlen(t.fullchain_pem), &chain, e))
		return -1;
	const struct x509_info *info = x509_chain_info(chain);
	if (check_key(&t.key_pem, info->spki_sha256, e))
		return -1;
	set_text(&row->name, name);
	set_text(&row->serial, info->serial);
	set_text(&row->ari_id, info->ari_id);
	strv_done(&row->names);
	strv_copy(&row->names, &info->names);
	row->generation = t.generation;
	row->not_before = row->issued_at = info->not_before;
	row->not_after = info->not_after;
	set_ca(s, row);
	return 0;
}

static int rebuild_cert(struct site *s, struct rebuild *b, const char *name, struct err *e)
{
	AUTO(store_cert_done) struct store_cert row = {0};
	bool found;
	if (store_cert_get(s->store, name, &row, &found, e))
		return -1;
	if (fill_row(s, name, &row, e)) {
		/* What cannot be read at all may be readable tomorrow: then nothing should have been issued anew. */
		if (e->kind == ERR_SYS && e->code != ENOENT)
			return -1;
		log_warn("%s: what is in live/ is of no use: %s", name, e->msg);
		err_done(e);
		b->n_unread++;
		return 0;
	}
	b->n_certs++;
	return store_cert_put(s->store, &row, e);
}

static int note_dead(const struct store_cert *c, void *ctx, struct err *e)
{
	(void)e;
	if (!c->generation)
		strv_add(ctx, c->name);
	return 0;
}

static int rebuild_certs(struct site *s, struct rebuild *b, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	AUTO(strv_done) struct strv dead = {0};
	if (certfiles_list(s->config->state_dir, &names, e))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (rebuild_cert(s, b, names.v[i], e))
			return -1;
	if (store_cert_each(s->store, note_dead, &dead, e))
		return -1;
	for (size_t i = 0; i < dead.n; i++)
		if (store_cert_delete(s->store, dead.v[i], e))
			return -1;
	return 0;
}

/* --- orders in work --- */

/* Whether the row of an order can be right: an order with a wrong key or request would never come to an end. */
static int check_order(const struct store_order *o, struct err *e)
{
	AUTO(buf_done) struct buf der = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(x509_csr_info_done) struct x509_csr_info info = {0};
	AUTO(x509_chain_freep) struct x509_chain *chain = NULL;
	if (x509_csr_read(o->csr_der.p, o->csr_der.n, "the request", &der, &info, e) ||
		check_key(&o->key_pem, info.spki_sha256, e) ||
		(o->state == STORE_ORDER_ISSUED && x509_chain_parse(o->chain_pem, strlen(o->chain_pem), &chain, e)))
		return -1;
	if (!strv_same_set(&info.names, &o->names) || (o->state != STORE_ORDER_NEW && strncmp(o->url, "https://", 8)))
		return err_set(e, ERR_PARSE, "its names or its URL");
	return 0;
}

struct look {
	struct site *s;
	struct rebuild *b;
};

static int rebuild_order(const struct store_order *o, void *ctx, struct err *e)
{
	struct look *l = ctx;
	int64_t live;
	if (certfiles_live_generation(l->s->config->state_dir, o->cert, &live, e) || check_order(o, e)) {
		log_warn("%s: the order in work cannot be read: %s", o->cert, e->msg);
		err_done(e);
	} else if (live < o->generation) {
		l->b->n_orders++;
		return 0;
	}
	return store_order_delete(l->s->store, o->id, e);
}

/* --- accounts --- */

/* Those that have a key here; the CA says the rest (rebuild_end()). A URL with a wrong letter in it would be worse than
 * none. */
static int rebuild_account(struct site *s, struct rebuild *b, struct site_ca *ca, struct err *e)
{
	AUTO(store_account_done) struct store_account a = {0};
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	bool found;
	if (ca->conf->account_url || !fs_exists(path))
		return 0;
	if (store_account_get(s->store, ca->conf->name, &a, &found, e))
		return -1;
	set_text(&a.ca, ca->conf->name);
	set_text(&a.directory, ca->conf->directory);
	set_text(&a.url, "");
	set_text(&a.status, "");
	b->accounts = true;
	return store_account_put(s->store, &a, e);
}

/* --- the database --- */

static int note_left(struct site *s, bool accounts, struct err *e)
{
	return store_fact_put(s->store, STORE_FRESH, accounts ? ACCOUNTS_LEFT : NOTHING_LEFT, e) ||
			       store_commit(s->store, e)
		       ? -1
		       : 0;
}

/* With what the files tell, unless that is done. */
static int fill(struct site *s, struct rebuild *b, struct err *e)
{
	AUTO(xfreep) char *fresh = NULL;
	struct look l = {.s = s, .b = b};
	if (store_fact_get(s->store, STORE_FRESH, &fresh, e))
		return -1;
	if (!fresh || strcmp(fresh, STORE_FRESH_NEW) != 0) {
		b->accounts = fresh && !strcmp(fresh, ACCOUNTS_LEFT);
		return 0;
	}
	if ((b->aside && aside_salvage(b->aside, s->store, e)) || rebuild_certs(s, b, e) ||
		store_order_each(s->store, rebuild_order, &l, e))
		return -1;
	for (size_t i = 0; i < s->config->n_cas; i++) {
		struct site_ca ca = {.conf = &s->config->cas[i]};
		if (rebuild_account(s, b, &ca, e))
			return -1;
	}
	FAULT("rebuild.filled");
	if (note_left(s, b->accounts, e))
		return -1;
	FAULT("rebuild.committed");
	return 0;
}

/* Whether it opens; else *e says why, and b->why if it is to be put aside. */
static int try_open(struct site *s, struct rebuild *b, struct err *e)
{
	const char *dir = s->config->state_dir;
	if (aside_log_alone(dir)) {
		b->why = xasprintf("%s/perdure.db is gone or empty, but not its write-ahead log", dir);
		return err_set(e, ERR_STORE, "%s", b->why);
	}
	for (int tries = 0;; tries++) {
		if (!store_open(dir, false, &s->store, e))
			return 0;
		if (!store_err_damaged(e))
			return -1;
		/* Once more: a reader who met another process at the wrong moment must not cost anything. */
		if (tries)
			break;
		err_done(e);
		poll(NULL, 0, 100);
	}
	b->why = xstrdup(e->msg);
	return -1;
}

static int put_aside(struct site *s, struct rebuild *b, struct err *e)
{
	const char *dir = s->config->state_dir;
	if (certfiles_probe(dir, e) || aside_put(dir, clk_wall(s->clk) / 1000, &b->aside, e))
		return err_ctx(e, "%s; nothing was lost by trying to make the state again", b->why);
	log_warn("%s", b->why);
	log_warn("it is kept as %s; the state is made again from live/ and archive/", b->aside);
	return store_open(dir, false, &s->store, e);
}

int rebuild_open(struct site *s, struct rebuild *b, struct err *e)
{
	if (try_open(s, b, e)) {
		if (!b->why)
			return -1;
		err_done(e);
		if (put_aside(s, b, e))
			return -1;
	}
	return fill(s, b, e) ? err_ctx(e, "make the state again from the files") : 0;
}

/* --- the end --- */

/* false: the CA could not be asked. */
static bool find_account(struct site *s, struct rebuild *b, struct site_ca *ca, struct err *e)
{
	AUTO(xfreep) char *url = NULL;
	const char *name = ca->conf->name;
	if (site_account_key_if_any(s, ca, e))
		return false;
	if (!ca->key)
		return true;
	bool open = ca->session != NULL;
	int r = rollover_find_account(s, ca, &url, e);
	if (!open) /* its patience was for this only */
		site_session_end(ca);
	if (r)
		return false;
	if (!url) {
		log_warn("CA \"%s\" knows no account of the key in accounts/%s/", name, name);
		return true;
	}
	set_text(&ca->account.url, url);
	set_text(&ca->account.status, "valid");
	b->n_accounts++;
	return !site_account_note_key(ca, ca->key, e) && !store_account_put(s->store, &ca->account, e);
}

static int find_accounts(struct site *s, struct rebuild *b, struct err *e)
{
	bool left = false;
	int64_t patience = s->patience_ms;
	s->patience_ms = ASK_MS;
	for (size_t i = 0; i < s->config->n_cas; i++) {
		struct site_ca *ca = &s->cas[i];
		struct err why = {0};
		if (ca->conf->account_url || ca->account.url[0] || find_account(s, b, ca, &why))
			continue;
		log_warn("the account at CA \"%s\" is not known, and will be asked for again: %s", ca->conf->name,
			why.msg);
		left = true;
		err_done(&why);
	}
	s->patience_ms = patience;
	return note_left(s, left, e);
}

static void report(struct site *s, const struct rebuild *b)
{
	struct err why = {0};
	AUTO(xfreep)
	char *done = xasprintf("certificates: %zu; in live/ but of no use: %zu; accounts: %zu; orders in work: %zu",
		b->n_certs, b->n_unread, b->n_accounts, b->n_orders);
	if (!b->aside)
		log_warn("%s; the state was made again from live/ and archive/", b->why);
	log_warn("the state has again %s", done);
	if (b->aside)
		log_warn("an order in work that could not be read is placed again; its key is in %s, which nobody but "
			 "you "
			 "deletes",
			b->aside);
	err_set(&why, ERR_STORE, "%s", b->why);
	tell_event(s, &(struct event){.type = EVENT_STATE_REBUILT,
			      .path = b->aside,
			      .count = (int64_t)b->n_certs,
			      .detail = done,
			      .e = &why});
	err_done(&why);
}

int rebuild_end(struct site *s, struct rebuild *b, struct err *e)
{
	if (b->accounts && find_accounts(s, b, e))
		return -1;
	if (!b->why && (b->n_certs || b->n_unread || b->n_accounts))
		b->why = xasprintf("there was no database in %s", s->config->state_dir);
	if (b->why)
		report(s, b);
	return 0;
}
