/* forgotten.c: records of ours that nothing needs any more. */
#include "inventory/forgotten.h"

#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "inventory/delegation.h"
#include "inventory/desired.h"
#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/planmake.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/wishes.h"
#include "provider/rdata.h"

/* A name that something goes by, and by what of it. */
enum { NEED_RECORD = 1, NEED_DELEGATION = 2, NEED_ANY = 3 };
struct need {
	char *fqdn;
	char *why;
	unsigned kinds;
};
struct needs {
	struct need *v;
	size_t n;
	size_t cap;
	const struct config *config;
};

void forgotten_names_done(struct forgotten_names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i].fqdn);
	free(n->v);
	*n = (struct forgotten_names){0};
}

void forgotten_names_add(struct forgotten_names *n, const char *fqdn, const char *source, bool written)
{
	if (n->n == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->v = xreallocarray(n->v, n->cap, sizeof(*n->v));
	}
	n->v[n->n++] = (struct forgotten_name){.fqdn = xstrdup(fqdn), .source = source, .written = written};
}

static int by_fqdn(const void *a, const void *b)
{
	return strcmp(((const struct forgotten_name *)a)->fqdn, ((const struct forgotten_name *)b)->fqdn);
}

static void names_unique(struct forgotten_names *n)
{
	size_t kept = 0;
	if (n->n)
		qsort(n->v, n->n, sizeof(*n->v), by_fqdn);
	for (size_t i = 0; i < n->n; i++)
		if (kept && !strcmp(n->v[kept - 1].fqdn, n->v[i].fqdn)) {
			n->v[kept - 1].written |= n->v[i].written;
			free(n->v[i].fqdn);
		} else {
			n->v[kept++] = n->v[i];
		}
	n->n = kept;
}

/* --- what is needed --- */

static void needs_done(struct needs *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->v[i].fqdn);
		free(n->v[i].why);
	}
	free(n->v);
}

static void need(struct needs *n, const struct strv *names, unsigned kinds, const char *why)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];
		if (n->n == n->cap) {
			n->cap = n->cap ? n->cap * 2 : 64;
			n->v = xreallocarray(n->v, n->cap, sizeof(*n->v));
		}
		n->v[n->n++] = (struct need){
			.fqdn = xstrdup(strncmp(name, "*.", 2) ? name : name + 2), .why = xstrdup(why), .kinds = kinds};
	}
}

/* A live certificate that is no longer configured is not renewed here, but somebody may still think that it is. */
static int need_of_cert(const struct store_cert *c, void *ctx, struct err *e)
{
	struct needs *n = ctx;
	(void)e;
	if (c->generation && !config_find_cert(n->config, c->name)) {
		AUTO(xfreep)
		char *why = xasprintf("the live certificate %s, which is not configured, has it: end it first with "
				      "\"perdure delete %s\"",
			c->name, c->name);
		need(n, &c->names, NEED_ANY, why);
	}
	return 0;
}

static int need_of_order(const struct store_order *o, void *ctx, struct err *e)
{
	(void)e;
	AUTO(xfreep) char *why = xasprintf("an order for certificate %s is in work", o->cert);
	need(ctx, &o->names, NEED_ANY, why);
	return 0;
}

static int need_cmp(const void *a, const void *b)
{
	return strcmp(((const struct need *)a)->fqdn, ((const struct need *)b)->fqdn);
}

static void needs_unique(struct needs *n)
{
	size_t kept = 0;
	if (n->n)
		qsort(n->v, n->n, sizeof(*n->v), need_cmp);
	for (size_t i = 0; i < n->n; i++) {
		if (kept && !strcmp(n->v[kept - 1].fqdn, n->v[i].fqdn)) {
			n->v[kept - 1].kinds |= n->v[i].kinds;
			free(n->v[i].fqdn);
			free(n->v[i].why);
		} else {
			n->v[kept++] = n->v[i];
		}
	}
	n->n = kept;
}

