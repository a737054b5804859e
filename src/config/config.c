/* config.c: the loaded configuration: look-ups, release, and the paths that hold when none is given. */
#include "config/config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "config/load.h"

static void ca_done(struct config_ca *ca)
{
	free(ca->name);
	free(ca->directory);
	strv_done(&ca->issuers);
	strv_done(&ca->preset_issuers);
	free(ca->ca_bundle);
	free(ca->eab_kid);
	free(ca->eab_hmac_key_file);
	free(ca->eab_alg);
	free(ca->account_url);
	strv_done(&ca->account_thumbprints);
	free(ca->account_key);
	strv_done(&ca->contact);
	free(ca->profile);
	free(ca->preferred_chain);
}

static void dns_done(struct config_dns *d)
{
	for (size_t i = 0; i < d->n_stubs; i++) {
		free(d->stubs[i].zone);
		strv_done(&d->stubs[i].servers);
	}
	free(d->stubs);
	strv_done(&d->resolvers);
	strv_done(&d->hints);
	free(d->trust_anchor);
	free(d->ca_bundle);
	strv_done(&d->vantage);
	free(d->region);
}

static void audit_done(struct config_audit *a)
{
	strv_done(&a->issuers);
	strv_done(&a->accounts);
	strv_done(&a->zones);
	strv_done(&a->ct_issuers);
	for (size_t i = 0; i < a->n_ignores; i++) {
		free(a->ignores[i].rule);
		free(a->ignores[i].name);
	}
	free(a->ignores);
}

static void provider_done(struct config_provider *p)
{
	free(p->name);
	free(p->type);
	strv_done(&p->zones);
	for (size_t i = 0; i < p->n_values; i++) {
		free(p->values[i].s);
		strv_done(&p->values[i].list);
	}
	free(p->values);
}

const char *config_validation_name(enum config_validation v)
{
	static const char *const names[CONFIG_VALIDATION_N_] = {
		[CONFIG_VALIDATION_AUTO] = "auto",
		[CONFIG_VALIDATION_PERSIST] = "dns-persist-01",
		[CONFIG_VALIDATION_DELEGATION] = "delegation",
		[CONFIG_VALIDATION_DNS] = "dns-01",
		[CONFIG_VALIDATION_HTTP] = "http-01",
	};
	return names[v];
}

bool config_delegation_given(const struct config_delegation *d)
{
	return d->zone || d->name || d->provider;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_cas; i++)
		ca_done(&c->cas[i]);
	for (size_t i = 0; i < c->n_certs; i++) {
		free(c->certs[i].name);
		strv_done(&c->certs[i].names);
		strv_done(&c->certs[i].cas);
	}
	for (size_t i = 0; i < c->n_providers; i++)
		provider_done(&c->providers[i]);
	for (size_t i = 0; i < c->n_own_delegations; i++)
		free(c->own_delegations[i]);
	free(c->own_delegations);
	free(c->providers);
	free(c->cas);
	free(c->certs);
	dns_done(&c->dns);
	audit_done(&c->audit);
	load_obs_done(c);
	load_tokens_done(c);
	load_deploys_free(c);
	free(c->path);
	free(c->state_dir);
	strv_done(&c->warnings);
	strv_done(&c->pool);
	strv_done(&c->files);
	free(c);
}

void config_freep(struct config **c)
{
	config_free(*c);
	*c = NULL;
}

const struct config_notify *config_find_notify(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_notify; i++)
		if (!strcmp(c->notify[i].name, name))
			return &c->notify[i];
	return NULL;
}

const struct config_ca *config_find_ca(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_cas; i++)
		if (!strcmp(c->cas[i].name, name))
			return &c->cas[i];
	return NULL;
}

static int by_name(const void *key, const void *cert)
{
	return strcmp(key, ((const struct config_cert *)cert)->name);
}

const struct config_cert *config_find_cert(const struct config *c, const char *name)
{
	return c->n_certs ? bsearch(name, c->certs, c->n_certs, sizeof(*c->certs), by_name) : NULL;
}

/* $env/perdure, else ~/fallback/perdure. The base directory specification ignores relative paths. */
static char *xdg_dir(const char *env, const char *fallback)
{
	const char *dir = getenv(env);
	if (dir && *dir == '/')
		return xasprintf("%s/perdure", dir);
	const char *home = getenv("HOME");
	char text[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	if (!home || *home != '/')
		home = getpwuid_r(geteuid(), &pw, text, sizeof(text), &found) == 0 && found ? found->pw_dir : "/";
	return xasprintf("%s/%s/perdure", strcmp(home, "/") != 0 ? home : "", fallback);
}

char *config_default_path(void)
{
	const char *given = getenv("PERDURE_CONFIG");
	if (given && *given)
		return xstrdup(given);
	if (geteuid() == 0)
		return xstrdup("/etc/perdure/perdure.yaml");
	AUTO(xfreep) char *dir = xdg_dir("XDG_CONFIG_HOME", ".config");
	return xasprintf("%s/perdure.yaml", dir);
}

char *config_default_state_dir(void)
{
	return geteuid() == 0 ? xstrdup("/var/lib/perdure") : xdg_dir("XDG_STATE_HOME", ".local/state");
}
