/* migrateprint.c: what another client keeps, and what is planned with it, as text or JSON. */
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/migrate.h"
#include "cli/output.h"
#include "crypto/x509.h"

/* ---- JSON ---- */

static void json_hooks(struct json_out *w, const char *member, const struct migrate_hook *h, size_t n)
{
	json_out_array(w, member);
	for (size_t i = 0; i < n; i++) {
		json_out_object(w, NULL);
		json_out_str(w, "when", h[i].when);
		json_out_str(w, "command", h[i].command);
		json_out_str(w, "where", h[i].where);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

static void json_account(const struct migrate_account_plan *p)
{
	const struct migrate_account *a = p->account;
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "kind", "account");
	json_out_str(&j.w, "id", a->id);
	json_out_str(&j.w, "action", migrate_action_name(p->action));
	json_out_str(&j.w, "why", p->why);
	json_out_str(&j.w, "ca", p->ca ? p->ca->conf->name : NULL);
	json_out_str(&j.w, "directory", or_null(a->directory));
	json_out_str(&j.w, "url", or_null(a->url));
	json_out_strv(&j.w, "contact", &a->contact);
	json_out_int(&j.w, "used", (int64_t)p->used);
	out_json_end(&j);
}

static void json_cert(const struct migrate_cert_plan *p)
{
	const struct migrate_lineage *l = p->lineage;
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "kind", "certificate");
	json_out_str(&j.w, "id", l->id);
	json_out_str(&j.w, "action", migrate_action_name(p->action));
	json_out_str(&j.w, "why", p->why);
	json_out_str(&j.w, "certificate", p->name);
	json_out_strv(&j.w, "names", &l->names);
	json_out_str(&j.w, "ca", or_null(p->ca_name));
	json_out_bool(&j.w, "configured", p->configured != NULL);
	json_out_str(&j.w, "key_type", l->key_type);
	json_out_bool(&j.w, "must_staple", l->must_staple);
	json_out_bool(&j.w, "reuse_key", l->reuse_key);
	json_out_str(&j.w, "method", or_null(l->method));
	out_json_time(&j.w, "not_after", l->chain ? x509_chain_info(l->chain)->not_after : 0);
	json_hooks(&j.w, "hooks", l->hooks, l->n_hooks);
	json_out_array(&j.w, "copies");
	for (size_t i = 0; i < l->n_copies; i++)
		json_out_str(&j.w, NULL, l->copies[i].path);
	json_out_end_array(&j.w);
	json_out_array(&j.w, "places");
	for (size_t i = 0; i < l->n_places; i++)
		json_out_str(&j.w, NULL, l->places[i].path);
	json_out_end_array(&j.w);
	json_out_bool(&j.w, "switched", l->switched);
	json_out_strv(&j.w, "notes", &l->notes);
	out_json_end(&j);
}

static void json_client(const struct migrate_run *r, const char *yaml, const char *written)
{
	AUTO(strv_done) struct strv stop = {0}, timers = {0};
	const struct migrate_found *f = &r->found;
	struct out_json j;
	migrate_how_to_stop(f->client, &stop);
	migrate_timers(f->client, &timers);
	out_json_begin(&j);
	json_out_str(&j.w, "kind", "client");
	json_out_str(&j.w, "client", migrate_client_name(f->client));
	json_out_str(&j.w, "path", f->path);
	json_hooks(&j.w, "hooks", f->hooks, f->n_hooks);
	json_out_strv(&j.w, "notes", &f->notes);
	json_out_str(&j.w, "config", yaml);
	json_out_str(&j.w, "written", written);
	json_out_strv(&j.w, "timers", &timers);
	json_out_strv(&j.w, "stop", &stop);
	out_json_end(&j);
}

/* ---- text ---- */

static enum out_colour colour_of(enum migrate_action a)
{
	return a == MIGRATE_CANNOT ? OUT_BAD : a == MIGRATE_NO_CA ? OUT_WARN : OUT_GOOD;
}

static void text_action(enum migrate_action a, const char *why)
{
	out_text("  %s%s%s%s%s\n", out_colour_on(colour_of(a)), migrate_action_name(a), out_colour_off(),
		why ? ": " : "", why ? why : "");
}

static void text_account(const struct migrate_account_plan *p)
{
	const struct migrate_account *a = p->account;
	out_text("account %s at %s%s%s\n", a->id, *a->directory ? a->directory : a->server, p->ca ? ", CA " : "",
		p->ca ? p->ca->conf->name : "");
	text_action(p->action, p->why);
	if (*a->url)
		out_text("    %s\n", a->url);
}

static void text_hooks(const struct migrate_hook *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_text("    hook (%s): %s\n", h[i].when, h[i].command);
}

