/* order.c: newOrder and order (RFC 8555 sections 7.4 and 7.1.3, profiles, RFC 9773 section 5). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "testca/ca.h"
#include "testca/faults.h"
#include "testca/resolver.h"
#include "testca/web.h"
#include "json/json.h"

enum { NAMES_MAX = 100 };

static void put_time(struct json_out *w, const char *member, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	clock_rfc3339(s, text);
	json_out_str(w, member, text);
}

void order_reply(struct call *c, struct order *o, int status)
{
	enum status s = order_status(o, ca_now_ms(c->ca), true);
	struct json_out w = json_out_make(&c->body);
	c->status = status;
	json_out_object(&w, NULL);
	json_out_str(&w, "status", status_name(s));
	put_time(&w, "expires", o->expires_s);
	json_out_array(&w, "identifiers");
	for (size_t i = 0; i < o->names.n; i++) {
		json_out_object(&w, NULL);
		json_out_str(&w, "type", "dns");
		json_out_str(&w, "value", o->names.v[i]);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	if (o->profile)
		json_out_str(&w, "profile", o->profile);
	if (o->replaces)
		json_out_str(&w, "replaces", o->replaces);
	if (o->not_before_s)
		put_time(&w, "notBefore", o->not_before_s);
	if (o->not_after_s)
		put_time(&w, "notAfter", o->not_after_s);
	json_out_array(&w, "authorizations");
	for (size_t i = 0; i < o->n_authzs; i++)
		put_url(c, &w, NULL, EP_AUTHZ, o->authzs[i]->id);
	json_out_end_array(&w);
	put_url(c, &w, "finalize", EP_FINALIZE, o->id);
	if (o->cert)
		put_url(c, &w, "certificate", EP_CERTIFICATE, o->cert->id);
	if (o->error)
		put_problem(&w, "error", o->error);
	json_out_end_object(&w);
	if (s == ST_PROCESSING || s == ST_PENDING)
		call_retry_after(c);
}

/* --- what is asked for --- */

static bool is_below(const char *name, const char *parent)
{
	size_t n = strlen(name), p = strlen(parent);
	return n >= p && !strcmp(name + n - p, parent) && (n == p || name[n - p - 1] == '.');
}

/* NULL when the name may be ordered, or the type of the problem; why says what it is. */
static const char *refusal(const struct ca *ca, const char *type, const char *name, const char **why)
{
	char fqdn[PERDURE_NAME_SIZE];
	bool wildcard;
	*why = "only identifiers of the type dns are served";
	if (strcmp(type, "dns") != 0)
		return "unsupportedIdentifier";
	enum perdure_status s = perdure_name_normalize(name, fqdn, &wildcard);
	*why = perdure_strerror(s);
	if (s == PERDURE_ENAMEIP)
		return "rejectedIdentifier";
	if (s != PERDURE_OK)
		return "malformed";
	*why = "not in lower case, with A-labels and without a dot at the end";
	if (strcmp(fqdn, name + 2 * wildcard) != 0)
		return "malformed";
	*why = "too long for a validation record";
	if (strlen(fqdn) > PERDURE_FQDN_MAX)
		return "rejectedIdentifier";
	*why = "policy forbids issuing for this name";
	for (size_t i = 0; i < ca->o->blocked.n; i++)
		if (is_below(fqdn, ca->o->blocked.v[i]))
			return "rejectedIdentifier";
	return NULL;
}

static int read_names(struct call *c, struct strv *ret)
{
	const struct json *list = json_get(c->payload, "identifiers");
	size_t n = json_len(list), refused = 0;
	struct err_problem *p = problem_new(400, "rejectedIdentifier", "some of the names cannot be ordered");
	if (!n || n > NAMES_MAX) {
		err_problem_free(p);
		return call_problem(c, 400, "malformed", "%zu identifiers; 1 to %d are needed", n, NAMES_MAX);
	}
	for (size_t i = 0; i < n; i++) {
		const char *type = json_str(json_get(json_at(list, i), "type")), *why = "type or value is missing";
		const char *value = json_str(json_get(json_at(list, i), "value"));
		const char *problem = type && value ? refusal(c->ca, type, value, &why) : "malformed";
		if (problem) {
			AUTO(xfreep) char *urn = xasprintf("urn:ietf:params:acme:error:%s", problem);
			err_problem_add(p, value, urn, why);
			refused++;
		} else if (!strv_has(ret, value)) {
			strv_add(ret, value);
		}
	}
	if (refused == 1 && n == 1)
		call_problem(c, 400, p->subs[0].type, "%s: %s", p->subs[0].identifier, p->subs[0].detail);
	else if (refused)
		call_problem_doc(c, p);
	err_problem_free(p);
	return refused ? -1 : 0;
}

static int read_time(struct call *c, const char *member, int64_t *ret)
{
	const char *s = json_str(json_get(c->payload, member));
	struct err e = {0};
	*ret = 0;
	if (!s || !clock_parse_rfc3339(s, ret, &e))
		return 0;
	call_problem(c, 400, "malformed", "\"%s\": %s", member, e.msg);
	err_done(&e);
	return -1;
}

static int read_profile(struct call *c, struct order *o)
{
	const struct options *opt = c->ca->o;
	const struct json *asked = json_get(c->payload, "profile");
	o->lifetime_s = opt->n_profiles ? opt->profiles[0].lifetime_s : opt->lifetime_s;
	if (!asked)
		return 0;
	const char *name = json_str(asked);
	for (size_t i = 0; name && i < opt->n_profiles; i++)
		if (!strcmp(opt->profiles[i].name, name)) {
			o->lifetime_s = opt->profiles[i].lifetime_s;
			o->profile = xstrdup(name);
			return 0;
		}
	return call_problem(c, 400, "invalidProfile", "there is no profile \"%s\"", name ? name : "");
}

