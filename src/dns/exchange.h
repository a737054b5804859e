/*
 * exchange.h: one question to one address. UDP from a connected socket (random port, random id), tried twice,
 * then failed; TCP when the answer is truncated. Only an answer with our id and our question counts. Each address has a
 * limit of questions in flight, a pace and a queue, the same question asked twice meanwhile is asked once, and an
 * address that does not answer is left alone for some seconds.
 */
#ifndef PERDURE_DNS_EXCHANGE_H
#define PERDURE_DNS_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dns/addr.h"
#include "dns/message.h"

struct loop;
struct exchange;
struct exchanger;

enum exchange_status {
	EXCHANGE_ANSWER, /* msg is there, whatever its rcode */
	EXCHANGE_BROKEN, /* the server answered something that is no DNS answer, or we could not ask */
	EXCHANGE_TIMEOUT, /* no answer in time */
	EXCHANGE_UNREACHABLE, /* no way there, or nobody listens */
};

struct exchange_reply {
	enum exchange_status status;
	const struct message *msg; /* borrowed; for EXCHANGE_ANSWER */
	const char *text; /* borrowed; one phrase for the others, else "" */
	bool tcp;
	int64_t rtt_ms;
};

/* One who waits for an answer; embedded in the asker. Zeroed: waits for nothing. */
struct exchange_wait {
	void (*fn)(const struct exchange_reply *r, void *ctx);
	void *ctx;
	struct exchange *x; /* the exchange's business */
	TAILQ_ENTRY(exchange_wait) link;
};

/* pace: questions a second to one address, 0 for no limit. */
struct exchanger *exchanger_new(struct loop *l, int64_t timeout_ms, unsigned per_server, unsigned pace);
/* Ends all exchanges without callbacks. */
void exchanger_free(struct exchanger *s);

enum exchange_flag {
	EXCHANGE_RD = 1, /* ask for recursion */
	EXCHANGE_DO = 2, /* ask for signatures */
	EXCHANGE_OVER_TCP = 4, /* over TCP from the start */
};

/* The address is the operator's own: no pace is kept towards it. Loopback addresses are known to be. */
void exchanger_own(struct exchanger *s, const struct addr *addr);

/*
 * Asks addr for name and type; flags is of enum exchange_flag. w->fn is called once, from the loop, never from inside
 * this call; it may ask and cancel as it likes.
 */
void exchange_ask(struct exchanger *s, const struct addr *addr, const char *name, uint16_t type, unsigned flags,
	struct exchange_wait *w);
/*
 * Whether DNS servers seem out of reach for this whole process: many addresses were asked, none has ever answered, and
 * it is not time to try again. When it is, the first to ask is told no, and is the trial. now: monotonic ms.
 * *ret_silent: how many addresses were asked.
 */
bool exchanger_blocked(struct exchanger *s, int64_t now, unsigned *ret_silent);
/* Whether any IPv6 address has ever answered this process, if only that nobody listens there. */
bool exchanger_has_ipv6(const struct exchanger *s);
/* No callback any more; fine when w waits for nothing. */
void exchange_cancel(struct exchange_wait *w);

#endif
