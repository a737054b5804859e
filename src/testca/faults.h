/*
 * faults.h: what goes wrong on purpose. A rule names a fault, where it strikes, how often, and how. Rules come from a
 * file, the command line and the control socket, as JSON objects (docs/testca.md).
 */
#ifndef PERDURE_TESTCA_FAULTS_H
#define PERDURE_TESTCA_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testca/endpoint.h"

struct err;
struct json;
struct json_out;

enum fault_kind {
	/* In place of the request's effect. */
	FAULT_BADNONCE,
	FAULT_STATUS,
	FAULT_PROBLEM,
	FAULT_RATE_LIMITED,
	FAULT_TERMS_CHANGED,
	FAULT_EAB_MISSING,
	FAULT_ACCOUNT_GONE,
	FAULT_REPLACES_REFUSED,
	FAULT_CUT_BEFORE,
	FAULT_HANG,
	/* Done to the reply, after the effect. */
	FAULT_CUT_AFTER,
	FAULT_STATUS_AFTER,
	FAULT_TRUNCATE,
	FAULT_EMPTY_BODY,
	FAULT_BODY,
	FAULT_MALFORMED_JSON,
	FAULT_HUGE,
	FAULT_DEEP,
	FAULT_ENDLESS,
	FAULT_DRIP,
	FAULT_DELAY,
	FAULT_CONTENT_TYPE,
	FAULT_SET_MEMBER,
	FAULT_DROP_MEMBER,
	FAULT_DROP_HEADER,
	FAULT_HTTP_URLS,
	FAULT_FOREIGN_URLS,
	/* In what the CA does. */
	FAULT_ALREADY_VALID,
	FAULT_READY_EARLY,
	FAULT_ORDER_INVALID,
	FAULT_ORDER_EXPIRED,
	FAULT_AUTHZ_INVALID,
	FAULT_AUTHZ_EXPIRED,
	FAULT_PROCESSING,
	FAULT_ACCOUNT_DEACTIVATED,
	FAULT_OTHER_KEY,
	FAULT_OTHER_NAMES,
	FAULT_EXPIRED_CERTIFICATE,
	FAULT_UNORDERED_CHAIN,
	FAULT_LEAF_ONLY,
	FAULT_FOREIGN_PEM,
	FAULT_TOO_MANY_ISSUERS,
	FAULT_NO_ISSUERS,
	FAULT_FOREIGN_ACCOUNTURI,
	FAULT_TOKEN,
	FAULT_BOTH_SPELLINGS,
	/* At a new connection. */
	FAULT_TLS_STALL,
	FAULT_TLS_CUT,
	FAULT_TLS_CERTIFICATE,
	FAULT_N_
};

enum fault_phase { FAULT_INSTEAD, FAULT_REPLY, FAULT_STATE, FAULT_CONNECTION };

struct fault {
	int64_t id;
	enum fault_kind kind;
	bool at[EP_N_];
	int64_t count; /* how often yet; negative: without limit */
	int64_t skip; /* how many occasions to let pass yet */
	int64_t percent;
	int64_t beyond; /* strike only what comes after so many in a second; 0: all */
	int64_t *passed; /* when those came, a ring; milliseconds */
	size_t next;
	int64_t hits;
	/* The arguments; which mean what, the table of faults.c says. Strings are NULL when not given. */
	int64_t status;
	int64_t ms;
	int64_t n;
	char *retry_after;
	char *type;
	char *detail;
	char *instance;
	char *member;
	char *value;
};

struct faults;

struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *f);
/* Adds the rule; its number goes to ret_id. ERR_PROTO, ERR_CONFIG. */
int faults_add(struct faults *f, const struct json *rule, int64_t *ret_id, struct err *e);
/* The same from a line of text; what names it in errors. ERR_PARSE. */
int faults_add_text(struct faults *f, const char *text, const char *what, struct err *e);
/* Rules from a file, one a line; empty lines and those that begin with # are skipped. */
int faults_add_file(struct faults *f, const char *path, struct err *e);
/* Removes a rule, or all with 0. Whether there was one. */
bool faults_clear(struct faults *f, int64_t id);
/* Writes the array of rules with their hits. */
void faults_list(const struct faults *f, struct json_out *w, const char *member);

/* The rule of this kind that strikes now, used up by one; NULL for none. Valid until rules are removed. A connection
 * that is new has no address yet: EP_OTHER. */
const struct fault *faults_strike(struct faults *f, enum fault_kind k, enum endpoint ep);
/* The same for any kind of a phase, from *from on, which is moved behind it: begin with 0. */
const struct fault *faults_next(struct faults *f, enum fault_phase phase, enum endpoint ep, size_t *from);

const char *fault_name(enum fault_kind k);
/* For --list-faults. */
void faults_print_all(void);

#endif
