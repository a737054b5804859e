/* issue.c: one certificate from the wish to live/<name>. */
#include "fleet/issue.h"

#include <stdlib.h>
#include <string.h>

#include "acme/flow.h"
#include "acme/session.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/x509.h"
#include "fleet/held.h"
#include "fleet/install.h"
#include "fleet/paused.h"
#include "fleet/prove.h"
#include "fleet/schedule.h"
#include "fleet/tellissue.h"
#include "inventory/presenter.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/certfiles.h"
#include "state/store.h"

struct issue_job {
	struct site *site;
	struct site_ca *ca;
	const struct config_cert *cert;
	char *csr_spki; /* of a foreign request, else NULL */
	const struct issue_hooks *hooks;
	void *ctx;

	struct loop_timer *start; /* the first step runs from the loop */
	struct store_order order;
	struct store_cert row;
	struct install_set set; /* once the certificate is here */
	struct x509_request request; /* while it is being made */
	char spki[65];
	bool resumed;
	int64_t started_ms; /* monotonic; moved by the time it waited for its turn */
	int64_t ready_ms; /* monotonic */

	struct acme_flow *flow;
	struct prove *prove;
	struct presenter *presenter; /* NULL */
	bool served; /* what was written for dns-01 is: the flow goes on at the next issue_go() */
	void (*go)(const struct err *failed, void *go_ctx); /* the flow waits for a commit */
	void *go_ctx;

	bool order_lost; /* the failure being recorded ends the order */
	struct err failure;
	unsigned pending; /* callbacks of store and workers that will still come */
	bool abandoned; /* issue_free() was called while some were pending */
};

static int64_t now_s(const struct issue_job *j)
{
	return clk_wall(j->site->clk) / 1000;
}

static void step(struct issue_job *j, const char *what)
{
	if (j->hooks->step)
		j->hooks->step(j->cert->name, what, j->ctx);
}

static void job_release(struct issue_job *j)
{
	store_order_done(&j->order);
	store_cert_done(&j->row);
	install_set_done(&j->set);
	x509_request_done(&j->request);
	free(j->csr_spki);
	err_done(&j->failure);
	free(j);
}

/* Entry of every callback that cannot be cancelled: false when the job has been let go meanwhile. */
static bool still_wanted(struct issue_job *j)
{
	j->pending--;
	if (!j->abandoned)
		return true;
	if (!j->pending)
		job_release(j);
	return false;
}

static void after_commit(struct issue_job *j, void (*cb)(const struct err *failed, void *ctx))
{
	j->pending++;
	store_after_commit(j->site->store, cb, j);
}

/* ---- the end ---- */

static void report(struct issue_job *j, enum issue_result result)
{
	struct issue_report r = {
		.name = j->cert->name,
		.names = &j->cert->names,
		.ca = j->ca->conf->name,
		.result = result,
		.e = &j->failure,
		.placed = j->order.url && j->order.url[0],
		.resumed = j->resumed,
		.ms = clk_mono(j->site->clk) - j->started_ms,
		.requests = j->flow ? acme_flow_requests(j->flow) : 0,
		.repeats = j->flow ? acme_flow_repeats(j->flow) : 0,
		.not_after = j->row.not_after,
		.generation = j->row.generation,
		.next_at = j->row.next_at,
		.look_at = j->row.ari_id && j->row.ari_id[0] ? now_s(j) : schedule_due_at(&j->row),
		.validation = prove_how(j->prove),
	};
	tell_issue(j->site, &r, &j->row, j->order.url);
	j->hooks->done(j, &r, j->ctx);
}

static enum issue_result result_of(const struct err *e)
{
	if (e->kind == ERR_POLICY)
		return ISSUE_HELD;
	return e->retry == RETRY_LATER || e->retry == RETRY_NOW ? ISSUE_PARKED : ISSUE_FAILED;
}

static void failure_committed(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!still_wanted(j))
		return;
	if (failed)
		log_warn("%s: the failure could not be recorded: %s", j->cert->name, failed->msg);
	report(j, result_of(&j->failure));
}

/* Records the failure and ends the job. e is taken. */
static void fail(struct issue_job *j, struct err *e, bool order_lost)
{
	struct err ignored = {0};
	struct store_cert *row = &j->row;
	presenter_release(j->presenter, j->cert->name, !order_lost);
	err_move(&j->failure, e);
	schedule_failed(row, &j->failure, now_s(j), random_below(UINT64_MAX));
	if (paused_note(j->site->store, j->cert, j->ca->conf->name, &j->failure, row, now_s(j), &ignored) ||
		held_note(j->site->store, j->cert, j->ca->conf->name, result_of(&j->failure), &ignored) ||
		store_cert_put(j->site->store, row, &ignored) ||
		(order_lost && j->order.id && store_order_delete(j->site->store, j->order.id, &ignored)))
		log_warn("%s: the failure could not be recorded: %s", j->cert->name, ignored.msg);
	err_done(&ignored);
	after_commit(j, failure_committed);
}

