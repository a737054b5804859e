/* plan.c: which of what was found goes where. */
#include "migrate/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/form.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "inventory/site.h"
#include "state/certfiles.h"

const char *migrate_action_name(enum migrate_action a)
{
	static const char *const names[MIGRATE_ACTION_N_] = {"import", "here", "no-ca", "unused", "cannot"};
	return names[a];
}

/* ---- CAs ---- */

/* Two URLs of a directory, but for a "/" at the end. */
static bool same_url(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	n -= n && a[n - 1] == '/';
	m -= m && b[m - 1] == '/';
	return n && n == m && !memcmp(a, b, n);
}

/* Whether the directory URL's host is the one that lego names. */
static bool at_server(const char *directory, const char *server)
{
	const char *host = strstr(directory, "://");
	size_t n = host ? strcspn(host + 3, "/") : 0;
	if (!n || n != strlen(server))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((host[3 + i] == ':' ? '_' : host[3 + i]) != server[i])
			return false;
	return true;
}

static bool is_at(const char *configured, const char *directory, const char *server)
{
	return *directory ? same_url(configured, directory) : *server && at_server(configured, server);
}

static bool same_ca(const struct migrate_account *a, const struct migrate_lineage *l)
{
	if (*a->directory && *l->directory)
		return same_url(a->directory, l->directory);
	return *a->server && !strcmp(a->server, l->server);
}

static bool uses(const struct migrate_lineage *l, const struct migrate_account *a)
{
	return same_ca(a, l) && (!*l->account || !strcmp(l->account, a->id));
}

/* The host as a name: "acme-v02.example.net". */
static char *name_for_ca(const char *directory, const char *server)
{
	const char *host = strstr(directory, "://");
	char *name = *directory ? xstrndup(host ? host + 3 : directory, strcspn(host ? host + 3 : directory, "/"))
				: xstrdup(server);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '-';
	return name;
}

/* The suggested name of a CA that is not configured; it is noted once. */
static const char *missing_ca(struct migrate_plan *p, const char *directory, const char *server)
{
	size_t n;
	const struct config_preset *presets = config_presets(&n);
	AUTO(xfreep) char *name = name_for_ca(directory, server);
	bool preset = false;
	for (size_t i = 0; i < n && !preset; i++)
		if (is_at(presets[i].directory, directory, server)) {
			preset = true;
			xfreep(&name);
			name = xstrdup(presets[i].name);
		}
	for (size_t i = 0; i < p->n_missing; i++)
		if (!strcmp(p->missing[i].name, name))
			return p->missing[i].name;
	p->missing = xreallocarray(p->missing, p->n_missing + 1, sizeof(*p->missing));
	p->missing[p->n_missing] =
		(struct migrate_missing_ca){.name = TAKE(name), .directory = xstrdup(directory), .preset = preset};
	return p->missing[p->n_missing++].name;
}

/* ---- accounts ---- */

static bool is_taken(const struct migrate_plan *p, const struct site_ca *ca)
{
	for (size_t i = 0; i < p->found->n_accounts; i++)
		if (p->accounts[i].account && p->accounts[i].ca == ca)
			return true;
	return false;
}

static bool has_account(const struct site_ca *ca)
{
	return ca->key || ca->account.url[0];
}

/* The entry that has this very account, else one that has none yet, else one that has another. */
static int find_ca(struct site *s, const struct migrate_plan *p, const struct migrate_account *a, struct site_ca **ret,
	struct err *e)
{
	struct site_ca *unused = NULL, *other = NULL;
	*ret = NULL;
	for (size_t i = 0; i < s->config->n_cas; i++) {
		struct site_ca *ca = &s->cas[i];
		if (!is_at(ca->conf->directory, a->directory, a->server) || ca->conf->account_url)
			continue;
		if (site_account_key_if_any(s, ca, e))
			return -1;
		if (ca->key && a->key && key_same_public(ca->key, a->key)) {
			*ret = ca;
			return 0;
		}
		if (!unused && !has_account(ca) && !is_taken(p, ca))
			unused = ca;
		else if (!other)
			other = ca;
	}
	*ret = unused ? unused : other;
	return 0;
}

