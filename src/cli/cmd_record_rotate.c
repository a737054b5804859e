/* cmd_record_rotate.c: perdure record rotate. */
#include <errno.h>
#include <stdlib.h>
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
#include "cli/recordrun.h"
#include "cli/verbs.h"
#include "inventory/desired.h"
#include "inventory/ours.h"
#include "inventory/plan.h"
#include "inventory/planmake.h"
#include "inventory/publisher.h"
#include "inventory/rotation.h"
#include "inventory/site.h"
#include "inventory/tokens.h"
#include "inventory/wishes.h"
#include "loop/loop.h"
#include "provider/rdata.h"

enum { ORDER_POLL_MS = 5000, WAIT_MAX_MS = 3600000 };

struct rotate {
	struct cli *c;
	struct site s;
	struct fs_lock lock;
	struct rotation r;
	struct tokens tokens;
	bool stopped;
	int64_t wait_ms;
	size_t done, bad;
	struct strv held; /* owners that orders in work hold up */
};

static void rotate_done(struct rotate *t)
{
	rotation_done(&t->r);
	tokens_done(&t->tokens);
	strv_done(&t->held);
	fs_lock_release(&t->lock);
	site_close(&t->s);
}

static int64_t now_of(const struct rotate *t)
{
	return clk_wall(t->s.clk) / 1000;
}

static void print_time(int64_t secs, char out[static CLOCK_TEXT_MAX])
{
	clock_rfc3339(secs, out);
}

/* --- what is asked for --- */

/* "none", UNIX seconds, or RFC 3339. */
static int read_until(const char *s, int64_t *ret, struct err *e)
{
	char *end;
	if (!strcmp(s, "none")) {
		*ret = 0;
		return 0;
	}
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (!errno && end != s && !*end && v > 0) {
		*ret = v;
		return 0;
	}
	if (!clock_parse_rfc3339(s, ret, e))
		return 0;
	e->kind = ERR_USAGE;
	err_hint(e, "--persist-until 2028-01-01T00:00:00Z, or none");
	return err_ctx(e, "--persist-until %s", s);
}

/* The kind of the command line; "" when it says none. */
static int read_kind(const struct cli *c, const char **ret, struct err *e)
{
	bool until = cli_value(c, "persist-until"), account = cli_flag(c, "account"), token = cli_value(c, "token");
	*ret = until ? "persist-until" : account ? "account" : token ? "token" : "";
	if (until + account + token > 1)
		return err_set(e, ERR_USAGE, "--persist-until, --account and --token: one rotation after the other");
	if (token && (c->args.n || cli_value(c, "ca")))
		return err_set(e, ERR_USAGE, "--token is about no certificate and no CA");
	if (!account && cli_values(c, "from")->n)
		return err_set(e, ERR_USAGE, "--from goes with --account");
	return 0;
}

static const char *what_of(const struct cli *c)
{
	const char *until = cli_value(c, "persist-until"), *token = cli_value(c, "token");
	return until ? until : token ? token : "";
}

/* The records of certificates. */
static int wanted(struct rotate *t, struct wishes *w, struct ours *ours, struct err *e)
{
	AUTO(strv_done) struct strv none = {0}, lineages = {0}, fqdns = {0};
	AUTO(desired_done) struct desired d = {0};
	struct cli *c = t->c;
	int64_t until;
	if (pick_lineages(&t->s, &c->args, &lineages, e) ||
		pick_desired(c, &t->s, &none, &d, recordplan_account, ours, e) ||
		(!cli_value(c, "ca") && recordplan_written(&t->s, ours, e)))
		return -1;
	for (size_t i = 0; i < cli_values(c, "from")->n; i++)
		ours_add_url(ours, cli_values(c, "from")->v[i]);
	if (cli_value(c, "persist-until")) {
		if (read_until(cli_value(c, "persist-until"), &until, e))
			return -1;
		desired_set_until(&d, until);
	}
	wishes_records(w, &d, t->s.config->record_ttl);
	for (size_t i = 0; i < lineages.n; i++) {
		const struct config_cert *cert = config_find_cert(t->s.config, lineages.v[i]);
		for (size_t k = 0; k < cert->names.n; k++)
			strv_add(&fqdns, strncmp(cert->names.v[k], "*.", 2) ? cert->names.v[k] : cert->names.v[k] + 2);
	}
	if (lineages.n)
		wishes_keep(w, &fqdns);
	return 0;
}

/* The next plan goes by the configuration again. */
static void warn_of_configuration(const struct rotate *t)
{
	int64_t until = 0;
	size_t n = 0;
	struct err ignored = {0};
	if (!cli_value(t->c, "persist-until") || read_until(cli_value(t->c, "persist-until"), &until, &ignored))
		return;
	for (size_t i = 0; i < t->s.config->n_certs; i++)
		n += t->s.config->certs[i].persist_until != until;
	if (n)
		log_warn("%zu certificates say another persist_until in %s: change it there, too, or the next plan "
			 "asks for "
			 "the old one again",
			n, t->s.config->path);
}

