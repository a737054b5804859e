/*
 * rest_internal.h: what rest.c (calls), pace.c (when the next may go), blame.c (what an answer means) and restsecret.c
 * (credentials) share.
 */
#ifndef PERDURE_PROVIDER_REST_INTERNAL_H
#define PERDURE_PROVIDER_REST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "provider/rest.h"

/*
 * Slots for calls: each is free, taken, or free from a moment on. Without a limit there are none. A limit that was not
 * known, or that others use up as well, is found out: each time the server says "too many" the calls come further
 * apart.
 */
struct pace {
	int64_t *free_at; /* monotonic ms; INT64_MAX while taken */
	size_t n;
	int64_t span_ms;
	int64_t held_until; /* the server said "too many": nobody before this; monotonic ms */
	int64_t gap_ms; /* between two calls, as far as it was found out */
	int64_t last; /* when the last one went */
};

enum { PACE_NO_SLOT = -1 };

void pace_init(struct pace *p, unsigned calls, int64_t span_ms);
void pace_done(struct pace *p);
/* How long to wait until a call may go: 0 for now. */
int64_t pace_wait(const struct pace *p, int64_t now);
/* Takes a slot; PACE_NO_SLOT when there is no limit. pace_wait() must have said 0. */
int pace_take(struct pace *p, int64_t now);
/* The call is over: its slot is free when span_ms have passed. */
void pace_give(struct pace *p, int slot, int64_t now);
void pace_hold(struct pace *p, int64_t until);
/* The server said "too many" now; many answers that say so at once count as one. Then as pace_hold(). */
void pace_too_many(struct pace *p, int64_t now, int64_t until);

/*
 * Reads an answer other than 2xx: cause, words and whether to wait and ask again. wait_ms is what the headers say, -1
 * when they say nothing.
 */
void blame_read(const struct rest_reply *r, const struct rest_options *o, int64_t wall_ms, struct rest_blame *ret);
/*
 * How long the server wants no more calls, by the headers of any answer: Retry-After, and limits that are used up. -1
 * when they say nothing.
 */
int64_t blame_wait(const struct http_reply *r, int64_t wall_ms);

/* What is sent as a header, or elsewhere, and must not be seen. */
struct rest_secret {
	char *name;
	struct secret line; /* "Name: value"; of what is no header the value */
	size_t value_at; /* where the secret itself begins */
	bool sent; /* a header */
};
struct rest_secrets {
	struct rest_secret *v;
	size_t n;
};
/* Keeps a copy, in the place of an earlier one of that name; `before` is what stands before it in its line. */
void rest_secrets_put(
	struct rest_secrets *all, const char *name, const char *before, const struct secret *s, bool sent);
/* Should the other side have echoed one of them, it goes no further. */
void rest_secrets_mask(const struct rest_secrets *all, struct err *e);
void rest_secrets_done(struct rest_secrets *all);

#endif
