/*
 * store.h: what perdure remembers: accounts, certificates, orders in work. Writes are collected and committed together
 * at the end of a loop turn, or by store_commit(); what must come after they last on disk is passed to
 * store_after_commit().
 *
 * The database holds private keys of orders in work (they move to archive/ with the certificate and are overwritten
 * then): it is 0600 in a 0700 directory.
 *
 * A store belongs to one thread. Reads see the writes that are not committed yet. When a write fails for want of room,
 * an i/o error or the like, all writes since the last commit are undone with it; until the commit is due every write
 * answers with that error, those who wait for the commit get it, and then the store works again. Errors are ERR_STORE
 * (code: the library's), or ERR_BUSY when another process holds the database for seconds; both with what to do.
 *
 * Strings may be NULL when put (stored as ""), never are when got. Elements of lists hold no line break (ERR_STORE).
 * Structures got are owned: release them with their …_done(). The each-functions end when fn gives something else than
 * 0, and return that; fn may read and write the store, and what it writes may or may not be seen by the walk.
 */
#ifndef PERDURE_STATE_STORE_H
#define PERDURE_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/strv.h"

struct err;
struct loop;
struct store;

enum { STORE_SCHEMA = 3 };

/* A fact (store_fact_get()) that stands from when the tables are made: whether they still lack what the files in the
 * directory tell. inventory/rebuild.c goes by it and ends it. */
#define STORE_FRESH "fresh"
#define STORE_FRESH_NEW "new"

/*
 * Opens dir/perdure.db, making the directory (0700) and the database (0600) when missing. WAL, synchronous=FULL. A
 * newer schema is refused (ERR_STORE), as is a file that is no database, is another program's, or is damaged; nothing
 * is written then; an older one is brought up to date. read_only opens without making or changing anything, also beside
 * a process that writes and for a user who may only read: a missing database is ERR_STORE with code STORE_MISSING, an
 * older schema is ERR_STORE.
 */
enum { STORE_MISSING = -2, STORE_DAMAGED = -3 };
int store_open(const char *dir, bool read_only, struct store **ret, struct err *e);
/* Whether store_open() or anything else failed because the database is damaged or none: not because it is busy, newer,
 * another program's, or because the disk is full, read-only or broken. state/aside.h is for those. */
bool store_err_damaged(const struct err *e);
/* Looks through the whole database, as store_open() does for writing. ERR_STORE. */
int store_check(struct store *s, struct err *e);
/* Whether an operation has met damage: the database should be opened anew. */
bool store_met_damage(const struct store *s);
/* Commits what is pending (store_commit() first, where an error matters) and closes. NULL is fine. */
void store_close(struct store *s);
/* Lets commits happen at the end of a turn of l. Without it every write waits for store_commit(). An error of such a
 * commit that nobody waited for is the answer to the next write. */
void store_attach(struct store *s, struct loop *l);
void store_detach(struct store *s);
/*
 * With a loop: how long a commit may be put off, in milliseconds; 0, as it is at first, for the end of the turn.
 * Whoever has several things in work lets those that can wait share the commit of the one that cannot: that one
 * hurries. With many in a hurry at once they too may wait a little, hurry_ms at most, to share a wait for the disk: the
 * loop stands still during it.
 */
void store_set_patience(struct store *s, int64_t ms, int64_t hurry_ms);
/*
 * With a loop: while it is on, a thread waits for the disk after a commit, and the loop goes on. One commit at a time:
 * what is due meanwhile shares the next. After a sync that failed nobody knows what the disk has: those who waited are
 * told, and all further writes fail.
 */
void store_set_background(struct store *s, bool on);
/* What is pending is committed at the end of this turn, or after hurry_ms. */
void store_hurry(struct store *s);

/* Commits at once. 0, or -1 with ERR_STORE (disk full, i/o error): everything since the last commit is undone, and the
 * callbacks waiting are told. */
int store_commit(struct store *s, struct err *e);
/* cb is called after the next commit, with NULL, or with the error when the commit failed (the writes before it are
 * undone then); with nothing to commit, when the commit would be due. It may write: that is for the commit after. */
void store_after_commit(struct store *s, void (*cb)(const struct err *failed, void *ctx), void *ctx);

