/* flow_judge.c: which challenge to take for each name; what a dns-persist-01 challenge offers, and whether the standing
 * record would be accepted. */
#include <stdlib.h>
#include <string.h>

#include <perdure/persist.h>

#include "acme/flow_internal.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "loop/loop.h"

static void judge_all(struct acme_flow *f);

/* --- the offer --- */

static void take_offer(const struct acme_flow *f, struct flow_authz *a, const struct acme_challenge *c,
	const struct perdure_offer_result *r)
{
	strv_done(&a->issuers);
	for (size_t i = 0; i < r->n_issuers; i++)
		strv_add(&a->issuers, r->issuers[i]);
	a->level = f->level >= 0 ? f->level : (int)r->level;
	bool foreign = r->answer == PERDURE_OFFER_CONFIRM;
	free(a->account_uri);
	a->account_uri = xstrdup(foreign ? c->accounturi : acme_session_account_url(f->s));
}

static int foreign_account(
	const struct acme_flow *f, const struct flow_authz *a, const struct acme_challenge *c, struct err *e)
{
	err_set(e, ERR_POLICY, "%s wants a record for %.253s that names the account %.300s, but ours is %.300s",
		acme_session_name(f->s), a->name, c->accounturi, acme_session_account_url(f->s));
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	err_hint(e,
		"a record for it would let whoever owns that URI issue for this name; only if the CA documents that "
		"the URI means our account too, set `account_uri_any: true` for this CA");
	return -1;
}

int flow_read_offer(const struct acme_flow *f, struct flow_authz *a, const struct acme_challenge *c, struct err *e)
{
	const struct acme_directory *d = acme_session_have_directory(f->s);
	/* A configured level looks only at what that level knows. */
	bool hashed = f->level < 0 || f->level == 2;
	bool tells_account = f->level != 0;
	if (f->level == 2 && !d->account_hash_prefix) {
		err_set(e, ERR_PROTO, "level 02 is configured, but the directory of %s has no accountHashPrefix",
			acme_session_name(f->s));
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		err_hint(e, "remove `level:` to find it out");
		return -1;
	}
	struct perdure_offer offer = {
		.account_hash_prefix = hashed ? d->account_hash_prefix : NULL,
		.directory = d->has_issuer_domain_names ? (const char *const *)d->issuer_domain_names.v : NULL,
		.n_directory = d->issuer_domain_names.n,
		.caa = d->caa_identities.n ? (const char *const *)d->caa_identities.v : NULL,
		.n_caa = d->caa_identities.n,
		.names = c->has_issuers ? (const char *const *)c->issuers.v : NULL,
		.n_names = c->issuers.n,
		.names_old = c->has_issuers_old ? (const char *const *)c->issuers_old.v : NULL,
		.n_names_old = c->issuers_old.n,
		.account_uri = tells_account ? c->accounturi : NULL,
		.account_url = acme_session_account_url(f->s),
	};
	struct perdure_offer_result r = {0};
	perdure_challenge_check(&offer, &r);
	if (r.answer == PERDURE_OFFER_CONFIRM && !f->account_uri_any)
		return foreign_account(f, a, c, e);
	if (r.answer == PERDURE_OFFER_ACCEPT || r.answer == PERDURE_OFFER_CONFIRM) {
		take_offer(f, a, c, &r);
		return 0;
	}
	err_set(e, ERR_PROTO, "the challenge for %s%.253s must not be answered: %s", a->wildcard ? "*." : "", a->name,
		r.reason);
	err_hint(e, "the CA's offer breaks the rules of %s; report it to the CA", ACME_DNS_PERSIST_01);
	return -1;
}

/* --- choice and judgement --- */

/* The end of a hook's call: on with the next, unless the loop that called it goes on by itself. */
static void hook_answered(struct acme_flow *f)
{
	if (f->in_judge)
		f->judged = true;
	else
		judge_all(f);
}

static void refuse(struct acme_flow *f, struct flow_authz *a, const struct err *why)
{
	struct err e = {0};
	if (why && err_is(why))
		err_copy(&e, why);
	else
		err_set(&e, ERR_POLICY, "no challenge for %.253s was chosen", a->name);
	flow_add_refusal(f, a, &e);
	err_done(&e);
	a->want = AUTHZ_WANTS_NOTHING;
}

