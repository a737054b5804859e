/*
 * hetzner.c: Hetzner Cloud DNS. Values are added to an RRset and removed from it one by one, so those of others are not
 * touched. Each change is an action that ends later; whether it did is what waiting is about. An RRset that names no
 * TTL has the zone's, and keeps it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/drivers.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum { PER_PAGE = 50, NAME_OCTETS = 1024, NUMBER_OCTETS = 32 };

static void blame(const struct rest_reply *r, struct rest_blame *ret)
{
	static const struct rest_known known[] = {
		{"unauthorized", PROVIDER_KEY, false},
		{"token_readonly", PROVIDER_POLICY, false},
		{"forbidden", PROVIDER_POLICY, false},
		{"protected", PROVIDER_POLICY, false},
		{"locked", PROVIDER_BUSY, true},
		{"conflict", PROVIDER_BUSY, true},
		{NULL, 0, false},
	};
	const char *code = json_str(json_get(json_get(r->json, "error"), "code"));
	rest_blame_by(known, code, ret);
}

static bool error_is(const struct rest_reply *r, const char *code)
{
	const char *got = r ? json_str(json_get(json_get(r->json, "error"), "code")) : NULL;
	return got && !strcmp(got, code);
}

/* Whether the answer has the page after this one. */
static bool more_pages(const struct rest_work *w, const struct json *reply)
{
	(void)w;
	int64_t next = 0;
	return json_int(json_get(json_get(json_get(reply, "meta"), "pagination"), "next_page"), &next) && next > 0;
}

/* --- zones --- */

static void has_zone(struct provider *p, struct provider_op *op)
{
	rest_has_zone(p, op, "/zones/", "");
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	/* Ids are numbers, but a name serves in their place. */
	static const struct rest_list list = {
		.member = "zones", .per_page = PER_PAGE, .more = more_pages, .take = rest_take_zone};
	rest_list_zones(p, op, &list, "/zones?");
}

/* --- reading --- */

static int take_set(struct rest_work *w, const struct json *set, struct err *e)
{
	const char *type = json_str(json_get(set, "type"));
	const struct json *records = json_get(set, "records");
	int64_t ttl = 0;
	for (size_t i = 0; type && i < json_len(records); i++) {
		const struct json *record = json_at(records, i);
		const char *value = json_str(json_get(record, "value")), *mark = json_str(json_get(record, "comment"));
		if (rest_work_record(w, type, value ? value : "", value, mark && *mark ? mark : NULL, e))
			return -1;
	}
	if (w->found.n && json_int(json_get(set, "ttl"), &ttl))
		w->found.ttl = ttl;
	return 0;
}

static void put_name(struct buf *path, const char *name, const char *zone)
{
	AUTO(buf_done) struct buf relative = buf_make(NAME_OCTETS);
	rest_put_relative(&relative, name, zone);
	rest_escape(path, buf_str(&relative));
}

/* The RRsets of all types at the name: what stands in the way shows, too. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {
		.member = "rrsets", .per_page = PER_PAGE, .more = more_pages, .take = take_set};
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	provider_rrset_init(&w->found, op->name, op->type);
	buf_printf(&path, "/zones/%s/rrsets?name=", op->zone.id);
	put_name(&path, op->name, op->zone.name);
	buf_putc(&path, '&');
	rest_work_list(w, &list, &path);
}

/* --- changing --- */

/* The number of an action that is not over yet. */
static void take_action(struct rest_work *w, const struct json *action)
{
	const char *status = json_str(json_get(action, "status"));
	char number[NUMBER_OCTETS];
	int64_t id;
	if (!json_int(json_get(action, "id"), &id) || (status && !strcmp(status, "success")))
		return;
	snprintf(number, sizeof(number), "%lld", (long long)id);
	strv_add(&w->ids, number);
}

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (error_is(r, "uniqueness_error") || error_is(r, "not_found")) {
		/* Somebody has added the same, or taken away what was to go. */
		rest_work_lost(w);
	} else if (!r || err_is(e)) {
		rest_work_fail(w, e);
	} else {
		take_action(w, json_get(r->json, "action"));
		if (rest_work_next(w, on_changed))
			return;
		AUTO(xfreep) char *ticket = strv_join(&w->ids, ",");
		rest_work_changed(w, ticket);
	}
}

static void action(struct rest_work *w, const char *name, const struct buf *body)
{
	const struct provider_change *c = &w->op->changes[0];
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_printf(&path, "/zones/%s/rrsets/", w->op->zone.id);
	put_name(&path, c->name, w->op->zone.name);
	buf_printf(&path, "/%s/actions/%s", provider_type_name(c->type), name);
	rest_work_step(w, HTTP_POST, &path, body);
}

