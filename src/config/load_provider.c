/* load_provider.c: the entries of `providers`: which keys each type takes. */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/load.h"
#include "config/provider_key.h"

/*
 * A key of some types. Types that need it stand in `required`, those that may have it in `optional`, and those that
 * need it unless the credentials are the machine's (auth: metadata) in `with_file`.
 */
static const struct {
	enum schema_id id;
	const char *required;
	const char *optional;
	const char *with_file;
} provider_keys[] = {
	{SCHEMA_PROVIDER_SERVER, "rfc2136 acme-sh", "exec", NULL},
	{SCHEMA_PROVIDER_TSIG, "", "rfc2136", NULL},
	{SCHEMA_PROVIDER_TSIG_FILE, "", "rfc2136", NULL},
	{SCHEMA_PROVIDER_TSIG_NAME, "", "rfc2136", NULL},
	{SCHEMA_PROVIDER_TSIG_ALGORITHM, "", "rfc2136", NULL},
	{SCHEMA_PROVIDER_URL, "powerdns acme-dns", "cloudflare route53 google azure hetzner digitalocean desec", NULL},
	{SCHEMA_PROVIDER_PLAIN_HTTP, "", "powerdns acme-dns", NULL},
	{SCHEMA_PROVIDER_CA_BUNDLE, "", "powerdns cloudflare route53 google azure hetzner digitalocean desec acme-dns",
		NULL},
	{SCHEMA_PROVIDER_SERVER_ID, "", "powerdns", NULL},
	{SCHEMA_PROVIDER_KEY_FILE, "powerdns", "", NULL},
	{SCHEMA_PROVIDER_RATE, "", "powerdns cloudflare route53 google azure hetzner digitalocean desec acme-dns",
		NULL},
	{SCHEMA_PROVIDER_TOKEN_FILE, "cloudflare hetzner digitalocean desec", "", NULL},
	{SCHEMA_PROVIDER_ACCESS_KEY_FILE, "route53", "", NULL},
	{SCHEMA_PROVIDER_ZONE_IDS, "", "route53 google", NULL},
	{SCHEMA_PROVIDER_AUTH, "", "google azure", NULL},
	{SCHEMA_PROVIDER_CREDENTIALS_FILE, "", "", "google"},
	{SCHEMA_PROVIDER_PROJECT, "", "google", NULL},
	{SCHEMA_PROVIDER_TENANT, "", "", "azure"},
	{SCHEMA_PROVIDER_CLIENT_ID, "", "", "azure"},
	{SCHEMA_PROVIDER_CLIENT_SECRET_FILE, "", "", "azure"},
	{SCHEMA_PROVIDER_SUBSCRIPTION, "azure", "", NULL},
	{SCHEMA_PROVIDER_RESOURCE_GROUP, "azure", "", NULL},
	{SCHEMA_PROVIDER_PROGRAM, "exec", "", NULL},
	{SCHEMA_PROVIDER_PROTOCOL, "exec", "", NULL},
	{SCHEMA_PROVIDER_ENV, "", "exec acme-sh", NULL},
	{SCHEMA_PROVIDER_ENV_FILE, "", "exec acme-sh", NULL},
	{SCHEMA_PROVIDER_TIMEOUT, "", "exec acme-sh", NULL},
	{SCHEMA_PROVIDER_CHECKOUT, "acme-sh", "", NULL},
	{SCHEMA_PROVIDER_HOOK, "acme-sh", "", NULL},
	{SCHEMA_PROVIDER_ACCOUNTS_FILE, "acme-dns", "", NULL},
};

enum { LOAD_KEYS_MAX = 400 };

static bool is_with_file(size_t i, const char *type)
{
	return provider_keys[i].with_file && schema_has_word(provider_keys[i].with_file, type);
}

bool provider_takes_key(const char *type, enum schema_id id, bool *ret_required)
{
	for (size_t i = 0; i < ARRAY_LEN(provider_keys); i++) {
		if (provider_keys[i].id != id)
			continue;
		bool required = schema_has_word(provider_keys[i].required, type) || is_with_file(i, type);
		if (ret_required)
			*ret_required = required;
		return required || schema_has_word(provider_keys[i].optional, type);
	}
	return false;
}

/* "tsig.file" of "providers[].tsig.file" */
static const char *own_key(enum schema_id id)
{
	static const struct {
		enum schema_id id;
		const char *key;
	} nested[] = {
		{SCHEMA_PROVIDER_TSIG_FILE, "tsig.file"},
		{SCHEMA_PROVIDER_TSIG_NAME, "tsig.name"},
		{SCHEMA_PROVIDER_TSIG_ALGORITHM, "tsig.algorithm"},
	};
	for (size_t i = 0; i < ARRAY_LEN(nested); i++)
		if (nested[i].id == id)
			return nested[i].key;
	return schema_keys[id].name;
}

static int wrong_key(enum schema_id id, const char *type, const struct config_mark *m, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(LOAD_KEYS_MAX);
	for (size_t i = 0; i < ARRAY_LEN(provider_keys); i++)
		if (provider_takes_key(type, provider_keys[i].id, NULL))
			buf_printf(&b, "%s%s", b.n ? ", " : "", own_key(provider_keys[i].id));
	CONFIG_ERROR(e, m, "a provider of type %s has no key '%s'", type, own_key(id));
	err_hint(e, "keys of %s: %s", type, buf_str(&b));
	return -1;
}

