/* fallback.c: the records of another CA than the first. */
#include "fleet/fallback.h"

#include <stdlib.h>
#include <string.h>

#include "acme/session.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/cafacts.h"
#include "inventory/recordcheck.h"
#include "inventory/site.h"
#include "loop/loop.h"

struct fallback {
	struct site *site;
	struct site_ca *ca;
	const struct config_cert *cert;
	fallback_fn done;
	void *ctx;
	struct loop_timer *next; /* the next name, from the loop */
	bool waiting; /* for the directory */
	struct cafacts facts;
	bool have_facts;
	size_t name;
	int level; /* index of facts.levels: while a CA moves, either will do */
	struct recordcheck_query *check;
	struct err failure;
};

static void ask_next(struct fallback *f)
{
	loop_timer_start(f->next, 0);
}

static void checked(struct recordcheck *c, void *ctx)
{
	struct fallback *f = ctx;
	f->check = NULL;
	err_done(&f->failure);
	if (c->result != RECORDCHECK_REFUSED) {
		f->name++;
		f->level = 0;
	} else {
		f->level++;
		err_copy(&f->failure, &c->e);
	}
	recordcheck_free(c);
	ask_next(f);
}

static void check(struct fallback *f)
{
	const char *name = f->cert->names.v[f->name];
	bool wildcard = !strncmp(name, "*.", 2);
	struct recordcheck_question q = {
		.name = wildcard ? name + 2 : name,
		.wildcard = wildcard,
		.level = f->facts.levels[f->level],
		.issuers = &f->facts.issuers,
		.account_url = f->ca->account.url,
		.thumbprints = &f->ca->account.thumbprints,
		.prefix = f->facts.prefix,
		.ttl = (uint32_t)f->site->config->record_ttl,
		.suggest_wildcard = wildcard,
		.now = clk_wall(f->site->clk) / 1000,
		.dialect = f->facts.dialect,
	};
	f->check = recordcheck_start(f->site->dns, NULL, &q, checked, f);
}

/* The directory first, then one name after the other, until one has no record at any level of the CA. */
static void step(void *ctx)
{
	struct fallback *f = ctx;
	if (f->have_facts && f->level < f->facts.n_levels && f->name < f->cert->names.n)
		check(f);
	else
		f->done(f->have_facts && f->name == f->cert->names.n, &f->failure, f->ctx);
}

static void have_directory(const struct acme_directory *d, const struct err *e, void *ctx)
{
	struct fallback *f = ctx;
	f->waiting = false;
	if (!d)
		err_copy(&f->failure, e);
	else
		f->have_facts = !cafacts_make(f->ca->conf, d, &f->facts, &f->failure);
	ask_next(f);
}

struct fallback *fallback_start(
	struct site *s, struct site_ca *ca, const struct config_cert *cert, fallback_fn done, void *ctx)
{
	struct fallback *f = xcalloc(1, sizeof(*f));
	*f = (struct fallback){.site = s, .ca = ca, .cert = cert, .done = done, .ctx = ctx, .waiting = true};
	f->next = loop_timer_new(s->loop, step, f);
	acme_session_directory(ca->session, have_directory, f);
	return f;
}

void fallback_free(struct fallback *f)
{
	if (!f)
		return;
	if (f->waiting)
		acme_session_directory_cancel(f->ca->session, have_directory, f);
	recordcheck_cancel(f->check);
	loop_timer_free(f->next);
	if (f->have_facts)
		cafacts_done(&f->facts);
	err_done(&f->failure);
	free(f);
}
