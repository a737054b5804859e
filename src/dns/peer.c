/*
 * peer.c: who may ask when: the limit and the pace per address, the limit of the whole process, the queues, and the
 * memory of addresses that were silent. A silent address is not asked for some seconds, then by one question until it
 * answers. Where many were silent and none has ever answered, the network lets no questions through.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "dns/exchange_priv.h"
#include "loop/loop.h"

enum {
	ACTIVE_MAX = 400, /* sockets open at a time: well below the usual limit of 1024 descriptors */
	UNPROVEN_MAX = 8, /* questions to an address that has not answered yet */
	SILENT_MS = 10000,
	V6_SILENT_ADDRESSES = 3, /* so many silent IPv6 addresses and none that answers: there is no IPv6 here */
	V6_SILENT_MS = 60000,
	PEERS_MAX = 16384,
	BURST_PART = 20, /* this part of a second's questions may be asked at once */
	BLOCKED_ADDRESSES = 8,
	BLOCKED_MS = 15000, /* longer than SILENT_MS: the trial meets addresses that may be asked again */
};

struct exchanger *exchanger_new(struct loop *l, int64_t timeout_ms, unsigned per_server, unsigned pace)
{
	struct exchanger *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->timeout_ms = timeout_ms;
	s->per_server = per_server;
	s->packets = xmalloc((size_t)EXCHANGE_PACKETS * EXCHANGE_PACKET_MAX);
	s->pace = pace;
	s->pace_due = INT64_MAX;
	TAILQ_INIT(&s->ready);
	TAILQ_INIT(&s->held);
	return s;
}

static bool drop_peer(void *value, void *ctx)
{
	struct peer *p = value;
	(void)ctx;
	for (struct exchange *x; (x = TAILQ_FIRST(&p->queue));) {
		TAILQ_REMOVE(&p->queue, x, link);
		exchange_drop(x);
	}
	for (struct exchange *x; (x = TAILQ_FIRST(&p->active));) {
		TAILQ_REMOVE(&p->active, x, link);
		exchange_drop(x);
	}
	free(p);
	return true;
}

void exchanger_free(struct exchanger *s)
{
	if (!s)
		return;
	map_sweep(&s->peers, drop_peer, NULL);
	map_done(&s->peers);
	loop_timer_free(s->pace_timer);
	free(s->packets);
	free(s);
}

static bool drop_idle(void *value, void *ctx)
{
	struct peer *p = value;
	(void)ctx;
	if (!TAILQ_EMPTY(&p->queue) || !TAILQ_EMPTY(&p->active) || p->port || p->own)
		return false;
	free(p);
	return true;
}

struct peer *peer_get(struct exchanger *s, const struct addr *addr)
{
	struct peer *p = map_get(&s->peers, addr->text);
	if (p)
		return p;
	if (s->peers.n >= PEERS_MAX)
		map_sweep(&s->peers, drop_idle, NULL);
	p = xcalloc(1, sizeof(*p));
	TAILQ_INIT(&p->queue);
	TAILQ_INIT(&p->active);
	p->v6 = addr_is_v6(addr);
	p->own = addr_is_loopback(addr);
	p->answered_at = -1;
	map_put(&s->peers, addr->text, p);
	return p;
}

void exchanger_own(struct exchanger *s, const struct addr *addr)
{
	peer_get(s, addr)->own = true;
}

uint32_t peer_hash(const char *name, uint16_t type, unsigned flags)
{
	uint32_t h = 2166136261U ^ type ^ flags << 16;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return h;
}

struct exchange *peer_find(struct exchanger *s, const struct peer *p, const char *name, uint16_t type, unsigned flags)
{
	struct exchange *x;
	uint32_t hash = peer_hash(name, type, flags);
	LIST_FOREACH(x, &s->buckets[hash % EXCHANGE_BUCKETS], same)
	if (x->hash == hash && x->peer == p && x->type == type && x->flags == flags && strcmp(x->name, name) == 0)
		return x;
	return NULL;
}

static bool is_silent(const struct exchanger *s, const struct peer *p, int64_t now)
{
	if (p->v6 && !s->v6_works && now < s->v6_silent_until)
		return true;
	/* After the pause one question at a time finds out whether it answers again. */
	return p->silent_until && (now < p->silent_until || p->n_active > 0);
}

static unsigned limit(const struct exchanger *s, const struct peer *p)
{
	if (p->silent_until)
		return 1;
	return p->proven || s->per_server < UNPROVEN_MAX ? s->per_server : UNPROVEN_MAX;
}

/* --- the pace --- */

static bool is_paced(const struct exchanger *s, const struct peer *p)
{
	return s->pace && !p->own;
}

/* For how long the next question has to wait; 0 when it need not. */
static int64_t pace_wait_ms(const struct exchanger *s, const struct peer *p, int64_t now)
{
	if (!is_paced(s, p))
		return 0;
	int64_t ahead = p->paced_to - now * 1000 - 1000000 / BURST_PART;
	return ahead > 0 ? (ahead + 999) / 1000 : 0;
}

static void pace_spend(const struct exchanger *s, struct peer *p, int64_t now)
{
	if (!is_paced(s, p))
		return;
	if (p->paced_to < now * 1000)
		p->paced_to = now * 1000;
	p->paced_to += 1000000 / s->pace;
}

static void mark_ready(struct exchanger *s, struct peer *p, int64_t now);
static void pump(struct exchanger *s, int64_t now);