/* Entry of a callback whose failure ends the job: whether to go on. */
static bool went_well(struct issue_job *j, const struct err *failed, const char *what)
{
	struct err e = {0};
	if (!still_wanted(j))
		return false;
	if (!failed || !err_is(failed))
		return true;
	err_copy(&e, failed);
	err_ctx(&e, "%s %s", what, j->cert->name);
	fail(j, &e, false);
	return false;
}

static void finished(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!still_wanted(j))
		return;
	if (failed) {
		/* The files are in place; the order is still in the state and the next run finds them so. */
		err_copy(&j->failure, failed);
		err_ctx(&j->failure, "record the new certificate of %s", j->cert->name);
		report(j, ISSUE_FAILED);
		return;
	}
	FAULT("issue.finished");
	presenter_release(j->presenter, j->cert->name, false);
	report(j, j->row.generation > 1 ? ISSUE_RENEWED : ISSUE_ISSUED);
}

/* ---- files ---- */

static void installed(const struct err *e, void *ctx)
{
	struct issue_job *j = ctx;
	struct err err = {0};
	if (!went_well(j, e, "install"))
		return;
	FAULT("issue.installed");
	bool failed = j->row.failures > 0;
	store_cert_done(&j->row);
	j->row = j->set.row;
	j->set.row = (struct store_cert){0};
	j->row.issued_at = now_s(j);
	if (store_cert_put(j->site->store, &j->row, &err) || store_order_delete(j->site->store, j->order.id, &err) ||
		prove_note(j->prove, &err) ||
		(failed && (paused_note(j->site->store, j->cert, j->ca->conf->name, NULL, &j->row, now_s(j), &err) ||
				   held_note(j->site->store, j->cert, j->ca->conf->name, ISSUE_ISSUED, &err)))) {
		fail(j, &err, false);
		return;
	}
	after_commit(j, finished);
}

static void install(struct issue_job *j)
{
	step(j, "install");
	j->pending++;
	install_start(j->site->installer, &j->order, &j->set, installed, j);
}

static void issued_committed(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!went_well(j, failed, "keep the certificate of"))
		return;
	FAULT("issue.issued");
	install(j);
}

/* ---- the flow's hooks ---- */

/* The order of an earlier run is of no use any more: no failure of this run, which makes a new one. */
static void start_over(struct issue_job *j, const struct err *why)
{
	struct err e = {0};
	log_info("%s: the order of an earlier run is of no use any more (%s); making a new one", j->cert->name,
		why->msg);
	if (store_order_delete(j->site->store, j->order.id, &e)) {
		fail(j, &e, false);
		return;
	}
	struct secret foreign = {0};
	if (j->csr_spki) {
		foreign = j->order.csr_der;
		j->order.csr_der = (struct secret){0};
	}
	store_order_done(&j->order);
	j->order = (struct store_order){.csr_der = foreign};
	j->resumed = false;
	/* From the loop: the flow is still in the middle of its last callback. */
	loop_timer_start(j->start, 0);
}

static void flow_done(const struct x509_chain *chain, const struct err *e, bool order_lost, void *ctx)
{
	struct issue_job *j = ctx;
	struct err err = {0};
	if (!chain && order_lost && j->resumed && !prove_answers(j->prove)) {
		start_over(j, e);
		return;
	}
	if (!chain) {
		err_copy(&err, e);
		fail(j, &err, order_lost);
		return;
	}
	struct buf pem = buf_make(BUF_MAX_CHAIN);
	x509_chain_pem_all(chain, &pem);
	free(j->order.chain_pem);
	j->order.chain_pem = buf_take(&pem);
	j->order.state = STORE_ORDER_ISSUED;
	if (install_prepare(&j->order, chain, &j->set, &err) || store_order_put(j->site->store, &j->order, &err)) {
		fail(j, &err, false);
		return;
	}
	after_commit(j, issued_committed);
	if (j->hooks->served)
		j->hooks->served(j, j->ctx);
}

static void placed_committed(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!still_wanted(j))
		return;
	FAULT("issue.placed");
	if (!failed && !j->resumed)
		tell_placed(j->site, j->cert, j->ca->conf->name, j->order.url);
	j->go(failed, j->go_ctx);
}

