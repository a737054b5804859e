/* preflight.c: a look at the place where a record is to stand, and at the name above it. */
#include "inventory/preflight.h"

#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "dns/view.h"

/* What is asked. The owner first; then what lives at the name itself, perhaps by a wildcard. */
static const struct {
	bool at_owner;
	uint16_t type;
	unsigned flags;
} asked[] = {
	{true, DNS_TYPE_TXT, DNS_VIEW_WILDCARD},
	{true, DNS_TYPE_CNAME, DNS_VIEW_WILDCARD},
	{false, DNS_TYPE_A, DNS_VIEW_WILDCARD | DNS_VIEW_NOFOLLOW},
	{false, DNS_TYPE_AAAA, DNS_VIEW_WILDCARD | DNS_VIEW_NOFOLLOW},
	{false, DNS_TYPE_MX, DNS_VIEW_WILDCARD | DNS_VIEW_NOFOLLOW},
	{false, DNS_TYPE_TXT, DNS_VIEW_WILDCARD | DNS_VIEW_NOFOLLOW},
};
enum { TXT, CNAME, AT_NAME, LOOKS = ARRAY_LEN(asked) };

enum {
	HEADER = 12, /* octets of a message before the question */
	QUESTION = 6, /* around the name: its end, type, class */
	RECORD = 12, /* around the data, the owner being a pointer */
	EDNS = 11,
	UDP_SAFE = 1232, /* what fits every path */
	UDP_LARGE = 4096, /* what resolvers take at most */
};

struct look {
	struct preflight_query *q;
	struct dns_query *query;
	struct dns_view *view;
};

struct preflight_query {
	struct preflight *p;
	char *fqdn;
	char *zone;
	size_t value_len;
	struct look looks[LOOKS];
	size_t pending;
	preflight_fn done;
	void *ctx;
};

void preflight_free(struct preflight *p)
{
	if (!p)
		return;
	free(p->owner);
	free(p->zone);
	remarks_done(&p->remarks);
	free(p);
}

static void query_free(struct preflight_query *q)
{
	for (size_t i = 0; i < LOOKS; i++)
		dns_view_free(q->looks[i].view);
	preflight_free(q->p);
	free(q->fqdn);
	free(q->zone);
	free(q);
}

/* ---- what was seen ---- */

static void say_place(struct preflight_query *q)
{
	const char *served = q->p->zone;
	if (!q->zone || !served[0] || !strcmp(served, q->zone))
		return;
	struct remark *m;
	if (name_within(served, q->zone))
		m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_BELOW_DELEGATION,
			"%s belongs to the zone %s, which is delegated: what %s has there is never served", q->p->owner,
			served, q->zone);
	else
		m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_BELOW_DELEGATION,
			"the DNS knows no zone %s above %s: %s answers for it", q->zone, q->p->owner, served);
	remark_fix(m, "write the record to the zone %s", served);
}

static void say_alias(struct preflight_query *q)
{
	const struct dns_view *v = q->looks[TXT].view, *c = q->looks[CNAME].view;
	const struct dns_answer *a = dns_view_any(c);
	struct remark *m;
	for (size_t i = 0; i < v->n_hops; i++) {
		if (v->hops[i].kind != DNS_HOP_DNAME || !v->hops[i].dname)
			continue;
		m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_DNAME,
			"the DNAME at %s leads everything below it elsewhere, %s too", v->hops[i].dname, q->p->owner);
		remark_fix(m, "publish the record at %s", v->hops[i].target);
		return;
	}
	if (!a || a->result != DNS_FOUND || c->wildcard || !a->n_rr)
		return;
	AUTO(xfreep) char *target = dns_rr_name(&a->rr[0]);
	m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_CNAME,
		"there is a CNAME to %s at %s, beside which nothing else may stand", target ? target : "?",
		q->p->owner);
	remark_fix(m, "publish the record at %s, or remove the CNAME", target ? target : "its target");
}

/* The name lives by a wildcard now. With a record below it, it would exist by itself, empty, and no wildcard would
 * count for it any more (RFC 4592 section 2.2.2). */
