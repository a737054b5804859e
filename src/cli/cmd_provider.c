/* cmd_provider.c: perdure provider list, test, policy, register. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "inventory/delegation.h"
#include "inventory/providertest.h"
#include "inventory/site.h"
#include "inventory/wishes.h"
#include "provider/acmedns.h"
#include "provider/provider.h"

enum { POLICY_MAX = 1 << 20, WAIT_DEFAULT_S = 120, WAIT_MAX_S = 3600 };

static int find(const struct config *c, const char *name, const struct config_provider **ret, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(400);
	*ret = config_find_provider(c, name);
	if (*ret)
		return 0;
	for (size_t i = 0; i < c->n_providers; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", c->providers[i].name);
	err_set(e, ERR_USAGE, "there is no provider \"%s\" in %s", name, c->path);
	err_hint(e, "%s%s", c->n_providers ? "configured: " : "add it to providers in the configuration", buf_str(&b));
	return -1;
}

/* --- provider list --- */

static void list_json(const struct config *conf)
{
	struct out_json j;
	size_t n;
	const struct provider_driver *const *d = provider_drivers(&n);
	out_json_begin(&j);
	json_out_array(&j.w, "providers");
	for (size_t i = 0; i < conf->n_providers; i++) {
		const struct config_provider *p = &conf->providers[i];
		json_out_object(&j.w, NULL);
		json_out_str(&j.w, "name", p->name);
		json_out_str(&j.w, "type", p->type);
		json_out_strv(&j.w, "zones", &p->zones);
		json_out_end_object(&j.w);
	}
	json_out_end_array(&j.w);
	json_out_array(&j.w, "types");
	for (size_t i = 0; i < n; i++) {
		json_out_object(&j.w, NULL);
		json_out_str(&j.w, "type", provider_driver_type(d[i]));
		json_out_str(&j.w, "about", provider_driver_title(d[i]));
		json_out_end_object(&j.w);
	}
	json_out_end_array(&j.w);
	out_json_end(&j);
}

static int run_list(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	size_t n;
	const struct provider_driver *const *d = provider_drivers(&n);
	if (site_open(&(struct site_options){.config_path = c->config, .state = SITE_STATE_NONE}, &s, e))
		return -1;
	if (c->json) {
		list_json(s.config);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < s.config->n_providers; i++) {
		const struct config_provider *p = &s.config->providers[i];
		AUTO(xfreep) char *zones = strv_join(&p->zones, ", ");
		out_text("%-20s %-14s %s\n", p->name, p->type, p->zones.n ? zones : "all zones that it holds");
	}
	if (!s.config->n_providers)
		out_text("no provider is configured in %s\n", s.config->path);
	if (c->quiet)
		return EXIT_DONE;
	out_text("\ntypes:\n");
	for (size_t i = 0; i < n; i++)
		out_text("  %-18s %s\n", provider_driver_type(d[i]), provider_driver_title(d[i]));
	return EXIT_DONE;
}

const struct cli_verb verb_provider_list = {
	.name = "provider list",
	.args = "",
	.summary = "the DNS providers that are configured, and the types there are",
	.about = "No secret file is opened and nobody is asked.",
	.examples = "  perdure provider list",
	.run = run_list,
};

/* --- provider test --- */

struct steps {
	const struct cli *c;
	struct out_json *j;
};

static void on_step(const char *step, bool ok, const char *detail, void *ctx)
{
	const struct steps *s = ctx;
	if (s->c->json) {
		json_out_object(&s->j->w, NULL);
		json_out_str(&s->j->w, "step", step);
		json_out_bool(&s->j->w, "ok", ok);
		json_out_str(&s->j->w, "detail", detail);
		json_out_end_object(&s->j->w);
		return;
	}
	if (s->c->quiet && ok)
		return;
	AUTO(buf_done) struct buf shown = buf_make(4096);
	log_escape(&shown, detail);
	out_text("%s%-6s%s %-12s %s\n", out_colour_on(ok ? OUT_GOOD : OUT_BAD), ok ? "ok" : "FAILED", out_colour_off(),
		step, buf_str(&shown));
	struct err ignored = {0};
	if (out_flush(&ignored))
		err_done(&ignored);
}

