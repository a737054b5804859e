/* zone.c: zones with their servers, and the memory of them. */
#include "dns/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/name.h"

enum {
	NAMES_MAX = 65536, /* beyond that, all but the configured is forgotten and learnt anew */
	HOSTS_MAX = 16384,
	TTL_MIN_S = 30,
	TTL_MAX_S = 900,
	NXDOMAIN_MS = 60000,
	BROKEN_MS = 20000,
};

struct zone *zone_new(const char *name)
{
	struct zone *z = xcalloc(1, sizeof(*z));
	z->refs = 1;
	z->name = xstrdup(name);
	return z;
}

struct zone *zone_ref(struct zone *z)
{
	z->refs++;
	return z;
}

void zone_unref(struct zone *z)
{
	if (!z || --z->refs)
		return;
	for (size_t i = 0; i < z->n; i++) {
		free(z->servers[i].host);
		free(z->servers[i].why);
	}
	free(z->servers);
	free(z->name);
	free(z);
}

static struct zone_server *add(struct zone *z, const char *host)
{
	z->servers = xreallocarray(z->servers, z->n + 1, sizeof(*z->servers));
	struct zone_server *s = &z->servers[z->n++];
	*s = (struct zone_server){.host = xstrdup(host)};
	return s;
}

void zone_add(struct zone *z, const char *host, const struct addr *a)
{
	/* Two names of one address are one server to ask. */
	for (size_t i = 0; i < z->n; i++)
		if (z->servers[i].has_addr && strcmp(z->servers[i].addr.text, a->text) == 0)
			return;
	struct zone_server *s = add(z, host);
	s->has_addr = true;
	s->addr = *a;
}

void zone_add_missing(struct zone *z, const char *host, const char *why)
{
	add(z, host)->why = xstrdup(why);
}

size_t zone_addresses(const struct zone *z)
{
	size_t n = 0;
	for (size_t i = 0; i < z->n; i++)
		n += z->servers[i].has_addr;
	return n;
}

static void cut_free(struct cut *c)
{
	if (!c)
		return;
	zone_unref(c->zone);
	absence_done(&c->absence);
	free(c->why);
	free(c);
}

static bool drop_cut(void *value, void *ctx)
{
	struct cut *c = value;
	const bool *all = ctx;
	if (!*all && c->expires == INT64_MAX)
		return false;
	cut_free(c);
	return true;
}

static bool drop_host(void *value, void *ctx)
{
	(void)ctx;
	free(value);
	return true;
}

void cuts_done(struct cuts *c)
{
	map_sweep(&c->names, drop_cut, &(bool){true});
	map_done(&c->names);
	map_sweep(&c->hosts, drop_host, NULL);
	map_done(&c->hosts);
}

const struct cut *cuts_get(const struct cuts *c, const char *name, int64_t now)
{
	const struct cut *cut = map_get(&c->names, name);
	return cut && now < cut->expires ? cut : NULL;
}

static struct cut *put(struct cuts *c, const char *name, enum cut_kind kind, struct zone *z, int64_t expires)
{
	if (c->names.n >= NAMES_MAX)
		map_sweep(&c->names, drop_cut, &(bool){false});
	struct cut *cut = xcalloc(1, sizeof(*cut));
	cut->kind = kind;
	cut->zone = z ? zone_ref(z) : NULL;
	cut->expires = expires;
	cut_free(map_put(&c->names, name, cut));
	return cut;
}

void cuts_put_zone(struct cuts *c, const char *name, struct zone *z, int64_t now, int64_t ttl_ms)
{
	put(c, name, strcmp(name, z->name) == 0 ? CUT_ZONE : CUT_WITHIN, z,
		ttl_ms == INT64_MAX ? INT64_MAX : now + ttl_ms);
}

struct absence absence_copy(const struct absence *a)
{
	struct absence copy = *a;
	copy.server = xstrdup(a->server);
	copy.address = xstrdup(a->address);
	return copy;
}

void absence_done(struct absence *a)
{
	free(a->server);
	free(a->address);
}

void cuts_put_nxdomain(struct cuts *c, const char *name, struct zone *z, const struct absence *a, int64_t now)
{
	put(c, name, CUT_NXDOMAIN, z, now + NXDOMAIN_MS)->absence = absence_copy(a);
}

void cuts_put_broken(struct cuts *c, const char *name, const char *why, int64_t now)
{
	put(c, name, CUT_BROKEN, NULL, now + BROKEN_MS)->why = xstrdup(why);
}

void cuts_forget(struct cuts *c, const char *name, const char *zone)
{
	for (const char *s = name; s && strcmp(s, zone) != 0; s = name_parent(s)) {
		struct cut *cut = map_get(&c->names, s);
		if (cut && cut->expires != INT64_MAX)
			cut->expires = 0;
	}
}

const struct host *cuts_host(const struct cuts *c, const char *name, int64_t now)
{
	const struct host *h = map_get(&c->hosts, name);
	return h && now < h->expires ? h : NULL;
}

void cuts_put_host(struct cuts *c, const char *name, const struct host *h)
{
	if (c->hosts.n >= HOSTS_MAX)
		map_sweep(&c->hosts, drop_host, NULL);
	free(map_put(&c->hosts, name, xmemdup(h, sizeof(*h))));
}

int64_t cuts_ttl_ms(uint32_t ttl)
{
	uint32_t s = ttl < TTL_MIN_S ? TTL_MIN_S : ttl > TTL_MAX_S ? TTL_MAX_S : ttl;
	return (int64_t)s * 1000;
}