/* Values of `from` that are not in `but`: those to add, or those to remove in the form in which they stand there. */
static void values_action(struct rest_work *w, const char *name, const struct provider_rrset *from,
	const struct provider_rrset *but, int64_t ttl)
{
	const struct provider_change *c = &w->op->changes[0];
	AUTO(buf_done) struct buf body = buf_make(REST_BODY_MAX);
	struct json_out j = json_out_make(&body);
	size_t n = 0;
	json_out_object(&j, NULL);
	if (ttl)
		json_out_int(&j, "ttl", ttl);
	json_out_array(&j, "records");
	for (size_t i = 0; i < from->n; i++) {
		const struct provider_value *v = &from->values[i];
		if (provider_rrset_find(but, v->data))
			continue;
		json_out_object(&j, NULL);
		json_out_str(&j, "value", v->id ? v->id : v->data);
		if (but == c->expect && c->mark)
			json_out_str(&j, "comment", c->mark);
		json_out_end_object(&j);
		n++;
	}
	json_out_end_array(&j);
	json_out_end_object(&j);
	if (n)
		action(w, name, &body);
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s", op->changes[0].name);
	const struct provider_change *c = &op->changes[0];
	struct provider_rrset wanted;
	provider_change_wanted(c, &wanted);
	/* A CNAME stands alone; of others the name is not to be without values in between. */
	if (c->type == PROVIDER_CNAME)
		values_action(w, "remove_records", c->expect, &wanted, 0);
	values_action(w, "add_records", &wanted, c->expect, c->expect->n ? 0 : c->ttl);
	if (c->type != PROVIDER_CNAME)
		values_action(w, "remove_records", c->expect, &wanted, 0);
	if (c->expect->ttl && wanted.n && c->ttl != c->expect->ttl) {
		AUTO(buf_done) struct buf body = buf_make(REST_BODY_MAX);
		buf_printf(&body, "{\"ttl\":%lld}", (long long)c->ttl);
		action(w, "change_ttl", &body);
	}
	provider_rrset_done(&wanted);
	if (!rest_work_next(w, on_changed))
		rest_work_changed(w, NULL);
}

/* --- waiting --- */

static void on_action(const struct rest_reply *r, const struct err *e, void *ctx);

/* Asks for the first of the actions that are left. */
static void poll_action(struct rest_work *w)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_puts(&path, "/actions/");
	rest_escape(&path, w->ids.v[w->page - 1]);
	rest_work_poll(w, &path, on_action);
}

static void on_action(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
		return;
	}
	const struct json *state = json_get(r->json, "action");
	const char *status = json_str(json_get(state, "status"));
	if (status && !strcmp(status, "error")) {
		const char *words = json_str(json_get(json_get(state, "error"), "message"));
		struct err bad = {0};
		provider_err(&bad, &w->d->p, PROVIDER_OTHER, "the change was taken and then failed: %s",
			words ? words : "no reason given");
		rest_work_refuse(w, &bad);
		return;
	}
	w->page += status && !strcmp(status, "success");
	if (w->page > w->ids.n)
		provider_op_synced(w->op);
	else
		poll_action(w);
}

static void sync_change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "wait for action %.100s", op->ticket);
	AUTO(xfreep) char *copy = xstrdup(op->ticket);
	char *rest = copy;
	for (char *id; (id = strsep(&rest, ","));)
		strv_add(&w->ids, id);
	poll_action(w);
}

/* --- opening --- */

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	(void)conf;
	(void)owners; /* tokens know projects, neither zones nor names */
	buf_puts(out,
		"Make an API token in the project of the zones (Security, API tokens) with the permission\n\n"
		"  Read & Write\n\n"
		"A token is good for the whole project: for every zone in it, and for servers, networks and volumes. "
		"Keep zones\nin a project of their own, and put the token into token_file, mode 0600.\n");
}

static const struct provider_caps caps = {
	.write = PROVIDER_VALUES,
	.txt = PROVIDER_TXT_SPLIT,
	.types = PROVIDER_CAN_CNAME,
	.batch = 1,
	.ttl_min = 60,
	.ttl_max = INT32_MAX,
	.ownership = "comment",
	.rate_calls = 3400, /* 3600 an hour are for the whole project */
	.rate_ms = 3600000,
	.sync = true,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = "https://api.hetzner.cloud/v1",
	.token_prefix = "Bearer ",
	.blame = blame,
};

const struct provider_driver driver_hetzner = {
	.type = "hetzner",
	.title = "Hetzner Cloud DNS",
	.open = rest_driver_open,
	.kind = &kind,
	.free = rest_driver_free,
	.has_zone = has_zone,
	.list_zones = list_zones,
	.read = read_rrset,
	.change = change,
	.sync = sync_change,
	.drop = rest_work_drop,
	.policy = policy,
};
