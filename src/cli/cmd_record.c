/* cmd_record.c: perdure record show and record judge. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "inventory/cafacts.h"
#include "inventory/desired.h"
#include "inventory/judge.h"

enum format { FORMAT_TEXT, FORMAT_ZONE, FORMAT_JSON };

static int read_format(const struct cli *c, enum format *ret, struct err *e)
{
	const char *f = cli_value(c, "format");
	if (!f)
		*ret = c->json ? FORMAT_JSON : FORMAT_TEXT;
	else if (!strcmp(f, "text"))
		*ret = FORMAT_TEXT;
	else if (!strcmp(f, "zone"))
		*ret = FORMAT_ZONE;
	else if (!strcmp(f, "json"))
		*ret = FORMAT_JSON;
	else
		return err_set(e, ERR_USAGE, "--format %s: text, zone or json is needed", f);
	return 0;
}

static void print_json(const struct desired_record *r)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "ca", r->ca);
	json_out_str(&j.w, "name", r->fqdn);
	json_out_bool(&j.w, "wildcard", r->wildcard);
	json_out_int(&j.w, "level", r->level);
	json_out_str(&j.w, "owner", r->owner);
	json_out_str(&j.w, "value", r->value);
	out_json_time(&j.w, "persist_until", r->until);
	json_out_str(&j.w, "zone_line", r->zone_line);
	out_json_end(&j);
}

static void print_text(const struct desired_record *r)
{
	out_text("%s%s at CA \"%s\" (level %02d)\n  TXT record at  %s\n  with the value %s\n  zone line      %s\n\n",
		r->fqdn, r->wildcard ? " and everything below it" : "", r->ca, r->level, r->owner, r->value,
		r->zone_line);
}

static int tell_move(const struct site_ca *ca, const struct cafacts *f, void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	if (f->n_levels == 2)
		log_info("CA \"%s\" moves from level %02d to %02d: publish both forms side by side", ca->conf->name,
			f->levels[0], f->levels[1]);
	return 0;
}

/* Names that the configuration has get its scope and expiry; the rest are taken as written. */
static int run_show(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv names = {0};
	AUTO(desired_done) struct desired d = {0};
	enum format format;
	if (read_format(c, &format, e) || pick_names(&c->args, &names, e) || pick_site(c, SITE_STATE_READ, &s, e))
		return -1;
	if (cli_flag(c, "all") && names.n)
		return err_set(e, ERR_USAGE, "--all and names do not go together");
	if (pick_desired(c, &s, &names, &d, tell_move, NULL, e))
		return -1;
	for (size_t i = 0; i < d.n; i++) {
		if (format == FORMAT_JSON)
			print_json(&d.v[i]);
		else if (format == FORMAT_ZONE)
			out_text("%s\n", d.v[i].zone_line);
		else
			print_text(&d.v[i]);
	}
	if (!d.n)
		log_warn("no certificate is configured in %s; name domains on the command line to see their records",
			s.config->path);
	return EXIT_DONE;
}

static const struct cli_option show_options[] = {
	{"all", 0, NULL, false, "the records of all configured certificates (the default without names)"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"format", 0, "FORMAT", false, "text, zone (lines for a zone file) or json"},
	{"offline", 0, NULL, false, "do not ask the CAs; go by the configuration and the presets"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_show = {
	.name = "record show",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "print the validation records to publish, for every configured CA",
	.about = "Without names: what the configured certificates need. A wildcard (\"*.example.com\") and its base "
		 "name share one record with\n"
		 "policy=wildcard. No order is made and no private key is read: an account that is registered, or "
		 "public account data in the\n"
		 "configuration, is enough. While a CA moves to another text of the draft both forms are shown; "
		 "publish both.",
	.options = show_options,
	.examples = "  perdure record show\n  perdure record show '*.example.com' --ca google\n  perdure record show "
		    "--format zone > records.zone",
	.run = run_show,
};

static int run_judge(struct cli *c, struct err *e)
{
	return judge_stream(stdin, stdout, cli_value(c, "dialect"), e) ? -1 : EXIT_DONE;
}

static const struct cli_option judge_options[] = {
	{"dialect", 0, "NAME", false, "whose reading: draft (default), boulder, pebble, acme2certifier, ucm, adcs"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_judge = {
	.name = "record judge",
	.args = "",
	.summary = "judge records given as JSON Lines on standard input, offline",
	.about = "Each line is an object: txt (list of RRs, each a list of character-strings), identifier, wildcard, "
		 "draft (\"00\", \"01\", \"02\"),\n"
		 "issuer_domain_names, account_uri, now (UNIX seconds; default: this moment), and at level 02 "
		 "account_thumbprint, account_hash_prefix;\n"
		 "optional: id, validated_fqdn, retained_thumbprints, account_status, cname_chain. Each gives a line\n"
		 "{\"id\",\"verdict\":\"valid|invalid\",\"problem\",\"reason\",\"fix\"}. Memory does not grow with the "
		 "number of lines.",
	.options = judge_options,
	.examples = "  perdure record judge --dialect pebble < questions.jsonl",
	.run = run_judge,
};
