/* dns.c: the options, the zones they name, and the roots of the DNS. */
#include "dns/dns.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "dns/name.h"
#include "dns/validator.h"
#include "loop/loop.h"

enum { TIMEOUT_MS = 2000, DEADLINE_MS = 10000, PER_SERVER = 32, PACE = 500 };

/* The root servers, https://www.iana.org/domains/root/servers. */
static const struct {
	const char *host, *v4, *v6;
} roots[] = {
	{"a.root-servers.net", "198.41.0.4", "2001:503:ba3e::2:30"},
	{"b.root-servers.net", "170.247.170.2", "2801:1b8:10::b"},
	{"c.root-servers.net", "192.33.4.12", "2001:500:2::c"},
	{"d.root-servers.net", "199.7.91.13", "2001:500:2d::d"},
	{"e.root-servers.net", "192.203.230.10", "2001:500:a8::e"},
	{"f.root-servers.net", "192.5.5.241", "2001:500:2f::f"},
	{"g.root-servers.net", "192.112.36.4", "2001:500:12::d0d"},
	{"h.root-servers.net", "198.97.190.53", "2001:500:1::53"},
	{"i.root-servers.net", "192.36.148.17", "2001:7fe::53"},
	{"j.root-servers.net", "192.58.128.30", "2001:503:c27::2:30"},
	{"k.root-servers.net", "193.0.14.129", "2001:7fd::1"},
	{"l.root-servers.net", "199.7.83.42", "2001:500:9f::42"},
	{"m.root-servers.net", "202.12.27.33", "2001:dc3::35"},
};

int64_t dns_now(const struct dns *d)
{
	return clk_mono(loop_clk(d->loop));
}

static int add_addresses(struct zone *z, const struct strv *list, uint16_t port, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct addr a;
		if (addr_parse(list->v[i], port, &a, e))
			return -1;
		zone_add(z, a.text, &a);
	}
	return 0;
}

static int add_root(struct dns *d, const struct strv *hints, struct err *e)
{
	struct zone *z = zone_new("");
	int rc = 0;
	if (hints && hints->n) {
		rc = add_addresses(z, hints, ADDR_PORT, e);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(roots) && !rc; i++) {
			struct addr v4, v6;
			rc = addr_parse(roots[i].v4, 0, &v4, e) || addr_parse(roots[i].v6, 0, &v6, e) ? -1 : 0;
			if (!rc) {
				zone_add(z, roots[i].host, &v4);
				zone_add(z, roots[i].host, &v6);
			}
		}
	}
	if (!rc)
		cuts_put_zone(&d->cuts, "", z, 0, INT64_MAX);
	zone_unref(z);
	return rc ? err_ctx(e, "dns.hints") : 0;
}

static int add_stub(struct dns *d, const struct dns_stub *s, struct err *e)
{
	if (!s->servers.n) {
		err_set(e, ERR_CONFIG, "dns.stubs: the zone \"%s\" has no servers", s->zone);
		err_hint(e, "name at least one address under servers");
		return -1;
	}
	struct zone *z = zone_new(s->zone);
	z->stub = true;
	name_lower(z->name);
	int rc = add_addresses(z, &s->servers, s->port, e);
	if (!rc)
		cuts_put_zone(&d->cuts, z->name, z, 0, INT64_MAX);
	for (size_t i = 0; i < z->n; i++)
		exchanger_own(d->exchanger, &z->servers[i].addr);
	zone_unref(z);
	return rc ? err_ctx(e, "dns.stubs: zone \"%s\"", s->zone) : 0;
}

static int add_resolvers(struct dns *d, const struct strv *list, struct err *e)
{
	if (!list || !list->n) {
		err_set(e, ERR_CONFIG, "dns.mode is resolver, but dns.resolvers names none");
		err_hint(e, "list at least one address under dns.resolvers");
		return -1;
	}
	d->resolvers = zone_new("");
	return add_addresses(d->resolvers, list, ADDR_PORT, e) ? err_ctx(e, "dns.resolvers") : 0;
}

static int configure(struct dns *d, const struct dns_options *o, struct err *e)
{
	if (o->mode == DNS_RESOLVER)
		return add_resolvers(d, o->resolvers, e);
	if (o->mode == DNS_NONE)
		return 0;
	if (add_root(d, o->hints, e))
		return -1;
	for (size_t i = 0; i < o->n_stubs; i++)
		if (add_stub(d, &o->stubs[i], e))
			return -1;
	return 0;
}

int dns_new(struct loop *l, const struct dns_options *o, struct dns **ret, struct err *e)
{
	struct dns *d = xcalloc(1, sizeof(*d));
	d->loop = l;
	d->mode = o->mode;
	d->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
	d->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : DEADLINE_MS;
	unsigned per_server = o->per_server ? o->per_server : PER_SERVER;
	d->exchanger = exchanger_new(l, d->timeout_ms, per_server, o->pace ? o->pace : PACE);
	d->turn = loop_timer_new(l, dns_views_turn, d);
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->active);
	TAILQ_INIT(&d->ended);
	d->validator = validator_new(l, o, d->deadline_ms, per_server);
	if (configure(d, o, e)) {
		dns_free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	/* It has views of its own under way. */
	validator_free(d->validator);
	dns_views_drop(d);
	exchanger_free(d->exchanger);
	zone_unref(d->resolvers);
	cuts_done(&d->cuts);
	loop_timer_free(d->turn);
	free(d);
}
