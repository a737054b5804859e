/* cmd_record_prune.c: perdure record prune. */
#include <string.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/recordplan.h"
#include "cli/recordrun.h"
#include "cli/verbs.h"
#include "cli/zonesource.h"
#include "config/name.h"
#include "dns/rr.h"
#include "dns/zonefile.h"
#include "inventory/desired.h"
#include "inventory/forgotten.h"
#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/wishes.h"
#include "inventory/written.h"
#include "json/json.h"

enum { AUDIT_MAX = 512 << 20 };

/* Names are being collected. */
struct collecting {
	struct forgotten_names *names;
	const char *source;
	bool written; /* the source is the journal */
	struct strv token_owners; /* other names that were written to */
	struct strv given; /* names of the command line, to be told of when they are needed */
	size_t n_needed;
};

/* An owner name: of whom it is the validation name or the challenge name; others are of no interest. */
static void take_owner(struct collecting *c, const char *owner)
{
	static const char *const prefixes[] = {"_validation-persist.", "_acme-challenge."};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (!strncmp(owner, prefixes[i], strlen(prefixes[i])))
			forgotten_names_add(c->names, owner + strlen(prefixes[i]), c->source, c->written);
}

/* What is no validation name and no challenge name is of a token. */
static void take_written(enum provider_type type, const char *owner, void *ctx)
{
	struct collecting *c = ctx;
	size_t n = c->names->n;
	take_owner(c, owner);
	if (c->names->n == n && type == PROVIDER_TXT)
		strv_add(&c->token_owners, owner);
}

static void take_record(void *ctx, const char *owner, const struct dns_rr *rr)
{
	if (rr->type == DNS_TYPE_TXT || rr->type == DNS_TYPE_CNAME)
		take_owner(ctx, owner);
}

static void bad_line(void *ctx, const char *file, int line, const char *why, const char *text)
{
	(void)ctx;
	(void)text;
	log_warn("%s: line %d: %s: passed over", file, line, why);
}

static void take_name(struct collecting *c, const char *given)
{
	AUTO(xfreep) char *name = NULL;
	struct err why = {0};
	if (name_normalize(given, &name, &why))
		log_warn("%s: %s: passed over", given, why.msg);
	else
		forgotten_names_add(c->names, strncmp(name, "*.", 2) ? name : name + 2, c->source, false);
	err_done(&why);
}

static int take_zones(struct collecting *to, const struct cli *c, const struct site *s, struct err *e)
{
	const struct strv *zones = cli_values(c, "zone");
	const char *server = cli_value(c, "server");
	struct zonefile_reader reader = {.record = take_record, .bad = bad_line, .ctx = to};
	to->source = "in its zone";
	if (!zones->n && server)
		return err_set(e, ERR_USAGE, "--server goes with --zone");
	for (size_t i = 0; i < zones->n; i++) {
		const char *zone = zones->v[i];
		int r = server ? zonesource_transfer(
					 s->loop, zone, server, cli_value(c, "tsig-file"), take_record, to, e)
			: fs_exists(zone) ? zonefile_read(zone, NULL, &reader, e)
					  : zonesource_provider(s->loop, s->config, zone, take_record, to, e);
		if (r)
			return -1;
	}
	return 0;
}

/* The findings of an audit in JSON Lines: records published for names in no inventory. */
static int take_findings(struct collecting *to, const char *path, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(AUDIT_MAX);
	if (fs_read(path, &text, e))
		return -1;
	to->source = "by the audit";
	char *rest = text.p, *line;
	while ((line = strsep(&rest, "\n"))) {
		AUTO(json_freep) struct json *o = NULL;
		const char *rule, *name;
		if (!*line)
			continue;
		if (json_parse(line, strlen(line), path, &o, e) || json_opt_str(o, "rule", &rule, e) ||
			json_opt_str(o, "name", &name, e))
			return -1;
		if (rule && name && !strcmp(rule, "PD401"))
			take_name(to, name);
	}
	return 0;
}

static int take_lists(struct collecting *to, const struct cli *c, struct err *e)
{
	AUTO(strv_done) struct strv words = {0};
	const char *names = cli_value(c, "names");
	if (names && zonesource_words(names, &words, e))
		return -1;
	to->source = "in the list of names";
	for (size_t i = 0; i < words.n; i++)
		take_name(to, words.v[i]);
	to->source = "on the command line";
	for (size_t i = 0; i < c->args.n; i++)
		take_name(to, c->args.v[i]);
	return cli_value(c, "audit") ? take_findings(to, cli_value(c, "audit"), e) : 0;
}

