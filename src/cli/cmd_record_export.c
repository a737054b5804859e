/* cmd_record_export.c: perdure record export and record template. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "inventory/desired.h"
#include "inventory/export_collect.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/wishes.h"

enum what { WHAT_RECORDS, WHAT_CAA, WHAT_DELEGATIONS, WHAT_TOKENS, WHAT_ALL };

static int read_what(const struct cli *c, enum what *ret, struct err *e)
{
	static const char *const names[] = {"records", "caa", "delegations", "tokens"};
	const char *s = cli_value(c, "what");
	*ret = WHAT_RECORDS;
	for (size_t i = 0; s && i < ARRAY_LEN(names); i++)
		if (!strcmp(s, names[i])) {
			*ret = (enum what)i;
			s = NULL;
		}
	if (s)
		return err_set(e, ERR_USAGE, "--what %s: records, caa, delegations or tokens is needed", s);
	if (*ret != WHAT_DELEGATIONS && cli_value(c, "validation-zone")) {
		err_set(e, ERR_USAGE, "--validation-zone goes with --what delegations");
		err_hint(
			e, "perdure record export --format zone --what delegations --validation-zone auth.example.net");
		return -1;
	}
	return 0;
}

/* Where CAA goes, and for which records. */
struct caa {
	struct export_set *set;
	const struct desired *d;
	uint32_t ttl;
};

static int add_caa(const struct site_ca *ca, const struct cafacts *f, void *ctx, struct err *e)
{
	struct caa *caa = ctx;
	(void)e;
	export_collect_caa(caa->set, caa->d, ca, f, caa->ttl);
	return 0;
}

/* What the configuration says of delegations and tokens. */
static int collect_wishes(
	struct cli *c, struct site *s, enum what what, const struct strv *names, struct export_set *set, struct err *e)
{
	AUTO(wishes_done) struct wishes w = {0};
	AUTO(tokens_done) struct tokens tokens = {0};
	bool tokens_too = what == WHAT_TOKENS || (what == WHAT_ALL && !names->n && !cli_value(c, "ca"));
	if (what != WHAT_TOKENS && wishes_delegations(&w, s->config, names->n ? names : NULL, cli_value(c, "ca"), e))
		return -1;
	if (what == WHAT_DELEGATIONS && !w.n && !config_delegation_given(&s->config->delegation)) {
		err_set(e, ERR_USAGE, "no certificate of %s is validated by delegation", s->config->path);
		err_hint(e, "add delegation: {zone: ZONE} there, or give --validation-zone ZONE");
		return -1;
	}
	if (tokens_too && tokens_open(s->config, &tokens, e))
		return -1;
	tokens_wishes(&tokens, NULL, &w);
	export_collect_wishes(set, &w);
	return 0;
}

/* What the command line asks for, with zones and with what stands already. */
static int collect(struct cli *c, struct site *s, enum what what, struct export_set *set, struct err *e)
{
	AUTO(strv_done) struct strv names = {0}, zones = {0};
	AUTO(desired_done) struct desired d = {0};
	if (pick_names(&c->args, &names, e) || pick_names(cli_values(c, "zone"), &zones, e) ||
		pick_site(c, SITE_STATE_READ, s, e))
		return -1;
	struct caa caa = {.set = set, .d = &d, .ttl = (uint32_t)s->config->record_ttl};
	const char *zone = what == WHAT_DELEGATIONS ? cli_value(c, "validation-zone") : NULL;
	bool wishes = what == WHAT_TOKENS || what == WHAT_ALL || (what == WHAT_DELEGATIONS && !zone);
	bool records = what == WHAT_RECORDS || what == WHAT_ALL;
	if ((records || zone || what == WHAT_CAA) &&
		pick_desired(c, s, &names, &d, what == WHAT_CAA ? add_caa : NULL, &caa, e))
		return -1;
	if (records)
		export_collect_records(set, &d, caa.ttl);
	struct config_delegation to = s->config->delegation; /* its TTLs */
	to.provider = NULL;
	to.zone = zone;
	to.name = NULL;
	if ((zone && export_collect_delegations(set, &d, &to, e)) ||
		(wishes && collect_wishes(c, s, what, &names, set, e)))
		return -1;
	export_merge(set);
	export_zones(set, (const char *const *)zones.v, zones.n);
	if (!cli_flag(c, "offline") && (site_dns(s, e) || export_observe(s, set, e)))
		return -1;
	return export_sort(set, e);
}

static void warn_foreign(const struct export_set *set, const struct export_format *f)
{
	size_t n = 0;
	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].n_foreign > 0;
	if (n && f->whole)
		log_info("%zu names hold values of others; %s owns a name whole, so they are repeated in the output", n,
			f->name);
}

static void export_values(struct json_out *w, const char *member, const struct export_value *v, size_t n)
{
	json_out_array(w, member);
	for (size_t i = 0; i < n; i++) {
		json_out_object(w, NULL);
		json_out_str(w, "text", v[i].text);
		json_out_str(w, "tag", v[i].tag);
		json_out_bool(w, "published", v[i].stands);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static void export_json_lines(const struct export_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct export_rrset *r = &set->v[i];
		char rel[256];
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "zone", r->zone);
		json_out_str(&j.w, "host", export_relative(r, rel));
		json_out_str(&j.w, "owner", r->owner);
		json_out_str(&j.w, "type", export_type_name(r->type));
		json_out_int(&j.w, "ttl", r->ttl);
		json_out_bool(&j.w, "automated", r->automated);
		export_values(&j.w, "values", r->ours, r->n_ours);
		export_values(&j.w, "foreign", r->foreign, r->n_foreign);
		out_json_end(&j);
	}
}