static void on_chosen(enum acme_challenge_type type, const struct err *why, void *ctx)
{
	struct acme_flow *f = ctx;
	struct flow_authz *a = &f->authzs[f->at];
	if (type == ACME_CHALLENGE_TYPE_N_ || !(a->offered & 1U << type)) {
		bool said = why && err_is(why);
		/* An offer that breaks the rules may be a good one the next time. */
		bool bad_offer = !said && a->refused && a->refused->kind == ERR_PROTO;
		const struct err *e = said ? why : a->refused;
		f->no_choice |= said || bad_offer;
		f->may_choose_later |= (said || bad_offer) && e && e->retry == RETRY_LATER;
		refuse(f, a, e);
	} else {
		a->type = type;
		a->want = type == ACME_CHALLENGE_PERSIST ? AUTHZ_WANTS_JUDGEMENT : AUTHZ_WANTS_NOTHING;
	}
	hook_answered(f);
}

static void choose_one(struct acme_flow *f, struct flow_authz *a)
{
	struct acme_choice c = {.name = a->name, .wildcard = a->wildcard, .offered = a->offered, .refused = a->refused};
	if (f->hooks->choose)
		f->hooks->choose(&c, on_chosen, f, f->ctx);
	else
		on_chosen(ACME_CHALLENGE_PERSIST, NULL, f);
}

/* The record will not do; another challenge may. */
static void record_refused(struct acme_flow *f, struct flow_authz *a, struct err *e)
{
	unsigned others = a->offered & ~(1U << ACME_CHALLENGE_PERSIST);
	if (!err_is(e))
		err_set(e, ERR_POLICY, "the record for %.253s would not be accepted", a->name);
	if (!others) {
		refuse(f, a, e);
		return;
	}
	a->offered = others;
	a->type = ACME_CHALLENGE_TYPE_N_;
	a->refused = xcalloc(1, sizeof(*a->refused));
	err_move(a->refused, e);
	a->want = AUTHZ_WANTS_CHOICE;
}

static void on_judged(enum acme_judgement j, const struct err *said, void *ctx)
{
	struct acme_flow *f = ctx;
	struct flow_authz *a = &f->authzs[f->at];
	struct err e = {0};
	if (said)
		err_copy(&e, said);
	a->want = AUTHZ_WANTS_NOTHING;
	if (j == ACME_RECORD_REFUSED)
		record_refused(f, a, &e);
	else if (j == ACME_RECORD_UNKNOWN && err_is(&e))
		flow_warn(f, &e);
	err_done(&e);
	hook_answered(f);
}

static void judge_one(struct acme_flow *f, const struct flow_authz *a)
{
	const struct acme_directory *d = acme_session_have_directory(f->s);
	struct acme_persist_offer offer = {
		.name = a->name,
		.wildcard = a->wildcard,
		.level = a->level,
		.issuers = &a->issuers,
		.account_uri = a->account_uri,
		.account_url = acme_session_account_url(f->s),
		.account_hash_prefix = a->level == 2 ? d->account_hash_prefix : NULL,
	};
	flow_step(f, "record", a);
	if (f->hooks->judge)
		f->hooks->judge(&offer, on_judged, f, f->ctx);
	else
		on_judged(ACME_RECORD_GOOD, NULL, f);
}

/* Refused names hold the order: no authorization is spent on them. */
static void all_judged(struct acme_flow *f)
{
	if (f->refusal && !f->may_choose_later) {
		f->refusal->kind = ERR_POLICY;
		err_retry(f->refusal, RETRY_AFTER_OPERATOR, 0);
	}
	if (flow_fail_refused(f, f->no_choice ? "no way to validate" : "record not acceptable for", false))
		return;
	FAULT("acme-records-judged");
	flow_prepare(f);
}

static void judge_all(struct acme_flow *f)
{
	while (f->at < f->n_authzs) {
		struct flow_authz *a = &f->authzs[f->at];
		if (a->state != AUTHZ_OFFERED || a->want == AUTHZ_WANTS_NOTHING) {
			f->at++;
			continue;
		}
		f->in_judge = true;
		f->judged = false;
		if (a->want == AUTHZ_WANTS_CHOICE)
			choose_one(f, a);
		else
			judge_one(f, a);
		f->in_judge = false;
		if (!f->judged)
			return;
	}
	all_judged(f);
}

void flow_judge(struct acme_flow *f)
{
	f->at = 0;
	judge_all(f);
}
