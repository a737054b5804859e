/* cmd_run.c: perdure run. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/deployprint.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "daemon/daemon.h"
#include "daemon/metricsd.h"
#include "loop/loop.h"
#include "json/json.h"

static void flush(void)
{
	struct err e = {0};
	if (!out_flush(&e))
		return;
	log_warn("%s", e.msg);
	err_done(&e);
}

static void stepped(const char *cert, const char *what, void *ctx)
{
	(void)ctx;
	log_debug("%s: %s", cert, what);
}

static void reported(const struct issue_report *r, void *ctx)
{
	report_print(ctx, r);
	flush();
}

static void deployed(const struct deploy_report *r, void *ctx)
{
	deploy_print_report(ctx, r);
	flush();
}

static void summed(const struct renew_summary *sum, void *ctx)
{
	report_print_summary(ctx, sum, false);
	flush();
}

/* Findings are told as warnings, the sum to those who want to know. */
static void audit_line(const char *line, void *ctx)
{
	const struct cli *c = ctx;
	AUTO(json_freep) struct json *found = NULL;
	struct err e = {0};
	if (c->json) {
		out_text("%s\n", line);
		flush();
	}
	if (json_parse(line, strlen(line), "audit", &found, &e)) {
		log_warn("%s", e.msg);
		err_done(&e);
		return;
	}
	const char *rule = json_str(json_get(found, "rule")), *name = json_str(json_get(found, "name"));
	const char *severity = json_str(json_get(found, "severity")), *evidence = json_str(json_get(found, "evidence"));
	if (rule && name && severity && evidence)
		log_at(strcmp(severity, "info") ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "audit: %s: %s %s: %s", name, rule,
			severity, evidence);
}

static int try_config(void *ctx, struct err *e)
{
	const struct cli *c = ctx;
	struct site_options o = {.config_path = c->config, .state = SITE_STATE_READ};
	struct site s;
	if (!site_open(&o, &s, e)) {
		int rc = metricsd_try(&s.config->metrics, e);
		site_close(&s);
		return rc;
	}
	/* The configuration could be read; the database is put right when it is opened for writing. */
	if (!store_err_damaged(e))
		return -1;
	err_done(e);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	static const struct daemon_hooks hooks = {.renew = {.step = stepped, .report = reported, .deployed = deployed},
		.summary = summed,
		.audit_line = audit_line,
		.try_config = try_config};
	enum daemon_end end;
	loop_hold_signals();
	do {
		AUTO(site_close) struct site s = {.lock = {.fd = -1}};
		if (pick_site(c, SITE_STATE_WRITE, &s, e) || daemon_run(&s, &hooks, c, &end, e))
			return -1;
		if (end == DAEMON_RELOAD)
			log_info("reads its configuration again");
	} while (end == DAEMON_RELOAD);
	return EXIT_DONE;
}

const struct cli_verb verb_run = {
	.name = "run",
	.args = "",
	.min_args = 0,
	.max_args = 0,
	.summary = "the daemon: renew whatever becomes due, until it is stopped",
	.about = "Wakes when a certificate becomes due, when a window of its CA opens, when a failed one may be tried "
		 "again, and after daemon.interval at the latest.\n"
		 "SIGHUP reads the configuration again; one that is wrong is told, and the old one holds. SIGTERM and "
		 "SIGINT park what is in flight and end it.\n"
		 "It tells systemd when it is ready, and that it is alive. One process changes a state directory at a "
		 "time: while it runs, ask it (perdure control renew).",
	.options = NULL,
	.examples = "  perdure run                    in the foreground; systemd starts it from perdure.service\n"
		    "  perdure control status         what it does\n"
		    "  perdure control stop           ends it",
	.run = run,
};
