/* bridge.c: look, run the program for each value, look again: what it said is not taken for what it did. */
#include "provider/bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "dns/stream.h"
#include "loop/loop.h"
#include "provider/program.h"
#include "provider/rdata.h"

enum { ASK_MS = 10000, QUERY_MAX = 512, FIRST_WAIT_MS = 200, WAIT_MAX_MS = 5000, LINES_MAX = 1 << 20 };

struct work {
	struct bridge *b;
	struct provider_op *op;
	struct stream_call *call;
	struct program_run *run;
	struct loop_timer *timer;
	/* Goes on with what stands there; s is w->found, or NULL with an error. */
	void (*then)(struct work *w, struct provider_rrset *s, struct err *e);
	struct provider_rrset before, found;
	struct err failure; /* of the program */
	size_t at; /* of the values to add, then of those to delete */
	unsigned runs;
	int64_t deadline, wait;
	char what[300];
};

static struct work *work_new(struct provider *p, struct provider_op *op)
{
	struct work *w = xcalloc(1, sizeof(*w));
	w->b = (struct bridge *)p;
	w->op = op;
	op->state = w;
	return w;
}

void bridge_drop(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	(void)p;
	op->state = NULL;
	if (!w)
		return;
	stream_cancel(w->call);
	program_cancel(w->run);
	loop_timer_free(w->timer);
	provider_rrset_done(&w->before);
	provider_rrset_done(&w->found);
	err_done(&w->failure);
	free(w);
}

/* --- asking the name server --- */

static void send_query(struct work *w, const char *name, uint16_t type, stream_fn fn)
{
	uint8_t msg[QUERY_MAX];
	struct err e = {0};
	size_t n;
	if (stream_query(msg, name, type, &n, &e)) {
		provider_op_fail(w->op, &e);
		return;
	}
	w->b->p.calls++;
	w->call = stream_ask(w->b->stream, msg, n, fn, NULL, w);
}

/* -1: no answer, or one that cannot be read. */
static int take_message(struct work *w, const struct stream_answer *a, struct message *m, struct err *e)
{
	w->call = NULL;
	if (a->status != STREAM_MESSAGE)
		err_copy(e, a->e);
	if (a->status == STREAM_MESSAGE && !message_decode(a->p, a->n, m, e))
		return 0;
	err_ctx(e, "%s: asking %s", w->what, w->b->server.text);
	provider_err_name(e, &w->b->p);
	err_hint(e, "does %s answer over TCP?", w->b->server.text);
	return -1;
}

static bool soa_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct message m;
	struct reply r;
	struct err e = {0};
	if (take_message(w, a, &m, &e)) {
		provider_op_fail(w->op, &e);
		return false;
	}
	reply_read(&m, w->op->candidate, MESSAGE_SOA, "", &r);
	provider_op_zone(w->op, r.kind == REPLY_FOUND ? w->op->candidate : NULL, NULL);
	message_done(&m);
	return false;
}

void bridge_has_zone(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	if (!w)
		w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "look for zone %.200s", op->candidate);
	send_query(w, op->candidate, MESSAGE_SOA, soa_arrived);
}

static int take_answer(struct work *w, const struct message *m, struct err *e)
{
	const struct provider *p = &w->b->p;
	struct reply r;
	reply_read(m, w->found.name, (uint16_t)w->found.type, w->op->zone.name, &r);
	switch (r.kind) {
	case REPLY_NODATA:
	case REPLY_NXDOMAIN:
		return 0;
	case REPLY_FOUND:
		break;
	case REPLY_ALIAS:
		provider_err(e, p, PROVIDER_CNAME_THERE, "%s is a CNAME to %s", w->found.name, r.target);
		break;
	case REPLY_REFERRAL:
		provider_err(e, p, PROVIDER_DELEGATED, "%s is below the delegation of %s", w->found.name, r.zone);
		break;
	case REPLY_BAD:
		provider_err(e, p, PROVIDER_NO_ZONE, "%s: %s %s", w->what, w->b->server.text, r.text);
		err_hint(e, "server: must be an authoritative server of the zone, and let this address ask");
		break;
	}
	if (err_is(e)) {
		provider_hint(e, p);
		return -1;
	}
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		AUTO(xfreep) char *data = NULL;
		if (rr->section != MESSAGE_ANSWER || rr->type != w->found.type || strcmp(rr->owner, w->found.name) != 0)
			continue;
		if (rdata_from_rr(rr, &data, e))
			return err_ctx(e, "%s", w->what);
		provider_rrset_add(&w->found, data, NULL, NULL);
		w->found.ttl = rr->ttl;
	}
	return 0;
}

