/*
 * nameservers.c: a zone with the addresses of its servers: from the glue of the answer that named them where that
 * answer's word counts, from memory, or by looking the host's name up in its own zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "dns/name.h"
#include "dns/zonecut_priv.h"

enum { HOST_FAILED_MS = 30000 };

/* One host whose addresses are looked for. */
struct lookup {
	struct nameservers *ns;
	char *host;
	bool done;
	bool cut_short; /* the look-up was given up for its length: not to be remembered */
	struct zonecut *zonecut;
	struct zone *zone;
	struct ask *ask[2]; /* A, AAAA */
	unsigned answers;
	uint32_t ttl;
	struct host found;
};

struct nameservers {
	struct zonecut *by;
	struct zone *zone;
	uint32_t ttl;
	bool served_here; /* by the servers of by->zone */
	struct lookup lookups[ZONE_HOSTS_MAX];
	size_t n;
	size_t pending;
	nameservers_fn fn;
	struct nameservers **slot;
};

static void release(struct nameservers *ns)
{
	*ns->slot = NULL;
	for (size_t i = 0; i < ns->n; i++) {
		struct lookup *l = &ns->lookups[i];
		zonecut_cancel(&l->zonecut);
		ask_cancel(&l->ask[0]);
		ask_cancel(&l->ask[1]);
		zone_unref(l->zone);
		free(l->host);
	}
	zone_unref(ns->zone);
	free(ns);
}

static void finish(struct nameservers *ns)
{
	for (size_t i = 0; i < ns->n; i++) {
		const struct lookup *l = &ns->lookups[i];
		for (size_t k = 0; k < l->found.n; k++)
			zone_add(ns->zone, l->host, &l->found.addrs[k]);
		if (!l->found.n)
			zone_add_missing(ns->zone, l->host, l->found.why);
		ns->zone->partial |= l->cut_short;
	}
	struct zone *z = TAKE(ns->zone);
	struct zonecut *by = ns->by;
	nameservers_fn fn = ns->fn;
	uint32_t ttl = ns->ttl;
	release(ns);
	fn(z, ttl, by);
}

static void settle(struct lookup *l)
{
	struct nameservers *ns = l->ns;
	l->done = true;
	if (--ns->pending == 0)
		finish(ns);
}

static void fail(struct lookup *l, bool cut_short, const char *why)
{
	l->cut_short = cut_short;
	snprintf(l->found.why, sizeof(l->found.why), "%.*s", (int)sizeof(l->found.why) - 1, why);
}

static void keep_addresses(struct host *h, const struct message *m, const char *host, enum message_section from)
{
	for (size_t i = 0; i < m->n_rr && h->n < HOST_ADDRS_MAX; i++) {
		const struct message_rr *rr = &m->rr[i];
		if ((rr->type != MESSAGE_A && rr->type != MESSAGE_AAAA) || rr->section < from ||
			strcmp(rr->owner, host) != 0)
			continue;
		if (addr_from_data(rr->data, rr->n_data, &h->addrs[h->n]))
			h->n++;
	}
}

/* --- a host in a zone of its own --- */

static void on_address(const struct reply *r, const struct message *m, const struct zone_server *s, const char *why,
	bool timeout, void *ctx)
{
	struct lookup *l = ctx;
	struct dns *d = l->ns->by->d;
	(void)s;
	(void)timeout;
	if (r && r->kind == REPLY_FOUND) {
		keep_addresses(&l->found, m, l->host, MESSAGE_ANSWER);
		if (r->ttl < l->ttl)
			l->ttl = r->ttl;
	} else {
		fail(l, false,
			!r                          ? why
			: r->kind == REPLY_ALIAS    ? "it is a CNAME, which a name server must not be (RFC 2181)"
			: r->kind == REPLY_NXDOMAIN ? "the host does not exist"
						    : "the host has no address");
	}
	if (--l->answers)
		return;
	l->found.expires = dns_now(d) + (l->found.n ? cuts_ttl_ms(l->ttl) : HOST_FAILED_MS);
	cuts_put_host(&d->cuts, l->host, &l->found);
	settle(l);
}

