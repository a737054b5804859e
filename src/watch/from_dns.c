/* from_dns.c: the facts about a name from a look at the DNS. */
#include "watch/from_dns.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/name.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "inventory/observe.h"

const char *name_trouble(const char *fqdn, bool *ret_suffix)
{
	char owner[PERDURE_NAME_SIZE];
	enum perdure_status st = perdure_owner_name(fqdn, owner);
	*ret_suffix = st == PERDURE_OK && name_public_suffix(fqdn) == NAME_SUFFIX_ICANN;
	return st == PERDURE_OK ? NULL : perdure_strerror(st);
}

static void add_group(const struct dns_view *v, const struct dns_group *g, struct facts *f)
{
	const struct dns_answer *a = &v->answers[g->first];
	/* That a name does not exist and that it has no TXT is the same to a CA. */
	for (size_t i = 0; !a->n_txt && i < f->n_sets; i++)
		if (!f->sets[i].n) {
			f->sets[i].n_servers += g->addresses;
			return;
		}
	struct facts_set *s = facts_add_set(f, a->server, g->addresses, a->ttl);
	s->truncated = a->tcp && a->n_txt;
	for (size_t i = 0; i < a->n_txt; i++) {
		struct perdure_text few[16], *strings = few;
		const struct dns_txt *t = &a->txt[i];
		AUTO(xfreep) struct perdure_text *many = NULL;
		if (t->n > ARRAY_LEN(few))
			strings = many = xcalloc(t->n, sizeof(*many));
		for (size_t k = 0; k < t->n; k++)
			strings[k] = (struct perdure_text){(const char *)t->strings[k].p, t->strings[k].n};
		facts_add_rr(s, strings, t->n);
	}
}

static enum facts_answer answer_of(enum dns_health h)
{
	return h == DNS_OK                                                       ? FACTS_ANSWERED
	       : h == DNS_UNREACHABLE || h == DNS_SILENT || h == DNS_ADDRESSLESS ? FACTS_SILENT
										 : FACTS_LAME;
}

/* A server by the name it is known by; its address beside it where that is not the name. */
static void add_server(const struct dns_answer *a, struct facts *f, struct from_dns *d)
{
	enum facts_answer answer = answer_of(a->health);
	const char *name = a->server;
	if (a->health == DNS_NO_IPV6)
		return; /* nothing is known of it */
	if (answer != FACTS_ANSWERED && strcmp(a->server, a->address) != 0) {
		strv_add_take(&d->words, xasprintf("%s (%s)", a->server, a->address));
		name = d->words.v[d->words.n - 1];
	}
	facts_add_server(f, name, answer, a->text);
}

static bool all_empty(const struct facts *f)
{
	for (size_t i = 0; i < f->n_sets; i++)
		if (f->sets[i].n)
			return false;
	return f->n_sets > 0;
}

static const char *words_of(const struct observed *o)
{
	return o->e ? o->e->msg : "";
}

/* Whether a wildcard makes the answer, or an alias on the way to it. */
static bool synthesised(const struct dns_view *v)
{
	bool yes = v->wildcard != NULL;
	for (size_t i = 0; i < v->n_hops; i++)
		yes |= v->hops[i].wildcard != NULL;
	return yes;
}

static void take_txt(const struct observation *o, struct facts *f, struct from_dns *d)
{
	const struct dns_view *v = o->txt.view;
	if (!v)
		return;
	for (size_t i = 0; i < v->n_groups; i++)
		add_group(v, &v->groups[i], f);
	for (size_t i = 0; i < v->n; i++)
		add_server(&v->answers[i], f, d);
	if (!v->n_answered)
		f->failure = o->txt.e ? o->txt.e->msg : "no server answered";
	f->zone = v->zone;
	f->alias = (struct facts_alias){
		.chain = &v->chain,
		.target_zone = v->zone,
		.end = v->end != DNS_CHAIN_WHOLE ? FACTS_END_LOOP
		       : all_empty(f)            ? FACTS_END_MISSING
		       : f->n_sets               ? FACTS_END_FOUND
						 : FACTS_END_UNKNOWN,
		.text = words_of(&o->txt),
	};
	f->synthesised = synthesised(v);
	/* The zone of the name itself, where an alias leads away from it. */
	if (v->n_hops && v->hops[0].zone && *v->hops[0].zone)
		f->zone = v->hops[0].zone;
}

