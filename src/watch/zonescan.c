/* zonescan.c: a whole zone at hand. */
#include "watch/zonescan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/name.h"
#include "dns/name.h"
#include "dns/rr.h"
#include "watch/context.h"
#include "watch/from_dns.h"

#define PERSIST "_validation-persist."
#define CHALLENGE "_acme-challenge."

enum { HOPS_MAX = 9, BELOW_MAX = 20 };

/* One record. Of types that no rule looks at only the owner is kept, once. */
struct record {
	char *owner;
	uint16_t type;
	uint32_t ttl;
	uint8_t *data;
	size_t n;
};

struct zonescan {
	struct record *v; /* sorted by owner and type once all are there */
	size_t n, cap;
	char *apex;
	struct strv bad_names, bad_lines;
	struct strv subjects;
	struct strv cuts; /* owners of delegations below the apex */
	struct strv leaving; /* owners of aliases out of the zone */
};

struct zonescan *zonescan_new(void)
{
	struct zonescan *z = xcalloc(1, sizeof(*z));
	z->apex = xstrdup("");
	return z;
}

void zonescan_free(struct zonescan *z)
{
	if (!z)
		return;
	for (size_t i = 0; i < z->n; i++) {
		free(z->v[i].owner);
		free(z->v[i].data);
	}
	free(z->v);
	free(z->apex);
	strv_done(&z->bad_names);
	strv_done(&z->bad_lines);
	strv_done(&z->subjects);
	strv_done(&z->cuts);
	strv_done(&z->leaving);
	free(z);
}

void zonescan_freep(struct zonescan **z)
{
	zonescan_free(*z);
}

const char *zonescan_apex(const struct zonescan *z)
{
	return z->apex;
}

static bool kept(uint16_t type)
{
	return type == DNS_TYPE_TXT || type == DNS_TYPE_CNAME || type == DNS_TYPE_DNAME || type == DNS_TYPE_NS ||
	       type == DNS_TYPE_CAA;
}

void zonescan_add(struct zonescan *z, const char *owner, const struct dns_rr *rr)
{
	enum { NSEC = 47, NSEC3 = 50 };
	if (rr->type == DNS_TYPE_RRSIG || rr->type == NSEC || rr->type == NSEC3)
		return;
	if (rr->type == DNS_TYPE_SOA && !*z->apex) {
		free(z->apex);
		z->apex = xstrdup(owner);
	}
	bool whole = kept(rr->type);
	const struct record *last = z->n ? &z->v[z->n - 1] : NULL;
	if (!whole && last && !strcmp(last->owner, owner))
		return;
	if (!z->v || z->n == z->cap) {
		z->cap = z->cap ? z->cap * 2 : 64;
		z->v = xreallocarray(z->v, z->cap, sizeof(*z->v));
	}
	z->v[z->n++] = (struct record){
		.owner = xstrdup(owner),
		.type = rr->type,
		.ttl = rr->ttl,
		.data = whole && rr->n ? xmemdup(rr->data, rr->n) : NULL,
		.n = whole ? rr->n : 0,
	};
}

/* The name that a line is about: what stands before its first blank, as far as one can tell without reading it; never
 * empty. */
static char *subject_of(const struct zonescan *z, const char *text)
{
	size_t n = strcspn(text, " \t\r\n");
	AUTO(xfreep)
	char *owner = !n                   ? xstrdup(z->apex)
		      : text[n - 1] == '.' ? xstrndup(text, n - 1)
					   : xasprintf("%.*s.%s", (int)n, text, z->apex);
	name_lower(owner);
	const char *name = owner;
	if (!strncmp(name, PERSIST, strlen(PERSIST)))
		name += strlen(PERSIST);
	else if (!strncmp(name, CHALLENGE, strlen(CHALLENGE)))
		name += strlen(CHALLENGE);
	return xstrdup(*name ? name : ".");
}

bool zonescan_add_bad(struct zonescan *z, const char *file, int line, const char *why, const char *text)
{
	if (!strcasestr(text, "_validation-persist") && !strcasestr(text, "_acme-challenge"))
		return false;
	strv_add_take(&z->bad_names, subject_of(z, text));
	strv_add_take(&z->bad_lines, xasprintf("%s: line %d: %s", file, line, why));
	return true;
}

/* --- looking things up --- */

