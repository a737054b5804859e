/* cmd_status.c: perdure status. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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
#include "fleet/paused.h"
#include "fleet/prove.h"
#include "fleet/renew.h"

struct listing {
	const struct cli *c;
	struct site *s;
	int64_t now;
};

/* Whether an order of that lineage waits to be gone on with; a state that cannot be read counts as none. */
static bool has_order(struct site *s, const char *name, int64_t *ret_since)
{
	struct store_order o = {0};
	struct err ignored = {0};
	bool found = false;
	if (s->store && store_order_get(s->store, name, &o, &found, &ignored))
		err_done(&ignored);
	*ret_since = o.created;
	store_order_done(&o);
	return found;
}

/* How the names of the live certificate were proved; NULL without one. Heap string. */
static char *validated_by(const struct site *s, const char *name, bool live)
{
	char *how = NULL;
	struct err ignored = {0};
	if (s->store && prove_noted(s->store, name, &how, &ignored))
		err_done(&ignored);
	if (live && !how)
		how = xstrdup(config_validation_name(CONFIG_VALIDATION_PERSIST));
	return how;
}

/* Where the pause of its name can be lifted; NULL when its CA has not paused it. Heap string. */
static char *unpause_url(const struct site *s, const struct config_cert *cert, const struct store_cert *row)
{
	AUTO(paused_done) struct paused p = {0};
	struct err ignored = {0};
	if (row && row->failures && paused_get(s->store, cert, &p, &ignored))
		err_done(&ignored);
	return TAKE(p.url);
}

static void print_json(
	const struct listing *l, const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v)
{
	int64_t since;
	bool live = row && row->generation;
	bool order = has_order(l->s, cert->name, &since);
	AUTO(xfreep) char *how = validated_by(l->s, cert->name, live);
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "certificate", cert->name);
	json_out_strv(&j.w, "names", &cert->names);
	json_out_strv(&j.w, "cas", &cert->cas);
	json_out_str(&j.w, "due", schedule_verdict_name(v));
	json_out_bool(&j.w, "order_in_work", order);
	json_out_str(&j.w, "validation", config_validation_name(cert->validation));
	json_out_str(&j.w, "validated_by", how);
	json_out_str(&j.w, "ca", live ? row->ca : NULL);
	json_out_int(&j.w, "generation", live ? row->generation : 0);
	out_json_time(&j.w, "not_before", live ? row->not_before : 0);
	out_json_time(&j.w, "not_after", live ? row->not_after : 0);
	out_json_time(&j.w, "renew_at", live ? schedule_due_at(row) : 0);
	out_json_time(&j.w, "window_start", live ? row->window.start : 0);
	out_json_time(&j.w, "window_end", live ? row->window.end : 0);
	out_json_time(&j.w, "window_ask_at", live ? row->window.ask_at : 0);
	json_out_str(&j.w, "window_url", live && row->window.url[0] ? row->window.url : NULL);
	json_out_str(&j.w, "serial", live ? row->serial : NULL);
	json_out_int(&j.w, "failures", row ? row->failures : 0);
	out_json_time(&j.w, "next_at", row ? row->next_at : 0);
	json_out_str(&j.w, "last_error", row && row->last_error[0] ? row->last_error : NULL);
	AUTO(xfreep) char *unpause = unpause_url(l->s, cert, row);
	json_out_str(&j.w, "paused_url", unpause);
	deploy_json_status(&j.w, l->s, cert, live ? row->generation : 0, l->now);
	out_json_end(&j);
}

/* When the CA wishes it renewed, for who looks closer; a reason is told to everybody. */
static void print_window(const struct listing *l, const struct store_cert *row)
{
	const struct store_window *w = &row->window;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX];
	AUTO(buf_done) struct buf url = buf_make(BUF_MAX_SMALL_FILE);
	if (!w->start || !(l->c->verbose || l->c->args.n || w->url[0]))
		return;
	clock_rfc3339(w->start, from);
	clock_rfc3339(w->end, to);
	clock_rfc3339(schedule_due_at(row), at);
	log_escape(&url, w->url);
	out_text("    the CA's window: %s to %s, planned for %s%s%s\n", from, to, at, w->url[0] ? "; why: " : "",
		buf_str(&url));
}

