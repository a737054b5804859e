/* load_delegation.c: `delegation`, and what a certificate says otherwise. */
#include <string.h>

#include "base/xalloc.h"
#include "config/load.h"

/* The keys of one of the two maps. */
struct ids {
	enum schema_id provider, zone, name, shared, cname_ttl, txt_ttl, keep, follow, values, wait;
};
static const struct ids top_ids = {SCHEMA_DELEGATION_PROVIDER, SCHEMA_DELEGATION_ZONE, SCHEMA_DELEGATION_NAME,
	SCHEMA_DELEGATION_SHARED, SCHEMA_DELEGATION_CNAME_TTL, SCHEMA_DELEGATION_TXT_TTL, SCHEMA_DELEGATION_KEEP,
	SCHEMA_DELEGATION_FOLLOW, SCHEMA_DELEGATION_VALUES, SCHEMA_DELEGATION_WAIT};
static const struct ids cert_ids = {SCHEMA_CERT_DELEGATION_PROVIDER, SCHEMA_CERT_DELEGATION_ZONE,
	SCHEMA_CERT_DELEGATION_NAME, SCHEMA_CERT_DELEGATION_SHARED, SCHEMA_CERT_DELEGATION_CNAME_TTL,
	SCHEMA_CERT_DELEGATION_TXT_TTL, SCHEMA_CERT_DELEGATION_KEEP, SCHEMA_CERT_DELEGATION_FOLLOW,
	SCHEMA_CERT_DELEGATION_VALUES, SCHEMA_CERT_DELEGATION_WAIT};

/* "_" and 63 octets of a domain's own label, and the two dots, leave so much for the zone. */
enum { NAME_MAX_OCTETS = 253, ZONE_MAX_OCTETS = NAME_MAX_OCTETS - 64 };

static const char *keep_name(struct load *l, const struct section_value *v)
{
	AUTO(xfreep) char *name = load_zone_name(v->s);
	return load_keep(l, name);
}

static bool is_within(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	return n > z && !strcmp(name + n - z, zone) && (!z || name[n - z - 1] == '.');
}

static int take_provider(struct load *l, const struct section_value *v, const struct ids *ids,
	struct config_delegation *d, struct err *e)
{
	const struct section_value *provider = &v[ids->provider], *shared = &v[ids->shared];
	if (provider->set) {
		d->provider = config_find_provider(l->c, provider->s);
		if (!d->provider || strcmp(d->provider->type, "acme-dns") != 0) {
			CONFIG_ERROR(e, &provider->mark, "there is no provider '%s' of type acme-dns", provider->s);
			err_hint(e, "providers of other types need zone: here, and no more");
			return -1;
		}
		if (v[ids->zone].set || v[ids->name].set)
			return CONFIG_ERROR(e, &provider->mark,
				"the accounts of a provider say which names there are: zone and name do not go with "
				"it");
		d->zone = NULL;
		d->name = NULL;
		d->one_account = false;
	}
	if (shared->set)
		d->one_account = shared->i != 0;
	return 0;
}

static int take_names(struct load *l, const struct section_value *v, const struct ids *ids, struct config_delegation *d,
	struct err *e)
{
	const struct section_value *zone = &v[ids->zone], *name = &v[ids->name], *shared = &v[ids->shared];
	bool share = shared->set ? shared->i != 0 : name->set || d->name;
	if (name->set && !share)
		return CONFIG_ERROR(e, &shared->mark, "a shared validation name is given, but shared is false");
	if (zone->set) {
		d->zone = keep_name(l, zone);
		d->name = NULL;
		if (strlen(d->zone) > ZONE_MAX_OCTETS)
			return CONFIG_ERROR(
				e, &zone->mark, "the zone's name is too long: labels below it would not fit");
	}
	if (name->set) {
		d->name = keep_name(l, name);
		if (d->zone && !is_within(d->name, d->zone))
			return CONFIG_ERROR(e, &name->mark, "%s is not below the zone %s", d->name, d->zone);
	}
	if (!share)
		d->name = NULL;
	if (share && !d->name && !d->zone)
		return CONFIG_ERROR(e, &shared->mark, "shared is true, but there is neither zone nor name");
	if (share && !d->name) {
		AUTO(xfreep) char *usual = xasprintf("_acme.%s", d->zone);
		d->name = load_keep(l, usual);
	}
	return 0;
}

static int take(struct load *l, const struct section_value *v, const struct ids *ids, struct config_delegation *d,
	struct err *e)
{
	if (v[ids->cname_ttl].i)
		d->cname_ttl = v[ids->cname_ttl].i / 1000;
	if (v[ids->txt_ttl].i)
		d->txt_ttl = v[ids->txt_ttl].i / 1000;
	if (v[ids->values].i)
		d->values_max = v[ids->values].i;
	if (v[ids->wait].i)
		d->wait_ms = v[ids->wait].i;
	if (v[ids->keep].set)
		d->keep = v[ids->keep].i != 0;
	if (v[ids->follow].set)
		d->follow = v[ids->follow].i != 0;
	if (v[ids->provider].set || (d->provider && !v[ids->zone].set && !v[ids->name].set))
		return take_provider(l, v, ids, d, e);
	d->provider = NULL;
	return take_names(l, v, ids, d, e);
}

int load_delegation(struct load *l, struct err *e)
{
	return take(l, l->top.v, &top_ids, &l->c->delegation, e);
}

int load_cert_delegation(struct load *l, const struct section *s, const struct config_delegation **ret, struct err *e)
{
	struct config *c = l->c;
	if (!s->v[SCHEMA_CERT_DELEGATION].set) {
		*ret = &c->delegation;
		return 0;
	}
	struct config_delegation *d = xcalloc(1, sizeof(*d));
	*d = c->delegation;
	c->own_delegations = xreallocarray(c->own_delegations, c->n_own_delegations + 1, sizeof(*c->own_delegations));
	c->own_delegations[c->n_own_delegations++] = d;
	*ret = d;
	return take(l, s->v, &cert_ids, d, e);
}
