/* cmd_audit.c: perdure audit: findings over the inventory, a list of names, or a zone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/audit.h"
#include "cli/audit_tell.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "cli/zonesource.h"
#include "config/name.h"
#include "dns/zonefile.h"
#include "inventory/observe.h"
#include "watch/from_dns.h"
#include "watch/outfile.h"
#include "watch/zonescan.h"

enum { PROGRESS_MS = 200, REPORTS_MAX = REPORT_FORMAT_N_ };

/* One run of the command. */
struct run {
	const struct cli *c;
	struct site *s;
	struct audit_context *x;
	struct audit a;
	bool text; /* findings go to standard output for people to read */
	size_t *by_rule; /* findings, in the order of rules_all() */
	struct report *reports[REPORTS_MAX];
	struct outfile files[REPORTS_MAX]; /* with f NULL where the report goes to standard output */
	size_t n_reports;
	enum severity fail_on;
	unsigned look; /* of observe_what */
	int64_t shown_ms;
	/* Where names come from. */
	FILE *names;
	char *line; /* of getline() */
	size_t line_cap;
	char *rest; /* of the line, behind the last name taken; NULL at its end */
	int64_t size; /* of the file, octets; 0 when not known */
	size_t next; /* of the inventory or the zone */
	struct strv live; /* names found in a zone, to be asked for */
	char *name; /* the last one given */
	struct audit_tell *tell; /* NULL unless all configured names are looked at whole */
	struct err e; /* what went wrong in a callback */
};

static void run_done(struct run *r)
{
	for (size_t i = 0; i < REPORTS_MAX; i++) {
		report_free(r->reports[i]);
		outfile_done(&r->files[i]);
	}
	baseline_free(r->a.before);
	baseline_out_free(r->a.after);
	context_free(r->x);
	audit_tell_free(r->tell);
	if (r->names && r->names != stdin)
		fclose(r->names);
	free(r->by_rule);
	free(r->line);
	free(r->name);
	strv_done(&r->live);
	err_done(&r->e);
}

static int usage(struct err *e, const char *hint, const char *what)
{
	err_set(e, ERR_USAGE, "%s", what);
	err_hint(e, "%s", hint);
	return -1;
}

/* --- where findings go --- */

static void progress(struct run *r, int percent)
{
	int64_t now = clk_wall(r->s->clk);
	r->a.sum.ended_ms = now;
	if (now - r->shown_ms < PROGRESS_MS)
		return;
	r->shown_ms = now;
	audit_print_progress(&r->a.sum, percent);
}

static void on_name(void *ctx, const char *fqdn)
{
	struct run *r = ctx;
	for (size_t i = 0; i < r->n_reports; i++)
		report_name(r->reports[i], fqdn);
}

static void on_finding(const struct finding *f, void *ctx)
{
	struct run *r = ctx;
	size_t n;
	r->by_rule[f->rule - rules_all(&n)]++;
	if (r->text)
		audit_print_finding(r->c, f);
	for (size_t i = 0; i < r->n_reports; i++)
		report_finding(r->reports[i], f);
}

static void on_standing(const struct finding *f, void *ctx)
{
	const struct run *r = ctx;
	audit_tell_finding(r->tell, f);
}

static int format_of(const char *name, enum report_format *ret, struct err *e)
{
	for (int i = 0; i < REPORT_FORMAT_N_; i++)
		if (!strcmp(name, report_format_name((enum report_format)i))) {
			*ret = (enum report_format)i;
			return 0;
		}
	err_set(e, ERR_USAGE, "--format %s: there is no such format", name);
	err_hint(e, "jsonl, sarif, junit, openmetrics");
	return -1;
}