static int by_owner(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int d = strcmp(x->owner, y->owner);
	return d ? d : x->type < y->type ? -1 : x->type > y->type;
}

/* The records at a name, *ret_n of them. */
static const struct record *at(const struct zonescan *z, const char *owner, size_t *ret_n)
{
	size_t lo = 0, hi = z->n, n = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(z->v[mid].owner, owner) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < z->n && !strcmp(z->v[lo + n].owner, owner))
		n++;
	*ret_n = n;
	return n ? &z->v[lo] : NULL;
}

static const struct record *of_type(const struct zonescan *z, const char *owner, uint16_t type, size_t *ret_n)
{
	size_t n, k = 0;
	const struct record *r = at(z, owner, &n);
	while (n && r->type != type) {
		r++;
		n--;
	}
	while (k < n && r[k].type == type)
		k++;
	*ret_n = k;
	return k ? r : NULL;
}

/*
 * Where an answer for a name comes from (RFC 4592): the name itself, or the wildcard below the nearest name that
 * exists; NULL when it does not exist. Names that only have others below them count as existing.
 */
static const char *source_of(const struct zonescan *z, const char *name, char wildcard[static NAME_TEXT_MAX])
{
	size_t n;
	if (at(z, name, &n))
		return name;
	for (const char *p = name_parent(name); p && name_within(p, z->apex); p = name_parent(p)) {
		snprintf(wildcard, NAME_TEXT_MAX, "*.%s", p);
		if (at(z, wildcard, &n))
			return wildcard;
		if (at(z, p, &n))
			return NULL;
	}
	return NULL;
}

/* --- the facts of one name --- */

struct look {
	const struct zonescan *z;
	struct strv chain, challenge_chain, below, aliases;
	struct strv ns;
	struct perdure_text *caa;
};

/* Follows the CNAMEs from a name inside the zone. Gives the name with the data, or NULL where it leads out or nowhere.
 */
static const char *follow(struct look *l, const char *owner, struct strv *chain, struct facts_alias *alias,
	bool *ret_synthesised, uint32_t *ret_ttl, char wildcard[static NAME_TEXT_MAX])
{
	const char *name = owner;
	for (;;) {
		size_t n;
		const char *from = name_within(name, l->z->apex) ? source_of(l->z, name, wildcard) : NULL;
		if (ret_synthesised && from && *from == '*')
			*ret_synthesised = true;
		const struct record *r = from ? of_type(l->z, from, DNS_TYPE_CNAME, &n) : NULL;
		if (!r) {
			alias->end = from                            ? FACTS_END_FOUND
				     : name_within(name, l->z->apex) ? FACTS_END_MISSING
								     : FACTS_END_UNKNOWN;
			return from;
		}
		if (!chain->n && ret_ttl)
			*ret_ttl = r->ttl;
		struct dns_rr rr = {.type = r->type, .data = r->data, .n = r->n};
		char *target = dns_rr_name(&rr);
		bool again = strv_has(chain, target) || !strcmp(target, owner);
		strv_add_take(chain, target);
		alias->chain = chain;
		name = chain->v[chain->n - 1];
		if (again || chain->n > HOPS_MAX) {
			alias->end = FACTS_END_LOOP;
			alias->text = again ? "the aliases lead in a circle" : "more than 9 aliases";
			return NULL;
		}
	}
}

static void add_txt(struct facts_set *s, const struct record *r)
{
	struct perdure_text strings[256];
	size_t n = 0;
	/* A record of more than 255 empty strings is nobody's. */
	for (size_t pos = 0; pos < r->n && n < ARRAY_LEN(strings); pos += 1U + r->data[pos])
		strings[n++] = (struct perdure_text){(const char *)r->data + pos + 1, r->data[pos]};
	facts_add_rr(s, strings, n);
}

static void take_txt(struct look *l, struct facts *f)
{
	char wildcard[NAME_TEXT_MAX];
	size_t n = 0;
	const char *from = follow(l, f->owner, &l->chain, &f->alias, &f->synthesised, NULL, wildcard);
	const struct record *r = from ? of_type(l->z, from, DNS_TYPE_TXT, &n) : NULL;
	if (f->alias.end == FACTS_END_FOUND && !r)
		f->alias.end = FACTS_END_MISSING;
	if (f->alias.end == FACTS_END_UNKNOWN) {
		f->failure = "the alias leads out of the zone, where this look ends";
		return;
	}
	struct facts_set *s = facts_add_set(f, NULL, 0, r ? r->ttl : 0);
	for (size_t i = 0; i < n; i++)
		add_txt(s, &r[i]);
	/* What a wildcard makes matters only where it makes something of ours. */
	f->synthesised = f->synthesised && n;
}