static void say_wildcard(struct preflight_query *q)
{
	for (size_t i = AT_NAME; i < LOOKS; i++) {
		const struct dns_view *v = q->looks[i].view;
		if (!v->wildcard)
			continue;
		char type[16];
		struct remark *m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_SILENCES_WILDCARD,
			"%s lives by the wildcard %s: with a record at %s it would have no %s records any more",
			q->fqdn, v->wildcard, q->p->owner, dns_type_name(asked[i].type, type));
		remark_fix(m, "publish the records of %s at %s itself first", v->wildcard, q->fqdn);
		return;
	}
}

static void say_size(struct preflight_query *q)
{
	const struct dns_answer *a = dns_view_any(q->looks[TXT].view);
	size_t strings = perdure_txt_count(q->value_len);
	size_t size = HEADER + strlen(q->p->owner) + QUESTION + EDNS + RECORD + q->value_len + strings;
	for (size_t i = 0; a && i < a->n_rr; i++)
		size += RECORD + a->rr[i].n;
	if (size <= UDP_SAFE)
		return;
	bool large = size > UDP_LARGE;
	struct remark *m = remarks_add(&q->p->remarks, large ? REMARK_PREFLIGHT_LARGE : REMARK_PREFLIGHT_TRUNCATES,
		"with the record the answer for %s takes %zu octets without signatures, more than the %d that %s",
		q->p->owner, size, large ? UDP_LARGE : UDP_SAFE,
		large ? "resolvers take over UDP" : "pass every network over UDP");
	remark_fix(m, "remove records that nobody needs, and see that the servers answer over TCP");
}

static void say_unknown(struct preflight_query *q)
{
	for (size_t i = 0; i < LOOKS; i++) {
		const struct dns_view *v = q->looks[i].view;
		if (dns_view_any(v))
			continue;
		struct remark *m = remarks_add(&q->p->remarks, REMARK_PREFLIGHT_UNKNOWN,
			"%s could not be looked at, so nobody knows what the record would do", v->owner);
		remark_fix(m, "check again when the servers answer");
		return;
	}
}

/* ---- the looks ---- */

static void have_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct look *l = ctx;
	struct preflight_query *q = l->q;
	(void)e;
	l->query = NULL;
	l->view = v;
	if (--q->pending)
		return;
	free(q->p->zone);
	q->p->zone = xstrdup(q->looks[TXT].view->n_hops ? q->looks[CNAME].view->zone : q->looks[TXT].view->zone);
	say_place(q);
	say_alias(q);
	say_wildcard(q);
	say_size(q);
	say_unknown(q);
	struct preflight *p = TAKE(q->p);
	preflight_fn done = q->done;
	void *done_ctx = q->ctx;
	query_free(q);
	done(p, done_ctx);
}

struct preflight_query *preflight_start(
	struct dns *d, const struct preflight_question *question, preflight_fn done, void *ctx)
{
	struct preflight *p = xcalloc(1, sizeof(*p));
	char made[PERDURE_NAME_SIZE];
	const char *owner = question->owner ? question->owner : made;
	enum perdure_status s = question->owner ? PERDURE_OK : perdure_owner_name(question->fqdn, made);
	p->owner = xstrdup(s == PERDURE_OK ? owner : "");
	p->zone = xstrdup("");
	if (s != PERDURE_OK) {
		struct remark *m = remarks_add(&p->remarks, REMARK_PREFLIGHT_OWNER_LONG, "%s can have no record: %s",
			question->fqdn, perdure_strerror(s));
		remark_fix(m, "use a name of at most %d octets", PERDURE_FQDN_MAX);
		done(p, ctx);
		return NULL;
	}
	struct preflight_query *q = xcalloc(1, sizeof(*q));
	*q = (struct preflight_query){.p = p,
		.fqdn = xstrdup(question->fqdn),
		.zone = question->zone ? xstrdup(question->zone) : NULL,
		.value_len = question->value_len,
		.pending = LOOKS,
		.done = done,
		.ctx = ctx};
	for (size_t i = 0; i < LOOKS; i++) {
		struct look *l = &q->looks[i];
		l->q = q;
		l->query = dns_view_rrset(
			d, asked[i].at_owner ? owner : q->fqdn, asked[i].type, asked[i].flags, have_view, l);
	}
	return q;
}

void preflight_cancel(struct preflight_query *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < LOOKS; i++)
		if (q->looks[i].query)
			dns_view_cancel(q->looks[i].query);
	query_free(q);
}