static void ask_addresses(struct lookup *l, struct zone *z)
{
	struct zonecut *by = l->ns->by;
	if (!zonecut_may_ask(by) || !zonecut_may_ask(by)) {
		fail(l, true, "the search took too many questions");
		settle(l);
		return;
	}
	l->zone = zone_ref(z);
	l->answers = 2;
	l->ttl = UINT32_MAX;
	ask_start(by->d, z, l->host, MESSAGE_A, on_address, l, &l->ask[0]);
	ask_start(by->d, z, l->host, MESSAGE_AAAA, on_address, l, &l->ask[1]);
}

static void on_zone(const struct zonecut_result *r, const struct err *e, void *ctx)
{
	struct lookup *l = ctx;
	struct zonecut *by = l->ns->by;
	if (!r || r->nxdomain) {
		fail(l, !r && e->kind == ERR_LIMIT, r ? "the host does not exist" : e->msg);
		if (!l->cut_short) {
			l->found.expires = dns_now(by->d) + HOST_FAILED_MS;
			cuts_put_host(&by->d->cuts, l->host, &l->found);
		}
		settle(l);
		return;
	}
	ask_addresses(l, r->zone);
}

bool lookup_is_loop(const struct lookup *l, const char *host)
{
	for (; l; l = l->ns->by->for_host)
		if (strcmp(l->host, host) == 0)
			return true;
	return false;
}

static void look_up(struct lookup *l)
{
	struct zonecut *by = l->ns->by;
	const struct host *known = cuts_host(&by->d->cuts, l->host, dns_now(by->d));
	if (known) {
		l->found = *known;
		settle(l);
	} else if (name_within(l->host, l->ns->zone->name) && l->ns->served_here) {
		ask_addresses(l, by->zone);
	} else if (name_within(l->host, l->ns->zone->name)) {
		fail(l, false, "it is in the zone it serves, and its address is not given with the delegation");
		settle(l);
	} else if (by->depth >= DEPTH_MAX || lookup_is_loop(by->for_host, l->host)) {
		fail(l, true, "its name leads in a circle of other servers' names");
		settle(l);
	} else {
		zonecut_start_for(by, l, l->host, on_zone, l, &l->zonecut);
	}
}

/* --- the NS records --- */

static void add_host(struct nameservers *ns, const char *host)
{
	for (size_t i = 0; i < ns->n; i++)
		if (strcmp(ns->lookups[i].host, host) == 0)
			return;
	if (ns->n == ZONE_HOSTS_MAX)
		return;
	struct lookup *l = &ns->lookups[ns->n++];
	l->ns = ns;
	l->host = xstrdup(host);
}

void nameservers_start(
	struct zonecut *w, const char *name, const struct message *m, nameservers_fn fn, struct nameservers **slot)
{
	struct nameservers *ns = xcalloc(1, sizeof(*ns));
	ns->by = w;
	ns->zone = zone_new(name);
	ns->fn = fn;
	ns->slot = slot;
	ns->served_here = m->aa;
	ns->ttl = UINT32_MAX;
	*slot = ns;
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->type != MESSAGE_NS || rr->section == MESSAGE_ADDITIONAL || strcmp(rr->owner, name) != 0)
			continue;
		add_host(ns, rr->target);
		if (rr->ttl < ns->ttl)
			ns->ttl = rr->ttl;
	}
	for (size_t i = 0; i < ns->n; i++) {
		struct lookup *l = &ns->lookups[i];
		/* What a server says of names outside the zone it was asked for is hearsay. */
		if (name_within(l->host, w->zone->name))
			keep_addresses(&l->found, m, l->host, MESSAGE_ADDITIONAL);
		l->done = l->found.n > 0;
	}
	/* One more is pending until all have begun, so that none can be the last too early. */
	ns->pending = 1;
	for (size_t i = 0; i < ns->n; i++)
		ns->pending += !ns->lookups[i].done;
	for (size_t i = 0; i < ns->n; i++)
		if (!ns->lookups[i].done)
			look_up(&ns->lookups[i]);
	if (--ns->pending == 0)
		finish(ns);
}

void nameservers_cancel(struct nameservers **slot)
{
	if (*slot)
		release(*slot);
}