static int missing_key(
	enum schema_id id, const char *name, const char *type, const struct config_mark *m, struct err *e)
{
	CONFIG_ERROR(e, m, "the provider '%s' of type %s needs %s", name, type, own_key(id));
	err_hint(e, "%s: %s", own_key(id), schema_keys[id].help);
	return -1;
}

static int needless_key(enum schema_id id, const struct config_mark *m, struct err *e)
{
	CONFIG_ERROR(e, m, "with auth: metadata there is no %s", own_key(id));
	err_hint(e, "the machine's own identity is used: take the key out, or say auth: file");
	return -1;
}

static void add_value(struct config_provider *p, enum schema_id id, const struct section_value *v)
{
	const struct schema_key *k = &schema_keys[id];
	p->values = xreallocarray(p->values, p->n_values + 1, sizeof(*p->values));
	struct config_provider_value *to = &p->values[p->n_values++];
	*to = (struct config_provider_value){.key = own_key(id), .i = v->i};
	if (v->s)
		to->s = k->form == SCHEMA_PATH ? load_path(&v->mark, v->s) : xstrdup(v->s);
	for (size_t i = 0; i < v->n; i++)
		strv_add(&to->list, v->items[i].s);
}

/* All keys of the type, and no other. */
static int fill_values(struct config_provider *p, const struct section *s, const struct config_mark *m, struct err *e)
{
	const struct section_value *auth = &s->v[SCHEMA_PROVIDER_AUTH];
	for (size_t i = 0; i < ARRAY_LEN(provider_keys); i++) {
		enum schema_id id = provider_keys[i].id;
		const struct section_value *v = &s->v[id];
		bool required = false;
		bool takes = provider_takes_key(p->type, id, &required);
		bool spared = is_with_file(i, p->type) && auth->set && !strcmp(auth->s, "metadata");
		if (!v->set && required && !spared)
			return missing_key(id, p->name, p->type, m, e);
		if (v->set && !takes)
			return wrong_key(id, p->type, &v->mark, e);
		if (v->set && spared && schema_keys[id].form == SCHEMA_PATH)
			return needless_key(id, &v->mark, e);
		if (v->set && schema_keys[id].type != SCHEMA_MAP)
			add_value(p, id, v);
	}
	if (s->v[SCHEMA_PROVIDER_TSIG].set && !s->v[SCHEMA_PROVIDER_TSIG_FILE].set)
		return missing_key(SCHEMA_PROVIDER_TSIG_FILE, p->name, p->type, &s->v[SCHEMA_PROVIDER_TSIG].mark, e);
	return 0;
}

/* The other provider that has a zone in its list, or NULL. */
static const struct config_provider *owner_of(const struct config *c, const char *zone)
{
	for (size_t i = 0; i < c->n_providers; i++)
		if (strv_has(&c->providers[i].zones, zone))
			return &c->providers[i];
	return NULL;
}

static int fill_zones(
	const struct config *c, struct config_provider *p, const struct section_value *zones, struct err *e)
{
	for (size_t i = 0; i < zones->n; i++) {
		AUTO(xfreep) char *zone = load_zone_name(zones->items[i].s);
		const struct config_provider *other = owner_of(c, zone);
		if (other) {
			CONFIG_ERROR(e, &zones->items[i].mark, "the zone '%s' is in the list of provider '%s' already",
				zones->items[i].s, other->name);
			err_hint(e, "a zone is changed through one provider: take it out of one of the lists");
			return -1;
		}
		strv_add_take(&p->zones, TAKE(zone));
	}
	return 0;
}

static int add_provider(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	struct config *c = l->c;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_PROVIDERS, e))
		return -1;
	const struct section_value *name = &s.v[SCHEMA_PROVIDER_NAME], *type = &s.v[SCHEMA_PROVIDER_TYPE];
	if (!name->set || !type->set) {
		CONFIG_ERROR(e, &item->mark, "this entry of providers has no %s", name->set ? "type" : "name");
		err_hint(e, "a provider has name:, a word of your choice, and type:, one of %s",
			schema_keys[SCHEMA_PROVIDER_TYPE].words);
		return -1;
	}
	const struct config_provider *other = config_find_provider(c, name->s);
	if (other)
		return CONFIG_ERROR(e, &item->mark, "the provider '%s' is given already, at %s:%d:%d", name->s,
			other->mark.file, other->mark.line, other->mark.column);
	c->providers = xreallocarray(c->providers, c->n_providers + 1, sizeof(*c->providers));
	struct config_provider *p = &c->providers[c->n_providers++];
	*p = (struct config_provider){.name = xstrdup(name->s), .type = xstrdup(type->s), .mark = item->mark};
	if (fill_zones(c, p, &s.v[SCHEMA_PROVIDER_ZONES], e))
		return -1;
	if (!p->zones.n && !strcmp(p->type, "acme-dns"))
		return missing_key(SCHEMA_PROVIDER_ZONES, p->name, p->type, &item->mark, e);
	return fill_values(p, &s, &item->mark, e);
}

int load_providers(struct load *l, struct err *e)
{
	const struct section_value *v = &l->top.v[SCHEMA_PROVIDERS];
	for (size_t i = 0; i < v->n; i++)
		if (add_provider(l, &v->items[i], e))
			return -1;
	return 0;
}
