/* zonecut.c: the walk from the root to the zone of a name. */
#include "dns/zonecut.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "dns/name.h"
#include "dns/zonecut_priv.h"

static void walk(struct zonecut *w);

static void release(struct zonecut *w)
{
	*w->slot = NULL;
	ask_cancel(&w->ask);
	nameservers_cancel(&w->ns);
	zone_unref(w->zone);
	free(w->name);
	free(w);
}

/* The ends of a walk; w is gone afterwards. */
static void end(struct zonecut *w, const struct zonecut_result *r, const struct err *e)
{
	zonecut_fn fn = w->fn;
	void *ctx = w->ctx;
	struct zone *z = w->zone ? zone_ref(w->zone) : NULL;
	release(w);
	fn(r, e, ctx);
	zone_unref(z);
}

static void end_found(struct zonecut *w)
{
	struct zonecut_result r = {.zone = w->zone};
	struct err none = {0};
	end(w, &r, &none);
}

static void end_nxdomain(struct zonecut *w, const struct absence *a)
{
	struct zonecut_result r = {.zone = w->zone, .nxdomain = a};
	struct err none = {0};
	end(w, &r, &none);
}

static void end_failed(struct zonecut *w, struct err *e)
{
	end(w, NULL, e);
	err_done(e);
}

static void set_zone(struct zonecut *w, struct zone *z, unsigned known)
{
	zone_ref(z);
	zone_unref(w->zone);
	w->zone = z;
	w->known = known;
}

static void remember(struct zonecut *w, const char *name, uint32_t ttl)
{
	/* The search at the top is as thorough as it gets; those below it may have stopped where it goes on. */
	if (!w->zone->partial || !w->depth)
		cuts_put_zone(&w->d->cuts, name, w->zone, dns_now(w->d), cuts_ttl_ms(ttl));
}

bool zonecut_may_ask(struct zonecut *w)
{
	if (!*w->budget)
		return false;
	--*w->budget;
	return true;
}

/* --- what a server answered --- */

static void built(struct zone *z, uint32_t ttl, void *ctx)
{
	struct zonecut *w = ctx;
	struct err e = {0};
	if (zone_addresses(z)) {
		set_zone(w, z, name_labels(z->name));
		zone_unref(z);
		remember(w, w->zone->name, ttl);
		w->nx = 0;
		walk(w);
		return;
	}
	bool cut_short = z->partial && w->depth;
	err_set(&e, cut_short ? ERR_LIMIT : ERR_DNS, "no server of the zone \"%s\" has an address (%s: %s)", z->name,
		z->n ? z->servers[0].host : "none is named", z->n ? z->servers[0].why : "the delegation is empty");
	err_hint(&e, "mend the NS records of %s or the addresses of the hosts they name", z->name);
	if (!cut_short)
		cuts_put_broken(&w->d->cuts, z->name, e.msg, dns_now(w->d));
	zone_unref(z);
	end_failed(w, &e);
}

static void build(struct zonecut *w, const char *name, const struct message *m)
{
	nameservers_start(w, name, m, built, &w->ns);
}

/*
 * No data, or no such name. The SOA record tells the zone that says so: a deeper one than we asked is served by the
 * same servers, and its own NS records are wanted.
 */
static void take_negative(struct zonecut *w, const struct reply *r, const struct zone_server *s)
{
	unsigned apex = r->zone && name_within(r->zone, w->zone->name) ? name_labels(r->zone) : 0;
	if (apex > name_labels(w->zone->name) && apex < w->asked) {
		w->known = apex - 1;
		w->asked = apex;
		walk(w);
		return;
	}
	if (r->kind == REPLY_NXDOMAIN && !w->nx)
		w->nx = w->asked;
	if (r->kind != REPLY_NXDOMAIN)
		w->nx = 0;
	if (w->nx && w->asked == w->total && name_labels(w->zone->name) < 2) {
		const struct absence a = {.server = s->host,
			.address = (char *)(uintptr_t)s->addr.text,
			.ttl = r->ttl,
			.has_soa = r->has_soa,
			.soa_ttl = r->soa_ttl,
			.soa = r->soa};
		cuts_put_nxdomain(&w->d->cuts, name_suffix(w->name, w->nx), w->zone, &a, dns_now(w->d));
		end_nxdomain(w, &a);
		return;
	}
	w->known = w->nx && w->asked < w->total ? w->total - 1 : w->asked;
	if (!w->nx || w->asked == w->total)
		remember(w, name_suffix(w->name, w->asked), r->ttl);
	walk(w);
}

