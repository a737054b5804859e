/* rrbatch.c: changes of one zone gathered into few calls of its provider. */
#include "inventory/rrbatch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

enum { QUIET_MS = 2000 }; /* after which nobody is waited for any more */

enum member_state {
	MEMBER_COMING, /* its zone is being searched for */
	MEMBER_READING,
	MEMBER_AWAY,
	MEMBER_QUEUED,
	MEMBER_SENT,
};

struct sync {
	LIST_ENTRY(sync) link;
	struct rrbatch *b;
	const struct provider *provider;
	char *ticket;
	struct provider_op *op;
};

struct rrmember {
	LIST_ENTRY(rrmember) link;
	TAILQ_ENTRY(rrmember) queue;
	struct rrbatch *b;
	const struct rrmember_hooks *hooks;
	void *ctx;
	enum member_state state;
	struct zone *zone;
	const struct provider_zone *at;
	struct provider_change change;
	size_t most; /* so many may be in a call with it; 0: as many as the provider takes */
	struct call *call; /* with MEMBER_SENT */
	struct sync *sync;
};

/* A call under way. */
struct call {
	struct zone *zone;
	struct provider_op *op;
	struct rrmember **members; /* NULL: gone meanwhile */
	size_t n;
	LIST_ENTRY(call) link;
};

struct zone {
	LIST_ENTRY(zone) link;
	struct rrbatch *b;
	struct provider *provider;
	char *name;
	size_t reading;
	bool quiet; /* nothing has come for a while */
	struct loop_timer *timer;
	TAILQ_HEAD(, rrmember) queue;
	LIST_HEAD(, call) calls;
};

struct rrbatch {
	struct loop *loop;
	struct loop_idle *idle;
	size_t coming;
	int (*on_send)(void *ctx);
	void *send_ctx;
	LIST_HEAD(, rrmember) members;
	LIST_HEAD(, zone) zones;
	LIST_HEAD(, sync) syncs;
};

/* --- who is where --- */

static void leave_state(struct rrmember *m)
{
	if (m->state == MEMBER_COMING)
		m->b->coming--;
	else if (m->state == MEMBER_READING)
		m->zone->reading--;
	else if (m->state == MEMBER_QUEUED)
		TAILQ_REMOVE(&m->zone->queue, m, queue);
	loop_idle_request(m->b->idle);
}

struct rrmember *rrmember_new(struct rrbatch *b, const struct rrmember_hooks *hooks, void *ctx)
{
	struct rrmember *m = xcalloc(1, sizeof(*m));
	*m = (struct rrmember){.b = b, .hooks = hooks, .ctx = ctx};
	LIST_INSERT_HEAD(&b->members, m, link);
	b->coming++;
	return m;
}

void rrmember_away(struct rrmember *m)
{
	leave_state(m);
	m->state = MEMBER_AWAY;
}

static void on_quiet(void *ctx)
{
	struct zone *z = ctx;
	z->quiet = true;
	loop_idle_request(z->b->idle);
}

static struct zone *zone_of(struct rrbatch *b, struct provider *p, const char *name)
{
	struct zone *z;
	LIST_FOREACH(z, &b->zones, link)
	if (z->provider == p && !strcmp(z->name, name))
		return z;
	z = xcalloc(1, sizeof(*z));
	*z = (struct zone){.b = b, .provider = p, .name = xstrdup(name)};
	z->timer = loop_timer_new(b->loop, on_quiet, z);
	TAILQ_INIT(&z->queue);
	LIST_INIT(&z->calls);
	LIST_INSERT_HEAD(&b->zones, z, link);
	return z;
}

void rrmember_reads(struct rrmember *m, struct provider *p, const struct provider_zone *z)
{
	leave_state(m);
	m->state = MEMBER_READING;
	m->zone = zone_of(m->b, p, z->name);
	m->at = z;
	m->zone->reading++;
}

static void enqueue(struct rrmember *m)
{
	leave_state(m);
	m->state = MEMBER_QUEUED;
	TAILQ_INSERT_TAIL(&m->zone->queue, m, queue);
	m->zone->quiet = false;
	loop_timer_start(m->zone->timer, QUIET_MS);
}

void rrmember_change(struct rrmember *m, const struct provider_change *c)
{
	m->change = *c;
	enqueue(m);
}

/* --- a call and its end --- */

static void call_free(struct call *c)
{
	LIST_REMOVE(c, link);
	provider_cancel(c->op);
	free(c->members);
	free(c);
}

/* Whether one change may be what the provider would not do all of them for. */
static bool is_of_one(const struct err *e)
{
	enum provider_cause c = provider_cause(e);
	if (c == PROVIDER_KEY || c == PROVIDER_CLOCK || c == PROVIDER_RATE || c == PROVIDER_BUSY || c == PROVIDER_REPLY)
		return false;
	return e->kind == ERR_PROVIDER || e->kind == ERR_LIMIT || e->kind == ERR_PARSE;
}

static void on_changed(const struct provider_result *results, size_t n, const struct err *e, void *ctx)
{
	static const struct err none;
	struct call *c = ctx;
	bool again = c->n > 1 && err_is(e) && is_of_one(e);
	c->op = NULL;
	for (size_t i = 0; i < c->n; i++) {
		struct rrmember *m = c->members[i];
		const struct provider_result *r = i < n ? &results[i] : NULL;
		bool failed = !r || r->outcome == PROVIDER_FAILED;
		if (!m)
			continue;
		if (failed || r->outcome == PROVIDER_LOST)
			m->most = c->n > 1 ? c->n / 2 : 1;
		if (failed && again) {
			enqueue(m);
			continue;
		}
		rrmember_away(m);
		m->hooks->changed(r, failed ? e : &none, c->n == 1, m->ctx);
	}
	loop_idle_request(c->zone->b->idle);
	call_free(c);
}