static int read_keep(const struct cli *c, struct strv *ret, struct err *e)
{
	AUTO(strv_done) struct strv words = {0};
	if (!cli_value(c, "keep"))
		return 0;
	if (zonesource_words(cli_value(c, "keep"), &words, e))
		return -1;
	for (size_t i = 0; i < words.n; i++) {
		char *name;
		if (name_normalize(words.v[i], &name, e))
			return err_ctx(e, "%s", cli_value(c, "keep"));
		strv_add_take(ret, name);
	}
	return 0;
}

static void needed(const char *fqdn, const char *why, void *ctx)
{
	struct collecting *c = ctx;
	c->n_needed++;
	if (strv_has(&c->given, fqdn))
		log_warn("%s is not looked at: %s", fqdn, why);
	else
		log_debug("%s is not looked at: %s", fqdn, why);
}

static void progressed(size_t done, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu names looked at", done, total);
}

/* The plan: what is forgotten among the names of all sources. */
static int find(struct cli *c, struct site *s, struct tokens *tokens, struct plan *ret, struct err *e)
{
	AUTO(forgotten_names_done) struct forgotten_names names = {0};
	AUTO(strv_done) struct strv none = {0}, keep = {0};
	AUTO(desired_done) struct desired d = {0};
	AUTO(ours_done) struct ours ours = {0};
	struct collecting to = {.names = &names, .source = "in the journal", .written = true};
	if (pick_desired(c, s, &none, &d, recordplan_account, &ours, e) || recordplan_written(s, &ours, e) ||
		recordplan_tokens(s, ours.written, tokens, e) || read_keep(c, &keep, e))
		return -1;
	wishes_zones(&ours, s->config);
	written_each(ours.written, take_written, &to);
	to.written = false;
	if (take_zones(&to, c, s, e) || take_lists(&to, c, e))
		return -1;
	strv_copy(&to.given, &c->args);
	bool blind = s->config->dns.mode == CONFIG_DNS_NONE;
	struct publisher *publisher = blind ? publisher_new(s->loop, s->config) : NULL;
	struct forgotten f = {.site = s,
		.publisher = publisher,
		.names = &names,
		.token_owners = &to.token_owners,
		.tokens = tokens,
		.desired = &d,
		.ours = &ours,
		.keep = &keep,
		.needed = needed,
		.progress = progressed,
		.ctx = &to};
	int r = forgotten_find(&f, ret, e);
	out_progress_clear();
	publisher_free(publisher);
	strv_done(&to.given);
	strv_done(&to.token_owners);
	if (!r)
		log_info("%zu names looked at, %zu more are needed", ret->n, to.n_needed);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(plan_done) struct plan p = {0};
	AUTO(tokens_done) struct tokens tokens = {0};
	struct recordrun r = {.c = c, .site = &s, .plan = &p, .tokens = &tokens, .remove = true};
	if (pick_site(c, SITE_STATE_READ, &s, e) || site_dns(&s, e) || recordrun_wait(c, &r.wait_ms, e) ||
		find(c, &s, &tokens, &p, e))
		return -1;
	size_t n = plan_count_changes(&p, true);
	if (cli_flag(c, "dry-run") || !n) {
		recordrun_show(&r);
		return EXIT_DONE;
	}
	if (recordrun_agreed(&r, n, e) || recordrun(&r, e))
		return -1;
	return recordrun_status(&r, 0);
}

static const struct cli_option options[] = {
	{"zone", 0, "ZONE", true, "look through this zone: a zone file, or a name to be transferred"},
	{"server", 0, "ADDRESS", false, "transfer from here; otherwise from the zone's provider of type rfc2136"},
	{"tsig-file", 0, "FILE", false, "the key that the server wants for that"},
	{"names", 0, "FILE", false, "look at the names in this list (- for standard input)"},
	{"audit", 0, "FILE", false, "look at the names that \"perdure audit --json\" found forgotten (PD401)"},
	{"keep", 0, "FILE", false, "names that other hosts need which use the same account"},
	{"ca", 0, "NAME", false, "records for this CA only"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory"},
	RECORDRUN_OPTIONS,
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_prune = {
	.name = "record prune",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "take away records of ours at names that nothing needs any more",
	.about = "Looks at the names given, at all that this installation ever wrote, and with the options through "
		 "zones and lists.\n"
		 "Where a name is in no certificate of the configuration, in no live certificate and in no order in "
		 "work, the\n"
		 "records of our accounts there are shown with what each permits, and removed when that is agreed to. "
		 "Values of\n"
		 "others stay. Hosts that share an account do not know each other's names: give those with --keep. "
		 "What was\n"
		 "done can be taken back with \"perdure record apply --undo\".",
	.options = options,
	.examples = "  perdure record prune --zone example.com --dry-run\n"
		    "  perdure record prune old.example.com\n"
		    "  perdure audit --names all.txt --json > findings; perdure record prune --audit findings --yes",
	.run = run,
};
