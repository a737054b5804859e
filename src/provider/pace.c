/* pace.c: when the next call may go, so that a server with a limit never has a reason to complain. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "provider/rest_internal.h"

enum { GAP_FIRST_MS = 200, GAP_MAX_MS = 10000 };

void pace_init(struct pace *p, unsigned calls, int64_t span_ms)
{
	*p = (struct pace){.n = calls, .span_ms = span_ms};
	p->free_at = xcalloc(calls ? calls : 1, sizeof(*p->free_at));
}

void pace_done(struct pace *p)
{
	free(p->free_at);
	*p = (struct pace){0};
}

/* The slot that is free first. */
static size_t first(const struct pace *p)
{
	size_t best = 0;
	for (size_t i = 1; i < p->n; i++)
		if (p->free_at[i] < p->free_at[best])
			best = i;
	return best;
}

int64_t pace_wait(const struct pace *p, int64_t now)
{
	int64_t at = p->held_until;
	if (p->gap_ms && p->last + p->gap_ms > at)
		at = p->last + p->gap_ms;
	if (p->n && p->free_at[first(p)] > at)
		at = p->free_at[first(p)];
	return at == INT64_MAX ? INT64_MAX : at > now ? at - now : 0;
}

int pace_take(struct pace *p, int64_t now)
{
	p->last = now;
	if (!p->n)
		return PACE_NO_SLOT;
	size_t i = first(p);
	p->free_at[i] = INT64_MAX;
	return (int)i;
}

void pace_give(struct pace *p, int slot, int64_t now)
{
	if (slot != PACE_NO_SLOT)
		p->free_at[slot] = now + p->span_ms + 1; /* both clocks are read in whole milliseconds */
}

void pace_hold(struct pace *p, int64_t until)
{
	if (until > p->held_until)
		p->held_until = until;
}

void pace_too_many(struct pace *p, int64_t now, int64_t until)
{
	if (now >= p->held_until) {
		p->gap_ms = p->gap_ms ? p->gap_ms * 2 : GAP_FIRST_MS;
		if (p->gap_ms > GAP_MAX_MS)
			p->gap_ms = GAP_MAX_MS;
	}
	pace_hold(p, until);
}
