/*
 * powerdns.c: the HTTP interface of the PowerDNS authoritative server. From 4.9.12 and 5.0.2 on it adds and removes
 * single values (EXTEND, PRUNE), and values of others cannot be lost. Older ones only replace a whole RRset: it is read
 * right before, and read again a moment later, so that two of us that meet see it and one tries again. The server
 * checks little: that no CNAME stands beside, and that no delegation lies above, is looked at here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "loop/loop.h"
#include "provider/driver.h"
#include "provider/drivers.h"
#include "provider/powerdns_internal.h"
#include "provider/rdata.h"
#include "provider/rest.h"
#include "json/json.h"

enum {
	PATH_MAX_OCTETS = 2048,
	BODY_MAX = 1 << 20,

	UNPROCESSABLE = 422,
	INTERNAL_ERROR = 500,
	SETTLE_MS = 200, /* until a whole RRset is read again; more than another of us takes from reading to writing */
};

struct powerdns {
	struct provider p; /* first */
	struct rest *rest;
	char *server; /* its path: "/api/v1/servers/localhost" */
	bool asked; /* the version is known, as far as the server tells it */
	bool no_extend; /* it knows no EXTEND */
	struct strv uncut; /* names at which no zone begins */
};

struct work {
	struct powerdns *d;
	struct provider_op *op;
	struct rest_call *call;
	struct loop_timer *timer;
	struct powerdns_held held;
	const char *above; /* the name whose cut is asked for */
	bool replacing;
	bool wrote;
	char what[300];
};

static struct work *work_new(struct provider *p, struct provider_op *op)
{
	struct work *w = xcalloc(1, sizeof(*w));
	w->d = (struct powerdns *)p;
	w->op = op;
	op->state = w;
	return w;
}

static void drop(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	(void)p;
	if (!w)
		return;
	rest_cancel(w->call);
	loop_timer_free(w->timer);
	powerdns_held_done(&w->held);
	free(w);
	op->state = NULL;
}

static void fail(struct work *w, const struct err *e)
{
	struct err copy = {0};
	err_copy(&copy, e);
	provider_op_fail(w->op, &copy);
}

/* The words that this server has for what stands in the way. */
static void blame(const struct rest_reply *r, struct rest_blame *ret)
{
	const char *s = r->json ? json_str(json_get(r->json, "error")) : NULL;
	if (r->status != UNPROCESSABLE || !s)
		return;
	if (strstr(s, "onflicts with"))
		ret->cause = PROVIDER_CNAME_THERE;
	else if (strstr(s, "out of zone"))
		ret->cause = PROVIDER_NO_ZONE;
}

static void get(struct work *w, const char *path, rest_fn fn)
{
	struct rest_request q = {.method = HTTP_GET, .path = path, .what = w->what};
	w->call = rest_send(w->d->rest, &q, fn, w);
}

/* --- the zone --- */

static void on_zone(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	const struct json *zone = r && !err_is(e) ? json_at(r->json, 0) : NULL;
	const char *id = json_str(json_get(zone, "id")), *kind = json_str(json_get(zone, "kind"));
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
		return;
	}
	if (kind && (!strcmp(kind, "Slave") || !strcmp(kind, "Secondary"))) {
		struct err no = {0};
		provider_err(&no, &w->d->p, PROVIDER_NO_ZONE, "its zone %s is a secondary, which takes no changes",
			w->op->candidate);
		err_hint(&no, "use the provider that has the primary");
		provider_op_fail(w->op, &no);
		return;
	}
	provider_op_zone(w->op, id ? w->op->candidate : NULL, id);
}

static void has_zone(struct provider *p, struct provider_op *op)
{
	/* The same operation asks for one candidate after the other. */
	struct work *w = op->state ? op->state : work_new(p, op);
	AUTO(buf_done) struct buf path = buf_make(PATH_MAX_OCTETS);
	snprintf(w->what, sizeof(w->what), "look for the zone %.200s", op->candidate);
	buf_printf(&path, "%s/zones?zone=", w->d->server);
	rest_escape(&path, op->candidate);
	buf_putc(&path, '.');
	get(w, buf_str(&path), on_zone);
}

/* --- reading --- */

static void get_name(struct work *w, const char *name, rest_fn fn)
{
	AUTO(buf_done) struct buf path = buf_make(PATH_MAX_OCTETS);
	buf_printf(&path, "%s/zones/", w->d->server);
	rest_escape(&path, w->op->zone.id);
	buf_puts(&path, "?rrset_name=");
	rest_escape(&path, name);
	buf_putc(&path, '.');
	get(w, buf_str(&path), fn);
}

