/* restdriver.c: what the drivers of HTTP interfaces have in common. */
#include "provider/restdriver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/rdata.h"
#include "json/json.h"

enum { PAUSE_FIRST_MS = 1000, PAUSE_LAST_MS = 8000, POLL_FOR_MS = 600000 };

/* --- the driver --- */

void rest_driver_free(struct provider *p)
{
	struct rest_driver *d = (struct rest_driver *)p;
	rest_free(d->rest);
	if (d->own_free)
		d->own_free(d->own);
	free(d);
}

int rest_driver_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	const struct provider_driver *driver = provider_driver_find(conf->type);
	const struct rest_kind *k = driver->kind;
	struct rest_driver *d = xcalloc(1, sizeof(*d));
	const char *url = config_provider_str(conf, "url");
	struct secret token = {0};
	provider_init(&d->p, driver, l, conf);
	d->p.caps = *k->caps;
	d->kind = k;
	struct rest_options o = {
		.base = url ? url : k->base, .ca_bundle = config_provider_str(conf, "ca_bundle"), .blame = k->blame};
	int r = k->token_prefix ? provider_secret(conf, "token_file", &token, e) : 0;
	if (!r)
		r = rest_new(&d->p, &o, &d->rest, e);
	if (!r && k->token_prefix)
		rest_header(d->rest, "Authorization", k->token_prefix, &token);
	secret_done(&token);
	if (r) {
		rest_driver_free(&d->p);
		return -1;
	}
	*ret = &d->p;
	return 0;
}

/* --- the work of an operation --- */

struct rest_work *rest_work_new(struct provider *p, struct provider_op *op, const char *fmt, ...)
{
	struct rest_work *w = op->state ? op->state : xcalloc(1, sizeof(*w));
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w->what, sizeof(w->what), fmt, ap);
	va_end(ap);
	w->d = (struct rest_driver *)p;
	w->op = op;
	w->page = 1;
	op->state = w;
	return w;
}

void rest_work_drop(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = op->state;
	(void)p;
	if (!w)
		return;
	rest_cancel(w->call);
	for (size_t i = 0; i < w->n_steps; i++) {
		free(w->steps[i].path);
		free(w->steps[i].body);
		strv_done(&w->steps[i].headers);
	}
	free(w->steps);
	loop_timer_free(w->timer);
	free(w->list_path);
	strv_done(&w->names);
	strv_done(&w->ids);
	strv_done(&w->made);
	provider_rrset_done(&w->found);
	free(w);
	op->state = NULL;
}

void rest_work_fail(struct rest_work *w, const struct err *e)
{
	struct err copy = {0};
	err_copy(&copy, e);
	provider_op_fail(w->op, &copy);
}

void rest_work_refuse(struct rest_work *w, struct err *e)
{
	provider_hint(e, &w->d->p);
	provider_op_fail(w->op, e);
}

/* --- requests --- */

/* A call is over before its function is told: the function may begin another. */
static void on_reply(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	w->call = NULL;
	w->fn(r, e, w);
}

void rest_work_send(struct rest_work *w, struct rest *r, const struct rest_request *q, rest_fn fn)
{
	w->fn = fn;
	w->call = rest_send(r, q, on_reply, w);
}

void rest_work_get(struct rest_work *w, const struct buf *path, rest_fn fn)
{
	struct rest_request q = {
		.method = HTTP_GET, .path = buf_str(path), .what = w->what, .accept = w->d->kind->media};
	rest_work_send(w, w->d->rest, &q, fn);
}

int rest_work_record(
	struct rest_work *w, const char *type, const char *data, const char *id, const char *mark, struct err *e)
{
	struct err why = {0};
	AUTO(xfreep) char *parsed = NULL;
	if (strcmp(type, provider_type_name(w->found.type)) != 0) {
		if (strcmp(type, "CNAME") != 0 && w->found.type != PROVIDER_CNAME)
			return 0;
		return provider_err(e, &w->d->p, PROVIDER_CNAME_THERE, "%s has a %s record, and a CNAME stands alone",
			w->found.name, type);
	}
	if (rdata_parse(w->found.type, data, &parsed, &why)) {
		provider_err(e, &w->d->p, PROVIDER_REPLY, "a %s record of %s makes no sense: %s", type, w->found.name,
			why.msg);
		err_done(&why);
		return -1;
	}
	provider_rrset_add(&w->found, parsed, id, mark);
	return 0;
}

