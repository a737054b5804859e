/*
 * explain.h: what an observation means for one name at one CA: would it issue, why not, what is to be changed, and what
 * is odd although it would. Pure: nothing is asked here.
 */
#ifndef PERDURE_INVENTORY_EXPLAIN_H
#define PERDURE_INVENTORY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/recordcheck.h"
#include "inventory/remark.h"
#include "inventory/vantage.h"

struct observation;

/* Everything is borrowed. */
struct explain_question {
	struct recordcheck_question q;
	const struct strv *caa; /* names by which the CA knows itself in CAA; NULL for q.issuers */
	const char *account_status; /* as last heard: "valid", "deactivated", "revoked"; NULL or "" when never heard */
	int64_t renewal; /* UNIX seconds of the next renewal; 0 when not known */
	int64_t slack; /* seconds by which a record should outlive the renewal */
	bool delegation; /* the name is validated by dns-01 through a standing CNAME: then that must be sound, too */
};

/* One point of view. The strings of `seen` are owned. */
struct explained_vantage {
	const char *where; /* borrowed from the observation */
	enum vantage_result result;
	struct recordcheck_seen seen;
};

struct explained {
	enum recordcheck_result verdict; /* of everything that was looked at */
	const char *problem; /* last part of the ACME error type; "" unless refused */
	const char *reason; /* one sentence */
	const char *fix; /* zone line to publish; "" when there is none to suggest */
	struct recordcheck *record; /* the record set alone, as the dialect reads it */
	struct recordcheck *text; /* the same as the draft's text has it; NULL when that is the dialect */
	struct recordcheck_seen seen; /* what most servers publish */
	struct explained_vantage *vantages; /* one for each of the observation's */
	size_t n_vantages;
	struct vantage_quorum quorum; /* over them, the name servers being the primary; when there are any */
	struct remarks remarks;
};

/* o is borrowed until explained_done(), which ret needs. */
void explain(const struct explain_question *q, const struct observation *o, struct explained *ret);
void explained_done(struct explained *x);

/* Whether the software that the dialect is of looks at CAA and validates DNSSEC. */
bool explain_dialect_is_public(enum perdure_dialect d);

#endif
