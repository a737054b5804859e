/*
 * exec_json.c: a program of the operator that gets one JSON object on its standard input and writes one on its standard
 * output; docs/providers.md describes both. After a change it is asked again what stands there: its word alone is not
 * enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/drivers.h"
#include "provider/exec_internal.h"
#include "provider/program.h"
#include "provider/rdata.h"
#include "json/json.h"

enum { VERSION = 1, REQUEST_MAX = 1 << 20, SYNC_MS = 600000, SYNC_WAIT_MS = 2000, VALUES_MAX = 1000 };

struct exec_json {
	struct provider p; /* first */
	struct program *program;
};

struct work {
	struct exec_json *d;
	struct provider_op *op;
	struct program_run *run;
	struct loop_timer *timer;
	enum provider_outcome outcome; /* as the program says, until it is verified */
	int64_t deadline;
	char what[300];
};

static void drop(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	(void)p;
	op->state = NULL;
	if (!w)
		return;
	program_cancel(w->run);
	loop_timer_free(w->timer);
	free(w);
}

static struct work *work_of(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	if (w)
		return w;
	w = xcalloc(1, sizeof(*w));
	w->d = (struct exec_json *)p;
	w->op = op;
	op->state = w;
	return w;
}

/* --- requests --- */

static void run(struct work *w, const struct buf *request, program_fn fn)
{
	AUTO(strv_done) struct strv argv = {0};
	struct err e = {0};
	if (buf_check(request, "the request", &e)) {
		err_ctx(&e, "%s", w->what);
		provider_err_name(&e, &w->d->p);
		provider_op_fail(w->op, &e);
		return;
	}
	strv_add(&argv, config_provider_str(w->d->p.conf, "program"));
	struct program_call call = {.argv = &argv, .input = request->p, .input_n = request->n, .what = w->what};
	w->run = program_start(w->d->program, &call, fn, w);
}

static struct json_out begin(const struct work *w, const char *verb, struct buf *to)
{
	struct json_out j = json_out_make(to);
	json_out_object(&j, NULL);
	json_out_int(&j, "version", VERSION);
	json_out_str(&j, "verb", verb);
	if (w->op->zone.name) {
		json_out_str(&j, "zone", w->op->zone.name);
		json_out_str(&j, "zone_id", w->op->zone.id);
	}
	return j;
}

/* --- replies --- */

/* The end of a run in words; the program may have said more in "error" of its output. */
static void fail(struct work *w, const struct process_result *r, const struct err *e)
{
	struct err copy = {0};
	err_copy(&copy, e);
	if (r && r->status == PROGRAM_UNSUPPORTED)
		err_hint(&copy, "exit status 2 says that the program does not do this");
	provider_op_fail(w->op, &copy);
}

/* NULL: the operation has failed. Needs json_free(). */
static struct json *reply_of(struct work *w, const struct process_result *r, const struct err *e)
{
	struct json *reply = NULL;
	struct err bad = {0};
	w->run = NULL;
	if (err_is(e)) {
		fail(w, r, e);
		return NULL;
	}
	if (!json_parse(r->out, r->out_n, "its output", &reply, &bad) && json_is_object(reply))
		return reply;
	json_free(reply);
	struct err told = {0};
	provider_err(&told, &w->d->p, PROVIDER_REPLY, "%s: %s", w->what,
		err_is(&bad) ? bad.msg : "its output is no JSON object");
	err_hint(&told, "the program must write one JSON object to standard output, and all else to standard error");
	err_done(&bad);
	provider_op_fail(w->op, &told);
	return NULL;
}

static void bad_reply(struct work *w, const char *why)
{
	struct err e = {0};
	provider_err(&e, &w->d->p, PROVIDER_REPLY, "%s: its output makes no sense: %s", w->what, why);
	err_hint(&e, "docs/providers.md describes what it must write");
	provider_op_fail(w->op, &e);
}

/* --- the zone --- */

static void on_zone(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	AUTO(json_freep) struct json *reply = reply_of(w, r, e);
	if (!reply)
		return;
	const struct json *zone = json_get(reply, "zone");
	const char *name = json_str(zone);
	if (name && strcmp(name, w->op->candidate) != 0)
		bad_reply(w, "it was asked for one zone and answers with another");
	else if (!name && !json_is_null(zone))
		bad_reply(w, "\"zone\" is neither a name nor null");
	else
		provider_op_zone(w->op, name, json_str(json_get(reply, "zone_id")));
}

