/* report_sarif.c: SARIF 2.1.0 (OASIS), as code scanning services read it. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "watch/report_priv.h"
#include "json/json.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static const char *level(enum severity s)
{
	return s == SEVERITY_ERROR ? "error" : s == SEVERITY_WARNING ? "warning" : "note";
}

static void text(struct json_out *w, const char *member, const char *s)
{
	json_out_object(w, member);
	json_out_str(w, "text", s);
	json_out_end_object(w);
}

static void write_rules(struct json_out *w)
{
	size_t n;
	const struct rule *rules = rules_all(&n);
	json_out_array(w, "rules");
	for (size_t i = 0; i < n; i++) {
		json_out_object(w, NULL);
		json_out_str(w, "id", rules[i].id);
		json_out_str(w, "name", rules[i].name);
		text(w, "shortDescription", rules[i].title);
		text(w, "help", rules[i].remedy);
		json_out_object(w, "defaultConfiguration");
		json_out_str(w, "level", level(rules[i].severity));
		json_out_end_object(w);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

/* The document is one object: its head now, results as they come, its tail at the end. */
static void begin(struct report *r)
{
	struct json_out w = json_out_make(&r->buf);
	json_out_object(&w, NULL);
	json_out_str(&w, "$schema", SCHEMA);
	json_out_str(&w, "version", "2.1.0");
	json_out_array(&w, "runs");
	json_out_object(&w, NULL);
	json_out_object(&w, "tool");
	json_out_object(&w, "driver");
	json_out_str(&w, "name", "perdure");
	json_out_str(&w, "version", PERDURE_VERSION);
	write_rules(&w);
	json_out_end_object(&w);
	json_out_end_object(&w);
	json_out_str(&w, "columnKind", "unicodeCodePoints");
	json_out_array(&w, "results");
	report_flush(r);
}

/* Where: the zone file that was read, else the DNS URI of the name (RFC 4501). */
static void location(struct json_out *w, const struct report *r, const struct finding *f)
{
	AUTO(xfreep) char *uri = r->artifact ? xstrdup(r->artifact) : xasprintf("dns:%s?type=TXT", f->owner);
	json_out_array(w, "locations");
	json_out_object(w, NULL);
	json_out_object(w, "physicalLocation");
	json_out_object(w, "artifactLocation");
	json_out_str(w, "uri", uri);
	json_out_end_object(w);
	json_out_end_object(w);
	json_out_array(w, "logicalLocations");
	json_out_object(w, NULL);
	json_out_str(w, "name", f->name);
	json_out_str(w, "fullyQualifiedName", f->owner);
	json_out_str(w, "kind", "resource");
	json_out_end_object(w);
	json_out_end_array(w);
	json_out_end_object(w);
	json_out_end_array(w);
}

static void finding(struct report *r, const struct finding *f)
{
	size_t n;
	char print[24];
	snprintf(print, sizeof(print), "%016" PRIx64, f->fingerprint);
	AUTO(xfreep)
	char *message = xasprintf(
		"%s: %s (%s). %s%s%s", f->name, f->rule->title, f->evidence, f->remedy, *f->fix ? ": " : "", f->fix);
	if (r->n)
		buf_putc(&r->buf, ',');
	struct json_out w = json_out_make(&r->buf);
	json_out_object(&w, NULL);
	json_out_str(&w, "ruleId", f->rule->id);
	json_out_int(&w, "ruleIndex", f->rule - rules_all(&n));
	json_out_str(&w, "level", level(f->rule->severity));
	text(&w, "message", message);
	location(&w, r, f);
	json_out_object(&w, "partialFingerprints");
	json_out_str(&w, "perdure/v1", print);
	json_out_end_object(&w);
	json_out_object(&w, "properties");
	report_json_finding(&w, f);
	json_out_end_object(&w);
	json_out_end_object(&w);
	report_flush(r);
}

static void end(struct report *r, const struct report_summary *s)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	clock_rfc3339(s->started_ms / 1000, from);
	clock_rfc3339(s->ended_ms / 1000, to);
	buf_puts(&r->buf, "],\"invocations\":[");
	struct json_out w = json_out_make(&r->buf);
	json_out_object(&w, NULL);
	json_out_bool(&w, "executionSuccessful", true);
	json_out_str(&w, "startTimeUtc", from);
	json_out_str(&w, "endTimeUtc", to);
	json_out_object(&w, "properties");
	report_json_summary(&w, s);
	json_out_end_object(&w);
	json_out_end_object(&w);
	buf_puts(&r->buf, "]}]}\n");
	report_flush(r);
}

const struct report_ops report_sarif = {.format = "sarif", .begin = begin, .finding = finding, .end = end};
