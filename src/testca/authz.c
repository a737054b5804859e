/* authz.c: authorizations and challenges (RFC 8555 sections 7.1.4 and 7.5, dns-persist-01 section 3). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "testca/ca.h"
#include "testca/faults.h"
#include "testca/resolver.h"
#include "testca/web.h"
#include "json/json.h"

enum { ISSUERS_TOO_MANY = 11 };

static char *make_token(void)
{
	uint8_t octets[32];
	random_octets(octets, sizeof(octets));
	return codec_b64url_str(octets, sizeof(octets));
}

void authz_make_all(struct ca *ca, struct order *o)
{
	for (size_t i = 0; i < o->names.n; i++) {
		const char *name = o->names.v[i];
		struct authz *a = model_new_authz(&ca->model, o);
		a->wildcard = !strncmp(name, "*.", 2);
		a->name = xstrdup(name + 2 * a->wildcard);
		a->status = ST_PENDING;
		a->expires_s = ca_now_s(ca) + ca->o->authz_lifetime_s;
		a->challenges[METHOD_PERSIST].offered = ca->o->persist;
		a->challenges[METHOD_DNS01].offered = ca->o->dns01;
		if (ca->o->dns01)
			a->challenges[METHOD_DNS01].token = make_token();
	}
}

void challenge_decide(struct ca *ca, struct authz *a, enum method m, struct err_problem *p, int64_t until_s)
{
	struct challenge *ch = &a->challenges[m];
	int64_t expires = ca_now_s(ca) + ca->o->authz_lifetime_s;
	ch->decided = true;
	ch->error = p;
	/* Section 4.3: never longer than the record itself allows. */
	if (!p)
		a->expires_s = until_s && until_s < expires ? until_s : expires;
	ca->validations++;
}

/* --- what is shown --- */

static void put_issuers(struct call *c, struct json_out *w, const char *member, size_t extra)
{
	const struct strv *names = &c->ca->o->issuers;
	json_out_array(w, member);
	for (size_t i = 0; i < names->n; i++)
		json_out_str(w, NULL, names->v[i]);
	for (size_t i = names->n; i < extra; i++) {
		AUTO(xfreep) char *name = xasprintf("issuer-%zu.test", i);
		json_out_str(w, NULL, name);
	}
	json_out_end_array(w);
}

static void put_persist(struct call *c, struct json_out *w, const struct authz *a)
{
	const struct options *o = c->ca->o;
	const char *member = o->level == PERDURE_LEVEL_02 ? "issuerDomainNames" : "issuer-domain-names";
	const struct fault *many = faults_strike(c->ca->faults, FAULT_TOO_MANY_ISSUERS, c->at.ep);
	const struct fault *none = faults_strike(c->ca->faults, FAULT_NO_ISSUERS, c->at.ep);
	const struct fault *both = faults_strike(c->ca->faults, FAULT_BOTH_SPELLINGS, c->at.ep);
	const struct fault *foreign = faults_strike(c->ca->faults, FAULT_FOREIGN_ACCOUNTURI, c->at.ep);
	if (none || many || both || foreign)
		c->fault = fault_name((none ? none : many ? many : both ? both : foreign)->kind);
	if (none) {
		json_out_array(w, member);
		json_out_end_array(w);
	} else {
		put_issuers(c, w, member, many ? many->n ? (size_t)many->n : ISSUERS_TOO_MANY : 0);
	}
	if (both)
		put_issuers(c, w, o->level == PERDURE_LEVEL_02 ? "issuer-domain-names" : "issuerDomainNames", 0);
	if (foreign)
		json_out_str(w, "accounturi", foreign->value ? foreign->value : "https://other.test/account/1");
	else if (o->level == PERDURE_LEVEL_01)
		json_out_str(w, "accounturi", a->account->url);
}

static void put_time(struct json_out *w, const char *member, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	clock_rfc3339(s, text);
	json_out_str(w, member, text);
}

static void put_challenge(struct call *c, struct json_out *w, const struct authz *a, enum method m)
{
	const struct challenge *ch = &a->challenges[m];
	const struct fault *token = faults_strike(c->ca->faults, FAULT_TOKEN, c->at.ep);
	bool over = ch->decided && a->status != ST_PENDING;
	enum status s = over ? (ch->error ? ST_INVALID : ST_VALID) : ch->asked ? ST_PROCESSING : ST_PENDING;
	AUTO(xfreep)
	char *url = xasprintf(
		"%s%s%llu/%u", c->ca->base, endpoint_path(EP_CHALLENGE), (unsigned long long)a->id, (unsigned)m);
	json_out_object(w, NULL);
	json_out_str(w, "type", method_name(m));
	json_out_str(w, "url", url);
	json_out_str(w, "status", status_name(s));
	if (token) {
		json_out_str(w, "token", token->value ? token->value : "../../etc/passwd");
		c->fault = fault_name(FAULT_TOKEN);
	} else if (ch->token) {
		json_out_str(w, "token", ch->token);
	}
	if (m == METHOD_PERSIST)
		put_persist(c, w, a);
	if (s == ST_VALID)
		put_time(w, "validated", ch->validated_s);
	if (s == ST_INVALID)
		put_problem(w, "error", ch->error);
	json_out_end_object(w);
}

