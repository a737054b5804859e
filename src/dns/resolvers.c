/* resolvers.c: what recursive resolvers elsewhere hand out. */
#include "dns/resolvers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/addr.h"
#include "dns/dns_priv.h"
#include "dns/message.h"
#include "loop/loop.h"

static const char tcp_scheme[] = "tcp://", https_scheme[] = "https://", url_variable[] = "{?dns}",
		  media_type[] = "application/dns-message";

/* One resolver's part of a question. */
struct asked {
	struct dns_resolvers *q;
	struct dns_vantage *v;
	struct exchange_wait wait; /* by UDP and TCP */
	void *https; /* the exchange; NULL for none */
	int64_t sent_at;
	bool open;
};

struct dns_resolvers {
	struct dns *d;
	struct dns_https *h;
	struct dns_vantages *result;
	struct asked *asked; /* one for each of result->v */
	size_t n_open;
	struct loop_timer *end; /* the deadline, and the callback's turn */
	dns_resolvers_fn done;
	void *ctx;
};

static bool has_scheme(const char *text, const char *scheme)
{
	return !strncmp(text, scheme, strlen(scheme));
}

int dns_resolver_check(const char *text, struct err *e)
{
	struct addr a;
	if (!has_scheme(text, https_scheme))
		return addr_parse(text + (has_scheme(text, tcp_scheme) ? strlen(tcp_scheme) : 0), 0, &a, e);
	size_t n = strcspn(text, "{}");
	if (text[strlen(https_scheme)] && (!text[n] || !strcmp(text + n, url_variable)))
		return 0;
	err_set(e, ERR_CONFIG, "\"%s\" is no URL of DNS over HTTPS", text);
	err_hint(e, "write https://HOST/PATH, with %s behind it or not", url_variable);
	return -1;
}

void dns_vantages_free(struct dns_vantages *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++) {
		rrset_done(&v->v[i].rrset);
		free(v->v[i].resolver);
		free(v->v[i].text);
	}
	free(v->v);
	free(v);
}

/* --- one resolver's answer --- */

static void closed(struct asked *a)
{
	struct dns_resolvers *q = a->q;
	a->v->rtt_ms = dns_now(q->d) - a->sent_at;
	a->open = false;
	if (--q->n_open == 0)
		loop_timer_start(q->end, 0);
}

static void fail(struct asked *a, enum dns_result result, const char *text)
{
	free(a->v->text);
	a->v->text = xstrdup(text);
	a->v->result = result;
	closed(a);
}

static void take(struct asked *a, const struct message *m)
{
	struct dns_vantage *v = a->v;
	char word[16], text[64];
	AUTO(xfreep) char *owner = TAKE(v->rrset.owner);
	rrset_take(m, owner, v->rrset.type, &v->rrset);
	v->rcode = m->rcode;
	v->ad = m->ad;
	if (m->rcode != MESSAGE_NOERROR && m->rcode != MESSAGE_NXDOMAIN) {
		snprintf(text, sizeof(text), "answers %s", message_rcode_name(m->rcode, word));
		fail(a, DNS_FAILED, text);
	} else if (!v->rrset.n_rr && !m->ra && !m->aa) {
		fail(a, DNS_FAILED, "does not resolve names for us");
	} else {
		v->result = v->rrset.n_rr ? DNS_FOUND : m->rcode == MESSAGE_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
		closed(a);
	}
}

static void on_exchange(const struct exchange_reply *r, void *ctx)
{
	struct asked *a = ctx;
	a->v->tcp = r->tcp;
	if (r->status == EXCHANGE_ANSWER)
		take(a, r->msg);
	else
		fail(a, r->status == EXCHANGE_BROKEN ? DNS_FAILED : DNS_TIMEOUT, r->text);
}

/* Reads a DoH answer; -1 with what is wrong with it. */
static int read_https(const struct asked *a, const struct dns_https_reply *r, struct message *m, struct err *e)
{
	const char *type = r->content_type ? r->content_type : "";
	size_t n = strlen(media_type);
	if (r->status != 200)
		return err_set(e, ERR_DNS, "answers with HTTP status %d", r->status);
	if (strncasecmp(type, media_type, n) != 0 || !strchr("; ", type[n]))
		return err_set(e, ERR_DNS, "answers with %.60s, not with %s", *type ? type : "no type", media_type);
	if (message_decode(r->body, r->n, m, e))
		return err_ctx(e, "a damaged answer");
	if (m->has_question && m->qtype == a->v->rrset.type && !strcmp(m->qname, a->v->rrset.owner))
		return 0;
	message_done(m);
	return err_set(e, ERR_DNS, "answers another question");
}

