/* desired.c: the validation records that the configured certificates need. */
#include "inventory/desired.h"

#include <perdure/hash.h>
#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "inventory/cafacts.h"
#include "inventory/site.h"
#include "inventory/wishes.h"

/* One FQDN with the widest scope that any certificate asks of it. */
struct scope {
	const char *fqdn; /* borrowed */
	bool wildcard;
	int64_t until; /* the latest; 0 for none, which is later than any */
};
struct scopes {
	struct scope *v;
	size_t n;
	size_t cap;
};

static void scopes_done(struct scopes *s)
{
	free(s->v);
}

static void add_name(struct scopes *s, const char *name, int64_t until)
{
	bool wildcard = !strncmp(name, "*.", 2);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct scope){.fqdn = wildcard ? name + 2 : name, .wildcard = wildcard, .until = until};
}

static int by_fqdn(const void *a, const void *b)
{
	return strcmp(((const struct scope *)a)->fqdn, ((const struct scope *)b)->fqdn);
}

/* Base name and wildcard share one record; of two expiry dates the later one serves both. */
static void merge(struct scopes *s)
{
	size_t kept = 0;
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_fqdn);
	for (size_t i = 0; i < s->n; i++) {
		if (kept && !strcmp(s->v[kept - 1].fqdn, s->v[i].fqdn)) {
			struct scope *to = &s->v[kept - 1];
			to->wildcard |= s->v[i].wildcard;
			if (!s->v[i].until || (to->until && s->v[i].until > to->until))
				to->until = s->v[i].until;
		} else {
			s->v[kept++] = s->v[i];
		}
	}
	s->n = kept;
}

static void collect(struct scopes *s, const struct config *c, const struct site_ca *ca, const struct strv *names)
{
	for (size_t i = 0; names && i < names->n; i++)
		add_name(s, names->v[i], 0);
	for (size_t i = 0; !names && i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		if (!strv_has(&cert->cas, ca->conf->name) || !wishes_need_record(cert))
			continue;
		for (size_t j = 0; j < cert->names.n; j++)
			add_name(s, cert->names.v[j], cert->persist_until);
	}
	merge(s);
}

static int build(struct desired *d, const struct config *c, const struct site_ca *ca, const struct cafacts *f,
	int level, const struct scope *scope, struct err *e)
{
	static const enum perdure_level levels[] = {PERDURE_LEVEL_00, PERDURE_LEVEL_01, PERDURE_LEVEL_02};
	static const struct perdure_hash hash = {.fn = perdure_hash_openssl};
	size_t pick = perdure_issuer_pick((const char *const *)f->issuers.v, f->issuers.n);
	struct perdure_recipe r = {
		.level = levels[level],
		.domain = scope->fqdn,
		.issuer = f->issuers.v[pick],
		.account_url = ca->account.url,
		.thumbprint = ca->account.thumbprints.n ? ca->account.thumbprints.v[0] : NULL,
		.account_hash_prefix = f->prefix,
		.hash = &hash,
		.wildcard = scope->wildcard,
		.has_until = scope->until != 0,
		.until = scope->until,
		.ttl = (uint32_t)c->record_ttl,
	};
	struct perdure_built b;
	enum perdure_status st = perdure_record_build(&r, &b);
	if (st)
		return err_set(e, ERR_CONFIG, "the record of %s for CA \"%s\" cannot be made: %s", scope->fqdn,
			ca->conf->name, perdure_strerror(st));
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->v = xreallocarray(d->v, d->cap, sizeof(*d->v));
	}
	d->v[d->n++] = (struct desired_record){
		.fqdn = xstrdup(b.fqdn),
		.owner = xstrdup(b.owner),
		.value = xstrdup(b.value),
		.zone_line = xstrdup(b.zone_line),
		.ca = ca->conf->name,
		.level = level,
		.wildcard = scope->wildcard,
		.until = scope->until,
	};
	perdure_built_done(&b);
	return 0;
}

int desired_add(struct desired *d, const struct config *c, const struct site_ca *ca, const struct cafacts *f,
	const struct strv *names, struct err *e)
{
	if (!ca->account.url[0]) {
		err_set(e, ERR_CONFIG,
			"the account at CA \"%s\" is not registered yet, and its URL is part of every record",
			ca->conf->name);
		err_hint(e,
			"run \"perdure account register --ca %s\"; a host without the key takes account: {url, "
			"thumbprints} in its configuration",
			ca->conf->name);
		return -1;
	}
	AUTO(scopes_done) struct scopes s = {0};
	collect(&s, c, ca, names);
	for (size_t i = 0; i < s.n; i++)
		for (int l = 0; l < f->n_levels; l++)
			if (build(d, c, ca, f, f->levels[l], &s.v[i], e))
				return -1;
	return 0;
}

/* persistUntil is the last parameter of a value of our making. */
void desired_set_until(struct desired *d, int64_t until)
{
	for (size_t i = 0; i < d->n; i++) {
		struct desired_record *r = &d->v[i];
		char *end = strstr(r->value, ";persistUntil=");
		if (end)
			*end = '\0';
		if (until) {
			char *value = xasprintf("%s;persistUntil=%lld", r->value, (long long)until);
			free(r->value);
			r->value = value;
		}
		r->until = until;
	}
}

void desired_done(struct desired *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].fqdn);
		free(d->v[i].owner);
		free(d->v[i].value);
		free(d->v[i].zone_line);
	}
	free(d->v);
	*d = (struct desired){0};
}
