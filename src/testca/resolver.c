/* resolver.c: look-ups for validations, CNAMEs followed, and the verdict by libperdure. CAA is caa.c's. */
#include "testca/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "dns/exchange.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "testca/ca.h"
#include "testca/caa.h"

enum { HOPS_MAX = 10, TIMEOUT_MS = 2000, PER_SERVER = 256, TYPE_CAA = 257 };

struct resolver {
	struct ca *ca;
	struct addr server;
	struct exchanger *exchanger;
	bool renew; /* the server was silent: make another exchanger, which does not remember it */
	TAILQ_HEAD(, check) checks;
	size_t n_checks;
};

struct check {
	struct resolver *r;
	TAILQ_ENTRY(check) link;
	struct authz *a;
	enum method method;
	resolver_fn fn;
	void *ctx;
	char name[PERDURE_NAME_SIZE * 4]; /* asked for now */
	char caa_name[PERDURE_NAME_SIZE]; /* while climbing for CAA */
	uint16_t type;
	unsigned hops;
	int64_t until_s;
	struct exchange_wait wait;
};

int resolver_new(struct ca *ca, const char *server, struct resolver **ret, struct err *e)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	if (addr_parse(server, 0, &r->server, e)) {
		free(r);
		return err_ctx(e, "--dns");
	}
	r->ca = ca;
	r->exchanger = exchanger_new(ca->loop, TIMEOUT_MS, PER_SERVER, 0);
	TAILQ_INIT(&r->checks);
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	for (struct check *c; (c = TAILQ_FIRST(&r->checks));) {
		TAILQ_REMOVE(&r->checks, c, link);
		exchange_cancel(&c->wait);
		free(c);
	}
	exchanger_free(r->exchanger);
	free(r);
}

/* p is taken. */
static void check_end(struct check *c, struct err_problem *p)
{
	resolver_fn fn = c->fn;
	void *ctx = c->ctx;
	int64_t until_s = c->until_s;
	TAILQ_REMOVE(&c->r->checks, c, link);
	c->r->n_checks--;
	free(c);
	fn(p, until_s, ctx);
}

static void on_reply(const struct exchange_reply *reply, void *ctx);

static void ask(struct check *c)
{
	c->wait.fn = on_reply;
	c->wait.ctx = c;
	exchange_ask(c->r->exchanger, &c->r->server, c->name, c->type, EXCHANGE_RD, &c->wait);
}

/* --- judging --- */

/* The TXT records at the name, as libperdure takes them; both arrays are for the caller to free. */
struct rrset {
	struct perdure_rr *rrs;
	struct perdure_text *texts;
	size_t n;
};

static struct rrset collect(const struct message *m, const char *name)
{
	struct rrset set = {NULL, NULL, 0};
	size_t strings = 0, at = 0;
	for (size_t i = 0; m && i < m->n_rr; i++)
		strings += m->rr[i].txt.n;
	set.rrs = xcalloc(m ? m->n_rr + 1 : 1, sizeof(*set.rrs));
	set.texts = xcalloc(strings + 1, sizeof(*set.texts));
	for (size_t i = 0; m && i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section != MESSAGE_ANSWER || rr->type != MESSAGE_TXT || strcmp(rr->owner, name) != 0)
			continue;
		set.rrs[set.n++] = (struct perdure_rr){set.texts + at, rr->txt.n};
		for (size_t k = 0; k < rr->txt.n; k++)
			set.texts[at++] =
				(struct perdure_text){(const char *)rr->txt.strings[k].p, rr->txt.strings[k].n};
	}
	return set;
}

/* The account's keys: the present one, then the earlier ones, the newest first (section 4.2). */
static const char **thumbprints_of(const struct account *a)
{
	size_t n = a->old_thumbprints.n;
	const char **v = xcalloc(n + 1, sizeof(*v));
	v[0] = a->thumbprint;
	for (size_t i = 0; i < n; i++)
		v[1 + i] = a->old_thumbprints.v[n - 1 - i];
	return v;
}

