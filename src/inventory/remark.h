/*
 * remark.h: what `perdure check` can say of a name: a table of codes that stay as they are, with their severity, and
 * lists of what was found. docs/check.md has a paragraph for each code.
 */
#ifndef PERDURE_INVENTORY_REMARK_H
#define PERDURE_INVENTORY_REMARK_H

#include <stdbool.h>
#include <stddef.h>

enum remark_severity {
	REMARK_INFO, /* good to know */
	REMARK_WARNING, /* works now, but not for long, not everywhere, or by luck */
	REMARK_ERROR, /* a CA refuses */
	REMARK_SEVERITY_N_
};
const char *remark_severity_name(enum remark_severity s);

enum remark_code {
	/* the record set */
	REMARK_RECORD_MISSING,
	REMARK_RECORD_OTHER_CA,
	REMARK_RECORD_MALFORMED,
	REMARK_RECORD_ACCOUNT,
	REMARK_RECORD_URI,
	REMARK_RECORD_NOT_WILDCARD,
	REMARK_RECORD_EXPIRED,
	REMARK_RECORD_UNTIL_RANGE,
	REMARK_RECORD_LONG,
	REMARK_RECORD_ALIAS_REFUSED,
	REMARK_RECORD_ENDS_EARLY,
	REMARK_RECORD_OLD_KEY,
	REMARK_RECORD_SPLIT,
	REMARK_RECORD_QUOTED,
	REMARK_RECORD_TTL_LONG,
	REMARK_RECORD_TTL_SHORT,
	REMARK_READING_DIFFERS,
	/* the account */
	REMARK_ACCOUNT_DEACTIVATED,
	REMARK_ACCOUNT_UNKNOWN,
	/* CAA */
	REMARK_CAA_FORBIDDEN,
	REMARK_CAA_OTHER_CA,
	REMARK_CAA_METHOD,
	REMARK_CAA_ACCOUNT,
	REMARK_CAA_HASHED,
	REMARK_CAA_UNSATISFIABLE,
	REMARK_CAA_MALFORMED,
	REMARK_CAA_CRITICAL,
	REMARK_CAA_FAILED,
	REMARK_CAA_DISAGREE,
	REMARK_CAA_NONE,
	/* DNSSEC */
	REMARK_DNSSEC_BOGUS,
	REMARK_DNSSEC_INSECURE,
	REMARK_DNSSEC_UNKNOWN,
	/* name servers */
	REMARK_SERVERS_DISAGREE,
	REMARK_SERVERS_NONE,
	REMARK_SERVERS_DRIFT,
	REMARK_SERVER_LAME,
	REMARK_SERVER_REFUSING,
	REMARK_SERVER_ERROR,
	REMARK_SERVER_MALFORMED,
	REMARK_SERVER_UNREACHABLE,
	REMARK_SERVER_SILENT,
	REMARK_SERVERS_HALF_SEEN,
	REMARK_SERVER_ADDRESSLESS,
	REMARK_SERVER_DIVERGING,
	/* the way to the record */
	REMARK_ALIAS_CHAIN,
	REMARK_ALIAS_TOO_LONG,
	REMARK_ALIAS_LOOP,
	REMARK_ALIAS_DANGLING,
	REMARK_WILDCARD_ANSWER,
	/* other points of view */
	REMARK_VANTAGE_DIFFERS,
	REMARK_VANTAGE_SILENT,
	REMARK_QUORUM_MISSED,
	/* the delegation for dns-01 */
	REMARK_DELEGATION_MISSING,
	REMARK_DELEGATION_BESIDE,
	REMARK_DELEGATION_CHAIN,
	REMARK_DELEGATION_BROKEN,
	REMARK_DELEGATION_UNSERVED,
	REMARK_DELEGATION_CNAME_TTL,
	REMARK_DELEGATION_TXT_TTL,
	REMARK_DELEGATION_WILDCARD,
	/* a record that is not published yet */
	REMARK_PREFLIGHT_SILENCES_WILDCARD,
	REMARK_PREFLIGHT_BELOW_DELEGATION,
	REMARK_PREFLIGHT_CNAME,
	REMARK_PREFLIGHT_DNAME,
	REMARK_PREFLIGHT_OWNER_LONG,
	REMARK_PREFLIGHT_TRUNCATES,
	REMARK_PREFLIGHT_LARGE,
	REMARK_PREFLIGHT_UNKNOWN,
	REMARK_CODE_N_
};

struct remark_kind {
	const char *id; /* "record-missing" */
	enum remark_severity severity; /* the usual one */
	const char *summary; /* what it means, without a full stop */
};
const struct remark_kind *remark_kind(enum remark_code c);

struct remark {
	enum remark_code code;
	enum remark_severity severity;
	char *text; /* one sentence about this name, without control characters */
	char *fix; /* a zone line to publish, or what to do; "" when there is nothing to say */
	const char *says; /* words that the CA's own error has, where they are known; else NULL; static */
};
/* Zeroed is empty. */
struct remarks {
	struct remark *v;
	size_t n, cap;
};
void remarks_done(struct remarks *r);
/* With the usual severity and no fix. Gives the new one, to be changed until the next is added. */
struct remark *remarks_add(struct remarks *r, enum remark_code c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sets the fix; the last word holds. */
void remark_fix(struct remark *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first of the highest severity, or NULL when there is none. */
const struct remark *remarks_worst(const struct remarks *r);
bool remarks_has(const struct remarks *r, enum remark_code c);

#endif
