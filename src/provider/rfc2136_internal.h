/* rfc2136_internal.h: what rfc2136.c (the driver) and rfc2136_say.c (its errors and advice) share. */
#ifndef PERDURE_PROVIDER_RFC2136_INTERNAL_H
#define PERDURE_PROVIDER_RFC2136_INTERNAL_H

#include "dns/addr.h"
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
};

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