static void pace_over(void *ctx)
{
	struct exchanger *s = ctx;
	int64_t now = clk_mono(loop_clk(s->loop));
	struct peers held = TAILQ_HEAD_INITIALIZER(held);
	s->pace_due = INT64_MAX;
	TAILQ_CONCAT(&held, &s->held, link);
	for (struct peer *p; (p = TAILQ_FIRST(&held));) {
		TAILQ_REMOVE(&held, p, link);
		p->held = false;
		mark_ready(s, p, now);
	}
	pump(s, now);
}

static void hold(struct exchanger *s, struct peer *p, int64_t now, int64_t wait_ms)
{
	if (!p->held)
		TAILQ_INSERT_TAIL(&s->held, p, link);
	p->held = true;
	if (now + wait_ms >= s->pace_due)
		return;
	if (!s->pace_timer)
		s->pace_timer = loop_timer_new(s->loop, pace_over, s);
	s->pace_due = now + wait_ms;
	loop_timer_start(s->pace_timer, wait_ms);
}

/* --- the queues --- */

static void mark_ready(struct exchanger *s, struct peer *p, int64_t now)
{
	bool is = !TAILQ_EMPTY(&p->queue) && p->n_active < limit(s, p);
	int64_t wait_ms = is && !p->ready ? pace_wait_ms(s, p, now) : 0;
	if (wait_ms) {
		hold(s, p, now, wait_ms);
		return;
	}
	if (p->held) {
		TAILQ_REMOVE(&s->held, p, link);
		p->held = false;
	}
	if (is == p->ready)
		return;
	p->ready = is;
	if (is)
		TAILQ_INSERT_TAIL(&s->ready, p, link);
	else
		TAILQ_REMOVE(&s->ready, p, link);
}

/* Starts what may start, the peers by turns. */
static void pump(struct exchanger *s, int64_t now)
{
	for (struct peer *p; s->n_active < ACTIVE_MAX && (p = TAILQ_FIRST(&s->ready));) {
		struct exchange *x = TAILQ_FIRST(&p->queue);
		TAILQ_REMOVE(&s->ready, p, link);
		p->ready = false;
		TAILQ_REMOVE(&p->queue, x, link);
		TAILQ_INSERT_TAIL(&p->active, x, link);
		x->counted = true;
		p->n_active++;
		s->n_active++;
		pace_spend(s, p, now);
		mark_ready(s, p, now);
		exchange_start(x);
	}
}

static void refuse(struct exchange *x)
{
	TAILQ_INSERT_TAIL(&x->peer->active, x, link);
	exchange_refuse(x);
}

static void refuse_queue(struct peer *p)
{
	for (struct exchange *x; (x = TAILQ_FIRST(&p->queue));) {
		TAILQ_REMOVE(&p->queue, x, link);
		refuse(x);
	}
}

void peer_join(struct exchange *x, int64_t now)
{
	struct peer *p = x->peer;
	LIST_INSERT_HEAD(&x->s->buckets[x->hash % EXCHANGE_BUCKETS], x, same);
	if (is_silent(x->s, p, now)) {
		refuse(x);
		return;
	}
	TAILQ_INSERT_TAIL(&p->queue, x, link);
	mark_ready(x->s, p, now);
	pump(x->s, now);
}

void peer_heard(struct exchange *x, int64_t now)
{
	struct peer *p = x->peer;
	x->s->heard = true;
	p->proven = true;
	p->silent_until = 0;
	p->answered_at = now;
	x->s->v6_works |= p->v6;
}

void peer_charge(struct exchange *x, int64_t now)
{
	pace_spend(x->s, x->peer, now);
}

/* --- silence --- */

void peer_unheard(struct exchange *x, int64_t now)
{
	struct exchanger *s = x->s;
	if (s->heard || x->peer->unheard)
		return;
	x->peer->unheard = true;
	if (++s->n_unheard == BLOCKED_ADDRESSES)
		s->blocked_until = now + BLOCKED_MS;
}

bool exchanger_has_ipv6(const struct exchanger *s)
{
	return s->v6_works;
}

bool exchanger_blocked(struct exchanger *s, int64_t now, unsigned *ret_silent)
{
	if (s->heard || s->n_unheard < BLOCKED_ADDRESSES)
		return false;
	*ret_silent = s->n_unheard;
	if (now < s->blocked_until)
		return true;
	s->blocked_until = now + BLOCKED_MS;
	return false;
}

static void note_silence(struct exchanger *s, struct peer *p, const struct exchange *x, int64_t now)
{
	/* It answered others meanwhile: packets were lost, not the server. */
	if (p->answered_at >= x->sent_at)
		return;
	if (p->v6 && !s->v6_works) {
		s->v6_silent += !p->silent_until;
		if (s->v6_silent >= V6_SILENT_ADDRESSES)
			s->v6_silent_until = now + V6_SILENT_MS;
	}
	p->silent_until = now + SILENT_MS;
	p->proven = false;
	refuse_queue(p);
}

void peer_leave(struct exchange *x, bool silent, int64_t now)
{
	struct exchanger *s = x->s;
	struct peer *p = x->peer;
	LIST_REMOVE(x, same);
	if (x->state == EXCHANGE_QUEUED) {
		TAILQ_REMOVE(&p->queue, x, link);
	} else {
		TAILQ_REMOVE(&p->active, x, link);
		if (x->counted) {
			p->n_active--;
			s->n_active--;
		}
	}
	if (silent)
		note_silence(s, p, x, now);
	mark_ready(s, p, now);
	pump(s, now);
}
