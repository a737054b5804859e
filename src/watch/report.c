/* report.c: the report as such, and the simplest format: JSON Lines. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/report_priv.h"
#include "json/json.h"

/* One finding, or those of one name, put together. */
enum { PIECE_MAX = 64 << 20 };

static const struct report_ops *const formats[REPORT_FORMAT_N_] = {
	[REPORT_JSONL] = &report_jsonl,
	[REPORT_SARIF] = &report_sarif,
	[REPORT_JUNIT] = &report_junit,
	[REPORT_OPENMETRICS] = &report_openmetrics,
};

const char *report_format_name(enum report_format f)
{
	return formats[f]->format;
}

struct report *report_new(enum report_format f, FILE *out, const char *artifact)
{
	size_t n;
	struct report *r = xcalloc(1, sizeof(*r));
	rules_all(&n);
	*r = (struct report){
		.ops = formats[f],
		.out = out,
		.artifact = artifact ? xstrdup(artifact) : NULL,
		.buf = buf_make(PIECE_MAX),
		.by_rule = xcalloc(n, sizeof(size_t)),
	};
	if (r->ops->begin)
		r->ops->begin(r);
	return r;
}

static void end_name(struct report *r)
{
	if (r->name && r->ops->name_end)
		r->ops->name_end(r);
	free(r->name);
	r->name = NULL;
	r->n_in_name = r->n_failures = 0;
}

void report_name(struct report *r, const char *fqdn)
{
	end_name(r);
	r->name = xstrdup(fqdn);
}

void report_finding(struct report *r, const struct finding *f)
{
	size_t n;
	r->by_rule[f->rule - rules_all(&n)]++;
	if (r->ops->finding)
		r->ops->finding(r, f);
	r->n++;
	r->n_in_name++;
}

int report_end(struct report *r, const struct report_summary *s, struct err *e)
{
	end_name(r);
	if (r->ops->end)
		r->ops->end(r, s);
	if (buf_check(&r->buf, "the findings of one name", e))
		return -1;
	if (fflush(r->out) || ferror(r->out))
		return err_sys(e, "write the report");
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	free(r->artifact);
	free(r->name);
	free(r->by_rule);
	buf_done(&r->buf);
	free(r);
}

void report_freep(struct report **r)
{
	report_free(*r);
}

void report_flush(struct report *r)
{
	if (r->buf.bad)
		return;
	fwrite(buf_str(&r->buf), 1, r->buf.n, r->out);
	buf_clear(&r->buf);
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

void report_json_finding(struct json_out *w, const struct finding *f)
{
	char print[24];
	snprintf(print, sizeof(print), "%016" PRIx64, f->fingerprint);
	json_out_str(w, "rule", f->rule->id);
	json_out_str(w, "title", f->rule->name);
	json_out_str(w, "severity", severity_name(f->rule->severity));
	json_out_str(w, "name", f->name);
	json_out_str(w, "owner", f->owner);
	json_out_str(w, "ca", or_null(f->ca));
	json_out_str(w, "server", or_null(f->server));
	json_out_str(w, "record", or_null(f->record));
	json_out_str(w, "message", f->rule->title);
	json_out_str(w, "evidence", f->evidence);
	json_out_str(w, "remedy", f->remedy);
	json_out_str(w, "fix", or_null(f->fix));
	json_out_str(w, "fingerprint", print);
}

void report_json_summary(struct json_out *w, const struct report_summary *s)
{
	json_out_object(w, "summary");
	json_out_int(w, "names", (int64_t)s->names);
	json_out_int(w, "records", (int64_t)s->records);
	json_out_int(w, "unseen", (int64_t)s->unseen);
	json_out_int(w, "errors", (int64_t)s->found[SEVERITY_ERROR]);
	json_out_int(w, "warnings", (int64_t)s->found[SEVERITY_WARNING]);
	json_out_int(w, "infos", (int64_t)s->found[SEVERITY_INFO]);
	json_out_bool(w, "baseline", s->baseline);
	json_out_int(w, "known", (int64_t)s->known);
	json_out_int(w, "gone", (int64_t)s->gone);
	json_out_real(w, "seconds", (double)(s->ended_ms - s->started_ms) / 1000, 3);
	json_out_end_object(w);
}

static void jsonl_finding(struct report *r, const struct finding *f)
{
	struct json_out w = json_out_make(&r->buf);
	json_out_object(&w, NULL);
	report_json_finding(&w, f);
	json_out_end_object(&w);
	buf_putc(&r->buf, '\n');
	report_flush(r);
}

static void jsonl_end(struct report *r, const struct report_summary *s)
{
	struct json_out w = json_out_make(&r->buf);
	json_out_object(&w, NULL);
	report_json_summary(&w, s);
	json_out_end_object(&w);
	buf_putc(&r->buf, '\n');
	report_flush(r);
}

const struct report_ops report_jsonl = {.format = "jsonl", .finding = jsonl_finding, .end = jsonl_end};
