/*
 * peer.c: who may ask when: the limit per address and for the whole process, the queues, and the memory of addresses
 * that were silent. A silent address is not asked for some seconds, then by one question until it answers.
 */
#include <stdlib.h>
#include <string.h>

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
};

struct exchanger *exchanger_new(struct loop *l, int64_t timeout_ms, unsigned per_server)
{
	struct exchanger *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->timeout_ms = timeout_ms;
	s->per_server = per_server;
	s->packet = xmalloc(UINT16_MAX);
	TAILQ_INIT(&s->ready);
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
	free(s->packet);
	free(s);
}

static bool drop_idle(void *value, void *ctx)
{
	struct peer *p = value;
	(void)ctx;
	if (!TAILQ_EMPTY(&p->queue) || !TAILQ_EMPTY(&p->active))
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
	p->answered_at = -1;
	map_put(&s->peers, addr->text, p);
	return p;
}

static bool same_question(const struct exchange *x, const char *name, uint16_t type, unsigned flags)
{
	return x->type == type && x->flags == flags && !x->delivering && strcmp(x->name, name) == 0;
}

struct exchange *peer_find(struct peer *p, const char *name, uint16_t type, unsigned flags)
{
	struct exchange *x;
	TAILQ_FOREACH(x, &p->active, link)
	if (same_question(x, name, type, flags))
		return x;
	TAILQ_FOREACH(x, &p->queue, link)
	if (same_question(x, name, type, flags))
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

static void mark_ready(struct exchanger *s, struct peer *p)
{
	bool is = !TAILQ_EMPTY(&p->queue) && p->n_active < limit(s, p);
	if (is == p->ready)
		return;
	p->ready = is;
	if (is)
		TAILQ_INSERT_TAIL(&s->ready, p, link);
	else
		TAILQ_REMOVE(&s->ready, p, link);
}

/* Starts what may start, the peers by turns. */
static void pump(struct exchanger *s)
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
		mark_ready(s, p);
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
	if (is_silent(x->s, p, now)) {
		refuse(x);
		return;
	}
	TAILQ_INSERT_TAIL(&p->queue, x, link);
	mark_ready(x->s, p);
	pump(x->s);
}

void peer_heard(struct exchange *x, int64_t now)
{
	struct peer *p = x->peer;
	p->proven = true;
	p->silent_until = 0;
	p->answered_at = now;
	x->s->v6_works |= p->v6;
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
	mark_ready(s, p);
	pump(s);
}