static int decide_account(struct site *s, struct migrate_plan *p, struct migrate_account_plan *ap, struct err *e)
{
	const struct migrate_account *a = ap->account;
	if (find_ca(s, p, a, &ap->ca, e))
		return -1;
	if (a->problem) {
		ap->action = MIGRATE_CANNOT;
		ap->why = xstrdup(a->problem);
	} else if (!ap->ca && !ap->used) {
		ap->action = MIGRATE_UNUSED;
	} else if (!ap->ca) {
		ap->action = MIGRATE_NO_CA;
		ap->why = xasprintf("no CA with its directory is configured; \"%s\" is suggested below",
			missing_ca(p, a->directory, a->server));
	} else if (ap->ca->key && key_same_public(ap->ca->key, a->key)) {
		ap->action = ap->ca->account.url[0] || !*a->url ? MIGRATE_HERE : MIGRATE_TAKE;
	} else if (has_account(ap->ca) || is_taken(p, ap->ca)) {
		ap->action = MIGRATE_CANNOT;
		ap->why = xasprintf("CA \"%s\" has another account; to keep both, add a second entry with the same "
				    "directory and another name under cas:",
			ap->ca->conf->name);
		ap->ca = NULL;
	} else {
		ap->action = MIGRATE_TAKE;
		if (!*a->url)
			ap->why = xstrdup("its URL is not kept here: \"perdure account register\" asks the CA for it, "
					  "by the key");
	}
	return 0;
}

/* Those in use come first, so that they get the entries of the configuration. */
static int decide_accounts(struct site *s, struct migrate_plan *p, struct err *e)
{
	const struct migrate_found *f = p->found;
	p->accounts = xcalloc(f->n_accounts ? f->n_accounts : 1, sizeof(*p->accounts));
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < f->n_accounts; i++) {
			struct migrate_account_plan next = {.account = &f->accounts[i]};
			for (size_t k = 0; k < f->n_lineages; k++)
				next.used += uses(&f->lineages[k], next.account);
			if ((next.used > 0) != (round == 0))
				continue;
			if (decide_account(s, p, &next, e))
				return -1;
			p->accounts[i] = next;
		}
	return 0;
}

/* ---- certificates ---- */

static bool label_ok(const char *name)
{
	return *name && !form_check(SCHEMA_LABEL, 0, name);
}

static char *make_label(const struct migrate_lineage *l)
{
	char *name = xstrdup(l->base);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			*p = '-';
	while (*name == '.' || *name == '-')
		memmove(name, name + 1, strlen(name));
	if (label_ok(name))
		return name;
	free(name);
	const char *first = l->names.n ? l->names.v[0] : "imported";
	return xstrdup(strncmp(first, "*.", 2) ? first : first + 2);
}

/* A name is free when nothing has it but a certificate for the same names. */
static int is_free(struct site *s, const struct migrate_plan *p, size_t before, const char *name,
	const struct migrate_lineage *l, bool *ret, struct err *e)
{
	struct store_cert row = {0};
	bool found = false;
	const struct config_cert *conf = config_find_cert(s->config, name);
	*ret = !conf || strv_same_set(&conf->names, &l->names);
	for (size_t i = 0; i < before; i++)
		if (!strcmp(p->certs[i].name, name))
			*ret = false;
	if (!*ret || !s->store)
		return 0;
	if (store_cert_get(s->store, name, &row, &found, e))
		return -1;
	if (found && row.generation)
		*ret = strv_same_set(&row.names, &l->names) ||
		       (l->chain && strv_same_set(&row.names, &x509_chain_info(l->chain)->names));
	if (found)
		store_cert_done(&row);
	return 0;
}

static int name_it(struct site *s, const struct migrate_plan *p, size_t i, struct migrate_cert_plan *cp, struct err *e)
{
	const struct migrate_lineage *l = cp->lineage;
	AUTO(xfreep) char *base = make_label(l);
	for (size_t k = 0; k < s->config->n_certs && !cp->configured; k++) {
		const struct config_cert *c = &s->config->certs[k];
		bool unused = true;
		for (size_t j = 0; j < i; j++)
			unused = unused && p->certs[j].configured != c;
		if (unused && l->names.n && strv_same_set(&c->names, &l->names))
			cp->configured = c;
	}
	if (cp->configured) {
		cp->name = xstrdup(cp->configured->name);
		return 0;
	}
	for (unsigned n = 1;; n++) {
		AUTO(xfreep) char *name = n == 1 ? xstrdup(base) : xasprintf("%s-%u", base, n);
		bool ok;
		if (is_free(s, p, i, name, l, &ok, e))
			return -1;
		if (ok) {
			cp->name = TAKE(name);
			return 0;
		}
	}
}

