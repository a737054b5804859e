/* dns_priv.h: what the files of this folder share of struct dns. */
#ifndef PERDURE_DNS_DNS_PRIV_H
#define PERDURE_DNS_DNS_PRIV_H

#include <sys/queue.h>

#include "dns/dns.h"
#include "dns/exchange.h"
#include "dns/zone.h"

struct dns_query;
struct loop_timer;
struct validator;

TAILQ_HEAD(dns_queries, dns_query);

struct dns {
	struct loop *loop;
	enum dns_mode mode;
	int64_t timeout_ms;
	int64_t deadline_ms;
	struct exchanger *exchanger;
	struct cuts cuts;
	struct zone *resolvers; /* in mode DNS_RESOLVER */
	struct dns_queries waiting; /* views that have not begun */
	struct dns_queries active;
	struct dns_queries ended; /* views whose callback is due */
	size_t n_active;
	struct loop_timer *turn; /* begins and ends views */
	struct validator *validator;
};

/* Monotonic milliseconds. */
int64_t dns_now(const struct dns *d);
/* view.c: the turn timer's callback, and the end of all views without callbacks. */
void dns_views_turn(void *d);
void dns_views_drop(struct dns *d);

#endif