static int collect_needs(const struct forgotten *f, struct needs *n, struct err *e)
{
	const struct config *c = f->site->config;
	n->config = c;
	for (size_t i = 0; i < c->n_certs; i++) {
		AUTO(xfreep) char *why = xasprintf("certificate %s is configured with it", c->certs[i].name);
		need(n, &c->certs[i].names,
			(wishes_need_record(&c->certs[i]) ? NEED_RECORD : 0) |
				(wishes_need_delegation(c, &c->certs[i]) ? NEED_DELEGATION : 0),
			why);
	}
	need(n, f->keep, NEED_ANY, "it is to be kept");
	if (f->site->store && (store_cert_each(f->site->store, need_of_cert, n, e) ||
				      store_order_each(f->site->store, need_of_order, n, e)))
		return -1;
	needs_unique(n);
	return 0;
}

static int need_is(const void *fqdn, const void *n)
{
	return strcmp(fqdn, ((const struct need *)n)->fqdn);
}

static const struct need *find_need(const struct needs *n, const char *fqdn)
{
	return n->n ? bsearch(fqdn, n->v, n->n, sizeof(*n->v), need_is) : NULL;
}

/* --- what a record permits --- */

static bool read_record(const struct plan_item *it, struct buf *text, struct perdure_record *ret)
{
	rdata_text(it->data, text);
	return perdure_record_read(buf_str(text), text->n, ret, NULL, NULL) == PERDURE_OK;
}

static void explain(const struct forgotten_name *name, const struct plan_rrset *r, struct plan_item *it)
{
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	AUTO(xfreep) char *permits = NULL;
	struct perdure_record record;
	if (r->type == PROVIDER_CNAME)
		permits = xasprintf(
			"it lets whoever may write to its target have certificates for %s and every name below it",
			r->fqdn);
	else if (!read_record(it, &text, &record))
		permits = xstrdup("it is no validation record, but was written from here");
	else
		permits = xasprintf("it lets %s%s%s have certificates for %s%s%s",
			it->ca[0] ? "the account at CA \"" : "an account that we had before", it->ca,
			it->ca[0] ? "\"" : "", r->fqdn, record.wildcard ? " and every name below it" : "",
			record.has_until ? " until its persistUntil" : ", without an end");
	free(it->reason);
	it->reason = xasprintf("%s is in no configuration, found %s; %s", r->fqdn, name->source, permits);
}

/* --- names below a record for a wildcard --- */

/* The needed names below fqdn that have no record of their own for that CA. */
struct below {
	const struct forgotten *f;
	const struct needs *needs;
	struct plan own; /* the records of their own, as they stand */
};

static bool has_own(const struct below *b, const char *fqdn, const char *ca)
{
	for (size_t i = 0; i < b->own.n; i++)
		for (size_t k = 0; !strcmp(b->own.v[i].fqdn, fqdn) && k < b->own.v[i].n; k++) {
			const struct plan_item *it = &b->own.v[i].items[k];
			if (it->action == PLAN_KEEP && !strcmp(it->ca, ca))
				return true;
		}
	return false;
}

static bool is_below(const char *name, const char *fqdn)
{
	return name_within(name, fqdn) && strcmp(name, fqdn) != 0;
}

/* Whether the record is one that names below it could go by. */
static bool reaches_below(const struct plan_item *it)
{
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	struct perdure_record record;
	return it->action == PLAN_REMOVE && it->ca[0] && read_record(it, &text, &record) && record.wildcard;
}

/* Looks at the records of all needed names below a record that is to go. */
static int look_below(struct below *b, const struct plan *p, struct err *e)
{
	AUTO(wishes_done) struct wishes w = {0};
	AUTO(strv_done) struct strv above = {0};
	const struct desired *d = b->f->desired;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; p->v[i].type == PROVIDER_TXT && k < p->v[i].n; k++)
			if (reaches_below(&p->v[i].items[k]) && !strv_has(&above, p->v[i].fqdn))
				strv_add(&above, p->v[i].fqdn);
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < above.n; k++)
			if (is_below(d->v[i].fqdn, above.v[k])) {
				struct plan_want want = {.ca = d->v[i].ca, .value = d->v[i].value};
				wishes_add(&w, PROVIDER_TXT, d->v[i].owner, d->v[i].fqdn, 0, &want);
				break;
			}
	struct planmake m = {.site = b->f->site, .publisher = b->f->publisher, .wishes = &w, .ours = b->f->ours};
	return planmake(&m, &b->own, e);
}

