/* dns01stage.c: the rehearsal of `perdure migrate dns-01` at a CA for tests. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/dns01.h"
#include "cli/output.h"
#include "migrate/rehearse.h"

struct rehearsal {
	struct dns01 *d;
	struct strv *groups;
	size_t *domains; /* the domain of each group */
	size_t n, done;
};

static char *word_of(const struct dns01_domain *m)
{
	return strv_join(&m->names, ",");
}

static void tell(const struct dns01 *d, const char *fqdn, const char *result, const struct err *e)
{
	if (d->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "kind", "rehearsal");
		json_out_str(&j.w, "name", fqdn);
		json_out_str(&j.w, "ca", d->staging->conf->name);
		json_out_str(&j.w, "result", result);
		out_json_err(&j.w, e);
		out_json_end(&j);
	} else if (e || d->c->verbose) {
		out_progress_clear();
		out_text("%s at %s: %s%s%s%s%s\n", fqdn, d->staging->conf->name, out_colour_on(e ? OUT_BAD : OUT_GOOD),
			result, out_colour_off(), e ? ": " : "", e ? e->msg : "");
		if (e && e->hint[0])
			out_text("  hint: %s\n", e->hint);
	}
}

static void told(size_t i, const struct err *e, void *ctx)
{
	struct rehearsal *r = ctx;
	struct dns01_domain *m = &r->d->domains[r->domains[i]];
	struct err kept = {0};
	AUTO(xfreep) char *word = word_of(m);
	m->passed = !e;
	if (m->passed && rehearse_pass(&r->d->site, r->d->staging, word, &kept)) {
		log_warn("%s; a further run will try %s again", kept.msg, m->fqdn);
		err_done(&kept);
	}
	tell(r->d, m->fqdn, e ? "failed" : "passed", e);
	r->d->failed += !m->passed;
	out_progress("%zu of %zu rehearsed", ++r->done, r->n);
}

int dns01_rehearse(struct dns01 *d, struct err *e)
{
	AUTO(strv_done) struct strv passed = {0};
	if (!d->staging)
		return 0;
	struct rehearsal r = {.d = d};
	if (site_account_session(&d->site, d->staging, e) || rehearse_passed(&d->site, d->staging, &passed, e))
		return -1;
	r.groups = xcalloc(d->n, sizeof(*r.groups));
	r.domains = xcalloc(d->n, sizeof(*r.domains));
	for (size_t i = 0; i < d->n; i++) {
		AUTO(xfreep) char *word = word_of(&d->domains[i]);
		if (!d->domains[i].ready)
			continue;
		d->domains[i].passed = strv_has(&passed, word);
		if (d->domains[i].passed) {
			tell(d, d->domains[i].fqdn, "passed before", NULL);
			continue;
		}
		r.domains[r.n] = i;
		r.groups[r.n++] = d->domains[i].names;
	}
	struct rehearse run = {
		.site = &d->site, .ca = d->staging, .groups = r.groups, .n = r.n, .told = told, .ctx = &r};
	int result = rehearse_run(&run, e);
	out_progress_clear();
	free(r.groups);
	free(r.domains);
	return result;
}
