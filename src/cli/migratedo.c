/* migratedo.c: importing what was found, exchanging the places that services read, and putting them back. */
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/migrate.h"
#include "cli/output.h"
#include "crypto/key.h"
#include "migrate/import.h"
#include "migrate/switch.h"

/* ---- import ---- */

static void told(struct migrate_run *r, const char *what, const char *name, const char *good, int failed, struct err *e)
{
	*(failed ? &r->failed : &r->done) += 1;
	migrate_print_result(r, what, name, failed ? "failed" : good, failed ? e : NULL);
	err_done(e);
}

int migrate_do_import(struct migrate_run *r, struct err *e)
{
	const struct migrate_plan *p = &r->plan;
	for (size_t i = 0; i < r->found.n_accounts; i++) {
		struct err why = {0};
		if (p->accounts[i].action == MIGRATE_TAKE)
			told(r, "account", p->accounts[i].account->id, "imported",
				migrate_import_account(&r->site, &p->accounts[i], &why), &why);
	}
	for (size_t i = 0; i < r->found.n_lineages; i++) {
		struct err why = {0};
		out_progress("%zu of %zu certificates", i, r->found.n_lineages);
		if (p->certs[i].action == MIGRATE_TAKE)
			told(r, "certificate", p->certs[i].name, "imported",
				migrate_import_cert(&r->site, &p->certs[i], &why), &why);
	}
	out_progress_clear();
	/* What is here now. */
	migrate_plan_done(&r->plan);
	return migrate_plan_make(&r->site, &r->found, &r->plan, e);
}

/* ---- commit ---- */

/* Whether somebody else than its owner may read the key today. Ours is for its owner alone. */
static bool is_open(const struct migrate_place *place)
{
	enum { OTHERS = 044 };
	AUTO(xfreep) char *key = *place->file ? xstrdup(place->path) : xasprintf("%s/privkey.pem", place->path);
	struct stat st;
	bool holds_key = !*place->file || !strcmp(place->file, "privkey.pem") || !strcmp(place->file, "combined.pem");
	return holds_key && !switch_is_done(place->path) && !stat(key, &st) && (st.st_mode & OTHERS);
}

/* What the links would take away, or lead to harm. */
static int check_safe(const struct migrate_run *r, struct err *e)
{
	AUTO(strv_done) struct strv timers = {0};
	if (cli_flag(r->c, "force"))
		return 0;
	/* certbot leaves a folder alone that is not as it made it; the others write through the links. */
	if (r->found.client != MIGRATE_CERTBOT)
		migrate_timers(r->found.client, &timers);
	if (timers.n) {
		err_set(e, ERR_POLICY, "nothing was exchanged: %s still names %s, which would write through the links",
			timers.v[0], migrate_client_name(r->found.client));
		err_hint(e, "stop it first; or give --force when that does not start it");
		return -1;
	}
	for (size_t i = 0; i < r->found.n_lineages; i++)
		for (size_t k = 0; k < r->found.lineages[i].n_places; k++)
			if (is_open(&r->found.lineages[i].places[k])) {
				err_set(e, ERR_POLICY,
					"nothing was exchanged: others than its owner may read the key at %s, and ours "
					"is for its owner alone",
					r->found.lineages[i].places[k].path);
				err_hint(
					e, "give those services a copy with \"deploy: [{copy: …}]\", then use --force");
				return -1;
			}
	return 0;
}

/* Only what we will renew takes the place of what the other client did. */
static bool is_ready(const struct migrate_cert_plan *p, struct err *e)
{
	if (p->action != MIGRATE_HERE)
		err_set(e, ERR_POLICY, "it is not here yet%s%s", p->why ? ": " : "", p->why ? p->why : "");
	else if (!p->configured)
		err_set(e, ERR_POLICY, "the configuration does not name it, so that it would not be renewed");
	else
		return true;
	err_hint(e, "perdure migrate with --write-config conf.d/FILE.yaml and --import comes first");
	return false;
}

static int put_link(const struct migrate_run *r, const struct migrate_cert_plan *p, const struct migrate_place *place,
	bool *ret_changed, struct err *e)
{
	AUTO(xfreep)
	char *target =
		xasprintf("%s/live/%s%s%s", r->site.config->state_dir, p->name, *place->file ? "/" : "", place->file);
	return switch_to(place->path, target, ret_changed, e);
}

static void commit_cert(struct migrate_run *r, const struct migrate_cert_plan *p)
{
	const struct migrate_lineage *l = p->lineage;
	struct err why = {0};
	if (!is_ready(p, &why)) {
		told(r, "certificate", p->name, "", -1, &why);
		return;
	}
	AUTO(xfreep) bool *changed = xcalloc(l->n_places, sizeof(*changed));
	size_t n = 0;
	while (n < l->n_places && !put_link(r, p, &l->places[n], &changed[n], &why))
		n++;
	bool failed = n < l->n_places;
	if (failed)
		told(r, "place", l->places[n].path, "", -1, &why);
	/* Key and certificate are files of their own with some clients: all of them are ours, or none. */
	while (n--)
		if (failed && changed[n] && switch_back(l->places[n].path, &changed[n], &why))
			told(r, "place", l->places[n].path, "", -1, &why);
	for (size_t i = 0; i < l->n_places && !failed; i++)
		if (changed[i])
			told(r, "place", l->places[i].path, "exchanged", 0, &why);
}

int migrate_do_commit(struct migrate_run *r, struct err *e)
{
	if (check_safe(r, e))
		return -1;
	if (!cli_flag(r->c, "yes") &&
		!out_confirm(
			"Put links to perdure's files in the place of those of %zu certificates in %s? %s must not "
			"run any more.",
			r->found.n_lineages, r->found.path, migrate_client_name(r->found.client))) {
		err_set(e, ERR_USAGE, "nothing was exchanged: it was not agreed to");
		err_hint(e, "add --yes where nobody can be asked");
		return -1;
	}
	for (size_t i = 0; i < r->found.n_lineages; i++)
		commit_cert(r, &r->plan.certs[i]);
	return 0;
}

void migrate_show_places(const struct migrate_run *r, bool back)
{
	for (size_t i = 0; i < r->found.n_lineages; i++)
		for (size_t k = 0; k < r->found.lineages[i].n_places; k++) {
			const char *path = r->found.lineages[i].places[k].path;
			enum migrate_action action = back ? MIGRATE_HERE : r->plan.certs[i].action;
			bool may = action == MIGRATE_HERE || action == MIGRATE_TAKE;
			if (may && switch_is_done(path) == back)
				migrate_print_result(
					r, "place", path, back ? "would be put back" : "would be exchanged", NULL);
		}
}

void migrate_do_undo(struct migrate_run *r)
{
	for (size_t i = 0; i < r->found.n_lineages; i++)
		for (size_t k = 0; k < r->found.lineages[i].n_places; k++) {
			const char *path = r->found.lineages[i].places[k].path;
			struct err why = {0};
			bool changed = false;
			int failed = switch_back(path, &changed, &why);
			if (failed || changed)
				told(r, "place", path, "put back", failed, &why);
		}
}