static void progressed(size_t done, size_t total, void *ctx)
{
	(void)ctx;
	out_progress("%zu of %zu names looked at", done, total);
}

/* One that is made here gets another value; one of a file has it already. */
static int wanted_token(struct rotate *t, struct wishes *w, struct ours *ours, struct token_value **ret, struct err *e)
{
	const char *id = cli_value(t->c, "token");
	if (recordplan_written(&t->s, ours, e))
		return -1;
	tokens_learn(&t->tokens, ours->written);
	if (tokens_find(&t->tokens, id, ret, e) || (!(*ret)->conf->value_file && tokens_renew(&t->tokens, *ret, e)))
		return -1;
	tokens_wishes(&t->tokens, id, w);
	return 0;
}

/* What stands there of the token's earlier values goes, also when another tool published it; other tokens' stay. */
static void give_up_old_values(const struct rotate *t, const struct token_value *token, struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			struct plan_item *it = &p->v[i].items[k];
			if (it->action != PLAN_UNKNOWN && it->action != PLAN_REMOVE)
				continue;
			const struct token_value *v = tokens_whose(&t->tokens, it->data);
			it->action = v && v != token && v->conf == token->conf ? PLAN_REMOVE : PLAN_UNKNOWN;
		}
}

static int make_plan(struct rotate *t, bool exact, struct plan *ret, struct err *e)
{
	AUTO(wishes_done) struct wishes w = {0};
	AUTO(ours_done) struct ours ours = {0};
	struct token_value *token = NULL;
	if (cli_value(t->c, "token") ? wanted_token(t, &w, &ours, &token, e) : wanted(t, &w, &ours, e))
		return -1;
	struct planmake m = {.site = &t->s, .wishes = &w, .ours = &ours, .exact = exact, .progress = progressed};
	int r = planmake(&m, ret, e);
	out_progress_clear();
	if (!r && token)
		give_up_old_values(t, token, ret);
	return r;
}

/* Begins a rotation: 1 when there is nothing to do, or it was only to be shown. */
static int begin(struct rotate *t, const char *kind, struct err *e)
{
	AUTO(plan_done) struct plan p = {0};
	struct recordrun shown = {.c = t->c, .plan = &p, .tokens = &t->tokens};
	bool until = !strcmp(kind, "persist-until");
	if (make_plan(t, until, &p, e))
		return -1;
	rotation_begin(&t->r, kind, what_of(t->c), now_of(t), &p, until);
	if (cli_flag(t->c, "dry-run") || !t->r.n) {
		recordrun_show(&shown);
		return 1;
	}
	if (recordrun_agreed(&shown, t->r.n, e))
		return -1;
	warn_of_configuration(t);
	return rotation_save(t->s.config->state_dir, &t->r, e);
}

/* From now on the new value is the token's, for whoever reads its file: both are good while both stand. */
static int keep_token(const struct rotate *t, struct err *e)
{
	const struct config *c = t->s.config;
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	for (size_t i = 0; !strcmp(t->r.kind, "token") && t->r.n && t->r.v[0].add.n && i < c->n_tokens; i++)
		if (!strcmp(c->tokens[i].id, t->r.what) && !c->tokens[i].value_file) {
			rdata_text(t->r.v[0].add.v[0], &text);
			if (text.n > strlen(c->tokens[i].prefix))
				return tokens_keep(c, &c->tokens[i], buf_str(&text), text.n, e);
		}
	return 0;
}

static int same_as_in_work(const struct rotate *t, const char *kind, struct err *e)
{
	char when[CLOCK_TEXT_MAX];
	print_time(t->r.begun, when);
	if (!*kind || (!strcmp(kind, t->r.kind) && !strcmp(what_of(t->c), t->r.what))) {
		log_info("going on with the rotation of %s", when);
		return 0;
	}
	err_set(e, ERR_USAGE, "another rotation is in work: %s %s, begun at %s", t->r.kind, t->r.what, when);
	err_hint(e,
		"go on with it: \"perdure record rotate\"; or end it where it is: \"perdure record rotate --abandon\"");
	return -1;
}

/* --- its steps --- */

static void took(const struct apply_report *report, void *ctx)
{
	struct rotate *t = ctx;
	rotation_took(&t->r, report, now_of(t));
}