/* The n-th --format goes to the n-th --out; one without goes to standard output, and text when there is none. */
static int open_reports(struct run *r, struct err *e)
{
	const struct strv *formats = cli_values(r->c, "format"), *outs = cli_values(r->c, "out");
	const char *artifact = cli_value(r->c, "server") ? NULL : cli_value(r->c, "zone");
	if (outs->n > formats->n || formats->n > outs->n + 1 || formats->n > REPORTS_MAX)
		return usage(e, "--format sarif --out FILE --format openmetrics --out FILE",
			outs->n > formats->n ? "each --out needs a --format"
					     : "only one --format can go to standard output");
	for (size_t i = 0; i < formats->n; i++) {
		enum report_format f;
		if (format_of(formats->v[i], &f, e) || (i < outs->n && outfile_open(outs->v[i], &r->files[i], e)))
			return -1;
		r->reports[r->n_reports++] = report_new(f, r->files[i].f ? r->files[i].f : stdout, artifact);
	}
	bool stdout_taken = formats->n > outs->n;
	if (r->c->json && !stdout_taken && r->n_reports < REPORTS_MAX)
		r->reports[r->n_reports++] = report_new(REPORT_JSONL, stdout, artifact);
	else if (r->c->json)
		return usage(e, "leave one of them out", "--json and --format cannot both go to standard output");
	r->text = !stdout_taken && !r->c->json;
	return 0;
}

static int close_reports(struct run *r, struct err *e)
{
	r->a.sum.ended_ms = clk_wall(r->s->clk);
	out_progress_clear();
	for (size_t i = 0; i < r->n_reports; i++)
		if (report_end(r->reports[i], &r->a.sum, e) || (r->files[i].f && outfile_commit(&r->files[i], e)))
			return -1;
	if (r->text && !r->c->quiet)
		audit_print_summary(&r->a.sum, r->by_rule);
	return 0;
}

/* --- names asked in the DNS --- */

static void told(void *ctx, size_t i, const struct observation *o)
{
	struct run *r = ctx;
	struct facts f;
	struct from_dns hold;
	int percent = -1;
	from_dns(o, &f, &hold);
	audit_facts(&r->a, &f);
	facts_done(&f);
	from_dns_done(&hold);
	if (!r->names)
		percent = (int)(100 * (i + 1) / (r->live.n ? r->live.n : r->x->n_wants ? r->x->n_wants : 1));
	else if (r->size)
		percent = (int)(100 * ftell(r->names) / r->size);
	progress(r, percent > 100 ? 100 : percent);
}