static bool rrset_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct message m;
	struct err e = {0};
	if (!take_message(w, a, &m, &e)) {
		take_answer(w, &m, &e);
		message_done(&m);
	}
	w->then(w, err_is(&e) ? NULL : &w->found, &e);
	err_done(&e);
	return false;
}

static void look(struct work *w, const char *name)
{
	provider_rrset_done(&w->found);
	provider_rrset_init(&w->found, name, PROVIDER_TXT);
	send_query(w, name, PROVIDER_TXT, rrset_arrived);
}

static void was_read(struct work *w, struct provider_rrset *s, struct err *e)
{
	if (s)
		provider_op_rrset(w->op, s);
	else
		provider_op_fail(w->op, e);
}

void bridge_read(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "read %.200s", op->name);
	w->then = was_read;
	look(w, op->name);
}

/* --- looking afterwards --- */

static void put_line(struct buf *out, const struct work *w, const char *data)
{
	buf_printf(out, "%s%s. %lld IN TXT %s", out->n ? "; " : "", w->before.name, (long long)w->before.ttl, data);
}

static bool to_delete(const struct provider_change *c, const char *data)
{
	for (size_t i = 0; i < c->del->n; i++)
		if (rdata_same(PROVIDER_TXT, c->del->v[i], data))
			return true;
	return false;
}

/* Values that stood there, that nobody wanted deleted, and that are gone. */
static size_t lost_values(const struct work *w, const struct provider_rrset *s, struct buf *lines)
{
	const struct provider_change *c = &w->op->changes[0];
	size_t n = 0;
	for (size_t i = 0; i < w->before.n; i++) {
		const char *data = w->before.values[i].data;
		bool wanted_gone = to_delete(c, data) && !w->b->add_only;
		if (wanted_gone || provider_rrset_find(s, data))
			continue;
		put_line(lines, w, data);
		n++;
	}
	return n;
}

static void damage(struct work *w, const struct buf *lines, size_t n, struct err *e)
{
	log_error("provider %s (%s): %zu values at %s are gone after the program ran; zone lines to restore them: %s",
		w->b->p.conf->name, w->b->p.conf->type, n, w->before.name, buf_str(lines));
	provider_err(e, &w->b->p, PROVIDER_OTHER, "%s: DAMAGE: %zu values of others are gone: %s", w->what, n,
		buf_str(lines));
	err_hint(e, "put them back by hand, now, and do not use this program at names with other values");
}

static bool adds_are_there(const struct provider_change *c, const struct provider_rrset *s)
{
	for (size_t i = 0; i < c->add->n; i++)
		if (!provider_rrset_find(s, c->add->v[i]))
			return false;
	return true;
}

/* All values to delete that still stand: it is for the operator to do. */
static bool left_over(const struct work *w, const struct provider_rrset *s, struct err *e)
{
	AUTO(buf_done) struct buf lines = buf_make(LINES_MAX);
	const struct provider_change *c = &w->op->changes[0];
	for (size_t i = 0; i < c->del->n && w->b->add_only; i++)
		if (provider_rrset_find(s, c->del->v[i]) != NULL)
			put_line(&lines, w, c->del->v[i]);
	if (!lines.n)
		return false;
	provider_err(e, &w->b->p, PROVIDER_OTHER, "%s: it only adds%s; to be removed by hand: %s", w->what,
		c->add->n ? ", and that is done" : "", buf_str(&lines));
	err_hint(e, "remove this value at the provider yourself: its hook would remove what others have there, too");
	return true;
}

static void on_again(void *ctx)
{
	struct work *w = ctx;
	look(w, w->before.name);
}

static void verified(struct work *w, struct provider_rrset *s, struct err *e)
{
	const struct provider_change *c = &w->op->changes[0];
	AUTO(buf_done) struct buf lines = buf_make(LINES_MAX);
	int64_t now = clk_mono(loop_clk(w->b->p.loop));
	bool there = s && adds_are_there(c, s);
	size_t lost = s ? lost_values(w, s, &lines) : 0;
	if (there && lost) {
		damage(w, &lines, lost, e);
	} else if (there && (w->b->add_only || provider_change_is_done(c, s))) {
		if (!left_over(w, s, e)) {
			w->op->results[0].outcome = w->runs ? PROVIDER_CHANGED : PROVIDER_UNCHANGED;
			provider_rrset_copy(&w->op->results[0].after, s);
			provider_op_changed(w->op);
			return;
		}
	} else if (s && now < w->deadline) {
		w->wait = w->wait ? (2 * w->wait > WAIT_MAX_MS ? WAIT_MAX_MS : 2 * w->wait) : FIRST_WAIT_MS;
		if (!w->timer)
			w->timer = loop_timer_new(w->b->p.loop, on_again, w);
		loop_timer_start(w->timer, w->wait);
		return;
	} else if (s && lost) {
		damage(w, &lines, lost, e);
	} else if (s) {
		provider_err(e, &w->b->p, PROVIDER_IGNORED,
			"%s: the program ended with success, but %s does not serve the change after %lld s", w->what,
			w->b->server.text, (long long)(program_timeout(w->b->program) / 1000));
		provider_hint(e, &w->b->p);
	}
	provider_op_fail(w->op, e);
}