static void on_https(const struct dns_https_reply *r, const struct err *failure, void *arg)
{
	struct asked *a = arg;
	struct message m;
	struct err e = {0};
	a->https = NULL;
	a->v->tcp = true;
	if (!r) {
		fail(a, failure->kind == ERR_TIMEOUT ? DNS_TIMEOUT : DNS_FAILED, failure->msg);
	} else if (read_https(a, r, &m, &e)) {
		fail(a, DNS_FAILED, e.msg);
		err_done(&e);
	} else {
		take(a, &m);
		message_done(&m);
	}
}

/* --- the questions --- */

static void ask_https(struct asked *a)
{
	struct dns_resolvers *q = a->q;
	uint8_t query[MESSAGE_QUERY_MAX];
	size_t n;
	struct err e = {0};
	if (!q->h) {
		fail(a, DNS_FAILED, "cannot be asked: DNS over HTTPS is not available here");
		return;
	}
	/* RFC 8484 section 4.1: the id is 0, for caches on the way. */
	if (message_query(query, a->v->rrset.owner, a->v->rrset.type, 0, MESSAGE_RD | MESSAGE_EDNS, &n, &e)) {
		fail(a, DNS_FAILED, e.msg);
		err_done(&e);
		return;
	}
	AUTO(xfreep) char *url = xstrndup(a->v->resolver, strcspn(a->v->resolver, "{"));
	a->https = q->h->post(q->h, url, query, n, q->d->deadline_ms, on_https, a);
}

static void ask(struct asked *a)
{
	struct dns_resolvers *q = a->q;
	const char *text = a->v->resolver;
	struct err e = {0};
	struct addr addr;
	a->sent_at = dns_now(q->d);
	if (dns_resolver_check(text, &e)) {
		fail(a, DNS_FAILED, e.msg);
		err_done(&e);
	} else if (has_scheme(text, https_scheme)) {
		ask_https(a);
	} else {
		bool tcp = has_scheme(text, tcp_scheme);
		a->wait = (struct exchange_wait){.fn = on_exchange, .ctx = a};
		if (!addr_parse(text + (tcp ? strlen(tcp_scheme) : 0), 0, &addr, &e))
			exchange_ask(q->d->exchanger, &addr, a->v->rrset.owner, a->v->rrset.type,
				EXCHANGE_RD | (tcp ? EXCHANGE_OVER_TCP : 0U), &a->wait);
	}
}

static void give_up(struct asked *a)
{
	exchange_cancel(&a->wait);
	if (a->https)
		a->q->h->cancel(a->q->h, a->https);
	a->https = NULL;
}

static void release(struct dns_resolvers *q)
{
	for (size_t i = 0; i < q->result->n; i++)
		give_up(&q->asked[i]);
	loop_timer_free(q->end);
	free(q->asked);
}

/* All have answered, or it is too late for those that have not. */
static void ended(void *ctx)
{
	struct dns_resolvers *q = ctx;
	for (size_t i = 0; i < q->result->n; i++) {
		struct asked *a = &q->asked[i];
		if (!a->open)
			continue;
		AUTO(xfreep) char *text = xasprintf("no answer within %.0f s", (double)q->d->deadline_ms / 1000);
		give_up(a);
		fail(a, DNS_TIMEOUT, text);
	}
	release(q);
	q->done(q->result, q->ctx);
	free(q);
}

struct dns_resolvers *dns_resolvers_ask(struct dns *d, struct dns_https *h, const struct strv *resolvers,
	const char *owner, uint16_t type, dns_resolvers_fn done, void *ctx)
{
	size_t n = resolvers->n;
	struct dns_resolvers *q = xcalloc(1, sizeof(*q));
	*q = (struct dns_resolvers){.d = d, .h = h, .n_open = n, .done = done, .ctx = ctx};
	q->result = xcalloc(1, sizeof(*q->result));
	q->result->v = xcalloc(n, sizeof(*q->result->v));
	q->result->n = n;
	q->asked = xcalloc(n, sizeof(*q->asked));
	q->end = loop_timer_new(d->loop, ended, q);
	loop_timer_start(q->end, n ? d->deadline_ms : 0);
	for (size_t i = 0; i < n; i++) {
		struct dns_vantage *v = &q->result->v[i];
		v->resolver = xstrdup(resolvers->v[i]);
		v->text = xstrdup("");
		rrset_none(owner, type, &v->rrset);
		q->asked[i] = (struct asked){.q = q, .v = v, .open = true};
		ask(&q->asked[i]);
	}
	return q;
}

void dns_resolvers_cancel(struct dns_resolvers *q)
{
	if (!q)
		return;
	release(q);
	dns_vantages_free(q->result);
	free(q);
}
