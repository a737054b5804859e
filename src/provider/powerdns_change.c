/*
 * powerdns_change.c: changes at PowerDNS. Many RRsets go in one PATCH, which is done whole or not at all. Each is read
 * right before it and right after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "provider/powerdns_internal.h"
#include "provider/rdata.h"
#include "json/json.h"

enum {
	BODY_MAX = 1 << 20,
	INTERNAL_ERROR = 500,
	SETTLE_MS = 200, /* until a whole RRset is read again; more than another of us takes from reading to writing */
};

/* One RRset of the operation. */
struct set {
	struct powerdns_work *w;
	const struct provider_change *c;
	struct provider_result *r;
	struct rest_call *call;
	struct powerdns_held held;
	bool replacing;
	bool out; /* what becomes of it is decided */
	char what[300];
};

struct powerdns_work {
	struct powerdns *d;
	struct provider_op *op;
	struct rest_call *call;
	struct loop_timer *timer;
	struct set *sets;
	size_t waiting; /* answers that are still to come before all go on */
	void (*then)(struct powerdns_work *w); /* when they are there */
	bool wrote;
	struct err failed; /* of the first that failed */
	char what[300];
};

void powerdns_change_drop(struct powerdns_work *w)
{
	rest_cancel(w->call);
	loop_timer_free(w->timer);
	for (size_t i = 0; i < w->op->n; i++) {
		rest_cancel(w->sets[i].call);
		powerdns_held_done(&w->sets[i].held);
	}
	free(w->sets);
	err_done(&w->failed);
	free(w);
}

/* --- outcomes --- */

static void out(struct set *s, enum provider_outcome outcome)
{
	s->out = true;
	s->r->outcome = outcome;
	if (outcome != PROVIDER_CHANGED)
		return;
	s->r->after = s->held.set;
	s->held.set = (struct provider_rrset){0};
}

static void out_failed(struct set *s, const struct err *e)
{
	out(s, PROVIDER_FAILED);
	if (!err_is(&s->w->failed))
		err_copy(&s->w->failed, e);
}

static void finish(struct powerdns_work *w)
{
	if (err_is(&w->failed))
		provider_op_fail(w->op, &w->failed);
	else
		provider_op_changed(w->op);
}

/* The same for all that are not decided, which ends the operation. */
static void all_out(struct powerdns_work *w, enum provider_outcome outcome, const struct err *e)
{
	for (size_t i = 0; i < w->op->n; i++) {
		struct set *s = &w->sets[i];
		if (!s->out && outcome == PROVIDER_FAILED)
			out_failed(s, e);
		else if (!s->out)
			out(s, outcome);
	}
	finish(w);
}

/* Begins something for each that is not decided; `then` goes on when the last of them has arrived. */
static void for_each(
	struct powerdns_work *w, struct rest_call *(*begin)(struct set *s), void (*then)(struct powerdns_work *w))
{
	w->then = then;
	w->waiting = 1;
	for (size_t i = 0; i < w->op->n; i++) {
		struct set *s = &w->sets[i];
		if (s->out)
			continue;
		w->waiting++;
		s->call = begin(s);
	}
	if (!--w->waiting)
		finish(w);
}

static void arrived(struct powerdns_work *w)
{
	if (!--w->waiting)
		w->then(w);
}

/* --- writing --- */

static void on_written(const struct rest_reply *r, const struct err *e, void *ctx);

/*
 * Release 5.1 takes the backslashes out of a content that it is sent, and so would damage what it has itself given us.
 * False, and a failure, when a value of others is of that kind.
 */
static bool may_replace(struct set *s, const struct provider_rrset *wanted)
{
	struct powerdns *d = s->w->d;
	struct err e = {0};
	for (size_t i = 0; i < wanted->n && !d->no_extend; i++) {
		if (!wanted->values[i].id || !strchr(wanted->values[i].id, '\\'))
			continue;
		provider_err(&e, &d->p, PROVIDER_SIZE,
			"the TTL of %s %s cannot be changed without damage to another value there, which has a "
			"backslash",
			wanted->name, provider_type_name(wanted->type));
		err_hint(&e, "keep the TTL of %lld s, or change it at the server", (long long)s->held.set.ttl);
		out_failed(s, &e);
		err_done(&e);
		return false;
	}
	return true;
}

/* Puts what the change makes of what is held now; false when that cannot be done. */
static bool put_set(struct json_out *j, struct set *s)
{
	struct provider_change c = *s->c;
	struct provider_rrset wanted;
	c.expect = &s->held.set;
	provider_change_wanted(&c, &wanted);
	bool good = !s->replacing || may_replace(s, &wanted);
	if (good && s->replacing)
		powerdns_put_whole(j, &c, &wanted, &s->held.disabled);
	else if (good)
		powerdns_put_singles(j, &c, &wanted);
	provider_rrset_done(&wanted);
	return good;
}