/* --- accounts --- */
struct store_account {
	char *ca; /* name in the configuration: the key */
	char *directory; /* the directory URL it was made at */
	char *url; /* "" until the CA has said it */
	char *status; /* "valid", "deactivated", "revoked", or "" when not registered */
	struct strv contact;
	struct strv thumbprints; /* of its keys, current first */
	int64_t created; /* UNIX seconds */
};
void store_account_done(struct store_account *a);
/* *ret_found tells if there is one. */
int store_account_get(struct store *s, const char *ca, struct store_account *ret, bool *ret_found, struct err *e);
int store_account_put(struct store *s, const struct store_account *a, struct err *e);
int store_account_each(
	struct store *s, int (*fn)(const struct store_account *a, void *ctx, struct err *e), void *ctx, struct err *e);

/* --- certificates --- */
/* When the CA wishes a certificate to be renewed (RFC 9773). */
struct store_window {
	int64_t start; /* UNIX seconds; 0: it has said nothing that could be used */
	int64_t end;
	int64_t at; /* the moment in it that was picked */
	int64_t ask_at; /* UNIX seconds: not asked again before */
	char *url; /* the CA's explanation, "" for none */
};
struct store_cert {
	char *name; /* of the lineage: the key */
	char *ca; /* that issued the live generation; "" when there is none */
	struct strv names; /* in the live generation */
	int64_t generation; /* of the live one; 0 when there is none */
	int64_t not_before; /* UNIX seconds */
	int64_t not_after;
	char *serial; /* hexadecimal */
	char *ari_id;
	int64_t issued_at; /* UNIX seconds */
	int64_t failures; /* consecutive */
	int64_t next_at; /* UNIX seconds: not tried before; 0 for at once */
	char *last_error; /* "" after a success */
	struct store_window window; /* of the live certificate */
};
void store_cert_done(struct store_cert *c);
int store_cert_get(struct store *s, const char *name, struct store_cert *ret, bool *ret_found, struct err *e);
int store_cert_put(struct store *s, const struct store_cert *c, struct err *e);
/* Only the window of the certificate, which is there. */
int store_cert_put_window(struct store *s, const char *name, const struct store_window *w, struct err *e);
int store_cert_delete(struct store *s, const char *name, struct err *e);
/* In order of name. c is borrowed during the call. */
int store_cert_each(
	struct store *s, int (*fn)(const struct store_cert *c, void *ctx, struct err *e), void *ctx, struct err *e);
/* The same for live certificates whose window is to be asked for at now (UNIX seconds), or more than two days later,
 * which only a wrong clock has written. */
int store_cert_each_to_ask(struct store *s, int64_t now,
	int (*fn)(const struct store_cert *c, void *ctx, struct err *e), void *ctx, struct err *e);

/* --- orders in work --- */
enum store_order_state {
	STORE_ORDER_NEW, /* key and CSR are made; newOrder may have been sent, its answer is not known */
	STORE_ORDER_PLACED, /* the order's URL is known */
	STORE_ORDER_ISSUED, /* the chain is here; to be put into archive/ and live/ */
	STORE_ORDER_STATE_N_
};
struct store_order {
	int64_t id; /* 0 before the first put, which sets it */
	char *cert; /* name of the lineage; one order in work for each */
	char *ca;
	char *account_url;
	enum store_order_state state;
	struct strv names;
	char *profile; /* "" for none */
	char *url; /* "" until placed */
	struct secret key_pem; /* empty for an order with a foreign CSR */
	struct secret csr_der;
	char *chain_pem; /* "" until issued */
	int64_t generation; /* archive/<name>/<generation> it will become */
	int64_t created; /* UNIX seconds */
};
void store_order_done(struct store_order *o);
/* Inserts (id 0) or updates. Sets o->id. ERR_STORE also when the lineage has another order in work, or the order to
 * update is gone. When the commit fails an inserted order has no id: set it to 0 before putting it again. */
int store_order_put(struct store *s, struct store_order *o, struct err *e);
/* The order in work for that lineage. */
int store_order_get(struct store *s, const char *cert, struct store_order *ret, bool *ret_found, struct err *e);
/* Deletes it (that it is gone is no error); its key is overwritten. */
int store_order_delete(struct store *s, int64_t id, struct err *e);
int store_order_each(
	struct store *s, int (*fn)(const struct store_order *o, void *ctx, struct err *e), void *ctx, struct err *e);

/* --- small facts --- */
/* A value by key ("last_run_wall", …). *ret is a heap string, NULL when there is none. */
int store_fact_get(struct store *s, const char *key, char **ret, struct err *e);
int store_fact_put(struct store *s, const char *key, const char *value, struct err *e);

#endif