static int run_test(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	const struct config_provider *p;
	struct out_json j;
	struct steps steps = {.c = c, .j = &j};
	int64_t wait;
	if (cli_number(c, "wait", WAIT_DEFAULT_S, 0, WAIT_MAX_S, &wait, e) ||
		site_open(&(struct site_options){.config_path = c->config, .state = SITE_STATE_NONE}, &s, e) ||
		find(s.config, c->args.v[0], &p, e))
		return -1;
	struct provider_test_options o = {.zone = cli_value(c, "zone"),
		.name = cli_value(c, "name"),
		.wait_ms = wait * 1000,
		.step = on_step,
		.ctx = &steps};
	if (!c->json)
		return provider_test(&s, p, &o, e) ? -1 : EXIT_DONE;
	out_json_begin(&j);
	json_out_str(&j.w, "provider", p->name);
	json_out_str(&j.w, "type", p->type);
	json_out_array(&j.w, "steps");
	int rc = provider_test(&s, p, &o, e);
	int status = rc ? cli_status_of(e) : EXIT_DONE;
	json_out_end_array(&j.w);
	json_out_bool(&j.w, "ok", !rc);
	out_json_err(&j.w, e);
	out_json_end(&j);
	err_done(e);
	return status;
}

static const struct cli_option test_options[] = {
	{"zone", 0, "ZONE", false,
		"make the scratch name in this zone; the first of the provider's list when not given"},
	{"name", 0, "NAME", false,
		"write at this name instead of a scratch name, for keys that may write certain names only"},
	{"wait", 0, "SECONDS", false, "how long to wait for the authoritative servers (120)"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_provider_test = {
	.name = "provider test",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "try a provider: credentials, zone, a write, its visibility, its removal",
	.about = "A TXT record is written at a name that nothing else uses, looked for at every authoritative server, "
		 "and "
		 "removed again, also after a failure or Ctrl-C. With --name the record is put beside what is at that "
		 "name, "
		 "which stays.",
	.options = test_options,
	.examples = "  perdure provider test edge --zone example.com\n"
		    "  perdure provider test edge --name _validation-persist.example.com",
	.run = run_test,
};

/* --- provider policy --- */

/* Adds a name unless another provider would write there. */
static void want_owner(const struct config *c, const struct config_provider *p, const char *owner, struct strv *ret)
{
	const struct config_provider *of;
	for (size_t n = 0; (of = config_provider_for(c, owner, n, NULL)) && of != p; n++)
		;
	if (of)
		strv_add(ret, owner);
}

/* The CNAME of a name, and where renewals put its values; an account's name is not this machine's business. */
static int want_delegation(const struct config *c, const struct config_provider *p, const struct config_cert *cert,
	const char *name, struct strv *ret, struct err *e)
{
	AUTO(delegation_done) struct delegation d = {0};
	const char *fqdn = strncmp(name, "*.", 2) ? name : name + 2;
	if (cert->delegation->provider) {
		AUTO(xfreep) char *owner = delegation_owner(fqdn);
		want_owner(c, p, owner, ret);
		return 0;
	}
	if (delegation_of(cert->delegation, NULL, fqdn, &d, e))
		return err_ctx(e, "certificate %s", cert->name);
	want_owner(c, p, d.owner, ret);
	want_owner(c, p, d.target, ret);
	return 0;
}

/* The owner names of the configured records, delegations and tokens that this provider would write. */
static int wanted_owners(const struct config *c, const struct config_provider *p, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < c->n_certs; i++)
		for (size_t k = 0; k < c->certs[i].names.n; k++) {
			const struct config_cert *cert = &c->certs[i];
			const char *name = cert->names.v[k];
			AUTO(xfreep)
			char *owner = xasprintf("_validation-persist.%s", strncmp(name, "*.", 2) ? name : name + 2);
			if (wishes_need_record(cert))
				want_owner(c, p, owner, ret);
			if (wishes_need_delegation(c, cert) && want_delegation(c, p, cert, name, ret, e))
				return -1;
		}
	for (size_t i = 0; i < c->n_tokens; i++)
		want_owner(c, p, c->tokens[i].owner, ret);
	strv_sort_unique(ret);
	return 0;
}

static int run_policy(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv owners = {0};
	AUTO(buf_done) struct buf b = buf_make(POLICY_MAX);
	const struct config_provider *p;
	if (site_open(&(struct site_options){.config_path = c->config, .state = SITE_STATE_NONE}, &s, e) ||
		find(s.config, c->args.v[0], &p, e) || wanted_owners(s.config, p, &owners, e))
		return -1;
	provider_policy(p, &owners, &b);
	if (buf_check(&b, "the policy", e))
		return -1;
	if (!c->json) {
		out_text("%s", buf_str(&b));
		return EXIT_DONE;
	}
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "provider", p->name);
	json_out_str(&j.w, "type", p->type);
	json_out_strv(&j.w, "names", &owners);
	json_out_str(&j.w, "policy", buf_str(&b));
	out_json_end(&j);
	return EXIT_DONE;
}