static void text_cert(const struct cli *c, const struct migrate_cert_plan *p)
{
	const struct migrate_lineage *l = p->lineage;
	AUTO(xfreep) char *names = strv_join(&l->names, " ");
	out_text("certificate %s: %s\n", l->id, names);
	text_action(p->action, p->why);
	out_text("    becomes %s%s%s%s%s\n", p->name, *p->ca_name ? " at " : "", p->ca_name,
		p->configured ? "" : ", to be added to the configuration",
		l->switched ? ", its place is switched" : "");
	text_hooks(l->hooks, l->n_hooks);
	for (size_t i = 0; i < l->n_copies; i++)
		out_text("    copy of %s: %s\n", l->copies[i].what, l->copies[i].path);
	for (size_t i = 0; c->verbose && i < l->n_places; i++)
		out_text("    place: %s\n", l->places[i].path);
	for (size_t i = 0; i < l->notes.n; i++)
		out_text("    note: %s\n", l->notes.v[i]);
}

static void text_stop(const struct migrate_run *r)
{
	AUTO(strv_done) struct strv stop = {0}, timers = {0};
	migrate_how_to_stop(r->found.client, &stop);
	migrate_timers(r->found.client, &timers);
	out_text("To stop %s:\n", migrate_client_name(r->found.client));
	for (size_t i = 0; i < stop.n; i++)
		out_text("  %s\n", stop.v[i]);
	for (size_t i = 0; i < timers.n; i++)
		out_text("  names it now: %s\n", timers.v[i]);
}

static void print_text(const struct migrate_run *r, const char *yaml, const char *written)
{
	const struct migrate_found *f = &r->found;
	for (size_t i = 0; i < f->n_accounts; i++)
		text_account(&r->plan.accounts[i]);
	for (size_t i = 0; i < f->n_lineages; i++)
		text_cert(r->c, &r->plan.certs[i]);
	if (f->n_hooks)
		out_text("for all certificates:\n");
	text_hooks(f->hooks, f->n_hooks);
	for (size_t i = 0; i < f->notes.n; i++)
		out_text("note: %s\n", f->notes.v[i]);
	if (written)
		out_text("Written to %s:\n%s", written, yaml);
	else if (yaml)
		out_text("To be added to the configuration (--write-config conf.d/FILE.yaml does it):\n%s", yaml);
	text_stop(r);
}

/* ---- both ---- */

void migrate_print(const struct migrate_run *r, const char *yaml, const char *written)
{
	if (!r->c->json) {
		if (!r->c->quiet)
			print_text(r, yaml, written);
		return;
	}
	for (size_t i = 0; i < r->found.n_accounts; i++)
		json_account(&r->plan.accounts[i]);
	for (size_t i = 0; i < r->found.n_lineages; i++)
		json_cert(&r->plan.certs[i]);
	json_client(r, yaml, written);
}

void migrate_print_result(
	const struct migrate_run *r, const char *what, const char *name, const char *result, const struct err *e)
{
	if (r->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "kind", "result");
		json_out_str(&j.w, "what", what);
		json_out_str(&j.w, "name", name);
		json_out_str(&j.w, "result", result);
		out_json_err(&j.w, e);
		out_json_end(&j);
		return;
	}
	if (r->c->quiet && !e)
		return;
	out_text("%s %s: %s%s%s%s%s\n", what, name, out_colour_on(e ? OUT_BAD : OUT_GOOD), result, out_colour_off(),
		e ? ": " : "", e ? e->msg : "");
	if (e && e->hint[0])
		out_text("  hint: %s\n", e->hint);
}

void migrate_print_summary(const struct migrate_run *r)
{
	size_t n[MIGRATE_ACTION_N_] = {0};
	for (size_t i = 0; i < r->found.n_lineages && r->plan.certs; i++)
		n[r->plan.certs[i].action]++;
	if (!r->c->json) {
		if (!r->c->quiet)
			out_text("%zu accounts, %zu certificates: %zu to import, %zu here, %zu whose CA is not "
				 "configured, %zu "
				 "that cannot be taken; %zu done, %zu failed\n",
				r->found.n_accounts, r->found.n_lineages, n[MIGRATE_TAKE], n[MIGRATE_HERE],
				n[MIGRATE_NO_CA], n[MIGRATE_CANNOT], r->done, r->failed);
		return;
	}
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "kind", "summary");
	json_out_int(&j.w, "accounts", (int64_t)r->found.n_accounts);
	json_out_int(&j.w, "certificates", (int64_t)r->found.n_lineages);
	json_out_int(&j.w, "import", (int64_t)n[MIGRATE_TAKE]);
	json_out_int(&j.w, "here", (int64_t)n[MIGRATE_HERE]);
	json_out_int(&j.w, "no_ca", (int64_t)n[MIGRATE_NO_CA]);
	json_out_int(&j.w, "cannot", (int64_t)n[MIGRATE_CANNOT]);
	json_out_int(&j.w, "done", (int64_t)r->done);
	json_out_int(&j.w, "failed", (int64_t)r->failed);
	out_json_end(&j);
}
