/*
 * stream.h: one DNS server over TCP (RFC 7766), for what must be signed or comes in many messages: a query or update
 * goes out with its TSIG, each answer is checked before anybody sees it. The connection is kept for the next question
 * while the server keeps it; questions wait for each other.
 */
#ifndef PERDURE_DNS_STREAM_H
#define PERDURE_DNS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/addr.h"
#include "dns/tsig.h"

struct err;
struct loop;
struct stream;
struct stream_call;

/* key is borrowed, NULL for none: then answers must not be signed. timeout_ms: to connect, and from message to message.
 */
struct stream *stream_new(struct loop *l, const struct addr *addr, const struct tsig_key *key, int64_t timeout_ms);
/* Ends all calls without callbacks. NULL is fine; not from inside a callback of its own. */
void stream_free(struct stream *s);

enum stream_status {
	STREAM_MESSAGE, /* an answer: p, n; its signature is good and taken off */
	STREAM_FAILED, /* no answer: e (ERR_NET, ERR_TIMEOUT, ERR_PROTO, ERR_LIMIT) */
	STREAM_TSIG, /* an answer, but its TSIG is not good: tsig, seconds; e says it in words (ERR_DNS) */
};

struct stream_answer {
	enum stream_status status;
	const uint8_t *p; /* for STREAM_MESSAGE; for STREAM_TSIG at least a header when n is not 0 */
	size_t n;
	enum tsig_result tsig;
	int64_t seconds; /* how far the server's clock is ahead, of TSIG_STALE and TSIG_BAD_TIME */
	const struct err *e; /* borrowed; clean for STREAM_MESSAGE */
};
/*
 * Called on the loop, never from inside stream_ask(). Answers true when more messages belong to the answer (a
 * transfer), which it can only after STREAM_MESSAGE; else the call is over. It may ask and cancel other calls.
 */
typedef bool (*stream_fn)(const struct stream_answer *a, void *ctx);
/*
 * Sends a message (with id and header as they shall be; copied) and waits for answers with its id. last, which may be
 * NULL, says of an unchecked message whether it ends a transfer; without it the first message is the last one.
 */
struct stream_call *stream_ask(struct stream *s, const uint8_t *msg, size_t n, stream_fn fn,
	bool (*last)(const uint8_t *p, size_t n, void *ctx), void *ctx);
/* Ends it without a callback. NULL is fine. */
void stream_cancel(struct stream_call *c);
/* A query for name and type, as stream_ask() takes it; its id is random. ERR_PARSE for a name that is none. */
int stream_query(uint8_t out[static 512], const char *name, uint16_t type, size_t *ret_n, struct err *e);

#endif
