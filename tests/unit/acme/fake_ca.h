/*
 * fake_ca.h: an ACME server in memory behind scripted_http, on a clock that only moves when the loop has nothing else
 * to do. It checks what a strict server checks (nonces used once, url, kid, content type, "{}", empty POST-as-GET) and
 * logs each request as a word:
 *
 *   D directory  N newNonce  R newAccount  U account  O newOrder  o order  A0 authorization  C0 challenge  F finalize
 *   c certificate  x1 alternate chain  T0 dns-01 challenge
 */
#ifndef PERDURE_TESTS_FAKE_CA_H
#define PERDURE_TESTS_FAKE_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/strv.h"

#define FAKE_HOST "https://ca.test"
#define FAKE_ACCOUNT "https://ca.test/account/1"
#define FAKE_ORDER "https://ca.test/order/1"
#define ACME_ERROR "urn:ietf:params:acme:error:"

enum { FAKE_MAX_AUTHZS = 8, FAKE_MAX_FAULTS = 6 };

/* What happens to requests whose word is `word`, from the first-th (1 is the first) on, `times` of them (0: one). */
struct fake_fault {
	const char *word;
	int first;
	int times;
	bool acts; /* the server does its work all the same */
	bool lost; /* no reply arrives */
	int status; /* 0: the real status */
	const char *problem; /* ACME error type: makes the body; detail is `body` then */
	const char *body; /* NULL: the real one */
	const char *header; /* "Name: value" to be added */
};

struct fake_ca {
	/* The offer. */
	int level; /* shape of directory and challenges */
	const char *issuers; /* comma separated; NULL for "ca.test" */
	const char *account_uri; /* in the challenge; NULL for the account's */
	const char *token;
	const char *date; /* Date header of the directory */
	bool no_renewal_info; /* the directory lists none */
	bool no_persist; /* only http-01 and what dns_01 says */
	bool dns_01; /* offered; the token of the i-th is "token-i" */
	bool twice_listed; /* the order lists every authorization twice */
	/* The beginning: */
	const char *authz[FAKE_MAX_AUTHZS]; /* status of each, NULL for pending; "processing": its challenge is */
	const char *order; /* status of the order whatever the authorizations are; NULL for as they are */
	/* The course: */
	bool invalid[FAKE_MAX_AUTHZS]; /* refused when answered */
	int authz_polls; /* times it is still pending when polled */
	int order_polls; /* times it is still processing when polled */
	bool valid_at_once; /* finalize replies with the valid order */
	bool invalid_at_end; /* finalize makes the order invalid */
	const char *authz_retry_after; /* on polls that find it pending */
	const char *order_retry_after; /* on finalize and polls that find it processing */
	/* The end: */
	bool wrong_key;
	const char *wrong_name; /* name in the certificate instead */
	const char *alternates; /* Link header */
	int64_t lifetime_s; /* 0 for 90 days; negative: expired */
	struct fake_fault faults[FAKE_MAX_FAULTS];
	int delay_ms; /* of every reply */
	bool keep_nonces; /* replies carry no Replay-Nonce: only newNonce does */
	int bad_nonces; /* refuse that many nonces */

	/* What was seen. */
	struct buf log;
	struct buf payload; /* of the last newOrder or newAccount */
	unsigned requests; /* without D and N */
	int64_t began;
	int mistakes; /* of the client */

	/* The works. */
	struct loop *l;
	struct http *http;
	struct clk clk;
	int64_t now; /* milliseconds, both clocks */
	unsigned nonce;
	struct strv nonces;
	struct strv names;
	int n_authzs;
	int polls[FAKE_MAX_AUTHZS];
	bool answered[FAKE_MAX_AUTHZS];
	int finalized; /* 0, 1 processing, 2 valid, 3 invalid */
	struct buf csr;
	struct key *root_key;
	struct issue_ca *root;
	struct issue_ca *other_root;
};

/* Makes the works of a zeroed or filled-in fake_ca. */
void fake_ca_start(struct fake_ca *ca);
void fake_ca_stop(struct fake_ca *ca);
/* Lets an order for the (blank separated) names exist, as if placed by an earlier run. */
void fake_ca_order(struct fake_ca *ca, const char *names);
void fake_names(struct strv *ret, const char *blank_separated);

#endif
