/* cmd_record_apply.c: perdure record apply. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/recordplan.h"
#include "cli/verbs.h"
#include "inventory/apply.h"
#include "inventory/journal.h"
#include "inventory/plan.h"
#include "inventory/planfile.h"
#include "inventory/publisher.h"
#include "inventory/site.h"

enum { WAIT_DEFAULT_S = 600, WAIT_MAX_S = 86400 };

struct printing {
	const struct cli *c;
	size_t good, late, shifted, failed;
};

static void print_json(const struct apply_report *r)
{
	static const struct strv none;
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "owner", r->rrset->owner);
	json_out_str(&j.w, "name", r->rrset->fqdn);
	json_out_str(&j.w, "outcome", apply_outcome_name(r->outcome));
	json_out_strv(&j.w, "added", r->added ? r->added : &none);
	json_out_strv(&j.w, "removed", r->removed ? r->removed : &none);
	json_out_str(&j.w, "note", r->note);
	out_json_err(&j.w, r->e);
	out_json_end(&j);
}

static void told(const struct apply_report *r, void *ctx)
{
	struct printing *p = ctx;
	size_t *const of[APPLY_OUTCOME_N_] = {&p->good, &p->good, &p->good, &p->late, &p->shifted, &p->failed};
	++*of[r->outcome];
	if (p->c->json) {
		print_json(r);
	} else if (r->e) {
		out_progress_clear();
		out_text("%s: %s%s%s: %s\n", r->rrset->owner, out_colour_on(OUT_BAD), apply_outcome_name(r->outcome),
			out_colour_off(), r->e->msg);
		if (r->e->hint[0])
			out_text("  hint: %s\n", r->e->hint);
	} else if (!p->c->quiet) {
		out_progress_clear();
		out_text("%s: %s%s%s\n", r->rrset->owner, out_colour_on(OUT_GOOD), apply_outcome_name(r->outcome),
			out_colour_off());
	}
	if (r->note && !p->c->json)
		out_text("  note: %s\n", r->note);
}

static void progressed(size_t changed, size_t served, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu changed, %zu served", changed, total, served);
}

/* The opposite of a run: what it added is deleted, what it deleted is added again. */
static int undo_plan(const struct site *s, const char *id, struct plan *ret, struct err *e)
{
	struct journal_change *changes;
	size_t n;
	if (journal_read(s->config->state_dir, id, &changes, &n, e))
		return -1;
	for (size_t i = n; i-- > 0;) {
		const struct journal_change *c = &changes[i];
		if (!strcmp(c->outcome, "failed") || !strcmp(c->outcome, "unchanged"))
			continue;
		const char *dot = strchr(c->owner, '.');
		struct plan_rrset *r = plan_add(ret, c->owner, dot ? dot + 1 : c->owner, c->ttl);
		for (size_t k = 0; k < c->del.n; k++)
			plan_item_add(r, PLAN_ADD, c->del.v[k], NULL, "", "was there before");
		for (size_t k = 0; k < c->add.n; k++)
			if (!strv_has(&c->before, c->add.v[k]))
				plan_item_add(r, PLAN_REMOVE, c->add.v[k], NULL, "", "was not there before");
	}
	journal_changes_free(changes, n);
	return 0;
}

static int get_plan(struct cli *c, struct site *s, bool *ret_exact, struct plan *ret, struct err *e)
{
	*ret_exact = false;
	if (cli_value(c, "undo")) {
		if (c->args.n)
			return err_set(e, ERR_USAGE, "--undo takes neither a plan nor names");
		return undo_plan(s, cli_value(c, "undo"), ret, e);
	}
	if (c->args.n == 1 && fs_exists(c->args.v[0])) {
		*ret_exact = true;
		return planfile_read(c->args.v[0], ret, e);
	}
	/* What the provider holds is read right before each change; asking it twice would only cost calls. */
	return recordplan_make(c, s, NULL, ret, e);
}

/* Undoing takes away what was added. */
static bool removes(const struct cli *c)
{
	return cli_flag(c, "remove") || cli_value(c, "undo");
}