static struct err_problem *problem_of(const struct perdure_question *q, const struct perdure_verdict *v)
{
	char *text = NULL;
	bool exception = !strcmp(v->problem, "exception");
	if (perdure_verdict_explain(q, v, &text) != PERDURE_OK)
		text = NULL;
	struct err_problem *p = problem_new(exception                          ? 500
					    : !strcmp(v->problem, "malformed") ? 400
									       : 403,
		exception ? "serverInternal" : v->problem, "%s", text ? text : perdure_reason_text(v->reason));
	perdure_free(text);
	return p;
}

/* m is NULL when there is no record. */
static struct err_problem *judge_persist(struct check *c, const struct message *m)
{
	const struct ca *ca = c->r->ca;
	const struct account *a = c->a->account;
	const char *urls[] = {a->url};
	AUTO(xfreep) const char **thumbprints = thumbprints_of(a);
	struct rrset set = collect(m, c->name);
	struct perdure_question q = {
		.level = ca->o->level,
		.dialect = ca->o->dialect,
		.identifier = c->a->name,
		.wildcard = c->a->wildcard,
		.issuers = (const char *const *)ca->o->issuers.v,
		.n_issuers = ca->o->issuers.n,
		.account_urls = urls,
		.n_account_urls = 1,
		.thumbprints = thumbprints,
		.n_thumbprints = 1 + a->old_thumbprints.n,
		.account_hash_prefix = ca->hash_prefix,
		.hash_algs = (const char *const *)ca->o->hash_algs.v,
		.n_hash_algs = ca->o->hash_algs.n,
		.hash = &ca->hash,
		.deactivated = a->status != ST_VALID,
		.via_alias = c->hops > 0,
		.now = ca_now_s(ca),
	};
	struct perdure_verdict v;
	struct err_problem *p = NULL;
	enum perdure_status s = perdure_judge(&q, set.rrs, set.n, &v);
	if (s != PERDURE_OK)
		p = problem_new(500, "serverInternal", "judging the record: %s", perdure_strerror(s));
	else if (!v.valid)
		p = problem_of(&q, &v);
	else if (v.has_until)
		c->until_s = v.until;
	free(set.rrs);
	free(set.texts);
	return p;
}

/* RFC 8555 section 8.4. */
static struct err_problem *judge_dns01(struct check *c, const struct message *m)
{
	AUTO(buf_done) struct buf want = buf_make(64);
	AUTO(xfreep) char *auth = xasprintf("%s.%s", c->a->challenges[METHOD_DNS01].token, c->a->account->thumbprint);
	uint8_t hash[32];
	bool found = false;
	struct rrset set = collect(m, c->name);
	jose_sha256(auth, strlen(auth), hash);
	codec_b64url(&want, hash, sizeof(hash));
	for (size_t i = 0; i < set.n && !found; i++) {
		const struct perdure_rr *rr = &set.rrs[i];
		found = rr->n == 1 && rr->strings[0].n == want.n && !memcmp(rr->strings[0].p, want.p, want.n);
	}
	struct err_problem *p = NULL;
	if (!found)
		p = problem_new(403, "unauthorized", "none of the %zu TXT records at %s is the one for this challenge",
			set.n, c->name);
	free(set.rrs);
	free(set.texts);
	return p;
}

/* --- CAA --- */

static void ask_caa(struct check *c)
{
	memcpy(c->name, c->caa_name, sizeof(c->caa_name));
	c->type = TYPE_CAA;
	c->hops = 0;
	ask(c);
}

