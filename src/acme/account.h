/* account.h: accounts (RFC 8555 section 7.3). */
#ifndef PERDURE_ACME_ACCOUNT_H
#define PERDURE_ACME_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"

struct acme_session;
struct err;
struct key;

struct acme_account {
	char *url; /* the Location, octet for octet */
	char *status; /* "valid", "deactivated", "revoked" */
	struct strv contact;
	bool created; /* 201: newly made */
};
void acme_account_done(struct acme_account *a);

struct acme_account_request {
	const struct strv *contact;
	bool agree_tos;
	bool only_existing; /* find the account of this key, make none */
	const char *eab_kid; /* NULL for none */
	const void *eab_key; /* decoded HMAC key */
	size_t eab_key_n;
	const char *eab_alg;
};

/*
 * done: a (borrowed) or *e. ERR_ACME with userActionRequired when terms must be agreed to first (the hint has their
 * URL), externalAccountRequired (hint: what to configure), accountDoesNotExist for only_existing. The session's account
 * URL is set on success. Never called from inside.
 */
typedef void (*acme_account_fn)(const struct acme_account *a, const struct err *e, void *ctx);
/* newAccount with the session's key. */
void acme_account_register(
	struct acme_session *s, const struct acme_account_request *r, acme_account_fn done, void *ctx);
/* POST-as-GET of the session's account URL: its live status. */
void acme_account_fetch(struct acme_session *s, acme_account_fn done, void *ctx);
/* New contacts (RFC 8555 section 7.3.2). */
void acme_account_update(struct acme_session *s, const struct strv *contact, acme_account_fn done, void *ctx);
/*
 * Another key for the account (RFC 8555 section 7.3.5); on success the session signs with it. Sent once: after ERR_NET,
 * ERR_TIMEOUT or a 5xx the server may have taken it, and only asking it with the new key tells. ERR_CONFIG when the CA
 * offers no keyChange; ERR_ACME with 409 when the key has an account already. new_key is referenced.
 */
void acme_account_change_key(struct acme_session *s, struct key *new_key, acme_account_fn done, void *ctx);
/* Deactivates, irreversibly (RFC 8555 section 7.3.6). Also a success when it was deactivated before, which is what a
 * repetition after a lost answer finds. */
void acme_account_deactivate(struct acme_session *s, acme_account_fn done, void *ctx);

#endif
