/*
 * rfc2136_internal.h: what rfc2136.c (the driver), rfc2136_lookup.c (reading), rfc2136_change.c (updates) and
 * rfc2136_say.c (its errors and advice) share.
 */
#ifndef PERDURE_PROVIDER_RFC2136_INTERNAL_H
#define PERDURE_PROVIDER_RFC2136_INTERNAL_H

#include "base/err.h"
#include "base/strv.h"
#include "dns/addr.h"
#include "dns/message.h"
#include "dns/stream.h"
#include "dns/tsig.h"
#include "provider/driver.h"

struct rfc2136 {
	struct provider p; /* first */
	struct addr server;
	struct tsig_key key;
	bool has_key;
	bool key_good; /* an answer was signed with it: the server has the key, with this secret */
	struct stream *stream;
	struct strv plain[2]; /* parents that have no wildcard of TXT or CAA, and of CNAME */
};

/* A question for the RRset that the server holds at a name. */
struct lookup {
	struct rfc2136 *d;
	const char *zone, *what; /* borrowed; what: for messages */
	/* Called from inside rfc2136_look() for a name that is none. Clean e: l->found has it. It may be taken, and
	 * another look begun. What is left of *e is released. */
	void (*done)(struct lookup *l, struct err *e);
	void *ctx;
	/* rfc2136_lookup.c's own */
	const char *name;
	uint16_t type;
	struct stream_call *call;
	struct provider_rrset found;
	struct err standing; /* what is wrong if the name exists */
};
/* name is borrowed. PROVIDER_CNAME_THERE, PROVIDER_DELEGATED, PROVIDER_NO_ZONE, … */
void rfc2136_look(struct lookup *l, const char *name, enum provider_type type);
/* Ends it without a callback. */
void rfc2136_lookup_done(struct lookup *l);

/* A counted message. */
struct stream_call *rfc2136_send(struct rfc2136 *d, const uint8_t *msg, size_t n, stream_fn fn, void *ctx);
/* A query, its call in l->call; false with an error for a name that is none. */
bool rfc2136_query(struct lookup *l, const char *name, uint16_t type, stream_fn fn, void *ctx, struct err *e);
/* Takes note of an answer; false (and an error) when there is no message. */
bool rfc2136_arrived(struct rfc2136 *d, const struct stream_answer *a, bool update, const char *what, struct err *e);
int rfc2136_decode(const struct lookup *l, const struct stream_answer *a, struct message *m, struct err *e);

struct rfc2136_work;
void rfc2136_change(struct provider *p, struct provider_op *op);
void rfc2136_change_drop(struct rfc2136_work *w);

/* What an answer without a message means (a is not STREAM_MESSAGE); update: it was to one; what: "update
 * _v.example.com TXT". */
void rfc2136_no_answer(
	const struct rfc2136 *d, const struct stream_answer *a, bool update, const char *what, struct err *e);
/* A query for a name that the server has no zone for; answer: "answers REFUSED". */
void rfc2136_not_served(const struct rfc2136 *d, const char *what, const char *answer, struct err *e);
/* The rcode of an update that is neither NOERROR nor a prerequisite's. */
void rfc2136_refused(const struct rfc2136 *d, unsigned rcode, const char *what, const char *zone, struct err *e);
/* What stands in the way of the records of name. */
void rfc2136_alias(const struct rfc2136 *d, const char *name, const char *target, bool dname, struct err *e);
void rfc2136_other_data(const struct rfc2136 *d, const char *name, struct err *e);
void rfc2136_delegated(const struct rfc2136 *d, const char *name, const char *zone, struct err *e);
void rfc2136_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
