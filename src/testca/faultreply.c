/* faultreply.c: what each fault does to a request and to a reply. */
#include "testca/faultreply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "testca/ca.h"
#include "testca/faults.h"
#include "testca/jsontext.h"
#include "testca/web.h"
#include "json/json.h"

enum { HUGE_DEFAULT = 100 << 20, DEEP_DEFAULT = 100000, HANG_MS = 3600 * 1000 };

static void put_status(struct call *c, const struct fault *f)
{
	c->status = f->status ? (int)f->status : 503;
	c->content_type = f->type ? f->type : "text/html";
	buf_clear(&c->body);
	if (f->value)
		buf_puts(&c->body, f->value);
	else
		buf_printf(&c->body, "<html><head><title>%d %s</title></head><body><h1>%s</h1></body></html>\n",
			c->status, web_reason(c->status), web_reason(c->status));
	if (f->retry_after)
		call_header(c, "Retry-After", "%s", f->retry_after);
}

/* Sub-problems for the first n names of the request's order. */
static void add_subs(struct err_problem *p, const struct json *payload, const struct order *o, int64_t n)
{
	const struct json *names = json_get(payload, "identifiers");
	size_t have = o ? o->n_authzs : json_len(names);
	for (size_t i = 0; i < have && (int64_t)i < n; i++) {
		const char *name = o ? o->authzs[i]->name : json_str(json_get(json_at(names, i), "value"));
		err_problem_add(p, name, p->type, p->detail);
	}
}

static int put_problem_fault(struct call *c, const struct fault *f, int status, const char *type, const char *detail)
{
	struct err_problem *p = problem_new(
		f->status ? (int)f->status : status, f->type ? f->type : type, "%s", f->detail ? f->detail : detail);
	struct order *o = c->at.ep == EP_ORDER || c->at.ep == EP_FINALIZE ? model_order(&c->ca->model, c->at.id) : NULL;
	add_subs(p, c->payload, o, f->n);
	if (f->instance) {
		free(p->instance);
		p->instance = xstrdup(f->instance);
	}
	if (f->retry_after)
		call_header(c, "Retry-After", "%s", f->retry_after);
	call_problem_doc(c, p);
	err_problem_free(p);
	return -1;
}

bool faultreply_before(struct call *c)
{
	static const enum fault_kind kinds[] = {FAULT_CUT_BEFORE, FAULT_HANG, FAULT_STATUS, FAULT_BADNONCE};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct fault *f = faults_strike(c->ca->faults, kinds[i], c->at.ep);
		if (!f || (kinds[i] == FAULT_BADNONCE && !c->post))
			continue;
		c->fault = fault_name(f->kind);
		if (f->kind == FAULT_STATUS)
			put_status(c, f);
		else if (f->kind == FAULT_BADNONCE)
			call_problem(c, 400, "badNonce", "the nonce was good, but that is not enough today");
		else
			c->status = 0;
		if (f->kind == FAULT_HANG)
			c->hang_ms = f->ms ? f->ms : HANG_MS;
		return true;
	}
	return false;
}

bool faultreply_instead(struct call *c)
{
	static const enum fault_kind kinds[] = {FAULT_PROBLEM, FAULT_RATE_LIMITED, FAULT_TERMS_CHANGED,
		FAULT_EAB_MISSING, FAULT_ACCOUNT_GONE, FAULT_REPLACES_REFUSED};
	const struct fault *f = NULL;
	if (!c->post)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !f; i++)
		if (kinds[i] != FAULT_REPLACES_REFUSED || json_get(c->payload, "replaces"))
			f = faults_strike(c->ca->faults, kinds[i], c->at.ep);
	if (!f)
		return false;
	c->fault = fault_name(f->kind);
	if (f->kind == FAULT_RATE_LIMITED) {
		put_problem_fault(c, f, 429, "rateLimited", "too many new orders recently");
	} else if (f->kind == FAULT_TERMS_CHANGED) {
		call_header(c, "Link", "<%s/terms-2>;rel=\"terms-of-service\"", c->ca->base);
		put_problem_fault(c, f, 403, "userActionRequired", "the terms of service have changed");
		if (!f->instance) {
			AUTO(xfreep) char *url = xasprintf("\"%s/terms-2\"}", c->ca->base);
			/* In place of the brace at the end. */
			c->body.p[--c->body.n] = '\0';
			buf_puts(&c->body, ",\"instance\":");
			buf_puts(&c->body, url);
		}
	} else if (f->kind == FAULT_EAB_MISSING) {
		put_problem_fault(c, f, 403, "externalAccountRequired", "an external account binding is needed");
	} else if (f->kind == FAULT_ACCOUNT_GONE) {
		put_problem_fault(c, f, 400, "accountDoesNotExist", "there is no such account");
	} else if (f->kind == FAULT_REPLACES_REFUSED) {
		put_problem_fault(c, f, 409, "alreadyReplaced", "that certificate has been replaced already");
	} else {
		put_problem_fault(c, f, 400, "malformed", "a fault was asked for");
	}
	return true;
}

