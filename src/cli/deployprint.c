/* deployprint.c: the lines on deploy actions. */
#include "cli/deployprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "config/config.h"
#include "inventory/site.h"

static void print_json(const struct deploy_report *r)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "certificate", r->cert);
	json_out_int(&j.w, "generation", r->generation);
	json_out_str(&j.w, "kind", config_deploy_kind_name(r->action->kind));
	json_out_str(&j.w, "action", r->label);
	json_out_str(&j.w, "deploy", deploy_outcome_name(r->outcome));
	json_out_real(&j.w, "seconds", (double)r->ms / 1000, 3);
	if (r->status >= 0)
		json_out_int(&j.w, "exit_status", r->status);
	else
		json_out_null(&j.w, "exit_status");
	json_out_str(&j.w, "output", r->output);
	if (r->outcome == DEPLOY_FAILED) {
		json_out_int(&j.w, "tries", r->tries);
		out_json_time(&j.w, "next_at", r->next_at);
		out_json_err(&j.w, r->e);
	}
	out_json_end(&j);
}

/* A line for each line, escaped. */
static void print_output(const char *output)
{
	while (*output) {
		size_t n = strcspn(output, "\n");
		AUTO(xfreep) char *line = xstrndup(output, n);
		AUTO(buf_done) struct buf shown = buf_make(BUF_MAX_SMALL_FILE);
		log_escape(&shown, line);
		if (n)
			log_info("    | %s", buf_str(&shown));
		output += n + (output[n] == '\n');
	}
}

static void print_failure(const struct deploy_report *r)
{
	char when[CLOCK_TEXT_MAX];
	struct err e = {0};
	err_copy(&e, r->e);
	err_ctx(&e, "%s", r->cert);
	err_print(&e);
	err_done(&e);
	print_output(r->output);
	clock_rfc3339(r->next_at, when);
	log_info(
		"  the certificate is live; its deployment is tried again from %s on, or at once by: perdure deploy %s",
		when, r->cert);
}

void deploy_print_report(const struct cli *c, const struct deploy_report *r)
{
	bool failed = r->outcome == DEPLOY_FAILED;
	AUTO(buf_done) struct buf label = buf_make(BUF_MAX_SMALL_FILE);
	if (c->json) {
		print_json(r);
		return;
	}
	if (c->quiet && !failed)
		return;
	log_escape(&label, r->label);
	out_text("%s%s%s %s: %s (%.2f s)\n", out_colour_on(failed ? OUT_BAD : OUT_GOOD),
		failed                      ? "not deployed"
		: r->outcome == DEPLOY_DONE ? "deployed"
					    : "deployed already",
		out_colour_off(), r->cert, buf_str(&label), (double)r->ms / 1000);
	if (failed)
		print_failure(r);
	else if (c->verbose)
		print_output(r->output);
}

static void print_planned(
	const struct cli *c, const struct config_cert *cert, const struct deploy_state *s, enum deploy_verdict v)
{
	AUTO(xfreep) char *text = deploy_label(s->action, cert->name);
	AUTO(buf_done) struct buf label = buf_make(BUF_MAX_SMALL_FILE);
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "certificate", cert->name);
		json_out_str(&j.w, "kind", config_deploy_kind_name(s->action->kind));
		json_out_str(&j.w, "action", text);
		json_out_str(&j.w, "would_deploy", deploy_verdict_name(v));
		out_json_time(&j.w, "next_at", v == DEPLOY_WAITING ? s->next_at : 0);
		out_json_end(&j);
		return;
	}
	log_escape(&label, text);
	out_text("%s %s: %s\n",
		v == DEPLOY_DUE       ? "would deploy"
		: v == DEPLOY_WAITING ? "would wait with"
		: v == DEPLOY_BEHIND  ? "would hold up"
				      : "is deployed",
		cert->name, buf_str(&label));
}

/* What cannot be read counts as nothing, with a warning. */
static void look(const struct site *s, const struct config_cert *cert, int64_t generation, int64_t now,
	struct deploy_state **ret, size_t *ret_n)
{
	struct err e = {0};
	*ret = NULL;
	*ret_n = 0;
	if (deploy_look(s->store, cert, generation, now, ret, ret_n, &e))
		log_warn("%s: %s", cert->name, e.msg);
	err_done(&e);
}

void deploy_json_status(
	struct json_out *w, const struct site *s, const struct config_cert *cert, int64_t generation, int64_t now)
{
	struct deploy_state *states = NULL;
	size_t n = 0;
	if (generation)
		look(s, cert, generation, now, &states, &n);
	json_out_array(w, "deploys");
	for (size_t i = 0; i < n; i++) {
		const struct deploy_state *st = &states[i];
		AUTO(xfreep) char *label = deploy_label(st->action, cert->name);
		json_out_object(w, NULL);
		json_out_str(w, "kind", config_deploy_kind_name(st->action->kind));
		json_out_str(w, "action", label);
		json_out_str(w, "state", deploy_verdict_name(st->verdict));
		json_out_int(w, "tries", st->tries);
		out_json_time(w, "at", st->at);
		out_json_time(w, "next_at", st->next_at);
		json_out_str(w, "last_error", st->last_error[0] ? st->last_error : NULL);
		json_out_end_object(w);
	}
	json_out_end_array(w);
	deploy_states_free(states, n);
}

void deploy_print_status(
	const struct cli *c, const struct site *s, const struct config_cert *cert, int64_t generation, int64_t now)
{
	struct deploy_state *states;
	size_t n;
	look(s, cert, generation, now, &states, &n);
	for (size_t i = 0; i < n; i++) {
		const struct deploy_state *st = &states[i];
		AUTO(xfreep) char *label = deploy_label(st->action, cert->name);
		AUTO(buf_done) struct buf shown = buf_make(BUF_MAX_SMALL_FILE);
		AUTO(buf_done) struct buf error = buf_make(BUF_MAX_SMALL_FILE);
		log_escape(&shown, label);
		log_escape(&error, st->last_error);
		if (st->tries)
			out_text("    not deployed, tried %lld times: %s: %s\n", (long long)st->tries, buf_str(&shown),
				buf_str(&error));
		else if (st->verdict != DEPLOY_IS_DONE || c->verbose)
			out_text("    %s: %s\n", st->verdict == DEPLOY_IS_DONE ? "deployed" : "not deployed yet",
				buf_str(&shown));
	}
	deploy_states_free(states, n);
}

size_t deploy_print_plan(const struct cli *c, const struct site *s, const struct config_cert *cert, int64_t generation,
	bool force, int64_t now)
{
	struct deploy_state *states;
	size_t n, due = 0;
	bool all = force || !generation;
	look(s, cert, generation, now, &states, &n);
	for (size_t i = 0; i < n; i++) {
		/* Those after one that is done are done again. */
		enum deploy_verdict v =
			all || (due && states[i].verdict == DEPLOY_IS_DONE) ? DEPLOY_DUE : states[i].verdict;
		due += v == DEPLOY_DUE;
		if (v != DEPLOY_IS_DONE || c->verbose)
			print_planned(c, cert, &states[i], v);
	}
	deploy_states_free(states, n);
	return due;
}
