/* turns.c: no more requests to a CA than it takes. */
#include "acme/turns.h"

#include "base/clock.h"
#include "loop/loop.h"

enum {
	SECOND_MS = 1000,
	SECOND_US = 1000000,
	MS_US = 1000,
	/* So few requests in a second are not what a CA complains of: others share its limit. */
	FEW = 5,
};

static int64_t now_ms(const struct turns *t)
{
	return clk_mono(loop_clk(t->loop));
}

int64_t turns_learnt(const struct turns *t)
{
	return t->learnt && now_ms(t) - t->learnt_at < TURNS_FORGET_MS ? t->learnt : 0;
}

int64_t turns_pace(const struct turns *t)
{
	int64_t learnt = turns_learnt(t);
	return learnt && (!t->told || learnt < t->told) ? learnt : t->told;
}

/* Moves on to the present second. */
static void count_to(struct turns *t, int64_t now)
{
	if (now - t->second < SECOND_MS)
		return;
	t->last_n = now - t->second < 2 * SECOND_MS ? t->now_n : 0;
	t->now_n = 0;
	t->second = now;
}

/* How long until the next turn. */
static int64_t wait_of(const struct turns *t, int64_t now)
{
	int64_t at = turns_pace(t) ? (t->next_us + MS_US - 1) / MS_US : now;
	if (t->held_until > at)
		at = t->held_until;
	return at > now ? at - now : 0;
}

static void use(struct turns *t, int64_t now)
{
	int64_t pace = turns_pace(t);
	count_to(t, now);
	t->now_n++;
	if (!pace)
		return;
	/* Clock and timers know whole milliseconds only: so much is not lost. */
	int64_t from = (now - 1) * MS_US;
	t->next_us = (t->next_us > from ? t->next_us : from) + SECOND_US / pace;
}

static void on_timer(void *ctx)
{
	struct turns *t = ctx;
	for (struct turn *w; (w = TAILQ_FIRST(&t->waiting));) {
		int64_t now = now_ms(t), wait = wait_of(t, now);
		if (wait > 0) {
			loop_timer_start(t->timer, wait);
			return;
		}
		turns_leave(t, w);
		use(t, now);
		w->go(w->ctx);
	}
}

void turns_init(struct turns *t, struct loop *l, int64_t per_second)
{
	*t = (struct turns){.loop = l, .told = per_second};
	TAILQ_INIT(&t->waiting);
	t->timer = loop_timer_new(l, on_timer, t);
}

void turns_done(struct turns *t)
{
	loop_timer_free(t->timer);
}

bool turns_take(struct turns *t, struct turn *w)
{
	int64_t now = now_ms(t), wait = wait_of(t, now);
	if (TAILQ_EMPTY(&t->waiting) && !wait) {
		use(t, now);
		return true;
	}
	if (TAILQ_EMPTY(&t->waiting))
		loop_timer_start(t->timer, wait);
	TAILQ_INSERT_TAIL(&t->waiting, w, link);
	w->waits = true;
	w->since = now;
	return false;
}

void turns_leave(struct turns *t, struct turn *w)
{
	if (!w->waits)
		return;
	TAILQ_REMOVE(&t->waiting, w, link);
	w->waits = false;
	if (TAILQ_EMPTY(&t->waiting))
		loop_timer_stop(t->timer);
}

void turns_hold(struct turns *t, int64_t until)
{
	if (until <= t->held_until)
		return;
	t->held_until = until;
	if (!TAILQ_EMPTY(&t->waiting))
		loop_timer_start(t->timer, wait_of(t, now_ms(t)));
}

void turns_refused(struct turns *t)
{
	int64_t now = now_ms(t), pace = turns_pace(t);
	count_to(t, now);
	if (t->now_n > 0)
		t->now_n--;
	int64_t taken = t->now_n > t->last_n ? t->now_n : t->last_n;
	if (taken < FEW)
		return;
	/* Those that were on their way with the first that was refused do not count again. */
	if (pace && pace < taken && now - t->learnt_at > SECOND_MS)
		taken = pace;
	taken = taken * 4 / 5;
	if (!pace || taken < pace)
		t->learnt = taken;
	t->learnt_at = now;
}