static void print_text(
	const struct listing *l, const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v)
{
	int64_t since;
	bool live = row && row->generation;
	char ends[32] = "-", renews[32] = "-";
	if (live) {
		out_span(row->not_after - l->now, ends, sizeof(ends));
		out_span(schedule_due_at(row) - l->now, renews, sizeof(renews));
	}
	enum out_colour colour = v == SCHEDULE_NOT_DUE ? OUT_GOOD : row && row->failures ? OUT_BAD : OUT_WARN;
	out_text("%-32s %s%-9s%s %-14s ends %-8s renews %-8s%s\n", cert->name, out_colour_on(colour),
		schedule_verdict_name(v), out_colour_off(), live ? row->ca : cert->cas.v[0], ends, renews,
		has_order(l->s, cert->name, &since) ? " order in work" : "");
	if (live && (l->c->verbose || l->c->args.n)) {
		AUTO(xfreep) char *how = validated_by(l->s, cert->name, live);
		out_text("    validation %s, last by %s\n", config_validation_name(cert->validation), how);
	}
	if (live) {
		print_window(l, row);
		deploy_print_status(l->c, l->s, cert, row->generation, l->now);
	}
	if (row && row->failures) {
		AUTO(buf_done) struct buf said = buf_make(BUF_MAX_HTTP_BODY);
		AUTO(xfreep) char *unpause = unpause_url(l->s, cert, row);
		log_escape(&said, row->last_error);
		out_text("    failed %lld times, last: %s\n", (long long)row->failures, buf_str(&said));
		buf_clear(&said);
		log_escape(&said, unpause ? unpause : "");
		if (unpause)
			out_text("    its CA has paused it; lift that at %s and run \"perdure renew %s\"\n",
				buf_str(&said), cert->name);
	}
}

static void planned(const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx)
{
	const struct listing *l = ctx;
	if (l->c->json)
		print_json(l, cert, row, v);
	else
		print_text(l, cert, row, v);
}

/* Lineages in the state that the configuration does not name (any more): nothing renews them. */
static int unconfigured(const struct store_cert *row, void *ctx, struct err *e)
{
	const struct listing *l = ctx;
	(void)e;
	if (config_find_cert(l->s->config, row->name) || !row->generation)
		return 0;
	char ends[32];
	out_span(row->not_after - l->now, ends, sizeof(ends));
	if (l->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "certificate", row->name);
		json_out_strv(&j.w, "names", &row->names);
		json_out_str(&j.w, "due", "unconfigured");
		json_out_str(&j.w, "ca", row->ca);
		json_out_int(&j.w, "generation", row->generation);
		out_json_time(&j.w, "not_after", row->not_after);
		out_json_end(&j);
	} else {
		out_text("%-32s %-9s %-14s ends %-8s not in the configuration: not renewed\n", row->name, "-", row->ca,
			ends);
	}
	return 0;
}

/* Where a limit of the CA makes some of what is due wait; programs ask renew --plan. */
static void forecast(const struct renew_forecast *f, void *ctx)
{
	const struct listing *l = ctx;
	if (f->last_at && !l->c->json)
		report_print_forecast(l->c, f, l->now);
}

static int run(struct cli *c, struct err *e)
{
	static const struct renew_hooks hooks = {.planned = planned, .forecast = forecast};
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv only = {0};
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_lineages(&s, &c->args, &only, e))
		return -1;
	struct listing l = {.c = c, .s = &s, .now = clk_wall(s.clk) / 1000};
	struct renew_options o = {.only = only.n ? &only : NULL, .dry_run = true};
	struct renew_summary sum;
	if (renew_run(&s, &o, &hooks, &l, &sum, e))
		return -1;
	if (!only.n && s.store && store_cert_each(s.store, unconfigured, &l, e))
		return -1;
	if (!c->json && !sum.looked && !c->quiet)
		out_text("no certificate is configured in %s\n", s.config->path);
	return EXIT_DONE;
}

const struct cli_verb verb_status = {
	.name = "status",
	.args = "[CERT…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "list certificates: when they end, when they renew, what failed",
	.about = "A certificate that is named, or with --verbose each, is shown with the window in which its CA wishes "
		 "it renewed.\n"
		 "Reads only; safe while another perdure works.",
	.examples = "  perdure status\n  perdure status example.com --json",
	.run = run,
};