/* What at the name itself keeps its RRset from being changed. */
static int check_name(const struct work *w, const struct powerdns_held *h, struct err *e)
{
	const char *name = h->set.name;
	if (h->cut) {
		provider_err(e, &w->d->p, PROVIDER_DELEGATED,
			"%s is delegated: what this zone holds there is never served", name);
		provider_hint(e, &w->d->p);
		return -1;
	}
	if (h->set.type != PROVIDER_CNAME && h->cname) {
		provider_err(e, &w->d->p, PROVIDER_CNAME_THERE, "%s is a CNAME to %s", name, h->cname);
		err_hint(e, "remove the CNAME, or put the record at %s", h->cname);
		return -1;
	}
	return 0;
}

static void ask_above(struct work *w);

static void on_above(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	struct powerdns_held h = {0};
	struct err why = {0};
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
		return;
	}
	if (!powerdns_take(w->what, &w->d->p, w->op->zone.name, r, w->above, PROVIDER_TXT, &h, &why) && h.cut) {
		provider_err(&why, &w->d->p, PROVIDER_DELEGATED,
			"%s is below the delegation of %s: what this zone holds there is never served", w->op->name,
			w->above);
		provider_hint(&why, &w->d->p);
	} else if (!err_is(&why) && h.dname) {
		provider_err(&why, &w->d->p, PROVIDER_CNAME_THERE,
			"%s is below the DNAME at %s: nothing there is served", w->op->name, w->above);
		provider_hint(&why, &w->d->p);
	}
	powerdns_held_done(&h);
	if (err_is(&why)) {
		provider_op_fail(w->op, &why);
		return;
	}
	strv_add(&w->d->uncut, w->above);
	w->above = name_parent(w->above);
	ask_above(w);
}

/* The names between the record and the apex, which many records have in common, are looked at once. */
static void ask_above(struct work *w)
{
	while (w->above && name_within(w->above, w->op->zone.name) && strv_has(&w->d->uncut, w->above))
		w->above = name_parent(w->above);
	if (!w->above || !name_within(w->above, w->op->zone.name)) {
		provider_op_rrset(w->op, &w->held.set);
		return;
	}
	get_name(w, w->above, on_above);
}

static void on_read(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	struct err why = {0};
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
	} else if (powerdns_take(w->what, &w->d->p, w->op->zone.name, r, w->op->name, w->op->type, &w->held, &why) ||
		   check_name(w, &w->held, &why)) {
		provider_op_fail(w->op, &why);
	} else {
		w->above = strcmp(w->op->name, w->op->zone.name) != 0 ? name_parent(w->op->name) : NULL;
		ask_above(w);
	}
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "read %.200s %s", op->name, provider_type_name(op->type));
	get_name(w, op->name, on_read);
}

/* --- changing --- */

static void on_written(const struct rest_reply *r, const struct err *e, void *ctx);

static void send_patch(struct work *w, const struct buf *body)
{
	AUTO(buf_done) struct buf path = buf_make(PATH_MAX_OCTETS);
	buf_printf(&path, "%s/zones/", w->d->server);
	rest_escape(&path, w->op->zone.id);
	struct rest_request q = {.method = HTTP_PATCH,
		.path = buf_str(&path),
		.what = w->what,
		.body = buf_str(body),
		.body_n = body->n,
		.repeatable = !w->replacing};
	w->wrote = true;
	w->call = rest_send(w->d->rest, &q, on_written, w);
}

/*
 * Release 5.1 takes the backslashes out of a content that it is sent, and so would damage what it has itself given us.
 * False, and the end, when a value of others is of that kind.
 */
static bool may_replace(struct work *w, const struct provider_rrset *wanted)
{
	struct err e = {0};
	for (size_t i = 0; i < wanted->n && !w->d->no_extend; i++) {
		if (!wanted->values[i].id || !strchr(wanted->values[i].id, '\\'))
			continue;
		provider_err(&e, &w->d->p, PROVIDER_SIZE,
			"the TTL of %s %s cannot be changed without damage to another value there, which has a "
			"backslash",
			wanted->name, provider_type_name(wanted->type));
		err_hint(&e, "keep the TTL of %lld s, or change it at the server", (long long)w->held.set.ttl);
		provider_op_fail(w->op, &e);
		return false;
	}
	return true;
}

