/* report.c: the line on one certificate's issuing. */
#include "cli/report.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "fleet/issue.h"
#include "fleet/renew.h"

static void print_json(const struct issue_report *r)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "certificate", r->name);
	json_out_strv(&j.w, "names", r->names);
	json_out_str(&j.w, "ca", r->ca);
	json_out_str(&j.w, "result", issue_result_name(r->result));
	json_out_bool(&j.w, "resumed", r->resumed);
	json_out_real(&j.w, "seconds", (double)r->ms / 1000, 3);
	json_out_int(&j.w, "acme_requests", r->requests);
	json_out_int(&j.w, "repeats", r->repeats);
	json_out_str(&j.w, "validation", r->validation && r->validation[0] ? r->validation : NULL);
	if (r->result == ISSUE_ISSUED || r->result == ISSUE_RENEWED) {
		json_out_int(&j.w, "generation", r->generation);
		out_json_time(&j.w, "not_after", r->not_after);
	} else {
		out_json_time(&j.w, "next_at", r->next_at);
		out_json_err(&j.w, r->e);
	}
	out_json_end(&j);
}

void report_print(const struct cli *c, const struct issue_report *r)
{
	char when[CLOCK_TEXT_MAX];
	if (c->json) {
		print_json(r);
		return;
	}
	if (r->result == ISSUE_ISSUED || r->result == ISSUE_RENEWED) {
		clock_rfc3339(r->not_after, when);
		if (!c->quiet)
			out_text("%s%s%s %s until %s (%s, %.2f s, %u requests%s)\n", out_colour_on(OUT_GOOD),
				issue_result_name(r->result), out_colour_off(), r->name, when, r->ca,
				(double)r->ms / 1000, r->requests, r->resumed ? ", an earlier order gone on with" : "");
		return;
	}
	out_text("%s%s%s %s (%s)\n", out_colour_on(OUT_BAD), issue_result_name(r->result), out_colour_off(), r->name,
		r->ca);
	struct err e = {0};
	err_copy(&e, r->e);
	err_ctx(&e, "%s", r->name);
	err_print(&e);
	err_done(&e);
	if (r->next_at) {
		clock_rfc3339(r->next_at, when);
		log_info("  %s is tried again from %s on, or at once when it is named: perdure renew %s", r->name, when,
			r->name);
	}
}

int report_exit_status(const struct issue_report *r)
{
	if (r->result == ISSUE_ISSUED || r->result == ISSUE_RENEWED)
		return EXIT_DONE;
	return r->result == ISSUE_PARKED ? EXIT_LATER : EXIT_FAILED;
}

void report_print_summary(const struct cli *c, const struct renew_summary *s, bool dry_run)
{
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "summary");
		json_out_bool(&j.w, "dry_run", dry_run);
		json_out_int(&j.w, "certificates", (int64_t)s->looked);
		json_out_int(&j.w, "due", (int64_t)s->due);
		json_out_int(&j.w, "waiting", (int64_t)s->waiting);
		json_out_int(&j.w, "issued", (int64_t)s->issued);
		json_out_int(&j.w, "renewed", (int64_t)s->renewed);
		json_out_int(&j.w, "held", (int64_t)s->held);
		json_out_int(&j.w, "parked", (int64_t)s->parked);
		json_out_int(&j.w, "failed", (int64_t)s->failed);
		json_out_int(&j.w, "deployed", (int64_t)(s->deploy.done + s->deploy.unchanged));
		json_out_int(&j.w, "deploy_failed", (int64_t)s->deploy.failed);
		json_out_int(&j.w, "deploy_waiting", (int64_t)s->deploy.waiting);
		json_out_bool(&j.w, "stopped", s->stopped);
		json_out_end_object(&j.w);
		out_json_end(&j);
		return;
	}
	if (c->quiet)
		return;
	if (dry_run || !s->due)
		out_text("%zu certificates, %zu due, %zu waiting after a failure\n", s->looked, s->due, s->waiting);
	else
		out_text("%zu certificates, %zu due: %zu issued, %zu renewed, %zu held, %zu parked, %zu failed%s\n",
			s->looked, s->due, s->issued, s->renewed, s->held, s->parked, s->failed,
			s->stopped ? "; stopped by a signal, run again to go on" : "");
	if (s->deploy.failed || s->deploy.waiting)
		out_text("deploy actions: %zu done, %zu failed, %zu waiting after a failure\n",
			s->deploy.done + s->deploy.unchanged, s->deploy.failed, s->deploy.waiting);
}

static void print_limit(const struct renew_forecast *f, int64_t now)
{
	char span[32], higher[32];
	if (!f->burst) {
		out_text("  no limit of the CA is known: they go as fast as it takes them\n");
		return;
	}
	out_text("  the CA takes %lld new orders at once and one more every %.1f s; %zu can go now",
		(long long)f->burst, (double)f->every_ms / 1000, f->at_once);
	if (!f->last_at) {
		out_text("\n");
		return;
	}
	out_span(f->last_at - now, span, sizeof(span));
	out_span(f->override_at ? f->override_at - now : 0, higher, sizeof(higher));
	out_text(", the last has its turn in %s\n  with a limit ten times as high: in %s (ask the CA, then raise "
		 "cas[].limits)\n",
		span, f->override_at ? higher : "no time");
}

void report_print_forecast(const struct cli *c, const struct renew_forecast *f, int64_t now)
{
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "forecast");
		json_out_str(&j.w, "ca", f->ca);
		json_out_int(&j.w, "due", (int64_t)f->due);
		json_out_int(&j.w, "counted", (int64_t)f->counted);
		json_out_int(&j.w, "exempt", (int64_t)f->exempt);
		json_out_int(&j.w, "limit_at_once", f->burst);
		json_out_real(&j.w, "limit_every", (double)f->every_ms / 1000, 3);
		json_out_int(&j.w, "at_once", (int64_t)f->at_once);
		out_json_time(&j.w, "last_at", f->last_at);
		out_json_time(&j.w, "override_at", f->override_at);
		json_out_int(&j.w, "requests_per_second", f->requests_per_second);
		json_out_int(&j.w, "requests", f->requests);
		json_out_end_object(&j.w);
		out_json_end(&j);
		return;
	}
	out_text("CA %s: %zu due, %zu new orders that count against its limit, %zu that replace a certificate and do "
		 "not\n",
		f->ca, f->due, f->counted, f->exempt);
	print_limit(f, now);
	if (!f->requests_per_second)
		return;
	char span[32];
	out_span(f->requests / f->requests_per_second, span, sizeof(span));
	out_text("  it is asked at most %lld times a second: about %lld requests, %s\n",
		(long long)f->requests_per_second, (long long)f->requests, span);
}
