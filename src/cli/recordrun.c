/* recordrun.c: a plan carried out for the operator who watches. */
#include "cli/recordrun.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/output.h"
#include "cli/recordplan.h"
#include "inventory/apply.h"
#include "inventory/journal.h"
#include "inventory/plan.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "inventory/tokens.h"

enum { WAIT_DEFAULT_S = 600, WAIT_MAX_S = 86400 };

static void out_values(struct json_out *w, const char *member, const struct strv *values, const struct tokens *t)
{
	AUTO(strv_done) struct strv shown = {0};
	if (values)
		strv_copy(&shown, values);
	tokens_hide_all(t, &shown);
	json_out_strv(w, member, &shown);
}

static void print_json(const struct apply_report *r, const struct err *e, const struct tokens *t)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "type", provider_type_name(r->rrset->type));
	json_out_str(&j.w, "owner", r->rrset->owner);
	json_out_str(&j.w, "name", r->rrset->fqdn);
	json_out_str(&j.w, "outcome", apply_outcome_name(r->outcome));
	out_values(&j.w, "added", r->added, t);
	out_values(&j.w, "removed", r->removed, t);
	json_out_str(&j.w, "note", r->note);
	out_json_err(&j.w, e);
	out_json_end(&j);
}

static void told(const struct apply_report *r, void *ctx)
{
	struct recordrun *p = ctx;
	size_t *const of[APPLY_OUTCOME_N_] = {&p->good, &p->good, &p->good, &p->late, &p->shifted, &p->failed};
	++*of[r->outcome];
	if (p->each)
		p->each(r, p->ctx);
	struct err e = {0};
	if (r->e)
		err_copy(&e, r->e);
	tokens_hide_text(p->tokens, e.msg, sizeof(e.msg));
	if (p->c->json) {
		print_json(r, &e, p->tokens);
	} else if (r->e) {
		out_progress_clear();
		out_text("%s: %s%s%s: %s\n", r->rrset->owner, out_colour_on(OUT_BAD), apply_outcome_name(r->outcome),
			out_colour_off(), e.msg);
		if (e.hint[0])
			out_text("  hint: %s\n", e.hint);
	} else if (!p->c->quiet) {
		out_progress_clear();
		out_text("%s: %s%s%s\n", r->rrset->owner, out_colour_on(OUT_GOOD), apply_outcome_name(r->outcome),
			out_colour_off());
	}
	if (r->note && !p->c->json)
		out_text("  note: %s\n", r->note);
	err_done(&e);
}

static void progressed(size_t changed, size_t served, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu changed, %zu served", changed, total, served);
}

int recordrun_wait(const struct cli *c, int64_t *ret_ms, struct err *e)
{
	int64_t wait_s;
	if (cli_number(c, "timeout", WAIT_DEFAULT_S, 1, WAIT_MAX_S, &wait_s, e))
		return -1;
	*ret_ms = wait_s * 1000;
	return 0;
}

int recordrun_agreed(struct recordrun *r, size_t n, struct err *e)
{
	if (cli_flag(r->c, "yes"))
		return 0;
	tokens_hide(r->tokens, r->plan);
	recordplan_print(r->c, r->plan);
	if (r->tokens && tokens_reveal(r->tokens, r->plan, e))
		return -1;
	if (out_confirm("Change %zu RRsets at the provider?", n))
		return 0;
	err_set(e, ERR_USAGE, "nothing was changed: it was not agreed to");
	err_hint(e, "add --yes where nobody can be asked");
	return -1;
}

void recordrun_show(struct recordrun *r)
{
	tokens_hide(r->tokens, r->plan);
	if (r->c->json)
		recordplan_json(r->plan);
	else if (!r->c->quiet)
		recordplan_print(r->c, r->plan);
}

static void print_sum(const struct recordrun *r, const struct publisher *publisher, const struct journal *journal)
{
	out_text("%zu done, %zu not served yet, %zu shifted, %zu failed, with %llu calls to the provider", r->good,
		r->late, r->shifted, r->failed, (unsigned long long)publisher_calls(publisher));
	if (journal_written(journal))
		out_text("; undo with \"perdure record apply --undo %s\"", journal_id(journal));
	out_text("\n");
}

int recordrun(struct recordrun *r, struct err *e)
{
	struct journal *journal;
	if (journal_open(r->site->config->state_dir, clk_wall(r->site->clk) / 1000, &journal, e))
		return -1;
	struct publisher *publisher = publisher_new(r->site->loop, r->site->config);
	struct apply a = {.site = r->site,
		.publisher = publisher,
		.plan = r->plan,
		.journal = journal,
		.remove = r->remove,
		.exact = r->exact,
		.verify = r->verify,
		.literal = r->literal,
		.wait_ms = r->wait_ms,
		.told = told,
		.progress = progressed,
		.ctx = r};
	int result = apply_run(&a, e);
	out_progress_clear();
	if (!r->c->json && !r->c->quiet)
		print_sum(r, publisher, journal);
	publisher_free(publisher);
	journal_close(journal);
	return result;
}

int recordrun_status(const struct recordrun *r, size_t blocked)
{
	if (r->failed || r->shifted || blocked)
		return r->good || r->late ? EXIT_PARTLY : EXIT_FAILED;
	return r->late ? EXIT_LATER : EXIT_DONE;
}