/* What of it is here already. */
static int compare(struct site *s, struct migrate_cert_plan *cp, struct err *e)
{
	const struct x509_info *info = x509_chain_info(cp->lineage->chain);
	struct store_cert row = {0};
	bool found = false;
	if (s->store && store_cert_get(s->store, cp->name, &row, &found, e))
		return -1;
	if (!found)
		return 0;
	if (row.generation && !strcmp(row.serial, info->serial)) {
		cp->action = MIGRATE_HERE;
	} else if (row.generation && row.not_before >= info->not_before) {
		cp->action = MIGRATE_HERE;
		cp->why = xstrdup("a newer certificate of these names is here");
	}
	store_cert_done(&row);
	return 0;
}

/* The CA of its account, else any that is configured with the directory. */
static void place_at_ca(struct site *s, struct migrate_plan *p, struct migrate_cert_plan *cp)
{
	const struct migrate_lineage *l = cp->lineage;
	for (size_t i = 0; i < p->found->n_accounts && !cp->ca; i++)
		if (uses(l, p->accounts[i].account))
			cp->ca = p->accounts[i].ca;
	for (size_t i = 0; i < s->config->n_cas && !cp->ca; i++)
		if (is_at(s->cas[i].conf->directory, l->directory, l->server))
			cp->ca = &s->cas[i];
	if (cp->ca)
		cp->ca_name = xstrdup(cp->ca->conf->name);
	else if (*l->directory || *l->server)
		cp->ca_name = xstrdup(missing_ca(p, l->directory, l->server));
	else
		cp->ca_name = xstrdup("");
}

static int decide_certs(struct site *s, struct migrate_plan *p, struct err *e)
{
	const struct migrate_found *f = p->found;
	p->certs = xcalloc(f->n_lineages ? f->n_lineages : 1, sizeof(*p->certs));
	for (size_t i = 0; i < f->n_lineages; i++) {
		struct migrate_cert_plan *cp = &p->certs[i];
		cp->lineage = &f->lineages[i];
		place_at_ca(s, p, cp);
		if (name_it(s, p, i, cp, e))
			return -1;
		if (cp->lineage->problem) {
			cp->action = MIGRATE_CANNOT;
			cp->why = xstrdup(cp->lineage->problem);
		} else if (compare(s, cp, e)) {
			return -1;
		} else if (cp->action == MIGRATE_TAKE && !cp->ca) {
			cp->action = MIGRATE_NO_CA;
			cp->why = *cp->ca_name ? xasprintf("its CA is not configured; \"%s\" is suggested below",
							 cp->ca_name)
					       : xstrdup("which CA issued it is not known");
		}
	}
	return 0;
}

int migrate_plan_make(struct site *s, const struct migrate_found *found, struct migrate_plan *ret, struct err *e)
{
	*ret = (struct migrate_plan){.found = found};
	if (!decide_accounts(s, ret, e) && !decide_certs(s, ret, e))
		return 0;
	migrate_plan_done(ret);
	return -1;
}

void migrate_plan_done(struct migrate_plan *p)
{
	for (size_t i = 0; p->accounts && i < p->found->n_accounts; i++)
		free(p->accounts[i].why);
	for (size_t i = 0; p->certs && i < p->found->n_lineages; i++) {
		free(p->certs[i].name);
		free(p->certs[i].ca_name);
		free(p->certs[i].why);
	}
	for (size_t i = 0; i < p->n_missing; i++) {
		free(p->missing[i].name);
		free(p->missing[i].directory);
	}
	free(p->accounts);
	free(p->certs);
	free(p->missing);
	*p = (struct migrate_plan){0};
}

bool migrate_plan_adds(const struct migrate_plan *p)
{
	for (size_t i = 0; i < p->found->n_lineages; i++)
		if (!p->certs[i].configured && p->certs[i].lineage->names.n)
			return true;
	return p->n_missing > 0;
}
