/* baseline_out.c: the file of this audit written, for the next one to compare with. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/baseline_priv.h"
#include "watch/context.h"
#include "watch/outfile.h"
#include "json/json.h"

enum { LINE_MAX_OCTETS = 16 << 20 };

struct baseline_out {
	struct strv names; /* lines, to be sorted */
	struct strv cas;
	/* The name in work. */
	char *fqdn;
	struct strv ns, records, findings;
};

struct baseline_out *baseline_out_new(void)
{
	return xcalloc(1, sizeof(struct baseline_out));
}

static void forget_name(struct baseline_out *o)
{
	free(o->fqdn);
	o->fqdn = NULL;
	strv_done(&o->ns);
	strv_done(&o->records);
	strv_done(&o->findings);
}

void baseline_out_free(struct baseline_out *o)
{
	if (!o)
		return;
	forget_name(o);
	strv_done(&o->names);
	strv_done(&o->cas);
	free(o);
}

void baseline_out_freep(struct baseline_out **o)
{
	baseline_out_free(*o);
}

/* The name in work becomes a line. */
static void end_name(struct baseline_out *o)
{
	AUTO(buf_done) struct buf b = buf_make(LINE_MAX_OCTETS);
	struct json_out w = json_out_make(&b);
	if (!o->fqdn)
		return;
	strv_sort_unique(&o->findings);
	json_out_object(&w, NULL);
	json_out_str(&w, "name", o->fqdn);
	if (o->ns.n)
		json_out_strv(&w, "ns", &o->ns);
	if (o->records.n)
		json_out_strv(&w, "records", &o->records);
	if (o->findings.n)
		json_out_strv(&w, "findings", &o->findings);
	json_out_end_object(&w);
	strv_add(&o->names, buf_str(&b));
	forget_name(o);
}

void baseline_ca_text(const struct audit_ca *a, struct buf *out)
{
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	json_out_str(&w, "ca", a->name);
	json_out_strv(&w, "issuers", &a->directory_issuers);
	json_out_strv(&w, "caa_identities", &a->caa_identities);
	json_out_str(&w, "prefix", a->prefix);
	json_out_array(&w, "levels");
	for (int i = 0; i < a->n_levels; i++)
		json_out_int(&w, NULL, a->levels[i]);
	json_out_end_array(&w);
	json_out_end_object(&w);
}

void baseline_out_ca(struct baseline_out *o, const struct audit_ca *a)
{
	AUTO(buf_done) struct buf b = buf_make(LINE_MAX_OCTETS);
	baseline_ca_text(a, &b);
	strv_add(&o->cas, buf_str(&b));
}

void baseline_out_name(struct baseline_out *o, const struct facts *f)
{
	end_name(o);
	o->fqdn = xstrdup(f->fqdn);
	if (f->ns)
		strv_copy(&o->ns, f->ns);
	strv_sort_unique(&o->ns);
	baseline_records(f, &o->records);
}

void baseline_out_finding(struct baseline_out *o, const struct finding *f)
{
	char text[BASELINE_PRINT];
	baseline_fingerprint(f, text);
	strv_add(&o->findings, text);
}

void baseline_out_keep(struct baseline_out *o, const struct baseline *from, const char *fqdn)
{
	const struct baseline_line *l = from ? baseline_line(from, fqdn) : NULL;
	end_name(o);
	if (l)
		strv_add_take(&o->names, xstrndup(l->p, l->n));
}

/* In the order of the names alone: what stands behind them must not matter, or the file could not be searched. */
static int by_name(const void *a, const void *b)
{
	const char *x = *(char *const *)a + strlen(BASELINE_NAME), *y = *(char *const *)b + strlen(BASELINE_NAME);
	size_t n = strcspn(x, "\""), m = strcspn(y, "\"");
	int d = memcmp(x, y, n < m ? n : m);
	return d ? d : n < m ? -1 : n > m;
}

int baseline_out_write(struct baseline_out *o, const char *path, struct err *e)
{
	AUTO(outfile_done) struct outfile out = {0};
	end_name(o);
	if (o->names.n)
		qsort(o->names.v, o->names.n, sizeof(*o->names.v), by_name);
	strv_sort_unique(&o->cas);
	if (outfile_open(path, &out, e))
		return err_ctx(e, "baseline");
	fputs(BASELINE_HEAD "}\n", out.f);
	for (size_t i = 0; i < o->cas.n; i++)
		fprintf(out.f, "%s\n", o->cas.v[i]);
	for (size_t i = 0; i < o->names.n; i++)
		if (!i || by_name(&o->names.v[i - 1], &o->names.v[i]))
			fprintf(out.f, "%s\n", o->names.v[i]);
	return outfile_commit(&out, e);
}