/* --- running --- */

static void next_value(struct work *w);

/* A program that fails may still have done harm: that is said first. */
static void after_failure(struct work *w, struct provider_rrset *s, struct err *e)
{
	AUTO(buf_done) struct buf lines = buf_make(LINES_MAX);
	size_t lost = s ? lost_values(w, s, &lines) : 0;
	if (lost) {
		damage(w, &lines, lost, e);
		provider_op_fail(w->op, e);
	} else {
		provider_op_fail(w->op, &w->failure);
	}
}

static void was_run(const struct process_result *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	(void)r;
	w->run = NULL;
	w->runs++;
	if (!err_is(e)) {
		next_value(w);
		return;
	}
	err_copy(&w->failure, e);
	w->then = after_failure;
	look(w, w->before.name);
}

static void run_program(struct work *w, bool add, const char *data)
{
	AUTO(strv_done) struct strv argv = {0}, env = {0};
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	struct err e = {0};
	rdata_text(data, &text);
	if (memchr(buf_str(&text), '\0', text.n)) {
		provider_err(&e, &w->b->p, PROVIDER_SIZE, "%s: a value with a zero octet is no argument", w->what);
		provider_op_fail(w->op, &e);
		return;
	}
	w->b->fn(w->b, add, w->before.name, buf_str(&text), &argv, &env);
	struct program_call call = {.argv = &argv, .env = &env, .what = w->what};
	w->run = program_start(w->b->program, &call, was_run, w);
}

/* First what is to be added, so that nothing is missing meanwhile. */
static void next_value(struct work *w)
{
	const struct provider_change *c = &w->op->changes[0];
	for (; w->at < c->add->n + c->del->n; w->at++) {
		bool add = w->at < c->add->n;
		const char *data = add ? c->add->v[w->at] : c->del->v[w->at - c->add->n];
		bool stands = provider_rrset_find(&w->before, data) != NULL;
		if (stands == add || (!add && w->b->add_only))
			continue;
		w->at++;
		run_program(w, add, data);
		return;
	}
	w->deadline = clk_mono(loop_clk(w->b->p.loop)) + program_timeout(w->b->program);
	w->then = verified;
	look(w, c->name);
}

static void first_look(struct work *w, struct provider_rrset *s, struct err *e)
{
	const struct provider_change *c = &w->op->changes[0];
	if (!s) {
		provider_op_fail(w->op, e);
		return;
	}
	if (!provider_rrset_same(s, c->expect)) {
		w->op->results[0].outcome = PROVIDER_LOST;
		provider_op_changed(w->op);
		return;
	}
	provider_rrset_copy(&w->before, s);
	next_value(w);
}

void bridge_change(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "change %.200s", op->changes[0].name);
	w->then = first_look;
	look(w, op->changes[0].name);
}

/* --- open, close --- */

int bridge_init(struct bridge *b, bridge_fn fn, bool add_only, struct err *e)
{
	const char *server = config_provider_str(b->p.conf, "server");
	b->fn = fn;
	b->add_only = add_only;
	b->p.caps.write = PROVIDER_VALUES;
	b->p.caps.alone = true;
	b->p.caps.txt = PROVIDER_TXT_RAW;
	if (!server) {
		err_set(e, ERR_CONFIG, "server is missing");
		err_hint(e, "such a program cannot say what stands at a name: server: is the authoritative name server "
			    "to ask");
		return -1;
	}
	if (addr_parse(server, 0, &b->server, e) || program_new(&b->p, &b->program, e))
		return -1;
	b->stream = stream_new(b->p.loop, &b->server, NULL, ASK_MS);
	return 0;
}

void bridge_done(struct bridge *b)
{
	program_free(b->program);
	stream_free(b->stream);
}