static void flow_placed(const char *url, void (*go)(const struct err *failed, void *go_ctx), void *go_ctx, void *ctx)
{
	struct issue_job *j = ctx;
	struct err e = {0};
	free(j->order.url);
	j->order.url = xstrdup(url);
	j->order.state = STORE_ORDER_PLACED;
	j->go = go;
	j->go_ctx = go_ctx;
	if (store_order_put(j->site->store, &j->order, &e)) {
		go(&e, go_ctx);
		err_done(&e);
		return;
	}
	after_commit(j, placed_committed);
	store_hurry(j->site->store);
}

static void flow_step(const char *what, void *ctx)
{
	step(ctx, what);
}

static void flow_warn(const struct err *e, void *ctx)
{
	const struct issue_job *j = ctx;
	log_warn("%s: %s", j->cert->name, e->msg);
}

static void flow_choose(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, void *ctx)
{
	struct issue_job *j = ctx;
	prove_choose(c, chosen, chosen_ctx, j->prove);
}

static void flow_judge(const struct acme_persist_offer *offer, acme_judged_fn judged, void *judged_ctx, void *ctx)
{
	struct issue_job *j = ctx;
	prove_judge(offer, judged, judged_ctx, j->prove);
}

static void flow_prepare(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, void *ctx)
{
	struct issue_job *j = ctx;
	prove_prepare(v, n, ready, ready_ctx, j->prove);
}

static void flow_cleanup(bool kept, void *ctx)
{
	struct issue_job *j = ctx;
	prove_cleanup(kept, j->prove);
}

static const struct acme_flow_hooks flow_hooks = {
	.choose = flow_choose,
	.judge = flow_judge,
	.prepare = flow_prepare,
	.cleanup = flow_cleanup,
	.placed = flow_placed,
	.step = flow_step,
	.warn = flow_warn,
	.done = flow_done,
};

/* ---- proving the names ---- */

static void wait_for_dns(void *ctx)
{
	struct issue_job *j = ctx;
	if (j->hooks->waiting)
		j->hooks->waiting(j, j->ctx);
}

/* Its last words in the caller: the job may be gone after it. */
static void ready(struct issue_job *j)
{
	j->ready_ms = clk_mono(j->site->clk);
	if (j->hooks->ready)
		j->hooks->ready(j, j->ctx);
	else
		issue_go(j);
}

void issue_go(struct issue_job *j)
{
	j->started_ms += clk_mono(j->site->clk) - j->ready_ms;
	if (j->served) {
		j->served = false;
		prove_go_on(j->prove);
		return;
	}
	const char *chain = j->cert->preferred_chain ? j->cert->preferred_chain : j->ca->conf->preferred_chain;
	struct acme_flow_request r = {
		.session = j->ca->session,
		.names = &j->order.names,
		.profile = j->order.profile[0] ? j->order.profile : NULL,
		.replaces = schedule_replaces(&j->row, j->ca->conf->name, &j->order.names),
		.order_url = j->order.url[0] ? j->order.url : NULL,
		.csr_der = j->order.csr_der.p,
		.csr_n = j->order.csr_der.n,
		.spki_sha256 = j->spki,
		.preferred_chain = chain,
		.level = j->ca->conf->level,
		.account_uri_any = j->ca->conf->account_uri_any,
	};
	prove_ahead(j->prove);
	j->flow = acme_flow_start(&r, &flow_hooks, j);
}

static void dns_served(void *ctx)
{
	struct issue_job *j = ctx;
	j->served = true;
	ready(j);
}

/* ---- a new order ---- */

static void new_committed(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!went_well(j, failed, "keep the key of"))
		return;
	FAULT("issue.new");
	ready(j);
}

static int fill_order(struct issue_job *j, struct err *e)
{
	struct store_order *o = &j->order;
	const char *profile = j->cert->profile ? j->cert->profile : j->ca->conf->profile;
	o->cert = xstrdup(j->cert->name);
	o->ca = xstrdup(j->ca->conf->name);
	o->account_url = xstrdup(j->ca->account.url);
	strv_copy(&o->names, &j->cert->names);
	o->profile = xstrdup(profile ? profile : "");
	o->url = xstrdup("");
	o->chain_pem = xstrdup("");
	o->state = STORE_ORDER_NEW;
	o->created = now_s(j);
	return certfiles_next_generation(j->site->config->state_dir, j->cert->name, &o->generation, e);
}

/* Key and request in hand: everything into the state. */
static void put_new(struct issue_job *j)
{
	struct err e = {0};
	if (fill_order(j, &e) || store_order_put(j->site->store, &j->order, &e)) {
		fail(j, &e, false);
		return;
	}
	after_commit(j, new_committed);
}

static void have_request(const struct err *failed, void *ctx)
{
	struct issue_job *j = ctx;
	if (!went_well(j, failed, "make the key of"))
		return;
	j->order.key_pem = j->request.key_pem;
	j->order.csr_der = j->request.csr_der;
	memcpy(j->spki, j->request.spki_sha256, sizeof(j->spki));
	j->request = (struct x509_request){0};
	put_new(j);
}

