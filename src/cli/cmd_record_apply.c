/* cmd_record_apply.c: perdure record apply. */
#include <string.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/pick.h"
#include "cli/recordplan.h"
#include "cli/recordrun.h"
#include "cli/verbs.h"
#include "inventory/journal.h"
#include "inventory/plan.h"
#include "inventory/planfile.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/written.h"

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
		struct plan_rrset *r = plan_add(ret, c->type, c->owner, dot ? dot + 1 : c->owner, c->ttl);
		for (size_t k = 0; k < c->del.n; k++)
			plan_item_add(r, PLAN_ADD, c->del.v[k], NULL, "", "was there before");
		for (size_t k = 0; k < c->add.n; k++)
			if (!strv_has(&c->before, c->add.v[k]))
				plan_item_add(r, PLAN_REMOVE, c->add.v[k], NULL, "", "was not there before");
	}
	journal_changes_free(changes, n);
	return 0;
}

static int get_plan(
	struct cli *c, struct site *s, bool *ret_exact, struct tokens *tokens, struct plan *ret, struct err *e)
{
	AUTO(written_freep) struct written *w = NULL;
	*ret_exact = false;
	if (cli_value(c, "undo")) {
		if (c->args.n)
			return err_set(e, ERR_USAGE, "--undo takes neither a plan nor names");
		return undo_plan(s, cli_value(c, "undo"), ret, e) || written_read(s->config->state_dir, &w, e) ||
				       recordplan_tokens(s, w, tokens, e)
			       ? -1
			       : 0;
	}
	if (c->args.n == 1 && fs_exists(c->args.v[0])) {
		*ret_exact = true;
		return planfile_read(c->args.v[0], ret, e) || written_read(s->config->state_dir, &w, e) ||
				       recordplan_tokens(s, w, tokens, e) || tokens_reveal(tokens, ret, e)
			       ? -1
			       : 0;
	}
	/* What the provider holds is read right before each change; asking it twice would only cost calls. */
	return recordplan_make(c, s, NULL, tokens, ret, e);
}

/* Undoing takes away what was added. */
static bool removes(const struct cli *c)
{
	return cli_flag(c, "remove") || cli_value(c, "undo");
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(plan_done) struct plan p = {0};
	AUTO(tokens_done) struct tokens tokens = {0};
	struct recordrun r = {.c = c,
		.site = &s,
		.plan = &p,
		.tokens = &tokens,
		.remove = removes(c),
		.literal = cli_value(c, "undo") != NULL};
	if (pick_site(c, SITE_STATE_READ, &s, e) || site_dns(&s, e) || recordrun_wait(c, &r.wait_ms, e) ||
		get_plan(c, &s, &r.exact, &tokens, &p, e))
		return -1;
	size_t n = plan_count_changes(&p, r.remove);
	size_t blocked = plan_count(&p, PLAN_BLOCKED);
	if (cli_flag(c, "no-wait"))
		r.wait_ms = 0;
	if (cli_flag(c, "dry-run") || !n) {
		recordrun_show(&r);
		return blocked ? EXIT_PARTLY : EXIT_DONE;
	}
	if (recordrun_agreed(&r, n, e) || recordrun(&r, e))
		return -1;
	return recordrun_status(&r, blocked);
}

static const struct cli_option options[] = {
	RECORDRUN_OPTIONS,
	{"remove", 0, NULL, false, "also remove records of ours that no certificate needs"},
	{"ca", 0, "NAME", false, "for this CA only"},
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