/* The records at this name decide, or if there are none those of its parent (RFC 8659 section 3). */
static void take_caa(struct check *c, const struct message *m)
{
	const struct ca *ca = c->r->ca;
	struct caa_question q = {
		.issuers = &ca->o->issuers,
		.wildcard = c->a->wildcard,
		.account_url = c->a->account->url,
		.method = method_name(c->method),
	};
	enum caa_answer answer = m ? caa_judge(&q, m, c->name) : CAA_NONE;
	const char *parent = name_parent(c->caa_name);
	if (answer == CAA_ALLOWED || (answer == CAA_NONE && (!parent || !*parent))) {
		check_end(c, NULL);
	} else if (answer == CAA_NONE) {
		memmove(c->caa_name, parent, strlen(parent) + 1);
		ask_caa(c);
	} else {
		check_end(c, problem_new(403, "caa", "CAA records at %s forbid it", c->name));
	}
}

/* --- answers --- */

/* The RRset has been found (m), or is not there (NULL). */
static void take_records(struct check *c, const struct message *m)
{
	if (c->type == TYPE_CAA) {
		take_caa(c, m);
		return;
	}
	struct err_problem *p = c->method == METHOD_PERSIST ? judge_persist(c, m) : judge_dns01(c, m);
	if (p || !c->r->ca->o->caa) {
		check_end(c, p);
		return;
	}
	snprintf(c->caa_name, sizeof(c->caa_name), "%s", c->a->name);
	ask_caa(c);
}

static void dns_failed(struct check *c, const char *why)
{
	/* Pebble calls everything unauthorized. */
	const char *type = c->r->ca->o->dialect == PERDURE_DIALECT_PEBBLE ? "unauthorized" : "dns";
	check_end(c, problem_new(400, type, "DNS: %s %s: %s", c->name, c->type == TYPE_CAA ? "CAA" : "TXT", why));
}

/* Follows the CNAMEs that the answer holds; true when the rest must be asked for. */
static bool follow(struct check *c, const struct message *m, struct reply *reply)
{
	reply_read_resolver(m, c->name, c->type, reply);
	while (reply->kind == REPLY_ALIAS && c->hops < HOPS_MAX) {
		bool here = false;
		c->hops++;
		snprintf(c->name, sizeof(c->name), "%s", reply->target);
		for (size_t i = 0; i < m->n_rr && !here; i++)
			here = m->rr[i].section == MESSAGE_ANSWER && !strcmp(m->rr[i].owner, c->name);
		if (!here)
			return true;
		reply_read_resolver(m, c->name, c->type, reply);
	}
	return false;
}

static void on_reply(const struct exchange_reply *x, void *ctx)
{
	struct check *c = ctx;
	struct reply reply;
	if (x->status != EXCHANGE_ANSWER) {
		c->r->renew = true;
		dns_failed(c, x->text);
	} else if (follow(c, x->msg, &reply)) {
		ask(c);
	} else if (reply.kind == REPLY_FOUND) {
		take_records(c, x->msg);
	} else if (reply.kind == REPLY_NODATA || reply.kind == REPLY_NXDOMAIN) {
		take_records(c, NULL);
	} else {
		dns_failed(c, reply.kind == REPLY_ALIAS ? "too many CNAMEs" : reply.text);
	}
}

void resolver_check(struct resolver *r, struct authz *a, enum method m, resolver_fn fn, void *ctx)
{
	struct check *c = xcalloc(1, sizeof(*c));
	*c = (struct check){.r = r, .a = a, .method = m, .fn = fn, .ctx = ctx, .type = MESSAGE_TXT};
	if (r->renew && !r->n_checks) {
		exchanger_free(r->exchanger);
		r->exchanger = exchanger_new(r->ca->loop, TIMEOUT_MS, PER_SERVER, 0);
		r->renew = false;
	}
	TAILQ_INSERT_TAIL(&r->checks, c, link);
	r->n_checks++;
	if (m == METHOD_DNS01)
		snprintf(c->name, sizeof(c->name), "_acme-challenge.%s", a->name);
	else
		snprintf(c->name, sizeof(c->name), "_validation-persist.%s", a->name);
	ask(c);
}
