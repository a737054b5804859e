/* call.c: one request: which resource, which fault instead of it, which fault in the reply. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "testca/ca.h"
#include "testca/faultreply.h"
#include "testca/nonce.h"
#include "testca/reqlog.h"
#include "testca/web.h"
#include "json/json.h"

enum { REPLY_MAX = 32 << 20 };

static int64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- building replies --- */

void put_problem(struct json_out *w, const char *member, const struct err_problem *p)
{
	json_out_object(w, member);
	json_out_str(w, "type", *p->type ? p->type : "about:blank");
	if (*p->detail)
		json_out_str(w, "detail", p->detail);
	if (p->status)
		json_out_int(w, "status", p->status);
	if (*p->instance)
		json_out_str(w, "instance", p->instance);
	if (p->n_subs) {
		json_out_array(w, "subproblems");
		for (size_t i = 0; i < p->n_subs; i++) {
			json_out_object(w, NULL);
			json_out_str(w, "type", p->subs[i].type);
			json_out_str(w, "detail", p->subs[i].detail);
			json_out_object(w, "identifier");
			json_out_str(w, "type", "dns");
			json_out_str(w, "value", p->subs[i].identifier);
			json_out_end_object(w);
			json_out_end_object(w);
		}
		json_out_end_array(w);
	}
	json_out_end_object(w);
}

int call_problem_doc(struct call *c, const struct err_problem *p)
{
	buf_clear(&c->body);
	struct json_out w = json_out_make(&c->body);
	put_problem(&w, NULL, p);
	c->status = p->status ? p->status : 500;
	c->content_type = "application/problem+json";
	return -1;
}