static void take_challenge(struct look *l, struct facts *f)
{
	char name[NAME_TEXT_MAX + 32], wildcard[NAME_TEXT_MAX];
	size_t n = 0, all;
	struct facts_delegation *d = &f->delegation;
	snprintf(name, sizeof(name), CHALLENGE "%s", f->fqdn);
	d->looked = true;
	if (!at(l->z, name, &all))
		return;
	const char *from = follow(l, name, &l->challenge_chain, &d->alias, NULL, &d->cname_ttl, wildcard);
	const struct record *r = from ? of_type(l->z, from, DNS_TYPE_TXT, &n) : NULL;
	d->n_txt = n;
	d->txt_ttl = r ? r->ttl : 0;
	d->beside = l->challenge_chain.n && all > 1;
	/* A name inside the zone is served with the zone; of others the zone knows nothing. */
	const char *end = l->challenge_chain.n ? l->challenge_chain.v[l->challenge_chain.n - 1] : name;
	d->target_served = name_within(end, l->z->apex) ? FACTS_YES : FACTS_UNKNOWN;
}

static void take_caa(struct look *l, struct facts *f)
{
	for (const char *p = f->fqdn; p && name_within(p, l->z->apex); p = name_parent(p)) {
		size_t n;
		const struct record *r = of_type(l->z, p, DNS_TYPE_CAA, &n);
		if (!r)
			continue;
		l->caa = xcalloc(n, sizeof(*l->caa));
		for (size_t i = 0; i < n; i++)
			l->caa[i] = (struct perdure_text){(const char *)r[i].data, r[i].n};
		f->caa = (struct facts_caa){.looked = true, .owner = p, .rdata = l->caa, .n = n};
		return;
	}
	/* Above the zone somebody else may have CAA records, unless that is a public suffix: those have none. */
	const char *above = name_parent(l->z->apex);
	f->caa = (struct facts_caa){
		.looked = above && *above && name_public_suffix(above) != NAME_SUFFIX_NONE, .owner = ""};
}

static void below(const struct strv *from, const char *fqdn, struct strv *to)
{
	for (size_t i = 0; i < from->n && to->n < BELOW_MAX; i++)
		if (name_within(from->v[i], fqdn))
			strv_add(to, from->v[i]);
}

static void take_below(struct look *l, struct facts *f)
{
	bool wildcard = false;
	for (size_t i = 0; f->n_sets && i < f->sets[0].n; i++)
		wildcard |= memmem(f->sets[0].rr[i].p, f->sets[0].rr[i].n, "wildcard", 8) != NULL;
	if (!wildcard)
		return;
	below(&l->z->cuts, f->fqdn, &l->below);
	for (size_t i = 0; i < l->z->leaving.n && l->aliases.n < BELOW_MAX; i++) {
		const char *name = l->z->leaving.v[i];
		size_t n;
		if (!name_within(name, f->fqdn))
			continue;
		const struct record *r = of_type(l->z, name, DNS_TYPE_CNAME, &n);
		AUTO(xfreep) char *target = dns_rr_name(&(struct dns_rr){.type = r->type, .data = r->data, .n = r->n});
		strv_add_take(&l->aliases, xasprintf("%s leads to %s", name, target));
	}
	f->zones_below = &l->below;
	f->aliases_below = &l->aliases;
}

static void look_done(struct look *l)
{
	strv_done(&l->chain);
	strv_done(&l->challenge_chain);
	strv_done(&l->below);
	strv_done(&l->aliases);
	strv_done(&l->ns);
	free(l->caa);
}

static const char *bad_line_at(const struct zonescan *z, const char *fqdn)
{
	for (size_t i = 0; i < z->bad_names.n; i++)
		if (!strcmp(z->bad_names.v[i], fqdn))
			return z->bad_lines.v[i];
	return NULL;
}