/* Of those that wait, in their order, as many as may go together. */
static size_t pick(const struct zone *z, size_t most)
{
	const struct rrmember *m;
	size_t n = 0;
	TAILQ_FOREACH(m, &z->queue, queue)
	{
		if (m->most && m->most < most)
			most = m->most;
		if (n >= most)
			break;
		n++;
	}
	return n;
}

static void send_first(struct zone *z, size_t n)
{
	struct call *c = xcalloc(1, sizeof(*c));
	struct provider_change *changes = xcalloc(n, sizeof(*changes));
	*c = (struct call){.zone = z, .n = n, .members = xcalloc(n, sizeof(struct rrmember *))};
	LIST_INSERT_HEAD(&z->calls, c, link);
	for (size_t i = 0; i < n; i++) {
		struct rrmember *m = TAILQ_FIRST(&z->queue);
		leave_state(m);
		m->state = MEMBER_SENT;
		m->call = c;
		c->members[i] = m;
		changes[i] = m->change;
	}
	c->op = provider_change(z->provider, c->members[0]->at, changes, n, on_changed, c);
	free(changes);
}

/* False: nothing may be sent. */
static bool serve(struct zone *z)
{
	size_t batch = provider_caps(z->provider)->batch, n;
	while ((n = pick(z, batch)) > 0) {
		bool all = !z->b->coming && !z->reading;
		if (batch > 1 && (!LIST_EMPTY(&z->calls) || !(n == batch || all || z->quiet)))
			return true;
		if (z->b->on_send && z->b->on_send(z->b->send_ctx))
			return false;
		send_first(z, n);
	}
	loop_timer_stop(z->timer);
	return true;
}

static void on_idle(void *ctx)
{
	struct rrbatch *b = ctx;
	struct zone *z;
	LIST_FOREACH(z, &b->zones, link)
	if (!serve(z))
		return;
}

/* --- waiting for the provider --- */

static void sync_free(struct sync *s)
{
	LIST_REMOVE(s, link);
	provider_cancel(s->op);
	free(s->ticket);
	free(s);
}

static struct rrmember *waits_for(const struct rrbatch *b, const struct sync *s)
{
	struct rrmember *m;
	LIST_FOREACH(m, &b->members, link)
	if (m->sync == s)
		return m;
	return NULL;
}

static void on_synced(const struct err *e, void *ctx)
{
	struct sync *s = ctx;
	struct rrmember *m;
	s->op = NULL;
	while ((m = waits_for(s->b, s))) {
		m->sync = NULL;
		m->hooks->synced(e, m->ctx);
	}
	sync_free(s);
}

void rrmember_sync(struct rrmember *m, const char *ticket)
{
	struct sync *s;
	LIST_FOREACH(s, &m->b->syncs, link)
	{
		if (!s->op || s->provider != m->zone->provider || strcmp(s->ticket, ticket) != 0)
			continue;
		m->sync = s;
		return;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct sync){.b = m->b, .provider = m->zone->provider, .ticket = xstrdup(ticket)};
	LIST_INSERT_HEAD(&m->b->syncs, s, link);
	s->op = provider_sync(m->zone->provider, m->at, ticket, on_synced, s);
	m->sync = s;
}

/* --- start and end --- */

/* A call that nobody waits for any more ends. */
static void leave_call(const struct rrmember *m)
{
	struct call *c = m->call;
	bool any = false;
	for (size_t i = 0; i < c->n; i++) {
		if (c->members[i] == m)
			c->members[i] = NULL;
		any |= c->members[i] != NULL;
	}
	if (!any && c->op)
		call_free(c);
}

void rrmember_free(struct rrmember *m)
{
	if (!m)
		return;
	struct sync *s = m->sync;
	leave_state(m);
	if (m->state == MEMBER_SENT)
		leave_call(m);
	LIST_REMOVE(m, link);
	if (s && s->op && !waits_for(m->b, s))
		sync_free(s);
	free(m);
}

struct rrbatch *rrbatch_new(struct loop *l)
{
	struct rrbatch *b = xcalloc(1, sizeof(*b));
	b->loop = l;
	b->idle = loop_idle_new(l, on_idle, b);
	LIST_INIT(&b->members);
	LIST_INIT(&b->zones);
	LIST_INIT(&b->syncs);
	return b;
}

void rrbatch_on_send(struct rrbatch *b, int (*fn)(void *ctx), void *ctx)
{
	b->on_send = fn;
	b->send_ctx = ctx;
}

void rrbatch_free(struct rrbatch *b)
{
	if (!b)
		return;
	while (!LIST_EMPTY(&b->members))
		rrmember_free(LIST_FIRST(&b->members));
	for (struct sync *s; (s = LIST_FIRST(&b->syncs));)
		sync_free(s);
	for (struct zone *z; (z = LIST_FIRST(&b->zones));) {
		while (!LIST_EMPTY(&z->calls))
			call_free(LIST_FIRST(&z->calls));
		LIST_REMOVE(z, link);
		loop_timer_free(z->timer);
		free(z->name);
		free(z);
	}
	loop_idle_free(b->idle);
	free(b);
}
