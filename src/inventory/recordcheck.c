/* recordcheck.c: the verdict on what the authoritative servers publish. */
#include "inventory/recordcheck.h"

#include <perdure/hash.h>
#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "dns/view.h"

struct recordcheck_query {
	char *name;
	bool wildcard;
	bool publish_wildcard;
	int level;
	struct strv issuers; /* the one that records are made with comes first */
	char *account_uri;
	char *account_url;
	struct strv thumbprints;
	char *prefix;
	uint32_t ttl;
	bool suggest_wildcard;
	int64_t now;
	struct dns_query *dns; /* NULL while waiting for a look begun ahead */
	struct recordcheck_ahead *ahead;
	recordcheck_fn done;
	void *ctx;
};

/* An answer older than this is asked for again. */
enum { AHEAD_MAX_AGE_MS = 5000 };

struct recordcheck_ahead {
	const struct clk *clk;
	char *name;
	int64_t began_ms; /* monotonic */
	struct dns_query *dns; /* NULL once answered */
	struct dns_view *view; /* the answer; NULL before it, and after it was used */
	struct err e;
	struct recordcheck_query *waiting;
};

static const char *const result_names[] = {
	[RECORDCHECK_GOOD] = "accepted",
	[RECORDCHECK_REFUSED] = "refused",
	[RECORDCHECK_UNKNOWN] = "unknown",
};
_Static_assert(ARRAY_LEN(result_names) == RECORDCHECK_N_, "one name per result");

const char *recordcheck_result_name(enum recordcheck_result r)
{
	return result_names[r];
}

static void query_free(struct recordcheck_query *q)
{
	free(q->name);
	strv_done(&q->issuers);
	free(q->account_uri);
	free(q->account_url);
	strv_done(&q->thumbprints);
	free(q->prefix);
	free(q);
}

void recordcheck_free(struct recordcheck *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->servers && i < c->view->n; i++)
		free(c->servers[i].reason);
	free(c->servers);
	free(c->owner);
	free(c->problem);
	free(c->reason);
	free(c->fix);
	if (c->view)
		dns_view_free(c->view);
	err_done(&c->e);
	free(c);
}

static const struct perdure_hash hash = {.fn = perdure_hash_openssl};

static struct perdure_question question(const struct recordcheck_query *q, const struct dns_view *v, const char **uris)
{
	static const enum perdure_level levels[] = {PERDURE_LEVEL_00, PERDURE_LEVEL_01, PERDURE_LEVEL_02};
	uris[0] = q->level == 2 || !q->account_uri ? q->account_url : q->account_uri;
	return (struct perdure_question){
		.level = levels[q->level],
		.identifier = q->name,
		.wildcard = q->wildcard,
		.issuers = (const char *const *)q->issuers.v,
		.n_issuers = q->issuers.n,
		.account_urls = uris,
		.n_account_urls = 1,
		.thumbprints = (const char *const *)q->thumbprints.v,
		.n_thumbprints = q->thumbprints.n,
		.account_hash_prefix = q->prefix,
		.hash = &hash,
		.via_alias = v->chain.n > 0,
		.now = q->now,
	};
}

/* The RRset of one answer in the shape that the library takes. */
struct rrset {
	struct perdure_rr *rrs;
	struct perdure_text *strings;
};

static void rrset_done(struct rrset *s)
{
	free(s->rrs);
	free(s->strings);
}

static struct rrset rrset_of(const struct dns_answer *a)
{
	size_t total = 0, at = 0;
	for (size_t i = 0; i < a->n_txt; i++)
		total += a->txt[i].n;
	struct rrset s = {xcalloc(a->n_txt, sizeof(*s.rrs)), xcalloc(total, sizeof(*s.strings))};
	for (size_t i = 0; i < a->n_txt; i++) {
		s.rrs[i] = (struct perdure_rr){.strings = s.strings + at, .n = a->txt[i].n};
		for (size_t j = 0; j < a->txt[i].n; j++)
			s.strings[at++] =
				(struct perdure_text){(const char *)a->txt[i].strings[j].p, a->txt[i].strings[j].n};
	}
	return s;
}

/* A verdict that the library could not reach (memory, hash) counts as no answer. */
static bool judge(const struct recordcheck_query *q, const struct dns_view *v, const struct dns_answer *a,
	struct perdure_verdict *ret)
{
	const char *uris[1];
	struct perdure_question pq = question(q, v, uris);
	AUTO(rrset_done) struct rrset s = rrset_of(a);
	return perdure_judge(&pq, s.rrs, a->n_txt, ret) == PERDURE_OK;
}

