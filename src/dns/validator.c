/* validator.c: libunbound, set up and running. */
#include "dns/validator.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/addr.h"
#include "dns/name.h"
#include "dns/refresh.h"
#include "loop/loop.h"

/* What differs from libunbound's own idea of a resolver. */
static const struct {
	const char *name, *value;
} settings[] = {
	/* Memory: a few megabytes however many names are asked for. */
	{"msg-cache-size:", "1m"},
	{"rrset-cache-size:", "2m"},
	{"key-cache-size:", "1m"},
	{"neg-cache-size:", "256k"},
	{"infra-cache-numhosts:", "2000"},
	/* Who watches for a change wants the present; the keys on the way up are asked for again as seldom as that. */
	{"cache-max-ttl:", "15"},
	{"cache-max-negative-ttl:", "15"},
	{"val-bogus-ttl:", "5"},
	{"outgoing-range:", "64"},
	/* It works from everywhere, and a process that has just begun would find out by waiting. */
	{"prefer-ip4:", "yes"},
	{"trust-anchor-signaling:", "no"},
};

static void add_server(struct strv *to, const char *text, uint16_t port)
{
	struct addr a;
	struct err e = {0};
	/* dns_new() has read it before and said what is wrong with it. */
	if (addr_parse(text, port, &a, &e)) {
		err_done(&e);
		return;
	}
	strv_add(to, a.text);
}

struct validator *validator_new(struct loop *l, const struct dns_options *o, int64_t deadline_ms, unsigned active_max)
{
	struct validator *v = xcalloc(1, sizeof(*v));
	v->loop = l;
	v->deadline_ms = deadline_ms;
	v->active_max = active_max;
	v->on = o->validate;
	v->mode = o->mode;
	v->configured = o->trust_anchor ? xstrdup(o->trust_anchor) : NULL;
	v->state_dir = o->state_dir ? xstrdup(o->state_dir) : NULL;
	TAILQ_INIT(&v->waiting);
	TAILQ_INIT(&v->active);
	TAILQ_INIT(&v->doubted);
	TAILQ_INIT(&v->ended);
	v->turn = loop_timer_new(l, validations_turn, v);
	if (!v->on)
		return v;
	for (size_t i = 0; o->mode == DNS_RESOLVER && o->resolvers && i < o->resolvers->n; i++)
		add_server(&v->forwards, o->resolvers->v[i], ADDR_PORT);
	for (size_t i = 0; o->mode == DNS_AUTHORITATIVE && o->hints && i < o->hints->n; i++)
		add_server(&v->hints, o->hints->v[i], ADDR_PORT);
	for (size_t i = 0; o->mode == DNS_AUTHORITATIVE && i < o->n_stubs; i++)
		for (size_t k = 0; k < o->stubs[i].servers.n; k++) {
			strv_add(&v->stub_zones, o->stubs[i].zone);
			add_server(&v->stub_servers, o->stubs[i].servers.v[k], o->stubs[i].port);
		}
	return v;
}

void validator_free(struct validator *v)
{
	if (!v)
		return;
	validations_drop(v);
	loop_timer_free(v->turn);
	loop_fd_free(v->fd);
	ub_ctx_delete(v->ctx);
	refresh_end(v);
	strv_done(&v->forwards);
	strv_done(&v->hints);
	strv_done(&v->stub_zones);
	strv_done(&v->stub_servers);
	free(v->configured);
	free(v->state_dir);
	free(v->broken);
	anchor_done(&v->anchor);
	free(v);
}

const struct anchor *validator_anchor(struct validator *v)
{
	const struct anchor_where w = {.configured = v->configured, .state_dir = v->state_dir};
	if (!v->has_anchor)
		anchor_find(&w, true, &v->anchor);
	v->has_anchor = true;
	return &v->anchor;
}

const char *validator_stub(const struct validator *v, const char *name)
{
	const char *best = NULL;
	for (size_t i = 0; i < v->stub_zones.n; i++) {
		const char *zone = v->stub_zones.v[i];
		if (name_within(name, zone) && (!best || name_labels(zone) > name_labels(best)))
			best = zone;
	}
	return best;
}

