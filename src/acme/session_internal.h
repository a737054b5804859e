/* session_internal.h: what session.c (the CA, its directory and account) and post.c (one signed request) share. */
#ifndef PERDURE_ACME_SESSION_INTERNAL_H
#define PERDURE_ACME_SESSION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "acme/directory.h"
#include "acme/nonce.h"
#include "acme/session.h"
#include "acme/turns.h"

struct account_op;
struct err;
struct http_exchange;
struct loop_timer;
struct x509_chain;

struct dir_waiter {
	acme_directory_fn done;
	void *ctx;
	struct dir_waiter *next;
};

struct acme_session {
	struct loop *loop;
	struct http *http;
	char *name;
	char *directory_url;
	int64_t timeout_ms;
	int64_t patience_ms;
	struct metrics *metrics;
	struct turns turns; /* every request takes one */
	struct key *key;
	char *account_url;
	uint64_t requests;
	uint64_t bad_nonces;
	struct nonce_pool nonces;
	bool have_dir;
	bool doubts_clock; /* the CA is to be asked again what time it is */
	struct acme_directory dir;
	/* The fetch of the directory: running while there are waiters. */
	struct dir_waiter *waiters;
	struct dir_waiter *telling; /* those being told, while that lasts */
	struct http_exchange *dir_exchange;
	struct loop_timer *dir_timer;
	struct turn dir_turn;
	int64_t dir_since;
	int64_t dir_sent_ms;
	unsigned dir_tries;
	size_t posts; /* in flight */
	struct x509_chain *chain; /* the last good one: the next has the same issuers as a rule. NULL at first */
	LIST_HEAD(, account_op) accounts; /* operations on accounts that go on */
};

int64_t session_wall(const struct acme_session *s);
int64_t session_mono(const struct acme_session *s);
/* account.c: ends the operations on accounts without a callback. */
void session_accounts_drop(struct acme_session *s);
/* Keeps the chain as the one that the next is like. */
void session_keep_chain(struct acme_session *s, struct x509_chain *c);
/* Feeds the pool from a reply. */
void session_keep_nonce(struct acme_session *s, const struct http_reply *r);
/* The pause before repetition number `tries` (from 0): 250 ms doubling to 8 s, between half and all of it. */
int64_t session_backoff(unsigned tries);
/* The CA answered a request for `action` (metered.h) with this: where it is that there are too many requests, or that
 * it is busy, the others wait, too. */
void session_heed(struct acme_session *s, const char *action, const struct err *e);
/*
 * How long to wait before a failed request is repeated, or -1 for not at all: e is final. since is when the first try
 * began (monotonic); once: the server must not get it again when it may have acted on it.
 */
int64_t session_retry_wait(const struct acme_session *s, const struct err *e, int64_t since, unsigned tries, bool once);

#endif
