/* ask.c: one question to the servers of a zone until one answers. */
#include "dns/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "loop/loop.h"

enum {
	TRIES_MAX = 8, /* servers asked before giving up */
	V6_TRIES_MAX = 4, /* of these, places kept for IPv6: there are networks without IPv4 */
	PARALLEL_MAX = 3,
	SLOW_MS = 400, /* after that the next server is asked as well */
};

struct
try {
	struct ask *a;
	struct exchange_wait wait;
	const struct zone_server *server;
};

struct ask {
	struct dns *d;
	struct zone *zone;
	char *name;
	uint16_t type;
	struct loop_timer *timer;
	const struct zone_server *order[TRIES_MAX];
	size_t n_order;
	size_t next;
	struct try tries[PARALLEL_MAX];
	unsigned under_way;
	bool all_timeout;
	char why[200];
	ask_fn fn;
	void *ctx;
	struct ask **slot;
};

static void release(struct ask *a)
{
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		exchange_cancel(&a->tries[i].wait);
	*a->slot = NULL;
	loop_timer_free(a->timer);
	zone_unref(a->zone);
	free(a->name);
	free(a);
}

static void next_try(struct ask *a);

static void give_up(struct ask *a)
{
	char why[sizeof(a->why)];
	ask_fn fn = a->fn;
	void *ctx = a->ctx;
	bool timeout = a->all_timeout;
	memcpy(why, a->why, sizeof(why));
	release(a);
	fn(NULL, NULL, NULL, why, timeout, ctx);
}

static void on_reply(const struct exchange_reply *x, void *ctx)
{
	struct try *t = ctx;
	struct ask *a = t->a;
	struct reply r = {.kind = REPLY_BAD};
	a->under_way--;
	if (x->status == EXCHANGE_ANSWER)
		reply_read(x->msg, a->name, a->type, a->zone->name, &r);
	if (x->status == EXCHANGE_ANSWER && r.kind != REPLY_BAD) {
		ask_fn fn = a->fn;
		void *fn_ctx = a->ctx;
		const struct zone_server *s = t->server;
		struct zone *z = zone_ref(a->zone);
		release(a);
		fn(&r, x->msg, s, "", false, fn_ctx);
		zone_unref(z);
		return;
	}
	a->all_timeout = a->all_timeout && (x->status == EXCHANGE_TIMEOUT || x->status == EXCHANGE_UNREACHABLE);
	snprintf(a->why, sizeof(a->why), "%.64s: %.120s", t->server->host,
		x->status == EXCHANGE_ANSWER ? r.text : x->text);
	t->server = NULL;
	if (a->next < a->n_order)
		next_try(a);
	else if (!a->under_way)
		give_up(a);
}

static void next_try(struct ask *a)
{
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		struct try *t = &a->tries[i];
		if (t->server)
			continue;
		t->server = a->order[a->next++];
		a->under_way++;
		loop_timer_start(a->timer, SLOW_MS);
		exchange_ask(a->d->exchanger, &t->server->addr, a->name, a->type, 0, &t->wait);
		return;
	}
}

static void on_timer(void *ctx)
{
	struct ask *a = ctx;
	if (!a->n_order)
		give_up(a);
	else if (a->next < a->n_order)
		next_try(a);
}

/* IPv6 addresses, as far as there is room for them. */
static size_t some_v6(const struct zone *z)
{
	size_t n = 0;
	for (size_t i = 0; i < z->n && n < V6_TRIES_MAX; i++)
		n += z->servers[i].has_addr && addr_is_v6(&z->servers[i].addr);
	return n;
}

/*
 * IPv4 first: it works from nearly everywhere. Where to begin depends on the name alone, so that equal questions meet
 * in one exchange and different ones spread over the servers.
 */
static void make_order(struct ask *a)
{
	const struct zone *z = a->zone;
	size_t begin = 0;
	for (const char *p = a->name; *p; p++)
		begin = begin * 31 + (unsigned char)*p;
	begin = z->n ? begin % z->n : 0;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t most = v6 ? TRIES_MAX : TRIES_MAX - some_v6(z);
		for (size_t i = 0; i < z->n && a->n_order < most; i++) {
			const struct zone_server *s = &z->servers[(begin + i) % z->n];
			if (s->has_addr && addr_is_v6(&s->addr) == (v6 == 1))
				a->order[a->n_order++] = s;
		}
	}
}

void ask_start(struct dns *d, struct zone *z, const char *name, uint16_t type, ask_fn fn, void *ctx, struct ask **slot)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	*a = (struct ask){.d = d, .type = type, .fn = fn, .ctx = ctx, .slot = slot, .all_timeout = true};
	a->zone = zone_ref(z);
	a->name = xstrdup(name);
	a->timer = loop_timer_new(d->loop, on_timer, a);
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		a->tries[i].a = a;
		a->tries[i].wait = (struct exchange_wait){.fn = on_reply, .ctx = &a->tries[i]};
	}
	*slot = a;
	make_order(a);
	if (a->n_order) {
		next_try(a);
	} else {
		snprintf(a->why, sizeof(a->why), "it has no servers with an address");
		loop_timer_start(a->timer, 0);
	}
}

void ask_cancel(struct ask **slot)
{
	if (*slot)
		release(*slot);
}
