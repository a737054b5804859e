/* cmd_record_plan.c: perdure record plan. */
#include "cli/recordplan.h"

#include <string.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "inventory/desired.h"
#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/planfile.h"
#include "inventory/planmake.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/wishes.h"
#include "inventory/written.h"

enum { PLAN_TEXT_MAX = 512 << 20 };

int recordplan_account(const struct site_ca *ca, const struct cafacts *f, void *ctx, struct err *e)
{
	(void)e;
	ours_add(ctx, ca, f);
	return 0;
}

int recordplan_written(const struct site *s, struct ours *o, struct err *e)
{
	return written_read(s->config->state_dir, &o->written, e);
}

static void progressed(size_t done, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu names looked at", done, total);
}

int recordplan_tokens(const struct site *s, const struct written *w, struct tokens *ret, struct err *e)
{
	if (tokens_open(s->config, ret, e))
		return -1;
	tokens_learn(ret, w);
	return 0;
}

/* What cannot be proved behind the records of the plan. */
static void warn_of_crowds(const struct config *c)
{
	AUTO(strv_done) struct strv told = {0};
	wishes_crowded(c, &told);
	for (size_t i = 0; i < told.n; i++)
		log_warn("%s", told.v[i]);
}

/* What the command line asks for: everything, or some names, or one CA. */
static int collect(
	struct cli *c, struct site *s, struct wishes *w, struct ours *ours, struct tokens *tokens, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	AUTO(desired_done) struct desired d = {0};
	const char *ca = cli_value(c, "ca");
	if (pick_names(&c->args, &names, e) || pick_desired(c, s, &names, &d, recordplan_account, ours, e))
		return -1;
	/* With --ca what the other CAs need would look like something that nobody needs. */
	if (!ca && recordplan_written(s, ours, e))
		return -1;
	wishes_records(w, &d, s->config->record_ttl);
	wishes_zones(ours, s->config);
	if (wishes_delegations(w, s->config, names.n ? &names : NULL, ca, e))
		return -1;
	if (ca || names.n)
		return 0;
	warn_of_crowds(s->config);
	if (recordplan_tokens(s, ours->written, tokens, e))
		return -1;
	tokens_wishes(tokens, NULL, w);
	return 0;
}

int recordplan_make(struct cli *c, struct site *s, struct publisher *publisher, struct tokens *ret_tokens,
	struct plan *ret, struct err *e)
{
	AUTO(wishes_done) struct wishes wishes = {0};
	AUTO(ours_done) struct ours ours = {0};
	if (collect(c, s, &wishes, &ours, ret_tokens, e))
		return -1;
	struct planmake m = {.site = s,
		.publisher = publisher,
		.wishes = &wishes,
		.ours = &ours,
		.preflight = !cli_flag(c, "no-preflight"),
		.progress = progressed};
	int r = planmake(&m, ret, e);
	out_progress_clear();
	if (!r && !ret->n)
		log_warn("no certificate is configured in %s; name domains on the command line", s->config->path);
	return r;
}

static void print_item(const struct cli *c, const struct plan_item *it)
{
	static const char signs[PLAN_ACTION_N_] = {'+', '~', '-', '=', '?', '!'};
	static const enum out_colour colours[PLAN_ACTION_N_] = {
		OUT_GOOD, OUT_WARN, OUT_BAD, OUT_GOOD, OUT_WARN, OUT_BAD};
	if ((it->action == PLAN_KEEP || it->action == PLAN_UNKNOWN) && !c->verbose)
		return;
	out_text("  %s%c %-7s%s %s\n", out_colour_on(colours[it->action]), signs[it->action],
		plan_action_name(it->action), out_colour_off(), it->data);
	if (it->old)
		out_text("            for %s\n", it->old);
	out_text("            %s\n", it->reason);
}

void recordplan_print(const struct cli *c, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_rrset *r = &p->v[i];
		size_t told = 0;
		told += r->servers != NULL;
		for (size_t k = 0; k < r->n; k++)
			told += c->verbose || (r->items[k].action != PLAN_KEEP && r->items[k].action != PLAN_UNKNOWN);
		if (!told)
			continue;
		out_text("%s %s  (zone %s, %s%s, TTL %lld)\n", r->owner, provider_type_name(r->type),
			r->zone[0] ? r->zone : "not found", r->provider[0] ? "provider " : "no provider", r->provider,
			(long long)r->ttl);
		if (r->servers)
			out_text("  %snote%s %s\n", out_colour_on(OUT_WARN), out_colour_off(), r->servers);

		for (size_t k = 0; k < r->n; k++)
			print_item(c, &r->items[k]);
	}
	out_text("%zu to add, %zu to change, %zu to remove, %zu stand, %zu of others, %zu blocked\n",
		plan_count(p, PLAN_ADD), plan_count(p, PLAN_CHANGE), plan_count(p, PLAN_REMOVE),
		plan_count(p, PLAN_KEEP), plan_count(p, PLAN_UNKNOWN), plan_count(p, PLAN_BLOCKED));
	size_t wildcard, records = plan_count_records(p, &wildcard);
	if (wildcard)
		out_text("%zu of %zu records have policy=wildcard: whoever has the account key can have certificates "
			 "for "
			 "every name below those\n",
			wildcard, records);
}

void recordplan_json(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct out_json j;
		out_json_begin(&j);
		planfile_rrset(&j.w, &p->v[i]);
		out_json_end(&j);
	}
}

static int write_out(const char *path, const struct plan *p, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(PLAN_TEXT_MAX);
	planfile_write(p, &text);
	return buf_check(&text, "the plan", e) || fs_write_atomic(path, text.p, text.n, 0644, e) ? -1 : 0;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(plan_done) struct plan p = {0};
	AUTO(tokens_done) struct tokens tokens = {0};
	if (pick_site(c, SITE_STATE_READ, &s, e) || site_dns(&s, e))
		return -1;
	bool ask = s.config->n_providers && !cli_flag(c, "no-provider");
	struct publisher *publisher = ask ? publisher_new(s.loop, s.config) : NULL;
	int r = recordplan_make(c, &s, publisher, &tokens, &p, e);
	publisher_free(publisher);
	tokens_hide(&tokens, &p);
	if (r || (cli_value(c, "out") && write_out(cli_value(c, "out"), &p, e)))
		return -1;
	if (c->json)
		recordplan_json(&p);
	else
		recordplan_print(c, &p);
	if (plan_count(&p, PLAN_BLOCKED))
		return EXIT_PARTLY;
	return cli_flag(c, "exit-code") && !plan_count_changes(&p, true) ? EXIT_NOTHING_DUE : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"out", 'o', "FILE", false, "write the plan for \"record apply FILE\""},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"no-provider", 0, NULL, false, "go by the name servers alone, and read no DNS credentials"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory; the DNS is asked all the same"},
	{"no-preflight", 0, NULL, false, "do not look whether a new record would hurt"},
	{"exit-code", 0, NULL, false, "status 3 when there is nothing to do"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_plan = {
	.name = "record plan",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "show what is missing, superfluous or not ours among the published records",
	.about = "Compares the records that the configured certificates (or the names given) need with what the "
		 "authoritative\n"
		 "servers publish and, where a provider is configured, with what it holds. Nothing is changed. + add, "
		 "~ change,\n"
		 "- remove, ! blocked; with -v also = keep and ? unknown: records of others, which are never touched.",
	.options = options,
	.examples = "  perdure record plan\n  perdure record plan --out plan.json && perdure record apply plan.json",
	.run = run,
};