static int live_key(const struct issue_job *j, struct secret *ret, struct err *e)
{
	bool found;
	return j->cert->reuse_key ? certfiles_read_key(j->site->config->state_dir, j->cert->name, ret, &found, e) : 0;
}

static void new_order(struct issue_job *j)
{
	struct err e = {0};
	enum key_type type = KEY_EC256;
	AUTO(secret_done) struct secret old = {0};
	struct x509_csr_options o = {.must_staple = j->cert->must_staple};
	step(j, "key");
	int r = site_probe(j->site, &e);
	if (!r && j->csr_spki) {
		r = install_csr_spki(&j->order, j->spki, &e);
		if (!r) {
			put_new(j);
			return;
		}
	}
	if (!r && key_type_from_name(j->cert->key, &type))
		r = err_set(&e, ERR_CONFIG, "\"%s\" is no key type", j->cert->key);
	if (r || live_key(j, &old, &e)) {
		fail(j, &e, false);
		return;
	}
	j->pending++;
	install_request(j->site->loop, type, &old, &j->cert->names, &o, &j->request, have_request, j);
}

/* ---- start ---- */

static bool same_order(const struct issue_job *j, const struct store_order *o)
{
	bool foreign = !o->key_pem.n;
	return !strcmp(o->ca, j->ca->conf->name) && !strcmp(o->account_url, j->ca->account.url) &&
	       strv_same_set(&o->names, &j->cert->names) && foreign == (j->csr_spki != NULL);
}

static int resume(struct issue_job *j, struct err *e)
{
	if (install_csr_spki(&j->order, j->spki, e) ||
		(j->order.state == STORE_ORDER_ISSUED && install_prepare(&j->order, NULL, &j->set, e)))
		return -1;
	if (j->csr_spki && strcmp(j->csr_spki, j->spki))
		return err_set(
			e, ERR_USAGE, "an order for %s with another certificate request is in work", j->cert->name);
	j->resumed = true;
	return 0;
}

/* Also the first step after start_over(). */
static void first_step(void *ctx)
{
	struct issue_job *j = ctx;
	struct store *st = j->site->store;
	struct err e = {0};
	bool have_row = false, have_order = false;
	struct store_order old = {0};
	acme_flow_free(j->flow);
	j->flow = NULL;
	store_cert_done(&j->row);
	if (store_cert_get(st, j->cert->name, &j->row, &have_row, &e) ||
		store_order_get(st, j->cert->name, &old, &have_order, &e)) {
		store_order_done(&old);
		fail(j, &e, false);
		return;
	}
	if (!have_row)
		install_empty_row(j->cert->name, &j->row);
	if (!have_order) {
		new_order(j);
		return;
	}
	if (!same_order(j, &old)) {
		/* The configuration has changed since: that order is of no use any more. */
		int r = store_order_delete(st, old.id, &e);
		store_order_done(&old);
		if (r)
			fail(j, &e, false);
		else
			new_order(j);
		return;
	}
	struct secret foreign = j->order.csr_der;
	j->order = old;
	secret_done(&foreign);
	if (resume(j, &e))
		fail(j, &e, false);
	else if (j->order.state == STORE_ORDER_ISSUED)
		install(j);
	else
		ready(j);
}

struct issue_job *issue_start(const struct issue_request *r, const struct issue_hooks *hooks, void *ctx)
{
	struct issue_job *j = xcalloc(1, sizeof(*j));
	j->site = r->site;
	j->ca = r->ca;
	j->cert = r->cert;
	j->hooks = hooks;
	j->ctx = ctx;
	j->started_ms = clk_mono(r->site->clk);
	if (r->csr_der) {
		j->order.csr_der = secret_dup(r->csr_der, r->csr_n);
		j->csr_spki = xstrdup(r->csr_spki_sha256);
	}
	j->presenter = r->presenter;
	struct prove_setup setup = {.site = r->site,
		.ca = r->ca,
		.cert = r->cert,
		.presenter = r->presenter,
		.force_record = r->force_record,
		.step = flow_step,
		.waiting = wait_for_dns,
		.served = dns_served,
		.ctx = j};
	j->prove = prove_new(&setup);
	j->start = loop_timer_new(r->site->loop, first_step, j);
	loop_timer_start(j->start, 0);
	return j;
}

void issue_free(struct issue_job *j)
{
	if (!j)
		return;
	loop_timer_free(j->start);
	prove_free(j->prove);
	presenter_release(j->presenter, j->cert->name, true);
	acme_flow_free(j->flow);
	j->start = NULL;
	j->prove = NULL;
	j->flow = NULL;
	j->abandoned = true;
	if (!j->pending)
		job_release(j);
}