static bool any_replacing(const struct powerdns_work *w)
{
	bool any = false;
	for (size_t i = 0; i < w->op->n; i++)
		any |= !w->sets[i].out && w->sets[i].replacing;
	return any;
}

static void write_sets(struct powerdns_work *w)
{
	AUTO(buf_done) struct buf path = buf_make(POWERDNS_PATH_MAX), body = buf_make(BODY_MAX);
	struct json_out j = json_out_make(&body);
	bool any = false;
	json_out_object(&j, NULL);
	json_out_array(&j, "rrsets");
	for (size_t i = 0; i < w->op->n; i++)
		if (!w->sets[i].out)
			any |= put_set(&j, &w->sets[i]);
	json_out_end_array(&j);
	json_out_end_object(&j);
	if (!any) {
		finish(w);
		return;
	}
	buf_printf(&path, "%s/zones/", w->d->server);
	rest_escape(&path, w->op->zone.id);
	struct rest_request q = {.method = HTTP_PATCH,
		.path = buf_str(&path),
		.what = w->what,
		.body = buf_str(&body),
		.body_n = body.n,
		.repeatable = !any_replacing(w)};
	w->wrote = true;
	w->call = rest_send(w->d->rest, &q, on_written, w);
}

static void on_disabled(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct set *s = ctx;
	s->call = NULL;
	if (err_is(e))
		out_failed(s, e);
	for (size_t i = 0; !err_is(e) && i < json_len(r->json); i++) {
		const struct json *hit = json_at(r->json, i);
		const char *name = json_str(json_get(hit, "name")), *type = json_str(json_get(hit, "type"));
		const char *content = json_str(json_get(hit, "content")), *zone = json_str(json_get(hit, "zone_id"));
		struct err ignored = {0};
		bool disabled = false;
		size_t n = strlen(s->c->name);
		if (json_opt_bool(hit, "disabled", false, &disabled, &ignored))
			err_done(&ignored);
		if (disabled && name && type && content && zone && !strcmp(zone, s->w->op->zone.id) &&
			!strncasecmp(name, s->c->name, n) && !strcmp(name + n, ".") &&
			!strcmp(type, provider_type_name(s->c->type)))
			strv_add(&s->held.disabled, content);
	}
	arrived(s->w);
}

/* Asked for one name, old servers leave out what is disabled, and a REPLACE would remove it: a search finds it. */
static struct rest_call *search(struct set *s)
{
	struct powerdns *d = s->w->d;
	AUTO(buf_done) struct buf path = buf_make(POWERDNS_PATH_MAX);
	strv_done(&s->held.disabled);
	buf_printf(&path, "%s/search-data?object_type=record&max=1000&q=", d->server);
	rest_escape(&path, s->c->name);
	struct rest_request q = {.method = HTTP_GET, .path = buf_str(&path), .what = s->what};
	return rest_send(d->rest, &q, on_disabled, s);
}

static void begin_write(struct powerdns_work *w)
{
	for (size_t i = 0; i < w->op->n; i++) {
		struct set *s = &w->sets[i];
		struct provider_change c = *s->c;
		struct provider_rrset wanted;
		c.expect = &s->held.set;
		provider_change_wanted(&c, &wanted);
		/* Release 5.1 loses what is disabled when it adds to the RRset. */
		s->replacing = w->d->no_extend || s->held.disabled.n ||
			       (s->held.set.n && wanted.n && wanted.ttl != s->held.set.ttl);
		provider_rrset_done(&wanted);
	}
	if (w->d->no_extend)
		for_each(w, search, write_sets);
	else
		write_sets(w);
}

/* --- reading, before and after --- */

static void on_read_back(struct set *s)
{
	struct err e = {0};
	if (provider_change_is_done(s->c, &s->held.set)) {
		out(s, PROVIDER_CHANGED);
	} else if (s->replacing) {
		/* Gone again already: another who had read the old RRset has put it back. */
		out(s, PROVIDER_LOST);
	} else {
		provider_err(&e, &s->w->d->p, PROVIDER_IGNORED, "%s: the server says yes and does not hold the change",
			s->what);
		provider_hint(&e, &s->w->d->p);
		out_failed(s, &e);
		err_done(&e);
	}
}

static void on_read_before(struct set *s)
{
	const struct provider_rrset *expect = s->c->expect;
	bool same_ttl = !s->held.set.n || !expect->n || s->held.set.ttl == expect->ttl;
	if (!provider_rrset_same(&s->held.set, expect) || !same_ttl)
		out(s, PROVIDER_LOST);
}

