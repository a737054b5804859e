/* explainservers.c: remarks on the name servers: those that are no help, and those that publish something else. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

static const struct {
	bool told;
	enum remark_code code;
} codes[DNS_HEALTH_N_] = {
	[DNS_LAME] = {true, REMARK_SERVER_LAME},
	[DNS_REFUSING] = {true, REMARK_SERVER_REFUSING},
	[DNS_ERROR] = {true, REMARK_SERVER_ERROR},
	[DNS_MALFORMED] = {true, REMARK_SERVER_MALFORMED},
	[DNS_UNREACHABLE] = {true, REMARK_SERVER_UNREACHABLE},
	[DNS_SILENT] = {true, REMARK_SERVER_SILENT},
	[DNS_ADDRESSLESS] = {true, REMARK_SERVER_ADDRESSLESS},
	[DNS_DIVERGING] = {true, REMARK_SERVER_DIVERGING},
};

static void say_health(struct explain *e, const struct dns_answer *a)
{
	if (!codes[a->health].told)
		return;
	struct remark *m = remarks_add(&e->x->remarks, codes[a->health].code, "%s (%s): %s", a->server,
		a->address[0] ? a->address : "no address", a->text[0] ? a->text : dns_health_name(a->health));
	remark_fix(m, "mend the server, or take it out of the zone's NS records and out of the parent's");
}

/* All in one: where there is no IPv6, every server has such an address. */
static void say_no_ipv6(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	struct buf b = buf_make(2048);
	for (size_t i = 0; i < v->n; i++)
		if (v->answers[i].health == DNS_NO_IPV6)
			buf_printf(&b, "%s%s (%s)", b.n ? ", " : "", v->answers[i].server, v->answers[i].address);
	if (b.n) {
		struct remark *m = remarks_add(&e->x->remarks, REMARK_SERVERS_HALF_SEEN,
			"no IPv6 address has answered, so that it may be this host that has no IPv6: %s", buf_str(&b));
		remark_fix(m, "check from a host with IPv6 as well");
	}
	buf_done(&b);
}

static void say_none(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	if (v->n_answered || v->end != DNS_CHAIN_WHOLE || !v->looked)
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_SERVERS_NONE, "%s", e->x->record->reason);
	if (e->x->record->e.hint[0])
		remark_fix(m, "%s", e->x->record->e.hint);
}

/* The first answer that would be refused; the rarest where none would. */
static const struct dns_group *odd_group(const struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	for (size_t i = 0; i < v->n_groups; i++)
		if (!e->x->record->servers[v->groups[i].first].valid)
			return &v->groups[i];
	return &v->groups[v->n_groups - 1];
}

/* Which answer a CA's perspectives meet, and how often: resolvers choose among the addresses more or less evenly. */
static void say_disagree(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	struct buf b = buf_make(4096);
	if (v->n_groups < 2)
		return;
	for (size_t i = 0; i < v->n_groups; i++) {
		const struct dns_group *g = &v->groups[i];
		const struct recordcheck_server *s = &e->x->record->servers[g->first];
		buf_printf(&b, "%s%zu of %zu addresses (%zu %%, %s among them): %s", i ? "; " : "", g->addresses,
			v->n_answered, (g->addresses * 100 + v->n_answered / 2) / v->n_answered,
			v->answers[g->first].server, s->valid ? "accepted" : s->reason);
	}
	struct remark *m = remarks_add(&e->x->remarks, REMARK_SERVERS_DISAGREE,
		"the servers of %s publish different records: %s", v->zone, buf_str(&b));
	remark_fix(m, "wait until all servers have the same zone, or ask why %s does not",
		v->answers[odd_group(e)->first].server);
	buf_done(&b);
}

static bool names_server(const struct dns_view *v, const char *host)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->answers[i].server, host))
			return true;
	return false;
}

static bool names_target(const struct dns_answer *ns, const char *host)
{
	for (size_t i = 0; i < ns->n_rr; i++) {
		AUTO(xfreep) char *name = dns_rr_name(&ns->rr[i]);
		if (name && !strcmp(name, host))
			return true;
	}
	return false;
}

/* Servers from the configuration have no names: then there is no parent to compare with. */
static bool has_names(const struct dns_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strncmp(v->answers[i].address, v->answers[i].server, strlen(v->answers[i].server)))
			return false;
	return v->n > 0;
}

static void say_drift(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	const struct dns_answer *ns = e->o->ns.view ? dns_view_any(e->o->ns.view) : NULL;
	if (!ns || ns->result != DNS_FOUND || !has_names(v))
		return;
	struct buf b = buf_make(2048);
	for (size_t i = 0; i < v->n; i++)
		if (v->answers[i].hop == v->n_hops && !names_target(ns, v->answers[i].server) &&
			(!i || strcmp(v->answers[i].server, v->answers[i - 1].server)))
			buf_printf(&b, "%sthe parent alone names %s", b.n ? ", " : "", v->answers[i].server);
	for (size_t i = 0; i < ns->n_rr; i++) {
		AUTO(xfreep) char *name = dns_rr_name(&ns->rr[i]);
		if (name && !names_server(v, name))
			buf_printf(&b, "%sthe zone alone names %s", b.n ? ", " : "", name);
	}
	if (b.n) {
		struct remark *m = remarks_add(&e->x->remarks, REMARK_SERVERS_DRIFT,
			"the NS records of %s differ from those of its parent: %s", v->zone, buf_str(&b));
		remark_fix(m, "make both name the same servers");
	}
	buf_done(&b);
}

void explain_servers(struct explain *e)
{
	const struct dns_view *v = e->o->txt.view;
	say_none(e);
	say_disagree(e);
	for (size_t i = 0; i < v->n; i++)
		say_health(e, &v->answers[i]);
	say_no_ipv6(e);
	say_drift(e);
}