static void take_trust(const struct observation *o, struct facts *f)
{
	const struct dns_validated *t = o->txt_trust;
	if (!t)
		return;
	f->dnssec = t->security == DNS_SECURE     ? FACTS_SECURE
		    : t->security == DNS_INSECURE ? FACTS_INSECURE
		    : t->security == DNS_BOGUS    ? FACTS_BOGUS
						  : FACTS_DNSSEC_UNKNOWN;
	f->dnssec_text = t->why;
}

static void take_caa(const struct observation *o, struct facts *f, struct from_dns *d)
{
	bool unknown = false;
	if (!o->n_caa)
		return;
	size_t k = observation_relevant_caa(o, &unknown);
	f->caa = (struct facts_caa){.looked = true, .failure = unknown ? "CAA could not be asked" : NULL, .owner = ""};
	if (k == o->n_caa)
		return;
	const struct dns_answer *a = dns_view_any(o->caa[k]->at.view);
	if (!a)
		return;
	f->caa.owner = o->caa[k]->name;
	d->caa = xcalloc(a->n_rr ? a->n_rr : 1, sizeof(*d->caa));
	for (size_t i = 0; i < a->n_rr; i++)
		if (a->rr[i].type == DNS_TYPE_CAA)
			d->caa[f->caa.n++] = (struct perdure_text){(const char *)a->rr[i].data, a->rr[i].n};
	f->caa.rdata = d->caa;
}

/* A target below a public suffix that says there is no such name: the domain can be registered by anybody. */
static bool registrable(const struct dns_view *v)
{
	const struct dns_answer *a = dns_view_any(v);
	return a && a->result == DNS_NXDOMAIN && *v->zone &&
	       (!strchr(v->zone, '.') || name_public_suffix(v->zone) != NAME_SUFFIX_NONE);
}

static void take_delegation(const struct observation *o, struct facts *f)
{
	const struct dns_view *v = o->challenge.view, *c = o->challenge_cname.view;
	if (!v)
		return;
	const struct dns_answer *a = dns_view_any(v);
	bool cname = c && dns_view_any(c) && dns_view_any(c)->n_rr;
	f->delegation = (struct facts_delegation){
		.looked = true,
		.alias = {.chain = &v->chain,
			.target_zone = v->zone,
			.end = v->end != DNS_CHAIN_WHOLE ? FACTS_END_LOOP : FACTS_END_UNKNOWN,
			.text = words_of(&o->challenge)},
		.target_served = v->n_answered && !registrable(v) ? FACTS_YES : FACTS_NO,
		.beside = cname && a && a->n_txt && !v->n_hops,
		.cname_ttl = v->n_hops ? v->hops[0].ttl : 0,
		/* What a wildcard makes for every name is no challenge that was left. */
		.n_txt = a && !synthesised(v) ? a->n_txt : 0,
		.txt_ttl = a ? a->ttl : 0,
	};
}

static void take_ns(const struct observation *o, struct facts *f, struct from_dns *d)
{
	const struct dns_view *v = o->ns.view;
	const struct dns_answer *a = v ? dns_view_any(v) : NULL;
	if (!a || a->result != DNS_FOUND)
		return;
	for (size_t i = 0; i < a->n_rr; i++) {
		char *name = dns_rr_name(&a->rr[i]);
		if (name)
			strv_add_take(&d->ns, name);
	}
	strv_sort_unique(&d->ns);
	f->ns = &d->ns;
	/* Who was asked is what the parent said, unless the servers are configured: those have no names. */
	for (size_t i = 0; i < v->n; i++) {
		if (!strncmp(v->answers[i].address, v->answers[i].server, strlen(v->answers[i].server)))
			return;
		strv_add(&d->parent_ns, v->answers[i].server);
	}
	strv_sort_unique(&d->parent_ns);
	f->parent_ns = &d->parent_ns;
}

void from_dns(const struct observation *o, struct facts *f, struct from_dns *ret)
{
	*ret = (struct from_dns){0};
	*f = (struct facts){.fqdn = o->fqdn, .owner = o->owner};
	f->name_fault = name_trouble(o->fqdn, &f->public_suffix);
	take_txt(o, f, ret);
	take_trust(o, f);
	take_caa(o, f, ret);
	take_delegation(o, f);
	take_ns(o, f, ret);
}

void from_dns_done(struct from_dns *d)
{
	strv_done(&d->words);
	strv_done(&d->ns);
	strv_done(&d->parent_ns);
	free(d->caa);
}