/* Held against what was expected, before writing, or against what was wanted, after it. */
static void on_held(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct set *s = ctx;
	struct powerdns_work *w = s->w;
	struct err why = {0};
	s->call = NULL;
	powerdns_held_done(&s->held);
	if (err_is(e)) {
		err_copy(&why, e);
	} else if (!powerdns_take(s->what, &w->d->p, w->op->zone.name, r, s->c->name, s->c->type, &s->held, &why) &&
		   !powerdns_check_name(&w->d->p, &s->held, &why) && !w->wrote && s->c->type == PROVIDER_CNAME &&
		   s->held.others) {
		provider_err(&why, &w->d->p, PROVIDER_CNAME_THERE,
			"%s has other records, beside which no CNAME can stand", s->c->name);
		err_hint(&why, "remove them first, or leave the name as it is");
	}
	if (err_is(&why))
		out_failed(s, &why);
	else if (w->wrote)
		on_read_back(s);
	else
		on_read_before(s);
	err_done(&why);
	arrived(w);
}

static struct rest_call *read_set(struct set *s)
{
	return powerdns_get_name(s->w->d, s->w->op, s->c->name, s->what, on_held, s);
}

static void read_sets(void *ctx)
{
	struct powerdns_work *w = ctx;
	for_each(w, read_set, w->wrote ? finish : begin_write);
}

/* --- the answer --- */

/*
 * Whether the zone was changed between our reading and our writing. Old releases give the serial after the change for
 * the one before it, too: then ours should be the next of the same day.
 */
static bool has_met(const struct set *s, const struct rest_reply *r)
{
	const char *before = http_reply_header(r->http, "x-pdns-old-serial");
	const char *after = http_reply_header(r->http, "x-pdns-new-serial");
	int64_t read = s->held.serial, old = before ? strtoll(before, NULL, 10) : 0,
		new = after ? strtoll(after, NULL, 10) : 0;
	if (!s->replacing || !read || !old)
		return false;
	return old == new ? new > read + 1 && new / 100 == read / 100 : old != read;
}

/* Perhaps it was this RRset. */
static void note_meeting(struct set *s, const struct rest_reply *r)
{
	if (has_met(s, r))
		s->r->note = xasprintf(
			"the zone %s was changed by somebody else in the same moment; if that was at %s, their value "
			"is lost: "
			"this server can only replace all values at a name (PowerDNS 4.9.12 and 5.0.2 can do better)",
			s->w->op->zone.name, s->c->name);
}

static void on_written(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct powerdns_work *w = ctx;
	w->call = NULL;
	bool replacing = any_replacing(w);
	if (r && r->status == POWERDNS_UNPROCESSABLE && !w->d->no_extend && strstr(e->msg, "hangetype")) {
		w->d->no_extend = true;
		w->wrote = false;
		begin_write(w);
		return;
	}
	/* Somebody has set another TTL, or holds the database: nothing was done. */
	bool lost = r && ((r->status == POWERDNS_UNPROCESSABLE && strstr(e->msg, "different TTL")) ||
				 r->status == INTERNAL_ERROR);
	if (lost || !r || err_is(e)) {
		all_out(w, lost ? PROVIDER_LOST : PROVIDER_FAILED, e);
		return;
	}
	for (size_t i = 0; i < w->op->n; i++)
		if (!w->sets[i].out)
			note_meeting(&w->sets[i], r);
	if (!w->timer)
		w->timer = loop_timer_new(w->d->p.loop, read_sets, w);
	loop_timer_start(w->timer, replacing ? SETTLE_MS + (int64_t)random_below(SETTLE_MS) : 0);
}

static void on_version(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct powerdns_work *w = ctx;
	w->call = NULL;
	if (err_is(e)) {
		all_out(w, PROVIDER_FAILED, e);
		return;
	}
	const char *version = json_str(json_get(r->json, "version"));
	w->d->asked = true;
	w->d->no_extend = version && !powerdns_knows_extend(version);
	read_sets(w);
}

void powerdns_change(struct provider *p, struct provider_op *op)
{
	struct powerdns_work *w = xcalloc(1, sizeof(*w));
	op->state = w;
	*w = (struct powerdns_work){.d = (struct powerdns *)p, .op = op, .sets = xcalloc(op->n, sizeof(struct set))};
	for (size_t i = 0; i < op->n; i++) {
		const struct provider_change *c = &op->changes[i];
		struct set *s = &w->sets[i];
		*s = (struct set){.w = w, .c = c, .r = &op->results[i]};
		snprintf(s->what, sizeof(s->what), "change %.200s %s", c->name, provider_type_name(c->type));
	}
	snprintf(w->what, sizeof(w->what), "%.250s%s", w->sets[0].what, op->n > 1 ? " and others" : "");
	struct rest_request q = {.method = HTTP_GET, .path = w->d->server, .what = w->what};
	if (w->d->asked)
		read_sets(w);
	else
		w->call = rest_send(w->d->rest, &q, on_version, w);
}
