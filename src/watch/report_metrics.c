/* report_metrics.c: OpenMetrics 1.0 text, which node_exporter's textfile collector takes as well. */
#include "watch/report_priv.h"

static void family(struct report *r, const char *name, const char *unit, const char *help)
{
	fprintf(r->out, "# TYPE %s gauge\n", name);
	if (*unit)
		fprintf(r->out, "# UNIT %s %s\n", name, unit);
	fprintf(r->out, "# HELP %s %s\n", name, help);
}

/* Every rule has its line, also with nothing found: so that a query tells "none" from "not looked". */
static void end(struct report *r, const struct report_summary *s)
{
	size_t n;
	const struct rule *rules = rules_all(&n);
	family(r, "perdure_audit_findings", "", "Findings of the last audit.");
	for (size_t i = 0; i < n; i++)
		fprintf(r->out, "perdure_audit_findings{rule=\"%s\",name=\"%s\",severity=\"%s\"} %zu\n", rules[i].id,
			rules[i].name, severity_name(rules[i].severity), r->by_rule[i]);
	family(r, "perdure_audit_names", "", "Names looked at.");
	fprintf(r->out, "perdure_audit_names{seen=\"yes\"} %zu\n", s->names - s->unseen);
	fprintf(r->out, "perdure_audit_names{seen=\"no\"} %zu\n", s->unseen);
	family(r, "perdure_audit_records", "", "Validation records seen.");
	fprintf(r->out, "perdure_audit_records %zu\n", s->records);
	if (s->baseline) {
		family(r, "perdure_audit_known_findings", "", "Findings that the baseline has already.");
		fprintf(r->out, "perdure_audit_known_findings %zu\n", s->known);
	}
	family(r, "perdure_audit_duration_seconds", "seconds", "How long the last audit took.");
	fprintf(r->out, "perdure_audit_duration_seconds %.3f\n", (double)(s->ended_ms - s->started_ms) / 1000);
	family(r, "perdure_audit_end_timestamp_seconds", "seconds", "When the last audit ended.");
	fprintf(r->out, "perdure_audit_end_timestamp_seconds %.3f\n", (double)s->ended_ms / 1000);
	fputs("# EOF\n", r->out);
}

const struct report_ops report_openmetrics = {.format = "openmetrics", .end = end};
