/* cmd_ca.c: perdure ca list and ca probe. */
#include <string.h>

#include "acme/directory.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "inventory/cafacts.h"

/* ---- list ---- */

static void print_preset(const struct cli *c, const struct config_preset *p)
{
	if (!c->json) {
		out_text("%-20s %-9s %s\n%-20s %-9s %s\n", p->name,
			p->level == CONFIG_LEVEL_UNSET ? "-"
			: p->level == 2                ? "level 02"
			: p->level                     ? "level 01"
						       : "level 00",
			p->directory, "", p->eab ? "EAB" : "", p->note);
		return;
	}
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "name", p->name);
	json_out_str(&j.w, "directory", p->directory);
	json_out_str(&j.w, "issuer", p->issuer);
	if (p->level == CONFIG_LEVEL_UNSET)
		json_out_null(&j.w, "level");
	else
		json_out_int(&j.w, "level", p->level);
	json_out_bool(&j.w, "eab", p->eab);
	json_out_str(&j.w, "note", p->note);
	out_json_end(&j);
}

static int run_list(struct cli *c, struct err *e)
{
	size_t n;
	const struct config_preset *p = config_presets(&n);
	(void)e;
	for (size_t i = 0; i < n; i++)
		print_preset(c, &p[i]);
	return EXIT_DONE;
}

const struct cli_verb verb_ca_list = {
	.name = "ca list",
	.args = "",
	.summary = "list the CAs that can be named without further settings",
	.about = "The level is the text of dns-persist-01 that the CA spoke when this version was made, \"-\" where it "
		 "did not offer the method.\n"
		 "\"perdure ca probe\" asks the CA itself.",
	.examples = "  perdure ca list",
	.run = run_list,
};

/* ---- probe ---- */

/* What can be said before any order: a directory tells level 02, but not 00 from 01. */
static const char *level_words(const struct acme_directory *d, const struct config_ca *conf)
{
	if (d->account_hash_prefix)
		return "02 (the directory has accountHashPrefix)";
	const struct config_preset *preset = config_find_preset(conf->name);
	int level = conf->level != CONFIG_LEVEL_UNSET ? conf->level : preset ? preset->level : CONFIG_LEVEL_UNSET;
	if (level != CONFIG_LEVEL_UNSET)
		return level ? "01 (by configuration or preset; a challenge will show it)"
			     : "00 (by configuration; a challenge will show it)";
	return "00 or 01 if offered at all (only a challenge shows it)";
}

static void print_text(const struct acme_directory *d, const struct config_ca *conf, const struct cafacts *f)
{
	AUTO(xfreep) char *caa = strv_join(&d->caa_identities, ", ");
	AUTO(xfreep) char *announced = strv_join(&d->issuer_domain_names, ", ");
	AUTO(xfreep) char *issuers = strv_join(&f->issuers, ", ");
	out_text("directory:              %s\nlevel:                  %s\nissuer for records:     %s\n",
		conf->directory, level_words(d, conf),
		issuers[0] ? issuers : "(not known: set issuer: in the CA's entry)");
	out_text("issuerDomainNames:      %s\ncaaIdentities:          %s\n", announced[0] ? announced : "-",
		caa[0] ? caa : "-");
	if (d->account_hash_prefix)
		out_text("accountHashPrefix:      %s\n", d->account_hash_prefix);
	out_text("account binding (EAB):  %s\nrenewal info (ARI):     %s\nkey change:             %s\nterms of "
		 "service:       %s\n",
		d->external_account_required ? "required" : "not required", d->renewal_info[0] ? d->renewal_info : "no",
		d->key_change[0] ? "yes" : "no", d->terms_of_service[0] ? d->terms_of_service : "-");
	for (size_t i = 0; i < d->n_profiles; i++)
		out_text("profile:                %-14s %s\n", d->profiles[i].name, d->profiles[i].description);
}

static void print_json(const struct acme_directory *d, const struct config_ca *conf, const struct cafacts *f)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "ca", conf->name);
	json_out_str(&j.w, "directory", conf->directory);
	json_out_array(&j.w, "levels");
	for (int i = 0; i < f->n_levels; i++)
		json_out_int(&j.w, NULL, f->levels[i]);
	json_out_end_array(&j.w);
	json_out_strv(&j.w, "issuers", &f->issuers);
	json_out_strv(&j.w, "issuer_domain_names", &d->issuer_domain_names);
	json_out_strv(&j.w, "caa_identities", &d->caa_identities);
	json_out_str(&j.w, "account_hash_prefix", d->account_hash_prefix);
	json_out_bool(&j.w, "external_account_required", d->external_account_required);
	json_out_str(&j.w, "renewal_info", d->renewal_info[0] ? d->renewal_info : NULL);
	json_out_str(&j.w, "terms_of_service", d->terms_of_service[0] ? d->terms_of_service : NULL);
	json_out_array(&j.w, "profiles");
	for (size_t i = 0; i < d->n_profiles; i++) {
		json_out_object(&j.w, NULL);
		json_out_str(&j.w, "name", d->profiles[i].name);
		json_out_str(&j.w, "description", d->profiles[i].description);
		json_out_end_object(&j.w);
	}
	json_out_end_array(&j.w);
	out_json_end(&j);
}

static int run_probe(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(cafacts_done) struct cafacts f = {0};
	struct site_ca *ca;
	const struct acme_directory *d;
	struct err no_issuer = {0};
	if (pick_site(c, SITE_STATE_READ, &s, e) || site_find_ca(&s, c->args.v[0], &ca, e) ||
		site_directory(&s, ca, &d, e))
		return -1;
	/* A CA whose issuer nobody knows can be probed all the same: that is what the probe is for. */
	if (cafacts_make(ca->conf, d, &f, &no_issuer))
		err_done(&no_issuer);
	if (c->json)
		print_json(d, ca->conf, &f);
	else
		print_text(d, ca->conf, &f);
	return EXIT_DONE;
}

const struct cli_verb verb_ca_probe = {
	.name = "ca probe",
	.args = "CA",
	.min_args = 1,
	.max_args = 1,
	.summary = "ask a CA what it offers now: level, issuers, profiles, EAB, ARI",
	.about = "One request for the directory; no account is needed.",
	.examples = "  perdure ca probe google",
	.run = run_probe,
};
