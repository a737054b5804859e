/* audit_print.c: what `perdure audit` prints for people. */
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/output.h"

static enum out_colour colour(enum severity s)
{
	return s == SEVERITY_ERROR ? OUT_BAD : s == SEVERITY_WARNING ? OUT_WARN : OUT_GOOD;
}

void audit_print_rules(const struct cli *c)
{
	size_t n;
	const struct rule *rules = rules_all(&n);
	for (size_t i = 0; i < n; i++) {
		if (!c->json) {
			out_text("%s %-7s %-20s %s\n", rules[i].id, severity_name(rules[i].severity), rules[i].name,
				rules[i].title);
			continue;
		}
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "rule", rules[i].id);
		json_out_str(&j.w, "title", rules[i].name);
		json_out_str(&j.w, "severity", severity_name(rules[i].severity));
		json_out_str(&j.w, "message", rules[i].title);
		json_out_str(&j.w, "remedy", rules[i].remedy);
		out_json_end(&j);
	}
}

void audit_print_finding(const struct cli *c, const struct finding *f)
{
	if (f->rule->severity == SEVERITY_INFO && (!c->verbose || c->quiet))
		return;
	out_text("%s%s%s %s %s%s%s%s%s: %s\n", out_colour_on(colour(f->rule->severity)),
		severity_name(f->rule->severity), out_colour_off(), f->rule->id, f->name, *f->ca ? " at " : "", f->ca,
		*f->server ? " on " : "", f->server, f->rule->title);
	out_text("  seen:    %s\n", f->evidence);
	if (*f->record)
		out_text("  record:  %s IN TXT %s\n", f->owner, f->record);
	if (*f->fix)
		out_text("  publish: %s\n", f->fix);
	else
		out_text("  remedy:  %s\n", f->remedy);
}

void audit_print_summary(const struct report_summary *s, const size_t *by_rule)
{
	size_t n;
	const struct rule *rules = rules_all(&n);
	for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--)
		for (size_t i = 0; i < n; i++)
			if (by_rule[i] && rules[i].severity == (enum severity)severity)
				out_text("%s%-7s%s %-5s %6zu  %s\n", out_colour_on(colour(rules[i].severity)),
					severity_name(rules[i].severity), out_colour_off(), rules[i].id, by_rule[i],
					rules[i].title);
	out_text("%zu name%s, %zu record%s: %zu error%s, %zu warning%s, %zu info%s", s->names, s->names == 1 ? "" : "s",
		s->records, s->records == 1 ? "" : "s", s->found[SEVERITY_ERROR],
		s->found[SEVERITY_ERROR] == 1 ? "" : "s", s->found[SEVERITY_WARNING],
		s->found[SEVERITY_WARNING] == 1 ? "" : "s", s->found[SEVERITY_INFO],
		s->found[SEVERITY_INFO] == 1 ? "" : "s");
	if (s->baseline)
		out_text("; since the baseline %zu as before, %zu no more", s->known, s->gone);
	if (s->unseen)
		out_text("; %zu could not be looked at", s->unseen);
	out_text("\n");
}

void audit_print_progress(const struct report_summary *s, int percent)
{
	enum { WIDTH = 30 };
	char bar[WIDTH + 1];
	for (int i = 0; i < WIDTH; i++)
		bar[i] = i * 100 < percent * WIDTH ? '#' : '.';
	bar[WIDTH] = '\0';
	int64_t ms = s->ended_ms - s->started_ms;
	double rate = ms > 0 ? (double)s->names * 1000 / (double)ms : 0;
	if (percent < 0)
		out_progress("%zu names, %.0f/s, %zu errors, %zu warnings", s->names, rate, s->found[SEVERITY_ERROR],
			s->found[SEVERITY_WARNING]);
	else
		out_progress("[%s] %3d %%  %zu names, %.0f/s, %zu errors, %zu warnings", bar, percent, s->names, rate,
			s->found[SEVERITY_ERROR], s->found[SEVERITY_WARNING]);
}
