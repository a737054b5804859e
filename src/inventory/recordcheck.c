/* recordcheck.c: the verdict on what the authoritative servers publish. */
#include "inventory/recordcheck.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "dns/view.h"

struct recordcheck_query {
	struct recordcheck_question q; /* what it points to is owned */
	struct strv strings; /* owned ones of q */
	struct strv issuers;
	struct strv thumbprints;
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

static void query_free(struct recordcheck_query *q)
{
	strv_done(&q->strings);
	strv_done(&q->issuers);
	strv_done(&q->thumbprints);
	free(q);
}

/* A copy that lives as long as the query; NULL for NULL. */
static const char *keep(struct recordcheck_query *q, const char *s)
{
	if (!s)
		return NULL;
	strv_add(&q->strings, s);
	return q->strings.v[q->strings.n - 1];
}

static void query_fill(struct recordcheck_query *to, const struct recordcheck_question *q)
{
	to->q = *q;
	to->q.name = keep(to, q->name);
	to->q.account_uri = keep(to, q->account_uri);
	to->q.account_url = keep(to, q->account_url);
	to->q.prefix = keep(to, q->prefix);
	strv_copy(&to->issuers, q->issuers);
	to->q.issuers = &to->issuers;
	if (q->thumbprints)
		strv_copy(&to->thumbprints, q->thumbprints);
	to->q.thumbprints = &to->thumbprints;
}

static void have_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct recordcheck_query *q = ctx;
	struct recordcheck *c = recordcheck_judge(&q->q, v, e);
	c->view_borrowed = false;
	recordcheck_fn done = q->done;
	void *done_ctx = q->ctx;
	query_free(q);
	done(c, done_ctx);
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
	query_fill(r, q);
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
