/*
 * model.h: what the CA remembers: accounts, orders, authorizations, certificates. Nothing is forgotten before the end,
 * so pointers stay good. Statuses that depend on the time are worked out when they are asked for.
 */
#ifndef PERDURE_TESTCA_MODEL_H
#define PERDURE_TESTCA_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "dns/map.h"

struct err_problem;
struct key;
struct order;

enum status { ST_PENDING, ST_PROCESSING, ST_READY, ST_VALID, ST_INVALID, ST_DEACTIVATED, ST_EXPIRED, ST_REVOKED };
const char *status_name(enum status s);

struct account {
	uint64_t id;
	char *url;
	struct key *key;
	char thumbprint[44];
	struct strv old_thumbprints; /* the oldest first */
	struct strv contacts;
	char *eab; /* the externalAccountBinding as it came; NULL without */
	enum status status;
	bool gone; /* as if it had never been */
	bool tos_agreed;
	struct order **orders;
	size_t n_orders;
};

enum method { METHOD_PERSIST, METHOD_DNS01, METHOD_N_ };
const char *method_name(enum method m);

/* A result that shows only after a time, or after so many looks. */
struct wait {
	int64_t until_ms;
	int64_t polls;
};

struct challenge {
	bool offered;
	bool asked; /* the client has POSTed it */
	bool decided; /* the look-up is over: error tells how */
	char *token;
	struct err_problem *error;
	struct wait wait;
	int64_t validated_s;
};

struct authz {
	uint64_t id;
	struct account *account;
	struct order *order;
	char *name; /* without "*." */
	bool wildcard;
	enum status status; /* PENDING, VALID, INVALID, DEACTIVATED, EXPIRED */
	int64_t expires_s;
	struct challenge challenges[METHOD_N_];
};

struct cert {
	uint64_t id;
	struct account *account;
	struct order *order;
	char *leaf; /* PEM */
	char *serial;
	char *ari_id;
	char thumbprint[44]; /* of its key */
	int64_t not_before_s;
	int64_t not_after_s;
	int64_t revoked_s; /* 0: not revoked */
	int64_t revoked_why;
	bool replaced;
	char *ari; /* what renewalInfo is to answer; NULL for the ordinary window */
	int64_t ari_retry_s; /* Retry-After of renewalInfo */
};

struct order {
	uint64_t id;
	struct account *account;
	struct strv names; /* as asked for, "*." too */
	struct authz **authzs;
	size_t n_authzs;
	char *profile; /* NULL without */
	char *replaces; /* NULL without */
	int64_t lifetime_s;
	int64_t not_before_s; /* asked for; 0: now */
	int64_t not_after_s;
	int64_t expires_s;
	bool claims_ready; /* a lie: some authorizations are not valid */
	bool finalized;
	struct key *key; /* of the request; NULL before finalize */
	bool must_staple;
	struct wait wait;
	struct cert *cert;
	struct err_problem *error; /* the order is invalid */
};

/* Lists of pointers, found by number: the first is `base`, which differs from run to run. */
struct table {
	void **v;
	size_t n;
	size_t cap;
	uint64_t base;
};

struct model {
	struct table accounts;
	struct table orders;
	struct table authzs;
	struct table certs;
	struct map by_thumbprint; /* accounts, by their current key */
	struct map by_ari; /* certificates */
	struct map by_sha256; /* certificates, by the digest of their DER in hexadecimal */
	struct map by_serial; /* certificates, hexadecimal */
};

void model_init(struct model *m);
void model_done(struct model *m);

/* NULL when there is none of this number. */
struct account *model_account(const struct model *m, uint64_t id);
struct order *model_order(const struct model *m, uint64_t id);
struct authz *model_authz(const struct model *m, uint64_t id);
struct cert *model_cert(const struct model *m, uint64_t id);

/* New ones, empty but for their number. */
struct account *model_new_account(struct model *m);
struct order *model_new_order(struct model *m, struct account *a);
struct authz *model_new_authz(struct model *m, struct order *o);
struct cert *model_new_cert(struct model *m, struct order *o);

/* Another key for the account; k is referenced. The old one is remembered. */
void account_set_key(struct model *m, struct account *a, struct key *k);
/* It is found neither by its number nor by its key any more. */
void account_forget(struct model *m, struct account *a);

/* The status now; looks counts this as a poll by the client. */
enum status authz_status(struct authz *a, int64_t now_ms, bool looks);
/* ST_PROCESSING also for an order whose time has come and whose certificate is still to be made. */
enum status order_status(struct order *o, int64_t now_ms, bool looks);
/* Whether the wait is over. */
bool wait_over(struct wait *w, int64_t now_ms, bool looks);

/* A problem document, to be released by err_problem_free(). type is the last part of the URN. */
struct err_problem *problem_new(int status, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct err_problem *problem_copy(const struct err_problem *p);

#endif
