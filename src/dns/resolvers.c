/* resolvers.c: what recursive resolvers elsewhere hand out. */
#include "dns/resolvers.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/addr.h"
#include "dns/dns_priv.h"
#include "loop/loop.h"

struct dns_resolvers {
	struct loop_timer *timer;
	struct dns_vantages *v;
	dns_resolvers_fn done;
	void *ctx;
};

static const char tcp_scheme[] = "tcp://", https_scheme[] = "https://";

int dns_resolver_check(const char *text, struct err *e)
{
	struct addr a;
	if (!strncmp(text, https_scheme, sizeof(https_scheme) - 1))
		return text[sizeof(https_scheme) - 1] ? 0 : err_set(e, ERR_CONFIG, "\"%s\" is no URL", text);
	return addr_parse(
		strncmp(text, tcp_scheme, sizeof(tcp_scheme) - 1) ? text : text + sizeof(tcp_scheme) - 1, 0, &a, e);
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

static void due(void *ctx)
{
	struct dns_resolvers *q = ctx;
	struct dns_vantages *v = TAKE(q->v);
	dns_resolvers_fn done = q->done;
	void *arg = q->ctx;
	dns_resolvers_cancel(q);
	done(v, arg);
}

struct dns_resolvers *dns_resolvers_ask(struct dns *d, struct dns_https *h, const struct strv *resolvers,
	const char *owner, uint16_t type, dns_resolvers_fn done, void *ctx)
{
	struct dns_resolvers *q = xcalloc(1, sizeof(*q));
	(void)h;
	q->v = xcalloc(1, sizeof(*q->v));
	q->v->v = xcalloc(resolvers->n, sizeof(*q->v->v));
	q->v->n = resolvers->n;
	for (size_t i = 0; i < resolvers->n; i++)
		q->v->v[i] = (struct dns_vantage){.resolver = xstrdup(resolvers->v[i]),
			.result = DNS_FAILED,
			.text = xstrdup("not asked"),
			.rrset = {.owner = xstrdup(owner), .type = type}};
	q->done = done;
	q->ctx = ctx;
	q->timer = loop_timer_new(d->loop, due, q);
	loop_timer_start(q->timer, 0);
	return q;
}

void dns_resolvers_cancel(struct dns_resolvers *q)
{
	if (!q)
		return;
	loop_timer_free(q->timer);
	dns_vantages_free(q->v);
	free(q);
}
