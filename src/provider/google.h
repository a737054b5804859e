/* google.h: what google.c (Google Cloud DNS) and google_text.c (its key file, errors and rights) share. */
#ifndef PERDURE_PROVIDER_GOOGLE_H
#define PERDURE_PROVIDER_GOOGLE_H

#include <stdint.h>

#include "base/strv.h"
#include "provider/rest.h"

struct buf;
struct config_provider;
struct err;
struct key;

/* A service account's key, as the JSON file that Google gives out has it. */
struct google_key {
	char *mail; /* client_email */
	char *id; /* private_key_id; may be NULL */
	char *endpoint; /* token_uri */
	char *project; /* project_id; may be NULL */
	struct key *key;
};
/* ERR_CONFIG for a file that is missing, open to others, or holds something else; its text is in no message. */
int google_read_key(const char *path, struct google_key *ret, struct err *e);
void google_key_done(struct google_key *k);
/*
 * Appends the form that asks for a token (RFC 7523 section 2.1): a JWT signed by the key, good for an hour from
 * wall_ms on. ERR_CRYPTO.
 */
int google_assertion(const struct google_key *k, int64_t wall_ms, struct buf *out, struct err *e);

/* For rest_kind. */
void google_blame(const struct rest_reply *r, struct rest_blame *ret);
/* Whether a refused change says that the RRset is not as expected. */
bool google_is_lost(const struct rest_reply *r);
/* For provider_driver. */
void google_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
