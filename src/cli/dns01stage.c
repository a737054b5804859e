/* dns01stage.c: the rehearsal of `perdure migrate dns-01` at a CA for tests. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/dns01.h"
#include "cli/output.h"
#include "migrate/passed.h"

struct rehearsal {
	struct dns01 *d;
	size_t n, done;
};

/* What has passed: these names, by the record or by the delegation. */
static char *word_of(const struct dns01_domain *m)
{
	AUTO(xfreep) char *names = strv_join(&m->names, ",");
	return xasprintf("%s%s%s", names, m->target ? ">" : "", m->target ? m->target : "");
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

static void told(struct dns01_domain *m, const struct err *e, void *ctx)
{
	struct rehearsal *r = ctx;
	struct err kept = {0};
	AUTO(xfreep) char *word = word_of(m);
	m->passed = !e;
	if (m->passed && passed_add(&r->d->site, r->d->staging, word, &kept)) {
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
	struct rehearsal r = {.d = d};
	struct dns01_told tell_each = {.each = told, .ctx = &r};
	if (!d->staging)
		return 0;
	if (site_account_session(&d->site, d->staging, e) || passed_read(&d->site, d->staging, &passed, e))
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		struct dns01_domain *m = &d->domains[i];
		AUTO(xfreep) char *word = word_of(m);
		m->passed = m->ready && strv_has(&passed, word);
		if (m->passed)
			tell(d, m->fqdn, "passed before", NULL);
		r.n += m->ready && !m->passed;
	}
	int result = r.n ? dns01_order(d, &tell_each, e) : 0;
	out_progress_clear();
	return result;
}
