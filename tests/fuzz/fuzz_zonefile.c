/*
 * fuzz_zonefile.c: any octets as a zone file, audited from reading to the report. SARIF, which
 * begins with all rules each time, is left out: its findings are written by the writer of JSON Lines. So is $INCLUDE:
 * it would open whatever file it names.
 */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/zonefile.h"
#include "memfile.h"
#include "watch/audit.h"
#include "watch/zonescan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define URL "https://ca.example/acct/123"

static void must(bool good)
{
	if (!good)
		abort();
}

static void record(void *ctx, const char *owner, const struct dns_rr *rr)
{
	zonescan_add(ctx, owner, rr);
}

static void bad(void *ctx, const char *file, int line, const char *why, const char *text)
{
	must(why && text);
	zonescan_add_bad(ctx, file, line, why, text);
}

static const enum report_format formats[] = {REPORT_JSONL, REPORT_JUNIT};

struct run {
	struct audit a;
	struct report *reports[ARRAY_LEN(formats)];
};

static void on_name(void *ctx, const char *fqdn)
{
	struct run *r = ctx;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		report_name(r->reports[i], fqdn);
}

static void on_finding(const struct finding *f, void *ctx)
{
	struct run *r = ctx;
	must(f->rule && f->name[0] && f->evidence[0] && f->remedy[0]);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		report_finding(r->reports[i], f);
}

static void on_facts(struct facts *f, void *ctx)
{
	struct run *r = ctx;
	audit_facts(&r->a, f);
}

static struct audit_context *context(void)
{
	struct err e = {0};
	struct audit_context *c = context_new(1800000000);
	struct audit_ca *ca = context_add_ca(c, "ca");
	strv_add(&ca->issuers, "ca.example");
	ca->account_url = xstrdup(URL);
	ca->levels[0] = 2;
	ca->n_levels = 1;
	ca->prefix = xstrdup("https://ca.example/hash/");
	strv_add(&ca->thumbprints, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	context_add_want(c, "example.com", 0, 0);
	context_add_want(c, "*.www.example.com", 0, 0);
	c->has_inventory = true;
	must(!context_ready(c, &e));
	return c;
}

static void audit_zone(struct zonescan *z, FILE *out)
{
	AUTO(context_freep) struct audit_context *c = context();
	AUTO(baseline_out_freep) struct baseline_out *after = baseline_out_new();
	struct err e = {0};
	struct run r = {.a = {.c = c, .after = after, .name = on_name, .finding = on_finding, .ctx = &r, .e = &e}};
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		r.reports[i] = report_new(formats[i], out, "zone");
	zonescan_each(z, c, on_facts, &r);
	must(!r.a.failed);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		must(!report_end(r.reports[i], &r.a.sum, &e));
		report_free(r.reports[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[MEMFILE_PATH];
	struct err e = {0};
	if (size > 65535 || memmem(data, size, "$I", 2) || memmem(data, size, "$i", 2))
		return 0;
	int fd = memfile(data, size, path);
	struct zonescan *z = zonescan_new();
	struct zonefile_reader reader = {.record = record, .bad = bad, .ctx = z};
	FILE *out = fopen("/dev/null", "we");
	must(out);
	if (zonefile_read(path, "example.com", &reader, &e))
		must(err_is(&e));
	else if (*zonescan_apex(z))
		audit_zone(z, out);
	err_done(&e);
	fclose(out);
	zonescan_free(z);
	close(fd);
	return 0;
}
