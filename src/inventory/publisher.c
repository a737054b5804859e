/* publisher.c: the configured DNS providers, and which of them holds a name. */
#include "inventory/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/rrbatch.h"
#include "loop/loop.h"

struct publisher {
	struct loop *loop;
	const struct config *config;
	struct provider **providers; /* by their place in the configuration; NULL until opened */
	struct rrbatch *batch;
};

struct publisher_search {
	struct publisher *publisher;
	char *owner;
	size_t i; /* which candidate */
	struct provider *provider; /* being asked */
	struct provider_op *op;
	publisher_fn fn;
	void *ctx;
};

struct publisher *publisher_new(struct loop *l, const struct config *c)
{
	struct publisher *p = xcalloc(1, sizeof(*p));
	*p = (struct publisher){.loop = l, .config = c, .batch = rrbatch_new(l)};
	p->providers = xcalloc(c->n_providers + 1, sizeof(struct provider *));
	return p;
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	rrbatch_free(p->batch);
	for (size_t i = 0; i < p->config->n_providers; i++)
		provider_free(p->providers[i]);
	free(p->providers);
	free(p);
}

static int open_one(struct publisher *p, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct provider **slot = &p->providers[conf - p->config->providers];
	if (!*slot && provider_open(p->loop, conf, slot, e))
		return -1;
	*ret = *slot;
	return 0;
}

int publisher_open(struct publisher *p, const char *name, struct provider **ret, struct err *e)
{
	const struct config_provider *conf = config_find_provider(p->config, name);
	if (conf)
		return open_one(p, conf, ret, e);
	err_set(e, ERR_CONFIG, "no provider \"%s\" is configured in %s", name, p->config->path);
	err_hint(e, "run \"perdure provider list\"");
	return -1;
}

struct rrbatch *publisher_batch(struct publisher *p)
{
	return p->batch;
}

uint64_t publisher_calls(const struct publisher *p)
{
	uint64_t n = 0;
	for (size_t i = 0; i < p->config->n_providers; i++)
		n += p->providers[i] ? provider_calls(p->providers[i]) : 0;
	return n;
}

static void release(struct publisher_search *s)
{
	provider_cancel(s->op);
	free(s->owner);
	free(s);
}

void publisher_cancel(struct publisher_search *s)
{
	if (s)
		release(s);
}

static int ask(struct publisher_search *s, struct err *e);

static void found(const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct publisher_search *s = ctx;
	s->op = NULL;
	if (!z && provider_cause(e) == PROVIDER_NO_ZONE &&
		config_provider_for(s->publisher->config, s->owner, s->i + 1, NULL)) {
		struct err next = {0};
		s->i++;
		if (!ask(s, &next))
			return;
		s->fn(NULL, NULL, &next, s->ctx);
		err_done(&next);
	} else {
		s->fn(z ? s->provider : NULL, z, e, s->ctx);
	}
	release(s);
}

static int ask(struct publisher_search *s, struct err *e)
{
	const struct config_provider *conf = config_provider_for(s->publisher->config, s->owner, s->i, NULL);
	if (!conf) {
		err_set(e, ERR_CONFIG, "no provider is configured for %s", s->owner);
		err_hint(e,
			"add the provider of its zone to \"providers\" in %s, or publish by other means: \"perdure "
			"record "
			"export --help\"",
			s->publisher->config->path);
		return -1;
	}
	if (open_one(s->publisher, conf, &s->provider, e))
		return -1;
	s->op = provider_find_zone(s->provider, s->owner, found, s);
	return 0;
}

int publisher_find(struct publisher *p, const char *owner, publisher_fn fn, void *ctx, struct publisher_search **ret,
	struct err *e)
{
	struct publisher_search *s = xcalloc(1, sizeof(*s));
	*s = (struct publisher_search){.publisher = p, .owner = xstrdup(owner), .fn = fn, .ctx = ctx};
	if (ask(s, e)) {
		release(s);
		return -1;
	}
	*ret = s;
	return 0;
}
