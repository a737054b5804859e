/* dns01ask.c: the domains of `perdure migrate dns-01`, and what should stand for each. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/dns01.h"
#include "cli/pick.h"
#include "cli/recordplan.h"
#include "inventory/delegation.h"
#include "provider/acmeaccounts.h"

void dns01_done(struct dns01 *d)
{
	for (size_t i = 0; i < d->n; i++) {
		strv_done(&d->domains[i].names);
		free(d->domains[i].target);
		oldproof_done(&d->domains[i].old);
	}
	free(d->domains);
	for (size_t i = 0; i < d->n_cas; i++)
		cafacts_done(&d->facts[i]);
	free(d->facts);
	free(d->cas);
	strv_done(&d->names);
	desired_done(&d->desired);
	wishes_done(&d->wishes);
	ours_done(&d->ours);
	site_close(&d->site);
}

/* ---- names ---- */

static const char *fqdn_of(const char *name)
{
	return strncmp(name, "*.", 2) ? name : name + 2;
}

/* By domain, the domain itself before its wildcard. */
static int by_domain(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int r = strcmp(fqdn_of(x), fqdn_of(y));
	return r ? r : strcmp(y, x);
}

static int read_names(struct dns01 *d, struct err *e)
{
	AUTO(strv_done) struct strv given = {0};
	if (check_names(d->c, &given, e))
		return -1;
	if (!given.n) {
		err_set(e, ERR_USAGE, "no names are given");
		err_hint(e, "name domains, or a file with them: perdure migrate dns-01 --names FILE");
		return -1;
	}
	for (size_t i = 0; i < given.n; i++) {
		strv_add(&d->names, given.v[i]);
		if (cli_flag(d->c, "wildcard") && given.v[i][0] != '*')
			strv_add_take(&d->names, xasprintf("*.%s", given.v[i]));
	}
	strv_sort_unique(&d->names);
	qsort(d->names.v, d->names.n, sizeof(*d->names.v), by_domain);
	d->domains = xcalloc(d->names.n, sizeof(*d->domains));
	for (size_t i = 0; i < d->names.n; i++) {
		const char *fqdn = fqdn_of(d->names.v[i]);
		if (!d->n || strcmp(d->domains[d->n - 1].fqdn, fqdn) != 0)
			d->domains[d->n++].fqdn = fqdn;
		strv_add(&d->domains[d->n - 1].names, d->names.v[i]);
	}
	return 0;
}

/* ---- CAs ---- */

static int add_ca(struct dns01 *d, struct site_ca *ca, struct err *e)
{
	if (pick_cafacts(&d->site, ca, cli_flag(d->c, "offline"), &d->facts[d->n_cas], e))
		return -1;
	d->cas[d->n_cas] = ca;
	const struct cafacts *f = &d->facts[d->n_cas++];
	ours_add(&d->ours, ca, f);
	return desired_add(&d->desired, d->site.config, ca, f, &d->names, e);
}

/* That of --ca, or all; and that of --staging, whose account needs records of its own. */
static int add_cas(struct dns01 *d, struct err *e)
{
	struct site *s = &d->site;
	struct site_ca *only = NULL;
	if (cli_value(d->c, "ca") && pick_one_ca(d->c, s, &only, e))
		return -1;
	if (!s->config->n_cas)
		return err_set(e, ERR_CONFIG, "no CA is configured in %s", s->config->path);
	d->cas = xcalloc(s->config->n_cas, sizeof(*d->cas));
	d->facts = xcalloc(s->config->n_cas, sizeof(*d->facts));
	for (size_t i = 0; i < s->config->n_cas; i++) {
		struct site_ca *ca = &s->cas[i];
		if ((!only || ca == only || ca == d->staging) && add_ca(d, ca, e))
			return -1;
	}
	return 0;
}

/* ---- delegations ---- */

static const struct config_delegation *delegation_for(const struct config *c, const struct strv *names)
{
	for (size_t i = 0; i < c->n_certs; i++)
		for (size_t k = 0; k < names->n; k++)
			if (strv_has(&c->certs[i].names, names->v[k]) &&
				config_delegation_given(c->certs[i].delegation))
				return c->certs[i].delegation;
	return &c->delegation;
}

static int add_delegations(struct dns01 *d, struct err *e)
{
	AUTO(acmeaccounts_done) struct acmeaccounts accounts = {0};
	for (size_t i = 0; i < d->n; i++) {
		struct dns01_domain *m = &d->domains[i];
		AUTO(delegation_done) struct delegation to = {0};
		m->delegation = delegation_for(d->site.config, &m->names);
		if (delegation_of(m->delegation, &accounts, m->fqdn, &to, e))
			return -1;
		struct plan_want want = {.kind = PLAN_DELEGATION, .ca = "", .value = to.target};
		wishes_add(&d->wishes, PROVIDER_CNAME, to.owner, m->fqdn, to.cname_ttl, &want);
		m->target = TAKE(to.target);
	}
	return 0;
}

/* ---- the whole ---- */

static int read_to(struct dns01 *d, struct err *e)
{
	const char *to = cli_value(d->c, "to");
	d->delegate = to && !strcmp(to, "delegation");
	if (to && !d->delegate && strcmp(to, "persist") != 0)
		return err_set(e, ERR_USAGE, "--to %s: persist or delegation is needed", to);
	return 0;
}

/* A rehearsal of a delegation writes to the DNS, and what it has written into the state. */
static enum site_state state_of(const struct dns01 *d)
{
	bool writes =
		d->delegate && cli_value(d->c, "staging") && !cli_flag(d->c, "dry-run") && !cli_value(d->c, "format");
	return writes ? SITE_STATE_WRITE : SITE_STATE_READ;
}

int dns01_ask(struct dns01 *d, struct err *e)
{
	if (read_to(d, e) || read_names(d, e) || pick_site(d->c, state_of(d), &d->site, e))
		return -1;
	const char *staging = cli_value(d->c, "staging");
	if (staging && site_find_ca(&d->site, staging, &d->staging, e))
		return -1;
	wishes_zones(&d->ours, d->site.config);
	if (d->delegate ? add_delegations(d, e) : add_cas(d, e))
		return -1;
	if (!d->delegate)
		wishes_records(&d->wishes, &d->desired, d->site.config->record_ttl);
	return 0;
}
