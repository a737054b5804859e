/* place.c: where the dns-01 value of a name goes. */
#include "fleet/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/rr.h"
#include "dns/view.h"
#include "inventory/delegation.h"
#include "inventory/presenter.h"
#include "inventory/publisher.h"
#include "inventory/site.h"
#include "loop/loop.h"

struct place_query {
	struct site *site;
	struct presenter *presenter;
	const struct config_cert *cert;
	char *fqdn;
	struct places *into;
	place_fn fn;
	void *ctx;
	struct loop_timer *now; /* for what is known without a look */
	struct dns_query *query;
	struct publisher_search *search;
	struct dnsplace place;
	struct err e;
};

void places_done(struct places *p)
{
	strv_done(&p->names);
	strv_done(&p->owners);
}

const char *places_find(const struct places *p, const char *fqdn)
{
	for (size_t i = 0; i < p->names.n; i++)
		if (!strcmp(p->names.v[i], fqdn))
			return p->owners.v[i];
	return NULL;
}

static void release(struct place_query *q)
{
	if (q->query)
		dns_view_cancel(q->query);
	publisher_cancel(q->search);
	loop_timer_free(q->now);
	dnsplace_done(&q->place);
	err_done(&q->e);
	free(q->fqdn);
	free(q);
}

void place_cancel(struct place_query *q)
{
	if (q)
		release(q);
}

static void found(struct place_query *q)
{
	enum config_validation how = q->place.delegated ? CONFIG_VALIDATION_DELEGATION : CONFIG_VALIDATION_DNS;
	if (!places_find(q->into, q->fqdn)) {
		strv_add(&q->into->names, q->fqdn);
		strv_add(&q->into->owners, q->place.owner);
	}
	q->fn(&q->place, how, NULL, q->ctx);
	release(q);
}

static void no_way(struct place_query *q)
{
	err_ctx(&q->e, "%s", q->fqdn);
	q->fn(NULL, CONFIG_VALIDATION_DNS, &q->e, q->ctx);
	release(q);
}

static void has_zone(struct provider *p, const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct place_query *q = ctx;
	(void)z;
	q->search = NULL;
	if (p) {
		found(q);
		return;
	}
	err_copy(&q->e, e);
	no_way(q);
}

/* With auto nobody has said that there is a provider for it. */
static void ask_provider(struct place_query *q)
{
	if (publisher_find(presenter_publisher(q->presenter), q->place.owner, has_zone, q, &q->search, &q->e))
		no_way(q);
}

static void looked(struct dns_view *v, const struct err *e, void *ctx)
{
	struct place_query *q = ctx;
	enum config_validation how = q->cert->validation;
	const struct config_delegation *d = q->cert->delegation;
	bool is_auto = how == CONFIG_VALIDATION_AUTO;
	struct err first = {0};
	q->query = NULL;
	if (is_auto)
		how = config_delegation_given(d) ? CONFIG_VALIDATION_DELEGATION : CONFIG_VALIDATION_DNS;
	int r = dnsplace_decide(v, e, d, q->fqdn, how, &q->place, &q->e);
	if (r && is_auto && how == CONFIG_VALIDATION_DELEGATION) {
		err_move(&first, &q->e);
		how = CONFIG_VALIDATION_DNS;
		r = dnsplace_decide(v, e, d, q->fqdn, how, &q->place, &q->e);
	}
	dns_view_free(v);
	bool ask = is_auto && how == CONFIG_VALIDATION_DNS;
	if (!r && ask && !config_provider_for(q->site->config, q->place.owner, 0, NULL))
		r = err_set(&q->e, ERR_CONFIG, "no provider is configured for %s", q->place.owner);
	if (r && err_is(&first)) {
		/* What the operator has configured is what is to be mended. */
		err_move(&q->e, &first);
	}
	err_done(&first);
	if (r)
		no_way(q);
	else if (ask)
		ask_provider(q);
	else
		found(q);
}

static void say_now(void *ctx)
{
	no_way(ctx);
}

struct place_query *place_start(struct site *s, struct presenter *presenter, const struct config_cert *cert,
	const char *fqdn, struct places *into, place_fn fn, void *ctx)
{
	struct place_query *q = xcalloc(1, sizeof(*q));
	*q = (struct place_query){.site = s,
		.presenter = presenter,
		.cert = cert,
		.fqdn = xstrdup(fqdn),
		.into = into,
		.fn = fn,
		.ctx = ctx};
	q->now = loop_timer_new(s->loop, say_now, q);
	if (!presenter || !s->config->n_providers) {
		err_set(&q->e, ERR_CONFIG, "no provider is configured that could write a value for dns-01");
		err_hint(&q->e, "add the provider of its zone to \"providers\" in %s", s->config->path);
		err_retry(&q->e, RETRY_AFTER_OPERATOR, 0);
		loop_timer_start(q->now, 0);
		return q;
	}
	AUTO(xfreep) char *owner = delegation_owner(fqdn);
	q->query = dns_view_rrset(s->dns, owner, DNS_TYPE_TXT, DNS_VIEW_WILDCARD, looked, q);
	return q;
}
