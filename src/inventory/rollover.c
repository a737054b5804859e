/* rollover.c: another key for an account. */
#include "inventory/rollover.h"

#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "acme/directory.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "inventory/site.h"
#include "loop/loop.h"

/* The CA's answers may get lost again and again; then the next run goes on. */
enum { TRIES = 3 };

/* ---- the files ---- */

static char *path_beside(const struct site *s, const struct site_ca *ca, const char *name)
{
	AUTO(xfreep) char *key = site_account_key_path(s, ca);
	return xasprintf("%.*s/%s", (int)(strrchr(key, '/') - key), key, name);
}

/* The new key, from before the CA hears of it until it is the account's. */
static char *next_path(const struct site *s, const struct site_ca *ca)
{
	return path_beside(s, ca, "key.next.pem");
}

bool rollover_pending(const struct site *s, const struct site_ca *ca)
{
	AUTO(xfreep) char *next = next_path(s, ca);
	return fs_exists(next);
}

int rollover_check_none(const struct site *s, const struct site_ca *ca, struct err *e)
{
	if (!rollover_pending(s, ca))
		return 0;
	err_set(e, ERR_CONFIG, "a change of the account key at CA \"%s\" was begun and has not ended", ca->conf->name);
	err_hint(e, "run \"perdure account rollover --ca %s\" first: it finds out which key the CA knows",
		ca->conf->name);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int keep_next(const struct site *s, const struct site_ca *ca, const struct key *next, struct err *e)
{
	AUTO(xfreep) char *path = next_path(s, ca);
	AUTO(xfreep) char *half = path_beside(s, ca, "key.next.tmp");
	AUTO(secret_done) struct secret pem = {0};
	if (key_to_pem(next, &pem, e) || fs_remove_tree(half, e) || fs_create_synced(half, pem.p, pem.n, 0600, e) ||
		fs_rename(half, path, e))
		return err_ctx(e, "keep the new account key of CA \"%s\"", ca->conf->name);
	FAULT("rollover.key-kept");
	return 0;
}

static int load_next(const struct site *s, const struct site_ca *ca, struct key **ret, struct err *e)
{
	AUTO(xfreep) char *path = next_path(s, ca);
	AUTO(secret_done) struct secret pem = {0};
	return fs_read_secret(path, &pem, e) || key_from_pem(pem.p, pem.n, path, ret, e) ? -1 : 0;
}

/* The CA knows the new key: so do we from now on. The thumbprint first: while the file of the new key is there, the
 * next run comes here again. */
static int adopt(struct site *s, struct site_ca *ca, struct key *next, struct err *e)
{
	AUTO(xfreep) char *from = next_path(s, ca);
	AUTO(xfreep) char *to = site_account_key_path(s, ca);
	FAULT("rollover.changed");
	if (site_account_note_key(ca, ca->key, e) || site_account_note_key(ca, next, e) ||
		store_account_put(s->store, &ca->account, e) || store_commit(s->store, e))
		return -1;
	FAULT("rollover.noted");
	if (fs_rename(from, to, e))
		return -1;
	FAULT("rollover.switched");
	key_free(ca->key);
	ca->key = key_ref(next);
	acme_session_set_account(ca->session, next, ca->account.url);
	return 0;
}

static int drop_next(const struct site *s, const struct site_ca *ca, struct err *e)
{
	AUTO(xfreep) char *path = next_path(s, ca);
	AUTO(xfreep) char *dir = path_beside(s, ca, ".");
	return fs_remove_tree(path, e) || fs_sync_dir(dir, e) ? -1 : 0;
}

/* ---- the CA ---- */

struct wait {
	struct loop *loop;
	char *url; /* of the account, on success */
	struct err *e;
};

static void answered(const struct acme_account *a, const struct err *e, void *ctx)
{
	struct wait *w = ctx;
	loop_stop(w->loop);
	if (a)
		w->url = xstrdup(a->url);
	else
		err_copy(w->e, e);
}

static int wait_for(struct wait *w)
{
	return loop_run(w->loop, w->e) || !w->url ? -1 : 0;
}

/* The account that the CA has under that key; NULL for none. */
static int find(struct site *s, struct site_ca *ca, struct key *k, char **ret_url, struct err *e)
{
	static const struct acme_account_request existing = {.only_existing = true};
	struct wait w = {.loop = s->loop, .e = e};
	acme_session_set_account(ca->session, k, NULL);
	acme_account_register(ca->session, &existing, answered, &w);
	int r = wait_for(&w);
	acme_session_set_account(ca->session, ca->key, ca->account.url[0] ? ca->account.url : NULL);
	if (r && acme_problem_is(e, "accountDoesNotExist")) {
		err_done(e);
		r = 0;
	}
	*ret_url = w.url;
	return r;
}

/* Whether the CA has our account under that key. */
static int ask(struct site *s, struct site_ca *ca, struct key *k, bool *ret_known, struct err *e)
{
	AUTO(xfreep) char *url = NULL;
	if (find(s, ca, k, &url, e))
		return -1;
	if (url && strcmp(url, ca->account.url)) {
		err_set(e, ERR_PROTO, "the CA knows the new key as that of another account, %.300s, not of %.300s", url,
			ca->account.url);
		return -1;
	}
	*ret_known = url != NULL;
	return 0;
}

static int change(struct site *s, struct site_ca *ca, struct key *next, struct err *e)
{
	struct wait w = {.loop = s->loop, .e = e};
	acme_account_change_key(ca->session, next, answered, &w);
	int r = wait_for(&w);
	free(w.url);
	return r;
}

/* Any other failure may be that of an answer, after the CA has done what was asked. */
static bool is_refusal(const struct err *e)
{
	bool said = e->kind == ERR_ACME || e->kind == ERR_HTTP;
	return (said && e->code < 500) || e->kind == ERR_CONFIG || e->kind == ERR_CRYPTO;
}

/*
 * Until the CA has said that it knows the new key, or that it does not and will not (*ret_refused, e says why). told:
 * it may have heard of the key before.
 */
static int negotiate(struct site *s, struct site_ca *ca, struct key *next, bool told, bool *ret_refused, struct err *e)
{
	struct err why = {0};
	bool known = false;
	*ret_refused = false;
	for (int tries = 1;; tries++) {
		if (told && ask(s, ca, next, &known, e))
			return -1;
		if (known || !change(s, ca, next, e))
			return 0;
		if (is_refusal(e))
			break;
		if (tries == TRIES)
			return -1;
		err_done(e);
		told = true;
	}
	err_move(&why, e);
	if (ask(s, ca, next, &known, e)) {
		err_done(&why);
		return -1;
	}
	*ret_refused = !known;
	if (known)
		err_done(&why);
	else
		err_move(e, &why);
	return known ? 0 : -1;
}

/* Comes to an end with a key that is on disk; the state is as rollover_run() says. */
static int end(struct site *s, struct site_ca *ca, struct key *next, bool told, bool *ret_refused, struct err *e)
{
	struct err ignored = {0};
	if (negotiate(s, ca, next, told, ret_refused, e)) {
		if (*ret_refused && drop_next(s, ca, &ignored)) {
			log_warn("%s", ignored.msg);
			err_done(&ignored);
		}
		if (!*ret_refused)
			err_hint(e, "the new key and the old one are kept; the next run finds out which the CA knows");
		return err_ctx(e, "change the account key at CA \"%s\"", ca->conf->name);
	}
	return adopt(s, ca, next, e);
}

/* ---- the two ways in ---- */

static int begin(struct site *s, struct site_ca *ca, struct key **ret, struct err *e)
{
	const struct acme_directory *d;
	enum key_type type;
	if (site_directory(s, ca, &d, e))
		return -1;
	if (!d->key_change[0]) {
		err_set(e, ERR_CONFIG, "CA \"%s\" offers no change of the account key (no keyChange in its directory)",
			ca->conf->name);
		err_hint(e, "a new key there is a new account: a new entry under cas:, and new records");
		return -1;
	}
	if (key_type_from_name(ca->conf->account_key, &type))
		return err_set(e, ERR_CONFIG, "CA \"%s\": account_key \"%s\" is no key type", ca->conf->name,
			ca->conf->account_key);
	return key_generate(type, ret, e) || keep_next(s, ca, *ret, e) ? -1 : 0;
}

int rollover_run(struct site *s, struct site_ca *ca, bool *ret_resumed, struct err *e)
{
	AUTO(key_freep) struct key *next = NULL;
	bool refused;
	*ret_resumed = rollover_pending(s, ca);
	if (site_session(s, ca, e) || (*ret_resumed ? load_next(s, ca, &next, e) : begin(s, ca, &next, e)))
		return -1;
	return end(s, ca, next, *ret_resumed, &refused, e);
}

int rollover_find_account(struct site *s, struct site_ca *ca, char **ret_url, struct err *e)
{
	AUTO(key_freep) struct key *next = NULL;
	if (site_session(s, ca, e) || find(s, ca, ca->key, ret_url, e))
		return -1;
	if (*ret_url || !rollover_pending(s, ca))
		return 0;
	return load_next(s, ca, &next, e) || find(s, ca, next, ret_url, e) ? -1 : 0;
}

int rollover_settle(struct site *s, struct site_ca *ca, struct err *e)
{
	AUTO(xfreep) char *half = path_beside(s, ca, "key.next.tmp");
	AUTO(key_freep) struct key *next = NULL;
	bool refused = false;
	if (s->lock.fd < 0)
		return 0;
	/* The CA has never heard of a key that was not kept. */
	if (fs_exists(half) && fs_remove_tree(half, e))
		return -1;
	if (!rollover_pending(s, ca))
		return 0;
	if (site_session(s, ca, e) || load_next(s, ca, &next, e))
		return -1;
	if (!end(s, ca, next, true, &refused, e)) {
		log_info(
			"the change of the account key at CA \"%s\" that an earlier run began is done", ca->conf->name);
		return 0;
	}
	if (!refused)
		return -1;
	log_warn("%s; the old key stays in use", e->msg);
	err_done(e);
	return 0;
}
