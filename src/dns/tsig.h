/*
 * tsig.h: transaction signatures (RFC 8945): keys and the files they come in, signing of queries, checking of answers.
 * Key, code, time and fudge are all checked here; the time is the caller's.
 */
#ifndef PERDURE_DNS_TSIG_H
#define PERDURE_DNS_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/hmac.h"
#include "dns/name.h"

struct err;

enum {
	TSIG_FUDGE = 300, /* seconds */
	TSIG_OCTETS_MAX = 2 * NAME_WIRE_MAX + 10 + 16 + HMAC_OCTETS_MAX, /* what a signature adds to a message */
};

struct tsig_key {
	char *name; /* lower case, no dot at the end */
	uint8_t wire[NAME_WIRE_MAX];
	size_t wire_n;
	enum hmac_hash hash;
	struct secret secret;
};

/*
 * Reads a key: statements as BIND's tsig-keygen and Knot's keymgr write them, "ALGORITHM:NAME:SECRET", or the secret
 * alone in base64. name and algorithm say what the text does not, and which of several keys is meant; both may be NULL.
 * Algorithms: hmac-sha1, -sha256 (where nothing is said), -sha384, -sha512. ERR_CONFIG, without any of the text in the
 * message. ret needs tsig_key_done().
 */
int tsig_key_parse(const char *text, const char *name, const char *algorithm, struct tsig_key *ret, struct err *e);
/* The same from a file that only its owner may read (fs_read_secret). */
int tsig_key_read(const char *path, const char *name, const char *algorithm, struct tsig_key *ret, struct err *e);
void tsig_key_done(struct tsig_key *k);
/* "hmac-sha256" */
const char *tsig_algorithm_name(enum hmac_hash h);

/* One query and the answers to it. */
struct tsig {
	const struct tsig_key *key; /* borrowed; must outlive it */
	struct hmac *running; /* over what came since the last signature of a transfer */
	uint8_t mac[HMAC_OCTETS_MAX]; /* the last signature, which the next covers */
	size_t mac_n;
	size_t unsigned_messages; /* of a transfer, since the last signature */
	bool answered; /* a signed answer has come */
};
void tsig_init(struct tsig *t, const struct tsig_key *key);
void tsig_done(struct tsig *t);

/* Puts the signature behind a query of *n octets. ERR_LIMIT when cap is too small, ERR_CRYPTO. */
int tsig_sign(struct tsig *t, uint8_t *msg, size_t *n, size_t cap, int64_t now_secs, struct err *e);

enum tsig_result {
	TSIG_GOOD,
	TSIG_UNSIGNED, /* no signature, where one is due */
	TSIG_WRONG, /* the signature is damaged, of another key, or does not fit the message */
	TSIG_STALE, /* signed, but at a time too far from ours: seconds says how far theirs is ahead */
	/* What the server says of our query (RFC 8945 section 5.3); of these only BAD_TIME is signed. */
	TSIG_BAD_SIG, /* the secret is another one there */
	TSIG_BAD_KEY, /* no such key there, or not of this algorithm */
	TSIG_BAD_TIME, /* our time is too far from theirs: seconds says how far theirs is ahead */
	TSIG_BAD_TRUNC,
};
/*
 * Checks an answer and takes its signature off: *n is then that of the message alone. In a transfer (RFC 8945 section
 * 5.3.1) up to 99 messages may come without a signature between signed ones: they are TSIG_GOOD for the time being, and
 * last says that no more will come, so that this one must be signed.
 */
enum tsig_result tsig_check(struct tsig *t, uint8_t *msg, size_t *n, bool last, int64_t now_secs, int64_t *ret_seconds);

#endif
