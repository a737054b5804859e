/* flow_finish.c: finalize, the wait for the certificate, and its download (RFC 8555 sections 7.4, 7.4.2). */
#include <stdlib.h>
#include <string.h>

#include "acme/flow_internal.h"
#include "acme/problem.h"
#include "acme/session_internal.h"
#include "acme/url.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"

enum { MAX_DOWNLOADS = 4, DOWNLOAD_PAUSE_MS = 250, MAX_ALTERNATES = 8 };

static void next_alternate(struct acme_flow *f);

/* --- finalize and the order after it --- */

static void poll_order(struct acme_flow *f);

static void order_told(struct acme_flow *f, struct acme_order *o, const struct http_reply *r)
{
	/* `ready` after an accepted finalize is a server that has not caught up with itself. */
	if (o->status == ACME_READY || o->status == ACME_PENDING)
		o->status = ACME_PROCESSING;
	if (o->status != ACME_PROCESSING) {
		flow_go_on(f, o, r);
		return;
	}
	struct err e = {0};
	int64_t wait;
	acme_order_done(o);
	if (flow_poll_wait(f, r, "the order", &wait, &e)) {
		flow_fail(f, &e, false);
		return;
	}
	flow_after(f, wait, poll_order);
}

static void on_order(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct acme_order o;
	struct err e = {0};
	f->post = NULL;
	if (failed) {
		flow_fail_request(f, failed, "order");
		return;
	}
	if (flow_read_order(f, r, &o, &e)) {
		err_retry(&e, RETRY_LATER, 0);
		flow_fail(f, &e, false);
		return;
	}
	f->polled = true;
	order_told(f, &o, r);
}

static void poll_order(struct acme_flow *f)
{
	if (f->polled)
		f->tally.repeats++;
	flow_post(f, f->order_url, NULL, 0, on_order);
}

void flow_poll_order(struct acme_flow *f, const struct http_reply *r)
{
	struct err e = {0};
	int64_t wait;
	flow_poll_begin(f);
	if (flow_poll_wait(f, r, "the order", &wait, &e)) {
		flow_fail(f, &e, false);
		return;
	}
	flow_after(f, wait, poll_order);
}

static void on_finalized(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct acme_order o;
	struct err e = {0};
	f->post = NULL;
	FAULT("acme-finalized");
	if (failed) {
		err_copy(&e, failed);
		err_ctx(&e, "finalize");
		bool limited = acme_problem_is(&e, "rateLimited") || e.code == 429;
		if (limited)
			flow_fail(f, &e, false);
		else
			flow_reread_order(f, &e);
		err_done(&e);
		return;
	}
	flow_poll_begin(f);
	if (!flow_read_order(f, r, &o, &e)) {
		order_told(f, &o, r);
		return;
	}
	/* It was accepted; what the order says when asked again counts. */
	err_ctx(&e, "finalize reply");
	flow_warn(f, &e);
	flow_poll_order(f, r);
}

void flow_finalize(struct acme_flow *f)
{
	AUTO(xfreep) char *payload = xasprintf("{\"csr\":\"%s\"}", f->csr);
	flow_step(f, "finalize", NULL);
	FAULT("acme-finalize");
	flow_post(f, f->finalize_url, payload, ACME_POST_ONCE, on_finalized);
}

/* --- the certificate --- */

static void succeed(struct acme_flow *f)
{
	struct x509_chain *chain = TAKE(f->chain);
	FAULT("acme-downloaded");
	f->hooks->done(chain, NULL, false, f->ctx);
	x509_chain_free(chain);
}

static void collect_alternates(struct acme_flow *f, const struct http_reply *r)
{
	strv_done(&f->alternates);
	for (size_t i = 0; i < r->n_headers && f->alternates.n < MAX_ALTERNATES; i++) {
		if (strcmp(r->headers[i].name, "link"))
			continue;
		char *url = http_link_target(r->headers[i].value, "alternate", f->certificate_url);
		if (url)
			strv_add_take(&f->alternates, url);
	}
}