/* owner: where the records stand; "*.x" for what a wildcard makes of all names. */
static void tell(struct zonescan *z, const char *fqdn, const char *owner, void (*fn)(struct facts *, void *), void *ctx)
{
	AUTO(look_done) struct look l = {.z = z};
	AUTO(facts_done) struct facts f = {.fqdn = fqdn, .owner = owner, .from_zone = true, .zone = z->apex};
	char wildcard[NAME_TEXT_MAX];
	size_t n;
	f.name_fault = name_trouble(fqdn, &f.public_suffix);
	f.literal_wildcard = !strncmp(owner, PERSIST "*.", strlen(PERSIST) + 2);
	f.bad_line = bad_line_at(z, fqdn);
	take_txt(&l, &f);
	take_challenge(&l, &f);
	take_caa(&l, &f);
	take_below(&l, &f);
	f.synthesised |= owner[0] == '*';
	f.served = source_of(z, fqdn, wildcard) ? FACTS_YES : FACTS_NO;
	const struct record *r = of_type(z, z->apex, DNS_TYPE_NS, &n);
	for (size_t i = 0; i < n; i++)
		strv_add_take(&l.ns, dns_rr_name(&(struct dns_rr){.type = r[i].type, .data = r[i].data, .n = r[i].n}));
	strv_sort_unique(&l.ns);
	f.ns = n ? &l.ns : NULL;
	fn(&f, ctx);
}

/* Whether a wildcard holds something that reads as a validation record, for whatever name is asked. */
static bool persists(const struct record *r)
{
	char text[4096];
	size_t n = 0;
	struct perdure_record rec;
	for (size_t pos = 0; pos < r->n; pos += 1U + r->data[pos]) {
		if (n + r->data[pos] > sizeof(text))
			return false;
		memcpy(text + n, r->data + pos + 1, r->data[pos]);
		n += r->data[pos];
	}
	return perdure_record_read(text, n, &rec, NULL, NULL) == PERDURE_OK;
}

static void find_subjects(struct zonescan *z, const struct audit_context *c)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct record *r = &z->v[i];
		size_t p = strlen(PERSIST), q = strlen(CHALLENGE);
		if (!strncmp(r->owner, PERSIST, p))
			strv_add(&z->subjects, r->owner + p);
		else if (!strncmp(r->owner, CHALLENGE, q))
			strv_add(&z->subjects, r->owner + q);
		else if (!strncmp(r->owner, "*.", 2) && r->type == DNS_TYPE_TXT && persists(r))
			strv_add(&z->subjects, r->owner);
		if (r->type == DNS_TYPE_NS && strcmp(r->owner, z->apex))
			strv_add(&z->cuts, r->owner);
		if (r->type != DNS_TYPE_CNAME)
			continue;
		AUTO(xfreep) char *target = dns_rr_name(&(struct dns_rr){.type = r->type, .data = r->data, .n = r->n});
		if (target && !name_within(target, z->apex) && r->owner[0] != '_')
			strv_add(&z->leaving, r->owner);
	}
	for (size_t i = 0; i < z->bad_names.n; i++)
		strv_add(&z->subjects, z->bad_names.v[i]);
	for (size_t i = 0; i < c->n_wants; i++)
		if (name_within(c->wants[i].fqdn, z->apex))
			strv_add(&z->subjects, c->wants[i].fqdn);
	strv_sort_unique(&z->subjects);
	strv_sort_unique(&z->cuts);
	strv_sort_unique(&z->leaving);
}

void zonescan_each(struct zonescan *z, const struct audit_context *c, void (*fn)(struct facts *f, void *ctx), void *ctx)
{
	if (z->n)
		qsort(z->v, z->n, sizeof(*z->v), by_owner);
	find_subjects(z, c);
	for (size_t i = 0; i < z->subjects.n; i++) {
		const char *name = z->subjects.v[i];
		AUTO(xfreep) char *owner = xasprintf(PERSIST "%s", name);
		size_t n;
		bool star = !strncmp(name, "*.", 2);
		if (star && of_type(z, name, DNS_TYPE_TXT, &n) && persists(of_type(z, name, DNS_TYPE_TXT, &n)))
			tell(z, name + 2, name, fn, ctx);
		if (!star || at(z, owner, &n))
			tell(z, star ? name + 2 : name, owner, fn, ctx);
	}
}