static int step(struct rotate *t, enum rotation_phase phase, struct err *e)
{
	AUTO(plan_done) struct plan p = {0};
	rotation_plan(&t->r, phase, &p);
	if (!p.n)
		return 0;
	struct recordrun run = {.c = t->c,
		.site = &t->s,
		.plan = &p,
		.tokens = &t->tokens,
		.remove = phase == ROTATION_REMOVE,
		.verify = true,
		.literal = true,
		.wait_ms = t->wait_ms,
		.each = took,
		.ctx = t};
	if (!t->c->json && !t->c->quiet)
		out_text("%s, %zu RRsets:\n",
			phase == ROTATION_REMOVE ? "the old values are taken away"
						 : "the new values are to stand everywhere",
			p.n);
	struct err not_kept = {0};
	int r = recordrun(&run, e);
	int kept = rotation_save(t->s.config->state_dir, &t->r, r ? &not_kept : e);
	err_done(&not_kept);
	t->bad = run.failed + run.shifted;
	t->done += run.good;
	return r || kept ? -1 : 0;
}

/* Goes as far as it can without waiting for time to pass. *ret_moved: something did. */
static int go(struct rotate *t, bool *ret_moved, struct err *e)
{
	AUTO(strv_done) struct strv ordered = {0};
	strv_done(&t->held);
	if (step(t, ROTATION_PUBLISH, e) || step(t, ROTATION_REMOVE, e) ||
		(strcmp(t->r.kind, "token") != 0 && rotation_ordered(t->s.store, &ordered, e)))
		return -1;
	*ret_moved = rotation_advance(&t->r, now_of(t), &ordered, &t->held) > 0 ||
		     rotation_count(&t->r, ROTATION_REMOVE) > 0;
	return *ret_moved ? rotation_save(t->s.config->state_dir, &t->r, e) : 0;
}

static void time_up(void *ctx)
{
	struct rotate *t = ctx;
	loop_stop(t->s.loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct rotate *t = ctx;
	(void)signo;
	t->stopped = true;
	loop_stop(t->s.loop);
}

static int sleep_for(struct rotate *t, int64_t ms, struct err *e)
{
	struct loop_timer *timer = loop_timer_new(t->s.loop, time_up, t);
	loop_on_stop_signal(t->s.loop, stop_signal, t);
	loop_timer_start(timer, ms);
	int r = loop_run(t->s.loop, e);
	loop_timer_free(timer);
	if (!r && t->stopped)
		return err_set(e, ERR_CANCEL, "stopped; \"perdure record rotate\" goes on");
	return r;
}

/* Until the next value has stood long enough, or an order has ended. */
static int wait_for_next(struct rotate *t, struct err *e)
{
	char when[CLOCK_TEXT_MAX];
	int64_t until = rotation_until(&t->r), ms = until * 1000 - clk_wall(t->s.clk);
	print_time(until, when);
	if (t->held.n)
		out_progress("waiting for an order in work that needs %s", t->held.v[0]);
	else
		out_progress("both values stand until %s at least", when);
	if (t->held.n && ms < ORDER_POLL_MS)
		ms = ORDER_POLL_MS;
	if (ms > WAIT_MAX_MS) /* the clock may be set meanwhile */
		ms = WAIT_MAX_MS;
	int r = sleep_for(t, ms > 0 ? ms : 0, e);
	out_progress_clear();
	return r;
}

static int run_steps(struct rotate *t, struct err *e)
{
	for (;;) {
		bool moved;
		if (go(t, &moved, e))
			return -1;
		if (moved)
			continue;
		if (!rotation_count(&t->r, ROTATION_HOLD) || !cli_flag(t->c, "wait"))
			return 0;
		if (wait_for_next(t, e))
			return -1;
	}
}

/* --- the command --- */

/* The journals may be gone; what a token had and gets is in the rotation itself. */
static void hide_what_is_in_work(struct rotate *t)
{
	for (size_t i = 0; i < t->s.config->n_tokens && !strcmp(t->r.kind, "token"); i++) {
		const struct config_token *conf = &t->s.config->tokens[i];
		for (size_t k = 0; k < t->r.n && !strcmp(conf->id, t->r.what); k++) {
			tokens_learn_data(&t->tokens, conf, &t->r.v[k].add);
			tokens_learn_data(&t->tokens, conf, &t->r.v[k].del);
		}
	}
}

static void print_state(const struct rotate *t)
{
	size_t n = rotation_count(&t->r, ROTATION_DONE), hold = rotation_count(&t->r, ROTATION_HOLD);
	int64_t until = rotation_until(&t->r);
	char when[CLOCK_TEXT_MAX];
	print_time(until, when);
	if (t->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "rotation");
		json_out_str(&j.w, "kind", t->r.kind);
		json_out_str(&j.w, "what", t->r.what);
		out_json_time(&j.w, "begun", t->r.begun);
		json_out_int(&j.w, "rrsets", (int64_t)t->r.n);
		json_out_int(&j.w, "done", (int64_t)n);
		json_out_int(&j.w, "both_stand", (int64_t)hold);
		out_json_time(&j.w, "until", until);
		json_out_strv(&j.w, "held_by_orders", &t->held);
		json_out_end_object(&j.w);
		out_json_end(&j);
		return;
	}
	out_text("%zu of %zu RRsets rotated\n", n, t->r.n);
	if (t->held.n)
		out_text("%zu wait for an order in work, %s first; run \"perdure record rotate\" again\n", t->held.n,
			t->held.v[0]);
	else if (hold)
		out_text("%zu have both values until %s at least; run \"perdure record rotate\" again then, or with "
			 "--wait\n",
			hold, when);
}