/* Writes what the change makes of what is held now. */
static void write_set(struct work *w)
{
	struct provider_change c = w->op->changes[0];
	struct provider_rrset wanted;
	AUTO(buf_done) struct buf body = buf_make(BODY_MAX);
	struct json_out j = json_out_make(&body);
	c.expect = &w->held.set;
	provider_change_wanted(&c, &wanted);
	json_out_object(&j, NULL);
	json_out_array(&j, "rrsets");
	if (w->replacing)
		powerdns_put_whole(&j, &c, &wanted, &w->held.disabled);
	else
		powerdns_put_singles(&j, &c, &wanted);
	json_out_end_array(&j);
	json_out_end_object(&j);
	if (!w->replacing || may_replace(w, &wanted))
		send_patch(w, &body);
	provider_rrset_done(&wanted);
}

static void on_disabled(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	const struct provider_change *c = &w->op->changes[0];
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
		return;
	}
	for (size_t i = 0; i < json_len(r->json); i++) {
		const struct json *hit = json_at(r->json, i);
		const char *name = json_str(json_get(hit, "name")), *type = json_str(json_get(hit, "type"));
		const char *content = json_str(json_get(hit, "content")), *zone = json_str(json_get(hit, "zone_id"));
		struct err ignored = {0};
		bool disabled = false;
		size_t n = strlen(c->name);
		if (json_opt_bool(hit, "disabled", false, &disabled, &ignored))
			err_done(&ignored);
		if (disabled && name && type && content && zone && !strcmp(zone, w->op->zone.id) &&
			!strncasecmp(name, c->name, n) && !strcmp(name + n, ".") &&
			!strcmp(type, provider_type_name(c->type)))
			strv_add(&w->held.disabled, content);
	}
	write_set(w);
}

/* Asked for one name, old servers leave out what is disabled, and a REPLACE would remove it: a search finds it. */
static void begin_write(struct work *w)
{
	struct provider_change c = w->op->changes[0];
	struct provider_rrset wanted;
	AUTO(buf_done) struct buf path = buf_make(PATH_MAX_OCTETS);
	c.expect = &w->held.set;
	provider_change_wanted(&c, &wanted);
	/* Release 5.1 loses what is disabled when it adds to the RRset. */
	w->replacing =
		w->d->no_extend || w->held.disabled.n || (w->held.set.n && wanted.n && wanted.ttl != w->held.set.ttl);
	provider_rrset_done(&wanted);
	if (!w->d->no_extend) {
		write_set(w);
		return;
	}
	strv_done(&w->held.disabled);
	buf_printf(&path, "%s/search-data?object_type=record&max=1000&q=", w->d->server);
	rest_escape(&path, c.name);
	get(w, buf_str(&path), on_disabled);
}

static void end_change(struct work *w, enum provider_outcome outcome)
{
	struct provider_result *r = &w->op->results[0];
	r->outcome = outcome;
	if (outcome == PROVIDER_CHANGED) {
		r->after = w->held.set;
		w->held.set = (struct provider_rrset){0};
	}
	provider_op_changed(w->op);
}

static void on_read_back(struct work *w, const struct provider_change *c)
{
	struct err e = {0};
	if (provider_change_is_done(c, &w->held.set)) {
		end_change(w, PROVIDER_CHANGED);
	} else if (w->replacing) {
		/* Gone again already: another who had read the old RRset has put it back. */
		end_change(w, PROVIDER_LOST);
	} else {
		provider_err(&e, &w->d->p, PROVIDER_IGNORED, "%s: the server says yes and does not hold the change",
			w->what);
		provider_hint(&e, &w->d->p);
		provider_op_fail(w->op, &e);
	}
}

/* Held against what was expected, before writing, or against what was wanted, after it. */
static void on_held(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	const struct provider_change *c = &w->op->changes[0];
	struct err why = {0};
	w->call = NULL;
	powerdns_held_done(&w->held);
	if (err_is(e)) {
		fail(w, e);
		return;
	}
	if (powerdns_take(w->what, &w->d->p, w->op->zone.name, r, c->name, c->type, &w->held, &why) ||
		check_name(w, &w->held, &why)) {
		provider_op_fail(w->op, &why);
		return;
	}
	if (w->wrote) {
		on_read_back(w, c);
		return;
	}
	if (c->type == PROVIDER_CNAME && w->held.others) {
		provider_err(&why, &w->d->p, PROVIDER_CNAME_THERE,
			"%s has other records, beside which no CNAME can stand", c->name);
		err_hint(&why, "remove them first, or leave the name as it is");
		provider_op_fail(w->op, &why);
		return;
	}
	bool same_ttl = !w->held.set.n || !c->expect->n || w->held.set.ttl == c->expect->ttl;
	if (provider_rrset_same(&w->held.set, c->expect) && same_ttl)
		begin_write(w);
	else
		end_change(w, PROVIDER_LOST);
}

