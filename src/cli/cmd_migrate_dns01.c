/* cmd_migrate_dns01.c: perdure migrate dns-01: from classic dns-01 to records that stand. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/dns01.h"
#include "cli/output.h"
#include "cli/recordplan.h"
#include "cli/recordrun.h"
#include "cli/verbs.h"
#include "inventory/export.h"
#include "inventory/export_collect.h"
#include "inventory/plan.h"
#include "inventory/planmake.h"

/* ---- the records ---- */

static int export(struct dns01 *d, const struct export_format *format, struct err *e)
{
	AUTO(export_set_done) struct export_set set = {0};
	AUTO(buf_done) struct buf out = buf_make(BUF_MAX_NAMES_FILE * 8);
	for (size_t i = 0; i < d->wishes.n; i++) {
		const struct wish *w = &d->wishes.v[i];
		export_add(&set, w->owner, w->type == PROVIDER_CNAME ? EXPORT_CNAME : EXPORT_TXT, (uint32_t)w->ttl,
			w->value, 0, NULL);
	}
	export_merge(&set);
	if (site_dns(&d->site, e) || export_observe(&d->site, &set, e) || export_sort(&set, e))
		return -1;
	format->write(&set, &out);
	if (buf_check(&out, "the export", e))
		return -1;
	out_text("%s", buf_str(&out));
	return 0;
}

static void progressed(size_t done, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu names looked at", done, total);
}

/* Publishes what is missing. *ret_dry: nothing more is to be done. */
static int publish(struct dns01 *d, bool *ret_dry, int *ret_status, struct err *e)
{
	AUTO(plan_done) struct plan p = {0};
	struct recordrun r = {.c = d->c, .site = &d->site, .plan = &p};
	struct planmake m = {.site = &d->site,
		.wishes = &d->wishes,
		.ours = &d->ours,
		.preflight = !cli_flag(d->c, "no-preflight"),
		.progress = progressed};
	if (recordrun_wait(d->c, &r.wait_ms, e) || site_dns(&d->site, e) || planmake(&m, &p, e))
		return -1;
	out_progress_clear();
	size_t n = plan_count_changes(&p, false), blocked = plan_count(&p, PLAN_BLOCKED);
	*ret_dry = cli_flag(d->c, "dry-run");
	*ret_status = blocked ? EXIT_PARTLY : EXIT_DONE;
	if (*ret_dry || (blocked && !n))
		recordrun_show(&r);
	if (*ret_dry || !n)
		return 0;
	if (recordrun_agreed(&r, n, e) || recordrun(&r, e))
		return -1;
	*ret_status = recordrun_status(&r, blocked);
	return 0;
}

/* ---- what may go ---- */

static void tell_stale(const struct dns01 *d, const char *owner, const char *type, const char *data)
{
	if (d->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "kind", "stale");
		json_out_str(&j.w, "owner", owner);
		json_out_str(&j.w, "type", type);
		json_out_str(&j.w, "data", data);
		out_json_end(&j);
	} else {
		out_text("may be deleted: %s. %s %s\n", owner, type, data);
	}
}

/* Only at domains that are proved by the new way. Values that no dns-01 writes are others'. */
static size_t tell_old(const struct dns01 *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct dns01_domain *m = &d->domains[i];
		if (!m->ready || (d->staging && !m->passed))
			continue;
		for (size_t k = 0; k < m->old.values.n; k++, n++) {
			AUTO(xfreep) char *quoted = xasprintf("\"%s\"", m->old.values.v[k]);
			tell_stale(d, m->old.owner, "TXT", quoted);
		}
		if (m->old.target && !d->delegate) {
			AUTO(xfreep) char *dotted = xasprintf("%s.", m->old.target);
			tell_stale(d, m->old.owner, "CNAME", dotted);
			n++;
		}
	}
	return n;
}

static void sum_up(const struct dns01 *d, size_t stale)
{
	size_t ready = 0, passed = 0;
	for (size_t i = 0; i < d->n; i++) {
		ready += d->domains[i].ready;
		passed += d->domains[i].passed;
	}
	if (d->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "kind", "summary");
		json_out_int(&j.w, "domains", (int64_t)d->n);
		json_out_int(&j.w, "ready", (int64_t)ready);
		json_out_int(&j.w, "passed", (int64_t)passed);
		json_out_int(&j.w, "stale", (int64_t)stale);
		out_json_end(&j);
	} else if (!d->c->quiet) {
		out_text("%zu domains: %zu %s at all their servers", d->n, ready,
			d->delegate ? "delegated" : "accepted");
		if (d->staging)
			out_text(", %zu passed at %s", passed, d->staging->conf->name);
		out_text("; %zu old records may be deleted%s\n", stale,
			stale ? " once nothing renews by them any more" : "");
	}
}

/* ---- the verb ---- */

static int finish(struct dns01 *d, int published, struct err *e)
{
	if (dns01_look(d, e) || dns01_rehearse(d, e))
		return -1;
	sum_up(d, tell_old(d));
	if (!d->failed)
		return published == EXIT_FAILED ? EXIT_PARTLY : published;
	return published == EXIT_LATER ? EXIT_LATER : d->failed < d->n ? EXIT_PARTLY : EXIT_FAILED;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(dns01_done) struct dns01 d = {.c = c, .site = {.lock = {.fd = -1}}};
	const struct export_format *format = NULL;
	const char *name = cli_value(c, "format");
	bool dry = false;
	int status = EXIT_DONE;
	if ((name && export_format_find(name, &format, e)) || dns01_ask(&d, e))
		return -1;
	if (format)
		return export(&d, format, e) ? -1 : EXIT_DONE;
	if (publish(&d, &dry, &status, e))
		return -1;
	return dry ? status : finish(&d, status, e);
}

static const struct cli_option options[] = {
	{"names", 0, "FILE", false, "names from a file, parted by blanks or lines; \"-\" for standard input"},
	{"wildcard", 0, NULL, false, "the wildcard of each name, too"},
	{"to", 0, "WAY", false,
		"persist (default): a standing record; delegation: a standing CNAME, as delegation: says"},
	{"format", 'f', "FORMAT", false,
		"print the records for another tool, as \"record export\" does, and change nothing"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"staging", 0, "CA", false,
		"have this CA for tests issue for each domain; with --to persist its records are published, too"},
	RECORDRUN_OPTIONS,
	{"offline", 0, NULL, false, "do not ask the CAs for their directory"},
	{"no-preflight", 0, NULL, false, "do not look whether a new record would hurt"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_migrate_dns01 = {
	.name = "migrate dns-01",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "give domains that are validated by dns-01 records that stand",
	.about = "Publishes what each domain needs through the DNS providers (as fast as they allow), waits for it, "
		 "looks at "
		 "every\n"
		 "authoritative server and asks for each CA's verdict; with --staging it has certificates issued, "
		 "which are "
		 "thrown away;\n"
		 "then it lists what dns-01 has left at _acme-challenge and may be deleted. Safe to stop and to run "
		 "again: "
		 "it goes on\n"
		 "with what is missing. Exit status 4 when some domains are not ready, 75 when servers lag.",
	.options = options,
	.examples =
		"  perdure migrate dns-01 --names wildcard-domains.txt --wildcard --dry-run\n"
		"  perdure migrate dns-01 --names wildcard-domains.txt --wildcard --staging letsencrypt-staging --yes\n"
		"  perdure migrate dns-01 --names domains.txt --to delegation --format terraform-aws > acme.tf",
	.run = run,
};
