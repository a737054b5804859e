/* report.c: the line on one certificate's issuing. */
#include "cli/report.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "fleet/issue.h"

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
