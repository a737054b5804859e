/*
 * observe.h: what the DNS says now about one name, as far as a CA would look at it: the validation record, CAA, DNSSEC,
 * the delegation for dns-01, the zone's name servers. Facts only; what they mean is explain.h's.
 */
#ifndef PERDURE_INVENTORY_OBSERVE_H
#define PERDURE_INVENTORY_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct dns;
struct dns_https;
struct dns_validated;
struct dns_vantages;
struct dns_view;
struct loop;
struct strv;

/* What is to be looked at. */
enum observe_what {
	OBSERVE_TXT = 1, /* TXT at _validation-persist.FQDN: always looked at, asked for or not */
	OBSERVE_CAA = 2, /* CAA at the FQDN and the names above it, up to the top-level domain (RFC 8659 section 3) */
	OBSERVE_DNSSEC = 4, /* what a validating resolver makes of the TXT RRset, and of CAA when that is looked at */
	OBSERVE_DELEGATION = 8, /* CNAME and TXT at _acme-challenge.FQDN */
	OBSERVE_NS = 16, /* NS of the zone that the TXT RRset, or its absence, is in */
	OBSERVE_WILDCARD =
		32, /* whether TXT and CNAME answers are synthesised: a few questions more in unsigned zones */
	OBSERVE_ALL = 63,
	/*
	 * Few names are looked at, and somebody waits for them. Otherwise an answer is validated when the servers have
	 * given it, so that libunbound, which keeps no pace, keeps to that of the other questions.
	 */
	OBSERVE_PROMPT = 64,
};

/* One look. */
struct observed {
	struct dns_view *view; /* owned; NULL when not looked at */
	struct err *e; /* owned; why the view has no answers; NULL when it has some, or was not looked at */
};

/* CAA at one name of the climb. Shared by all names below it, so counted. */
struct observed_caa {
	unsigned refs; /* caacache.c's */
	char *name;
	struct observed at;
};

struct observation {
	char *fqdn;
	char *owner; /* _validation-persist.FQDN */
	unsigned what; /* what was looked at */
	int64_t at; /* UNIX seconds when it was complete */
	struct observed txt;
	struct dns_validated *txt_trust; /* owned; NULL when not looked at */
	struct observed_caa **caa; /* n_caa; the FQDN first, then each name above it, the top-level domain last */
	size_t n_caa;
	struct dns_validated *caa_trust; /* owned; of CAA at the FQDN; NULL when not looked at */
	struct observed challenge; /* TXT at _acme-challenge.FQDN, aliases followed */
	struct observed challenge_cname; /* the CNAME there */
	struct observed ns;
	struct dns_vantages *vantages; /* owned; what resolvers elsewhere hand out; NULL when none was to be asked */
};
/* NULL is fine. */
void observation_free(struct observation *o);

/*
 * Which of o->caa holds the relevant RRset (RFC 8659 section 3): the first name that has one. n_caa when there is none
 * anywhere. *ret_unknown (may be NULL): a name before it could not be asked, so that nobody can tell.
 */
size_t observation_relevant_caa(const struct observation *o, bool *ret_unknown);

/* What several observations share: where to ask, and the CAA answers of names that many names have above them. */
struct observer;
/* d is borrowed. */
struct observer *observer_new(struct dns *d);
/* CAA is not looked for above this zone: in closed networks nobody answers there. Copied. */
void observer_set_top(struct observer *ob, const char *zone);
/*
 * From now on these resolvers (as dns/resolvers.h writes them) are asked for the TXT RRset as well; h (may be NULL) is
 * for those by HTTPS. Both are borrowed.
 */
void observer_set_vantages(struct observer *ob, const struct strv *resolvers, struct dns_https *h);
/* Queries must have ended. NULL is fine. */
void observer_free(struct observer *ob);

/* Called once on the loop, never from inside observe_start(); o is owned by the callee. */
typedef void (*observe_fn)(struct observation *o, void *ctx);
struct observe_query;
/* Looks at everything in `what` (of observe_what) at once. fqdn: lower-case A-labels, no "*.", no dot at the end. */
struct observe_query *observe_start(struct observer *ob, const char *fqdn, unsigned what, observe_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void observe_cancel(struct observe_query *q);

/* Some names looked at already while something else is waited for on the same loop. */
struct observe_ahead;
/* ob is borrowed; `what` as for observe_start(). */
struct observe_ahead *observe_ahead_start(struct observer *ob, const struct strv *fqdns, unsigned what);
/* Ends what is still under way. After the observe_run() that uses it; NULL is fine. */
void observe_ahead_free(struct observe_ahead *a);

/* Many names, a bounded number of them in work or kept at a time, however many there are. */
struct observe_many {
	/* The next name and what to look at; false when there are no more. *ret_fqdn is borrowed until the next call.
	 */
	bool (*next)(void *ctx, const char **ret_fqdn, unsigned *ret_what);
	/* The i-th name that next() gave, counted from 0; o is released afterwards. */
	void (*told)(void *ctx, size_t i, const struct observation *o);
	void *ctx;
	struct observe_ahead *ahead; /* looked at already, for the same observer; taken, once. NULL for none */
	bool in_order; /* told in the order of i rather than as soon as each is known */
};
/* Runs the loop until all are told. ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM. */
int observe_run(struct observer *ob, struct loop *l, const struct observe_many *m, struct err *e);

#endif