/* Leaves out the header lines of that name. */
static void drop_header(struct buf *headers, const char *name)
{
	AUTO(buf_done) struct buf out = buf_make(headers->max);
	size_t len = strlen(name);
	const char *at = buf_str(headers);
	for (const char *end; (end = strstr(at, "\r\n")); at = end + 2)
		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			buf_put(&out, at, (size_t)(end + 2 - at));
	buf_clear(headers);
	buf_put(headers, buf_str(&out), out.n);
}

static void rewrite_urls(struct call *c, const char *base)
{
	jsontext_replace(&c->body, c->ca->base, base);
	jsontext_replace(&c->headers, c->ca->base, base);
}

static void put_deep(struct buf *body, int64_t n)
{
	buf_clear(body);
	for (int64_t i = 0; i < n; i++)
		buf_putc(body, '[');
	for (int64_t i = 0; i < n; i++)
		buf_putc(body, ']');
}

/* Makes the body longer than what fits its own limit. */
static void put_huge(struct buf *body, size_t n)
{
	char spaces[4096];
	memset(spaces, ' ', sizeof(spaces));
	body->max = n + body->n + sizeof(spaces);
	for (size_t i = 0; i < n; i += sizeof(spaces))
		buf_put(body, spaces, sizeof(spaces));
}

static void change_body(struct call *c, const struct fault *f)
{
	struct buf *b = &c->body;
	if (f->kind == FAULT_EMPTY_BODY || f->kind == FAULT_BODY) {
		buf_clear(b);
		buf_puts(b, f->value ? f->value : "");
	} else if (f->kind == FAULT_MALFORMED_JSON) {
		if (b->n)
			b->p[--b->n] = '\0';
		buf_puts(b, ",,");
	} else if (f->kind == FAULT_HUGE) {
		put_huge(b, f->n ? (size_t)f->n : HUGE_DEFAULT);
	} else if (f->kind == FAULT_DEEP) {
		put_deep(b, f->n ? f->n : DEEP_DEFAULT);
	} else if (f->kind == FAULT_SET_MEMBER) {
		jsontext_set(b, f->member, f->value);
	} else if (f->kind == FAULT_DROP_MEMBER) {
		jsontext_set(b, f->member, NULL);
	} else if (f->kind == FAULT_HTTP_URLS) {
		AUTO(xfreep) char *plain = xasprintf("http%s", c->ca->base + 5);
		rewrite_urls(c, plain);
	} else if (f->kind == FAULT_FOREIGN_URLS) {
		rewrite_urls(c, f->value ? f->value : "https://evil.test");
	}
}

static void apply_one(struct call *c, struct web_reply *r, const struct fault *f)
{
	if (f->kind == FAULT_CUT_AFTER) {
		r->delivery = WEB_CUT;
	} else if (f->kind == FAULT_STATUS_AFTER) {
		put_status(c, f);
	} else if (f->kind == FAULT_TRUNCATE && f->n) {
		if ((size_t)f->n < c->body.n)
			c->body.p[c->body.n = (size_t)f->n] = '\0';
	} else if (f->kind == FAULT_TRUNCATE) {
		r->delivery = WEB_SHORT;
	} else if (f->kind == FAULT_ENDLESS) {
		r->delivery = WEB_ENDLESS;
	} else if (f->kind == FAULT_DRIP) {
		r->delivery = WEB_DRIP;
		r->drip_ms = f->ms ? f->ms : 1000;
	} else if (f->kind == FAULT_DELAY) {
		r->delay_ms = f->ms;
	} else if (f->kind == FAULT_CONTENT_TYPE) {
		c->content_type = f->value ? f->value : "text/html";
	} else if (f->kind == FAULT_DROP_HEADER) {
		drop_header(&c->headers, f->member);
	} else {
		change_body(c, f);
	}
}

void faultreply_apply(struct call *c, struct web_reply *r)
{
	size_t from = 0;
	if (c->fault && !c->status) {
		/* It struck before the request was read. */
		r->delivery = WEB_CUT;
		r->delay_ms = c->hang_ms;
		return;
	}
	for (const struct fault *f; (f = faults_next(c->ca->faults, FAULT_REPLY, c->at.ep, &from));) {
		c->fault = fault_name(f->kind);
		apply_one(c, r, f);
	}
}
