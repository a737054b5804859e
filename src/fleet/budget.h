/*
 * budget.h: how many new orders a CA takes from this account: what the configuration says, and what was learnt from
 * refusals. Pure arithmetic; kept over restarts as text. Times are UNIX milliseconds.
 *
 * A budget is a bucket that holds `burst` orders and gets one back every `every_ms`. Without a limit that is known,
 * orders are only counted, so that the first refusal teaches the limit.
 */
#ifndef PERDURE_FLEET_BUDGET_H
#define PERDURE_FLEET_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	int64_t burst; /* 0: no limit is known */
	int64_t every_ms;
	int64_t full_at; /* the bucket is full again then */
	int64_t shut_until; /* the CA said so; 0 for open */
	int64_t placed; /* orders since `since`, for learning */
	int64_t since; /* 0: none yet */
	int64_t known_orders; /* what budget_know() said last */
	int64_t known_ms;
};

/* A limit that is known: so many orders in per_ms, refilled one by one; 0 orders: nothing is known. What was learnt
 * since it was said first stays, until another limit is said. */
void budget_know(struct budget *b, int64_t orders, int64_t per_ms);
/* Takes one order. False when none is free: *ret_at is the moment at which the next one will be. */
bool budget_take(struct budget *b, int64_t now, int64_t *ret_at);
/* Moments that no clock of today can have written, as one that was ahead has, are brought nearer; whether there were
 * any. */
bool budget_mend(struct budget *b, int64_t now);
/*
 * The CA refused an order for want of budget, until retry_at. A short wait is the time in which the CA gives one order
 * back; a long one is the rest of a period, for which the orders placed in it are the limit. A further refusal slows
 * the pace by what was still to wait, or to half.
 */
void budget_refused(struct budget *b, int64_t now, int64_t retry_at);
/* The CA took an order that it was asked for while shut_until was `then`. When that is what stands still, it is open
 * already; a refusal since then counts for more. Whether anything changed. */
bool budget_served(struct budget *b, int64_t then, int64_t now);

enum { BUDGET_TEXT_MAX = 192 };
/* As text for the state, and back; what cannot be read is an empty budget (false). */
void budget_text(const struct budget *b, char ret[static BUDGET_TEXT_MAX]);
bool budget_parse(const char *text, struct budget *ret);

#endif
