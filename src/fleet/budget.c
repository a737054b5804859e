/* budget.c: how many new orders a CA takes. */
#include "fleet/budget.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Orders of the last so many milliseconds teach what a CA takes in one of its periods. */
enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, COUNTED_MS = 3 * HOUR_MS };

/* A refusal that lasts longer than this is the rest of a period; one that is shorter, the time for one more order. */
enum { PERIOD_MS = 10 * MINUTE_MS };

/* No CA is taken at its word for longer. */
enum { SHUT_MAX_MS = 24 * HOUR_MS };

/* No pace is slower than this, whatever was said. */
enum { EVERY_MAX_MS = HOUR_MS };

/* A limit without an order every so often is none that could be kept. */
enum { EVERY_MIN_MS = 1 };

/* No member is larger in a text of ours: some thousand years. */
static const int64_t member_max = INT64_MAX / 100000;

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

void budget_know(struct budget *b, int64_t orders, int64_t per_ms)
{
	if (b->known_orders == orders && b->known_ms == per_ms)
		return;
	b->known_orders = orders;
	b->known_ms = per_ms;
	b->burst = orders;
	b->every_ms = orders ? clamp(per_ms / orders, EVERY_MIN_MS, EVERY_MAX_MS) : 0;
}

bool budget_mend(struct budget *b, int64_t now)
{
	const struct budget old = *b;
	if (b->shut_until - now > SHUT_MAX_MS)
		b->shut_until = 0;
	int64_t full = now + b->burst * b->every_ms;
	if (b->full_at > full + SHUT_MAX_MS)
		b->full_at = full;
	return b->full_at != old.full_at || b->shut_until != old.shut_until;
}

static void count(struct budget *b, int64_t now)
{
	if (!b->since || now - b->since > COUNTED_MS || now < b->since) {
		b->since = now;
		b->placed = 0;
	}
	b->placed++;
}

bool budget_take(struct budget *b, int64_t now, int64_t *ret_at)
{
	if (b->shut_until > now) {
		*ret_at = b->shut_until;
		return false;
	}
	if (b->burst) {
		/* A clock that was set back must not hold anything up for longer than an empty bucket does. */
		int64_t full = clamp(b->full_at, now, now + b->burst * b->every_ms);
		int64_t room = (b->burst - 1) * b->every_ms;
		if (full - now > room) {
			*ret_at = full - room;
			return false;
		}
		b->full_at = full + b->every_ms;
	}
	count(b, now);
	return true;
}

void budget_refused(struct budget *b, int64_t now, int64_t retry_at)
{
	int64_t wait = clamp(retry_at - now, MINUTE_MS / 60, SHUT_MAX_MS);
	int64_t placed = b->placed > 1 ? b->placed - 1 : 1; /* the refused one aside */
	int64_t burst, every;
	/* Those that were on their way with the one that was refused first say nothing new. */
	if (b->shut_until > now) {
		b->shut_until = retry_at > b->shut_until ? retry_at : b->shut_until;
		return;
	}
	if (wait > PERIOD_MS) {
		burst = placed > 1 ? placed / 2 : 1;
		every = (now - b->since + wait) / (placed - burst > 0 ? placed - burst : 1);
	} else {
		/* Some of the time for one more had passed already, unless one was given back since. */
		int64_t passed = now - b->since < wait ? now - b->since : wait;
		burst = placed;
		every = wait + passed;
	}
	/* Our pace was too quick by the time that was still to wait. */
	if (b->burst) {
		burst = burst < b->burst ? burst : b->burst;
		every = b->every_ms + (wait > PERIOD_MS ? b->every_ms : wait);
	}
	every += every / 100;
	b->burst = burst;
	b->every_ms = clamp(every, EVERY_MIN_MS, EVERY_MAX_MS);
	b->shut_until = now + wait;
	b->full_at = b->shut_until + (b->burst - 1) * b->every_ms;
	b->since = 0;
	b->placed = 0;
}

bool budget_served(struct budget *b, int64_t then, int64_t now)
{
	if (b->shut_until <= now || b->shut_until != then)
		return false;
	b->shut_until = now;
	return true;
}

/* The members in the order of the text. */
enum { MEMBERS = 8 };

void budget_text(const struct budget *b, char ret[static BUDGET_TEXT_MAX])
{
	(void)snprintf(ret, BUDGET_TEXT_MAX,
		"%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
		b->burst, b->every_ms, b->full_at, b->shut_until, b->placed, b->since, b->known_orders, b->known_ms);
}

bool budget_parse(const char *text, struct budget *ret)
{
	struct budget b = {0};
	int64_t *const members[MEMBERS] = {
		&b.burst, &b.every_ms, &b.full_at, &b.shut_until, &b.placed, &b.since, &b.known_orders, &b.known_ms};
	char *end = NULL;
	*ret = (struct budget){0};
	for (size_t i = 0; i < MEMBERS; i++, text = end) {
		*members[i] = strtoll(text, &end, 10);
		if (end == text || (*end != ' ' && *end) || *members[i] < 0 || *members[i] > member_max)
			return false;
	}
	if (*end || (b.burst && !b.every_ms) || b.every_ms > EVERY_MAX_MS)
		return false;
	*ret = b;
	return true;
}
