/*
 * view_priv.h: what the parts of a view share: view.c (its life), viewhop.c (from name to name), viewmore.c (what is
 * asked when the answers are there), viewend.c (what becomes of it all). Nobody else includes it.
 */
#ifndef PERDURE_DNS_VIEW_PRIV_H
#define PERDURE_DNS_VIEW_PRIV_H

#include "dns/dns_priv.h"
#include "dns/reply.h"
#include "dns/view.h"

struct ask;
struct dns_query;
struct err;
struct hop;
struct zonecut;

/* One alias as one server has it. */
struct alias {
	char *owner;
	char *target;
	char *dname; /* owner of the DNAME behind it, or NULL */
	uint32_t ttl;
	int labels; /* as in struct reply */
};

/* One server asked at one hop. */
struct poll {
	struct hop *hop;
	struct exchange_wait wait;
	bool pending;
	bool referred;
	struct alias *aliases; /* a server has one or none, a resolver those it followed */
	size_t n_aliases;
	char *zone; /* the zone its answer names */
	int labels; /* as in struct reply, of what was FOUND */
	struct dns_answer a;
};

/* One name on the way. */
struct hop {
	struct dns_query *q;
	char *name;
	struct zonecut *zonecut;
	struct zone *zone;
	struct poll *polls;
	size_t n;
	size_t pending;
	unsigned restarts;
	const struct alias *followed;
	char *wildcard; /* where that alias comes from */
};

/* A search for the wildcard behind one RRset (viewmore.c). */
struct origin {
	struct dns_query *q;
	struct origin *next;
	struct hop *hop;
	const struct dns_answer *answer; /* to be explained; NULL where the hop's alias is */
	uint16_t type;
	const char *above; /* the name under which nothing of ours exists; part of hop->name */
	const char *found; /* so far the highest one below which everything has this answer */
	bool asks_above;
	struct ask *ask;
};

struct dns_query {
	struct dns *d;
	TAILQ_ENTRY(dns_query) link;
	enum { VIEW_WAITING, VIEW_ACTIVE, VIEW_ENDED } state;
	uint16_t type;
	unsigned flags;
	struct dns_view *v; /* NULL while waiting: many views wait in the queue */
	struct err *e; /* NULL while all is well: an error is large */
	struct hop **hops;
	size_t n_hops;
	struct loop_timer *deadline;
	bool more; /* the answers are there, and what else is to be known is asked for */
	size_t more_pending;
	struct origin *origins;
	dns_view_fn done;
	void *ctx;
	char owner[];
};

/* --- view.c --- */
/* The error of the view, to be filled. */
struct err *view_error(struct dns_query *q);
/* The view is complete as it is; its callback comes on the loop's next turn. */
void view_end(struct dns_query *q);

/* --- viewhop.c --- */
void hop_begin(struct dns_query *q, const char *name);
/* Stops what is under way, marks the servers that have not answered. */
void hops_expire(struct dns_query *q);
void hops_free(struct dns_query *q);

/* --- viewmore.c --- */
/* Asks for all that the flags want to be known; ends the view when nothing of that is left to ask. */
void more_begin(struct dns_query *q);
void more_cancel(struct dns_query *q);

/* --- viewend.c --- */
/* The deepest zone that the servers' answers or the search for them name; borrowed. */
const char *view_zone(const struct hop *h);
/* Moves what the hops have learnt into the view. */
void view_assemble(struct dns_query *q);

#endif
