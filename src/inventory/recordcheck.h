/*
 * recordcheck.h: would this CA accept the record that stands at the authoritative servers now?
 */
#ifndef PERDURE_INVENTORY_RECORDCHECK_H
#define PERDURE_INVENTORY_RECORDCHECK_H

#include <perdure/persist.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct clk;
struct dns;
struct dns_txt;
struct dns_view;

/* What a CA would be asked. Everything is copied. */
struct recordcheck_question {
	const char *name; /* FQDN without "*." */
	bool wildcard;
	bool publish_wildcard; /* the record must serve the wildcard too, so the suggested one has policy=wildcard */
	int level;
	const struct strv *issuers;
	const char *account_uri; /* what the record must name at level 00 and 01; NULL for account_url */
	const char *account_url;
	const struct strv *thumbprints; /* current first; level 02 */
	const char *prefix; /* level 02 */
	uint32_t ttl; /* for the suggested record */
	bool suggest_wildcard; /* the suggested record is to cover the wildcard too, whatever is asked here */
	int64_t now; /* UNIX seconds */
	enum perdure_dialect dialect; /* whose reading; 0 is the text's */
	bool deactivated; /* the account is not valid any more */
};

enum recordcheck_result {
	RECORDCHECK_GOOD, /* most servers that answered serve a record the CA would accept */
	RECORDCHECK_REFUSED, /* they answered, and what most of them serve would be refused */
	RECORDCHECK_UNKNOWN, /* nobody answered, or nobody was to be asked */
	RECORDCHECK_N_
};
const char *recordcheck_result_name(enum recordcheck_result r);

/* One server's answer, judged. */
struct recordcheck_server {
	bool answered;
	bool valid;
	char *reason; /* one sentence; "" when valid */
};

struct recordcheck {
	char *owner;
	enum recordcheck_result result;
	char *problem; /* last part of the ACME error type; "" unless refused */
	char *reason; /* one sentence */
	char *fix; /* zone line to publish; "" when there is none to suggest */
	struct perdure_verdict verdict; /* the one that decided; unless UNKNOWN */
	bool has_until; /* of the record that decided */
	int64_t until;
	struct dns_view *view; /* owned, but for those of recordcheck_judge() */
	bool view_borrowed;
	struct recordcheck_server *servers; /* one for each of view->answers */
	bool disagree; /* servers that answered lead to different verdicts */
	struct err
		e; /* for REFUSED and UNKNOWN: the reason and the fix as an error; else clean unless a warning is due */
};
void recordcheck_free(struct recordcheck *c);

/*
 * The check of a view that is here already: at q->name's owner, with *e as it came (may be NULL). v is borrowed, until
 * recordcheck_free().
 */
struct recordcheck *recordcheck_judge(const struct recordcheck_question *q, struct dns_view *v, const struct err *e);

/* The zone line of the record that would be accepted, without persistUntil; "" when none can be made. Heap string. */
char *recordcheck_line(const struct recordcheck_question *q);
/* One RRset, judged by itself. All strings are owned. */
struct recordcheck_seen {
	bool valid;
	char *reason; /* one sentence */
	char *account; /* accounturi of the record that satisfies; "" when none does */
	char *answer; /* the RRset as a text that is the same where the same was seen; "" when it is empty */
};
void recordcheck_see(
	const struct recordcheck_question *q, const struct dns_txt *txt, size_t n, struct recordcheck_seen *ret);
void recordcheck_seen_done(struct recordcheck_seen *s);

/* A look at the DNS for a name that is begun before the question is complete, to save the wait later. */
struct recordcheck_ahead;
/* d and clk are borrowed until recordcheck_ahead_free(); clk tells how old the answer is. */
struct recordcheck_ahead *recordcheck_ahead_start(struct dns *d, const struct clk *clk, const char *name);
/* NULL is fine. A check that waits for it must have been cancelled or ended before. */
void recordcheck_ahead_free(struct recordcheck_ahead *a);

/* Called once on the loop; c is owned by the callee. */
typedef void (*recordcheck_fn)(struct recordcheck *c, void *ctx);
struct recordcheck_query;
/*
 * ahead (NULL for none) is used, once, when it is for the same name and a few seconds old at most. When its answer is
 * here already done is called before this returns, and this returns NULL; otherwise done comes later.
 */
struct recordcheck_query *recordcheck_start(struct dns *d, struct recordcheck_ahead *ahead,
	const struct recordcheck_question *q, recordcheck_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void recordcheck_cancel(struct recordcheck_query *q);

#endif