static int agreed(const struct cli *c, const struct plan *p, size_t n, struct err *e)
{
	if (cli_flag(c, "yes"))
		return 0;
	recordplan_print(c, p);
	if (out_confirm("Change %zu RRsets at the provider?", n))
		return 0;
	err_set(e, ERR_USAGE, "nothing was changed: it was not agreed to");
	err_hint(e, "add --yes where nobody can be asked");
	return -1;
}

static int carry_out(
	struct cli *c, struct site *s, const struct plan *p, bool exact, struct printing *out, struct err *e)
{
	int64_t wait_s;
	if (cli_number(c, "timeout", WAIT_DEFAULT_S, 1, WAIT_MAX_S, &wait_s, e))
		return -1;
	struct journal *journal;
	if (journal_open(s->config->state_dir, clk_wall(s->clk) / 1000, &journal, e))
		return -1;
	struct publisher *publisher = publisher_new(s->loop, s->config);
	struct apply a = {.site = s,
		.publisher = publisher,
		.plan = p,
		.journal = journal,
		.remove = removes(c),
		.exact = exact,
		.literal = cli_value(c, "undo") != NULL,
		.wait_ms = cli_flag(c, "no-wait") ? 0 : wait_s * 1000,
		.told = told,
		.progress = progressed,
		.ctx = out};
	int r = apply_run(&a, e);
	out_progress_clear();
	uint64_t calls = publisher_calls(publisher);
	if (!c->json && !c->quiet)
		out_text("%zu done, %zu not served yet, %zu shifted, %zu failed, with %llu calls to the provider; undo "
			 "with "
			 "\"perdure record apply --undo %s\"\n",
			out->good, out->late, out->shifted, out->failed, (unsigned long long)calls,
			journal_id(journal));
	publisher_free(publisher);
	journal_close(journal);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(plan_done) struct plan p = {0};
	struct printing out = {.c = c};
	bool exact;
	if (pick_site(c, SITE_STATE_READ, &s, e) || site_dns(&s, e) || get_plan(c, &s, &exact, &p, e))
		return -1;
	size_t n = plan_count_changes(&p, removes(c));
	size_t blocked = plan_count(&p, PLAN_BLOCKED);
	if (cli_flag(c, "dry-run") || !n) {
		if (!c->json && !c->quiet)
			recordplan_print(c, &p);
		return blocked ? EXIT_PARTLY : EXIT_DONE;
	}
	if (agreed(c, &p, n, e) || carry_out(c, &s, &p, exact, &out, e))
		return -1;
	size_t bad = out.failed + out.shifted + blocked;
	if (bad)
		return out.good || out.late ? EXIT_PARTLY : EXIT_FAILED;
	return out.late ? EXIT_LATER : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"yes", 'y', NULL, false, "do not ask"},
	{"dry-run", 0, NULL, false, "show what would be changed"},
	{"remove", 0, NULL, false, "also remove records of ours that no certificate needs"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"timeout", 0, "SECONDS", false, "how long to wait until all name servers have a change (default: 600)"},
	{"no-wait", 0, NULL, false, "do not wait for the name servers"},
	{"undo", 0, "RUN", false, "take back what a run changed"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory"},
	{"no-preflight", 0, NULL, false, "do not look whether a new record would hurt"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_apply = {
	.name = "record apply",
	.args = "[PLAN|NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "publish what is missing through the configured DNS providers",
	.about = "Carries out a plan file, or a plan made now for the configured certificates or the names given. Each "
		 "name is read\n"
		 "at the provider, changed by one value added or put in the place of ours, and waited for at every "
		 "authoritative\n"
		 "server. Values of others survive. A plan file is refused where the provider holds something else by "
		 "now. What\n"
		 "was done is kept under records/ in the state directory, and --undo takes it back. Exit status 4 when "
		 "some names\n"
		 "failed, 75 when all was done but not every name server has it yet.",
	.options = options,
	.examples = "  perdure record apply --dry-run\n  perdure record apply --yes\n  perdure record apply plan.json\n"
		    "  perdure record apply --undo 20261122T034501Z-4711",
	.run = run,
};