static char *explain(const struct recordcheck_query *q, const struct dns_view *v, const struct perdure_verdict *verdict)
{
	const char *uris[1];
	struct perdure_question pq = question(q, v, uris);
	char *s = NULL;
	if (perdure_verdict_explain(&pq, verdict, &s))
		return xstrdup(perdure_reason_text(verdict->reason));
	char *copy = xstrdup(s);
	perdure_free(s);
	return copy;
}

static char *suggest(const struct recordcheck_query *q, const struct dns_view *v, const struct perdure_verdict *verdict)
{
	const char *uris[1];
	struct perdure_question pq = question(q, v, uris);
	struct perdure_built b;
	pq.wildcard |= q->publish_wildcard;
	pq.wildcard |= q->suggest_wildcard;
	if (perdure_verdict_fix(&pq, verdict, q->ttl, &b))
		return xstrdup("");
	char *line = xstrdup(b.zone_line);
	perdure_built_done(&b);
	return line;
}

struct tally {
	size_t answered, valid;
	struct perdure_verdict good, bad; /* the first of each kind */
	const char *bad_server;
};

static struct tally judge_all(const struct recordcheck_query *q, struct recordcheck *c)
{
	struct tally t = {0};
	c->servers = xcalloc(c->view->n, sizeof(*c->servers));
	for (size_t i = 0; i < c->view->n; i++) {
		const struct dns_answer *a = &c->view->answers[i];
		struct recordcheck_server *s = &c->servers[i];
		struct perdure_verdict v;
		if (a->result == DNS_FAILED || a->result == DNS_TIMEOUT || !judge(q, c->view, a, &v)) {
			s->reason = xstrdup(a->text);
			continue;
		}
		s->answered = true;
		s->valid = v.valid;
		s->reason = v.valid ? xstrdup("") : explain(q, c->view, &v);
		t.answered++;
		if (v.valid && !t.valid++)
			t.good = v;
		if (!v.valid && !t.bad_server) {
			t.bad = v;
			t.bad_server = a->server;
		}
	}
	return t;
}

static void set_refused(const struct recordcheck_query *q, struct recordcheck *c, const struct tally *t)
{
	c->result = RECORDCHECK_REFUSED;
	c->problem = xstrdup(t->bad.problem);
	c->reason = explain(q, c->view, &t->bad);
	c->fix = suggest(q, c->view, &t->bad);
	err_set(&c->e, ERR_POLICY, "the record at %s would be refused (%zu of %zu servers): %s", c->owner,
		t->answered - t->valid, t->answered, c->reason);
	if (c->disagree)
		err_hint(&c->e, "the servers disagree: wait until all of them serve the same, or ask why %s does not",
			t->bad_server);
	else if (c->fix[0])
		err_hint(&c->e, "publish: %s", c->fix);
	err_retry(&c->e, RETRY_AFTER_OPERATOR, 0);
}

static void set_unknown(struct recordcheck *c, const struct err *why)
{
	c->result = RECORDCHECK_UNKNOWN;
	c->problem = xstrdup("");
	c->fix = xstrdup("");
	if (!c->view->looked)
		err_set(&c->e, ERR_DNS, "the record at %s was not looked at: dns mode is \"none\"", c->owner);
	else if (err_is(why))
		err_copy(&c->e, why);
	else if (c->view->n)
		err_set(&c->e, ERR_DNS, "the record at %s could not be seen: %zu servers asked, none answered (%s: %s)",
			c->owner, c->view->n, c->view->answers[0].server, c->view->answers[0].text);
	else
		err_set(&c->e, ERR_DNS, "the record at %s could not be seen: no server is known for its zone",
			c->owner);
	err_hint(&c->e,
		"if this network cannot reach the servers, set dns: stubs or dns: {mode: resolver, resolvers: […]}");
	err_retry(&c->e, RETRY_LATER, 0);
	c->reason = xstrdup(c->e.msg);
}

static void set_good(const struct recordcheck_query *q, struct recordcheck *c, const struct tally *t)
{
	c->result = RECORDCHECK_GOOD;
	c->problem = xstrdup("");
	c->fix = xstrdup("");
	c->reason = explain(q, c->view, &t->good);
	c->has_until = t->good.has_until;
	c->until = t->good.until;
	if (c->disagree)
		err_set(&c->e, ERR_DNS,
			"%s serves another record at %s than most servers do; a CA that asks it refuses", t->bad_server,
			c->owner);
}