static void has_zone(struct provider *p, struct provider_op *op)
{
	struct work *w = work_of(p, op);
	AUTO(buf_done) struct buf b = buf_make(REQUEST_MAX);
	struct json_out j = begin(w, "zone", &b);
	snprintf(w->what, sizeof(w->what), "look for zone %.200s", op->candidate);
	json_out_str(&j, "name", op->candidate);
	json_out_end_object(&j);
	run(w, &b, on_zone);
}

/* --- reading --- */

static bool take_rrset(const struct json *reply, struct provider_rrset *s)
{
	const struct json *values = json_get(reply, "values");
	const char *version = json_str(json_get(reply, "version"));
	int64_t ttl = 0;
	bool good = json_is_array(values) && json_len(values) <= VALUES_MAX;
	good = good && (json_int(json_get(reply, "ttl"), &ttl) || !json_len(values)) && ttl >= 0 && ttl <= INT32_MAX;
	for (size_t i = 0; good && i < json_len(values); i++) {
		AUTO(xfreep) char *data = NULL;
		struct err e = {0};
		const char *text = json_str(json_at(values, i));
		good = text && !rdata_parse(s->type, text, &data, &e);
		if (good)
			provider_rrset_add(s, data, NULL, NULL);
		err_done(&e);
	}
	if (good && s->n)
		s->ttl = ttl;
	if (good && version)
		s->version = xstrdup(version);
	return good;
}

static const char rrset_words[] = "\"ttl\" must be seconds and \"values\" a list of record data in master-file form";

static void on_read(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	AUTO(json_freep) struct json *reply = reply_of(w, r, e);
	struct provider_rrset s;
	if (!reply)
		return;
	provider_rrset_init(&s, w->op->name, w->op->type);
	if (take_rrset(reply, &s))
		provider_op_rrset(w->op, &s);
	else
		bad_reply(w, rrset_words);
	provider_rrset_done(&s);
}

static void ask_rrset(struct work *w, const char *name, enum provider_type type, program_fn fn)
{
	AUTO(buf_done) struct buf b = buf_make(REQUEST_MAX);
	struct json_out j = begin(w, "read", &b);
	json_out_str(&j, "name", name);
	json_out_str(&j, "type", provider_type_name(type));
	json_out_end_object(&j);
	run(w, &b, fn);
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct work *w = work_of(p, op);
	snprintf(w->what, sizeof(w->what), "read %.200s %s", op->name, provider_type_name(op->type));
	ask_rrset(w, op->name, op->type, on_read);
}

/* --- changing --- */

/* What is gone though nobody wanted it deleted, as zone lines. */
static void put_lost(const struct provider_change *c, const struct provider_rrset *s, struct buf *out)
{
	struct provider_rrset wanted;
	provider_change_wanted(c, &wanted);
	for (size_t i = 0; i < wanted.n; i++)
		if (provider_rrset_find(c->expect, wanted.values[i].data) &&
			!provider_rrset_find(s, wanted.values[i].data))
			buf_printf(out, "%s%s. %lld IN %s %s", out->n ? "; " : "", c->name, (long long)c->expect->ttl,
				provider_type_name(c->type), wanted.values[i].data);
	provider_rrset_done(&wanted);
}

static void on_verify(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	const struct provider_change *c = &w->op->changes[0];
	AUTO(json_freep) struct json *reply = reply_of(w, r, e);
	AUTO(buf_done) struct buf lost = buf_make(REQUEST_MAX);
	struct provider_rrset s;
	struct err bad = {0};
	if (!reply)
		return;
	provider_rrset_init(&s, c->name, c->type);
	if (!take_rrset(reply, &s)) {
		provider_rrset_done(&s);
		bad_reply(w, rrset_words);
		return;
	}
	put_lost(c, &s, &lost);
	if (lost.n) {
		provider_err(&bad, &w->d->p, PROVIDER_OTHER, "%s: DAMAGE: values of others are gone: %s", w->what,
			buf_str(&lost));
		err_hint(&bad, "put them back by hand, now, and do not use this program at names with other values");
	} else if (!provider_change_is_done(c, &s)) {
		provider_err(&bad, &w->d->p, PROVIDER_IGNORED,
			"%s: the program says that it is done, and does not have the change when it is asked", w->what);
		provider_hint(&bad, &w->d->p);
	}
	if (err_is(&bad)) {
		provider_op_fail(w->op, &bad);
	} else {
		w->op->results[0].outcome = w->outcome;
		w->op->results[0].after = s;
		s = (struct provider_rrset){0};
		provider_op_changed(w->op);
	}
	provider_rrset_done(&s);
}

