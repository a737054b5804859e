/* cmd_account_rollover.c: perdure account rollover. */
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "inventory/cafacts.h"
#include "inventory/rollover.h"
#include "inventory/tell.h"

static void print_json(const struct site_ca *ca, bool resumed, bool dry_run)
{
	struct out_json j;
	out_json_begin(&j);
	pick_json_account(&j.w, &ca->account);
	json_out_bool(&j.w, "resumed", resumed);
	if (dry_run)
		json_out_bool(&j.w, "dry_run", true);
	out_json_end(&j);
}

static void print_plan(const struct cli *c, const struct site *s, const struct site_ca *ca)
{
	bool resumed = rollover_pending(s, ca);
	if (c->json)
		print_json(ca, resumed, true);
	else if (resumed)
		out_text("would end the rollover of %s at CA \"%s\" that was begun: ask the CA which key it knows\n",
			ca->account.url, ca->conf->name);
	else
		out_text("would make a new %s key and have CA \"%s\" take it for %s in place of\n  %s\n",
			ca->conf->account_key, ca->conf->name, ca->account.url,
			ca->account.thumbprints.n ? ca->account.thumbprints.v[0] : "the present one");
}

/* What the new key means for the records: up to level 01 they name the account's URL, from 02 on a hash of its key. */
static void explain_records(struct site *s, struct site_ca *ca)
{
	struct cafacts facts = {0};
	struct err e = {0};
	bool hashed = ca->conf->level == 2;
	if (pick_cafacts(s, ca, false, &facts, &e))
		err_done(&e);
	for (int i = 0; i < facts.n_levels; i++)
		hashed = hashed || facts.levels[i] == 2;
	cafacts_done(&facts);
	if (!hashed) {
		out_text("The records name the account's URL, which is the same: none of them has to change.\n");
		return;
	}
	out_text("Records of level 02 hold a hash of the key. Those that stand are still accepted: the CA retains the "
		 "account's\n"
		 "earlier keys for that. Replace them soon all the same:\n"
		 "  perdure record show --ca %s    prints the records for the new key: publish them beside the old\n"
		 "  perdure check --all            tells that they are seen: then the old ones can go\n",
		ca->conf->name);
}

static void print_done(const struct cli *c, struct site *s, struct site_ca *ca, bool resumed)
{
	const struct strv *thumbs = &ca->account.thumbprints;
	if (c->json) {
		print_json(ca, resumed, false);
		return;
	}
	out_text("%s at CA \"%s\" has a new key%s\n", ca->account.url, ca->conf->name,
		resumed ? ": the rollover that was begun is done" : "");
	for (size_t i = 0; i < thumbs->n; i++)
		out_text("%s %s\n", i ? "  earlier:  " : "thumbprint: ", thumbs->v[i]);
	if (c->quiet)
		return;
	explain_records(s, ca);
	out_text("Sealed copies of the old key are of no use any more, and hosts that share the account need the new "
		 "one:\n"
		 "  perdure account export --ca %s --out FILE\n",
		ca->conf->name);
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct site_ca *ca;
	bool resumed, dry_run = cli_flag(c, "dry-run");
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e) || site_account_ready(&s, ca, e) ||
		(!dry_run && pick_writing(&s, e)))
		return -1;
	if (dry_run) {
		print_plan(c, &s, ca);
		return EXIT_DONE;
	}
	if (rollover_run(&s, ca, &resumed, e))
		return -1;
	tell_account(&s, EVENT_ACCOUNT_ROLLOVER, &ca->account);
	print_done(c, &s, ca, resumed);
	return EXIT_DONE;
}

static const struct cli_option options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"dry-run", 0, NULL, false, "say what would be done"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_rollover = {
	.name = "account rollover",
	.args = "",
	.summary = "give an account a new key; its URL stays",
	.about =
		"The new key is on disk before the CA hears of it, and the old one stays until the CA has said that it "
		"knows the new one.\n"
		"A rollover that was cut short is ended by the next run of whatever needs the account.\n"
		"Records of levels 00 and 01 name the account's URL and stay as they are. Those of level 02 hold a "
		"hash of "
		"the key: the CA\n"
		"goes on to accept them, but publish those that \"perdure record show\" prints then.",
	.options = options,
	.examples = "  perdure account rollover --ca google --dry-run\n  perdure account rollover --ca google",
	.run = run,
};