/* --- libunbound's settings --- */

static int set(struct ub_ctx *ctx, const char *name, const char *value, struct err *e)
{
	int rc = ub_ctx_set_option(ctx, name, value);
	return rc ? err_set(e, ERR_CONFIG, "%s %s: %s", name, value, ub_strerror(rc)) : 0;
}

/* libunbound answers for some zones by itself; here the DNS is to be asked for them as for any other. */
static int ask_everywhere(const struct validator *v, struct ub_ctx *ctx, struct err *e)
{
	static const char *const own[] = {"test. nodefault", "home.arpa. nodefault"};
	if (set(ctx, "unblock-lan-zones:", "yes", e) || set(ctx, "do-not-query-localhost:", "no", e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (set(ctx, "local-zone:", own[i], e))
			return -1;
	for (size_t i = 0; i < v->stub_zones.n; i++) {
		AUTO(xfreep) char *text = xasprintf("%s. nodefault", v->stub_zones.v[i]);
		if (v->stub_zones.v[i][0] && set(ctx, "local-zone:", text, e))
			return -1;
	}
	return 0;
}

int validator_upstream(const struct validator *v, struct ub_ctx *ctx, struct err *e)
{
	int rc = 0;
	if (ask_everywhere(v, ctx, e))
		return -1;
	for (size_t i = 0; i < v->forwards.n && !rc; i++)
		rc = ub_ctx_set_fwd(ctx, v->forwards.v[i]);
	for (size_t i = 0; i < v->hints.n && !rc; i++)
		rc = ub_ctx_set_stub(ctx, ".", v->hints.v[i], 1);
	for (size_t i = 0; i < v->stub_zones.n && !rc; i++) {
		AUTO(xfreep) char *zone = xasprintf("%s.", v->stub_zones.v[i]);
		rc = ub_ctx_set_stub(ctx, zone, v->stub_servers.v[i], 0);
	}
	return rc ? err_set(e, ERR_CONFIG, "libunbound does not take the addresses: %s", ub_strerror(rc)) : 0;
}

static int configure(struct validator *v, struct ub_ctx *ctx, struct err *e)
{
	const struct anchor *a = validator_anchor(v);
	/* It writes to stderr by itself otherwise. */
	ub_ctx_debugout(ctx, NULL);
	int rc = ub_ctx_async(ctx, 1);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (set(ctx, settings[i].name, settings[i].value, e))
			return -1;
	/*
	 * Where many names are asked for, the servers of registries learn no more than they must (RFC 9156). Somebody
	 * who waits for a few names would wait a round trip longer for each label.
	 */
	if (v->prompt && set(ctx, "qname-minimisation:", "no", e))
		return -1;
	for (size_t i = 0; i < a->keys.n && !rc; i++)
		rc = ub_ctx_add_ta(ctx, a->keys.v[i]);
	if (rc)
		return err_set(e, ERR_SYS, "%s", ub_strerror(rc));
	return validator_upstream(v, ctx, e);
}

/* --- running --- */

static void readable(unsigned events, void *ctx)
{
	struct validator *v = ctx;
	(void)events;
	/* The results only queue up in there, so nobody can take the context away from under it. */
	ub_process(v->ctx);
	validator_listen(v);
}

void validator_listen(struct validator *v)
{
	if (v->fd)
		loop_fd_want(v->fd, v->n_active ? LOOP_READ : 0);
}

bool validator_start(struct validator *v)
{
	struct err e = {0};
	if (v->ctx || v->broken)
		return v->ctx != NULL;
	struct ub_ctx *ctx = ub_ctx_create();
	if (!ctx) {
		v->broken = xstrdup("libunbound does not start: no memory or no descriptors left");
		return false;
	}
	if (configure(v, ctx, &e)) {
		v->broken = xasprintf("libunbound does not start: %s", e.msg);
		err_done(&e);
		ub_ctx_delete(ctx);
		return false;
	}
	v->ctx = ctx;
	v->fd = loop_fd_new(v->loop, ub_fd(ctx), 0, readable, v);
	refresh_begin(v);
	return true;
}