static void on_changed(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	struct provider_result *result = &w->op->results[0];
	AUTO(json_freep) struct json *reply = reply_of(w, r, e);
	if (!reply)
		return;
	const char *outcome = json_str(json_get(reply, "outcome")), *ticket = json_str(json_get(reply, "ticket")),
		   *note = json_str(json_get(reply, "note"));
	if (outcome && !strcmp(outcome, "lost")) {
		result->outcome = PROVIDER_LOST;
		provider_op_changed(w->op);
		return;
	}
	if (!outcome || (strcmp(outcome, "changed") != 0 && strcmp(outcome, "unchanged") != 0)) {
		bad_reply(w, "\"outcome\" is none of changed, unchanged, lost");
		return;
	}
	w->outcome = strcmp(outcome, "changed") != 0 ? PROVIDER_UNCHANGED : PROVIDER_CHANGED;
	result->ticket = ticket ? xstrdup(ticket) : NULL;
	result->note = note ? xstrdup(note) : NULL;
	ask_rrset(w, w->op->changes[0].name, w->op->changes[0].type, on_verify);
}

static void change(struct provider *p, struct provider_op *op)
{
	struct work *w = work_of(p, op);
	const struct provider_change *c = &op->changes[0];
	AUTO(buf_done) struct buf b = buf_make(REQUEST_MAX);
	struct json_out j = begin(w, "change", &b);
	snprintf(w->what, sizeof(w->what), "change %.200s %s", c->name, provider_type_name(c->type));
	json_out_str(&j, "name", c->name);
	json_out_str(&j, "type", provider_type_name(c->type));
	json_out_int(&j, "ttl", c->ttl);
	json_out_strv(&j, "add", c->add);
	json_out_strv(&j, "del", c->del);
	json_out_object(&j, "expect");
	json_out_int(&j, "ttl", c->expect->ttl);
	json_out_array(&j, "values");
	for (size_t i = 0; i < c->expect->n; i++)
		json_out_str(&j, NULL, c->expect->values[i].data);
	json_out_end_array(&j);
	json_out_str(&j, "version", c->expect->version);
	json_out_end_object(&j);
	json_out_end_object(&j);
	run(w, &b, on_changed);
}

/* --- waiting --- */

static void ask_sync(void *ctx);

static void on_sync(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	struct loop *l = w->d->p.loop;
	w->run = NULL;
	if (!r || (r->status && r->status != PROGRAM_LATER && r->status != PROGRAM_UNSUPPORTED)) {
		fail(w, r, e);
	} else if (r->status != PROGRAM_LATER) {
		provider_op_synced(w->op);
	} else if (clk_mono(loop_clk(l)) < w->deadline) {
		if (!w->timer)
			w->timer = loop_timer_new(l, ask_sync, w);
		loop_timer_start(w->timer, SYNC_WAIT_MS);
	} else {
		struct err late = {0};
		err_set(&late, ERR_TIMEOUT, "%s: not served after %d s", w->what, SYNC_MS / 1000);
		provider_err_name(&late, &w->d->p);
		provider_op_fail(w->op, &late);
	}
}

static void ask_sync(void *ctx)
{
	struct work *w = ctx;
	AUTO(buf_done) struct buf b = buf_make(REQUEST_MAX);
	struct json_out j = begin(w, "sync", &b);
	json_out_str(&j, "ticket", w->op->ticket);
	json_out_end_object(&j);
	run(w, &b, on_sync);
}

static void sync_change(struct provider *p, struct provider_op *op)
{
	struct work *w = work_of(p, op);
	snprintf(w->what, sizeof(w->what), "wait for the servers of %.200s", op->zone.name);
	w->deadline = clk_mono(loop_clk(p->loop)) + SYNC_MS;
	ask_sync(w);
}

/* --- open, close --- */

static void free_driver(struct provider *p)
{
	struct exec_json *d = (struct exec_json *)p;
	program_free(d->program);
	free(d);
}

/* Its policy() is that of driver_exec, which is the one in the registry. */
static const struct provider_driver driver_exec_json = {
	.type = "exec",
	.free = free_driver,
	.has_zone = has_zone,
	.read = read_rrset,
	.change = change,
	.sync = sync_change,
	.drop = drop,
};

int exec_json_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct exec_json *d = xcalloc(1, sizeof(*d));
	provider_init(&d->p, &driver_exec_json, l, conf);
	d->p.caps.write = PROVIDER_VALUES;
	d->p.caps.alone = true;
	d->p.caps.txt = PROVIDER_TXT_QUOTED;
	d->p.caps.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA;
	d->p.caps.sync = true;
	if (program_new(&d->p, &d->program, e)) {
		free_driver(&d->p);
		return -1;
	}
	*ret = &d->p;
	return 0;
}