static void read_again(void *ctx)
{
	struct work *w = ctx;
	get_name(w, w->op->changes[0].name, on_held);
}

/*
 * Whether the zone was changed between our reading and our writing. Old releases give the serial after the change for
 * the one before it, too: then ours should be the next of the same day.
 */
static bool has_met(const struct work *w, const struct rest_reply *r)
{
	const char *before = http_reply_header(r->http, "x-pdns-old-serial");
	const char *after = http_reply_header(r->http, "x-pdns-new-serial");
	int64_t read = w->held.serial, old = before ? strtoll(before, NULL, 10) : 0,
		new = after ? strtoll(after, NULL, 10) : 0;
	if (!w->replacing || !read || !old)
		return false;
	return old == new ? new > read + 1 && new / 100 == read / 100 : old != read;
}

/* Perhaps it was this RRset. */
static void note_meeting(struct work *w, const struct rest_reply *r)
{
	if (has_met(w, r))
		w->op->results[0].note = xasprintf(
			"the zone %s was changed by somebody else in the same moment; if that was at %s, their value "
			"is lost: "
			"this server can only replace all values at a name (PowerDNS 4.9.12 and 5.0.2 can do better)",
			w->op->zone.name, w->op->changes[0].name);
}

static void on_written(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	w->call = NULL;
	if (r && r->status == UNPROCESSABLE && !w->replacing && strstr(e->msg, "hangetype")) {
		w->d->no_extend = true;
		w->wrote = false;
		begin_write(w);
		return;
	}
	/* Somebody has set another TTL, or holds the database: nothing was done. */
	if (r && ((r->status == UNPROCESSABLE && strstr(e->msg, "different TTL")) || r->status == INTERNAL_ERROR)) {
		end_change(w, PROVIDER_LOST);
		return;
	}
	if (!r || err_is(e)) {
		fail(w, e);
		return;
	}
	note_meeting(w, r);
	if (!w->timer)
		w->timer = loop_timer_new(w->d->p.loop, read_again, w);
	loop_timer_start(w->timer, w->replacing ? SETTLE_MS + (int64_t)random_below(SETTLE_MS) : 0);
}

static void on_version(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
		return;
	}
	const char *version = json_str(json_get(r->json, "version"));
	w->d->asked = true;
	w->d->no_extend = version && !powerdns_knows_extend(version);
	read_again(w);
}

static void change(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new(p, op);
	const struct provider_change *c = &op->changes[0];
	snprintf(w->what, sizeof(w->what), "change %.200s %s", c->name, provider_type_name(c->type));
	if (w->d->asked)
		read_again(w);
	else
		get(w, w->d->server, on_version);
}

/* --- open, close --- */

static void powerdns_free(struct provider *p)
{
	struct powerdns *d = (struct powerdns *)p;
	rest_free(d->rest);
	strv_done(&d->uncut);
	free(d->server);
	free(d);
}

static int open_rest(struct powerdns *d, const struct config_provider *conf, struct err *e)
{
	AUTO(xfreep) char *base = xstrdup(config_provider_str(conf, "url"));
	struct secret key;
	for (size_t n = strlen(base); n && base[n - 1] == '/'; n--)
		base[n - 1] = '\0';
	struct rest_options o = {.base = base,
		.ca_bundle = config_provider_str(conf, "ca_bundle"),
		.plain = config_provider_int(conf, "plain_http", 0) != 0,
		.blame = blame};
	if (provider_secret(conf, "key_file", &key, e))
		return -1;
	int rc = rest_new(&d->p, &o, &d->rest, e);
	if (!rc)
		rest_header(d->rest, "X-API-Key", "", &key);
	secret_done(&key);
	return rc;
}

static int powerdns_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct powerdns *d = xcalloc(1, sizeof(*d));
	const char *id = config_provider_str(conf, "server_id");
	provider_init(&d->p, &driver_powerdns, l, conf);
	d->p.caps.write = PROVIDER_VALUES;
	d->p.caps.txt = PROVIDER_TXT_QUOTED;
	d->p.caps.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA;
	d->p.caps.ttl_max = INT32_MAX;
	d->server = xasprintf("/api/v1/servers/%s", id ? id : "localhost");
	if (open_rest(d, conf, e)) {
		powerdns_free(&d->p);
		return -1;
	}
	*ret = &d->p;
	return 0;
}

const struct provider_driver driver_powerdns = {
	.type = "powerdns",
	.title = "PowerDNS authoritative server, HTTP interface",
	.open = powerdns_open,
	.free = powerdns_free,
	.has_zone = has_zone,
	.read = read_rrset,
	.change = change,
	.drop = drop,
	.policy = powerdns_policy,
};