static int finish(struct rotate *t, struct err *e)
{
	size_t n = rotation_count(&t->r, ROTATION_DONE);
	if (!t->c->quiet || t->c->json)
		print_state(t);
	if (n == t->r.n)
		return rotation_forget(t->s.config->state_dir, e) ? -1 : EXIT_DONE;
	if (t->bad)
		return t->done ? EXIT_PARTLY : EXIT_FAILED;
	return EXIT_LATER;
}

static int open_all(struct rotate *t, struct err *e)
{
	if (recordrun_wait(t->c, &t->wait_ms, e) || pick_site(t->c, SITE_STATE_READ, &t->s, e))
		return -1;
	AUTO(xfreep) char *dir = xasprintf("%s/records", t->s.config->state_dir);
	AUTO(xfreep) char *lock = xasprintf("%s/rotate.lock", dir);
	if (t->s.config->dns.mode == CONFIG_DNS_NONE) {
		err_set(e, ERR_CONFIG, "with dns: {mode: none} nobody can tell when a new value is served everywhere");
		err_hint(e, "let the name servers be asked, at least from here");
		return -1;
	}
	return fs_mkdirs(dir, 0700, e) || fs_lock_take(&t->lock, lock, PICK_LOCK_WAIT_MS, NULL, e) || site_dns(&t->s, e)
		       ? -1
		       : 0;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(rotate_done) struct rotate t = {.c = c, .s = {.lock = {.fd = -1}}, .lock = {.fd = -1}};
	const char *kind;
	bool found;
	if (read_kind(c, &kind, e) || open_all(&t, e) || rotation_load(t.s.config->state_dir, &t.r, &found, e) ||
		tokens_open(t.s.config, &t.tokens, e))
		return -1;
	if (cli_flag(c, "abandon"))
		return found && rotation_forget(t.s.config->state_dir, e) ? -1 : EXIT_DONE;
	if (!found && !*kind) {
		err_set(e, ERR_USAGE, "no rotation is in work: which one is to begin?");
		err_hint(e, "--persist-until TIME, --account, or --token NAME");
		return -1;
	}
	if (found && same_as_in_work(&t, kind, e))
		return -1;
	if (found && cli_flag(c, "dry-run")) {
		print_state(&t);
		return EXIT_DONE;
	}
	int r = found ? 0 : begin(&t, kind, e);
	if (r)
		return r < 0 ? -1 : EXIT_DONE;
	if (found)
		hide_what_is_in_work(&t);
	return keep_token(&t, e) || run_steps(&t, e) ? -1 : finish(&t, e);
}

static const struct cli_option options[] = {
	{"persist-until", 0, "TIME", false,
		"records that end then (RFC 3339, UNIX seconds, or none) instead of those there"},
	{"account", 0, NULL, false, "records of the accounts of today, after a new account, key or text of the draft"},
	{"from", 0, "URL", true, "with --account: an account that we had before"},
	{"token", 0, "NAME", false, "a new value for this token of the configuration"},
	{"wait", 0, NULL, false, "stay until all is done"},
	{"abandon", 0, NULL, false, "forget the rotation in work; what it has published stays"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory"},
	RECORDRUN_OPTIONS,
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_record_rotate = {
	.name = "record rotate",
	.args = "[CERT…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "put new values in the place of old ones, with both there for a while",
	.about = "The new values are published beside the old. When every authoritative server has them, both stand "
		 "for as "
		 "long as a\n"
		 "cache may hold what stood before, and until no order of ours is in work for the name; then the old "
		 "ones "
		 "go. Values of\n"
		 "others stay. What has been done is kept: after the waiting time, or when a run was killed, \"perdure "
		 "record rotate\"\n"
		 "goes on. Exit status 75 when time has to pass first.",
	.options = options,
	.examples = "  perdure record rotate --persist-until 2028-01-01T00:00:00Z --dry-run\n"
		    "  perdure record rotate --persist-until 2028-01-01T00:00:00Z --yes --wait\n"
		    "  perdure record rotate --account --from https://acme.example.com/acct/1\n"
		    "  perdure record rotate --token _service-proof.example.com",
	.run = run,
};