static const struct need *dependent(const struct below *b, const char *fqdn, const char *ca)
{
	for (size_t i = 0; i < b->needs->n; i++)
		if ((b->needs->v[i].kinds & NEED_RECORD) && is_below(b->needs->v[i].fqdn, fqdn) &&
			!has_own(b, b->needs->v[i].fqdn, ca))
			return &b->needs->v[i];
	return NULL;
}

static int keep_for_names_below(const struct forgotten *f, const struct needs *needs, struct plan *p, struct err *e)
{
	struct below b = {.f = f, .needs = needs};
	if (look_below(&b, p, e))
		return -1;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; p->v[i].type == PROVIDER_TXT && k < p->v[i].n; k++) {
			struct plan_item *it = &p->v[i].items[k];
			const struct need *n = reaches_below(it) ? dependent(&b, p->v[i].fqdn, it->ca) : NULL;
			if (!n)
				continue;
			free(it->reason);
			it->action = PLAN_KEEP;
			it->reason =
				xasprintf("%s below it has no record of its own there, and may go by this one (%s)",
					n->fqdn, n->why);
		}
	plan_done(&b.own);
	return 0;
}

/* --- all of it --- */

static int look(const struct forgotten *f, const struct needs *needs, struct plan *ret, struct err *e)
{
	AUTO(wishes_done) struct wishes w = {0};
	for (size_t i = 0; i < f->names->n; i++) {
		const char *fqdn = f->names->v[i].fqdn;
		const struct need *n = find_need(needs, fqdn);
		unsigned kinds = n ? n->kinds : 0;
		char owner[PERDURE_NAME_SIZE];
		AUTO(xfreep) char *challenge = delegation_owner(fqdn);
		if (n)
			f->needed(fqdn, n->why, f->ctx);
		if (!(kinds & NEED_RECORD) && !perdure_owner_name(fqdn, owner))
			wishes_add(&w, PROVIDER_TXT, owner, fqdn, f->site->config->record_ttl, NULL);
		if (!(kinds & NEED_DELEGATION) && (f->ours->zones.n || f->names->v[i].written))
			wishes_add(&w, PROVIDER_CNAME, challenge, fqdn, 0, NULL);
	}
	tokens_wishes(f->tokens, NULL, &w);
	for (size_t i = 0; i < f->token_owners->n; i++)
		wishes_add(&w, PROVIDER_TXT, f->token_owners->v[i], f->token_owners->v[i], 0, NULL);
	struct planmake m = {.site = f->site,
		.publisher = f->publisher,
		.wishes = &w,
		.ours = f->ours,
		.progress = f->progress,
		.ctx = f->ctx};
	return planmake(&m, ret, e);
}

/* What is missing is the plan's business. */
static void drop_additions(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct plan_rrset *r = &p->v[i];
		size_t kept = 0;
		for (size_t k = 0; k < r->n; k++)
			if (r->items[k].action == PLAN_ADD)
				plan_item_done(&r->items[k]);
			else
				r->items[kept++] = r->items[k];
		r->n = kept;
	}
}

int forgotten_find(const struct forgotten *f, struct plan *ret, struct err *e)
{
	AUTO(needs_done) struct needs needs = {0};
	names_unique(f->names);
	if (collect_needs(f, &needs, e) || look(f, &needs, ret, e))
		return -1;
	if (keep_for_names_below(f, &needs, ret, e)) {
		plan_done(ret);
		return -1;
	}
	drop_additions(ret);
	for (size_t i = 0; i < ret->n; i++) {
		struct forgotten_name key = {.fqdn = ret->v[i].fqdn};
		const struct forgotten_name *name =
			!f->names->n ? NULL : bsearch(&key, f->names->v, f->names->n, sizeof(*f->names->v), by_fqdn);
		for (size_t k = 0; name && k < ret->v[i].n; k++)
			if (ret->v[i].items[k].action == PLAN_REMOVE)
				explain(name, &ret->v[i], &ret->v[i].items[k]);
	}
	return 0;
}
