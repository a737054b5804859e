/* provider_find.c: which provider a name belongs to, and the values of a provider's keys. */
#include <string.h>

#include "config/config.h"

static const struct config_provider_value *find_value(const struct config_provider *p, const char *key)
{
	for (size_t i = 0; i < p->n_values; i++)
		if (!strcmp(p->values[i].key, key))
			return &p->values[i];
	return NULL;
}

const char *config_provider_str(const struct config_provider *p, const char *key)
{
	const struct config_provider_value *v = find_value(p, key);
	return v ? v->s : NULL;
}

int64_t config_provider_int(const struct config_provider *p, const char *key, int64_t dflt)
{
	const struct config_provider_value *v = find_value(p, key);
	return v ? v->i : dflt;
}

const struct strv *config_provider_list(const struct config_provider *p, const char *key)
{
	static const struct strv none;
	const struct config_provider_value *v = find_value(p, key);
	return v ? &v->list : &none;
}

const struct config_provider *config_find_provider(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_providers; i++)
		if (!strcmp(c->providers[i].name, name))
			return &c->providers[i];
	return NULL;
}

/* Whether name is zone or below it; both normalised. "" is the root. */
static bool is_within(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	return !z || (n >= z && !strcmp(name + n - z, zone) && (n == z || name[n - z - 1] == '.'));
}

/* The provider that lists the closest zone above name, or NULL. */
static const struct config_provider *closest(const struct config *c, const char *name, const char **ret_zone)
{
	const struct config_provider *best = NULL;
	for (size_t i = 0; i < c->n_providers; i++) {
		const struct strv *zones = &c->providers[i].zones;
		for (size_t j = 0; j < zones->n; j++) {
			if (!is_within(name, zones->v[j]) || (best && strlen(zones->v[j]) <= strlen(*ret_zone)))
				continue;
			best = &c->providers[i];
			*ret_zone = zones->v[j];
		}
	}
	return best;
}

const struct config_provider *config_provider_for(
	const struct config *c, const char *name, size_t i, const char **ret_zone)
{
	const char *zone = NULL;
	const struct config_provider *listed = closest(c, name, &zone);
	if (ret_zone)
		*ret_zone = zone;
	if (listed)
		return i == 0 ? listed : NULL;
	for (size_t j = 0; j < c->n_providers; j++)
		if (!c->providers[j].zones.n && i-- == 0)
			return &c->providers[j];
	return NULL;
}
