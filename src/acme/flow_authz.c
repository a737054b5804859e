/* flow_authz.c: reading the authorizations of an order, and the reasons of those that are refused. */
#include <stdlib.h>
#include <string.h>

#include "acme/flow_internal.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "loop/loop.h"

static void read_next(struct acme_flow *f);

static void refusal_done(struct acme_flow *f)
{
	if (f->refusal)
		err_done(f->refusal);
	free(f->refusal);
	f->refusal = NULL;
	strv_done(&f->refused);
}

/* Forgets which challenges were offered. */
static void flow_offer_done(struct flow_authz *a)
{
	for (size_t t = 0; t < ACME_CHALLENGE_TYPE_N_; t++) {
		xfreep(&a->urls[t]);
		xfreep(&a->tokens[t]);
	}
	if (a->refused)
		err_done(a->refused);
	xfreep(&a->refused);
	a->offered = 0;
}

void flow_authzs_done(struct acme_flow *f)
{
	for (size_t i = 0; i < f->n_authzs; i++) {
		struct flow_authz *a = &f->authzs[i];
		free(a->url);
		free(a->name);
		flow_offer_done(a);
		free(a->account_uri);
		strv_done(&a->issuers);
	}
	free(f->authzs);
	f->authzs = NULL;
	f->n_authzs = 0;
	f->all_valid = false;
	refusal_done(f);
}

/* --- refusals --- */

void flow_add_refusal(struct acme_flow *f, const struct flow_authz *a, const struct err *e)
{
	AUTO(xfreep) char *name = xasprintf("%s%s", a->wildcard ? "*." : "", a->name);
	if (!f->refusal) {
		f->refusal = xcalloc(1, sizeof(*f->refusal));
		err_copy(f->refusal, e);
		if (!f->refusal->problem)
			f->refusal->problem = err_problem_new();
	}
	/* Sub-problems that came with the first reason stay: they are about the same names. */
	const struct err_problem *p = e->problem;
	AUTO(xfreep) char *own = xasprintf("%s%s%s", e->msg, e->hint[0] ? "; " : "", e->hint);
	err_problem_add(f->refusal->problem, name, p ? p->type : "", p && p->detail[0] ? p->detail : own);
	strv_add(&f->refused, name);
}

bool flow_fail_refused(struct acme_flow *f, const char *what, bool order_lost)
{
	if (!f->refusal)
		return false;
	struct err e = {0};
	AUTO(xfreep) char *names = strv_join(&f->refused, ", ");
	err_move(&e, f->refusal);
	err_ctx(&e, "%s %.300s", what, names);
	flow_fail(f, &e, order_lost);
	return true;
}

/* The CA has decided against an authorization; its challenges say why. */
static void add_reason(struct acme_flow *f, const struct flow_authz *a, const struct acme_authz *said)
{
	const struct err *why = NULL;
	if (a->type < ACME_CHALLENGE_TYPE_N_) {
		const struct acme_challenge *c = acme_authz_find(said, acme_challenge_type_name(a->type));
		why = c ? c->error : NULL;
	}
	for (size_t i = 0; i < said->n && !why; i++)
		why = said->challenges[i].error;
	if (why) {
		flow_add_refusal(f, a, why);
		return;
	}
	struct err e = {0};
	err_set(&e, ERR_ACME, "the authorization is %s and the CA gave no reason", acme_status_name(said->status));
	err_retry(&e, RETRY_LATER, 0);
	flow_add_refusal(f, a, &e);
	err_done(&e);
}

/* --- one authorization --- */

static int no_such_challenge(
	const struct acme_flow *f, const struct flow_authz *a, const struct acme_authz *said, struct err *e)
{
	struct strv types = {0};
	for (size_t i = 0; i < said->n; i++)
		strv_add(&types, said->challenges[i].type);
	AUTO(xfreep) char *list = types.n ? strv_join(&types, ", ") : xstrdup("nothing");
	strv_done(&types);
	err_set(e, ERR_PROTO, "the CA does not offer %s for %s%.253s, only %.300s",
		f->hooks->choose ? ACME_DNS_PERSIST_01 " or what else can be answered" : ACME_DNS_PERSIST_01,
		a->wildcard ? "*." : "", a->name, list);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	err_hint(e, "choose a CA that offers it (`perdure ca list`, `perdure ca probe`)");
	return -1;
}

/* Takes the offered challenges of the types that are of use. One that is not pending any more is the one: it was
 * answered by an earlier run, and a second answer could only harm. */
static void read_offered(const struct acme_flow *f, struct flow_authz *a, const struct acme_authz *said)
{
	flow_offer_done(a);
	for (enum acme_challenge_type t = 0; t < ACME_CHALLENGE_TYPE_N_; t++) {
		const struct acme_challenge *c = acme_authz_find(said, acme_challenge_type_name(t));
		if (!c || !c->url || (t != ACME_CHALLENGE_PERSIST && (!c->token || !f->hooks->choose)))
			continue;
		a->urls[t] = xstrdup(c->url);
		a->tokens[t] = c->token ? xstrdup(c->token) : NULL;
		a->offered |= 1U << t;
		if (c->status != ACME_PENDING && a->type == ACME_CHALLENGE_TYPE_N_)
			a->type = t;
	}
}