static void have_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct recordcheck_query *q = ctx;
	struct recordcheck *c = xcalloc(1, sizeof(*c));
	c->owner = xstrdup(v->owner);
	c->view = v;
	struct tally t = judge_all(q, c);
	c->disagree = t.valid && t.valid < t.answered;
	if (!t.answered)
		set_unknown(c, e);
	else if (t.valid * 2 > t.answered)
		set_good(q, c, &t);
	else
		set_refused(q, c, &t);
	recordcheck_fn done = q->done;
	void *done_ctx = q->ctx;
	query_free(q);
	done(c, done_ctx);
}

/* The suggested record names the first issuer: let it be the one that `record show` takes. */
static void put_issuers(struct recordcheck_query *r, const struct strv *issuers)
{
	strv_copy(&r->issuers, issuers);
	size_t pick = perdure_issuer_pick((const char *const *)issuers->v, issuers->n);
	char *first = r->issuers.v[0];
	r->issuers.v[0] = r->issuers.v[pick];
	r->issuers.v[pick] = first;
}

static void have_ahead(struct dns_view *v, const struct err *e, void *ctx)
{
	struct recordcheck_ahead *a = ctx;
	struct recordcheck_query *q = a->waiting;
	a->dns = NULL;
	a->waiting = NULL;
	if (q) {
		have_view(v, e, q);
		return;
	}
	a->view = v;
	if (err_is(e))
		err_copy(&a->e, e);
}

static char *owner_of(const char *name)
{
	return xasprintf("_validation-persist.%s", name);
}

struct recordcheck_ahead *recordcheck_ahead_start(struct dns *d, const struct clk *clk, const char *name)
{
	struct recordcheck_ahead *a = xcalloc(1, sizeof(*a));
	AUTO(xfreep) char *owner = owner_of(name);
	a->clk = clk;
	a->name = xstrdup(name);
	a->began_ms = clk_mono(clk);
	a->dns = dns_view_txt(d, owner, have_ahead, a);
	return a;
}

void recordcheck_ahead_free(struct recordcheck_ahead *a)
{
	if (!a)
		return;
	if (a->dns)
		dns_view_cancel(a->dns);
	if (a->view)
		dns_view_free(a->view);
	err_done(&a->e);
	free(a->name);
	free(a);
}

static bool ahead_serves(const struct recordcheck_ahead *a, const char *name)
{
	return a && (a->view || (a->dns && !a->waiting)) && !strcmp(a->name, name) &&
	       clk_mono(a->clk) - a->began_ms <= AHEAD_MAX_AGE_MS;
}

struct recordcheck_query *recordcheck_start(struct dns *d, struct recordcheck_ahead *ahead,
	const struct recordcheck_question *q, recordcheck_fn done, void *ctx)
{
	struct recordcheck_query *r = xcalloc(1, sizeof(*r));
	r->name = xstrdup(q->name);
	r->wildcard = q->wildcard;
	r->publish_wildcard = q->publish_wildcard;
	r->level = q->level;
	put_issuers(r, q->issuers);
	r->account_uri = q->account_uri ? xstrdup(q->account_uri) : NULL;
	r->account_url = xstrdup(q->account_url);
	if (q->thumbprints)
		strv_copy(&r->thumbprints, q->thumbprints);
	r->prefix = q->prefix ? xstrdup(q->prefix) : NULL;
	r->ttl = q->ttl;
	r->suggest_wildcard = q->suggest_wildcard;
	r->now = q->now;
	r->done = done;
	r->ctx = ctx;
	if (!ahead_serves(ahead, q->name)) {
		AUTO(xfreep) char *owner = owner_of(q->name);
		r->dns = dns_view_txt(d, owner, have_view, r);
		return r;
	}
	if (!ahead->view) {
		r->ahead = ahead;
		ahead->waiting = r;
		return r;
	}
	struct dns_view *v = ahead->view;
	ahead->view = NULL;
	have_view(v, &ahead->e, r);
	return NULL;
}

void recordcheck_cancel(struct recordcheck_query *q)
{
	if (!q)
		return;
	if (q->dns)
		dns_view_cancel(q->dns);
	else
		q->ahead->waiting = NULL;
	query_free(q);
}