static int print_export(const struct export_set *set, const struct export_format *format, struct err *e)
{
	AUTO(buf_done) struct buf out = buf_make(BUF_MAX_NAMES_FILE * 8);
	warn_foreign(set, format);
	format->write(set, &out);
	if (buf_check(&out, "the export", e))
		return -1;
	out_text("%s", buf_str(&out));
	return 0;
}

static int run_export(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(export_set_done) struct export_set set = {0};
	const struct export_format *format = NULL;
	enum what what;
	if (!cli_value(c, "format") && !c->json)
		return err_set(e, ERR_USAGE, "--format is needed; \"perdure record export --help\" lists the formats");
	if (cli_value(c, "format") && export_format_find(cli_value(c, "format"), &format, e))
		return -1;
	if (read_what(c, &what, e) || collect(c, &s, what, &set, e))
		return -1;
	if (!format || c->json)
		export_json_lines(&set);
	else if (print_export(&set, format, e))
		return -1;
	if (!set.n)
		log_warn("no certificate is configured in %s; name domains on the command line to export their records",
			s.config->path);
	return EXIT_DONE;
}

static const struct cli_option export_options[] = {
	{"format", 'f', "FORMAT", false, "for which tool: see above"},
	{"what", 0, "WHAT", false, "records (default), caa, delegations, or tokens"},
	{"validation-zone", 0, "ZONE", false,
		"for delegations of all names, as \"delegation: {zone: ZONE}\" in the configuration makes them"},
	{"zone", 0, "ZONE", true, "a zone that the names are in; otherwise the DNS is asked"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"offline", 0, NULL, false, "ask neither the CAs nor the DNS"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_export = {
	.name = "record export",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "print the records to publish in the language of another tool",
	.about = "Formats: zone, nsupdate, terraform-cloudflare, terraform-cloudflare4, terraform-aws, "
		 "terraform-google,\n"
		 "terraform-azure, terraform-digitalocean, terraform-hetzner, dnscontrol, octodns, external-dns, "
		 "ansible,\n"
		 "aws-cli, gcloud, cfcli. The DNS is asked which zone each name is in and what stands there: tools "
		 "that own a\n"
		 "name whole get the values of others too, and what stands comes with an import. --what caa prints CAA "
		 "records\n"
		 "that tie each domain to the account and to dns-persist-01: from then on no other CA may issue for "
		 "it.\n"
		 "--what delegations prints the standing CNAME of each name for CAs that only have dns-01; --what "
		 "tokens the\n"
		 "token records, with their secret values.",
	.options = export_options,
	.examples = "  perdure record export --format terraform-aws > acme.tf\n"
		    "  perdure record export --format nsupdate example.com '*.example.com'\n"
		    "  perdure record export --format zone --what caa --offline --zone example.com",
	.run = run_export,
};

static void template_json(const struct export_rrset *r, const struct export_value *v, const char *host)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "zone", r->zone);
	json_out_str(&j.w, "host", host);
	json_out_str(&j.w, "owner", r->owner);
	json_out_str(&j.w, "type", export_type_name(r->type));
	json_out_int(&j.w, "ttl", r->ttl);
	json_out_str(&j.w, "value", v->text);
	json_out_bool(&j.w, "published", v->stands);
	out_json_end(&j);
}

static void template_text(const struct export_rrset *r, const struct export_value *v, const char *host)
{
	out_text("zone   %s\ntype   %s\nhost   %s\n       (%s where the form wants the full name)\nTTL    %u\nvalue  "
		 "%s\n",
		r->zone, export_type_name(r->type), host, r->owner, r->ttl, v->text);
	out_text("%s\n", v->stands      ? "       stands already: nothing to do\n"
			 : r->n_foreign ? "       add it beside the value that is there, do not replace that one\n"
					: "");
}

static int run_template(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(export_set_done) struct export_set set = {0};
	if (collect(c, &s, WHAT_ALL, &set, e))
		return -1;
	for (size_t i = 0; i < set.n; i++)
		for (size_t k = 0; k < set.v[i].n_ours; k++) {
			const struct export_rrset *r = &set.v[i];
			char rel[256];
			const char *host = export_relative(r, rel);
			(c->json ? template_json : template_text)(r, &r->ours[k], host);
		}
	return EXIT_DONE;
}

static const struct cli_option template_options[] = {
	{"zone", 0, "ZONE", true, "a zone that the names are in; otherwise the DNS is asked"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"offline", 0, NULL, false, "ask neither the CAs nor the DNS"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_template = {
	.name = "record template",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "print the fields of each record, for a provider's web form",
	.about = "Web forms differ: most want the host relative to the zone, as printed; some want the full name. The "
		 "value goes\n"
		 "in as it is, without quotes. What stands already is said. Without names the CNAMEs of delegations "
		 "and the "
		 "token\n"
		 "records are printed, too.",
	.options = template_options,
	.examples = "  perdure record template '*.example.com'",
	.run = run_template,
};
