/*
 * flow.h: one order from newOrder to the downloaded chain. It goes by what the server says at each moment, so that an
 * order found again after a crash goes on wherever it stands; the caller keeps what must last (URL, key, CSR, chain)
 * through the `placed` and `issued` steps.
 *
 * Requests of one order go out one after the other: read every authorization, then choose their challenges and judge
 * the records, have set up what the others need, then answer the challenges, then poll, finalize, poll, download.
 */
#ifndef PERDURE_ACME_FLOW_H
#define PERDURE_ACME_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/object.h"

struct acme_session;
struct err;
struct strv;
struct x509_chain;

/* What a dns-persist-01 challenge demands for one name: all that a record can be judged or made by. Borrowed during the
 * call. */
struct acme_persist_offer {
	const char *name; /* FQDN, without "*." */
	bool wildcard;
	int level; /* 0, 1, 2 as found out */
	const struct strv *issuers; /* issuer names offered, 1 to 10 */
	const char *account_uri; /* what the record must name at level 00 and 01 */
	const char *account_url;
	const char *account_hash_prefix; /* level 02, else NULL */
};

enum acme_judgement {
	ACME_RECORD_GOOD, /* the CA would accept: answer the challenge */
	ACME_RECORD_REFUSED, /* absent or not acceptable: hold the order, burn no authorization */
	ACME_RECORD_UNKNOWN, /* could not be seen (servers failed or timed out): warn and go on */
};
/* *e (borrowed) has the reason and the fix for REFUSED, and the warning for UNKNOWN. */
typedef void (*acme_judged_fn)(enum acme_judgement j, const struct err *e, void *ctx);

/* A name to be proved. Borrowed during the call. */
struct acme_choice {
	const char *name; /* FQDN, without "*." */
	bool wildcard;
	unsigned offered; /* what it may be proved by: 1U << enum acme_challenge_type, each */
	const struct err *refused; /* dns-persist-01 is offered but will not do, and why: it is not in `offered` then.
				      NULL while nothing speaks against it */
};
/* The challenge to take; ACME_CHALLENGE_TYPE_N_ for none, and then *e (borrowed) says why. */
typedef void (*acme_chosen_fn)(enum acme_challenge_type type, const struct err *e, void *ctx);

/* What must be in place before a challenge of another type than dns-persist-01 is answered. Borrowed during the call.
 */
struct acme_setup {
	const char *name; /* FQDN, without "*." */
	bool wildcard;
	enum acme_challenge_type type;
	const char *token;
	const char *key_authorization; /* RFC 8555 section 8.1; what http-01 serves */
	const char *txt; /* the value of the TXT record for dns-01 (RFC 8555 section 8.4) */
};
/* failed: NULL when everything is in place; else why not, and whether a later try may do better (retry). */
typedef void (*acme_ready_fn)(const struct err *failed, void *ctx);

struct acme_flow_hooks {
	/*
	 * Which challenge to take for a name: call chosen(…, chosen_ctx) once, later or at once, but not after
	 * acme_flow_free(). Asked for each name, one after the other; a second time where the record was refused (by
	 * `judge`) and other challenges are offered. NULL: dns-persist-01.
	 */
	void (*choose)(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, void *ctx);
	/*
	 * Put in place all that the chosen challenges need, then call ready(…, ready_ctx) once, later or at once, but
	 * not after acme_flow_free(). Called once for all names of the order that need something, those included whose
	 * challenge an earlier run has answered and the CA has not decided yet; not called when there are none.
	 */
	void (*prepare)(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, void *ctx);
	/*
	 * What `prepare` was asked for is not needed any more: every challenge is decided, or the order has come to an
	 * end (done follows). kept: the order is kept and goes on in a later run, so that the CA may still look. Called
	 * once for each call of `prepare`, but not by acme_flow_free(). May be NULL.
	 */
	void (*cleanup)(bool kept, void *ctx);
	/* Look at the standing record; call judged(…, judged_ctx) once, later or at once, but not after
	 * acme_flow_free(). NULL: every record counts as good. */
	void (*judge)(const struct acme_persist_offer *offer, acme_judged_fn judged, void *judged_ctx, void *ctx);
	/* The URL of a new order is known: make it last, then call go(go_ctx) once, later or at once (with the error if
	 * that failed), but not after acme_flow_free(). Not called for an order that is gone on with. NULL: go on. */
	void (*placed)(
		const char *order_url, void (*go)(const struct err *failed, void *go_ctx), void *go_ctx, void *ctx);
	/* For progress and logs: "order", "authorization NAME", "record NAME", "prepare", "challenge NAME",
	 * "finalize", "certificate". May be NULL. */
	void (*step)(const char *what, void *ctx);
	void (*warn)(const struct err *e, void *ctx); /* may be NULL */
	/*
	 * The end, once; acme_flow_free() is allowed in it (and in none of the others). chain is set on success: the
	 * downloaded chain that matches spki and names (the preferred one of the alternates when there is such),
	 * borrowed; the caller makes it last. Else *e, with a sub-problem per identifier where the CA or the judge hook
	 * refused some: e->retry tells when a next try is worth it, by the same order (order_lost is false) or by a new
	 * one (order_lost: invalid, expired, gone, or its certificate is not what was asked for).
	 */
	void (*done)(const struct x509_chain *chain, const struct err *e, bool order_lost, void *ctx);
};

struct acme_flow_request {
	struct acme_session *session; /* borrowed; account set; must outlive the flow */
	const struct strv *names; /* A-labels, "*." kept; copied */
	const char *profile; /* NULL for none; copied */
	const char *replaces; /* ARI certificate id; NULL for none; left out where the CA has no renewalInfo; an
				order refused with it is tried again without */
	const char *order_url; /* to go on with an order; NULL to place one */
	const void *csr_der; /* copied */
	size_t csr_n;
	const char *spki_sha256; /* of the CSR's key: the certificate must have it */
	const char *preferred_chain; /* issuer common name; NULL */
	int level; /* configured level, or -1 to find out */
	bool account_uri_any; /* accept an accounturi in the challenge that is not our account URL */
	int64_t patience_ms; /* total time spent polling one object; 0 for 10 minutes */
};

struct acme_flow;
/* Starts it; hooks are called on the loop, never from inside. hooks must outlive the flow. */
struct acme_flow *acme_flow_start(const struct acme_flow_request *r, const struct acme_flow_hooks *hooks, void *ctx);
/* Number of HTTP requests of this flow so far (directory and first nonce not counted), and how many of them only asked
 * again: re-polls, and repeats for a bad nonce, a 5xx or a lost connection. */
unsigned acme_flow_requests(const struct acme_flow *f);
unsigned acme_flow_repeats(const struct acme_flow *f);
/* Ends it; without a call of done when it was still running. */
void acme_flow_free(struct acme_flow *f);

#endif
