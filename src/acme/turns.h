/*
 * turns.h: who may send a request to a CA when: not more a second than it takes, and nobody while it said to wait.
 * Internal to src/acme. What it takes is told (the configuration) or learnt from refusals; without either, and without
 * a wait, everybody has a turn at once. Times are milliseconds of the monotonic clock.
 */
#ifndef PERDURE_ACME_TURNS_H
#define PERDURE_ACME_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;
struct loop_timer;

/* Somebody who waits; part of whoever it is. */
struct turn {
	void (*go)(void *ctx); /* called from the loop */
	void *ctx;
	bool waits;
	int64_t since; /* when it began to */
	TAILQ_ENTRY(turn) link;
};

struct turns {
	struct loop *loop;
	struct loop_timer *timer; /* the first of those who wait */
	int64_t told; /* requests a second; 0: nothing was told */
	int64_t learnt; /* the same; 0: nothing was learnt, or it is forgotten */
	int64_t learnt_at;
	int64_t next_us; /* the next turn is then */
	int64_t held_until;
	int64_t second; /* when the present one began, for learning */
	int64_t now_n, last_n; /* requests that were not refused, in it and in the one before */
	TAILQ_HEAD(, turn) waiting;
};

/* After so long a time what was learnt is forgotten: the CA, or who else asks it from here, may have changed. */
enum { TURNS_FORGET_MS = 86400 * 1000 };

void turns_init(struct turns *t, struct loop *l, int64_t per_second);
/* Nobody may be waiting. */
void turns_done(struct turns *t);
/* True: w has its turn now. False: w waits, and w->go() is called when it has. */
bool turns_take(struct turns *t, struct turn *w);
/* w does not wait any more, if it did. */
void turns_leave(struct turns *t, struct turn *w);
/* Nobody has a turn before that moment. */
void turns_hold(struct turns *t, int64_t until);
/* The CA refused a request because there were too many: from now on there are fewer. */
void turns_refused(struct turns *t);
/* Requests a second from now on, 0 for as many as there are; and what was learnt of that, 0 for nothing. */
int64_t turns_pace(const struct turns *t);
int64_t turns_learnt(const struct turns *t);

#endif
