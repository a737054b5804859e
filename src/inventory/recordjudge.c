/* recordjudge.c: the verdict on a view that is here: what each server publishes, and what most of them do. */
#include <perdure/hash.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/recordcheck.h"

enum { ANSWER_MAX = 128 << 10 };

static const struct perdure_hash hash = {.fn = perdure_hash_openssl};

/* A question in the shape that the library takes. */
struct asked {
	struct perdure_question q;
	const char **issuers;
	const char *uris[1];
};

static void asked_done(struct asked *a)
{
	free(a->issuers);
}

/* v may be NULL: nothing is known of the way to the record. */
static void asked_init(struct asked *a, const struct recordcheck_question *q, const struct dns_view *v)
{
	static const enum perdure_level levels[] = {PERDURE_LEVEL_00, PERDURE_LEVEL_01, PERDURE_LEVEL_02};
	/* The suggested record names the first issuer: let it be the one that `record show` takes. */
	size_t pick = perdure_issuer_pick((const char *const *)q->issuers->v, q->issuers->n);
	a->issuers = xcalloc(q->issuers->n, sizeof(*a->issuers));
	for (size_t i = 0; i < q->issuers->n; i++)
		a->issuers[i] = q->issuers->v[i];
	a->issuers[0] = q->issuers->v[pick];
	a->issuers[pick] = q->issuers->v[0];
	a->uris[0] = q->level == 2 || !q->account_uri ? q->account_url : q->account_uri;
	a->q = (struct perdure_question){
		.level = levels[q->level],
		.dialect = q->dialect,
		.identifier = q->name,
		.wildcard = q->wildcard,
		.issuers = a->issuers,
		.n_issuers = q->issuers->n,
		.account_urls = a->uris,
		.n_account_urls = 1,
		.thumbprints = q->thumbprints ? (const char *const *)q->thumbprints->v : NULL,
		.n_thumbprints = q->thumbprints ? q->thumbprints->n : 0,
		.account_hash_prefix = q->prefix,
		.hash = &hash,
		.deactivated = q->deactivated,
		.via_alias = v && v->chain.n > 0,
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

static struct rrset rrset_of(const struct dns_txt *txt, size_t n)
{
	size_t total = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		total += txt[i].n;
	struct rrset s = {xcalloc(n, sizeof(*s.rrs)), xcalloc(total, sizeof(*s.strings))};
	for (size_t i = 0; i < n; i++) {
		s.rrs[i] = (struct perdure_rr){.strings = s.strings + at, .n = txt[i].n};
		for (size_t j = 0; j < txt[i].n; j++)
			s.strings[at++] = (struct perdure_text){(const char *)txt[i].strings[j].p, txt[i].strings[j].n};
	}
	return s;
}

/* A verdict that the library could not reach (memory, hash) counts as no answer. */
static bool judge(const struct asked *q, const struct dns_txt *txt, size_t n, struct perdure_verdict *ret)
{
	AUTO(rrset_done) struct rrset s = rrset_of(txt, n);
	return perdure_judge(&q->q, s.rrs, n, ret) == PERDURE_OK;
}

static char *explain(const struct asked *q, const struct perdure_verdict *verdict)
{
	char *s = NULL;
	if (perdure_verdict_explain(&q->q, verdict, &s))
		return xstrdup(perdure_reason_text(verdict->reason));
	char *copy = xstrdup(s);
	perdure_free(s);
	return copy;
}

static char *suggest(const struct asked *a, const struct recordcheck_question *q, const struct perdure_verdict *verdict)
{
	struct perdure_question pq = a->q;
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

static struct tally judge_all(const struct asked *q, struct recordcheck *c)
{
	struct tally t = {0};
	c->servers = xcalloc(c->view->n, sizeof(*c->servers));
	for (size_t i = 0; i < c->view->n; i++) {
		const struct dns_answer *a = &c->view->answers[i];
		struct recordcheck_server *s = &c->servers[i];
		struct perdure_verdict v;
		if (a->result == DNS_FAILED || a->result == DNS_TIMEOUT || !judge(q, a->txt, a->n_txt, &v)) {
			s->reason = xstrdup(a->text);
			continue;
		}
		s->answered = true;
		s->valid = v.valid;
		s->reason = v.valid ? xstrdup("") : explain(q, &v);
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

static void set_refused(
	const struct asked *a, const struct recordcheck_question *q, struct recordcheck *c, const struct tally *t)
{
	c->result = RECORDCHECK_REFUSED;
	c->verdict = t->bad;
	c->problem = xstrdup(t->bad.problem);
	c->reason = explain(a, &t->bad);
	c->fix = suggest(a, q, &t->bad);
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
	else if (why && err_is(why))
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

static void set_good(const struct asked *a, struct recordcheck *c, const struct tally *t)
{
	c->result = RECORDCHECK_GOOD;
	c->problem = xstrdup("");
	c->fix = xstrdup("");
	c->reason = explain(a, &t->good);
	c->verdict = t->good;
	c->has_until = t->good.has_until;
	c->until = t->good.until;
	if (c->disagree)
		err_set(&c->e, ERR_DNS,
			"%s serves another record at %s than most servers do; a CA that asks it refuses", t->bad_server,
			c->owner);
}

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
	if (!c->view_borrowed)
		dns_view_free(c->view);
	err_done(&c->e);
	free(c);
}

struct recordcheck *recordcheck_judge(const struct recordcheck_question *q, struct dns_view *v, const struct err *e)
{
	struct recordcheck *c = xcalloc(1, sizeof(*c));
	AUTO(asked_done) struct asked a;
	c->owner = xstrdup(v->owner);
	c->view = v;
	c->view_borrowed = true;
	asked_init(&a, q, v);
	struct tally t = judge_all(&a, c);
	c->disagree = t.valid && t.valid < t.answered;
	if (!t.answered)
		set_unknown(c, e);
	else if (t.valid * 2 > t.answered)
		set_good(&a, c, &t);
	else
		set_refused(&a, q, c, &t);
	return c;
}

char *recordcheck_line(const struct recordcheck_question *q)
{
	AUTO(asked_done) struct asked a;
	asked_init(&a, q, NULL);
	return suggest(&a, q, &(struct perdure_verdict){.reason = PERDURE_REASON_NO_RECORD});
}

/* The value of one RR; NULL when it is too long for one. Heap string, perdure_free(). */
static char *value_of(const struct perdure_rr *rr, size_t *ret_n)
{
	char *value;
	return perdure_txt_join(rr->strings, rr->n, &value, ret_n) == PERDURE_OK ? value : NULL;
}

static char *account_of(const struct perdure_rr *rr)
{
	size_t n = 0;
	char *value = value_of(rr, &n);
	struct perdure_record r = {0};
	if (value)
		(void)perdure_record_read(value, n, &r, NULL, NULL);
	char *account = xstrndup(r.account_uri.n ? r.account_uri.p : "", r.account_uri.n);
	perdure_free(value);
	return account;
}

static char *answer_of(const struct perdure_rr *rrs, size_t n)
{
	struct buf b = buf_make(ANSWER_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;
		char *value = value_of(&rrs[i], &len), *text = NULL;
		if (value && perdure_txt_present(value, len, &text) == PERDURE_OK)
			buf_printf(&b, "%s%s", i ? ", " : "", text);
		perdure_free(value);
		perdure_free(text);
	}
	return buf_take(&b);
}

void recordcheck_see(
	const struct recordcheck_question *q, const struct dns_txt *txt, size_t n, struct recordcheck_seen *ret)
{
	AUTO(asked_done) struct asked a;
	AUTO(rrset_done) struct rrset s = rrset_of(txt, n);
	struct perdure_verdict v = {.rr = -1, .at = -1};
	asked_init(&a, q, NULL);
	*ret = (struct recordcheck_seen){.answer = answer_of(s.rrs, n)};
	ret->valid = perdure_judge(&a.q, s.rrs, n, &v) == PERDURE_OK && v.valid;
	ret->reason = explain(&a, &v);
	ret->account = ret->valid && v.rr >= 0 ? account_of(&s.rrs[v.rr]) : xstrdup("");
}

void recordcheck_seen_done(struct recordcheck_seen *s)
{
	free(s->reason);
	free(s->account);
	free(s->answer);
	*s = (struct recordcheck_seen){0};
}