static int read_replaces(struct call *c, const struct strv *names, struct cert **ret)
{
	const struct json *asked = json_get(c->payload, "replaces");
	const char *id = json_str(asked);
	bool shared = false;
	*ret = NULL;
	if (!asked)
		return 0;
	struct cert *old = id ? map_get(&c->ca->model.by_ari, id) : NULL;
	if (!old)
		return call_problem(c, 400, "malformed", "\"replaces\" names no certificate of ours");
	if (old->account != c->account)
		return call_problem(c, 403, "unauthorized", "\"replaces\" names a certificate of another account");
	for (size_t i = 0; i < names->n; i++)
		shared = shared || strv_has(&old->order->names, names->v[i]);
	if (!shared)
		return call_problem(c, 400, "malformed", "\"replaces\" names a certificate with none of these names");
	if (old->replaced)
		return call_problem(c, 409, "alreadyReplaced", "that certificate has been replaced already");
	*ret = old;
	return 0;
}

/* --- the order made --- */

static void apply_faults(struct call *c, struct order *o)
{
	const struct fault *f = faults_strike(c->ca->faults, FAULT_ALREADY_VALID, EP_NEW_ORDER);
	for (size_t i = 0; f && i < o->n_authzs && (!f->n || (int64_t)i < f->n); i++) {
		challenge_decide(c->ca, o->authzs[i], c->ca->o->persist ? METHOD_PERSIST : METHOD_DNS01, NULL, 0);
		c->fault = fault_name(FAULT_ALREADY_VALID);
	}
	if (faults_strike(c->ca->faults, FAULT_READY_EARLY, EP_NEW_ORDER)) {
		o->claims_ready = true;
		c->fault = fault_name(FAULT_READY_EARLY);
	}
}

static void new_order_reply(struct call *c, struct order *o)
{
	call_header(c, "Location", "%s%s%llu", c->ca->base, endpoint_path(EP_ORDER), (unsigned long long)o->id);
	order_reply(c, o, 201);
}

/* Just-in-time validation: the reply waits for all look-ups. */
struct jit {
	struct call *c;
	struct order *o;
	size_t left;
};
struct jit_one {
	struct jit *all;
	struct authz *a;
};

static void on_jit(struct err_problem *p, int64_t until_s, void *ctx)
{
	struct jit_one *one = ctx;
	struct jit *j = one->all;
	/* A record that does not stand leaves the authorization pending (section 4.3, no error is told). */
	if (!p)
		challenge_decide(j->c->ca, one->a, METHOD_PERSIST, NULL, until_s);
	err_problem_free(p);
	free(one);
	if (--j->left)
		return;
	new_order_reply(j->c, j->o);
	call_send(j->c);
	free(j);
}

static void start_jit(struct call *c, struct order *o)
{
	struct jit *j = xcalloc(1, sizeof(*j));
	*j = (struct jit){c, o, o->n_authzs};
	c->later = true;
	for (size_t i = 0; i < o->n_authzs; i++) {
		struct jit_one *one = xcalloc(1, sizeof(*one));
		*one = (struct jit_one){j, o->authzs[i]};
		resolver_check(c->ca->resolver, o->authzs[i], METHOD_PERSIST, on_jit, one);
	}
}

int do_new_order(struct call *c)
{
	AUTO(strv_done) struct strv names = {0};
	struct ca *ca = c->ca;
	struct cert *old;
	struct order draft = {0};
	if (faults_strike(ca->faults, FAULT_ACCOUNT_DEACTIVATED, EP_NEW_ORDER)) {
		c->account->status = ST_DEACTIVATED;
		c->fault = fault_name(FAULT_ACCOUNT_DEACTIVATED);
		return call_problem(c, 403, "unauthorized", "the account is deactivated");
	}
	if (!c->payload)
		return call_problem(c, 400, "malformed", "the payload must be a JSON object");
	if (read_names(c, &names) || read_time(c, "notBefore", &draft.not_before_s) ||
		read_time(c, "notAfter", &draft.not_after_s) || read_replaces(c, &names, &old) ||
		read_profile(c, &draft))
		return -1;
	struct order *o = model_new_order(&ca->model, c->account);
	o->profile = draft.profile;
	o->lifetime_s = draft.lifetime_s;
	o->not_before_s = draft.not_before_s;
	o->not_after_s = draft.not_after_s;
	o->expires_s = ca_now_s(ca) + ca->o->order_lifetime_s;
	strv_copy(&o->names, &names);
	if (old) {
		old->replaced = true;
		o->replaces = xstrdup(old->ari_id);
	}
	authz_make_all(ca, o);
	apply_faults(c, o);
	if (ca->o->jit && ca->resolver && ca->o->persist) {
		start_jit(c, o);
		return 0;
	}
	new_order_reply(c, o);
	return 0;
}

int do_order(struct call *c)
{
	struct order *o = model_order(&c->ca->model, c->at.id);
	if (!o)
		return call_problem(c, 404, "malformed", "there is no such order");
	if (o->account != c->account)
		return call_problem(c, 403, "unauthorized", "that order belongs to another account");
	if (faults_strike(c->ca->faults, FAULT_ORDER_EXPIRED, EP_ORDER)) {
		o->expires_s = ca_now_s(c->ca) - 1;
		c->fault = fault_name(FAULT_ORDER_EXPIRED);
	}
	if (o->finalized && !o->cert && !o->error && wait_over(&o->wait, ca_now_ms(c->ca), true))
		order_issue(c->ca, o, EP_ORDER);
	order_reply(c, o, 200);
	return 0;
}
