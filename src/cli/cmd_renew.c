/* cmd_renew.c: perdure renew. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/deployprint.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "fleet/endrun.h"
#include "fleet/renew.h"

struct printing {
	const struct cli *c;
	int64_t now;
	const struct site *s;
	bool dry_run;
	bool sums_only; /* --plan */
	bool no_deploy;
};

static void print_plan(
	const struct printing *p, const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v)
{
	if (p->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "certificate", cert->name);
		json_out_strv(&j.w, "names", &cert->names);
		json_out_str(&j.w, "ca", cert->cas.v[0]);
		json_out_str(&j.w, "due", schedule_verdict_name(v));
		out_json_time(&j.w, "not_after", row ? row->not_after : 0);
		out_json_time(&j.w, "next_at", row ? row->next_at : 0);
		out_json_end(&j);
		return;
	}
	AUTO(xfreep) char *names = strv_join(&cert->names, " ");
	char span[32] = "";
	if (row && row->not_after)
		out_span(row->not_after - p->now, span, sizeof(span));
	out_text("%s %s (%s%s%s) at %s: %s\n", v == SCHEDULE_WAITING ? "would wait with" : "would renew", cert->name,
		schedule_verdict_name(v), span[0] ? ", ends in " : "", span, cert->cas.v[0], names);
}

static void planned(const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx)
{
	const struct printing *p = ctx;
	bool renews = v != SCHEDULE_NOT_DUE && v != SCHEDULE_WAITING;
	if (!p->dry_run || p->sums_only)
		return;
	if (v != SCHEDULE_NOT_DUE)
		print_plan(p, cert, row, v);
	if (!p->no_deploy && (renews || (row && row->generation)))
		deploy_print_plan(p->c, p->s, cert, renews ? 0 : row->generation, false, p->now);
}

static void forecast(const struct renew_forecast *f, void *ctx)
{
	const struct printing *p = ctx;
	if (p->dry_run)
		report_print_forecast(p->c, f, p->now);
}

static void deployed(const struct deploy_report *r, void *ctx)
{
	const struct printing *p = ctx;
	deploy_print_report(p->c, r);
}

static void reported(const struct issue_report *r, void *ctx)
{
	const struct printing *p = ctx;
	report_print(p->c, r);
}

static void stepped(const char *cert, const char *what, void *ctx)
{
	(void)ctx;
	log_debug("%s: %s", cert, what);
}

static void progressed(size_t done, size_t in_flight, size_t due, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu done, %zu in flight", done, due, in_flight);
}

static int run(struct cli *c, struct err *e)
{
	static const struct renew_hooks hooks = {.planned = planned,
		.forecast = forecast,
		.step = stepped,
		.report = reported,
		.progress = progressed,
		.deployed = deployed};
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv only = {0};
	bool dry_run = cli_flag(c, "dry-run") || cli_flag(c, "plan");
	if (pick_site(c, dry_run ? SITE_STATE_READ : SITE_STATE_NONE, &s, e) || pick_lineages(&s, &c->args, &only, e))
		return -1;
	if (!dry_run && pick_writing(&s, e)) {
		endrun_failed(&s, e);
		return -1;
	}
	if (!s.config->n_certs)
		log_warn("no certificate is configured in %s", s.config->path);
	struct renew_options o = {
		.only = only.n ? &only : NULL,
		.force_renewal = cli_flag(c, "force-renewal"),
		.force_record = cli_flag(c, "force"),
		.dry_run = dry_run,
		.no_deploy = cli_flag(c, "no-deploy"),
	};
	struct printing p = {.c = c,
		.s = &s,
		.now = clk_wall(s.clk) / 1000,
		.dry_run = dry_run,
		.sums_only = cli_flag(c, "plan"),
		.no_deploy = o.no_deploy};
	struct renew_summary sum;
	int failed = renew_run(&s, &o, &hooks, &p, &sum, e);
	if (failed && !dry_run)
		endrun_failed(&s, e);
	if (failed)
		return -1;
	if (!dry_run)
		endrun(&s, &sum);
	report_print_summary(c, &sum, dry_run);
	if (!sum.due && !sum.deploy.failed && cli_flag(c, "exit-code"))
		return EXIT_NOTHING_DUE;
	return dry_run ? EXIT_DONE : renew_exit_status(&sum);
}

static const struct cli_option options[] = {
	{"force-renewal", 0, NULL, false, "renew whether due or not"},
	{"force", 0, NULL, false, "go on where the record would be refused (costs an authorization if it is)"},
	{"dry-run", 'n', NULL, false, "say what is due and why; nothing is asked of a CA"},
	{"plan", 0, NULL, false, "say how long it takes under the limits of each CA; nothing is asked of a CA"},
	{"no-deploy", 0, NULL, false, "leave the deploy actions alone"},
	{"exit-code", 0, NULL, false, "exit with status 3 when nothing was due"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_renew = {
	.name = "renew",
	.args = "[CERT…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "issue and renew everything that is due (for cron and timers)",
	.about =
		"Due is a certificate that has none yet, whose names or CA have changed, or that has a third of its "
		"lifetime left (half, for\n"
		"lifetimes up to ten days), or whose order an earlier run left unfinished.\n"
		"Where the CA offers renewal information (ARI), a moment in the window that the CA wishes counts "
		"instead of "
		"the lifetime.\n"
		"After a failure a certificate waits, longer each time, at most a day; naming it ignores the wait.\n"
		"What is new is put where it is used, as its deploy actions say; those that failed in earlier runs are "
		"tried again.\n"
		"When one fails the certificate stays, and the exit status is 4.\n"
		"Safe to stop at any moment, and to run again.",
	.options = options,
	.examples = "  perdure renew                  everything that is due\n  perdure renew --dry-run        what "
		    "would be done\n"
		    "  perdure renew --plan           how long a first issuance takes\n"
		    "  perdure renew example.com --force-renewal",
	.run = run,
};
