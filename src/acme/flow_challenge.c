/* flow_challenge.c: answering challenges and waiting for the CA's decisions (RFC 8555 section 7.5.1). */
#include <stdlib.h>
#include <string.h>

#include "acme/flow_internal.h"
#include "acme/problem.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "loop/loop.h"

enum { MAX_ANSWERS = 5, ANSWER_PAUSE_MS = 500 };

static void answer_next(struct acme_flow *f);
static void poll_next(struct acme_flow *f);
static void poll_authz(struct acme_flow *f);

/* --- answers --- */

void flow_set_first_poll(struct acme_flow *f, struct flow_authz *a, const struct http_reply *r)
{
	struct err ignored = {0};
	int64_t wait = 0;
	flow_poll_begin(f);
	if (flow_poll_wait(f, r, "challenge", &wait, &ignored))
		wait = f->patience_ms;
	err_done(&ignored);
	a->not_before = flow_mono(f) + wait;
}

static void answered(struct acme_flow *f, const struct http_reply *r)
{
	struct flow_authz *a = &f->authzs[f->at];
	FAULT("acme-challenge-answered");
	if (a->state == AUTHZ_OFFERED)
		a->state = AUTHZ_ANSWERED;
	flow_set_first_poll(f, a, r);
	f->answers = 0;
	f->at++;
	answer_next(f);
}

/* The answer failed; what the authorization is now tells whether it arrived. */
static void on_reread_authz(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct flow_authz *a = &f->authzs[f->at];
	struct acme_authz said;
	struct err e = {0};
	bool lost = false;
	f->post = NULL;
	if (failed) {
		flow_fail_request(f, failed, "authorization");
		return;
	}
	int rc = flow_read_authz(f, r, &said, &e);
	if (!rc) {
		rc = flow_authz_seen(f, a, &said, &lost, &e);
		acme_authz_done(&said);
	}
	if (rc) {
		flow_fail(f, &e, lost);
		return;
	}
	if (a->state != AUTHZ_OFFERED) {
		answered(f, r);
		return;
	}
	if (f->saved->retry == RETRY_LATER && ++f->answers < MAX_ANSWERS) {
		flow_after(f, ANSWER_PAUSE_MS << f->answers, answer_next);
		return;
	}
	err_move(&e, f->saved);
	err_ctx(&e, "challenge for %.253s", a->name);
	flow_fail(f, &e, false);
}

static void on_answer(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	f->post = NULL;
	if (!failed) {
		answered(f, r);
		return;
	}
	if (acme_problem_is(failed, "rateLimited")) {
		flow_fail_request(f, failed, "challenge");
		return;
	}
	flow_save_error(f, failed);
	f->tally.repeats++;
	flow_post(f, f->authzs[f->at].url, NULL, 0, on_reread_authz);
}

static void answer_next(struct acme_flow *f)
{
	while (f->at < f->n_authzs && f->authzs[f->at].state != AUTHZ_OFFERED)
		f->at++;
	if (f->at == f->n_authzs) {
		f->at = 0;
		poll_next(f);
		return;
	}
	const struct flow_authz *a = &f->authzs[f->at];
	flow_step(f, "challenge", a);
	if (f->answers)
		f->tally.repeats++;
	/* Not repeated blindly: an authorization that is decided meanwhile must not be asked again. */
	flow_post(f, a->urls[a->type], "{}", ACME_POST_ONCE, on_answer);
}

void flow_answer(struct acme_flow *f)
{
	f->at = 0;
	f->answers = 0;
	answer_next(f);
}

/* --- decisions --- */

/* Undecided: look again later. */
static void poll_again(struct acme_flow *f, const struct http_reply *r)
{
	struct err e = {0};
	int64_t wait;
	if (flow_poll_wait(f, r, "the authorization", &wait, &e)) {
		err_ctx(&e, "%.253s", f->authzs[f->at].name);
		flow_fail(f, &e, false);
		return;
	}
	f->tally.repeats++;
	flow_after(f, wait, poll_authz);
}

static void on_poll(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct acme_authz said;
	struct err e = {0};
	bool lost = false;
	f->post = NULL;
	if (failed) {
		flow_fail_request(f, failed, "authorization");
		return;
	}
	if (flow_read_authz(f, r, &said, &e)) {
		flow_fail(f, &e, false);
		return;
	}
	const struct acme_challenge *c = acme_authz_find(&said, acme_challenge_type_name(f->authzs[f->at].type));
	bool open = said.status == ACME_PENDING && !(c && c->status == ACME_INVALID);
	int rc = open ? 0 : flow_authz_seen(f, &f->authzs[f->at], &said, &lost, &e);
	acme_authz_done(&said);
	if (open) {
		poll_again(f, r);
	} else if (rc) {
		flow_fail(f, &e, lost);
	} else {
		f->at++;
		poll_next(f);
	}
}

static void poll_authz(struct acme_flow *f)
{
	flow_post(f, f->authzs[f->at].url, NULL, 0, on_poll);
}

static void poll_next(struct acme_flow *f)
{
	while (f->at < f->n_authzs && f->authzs[f->at].state != AUTHZ_ANSWERED)
		f->at++;
	if (f->at < f->n_authzs) {
		struct flow_authz *a = &f->authzs[f->at];
		/* Patience is for each; the CA works on all at once. */
		flow_poll_begin(f);
		int64_t wait = a->not_before - flow_mono(f);
		flow_after(f, wait > 0 ? wait : 0, poll_authz);
		return;
	}
	if (flow_fail_refused(f, "authorization refused for", true))
		return;
	f->all_valid = true;
	flow_cleanup(f, false);
	FAULT("acme-authorizations-valid");
	flow_finalize(f);
}
