/* timer.c: timers, in a binary heap by due time. */
#include "loop/internal.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct loop_timer {
	struct loop *l;
	void (*cb)(void *ctx);
	void *ctx;
	int64_t due; /* microseconds of the loop's clock */
	uint64_t seq;
	size_t pos; /* in the heap, or NOWHERE */
};

#define NOWHERE SIZE_MAX

/* Longer waits are cut to this, so that sums do not overflow: a hundred years. */
static const int64_t max_ms = INT64_C(100) * 366 * 24 * 3600 * 1000;

static bool earlier(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void put_at(struct timers *h, size_t pos, struct loop_timer *t)
{
	h->v[pos] = t;
	t->pos = pos;
}

static void sift_up(struct timers *h, size_t pos, struct loop_timer *t)
{
	while (pos > 0 && earlier(t, h->v[(pos - 1) / 2])) {
		put_at(h, pos, h->v[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	put_at(h, pos, t);
}

static void sift_down(struct timers *h, size_t pos, struct loop_timer *t)
{
	for (size_t child; (child = 2 * pos + 1) < h->n; pos = child) {
		if (child + 1 < h->n && earlier(h->v[child + 1], h->v[child]))
			child++;
		if (!earlier(h->v[child], t))
			break;
		put_at(h, pos, h->v[child]);
	}
	put_at(h, pos, t);
}

static void heap_add(struct timers *h, struct loop_timer *t)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 16;
		h->v = xreallocarray(h->v, h->cap, sizeof(struct loop_timer *));
	}
	h->n++;
	sift_up(h, h->n - 1, t);
}

static void heap_remove(struct timers *h, struct loop_timer *t)
{
	size_t pos = t->pos;
	struct loop_timer *last = h->v[--h->n];
	t->pos = NOWHERE;
	if (last == t)
		return;
	if (pos > 0 && earlier(last, h->v[(pos - 1) / 2]))
		sift_up(h, pos, last);
	else
		sift_down(h, pos, last);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));
	t->l = l;
	t->cb = cb;
	t->ctx = ctx;
	t->pos = NOWHERE;
	return t;
}

void loop_timer_start(struct loop_timer *t, int64_t ms)
{
	loop_timer_stop(t);
	if (ms < 0)
		ms = 0;
	if (ms > max_ms)
		ms = max_ms;
	t->due = loop_now_us_(t->l) + ms * 1000;
	t->seq = t->l->timers.seq++;
	heap_add(&t->l->timers, t);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->pos != NOWHERE)
		heap_remove(&t->l->timers, t);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(t);
	free(t);
}

int64_t loop_timers_wait_(const struct loop *l)
{
	if (l->timers.n == 0)
		return -1;
	int64_t wait = l->timers.v[0]->due - loop_now_us_(l);
	return wait > 0 ? wait : 0;
}

void loop_timers_fire_(struct loop *l)
{
	/* What a callback starts waits for the next turn, or a timer that restarts itself with 0 would hold the loop.
	 */
	uint64_t limit = l->timers.seq;
	int64_t now = l->timers.n ? loop_now_us_(l) : 0;
	while (l->timers.n > 0) {
		struct loop_timer *t = l->timers.v[0];
		if (t->due > now || t->seq >= limit)
			break;
		heap_remove(&l->timers, t);
		t->cb(t->ctx);
	}
}