static void on_answer(const struct reply *r, const struct message *m, const struct zone_server *s, const char *why,
	bool timeout, void *ctx)
{
	struct zonecut *w = ctx;
	const char *asked = name_suffix(w->name, w->asked);
	if (!r) {
		/* Below the registries the zone's own servers are asked for the name anyway, and tell the trouble one
		 * by one. */
		if (name_labels(w->zone->name) >= 2) {
			end_found(w);
			return;
		}
		struct err e = {0};
		err_set(&e, timeout ? ERR_TIMEOUT : ERR_DNS,
			"no server of the zone \"%s.\" told where %s is served (%s)", w->zone->name, asked, why);
		err_hint(&e,
			timeout || *w->zone->name
				? "check that this host reaches DNS servers on port 53, or set dns.stubs or dns.mode"
				: "who answers does not answer as the root does: in a network that leads all DNS to a "
				  "resolver, set dns.mode: resolver and name it in dns.resolvers");
		end_failed(w, &e);
		return;
	}
	if (r->kind == REPLY_REFERRAL && name_within(asked, r->zone)) {
		build(w, r->zone, m);
	} else if (r->kind == REPLY_FOUND) {
		build(w, asked, m);
	} else if (r->kind == REPLY_ALIAS && w->asked > w->known + 1) {
		/* A CNAME is never an apex; what is above it may be one. */
		w->total = --w->asked;
		walk(w);
	} else if (r->kind == REPLY_ALIAS) {
		w->known = w->asked;
		remember(w, asked, r->ttl);
		walk(w);
	} else {
		take_negative(w, r, s);
	}
}

/* --- the next question --- */

/* Takes the deepest thing the process remembers. True when that was the end (w is gone). */
static bool walk_memory(struct zonecut *w)
{
	const char *s = name_suffix(w->name, w->total);
	for (unsigned labels = w->total; s && labels > w->known; s = name_parent(s), labels--) {
		const struct cut *c = cuts_get(&w->d->cuts, s, dns_now(w->d));
		if (!c)
			continue;
		if (c->kind == CUT_BROKEN) {
			struct err e = {0};
			err_set(&e, ERR_DNS, "%s", c->why);
			end_failed(w, &e);
			return true;
		}
		set_zone(w, c->zone, labels);
		if (c->kind == CUT_NXDOMAIN) {
			AUTO(absence_done) struct absence a = absence_copy(&c->absence);
			end_nxdomain(w, &a);
			return true;
		}
		return false;
	}
	return false;
}

static void walk(struct zonecut *w)
{
	unsigned wanted = w->asked > w->known ? w->asked : 0;
	w->asked = 0;
	if (walk_memory(w))
		return;
	if (w->known >= w->total || (w->zone->stub && !w->past_stub)) {
		if (w->known >= w->total && w->total < name_labels(w->name))
			remember(w, w->name, 0);
		end_found(w);
		return;
	}
	if (++w->steps > STEPS_MAX || !zonecut_may_ask(w)) {
		struct err e = {0};
		err_set(&e, ERR_LIMIT, "the way to the servers of %s takes more questions than we ask", w->name);
		end_failed(w, &e);
		return;
	}
	/*
	 * Near the root one label at a time: few different questions there for a fleet of names, and the registries
	 * learn no more than they must (RFC 9156). Below, the whole name: the answer shows the zone at once.
	 */
	if (wanted > w->known && wanted <= w->total)
		w->asked = wanted;
	else if (name_labels(w->zone->name) < 2 && w->known < 3)
		w->asked = w->known + 1;
	else
		w->asked = w->total;
	ask_start(w->d, w->zone, name_suffix(w->name, w->asked), MESSAGE_NS, on_answer, w, &w->ask);
}

static void start(struct zonecut *w, struct dns *d, const char *name)
{
	w->d = d;
	w->name = xstrdup(name);
	w->total = name_labels(name);
	*w->slot = w;
	const struct cut *root = cuts_get(&d->cuts, "", dns_now(d));
	set_zone(w, root->zone, 0);
	walk(w);
}

void zonecut_start(struct dns *d, const char *name, bool past_stub, zonecut_fn fn, void *ctx, struct zonecut **slot)
{
	struct zonecut *w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->ctx = ctx;
	w->slot = slot;
	w->past_stub = past_stub;
	w->own_budget = QUESTIONS_MAX;
	w->budget = &w->own_budget;
	start(w, d, name);
}

void zonecut_start_for(struct zonecut *parent, const struct lookup *l, const char *name, zonecut_fn fn, void *ctx,
	struct zonecut **slot)
{
	struct zonecut *w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->ctx = ctx;
	w->slot = slot;
	w->for_host = l;
	w->depth = parent->depth + 1;
	w->budget = parent->budget;
	start(w, parent->d, name);
}

void zonecut_cancel(struct zonecut **slot)
{
	if (*slot)
		release(*slot);
}