/* Its last words: the next alternate chain. e (taken) is set when there was trouble with this one. */
static void alternate_over(struct acme_flow *f, struct err *e)
{
	if (err_is(e)) {
		err_ctx(e, "alternate chain %.300s", f->alternates.v[f->at]);
		flow_warn(f, e);
	}
	f->at++;
	next_alternate(f);
}

static void alternate_read(struct acme_flow *f, struct x509_chain *c, struct err *e)
{
	if (!err_is(e) && x509_chain_has_issuer(c, f->preferred_chain)) {
		x509_chain_free(f->chain);
		f->chain = c;
		succeed(f);
		return;
	}
	x509_chain_free(c);
	alternate_over(f, e);
}

static void on_alternate(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct err e = {0};
	f->post = NULL;
	if (!failed) {
		flow_read_chain(f, &r->body, alternate_read);
		return;
	}
	err_copy(&e, failed);
	alternate_over(f, &e);
}

static void next_alternate(struct acme_flow *f)
{
	struct err e = {0};
	for (; f->at < f->alternates.n; f->at++) {
		const char *url = f->alternates.v[f->at];
		if (!acme_url_check(url, f->certificate_url, "alternate chain", &e)) {
			flow_post(f, url, NULL, ACME_POST_PEM, on_alternate);
			return;
		}
		flow_warn(f, &e);
	}
	err_set(&e, ERR_CONFIG, "no chain of %s goes to \"%.200s\"; its default chain is used", acme_session_name(f->s),
		f->preferred_chain);
	err_hint(&e, "correct or remove `preferred_chain:`");
	flow_warn(f, &e);
	succeed(f);
}

/* The certificate is not what was asked for: a new order after a pause, and never this certificate. */
static void reject(struct acme_flow *f, struct err *e)
{
	err_ctx(e, "%s: certificate %.300s is not installed", acme_session_name(f->s), f->certificate_url);
	err_retry(e, RETRY_LATER, 0);
	err_hint(e, "what was in use stays in use; if this repeats, report it to the CA");
	flow_fail(f, e, true);
}

/* Cut short on the way, perhaps: reading it again harms nobody. */
static void download_again(struct acme_flow *f, struct err *e)
{
	if (++f->downloads < MAX_DOWNLOADS) {
		err_done(e);
		f->tally.repeats++;
		flow_after(f, DOWNLOAD_PAUSE_MS << f->downloads, flow_download);
		return;
	}
	err_ctx(e, "%s: certificate %.300s", acme_session_name(f->s), f->certificate_url);
	err_retry(e, RETRY_LATER, 0);
	flow_fail(f, e, false);
}

static void certificate_read(struct acme_flow *f, struct x509_chain *c, struct err *e)
{
	if (!c) {
		download_again(f, e);
		return;
	}
	x509_chain_free(f->chain);
	f->chain = c;
	if (err_is(e)) {
		reject(f, e);
		return;
	}
	session_keep_chain(f->s, f->chain);
	if (!f->preferred_chain || x509_chain_has_issuer(f->chain, f->preferred_chain)) {
		succeed(f);
		return;
	}
	f->at = 0;
	next_alternate(f);
}

static void on_certificate(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct err e = {0};
	f->post = NULL;
	if (failed) {
		err_copy(&e, failed);
		err_ctx(&e, "certificate");
		if (e.retry == RETRY_NEVER)
			err_retry(&e, RETRY_LATER, 0);
		flow_fail(f, &e, false);
		return;
	}
	if (f->preferred_chain)
		collect_alternates(f, r);
	flow_read_chain(f, &r->body, certificate_read);
}

void flow_download(struct acme_flow *f)
{
	if (!f->downloads)
		flow_step(f, "certificate", NULL);
	flow_post(f, f->certificate_url, NULL, ACME_POST_PEM, on_certificate);
}
