/* audit_setup.c: what the audit measures by, put together. */
#include <string.h>

#include "acme/directory.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/pick.h"
#include "fleet/schedule.h"
#include "inventory/cafacts.h"

/* Without the directory the levels of a CA that speaks 02 are not known; its account is known all the same. */
static void take_facts(struct audit_ca *a, const struct site_ca *ca, const struct acme_directory *dir)
{
	AUTO(cafacts_done) struct cafacts f = {0};
	struct err why = {0};
	if (!cafacts_make(ca->conf, dir, &f, &why)) {
		strv_copy(&a->issuers, &f.issuers);
		a->n_levels = f.n_levels;
		memcpy(a->levels, f.levels, sizeof(a->levels));
		a->prefix = f.prefix ? xstrdup(f.prefix) : NULL;
		return;
	}
	log_warn("%s", why.msg);
	err_done(&why);
	strv_copy(&a->issuers, ca->conf->issuers.n ? &ca->conf->issuers : &ca->conf->preset_issuers);
}

static void add_ca(struct audit_context *x, struct site *s, struct site_ca *ca, bool offline)
{
	const struct acme_directory *dir = NULL;
	struct err unreachable = {0};
	if (!offline && site_directory(s, ca, &dir, &unreachable))
		log_warn("%s; going by the configuration alone", unreachable.msg);
	err_done(&unreachable);
	struct audit_ca *a = context_add_ca(x, ca->conf->name);
	take_facts(a, ca, dir);
	if (ca->account.url[0]) {
		a->account_url = xstrdup(ca->account.url);
		strv_copy(&a->thumbprints, &ca->account.thumbprints);
		a->account_since = ca->account.created;
		a->dead = strcmp(ca->account.status, "valid") != 0;
	}
	if (dir) {
		a->asked = true;
		strv_copy(&a->directory_issuers, &dir->issuer_domain_names);
		strv_copy(&a->caa_identities, &dir->caa_identities);
	}
}

static int64_t renewal(struct site *s, const struct config_cert *cert, struct err *e)
{
	struct store_cert row = {0};
	bool found = false;
	int64_t at = 0;
	if (!s->store || store_cert_get(s->store, cert->name, &row, &found, e))
		return err_is(e) ? -1 : 0;
	if (found && row.not_after)
		at = schedule_renew_at(row.not_before, row.not_after);
	store_cert_done(&row);
	return at;
}

static int add_wants(struct audit_context *x, struct site *s, struct err *e)
{
	for (size_t i = 0; i < s->config->n_certs; i++) {
		const struct config_cert *cert = &s->config->certs[i];
		int64_t at = renewal(s, cert, e);
		if (at < 0)
			return -1;
		for (size_t k = 0; k < s->config->n_cas; k++)
			for (size_t j = 0; strv_has(&cert->cas, s->config->cas[k].name) && j < cert->names.n; j++)
				context_add_want(x, cert->names.v[j], k, at);
	}
	x->has_inventory = s->config->n_certs > 0;
	return 0;
}

/* The account that --account-uri names: a CA without a name, which may be any. */
static int add_given_account(struct audit_context *x, const struct cli *c, struct err *e)
{
	const char *url = cli_value(c, "account-uri");
	const struct strv *thumbprints = cli_values(c, "thumbprint");
	if (!url && thumbprints->n) {
		err_set(e, ERR_USAGE, "--thumbprint without --account-uri");
		err_hint(e, "a digest is over both; \"perdure account show --public\" prints them");
		return -1;
	}
	if (!url)
		return 0;
	struct audit_ca *a = context_add_ca(x, "");
	a->account_url = xstrdup(url);
	strv_copy(&a->thumbprints, thumbprints);
	return 0;
}

static void add_all(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
}

static void add_delegation(struct audit_context *x, const struct config_delegation *d)
{
	if (d->zone)
		strv_add(&x->validation_zones, d->zone);
	if (d->name)
		strv_add(&x->validation_zones, d->name);
}

static void add_validation_zones(struct audit_context *x, const struct config *c)
{
	add_delegation(x, &c->delegation);
	for (size_t i = 0; i < c->n_own_delegations; i++)
		add_delegation(x, c->own_delegations[i]);
}

static int add_ignores(struct audit_context *x, const struct config *conf, const struct cli *c, struct err *e)
{
	for (size_t i = 0; i < conf->audit.n_ignores; i++) {
		const struct config_ignore *g = &conf->audit.ignores[i];
		if (context_add_ignore(x, g->rule, g->name, e))
			return err_ctx(e, "%s:%d:%d", g->mark.file, g->mark.line, g->mark.column);
	}
	const struct strv *given = cli_values(c, "ignore");
	for (size_t i = 0; i < given->n; i++) {
		size_t n = strcspn(given->v[i], ":");
		AUTO(xfreep) char *rule = xstrndup(given->v[i], n);
		if (context_add_ignore(x, rule, given->v[i][n] ? given->v[i] + n + 1 : NULL, e)) {
			e->kind = ERR_USAGE;
			return -1;
		}
	}
	return 0;
}

/* Says what cannot be judged for want of something to judge by. */
static void warn_of_gaps(const struct audit_context *x)
{
	bool account = x->accounts.n > 0;
	for (size_t i = 0; i < x->n_cas; i++)
		account |= x->cas[i].account_url != NULL;
	if (!context_judges_issuers(x))
		log_warn("no issuer is allowed by configuration or --allow-issuer: issuers are not judged");
	if (!account)
		log_warn("no account is known by configuration, --account-uri or --allow-account: accounts are not "
			 "judged");
}

int audit_context_make(struct cli *c, struct site *s, struct audit_context **ret, struct err *e)
{
	AUTO(context_freep) struct audit_context *x = context_new(clk_wall(s->clk) / 1000);
	const struct config_audit *conf = &s->config->audit;
	x->expiry_s = conf->expiry_ms / 1000;
	x->ttl = (uint32_t)s->config->record_ttl;
	for (size_t i = 0; i < s->config->n_cas; i++)
		add_ca(x, s, &s->cas[i], cli_flag(c, "offline"));
	if (add_wants(x, s, e) || add_given_account(x, c, e) || add_ignores(x, s->config, c, e))
		return -1;
	add_all(&x->issuers, &conf->issuers);
	add_all(&x->issuers, cli_values(c, "allow-issuer"));
	add_all(&x->accounts, &conf->accounts);
	add_all(&x->accounts, cli_values(c, "allow-account"));
	add_all(&x->zones, &conf->zones);
	add_validation_zones(x, s->config);
	add_all(&x->zones, cli_values(c, "own-zone"));
	add_all(&x->ct_issuers, &conf->ct_issuers);
	add_all(&x->ct_issuers, cli_values(c, "allow-ct-issuer"));
	if (audit_ct_make(c, s, &x->ct, e))
		return -1;
	if (context_ready(x, e))
		return -1;
	warn_of_gaps(x);
	*ret = TAKE(x);
	return 0;
}
