/*
 * dns01flow.c: certificates from a CA for tests, by the way that is being moved to, and thrown away: the proof that the
 * CA sees and accepts what stands. Nothing comes into archive/ or live/.
 */
#include <stdlib.h>
#include <string.h>

#include "acme/flow.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/dns01.h"
#include "crypto/x509.h"
#include "fleet/prove.h"
#include "inventory/presenter.h"
#include "loop/loop.h"

struct run;
/* One order. */
struct slot {
	struct run *run;
	struct dns01_domain *domain; /* NULL when free */
	struct config_cert cert; /* what the order would be of */
	struct prove *prove;
	struct acme_flow *flow;
};
struct run {
	struct dns01 *d;
	const struct dns01_told *told;
	struct slot *slots;
	size_t n_slots, next, in_flight;
	size_t waiting; /* of those: for the DNS */
	struct presenter *presenter; /* NULL unless something is to be written */
	bool stopped;
	int result;
	struct err *e;
};

static void fill(struct run *r);

/* ---- the flow's hooks ---- */

static void choose(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, void *ctx)
{
	prove_choose(c, chosen, chosen_ctx, ((struct slot *)ctx)->prove);
}

static void judge(const struct acme_persist_offer *offer, acme_judged_fn judged, void *judged_ctx, void *ctx)
{
	prove_judge(offer, judged, judged_ctx, ((struct slot *)ctx)->prove);
}

static void prepare(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, void *ctx)
{
	prove_prepare(v, n, ready, ready_ctx, ((struct slot *)ctx)->prove);
}

static void cleanup(bool kept, void *ctx)
{
	prove_cleanup(kept, ((struct slot *)ctx)->prove);
}

/* What is to be written is written together once every order in flight waits for it. */
static void waits(void *ctx)
{
	struct run *r = ((struct slot *)ctx)->run;
	if (++r->waiting == r->in_flight)
		presenter_flush(r->presenter);
}

static void served(void *ctx)
{
	struct slot *s = ctx;
	s->run->waiting -= s->run->waiting > 0;
	prove_go_on(s->prove);
}

static void stepped(const char *what, void *ctx)
{
	(void)what;
	(void)ctx;
}

static void clear(struct slot *s)
{
	acme_flow_free(s->flow);
	prove_free(s->prove);
	free(s->cert.name);
	*s = (struct slot){.run = s->run};
}

static void flow_done(const struct x509_chain *chain, const struct err *e, bool order_lost, void *ctx)
{
	struct slot *s = ctx;
	struct run *r = s->run;
	(void)order_lost;
	r->told->each(s->domain, chain ? NULL : e, r->told->ctx);
	clear(s);
	r->in_flight--;
	fill(r);
	/* This one may have been all that the others waited for. */
	if (r->presenter && r->in_flight && r->waiting >= r->in_flight)
		presenter_flush(r->presenter);
}

/* ---- orders ---- */

/* With a key that is forgotten as soon as the request is made. */
static int start(struct run *r, struct slot *s, struct dns01_domain *m)
{
	static const struct acme_flow_hooks hooks = {
		.choose = choose, .judge = judge, .prepare = prepare, .cleanup = cleanup, .done = flow_done};
	struct site_ca *ca = r->d->staging;
	struct x509_csr_options options = {0};
	struct x509_request request = {0};
	struct secret none = {0};
	if (x509_request(KEY_EC256, &none, &m->names, &options, &request, r->e))
		return -1;
	s->domain = m;
	s->cert = (struct config_cert){.name = xasprintf("rehearsal of %s", m->fqdn),
		.names = m->names,
		.key = "ec256",
		.validation = r->d->delegate ? CONFIG_VALIDATION_DELEGATION : CONFIG_VALIDATION_PERSIST,
		.delegation = m->delegation};
	struct prove_setup setup = {.site = &r->d->site,
		.ca = ca,
		.cert = &s->cert,
		.presenter = r->presenter,
		.step = stepped,
		.waiting = waits,
		.served = served,
		.ctx = s};
	s->prove = prove_new(&setup);
	struct acme_flow_request f = {.session = ca->session,
		.names = &m->names,
		.profile = ca->conf->profile,
		.csr_der = request.csr_der.p,
		.csr_n = request.csr_der.n,
		.spki_sha256 = request.spki_sha256,
		.level = ca->conf->level,
		.account_uri_any = ca->conf->account_uri_any};
	s->flow = acme_flow_start(&f, &hooks, s);
	x509_request_done(&request);
	r->in_flight++;
	return 0;
}

/* The next domain that is ready and has not passed, or NULL. */
static struct dns01_domain *next(struct run *r)
{
	while (r->next < r->d->n) {
		struct dns01_domain *m = &r->d->domains[r->next++];
		if (m->ready && !m->passed)
			return m;
	}
	return NULL;
}

static void fill(struct run *r)
{
	for (size_t k = 0; k < r->n_slots && !r->result; k++) {
		struct dns01_domain *m = r->slots[k].domain ? NULL : next(r);
		if (m)
			r->result = start(r, &r->slots[k], m);
	}
	if (r->in_flight && !r->result)
		return;
	if (r->presenter && !r->result)
		presenter_sweep(r->presenter);
	if (r->result || !r->presenter || !presenter_busy(r->presenter))
		loop_stop(r->d->site.loop);
}

/* Everything that was written is taken out. */
static void idle(void *ctx)
{
	struct run *r = ctx;
	if (!r->in_flight)
		loop_stop(r->d->site.loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	r->stopped = true;
	loop_stop(r->d->site.loop);
}

static int run_all(struct run *r, struct err *e)
{
	loop_on_stop_signal(r->d->site.loop, stop_signal, r);
	fill(r);
	if (!r->result)
		r->result = loop_run(r->d->site.loop, e);
	for (size_t i = 0; i < r->n_slots; i++)
		clear(&r->slots[i]);
	if (r->result || !r->stopped)
		return r->result;
	err_set(e, ERR_CANCEL, "stopped; what has passed is kept");
	err_hint(e, "run the same command again to go on");
	err_retry(e, RETRY_LATER, 0);
	return -1;
}

int dns01_order(struct dns01 *d, const struct dns01_told *told, struct err *e)
{
	static const struct presenter_hooks hooks = {.idle = idle};
	int64_t max = d->staging->conf->max_orders;
	struct run r = {.d = d, .told = told, .n_slots = max > 0 ? (size_t)max : 1, .e = e};
	if (d->delegate && presenter_new(&d->site, &hooks, &r, &r.presenter, e))
		return -1;
	r.slots = xcalloc(r.n_slots, sizeof(*r.slots));
	for (size_t i = 0; i < r.n_slots; i++)
		r.slots[i].run = &r;
	int result = run_all(&r, e);
	free(r.slots);
	presenter_free(r.presenter);
	if (d->site.store && !result)
		result = store_commit(d->site.store, e);
	return result;
}
