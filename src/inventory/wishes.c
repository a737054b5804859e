/* wishes.c: the RRsets that a plan is about. */
#include "inventory/wishes.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/delegation.h"
#include "inventory/desired.h"
#include "inventory/ours.h"
#include "provider/acmeaccounts.h"
#include "provider/acmedns.h"

static void wish_done(struct wish *w)
{
	free(w->owner);
	free(w->fqdn);
	free(w->ca);
	free(w->value);
}

void wishes_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		wish_done(&w->v[i]);
	free(w->v);
	*w = (struct wishes){0};
}

void wishes_add(struct wishes *w, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl,
	const struct plan_want *want)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->v = xreallocarray(w->v, w->cap, sizeof(*w->v));
	}
	struct wish *to = &w->v[w->n++];
	*to = (struct wish){.type = type, .owner = xstrdup(owner), .fqdn = xstrdup(fqdn), .ttl = ttl};
	if (!want)
		return;
	to->kind = want->kind;
	to->ca = xstrdup(want->ca);
	to->value = xstrdup(want->value);
	to->wildcard = want->wildcard;
	to->until = want->until;
}

void wishes_records(struct wishes *w, const struct desired *d, int64_t ttl)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct desired_record *r = &d->v[i];
		struct plan_want want = {.kind = PLAN_RECORD,
			.ca = r->ca,
			.value = r->value,
			.wildcard = r->wildcard,
			.until = r->until};
		wishes_add(w, PROVIDER_TXT, r->owner, r->fqdn, ttl, &want);
	}
}

bool wishes_need_record(const struct config_cert *cert)
{
	return cert->validation == CONFIG_VALIDATION_AUTO || cert->validation == CONFIG_VALIDATION_PERSIST;
}

/* A CA that perdure knows, and of which nobody has said that it offers dns-persist-01 by now. */
static bool without_persist(const struct config *c, const char *name)
{
	const struct config_ca *ca = config_find_ca(c, name);
	const struct config_preset *preset = config_find_preset(name);
	return ca && preset && ca->level == CONFIG_LEVEL_UNSET && preset->level == CONFIG_LEVEL_UNSET;
}

bool wishes_need_delegation(const struct config *c, const struct config_cert *cert)
{
	if (cert->validation == CONFIG_VALIDATION_DELEGATION)
		return true;
	if (cert->validation != CONFIG_VALIDATION_AUTO || !config_delegation_given(cert->delegation))
		return false;
	for (size_t i = 0; i < cert->cas.n; i++)
		if (without_persist(c, cert->cas.v[i]))
			return true;
	return false;
}

static int add_delegation(struct wishes *w, struct acmeaccounts *accounts, const struct config_cert *cert,
	const char *name, struct err *e)
{
	AUTO(delegation_done) struct delegation d = {0};
	const char *fqdn = strncmp(name, "*.", 2) ? name : name + 2;
	if (delegation_of(cert->delegation, accounts, fqdn, &d, e))
		return err_ctx(e, "certificate %s", cert->name);
	for (size_t i = w->n; i-- > 0 && w->v[i].type == PROVIDER_CNAME;) /* base name and wildcard stand together */
		if (!strcmp(w->v[i].owner, d.owner))
			return 0;
	struct plan_want want = {.kind = PLAN_DELEGATION, .ca = "", .value = d.target};
	wishes_add(w, PROVIDER_CNAME, d.owner, fqdn, d.cname_ttl, &want);
	w->v[w->n - 1].place_ttl = d.account ? 0 : d.txt_ttl;
	return 0;
}

int wishes_delegations(
	struct wishes *w, const struct config *c, const struct strv *names, const char *ca, struct err *e)
{
	AUTO(acmeaccounts_done) struct acmeaccounts accounts = {0};
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		if ((ca && !strv_has(&cert->cas, ca)) || !wishes_need_delegation(c, cert))
			continue;
		for (size_t k = 0; k < cert->names.n; k++)
			if ((!names || strv_has(names, cert->names.v[k])) &&
				add_delegation(w, &accounts, cert, cert->names.v[k], e))
				return -1;
	}
	return 0;
}

int wishes_accounts(
	const struct config *c, const struct config_provider *p, struct strv *ret, bool *ret_one, struct err *e)
{
	bool one = c->delegation.provider == p && c->delegation.one_account, own = false;
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		if (cert->delegation->provider != p || !wishes_need_delegation(c, cert))
			continue;
		one |= cert->delegation->one_account;
		own |= !cert->delegation->one_account;
		for (size_t k = 0; k < cert->names.n; k++) {
			const char *name = cert->names.v[k];
			strv_add(ret, strncmp(name, "*.", 2) ? name : name + 2);
		}
	}
	strv_sort_unique(ret);
	*ret_one = one;
	if (!one || !own)
		return 0;
	err_set(e, ERR_CONFIG, "some certificates share an account of provider %s, and others do not", p->name);
	err_hint(e, "give those that share it a provider of their own, with another accounts_file");
	return -1;
}

void wishes_crowded(const struct config *c, struct strv *ret)
{
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		const struct config_mark *m = &cert->mark;
		const struct config_delegation *d = cert->delegation;
		if (!d->one_account || cert->names.n <= ACMEDNS_KEPT || !wishes_need_delegation(c, cert))
			continue;
		strv_add_take(ret, xasprintf("%s:%d:%d: certificate %s has %zu names, and the account of provider %s "
					     "that they share keeps %d values: an order that needs more than those is "
					     "held; without shared: true each domain has an account of its own",
					   m->file, m->line, m->column, cert->name, cert->names.n, d->provider->name,
					   ACMEDNS_KEPT));
	}
}

/* An acme-dns server has accounts of others, too. */
static void add_zone(struct ours *o, const struct config_delegation *d)
{
	if (d->zone && !strv_has(&o->zones, d->zone))
		strv_add(&o->zones, d->zone);
	if (d->name && !strv_has(&o->zones, d->name))
		strv_add(&o->zones, d->name);
}

void wishes_zones(struct ours *o, const struct config *c)
{
	add_zone(o, &c->delegation);
	for (size_t i = 0; i < c->n_own_delegations; i++)
		add_zone(o, c->own_delegations[i]);
}

void wishes_keep(struct wishes *w, const struct strv *fqdns)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->n; i++)
		if (strv_has(fqdns, w->v[i].fqdn))
			w->v[kept++] = w->v[i];
		else
			wish_done(&w->v[i]);
	w->n = kept;
}

static int by_rrset(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	int r = strcmp(x->owner, y->owner);
	if (!r)
		r = (int)x->type - (int)y->type;
	if (!r && x->value && y->value)
		r = strcmp(x->value, y->value);
	return r;
}

void wishes_sort(struct wishes *w)
{
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_rrset);
}