int call_problem(struct call *c, int status, const char *type, const char *fmt, ...)
{
	char detail[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	struct err_problem *p = problem_new(status, type, "%s", detail);
	call_problem_doc(c, p);
	err_problem_free(p);
	return -1;
}

void call_header(struct call *c, const char *name, const char *fmt, ...)
{
	va_list ap;
	buf_puts(&c->headers, name);
	buf_puts(&c->headers, ": ");
	va_start(ap, fmt);
	buf_vprintf(&c->headers, fmt, ap);
	va_end(ap);
	buf_puts(&c->headers, "\r\n");
}

void call_retry_after(struct call *c)
{
	if (c->ca->o->retry_after_s >= 0)
		call_header(c, "Retry-After", "%lld", (long long)c->ca->o->retry_after_s);
}

void put_url(struct call *c, struct json_out *w, const char *member, enum endpoint ep, uint64_t id)
{
	char url[512];
	snprintf(url, sizeof(url), "%s%s%llu", c->ca->base, endpoint_path(ep), (unsigned long long)id);
	json_out_str(w, member, url);
}

/* --- the course of a request --- */

static struct call *call_new(struct ca *ca, struct web_request *rq)
{
	struct call *c = ca->spare;
	if (c) {
		ca->spare = c->next_spare;
	} else {
		c = xcalloc(1, sizeof(*c));
		c->headers = buf_make(64 << 10);
		c->body = buf_make(REPLY_MAX);
		c->protected_text = buf_make(BUF_MAX_HTTP_BODY);
		c->payload_text = buf_make(BUF_MAX_HTTP_BODY);
	}
	c->ca = ca;
	c->rq = rq;
	c->body.max = REPLY_MAX;
	c->status = 200;
	c->content_type = "application/json";
	c->began_us = now_us();
	return c;
}

/* Keeps the memory of the buffers for the next one. */
static void call_done(struct call *c)
{
	struct ca *ca = c->ca;
	key_free(c->key);
	json_free(c->jws);
	json_free(c->protected);
	json_free(c->payload);
	struct buf headers = c->headers, body = c->body, protected = c->protected_text, payload = c->payload_text;
	if (body.cap > (64 << 10))
		buf_done(&body);
	*c = (struct call){.headers = headers, .body = body, .protected_text = protected, .payload_text = payload};
	buf_clear(&c->headers);
	buf_clear(&c->body);
	buf_clear(&c->protected_text);
	buf_clear(&c->payload_text);
	c->next_spare = ca->spare;
	ca->spare = c;
}

void ca_free_calls(struct ca *ca)
{
	for (struct call *c; (c = ca->spare);) {
		ca->spare = c->next_spare;
		buf_done(&c->headers);
		buf_done(&c->body);
		buf_done(&c->protected_text);
		buf_done(&c->payload_text);
		free(c);
	}
}

void call_send(struct call *c)
{
	struct web_reply r = {.delivery = WEB_WHOLE};
	struct web_request *rq = c->rq;
	char nonce[NONCE_TEXT];
	if (c->post || c->at.ep == EP_NEW_NONCE) {
		nonces_make(c->ca->nonces, nonce);
		call_header(c, "Replay-Nonce", "%s", nonce);
		call_header(c, "Cache-Control", "no-store");
	}
	if (c->post)
		call_header(c, "Link", "<%s%s>;rel=\"index\"", c->ca->base, endpoint_path(EP_DIRECTORY));
	faultreply_apply(c, &r);
	r.status = c->status;
	r.content_type = c->content_type;
	r.headers = buf_str(&c->headers);
	r.body = buf_str(&c->body);
	r.body_n = c->body.n;
	if (rq->cut && !c->fault)
		c->fault = "(the client went away)";
	reqlog_add(c->ca->log,
		&(struct reqlog_entry){.at_ms = ca_now_ms(c->ca),
			.us = now_us() - c->began_us,
			.ep = c->at.ep,
			.id = c->at.id,
			.status = r.delivery == WEB_CUT ? 0 : c->status,
			.account = c->account ? c->account->id : 0,
			.fault = c->fault,
			.octets = c->body.n},
		rq);
	web_reply(rq, &r);
	call_done(c);
}

static const struct {
	int (*fn)(struct call *c);
	bool post;
	bool get;
} resources[EP_N_] = {
	[EP_DIRECTORY] = {do_directory, true, true},
	[EP_NEW_NONCE] = {do_new_nonce, true, true},
	[EP_NEW_ACCOUNT] = {do_new_account, true, false},
	[EP_ACCOUNT] = {do_account, true, false},
	[EP_ORDERS] = {do_orders, true, false},
	[EP_KEY_CHANGE] = {do_key_change, true, false},
	[EP_NEW_ORDER] = {do_new_order, true, false},
	[EP_ORDER] = {do_order, true, false},
	[EP_AUTHZ] = {do_authz, true, false},
	[EP_CHALLENGE] = {do_challenge, true, false},
	[EP_FINALIZE] = {do_finalize, true, false},
	[EP_CERTIFICATE] = {do_certificate, true, false},
	[EP_REVOKE_CERT] = {do_revoke_cert, true, false},
	[EP_RENEWAL_INFO] = {do_renewal_info, false, true},
	[EP_TERMS] = {do_terms, false, true},
};

static void handle(struct call *c)
{
	enum endpoint ep = c->at.ep;
	bool get = !strcmp(c->rq->method, "GET") || !strcmp(c->rq->method, "HEAD");
	if (!resources[ep].fn) {
		call_problem(c, 404, "malformed", "there is nothing at %s", c->rq->path);
		return;
	}
	if (c->post ? !resources[ep].post : !(get && resources[ep].get)) {
		call_problem(c, 405, "malformed", "%s is not for %s", c->rq->path, c->rq->method);
		return;
	}
	if (c->post && jws_open(c))
		return;
	if (!faultreply_instead(c))
		resources[ep].fn(c);
}

void ca_request(struct web_request *rq, void *ctx)
{
	struct call *c = call_new(ctx, rq);
	c->at = endpoint_parse(rq->path);
	c->post = !strcmp(rq->method, "POST");
	if (faultreply_before(c)) {
		call_send(c);
		return;
	}
	handle(c);
	if (!c->later)
		call_send(c);
}
