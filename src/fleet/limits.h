/*
 * limits.h: what is remembered of a CA from run to run: its budgets for new orders, how many requests a second it
 * took, and since when it does not serve.
 * Orders that replace a certificate (RFC 9773 section 5) have a budget of their own: many CAs do not count them.
 */
#ifndef PERDURE_FLEET_LIMITS_H
#define PERDURE_FLEET_LIMITS_H

#include "fleet/budget.h"

struct config_ca;
struct err;
struct store;

enum limits_class { LIMITS_NEW, LIMITS_REPLACING, LIMITS_N_ };

struct limits {
	struct budget of[LIMITS_N_];
	int64_t down_since; /* UNIX seconds: it has served nothing since then; 0 while it serves */
	int64_t tried_at; /* UNIX seconds: the last try while it is down */
	int64_t requests; /* a second, learnt; 0 for nothing */
	int64_t requests_at; /* UNIX seconds: when */
	bool changed; /* since they were read or written */
};

/* So many requests a second were learnt by now (UNIX seconds); 0: none. */
void limits_learnt(struct limits *l, int64_t requests, int64_t now);
/* What of it counts still: it is forgotten after a day. */
int64_t limits_requests(const struct limits *l, int64_t now);
/* Reads them, with what the configuration says now. store may be NULL: nothing is remembered. ERR_STORE. */
int limits_read(struct store *s, const struct config_ca *ca, struct limits *ret, struct err *e);
/* Puts them into the state when they have changed; the caller commits. ERR_STORE. */
int limits_write(struct store *s, const struct config_ca *ca, struct limits *l, struct err *e);

#endif