static void authz_reply(struct call *c, struct authz *a)
{
	enum status s = authz_status(a, ca_now_ms(c->ca), true);
	struct json_out w = json_out_make(&c->body);
	json_out_object(&w, NULL);
	json_out_object(&w, "identifier");
	json_out_str(&w, "type", "dns");
	json_out_str(&w, "value", a->name);
	json_out_end_object(&w);
	json_out_str(&w, "status", status_name(s));
	put_time(&w, "expires", a->expires_s);
	if (a->wildcard)
		json_out_bool(&w, "wildcard", true);
	json_out_array(&w, "challenges");
	for (unsigned m = 0; m < METHOD_N_; m++) {
		const struct challenge *ch = &a->challenges[m];
		/* A decided authorization lists what decided it. */
		if (ch->offered && (a->status == ST_PENDING || a->status == ST_DEACTIVATED || ch->decided))
			put_challenge(c, &w, a, (enum method)m);
	}
	json_out_end_array(&w);
	json_out_end_object(&w);
	if (s == ST_PENDING)
		call_retry_after(c);
}

/* --- authz --- */

static struct authz *find(struct call *c)
{
	struct authz *a = model_authz(&c->ca->model, c->at.id);
	if (a && a->account == c->account)
		return a;
	if (a)
		call_problem(c, 403, "unauthorized", "that authorization belongs to another account");
	else
		call_problem(c, 404, "malformed", "there is no such authorization");
	return NULL;
}

int do_authz(struct call *c)
{
	struct authz *a = find(c);
	if (!a)
		return -1;
	if (faults_strike(c->ca->faults, FAULT_AUTHZ_EXPIRED, EP_AUTHZ)) {
		a->expires_s = ca_now_s(c->ca) - 1;
		c->fault = fault_name(FAULT_AUTHZ_EXPIRED);
	}
	const struct json *status = json_get(c->payload, "status");
	if (c->payload && (!json_str(status) || strcmp(json_str(status), "deactivated") != 0))
		return call_problem(c, 400, "malformed", "an authorization can only be deactivated");
	if (c->payload)
		a->status = ST_DEACTIVATED;
	authz_reply(c, a);
	return 0;
}

/* --- challenge --- */

struct asked {
	struct ca *ca;
	struct authz *a;
	enum method m;
};

static void on_checked(struct err_problem *p, int64_t until_s, void *ctx)
{
	struct asked *asked = ctx;
	challenge_decide(asked->ca, asked->a, asked->m, p, until_s);
	free(asked);
}

static void look_up(struct ca *ca, struct authz *a, enum method m)
{
	struct asked *asked = xcalloc(1, sizeof(*asked));
	*asked = (struct asked){ca, a, m};
	resolver_check(ca->resolver, a, m, on_checked, asked);
}

static void begin(struct call *c, struct authz *a, enum method m)
{
	struct ca *ca = c->ca;
	struct challenge *ch = &a->challenges[m];
	const struct fault *slow = faults_strike(ca->faults, FAULT_PROCESSING, EP_CHALLENGE);
	const struct fault *bad = faults_strike(ca->faults, FAULT_AUTHZ_INVALID, EP_CHALLENGE);
	ch->asked = true;
	ch->wait.until_ms = ca_now_ms(ca) + ca->o->authz_delay_ms + (slow ? slow->ms : 0);
	ch->wait.polls = slow ? slow->n : 0;
	if (slow || bad)
		c->fault = fault_name((bad ? bad : slow)->kind);
	if (bad)
		challenge_decide(ca, a, m,
			problem_new(bad->status ? (int)bad->status : 403, bad->type ? bad->type : "unauthorized", "%s",
				bad->detail ? bad->detail : "the validation fails because a fault was asked for"),
			0);
	else if (ca->o->always_valid)
		challenge_decide(ca, a, m, NULL, 0);
	else
		look_up(ca, a, m);
}

int do_challenge(struct call *c)
{
	struct authz *a = find(c);
	if (!a)
		return -1;
	if (c->at.sub >= METHOD_N_ || !a->challenges[c->at.sub].offered)
		return call_problem(c, 404, "malformed", "there is no such challenge");
	enum method m = (enum method)c->at.sub;
	bool pending = authz_status(a, ca_now_ms(c->ca), false) == ST_PENDING;
	bool any = a->challenges[METHOD_PERSIST].asked || a->challenges[METHOD_DNS01].asked;
	if (c->payload && pending && !any) {
		begin(c, a, m);
		authz_status(a, ca_now_ms(c->ca), false);
	} else if (c->payload && !a->challenges[m].asked) {
		return call_problem(c, 400, "malformed", "the authorization is %s",
			pending ? "being validated by another challenge" : "decided");
	}
	call_header(
		c, "Link", "<%s%s%llu>;rel=\"up\"", c->ca->base, endpoint_path(EP_AUTHZ), (unsigned long long)a->id);
	if (!a->challenges[m].decided)
		call_retry_after(c);
	struct json_out w = json_out_make(&c->body);
	put_challenge(c, &w, a, m);
	return 0;
}