const struct cli_verb verb_provider_policy = {
	.name = "provider policy",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "the least rights that a provider's credentials need, ready to paste",
	.about = "For the records of the configured certificates that this provider would write. No secret file is "
		 "opened "
		 "and nobody is asked.",
	.examples = "  perdure provider policy edge",
	.run = run_policy,
};

/* --- provider register --- */

struct registering {
	const struct cli *c;
	const struct config *conf;
	size_t n;
};

static void registered_json(const char *domain, const char *fulldomain)
{
	AUTO(xfreep) char *owner = delegation_owner(domain);
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "domain", *domain ? domain : NULL);
	json_out_str(&j.w, "owner", *domain ? owner : NULL);
	json_out_str(&j.w, "fulldomain", fulldomain);
	out_json_end(&j);
}

static void on_registered(const char *domain, const char *fulldomain, void *ctx)
{
	struct registering *r = ctx;
	AUTO(xfreep) char *owner = delegation_owner(*domain ? domain : "DOMAIN");
	r->n++;
	if (r->c->json)
		registered_json(domain, fulldomain);
	else if (fulldomain)
		out_text("%s. %lld IN CNAME %s.\n", owner, (long long)r->conf->delegation.cname_ttl, fulldomain);
	else
		out_text("%s would get an account\n", *domain ? domain : "all domains together");
	struct err ignored = {0};
	if (out_flush(&ignored))
		err_done(&ignored);
}

/* The domains on the command line, or all that the configuration leads to accounts of p. */
static int wanted_accounts(const struct cli *c, const struct config *conf, const struct config_provider *p,
	struct strv *ret, bool *ret_one, struct err *e)
{
	AUTO(strv_done) struct strv given = {0}, names = {0};
	if (wishes_accounts(conf, p, ret, ret_one, e))
		return -1;
	if (c->args.n < 2)
		return 0;
	for (size_t i = 1; i < c->args.n; i++)
		strv_add(&given, c->args.v[i]);
	if (pick_names(&given, &names, e))
		return -1;
	strv_done(ret);
	*ret = (struct strv){0};
	for (size_t i = 0; i < names.n; i++)
		strv_add(ret, strncmp(names.v[i], "*.", 2) ? names.v[i] : names.v[i] + 2);
	strv_sort_unique(ret);
	return 0;
}

static int run_register(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv domains = {0};
	const struct config_provider *p;
	struct registering r = {.c = c};
	bool one;
	if (site_open(&(struct site_options){.config_path = c->config, .state = SITE_STATE_NONE}, &s, e) ||
		find(s.config, c->args.v[0], &p, e))
		return -1;
	if (strcmp(p->type, "acme-dns") != 0)
		return err_set(e, ERR_USAGE, "provider %s is of type %s: only acme-dns has accounts for names", p->name,
			p->type);
	if (wanted_accounts(c, s.config, p, &domains, &one, e))
		return -1;
	r.conf = s.config;
	if (acmedns_register(s.loop, p, &domains, one, cli_flag(c, "dry-run"), on_registered, &r, e))
		return -1;
	if (!domains.n)
		log_warn("no certificate has its delegation at provider %s; name domains to register accounts for them",
			p->name);
	else if (!r.n && !c->quiet && !c->json)
		out_text("nothing to do: all have their accounts\n");
	return EXIT_DONE;
}

static const struct cli_option register_options[] = {
	{"dry-run", 0, NULL, false, "only say who would get an account"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_provider_register = {
	.name = "provider register",
	.args = "NAME [DOMAIN…]",
	.min_args = 1,
	.max_args = -1,
	.summary = "get the accounts at an acme-dns server that are missing",
	.about = "One for each domain whose delegation leads to this provider, or one for all with \"shared: true\". "
		 "What "
		 "accounts_file\nhas already stays as it is. The CNAMEs to publish are printed; \"perdure record "
		 "plan\" has "
		 "them, too.",
	.options = register_options,
	.examples = "  perdure provider register adns\n  perdure provider register adns example.com",
	.run = run_register,
};