void rest_work_step(struct rest_work *w, enum http_method method, const struct buf *path, const struct buf *body)
{
	w->steps = xreallocarray(w->steps, w->n_steps + 1, sizeof(*w->steps));
	w->steps[w->n_steps++] = (struct rest_step){
		.method = method, .path = xstrdup(buf_str(path)), .body = body ? xstrdup(buf_str(body)) : NULL};
}

void rest_work_step_header(struct rest_work *w, const char *header)
{
	strv_add(&w->steps[w->n_steps - 1].headers, header);
}

bool rest_work_next(struct rest_work *w, rest_fn fn)
{
	if (w->step == w->n_steps)
		return false;
	const struct rest_step *s = &w->steps[w->step++];
	struct rest_request q = {.method = s->method,
		.path = s->path,
		.what = w->what,
		.body = s->body,
		.body_n = s->body ? strlen(s->body) : 0,
		.content_type = w->d->kind->media,
		.accept = w->d->kind->media,
		.headers = &s->headers,
		.repeatable = w->d->kind->repeatable};
	rest_work_send(w, w->d->rest, &q, fn);
	return true;
}

static void on_pause(void *ctx)
{
	struct rest_work *w = ctx;
	w->step = w->n_steps - 1;
	rest_work_next(w, w->fn);
}

void rest_work_poll(struct rest_work *w, const struct buf *path, rest_fn fn)
{
	int64_t now = clk_mono(loop_clk(w->d->p.loop));
	if (!w->timer) {
		w->timer = loop_timer_new(w->d->p.loop, on_pause, w);
		w->pause_ms = PAUSE_FIRST_MS;
		w->deadline = now + POLL_FOR_MS;
	}
	if (now >= w->deadline) {
		struct err e = {0};
		err_set(&e, ERR_TIMEOUT, "%s: not done after %d minutes", w->what, POLL_FOR_MS / 60000);
		provider_err_name(&e, &w->d->p);
		err_hint(&e, "the provider has the change and is slow: look again later");
		provider_op_fail(w->op, &e);
		return;
	}
	rest_work_step(w, HTTP_GET, path, NULL);
	w->fn = fn;
	loop_timer_start(w->timer, w->pause_ms);
	w->pause_ms = w->pause_ms * 2 < PAUSE_LAST_MS ? w->pause_ms * 2 : PAUSE_LAST_MS;
}

/* --- ends of a change --- */

void rest_work_changed(struct rest_work *w, const char *ticket)
{
	size_t at = 0;
	for (size_t i = 0; i < w->op->n; i++) {
		struct provider_result *result = &w->op->results[i];
		result->outcome = PROVIDER_CHANGED;
		provider_change_wanted(&w->op->changes[i], &result->after);
		for (size_t k = 0; k < result->after.n && at < w->made.n; k++)
			if (!result->after.values[k].id)
				result->after.values[k].id = xstrdup(w->made.v[at++]);
		result->ticket = ticket && *ticket ? xstrdup(ticket) : NULL;
	}
	provider_op_changed(w->op);
}

void rest_work_lost(struct rest_work *w)
{
	for (size_t i = 0; i < w->op->n; i++)
		w->op->results[i].outcome = PROVIDER_LOST;
	provider_op_changed(w->op);
}

const char *rest_others(const struct provider_op *op)
{
	return op->n > 1 ? " and others" : "";
}

/* --- names --- */

void rest_put_relative(struct buf *out, const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	if (n <= z)
		buf_putc(out, '@');
	else
		buf_put(out, name, n - z - 1);
}