/* Names that are nothing but lower-case letters, digits, hyphens and dots need no other form. */
static bool plain(const char *s)
{
	size_t n = strlen(s), dots = 0;
	if (n > PERDURE_FQDN_MAX || strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") != n)
		return false;
	for (size_t i = 0, label = 0; i <= n; i++) {
		if (i < n && s[i] != '.') {
			if (++label > 63 || (label == 1 && s[i] == '-') ||
				(s[i] == '-' && (s[i + 1] == '.' || !s[i + 1])))
				return false;
			continue;
		}
		dots += i < n;
		if (!label)
			return false;
		label = 0;
	}
	/* All digits at the end is an address, "xn--" is to be checked. */
	return dots && !(s[n - 1] >= '0' && s[n - 1] <= '9') && !strstr(s, "xn--");
}

/* The name in the form that records have; false when it is none, which has been told then. */
static bool take_name(struct run *r, const char *given)
{
	struct err why = {0};
	char *name = NULL;
	if (!strncmp(given, "*.", 2))
		given += 2;
	if (plain(given)) {
		name = xstrdup(given);
	} else if (name_normalize(given, &name, &why)) {
		audit_no_name(&r->a, given, why.msg);
		err_done(&why);
		return false;
	}
	/* "example.com *.example.com": one record serves both. */
	bool again = r->name && !strcmp(r->name, name);
	free(r->name);
	r->name = name;
	return !again;
}

static bool next_in_file(struct run *r)
{
	for (;;) {
		if (!r->rest) {
			if (getline(&r->line, &r->line_cap, r->names) < 0) {
				if (ferror(r->names))
					err_sys(&r->e, "read %s", cli_value(r->c, "names"));
				return false;
			}
			r->line[strcspn(r->line, "#\r\n")] = '\0';
			r->rest = r->line;
		}
		char *word = strsep(&r->rest, " \t");
		if (*word && take_name(r, word))
			return true;
	}
}

static bool next_of_inventory(struct run *r)
{
	while (r->next < r->x->n_wants) {
		const char *fqdn = r->x->wants[r->next++].fqdn;
		if (r->name && !strcmp(r->name, fqdn))
			continue;
		free(r->name);
		r->name = xstrdup(fqdn);
		return true;
	}
	return false;
}

static bool next_found(struct run *r)
{
	return r->next < r->live.n ? take_name(r, r->live.v[r->next++]) || next_found(r) : false;
}

static bool next(void *ctx, const char **ret_fqdn, unsigned *ret_what)
{
	struct run *r = ctx;
	bool more = r->names ? next_in_file(r) : r->live.n ? next_found(r) : next_of_inventory(r);
	*ret_fqdn = r->name;
	*ret_what = r->look;
	return more;
}

static int ask(struct run *r, struct err *e)
{
	struct observe_many many = {.next = next, .told = told, .ctx = r, .in_order = true};
	if (site_dns(r->s, e))
		return -1;
	struct observer *ob = observer_new(r->s->dns);
	int rc = observe_run(ob, r->s->loop, &many, e);
	observer_free(ob);
	if (!rc && err_is(&r->e)) {
		err_move(e, &r->e);
		rc = -1;
	}
	return rc;
}

static int open_names(struct run *r, const char *path, struct err *e)
{
	struct stat st;
	r->names = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	if (!r->names)
		return err_sys(e, "open the list of names %s", path);
	if (fstat(fileno(r->names), &st) == 0 && S_ISREG(st.st_mode))
		r->size = st.st_size;
	return 0;
}

/* --- a zone --- */

static void zone_record(void *ctx, const char *owner, const struct dns_rr *rr)
{
	zonescan_add(ctx, owner, rr);
}

static void zone_bad(void *ctx, const char *file, int line, const char *why, const char *text)
{
	if (!zonescan_add_bad(ctx, file, line, why, text))
		log_warn("%s: line %d: %s: passed over", file, line, why);
}

static void zone_facts(struct facts *f, void *ctx)
{
	struct run *r = ctx;
	if (cli_flag(r->c, "live"))
		strv_add(&r->live, f->fqdn);
	else
		audit_facts(&r->a, f);
	progress(r, -1);
}

static int read_zone(struct run *r, const char *path, struct err *e)
{
	AUTO(zonescan_freep) struct zonescan *z = zonescan_new();
	struct zonefile_reader reader = {.record = zone_record, .bad = zone_bad, .ctx = z};
	const char *server = cli_value(r->c, "server");
	if (server ? zonesource_transfer(r->s->loop, path, server, cli_value(r->c, "tsig-file"), zone_record, z, e)
		   : zonefile_read(path, cli_value(r->c, "origin"), &reader, e))
		return -1;
	if (!*zonescan_apex(z)) {
		err_set(e, ERR_USAGE, "%s has no SOA record: it is no zone file", path);
		err_hint(e, "--names takes a list of names");
		return -1;
	}
	zonescan_each(z, r->x, zone_facts, r);
	if (!cli_flag(r->c, "live"))
		audit_rest(&r->a);
	return 0;
}

/* --- the command --- */

static int parse_look(struct run *r, struct err *e)
{
	static const struct {
		const char *name;
		unsigned what;
	} words[] = {{"txt", OBSERVE_TXT}, {"caa", OBSERVE_CAA}, {"dnssec", OBSERVE_DNSSEC},
		{"delegation", OBSERVE_DELEGATION}, {"ns", OBSERVE_NS}, {"wildcard", OBSERVE_WILDCARD},
		{"all", OBSERVE_ALL}};
	const char *given = cli_value(r->c, "look");
	AUTO(xfreep) char *list = xstrdup(given ? given : "all");
	char *save = list, *word;
	r->look = OBSERVE_TXT;
	while ((word = strsep(&save, ","))) {
		size_t i = 0;
		while (i < ARRAY_LEN(words) && strcmp(words[i].name, word))
			i++;
		if (i == ARRAY_LEN(words)) {
			err_set(e, ERR_USAGE, "--look %s: \"%s\" is nothing to look at", given, word);
			err_hint(e, "txt, caa, dnssec, delegation, ns, wildcard, all; with commas between");
			return -1;
		}
		r->look |= words[i].what;
	}
	return 0;
}

static int parse_fail_on(struct run *r, struct err *e)
{
	const char *s = cli_value(r->c, "fail-on");
	r->fail_on = SEVERITY_ERROR;
	if (!s || !strcmp(s, "error"))
		return 0;
	r->fail_on = SEVERITY_WARNING;
	return !strcmp(s, "warning") ? 0 : err_set(e, ERR_USAGE, "--fail-on %s: warning or error is needed", s);
}

static int open_baseline(struct run *r, struct err *e)
{
	const char *path = cli_value(r->c, "baseline");
	bool update = cli_flag(r->c, "update-baseline");
	if (update && !path)
		return usage(e, "--baseline FILE --update-baseline", "--update-baseline without --baseline");
	if (update)
		r->a.after = baseline_out_new();
	if (!path || (update && !fs_exists(path)))
		return 0;
	r->a.sum.baseline = true;
	return baseline_load(path, &r->a.before, e);
}

static int check_options(const struct cli *c, struct err *e)
{
	const char *zone = cli_value(c, "zone"), *names = cli_value(c, "names");
	if (zone && names)
		return usage(e, "leave one of them out", "--zone and --names cannot both be given");
	if (!zone && (cli_value(c, "origin") || cli_flag(c, "live") || cli_value(c, "server")))
		return usage(e, "perdure audit --zone FILE", "--origin, --live and --server go with --zone");
	if (!cli_value(c, "server") && cli_value(c, "tsig-file"))
		return usage(e, "perdure audit --zone NAME --server ADDRESS --tsig-file FILE",
			"--tsig-file without --server");
	return 0;
}

/* An empty configuration where there is none: a list of issuers and accounts on the command line is enough. */
static int open_site(struct cli *c, struct site *ret, struct err *e)
{
	AUTO(xfreep) char *path = config_default_path();
	bool none = !c->config && !fs_exists(path);
	if (none)
		c->config = "/dev/null";
	return pick_site(c, none ? SITE_STATE_NONE : SITE_STATE_READ, ret, e);
}

static int look(struct run *r, struct err *e)
{
	const char *zone = cli_value(r->c, "zone"), *names = cli_value(r->c, "names");
	audit_cas(&r->a);
	if (zone) {
		if (read_zone(r, zone, e))
			return -1;
		return r->live.n ? ask(r, e) : 0;
	}
	if (names && open_names(r, names, e))
		return -1;
	if (!names && !r->x->n_wants) {
		err_set(e, ERR_USAGE, "there is nothing to audit: no certificates are configured");
		err_hint(e, "give --names FILE or --zone FILE");
		return -1;
	}
	return ask(r, e);
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(run_done) struct run r = {.c = c, .s = &s};
	if (cli_flag(c, "list-rules")) {
		audit_print_rules(c);
		return EXIT_DONE;
	}
	size_t n;
	rules_all(&n);
	r.by_rule = xcalloc(n, sizeof(*r.by_rule));
	r.a = (struct audit){.name = on_name, .finding = on_finding, .ctx = &r, .e = &r.e};
	if (check_options(c, e) || parse_look(&r, e) || parse_fail_on(&r, e) || open_site(c, &s, e) ||
		audit_context_make(c, &s, &r.x, e) || open_baseline(&r, e) || open_reports(&r, e))
		return -1;
	r.a.c = r.x;
	r.a.sum.started_ms = clk_wall(s.clk);
	if (!cli_value(c, "zone") && !cli_value(c, "names") && r.look == (OBSERVE_TXT | OBSERVE_ALL) && s.store) {
		r.tell = audit_tell_new();
		r.a.standing = on_standing;
	}
	if (look(&r, e))
		return -1;
	if (r.a.failed) {
		err_move(e, &r.e);
		return -1;
	}
	if (close_reports(&r, e) || (r.a.after && baseline_out_write(r.a.after, cli_value(c, "baseline"), e)))
		return -1;
	if (r.tell)
		audit_tell_end(r.tell, &s, &r.a.sum);
	return r.a.sum.found[SEVERITY_ERROR] || (r.fail_on == SEVERITY_WARNING && r.a.sum.found[SEVERITY_WARNING])
		       ? EXIT_REFUSED
		       : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"names", 0, "FILE", false, "audit the names in this list, one a line (- for standard input)"},
	{"zone", 0, "FILE", false,
		"audit all validation records and delegations of a zone file (with --server: the zone's name)"},
	{"server", 0, "ADDRESS", false, "transfer the zone from this server, ADDRESS or ADDRESS@PORT"},
	{"tsig-file", 0, "FILE", false, "the key that the server wants for that"},
	{"origin", 0, "ZONE", false, "what names in the zone file are relative to"},
	{"live", 0, NULL, false, "ask the DNS about the names found in the zone, instead of going by the zone"},
	{"look", 0, "LIST", false, "what to ask for: txt, caa, dnssec, delegation, ns, wildcard, all (default: all)"},
	{"allow-issuer", 0, "NAME", true, "an issuer domain name that records may have"},
	{"allow-account", 0, "URI", true, "an account URI that records may have"},
	{"account-uri", 0, "URL", false, "an account of ours that is not configured"},
	{"thumbprint", 0, "TEXT", true, "thumbprint of its key: the current one first, then earlier ones"},
	{"ct", 0, "FILE", true,
		"certificates seen in the logs of Certificate Transparency: JSON of crt.sh, or JSON Lines"},
	{"ct-known", 0, "FILE", true,
		"serial numbers of certificates that are ours besides those in the state directory"},
	{"allow-ct-issuer", 0, "NAME", true,
		"organisation or common name of a CA whose certificates are allowed (any when none is named)"},
	{"own-zone", 0, "ZONE", true, "a zone under our control, which aliases may lead to"},
	{"ignore", 0, "RULE[:NAME]", true, "findings not to be told"},
	{"baseline", 0, "FILE", false, "tell only what is not in this file, and what has changed since"},
	{"update-baseline", 0, NULL, false, "write the file anew"},
	{"format", 0, "FORMAT", true, "jsonl, sarif, junit or openmetrics instead of text"},
	{"out", 0, "FILE", true, "where the format before goes, written whole or not at all"},
	{"fail-on", 0, "SEVERITY", false, "exit status 5 for findings from here on: warning or error (default: error)"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory; the DNS is asked all the same"},
	{"list-rules", 0, NULL, false, "list the rules and stop"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_audit = {
	.name = "audit",
	.args = "",
	.min_args = 0,
	.max_args = 0,
	.summary = "find what is wrong with standing records: a fleet, a list of names, a zone",
	.about = "Without --names and --zone the names of all configured certificates are audited. No configuration is "
		 "needed:\n"
		 "--allow-issuer and --account-uri say what is right. The findings are described in "
		 "docs/audit-rules.md;\n"
		 "those of severity info are shown with --verbose and in the other formats. Exit status 5 when there "
		 "are\n"
		 "findings from --fail-on on.",
	.options = options,
	.examples = "  perdure audit                                   the names of all configured certificates\n"
		    "  perdure audit --names domains.txt --allow-issuer pki.goog --fail-on warning\n"
		    "  perdure audit --zone example.com.zone --origin example.com\n"
		    "  perdure audit --zone example.com --server 192.0.2.53 --tsig-file audit.tsig\n"
		    "  perdure audit --baseline audit.jsonl --update-baseline\n"
		    "  perdure audit --ct crtsh.json --allow-ct-issuer \"Let's Encrypt\"\n"
		    "  perdure audit --format sarif --out audit.sarif --format openmetrics --out audit.prom",
	.run = run,
};
