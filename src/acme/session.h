/*
 * session.h: talking to one CA as one account: directory, nonces, signed requests, retries. Many requests may be in
 * flight.
 */
#ifndef PERDURE_ACME_SESSION_H
#define PERDURE_ACME_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/directory.h"

struct err;
struct http;
struct http_reply;
struct key;
struct loop;
struct metrics;

struct acme_session;

/* Connections for so many orders in flight at a CA without HTTP/2: one that answers several at once, or does so quicker
 * than we come to its answers, always has some more to do. */
static inline int acme_connections(int64_t orders)
{
	enum { ORDERS_EACH = 4, LEAST = 4, MOST = 16 };
	int64_t n = orders / ORDERS_EACH;
	return n < LEAST ? LEAST : n > MOST ? MOST : (int)n;
}

struct acme_session_options {
	const char *name; /* the CA's name in the configuration, for messages */
	const char *directory_url; /* https */
	int64_t timeout_ms; /* one exchange; 0 for 60 s */
	struct metrics *metrics; /* where requests are counted; NULL for nowhere. Must outlive the session */
	int64_t requests_per_second; /* of all kinds, at most; 0 for no limit but those that are learnt */
	int64_t patience_ms; /* how long one request is retried over 5xx, lost connections and 429 with a short
				Retry-After; 0 for 60 s */
};

/* The strings are copied; loop and http are borrowed. */
struct acme_session *acme_session_new(struct loop *l, struct http *h, const struct acme_session_options *o);
/* Operations on accounts (account.h) that have not ended are ended without a callback; no other request may be in
 * flight. NULL is fine. */
void acme_session_free(struct acme_session *s);
/* The account to sign as: key is referenced, url copied (NULL: not registered yet, requests carry the JWK). */
void acme_session_set_account(struct acme_session *s, struct key *k, const char *url);
const char *acme_session_name(const struct acme_session *s);
const char *acme_session_account_url(const struct acme_session *s);
struct key *acme_session_key(const struct acme_session *s);
struct loop *acme_session_loop(const struct acme_session *s);
/* Number of HTTP requests made so far, all kinds; and how many of those were repeats for a bad nonce. */
uint64_t acme_session_requests(const struct acme_session *s);
uint64_t acme_session_bad_nonces(const struct acme_session *s);

/*
 * How many requests a second the CA takes, as learnt from its refusals of single requests (429, or rateLimited, for
 * anything but a new order or account); 0 for nothing. What an earlier session has learnt may be put in.
 */
int64_t acme_session_learnt(const struct acme_session *s);
void acme_session_put_learnt(struct acme_session *s, int64_t requests_per_second);

/* Fetches the directory unless it is here; concurrent calls share one request. dir is borrowed and lives as long as the
 * session. Never called from inside. */
typedef void (*acme_directory_fn)(const struct acme_directory *dir, const struct err *e, void *ctx);
void acme_session_directory(struct acme_session *s, acme_directory_fn done, void *ctx);
/* The clock of this machine has jumped: the next call of the above asks the CA again, only to hold its clock against
 * ours. ERR_CLOCK is the answer then while they are more than a day apart, as at first. */
void acme_session_doubt_clock(struct acme_session *s);
/* Forgets a call of the above that has not been answered; one that has is no error. */
void acme_session_directory_cancel(struct acme_session *s, acme_directory_fn done, void *ctx);
/* The directory if it is here, else NULL. */
const struct acme_directory *acme_session_have_directory(const struct acme_session *s);

enum acme_post_flag {
	ACME_POST_ONCE = 1, /* the server may act on it: do not repeat after a lost connection or 5xx (badNonce and 429
			       are repeated all the same) */
	ACME_POST_JWK = 2, /* sign with the JWK in the header (newAccount) */
	ACME_POST_PEM = 4, /* Accept: application/pem-certificate-chain */
};
/* What was spent: HTTP requests of all kinds but the directory and a first nonce; and those of them that only repeated
 * an earlier one (bad nonce, 5xx, lost connection). */
struct acme_tally {
	unsigned requests;
	unsigned repeats;
};
struct acme_post;
/*
 * A signed POST; payload NULL is a POST-as-GET, "{}" starts a challenge. Takes a nonce from the pool (every reply feeds
 * it; nonces over ten minutes old are dropped; newNonce only when it is empty), repeats on badNonce with the nonce of
 * that reply (up to 30 times), on 5xx, lost connections and time-outs with jittered back-off, on rateLimited and 503
 * by Retry-After when that lies within the patience. Requests count into *tally when it is not NULL (it must live
 * until done). done is called once, never from inside: reply is set for 2xx; else *e says what happened (ERR_ACME with
 * the problem, ERR_HTTP, ERR_NET, …), e->retry and e->retry_at when to try again. The directory must be here when it is
 * needed (newNonce); it is fetched if not. An ACME_POST_ONCE that fails with ERR_NET, ERR_TIMEOUT or 5xx may have been
 * acted upon.
 */
typedef void (*acme_post_fn)(const struct http_reply *reply, const struct err *e, void *ctx);
struct acme_post *acme_session_post(struct acme_session *s, const char *url, const char *payload, unsigned flags,
	struct acme_tally *tally, acme_post_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void acme_post_cancel(struct acme_post *p);

#endif