static int no_good_offer(const struct acme_flow *f, struct flow_authz *a, struct err *e)
{
	bool others = (a->offered & ~(1U << ACME_CHALLENGE_PERSIST)) != 0;
	if (e->retry != RETRY_AFTER_OPERATOR)
		err_retry(e, RETRY_LATER, 0);
	if (a->type == ACME_CHALLENGE_TYPE_N_ && others) {
		a->offered &= ~(1U << ACME_CHALLENGE_PERSIST);
		a->refused = xcalloc(1, sizeof(*a->refused));
		err_move(a->refused, e);
		return 0;
	}
	return err_ctx(e, "%s", acme_session_name(f->s));
}

static int pending_seen(
	struct acme_flow *f, struct flow_authz *a, const struct acme_authz *said, bool *ret_lost, struct err *e)
{
	read_offered(f, a, said);
	if (!a->offered || (a->type < ACME_CHALLENGE_TYPE_N_ && !a->urls[a->type])) {
		*ret_lost = true;
		return no_such_challenge(f, a, said, e);
	}
	if (a->type < ACME_CHALLENGE_TYPE_N_) {
		const struct acme_challenge *c = acme_authz_find(said, acme_challenge_type_name(a->type));
		enum acme_status status = c ? c->status : ACME_INVALID;
		if (status != ACME_PENDING) {
			a->state = status == ACME_INVALID ? AUTHZ_REFUSED : AUTHZ_ANSWERED;
			if (a->state == AUTHZ_REFUSED)
				add_reason(f, a, said);
			return 0;
		}
	}
	if (a->state == AUTHZ_UNREAD)
		a->want = AUTHZ_WANTS_CHOICE;
	a->state = AUTHZ_OFFERED;
	const struct acme_challenge *c = acme_authz_find(said, ACME_DNS_PERSIST_01);
	bool wanted = a->type == ACME_CHALLENGE_TYPE_N_ || a->type == ACME_CHALLENGE_PERSIST;
	if (!c || !wanted || !flow_read_offer(f, a, c, e))
		return 0;
	return no_good_offer(f, a, e);
}

int flow_read_authz(const struct acme_flow *f, const struct http_reply *r, struct acme_authz *ret, struct err *e)
{
	if (!acme_authz_decode(r->body.p, r->body.n, f->authzs[f->at].url, ret, e))
		return 0;
	err_retry(e, RETRY_LATER, 0);
	return err_ctx(e, "%s", acme_session_name(f->s));
}

int flow_authz_seen(
	struct acme_flow *f, struct flow_authz *a, const struct acme_authz *said, bool *ret_lost, struct err *e)
{
	free(a->name);
	a->name = xstrdup(said->name);
	a->wildcard = said->wildcard;
	if (said->status == ACME_PENDING)
		return pending_seen(f, a, said, ret_lost, e);
	a->state = said->status == ACME_VALID ? AUTHZ_VALID : AUTHZ_REFUSED;
	if (a->state == AUTHZ_REFUSED)
		add_reason(f, a, said);
	return 0;
}

/* --- all of them --- */

static void on_authz(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct flow_authz *a = &f->authzs[f->at];
	struct acme_authz said;
	struct err e = {0};
	bool lost = false;
	f->post = NULL;
	if (failed && !f->collecting) {
		flow_fail_request(f, failed, "authorization");
		return;
	}
	int rc = failed ? 0 : flow_read_authz(f, r, &said, &e);
	if (!failed && !rc) {
		rc = flow_authz_seen(f, a, &said, &lost, &e);
		acme_authz_done(&said);
		if (a->state == AUTHZ_ANSWERED)
			flow_set_first_poll(f, a, r);
		if (!f->collecting)
			flow_step(f, "authorization", a);
	}
	if (rc && !f->collecting) {
		flow_fail(f, &e, lost);
		return;
	}
	err_done(&e);
	f->at++;
	read_next(f);
}

static void all_read(struct acme_flow *f)
{
	FAULT("acme-authorizations-read");
	if (flow_fail_refused(f, "authorization refused for", true))
		return;
	if (!f->collecting) {
		flow_judge(f);
		return;
	}
	struct err e = {0};
	err_move(&e, f->saved);
	flow_fail(f, &e, true);
}

static void read_next(struct acme_flow *f)
{
	if (f->at < f->n_authzs)
		flow_post(f, f->authzs[f->at].url, NULL, 0, on_authz);
	else
		all_read(f);
}

void flow_walk(struct acme_flow *f)
{
	f->at = 0;
	f->all_valid = false;
	if (f->rereads)
		f->tally.repeats += (unsigned)f->n_authzs;
	read_next(f);
}

void flow_collect_reasons(struct acme_flow *f, const struct acme_order *o)
{
	struct err e = {0};
	if (o->error) {
		err_copy(&e, o->error);
	} else if (f->saved) {
		err_copy(&e, f->saved);
	} else {
		err_set(&e, ERR_ACME, "the CA gave no reason");
		err_retry(&e, RETRY_LATER, 0);
	}
	err_ctx(&e, "%s: order %.300s is invalid", acme_session_name(f->s), f->order_url);
	if (f->all_valid || (o->error && o->error->problem->n_subs)) {
		flow_fail(f, &e, true);
		return;
	}
	flow_save_error(f, &e);
	err_done(&e);
	f->collecting = true;
	f->at = 0;
	read_next(f);
}
