/*
 * cloudflare.c: Cloudflare's API, version 4. Records are kept one by one, each with an id, so values of others are not
 * touched; what belongs together goes in one batch, which is done whole or not at all. There is no comparing with what
 * was read, but an identical record is refused, so two of us that add the same end with one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/drivers.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum {
	PER_PAGE = 100, /* of records */
	ZONES_PER_PAGE = 50,
	BATCH = 50, /* RRsets; the smallest plan takes 200 records in a batch */

	SAME_NAME = 81057, /* codes of errors: a record of that name, or the very record, is there already */
	SAME_RECORD = 81058,
	CONFLICT_A = 81053, /* A, AAAA or CNAME records stand in the way */
	CONFLICT_CNAME = 81054,
	NO_ROUTE = 7003, /* the zone's id means nothing */
	BAD_HEADERS = 6003,
	BAD_TOKEN = 9109,
	BAD_AUTH = 10000,
	NOT_ALLOWED = 10001,
};

/* The first error of the envelope. */
static int64_t code_of(const struct json *reply)
{
	int64_t code = 0;
	json_int(json_get(json_at(json_get(reply, "errors"), 0), "code"), &code);
	return code;
}

static void blame(const struct rest_reply *r, struct rest_blame *ret)
{
	const struct json *first = json_at(json_get(r->json, "errors"), 0);
	const struct json *inner = json_at(json_get(first, "error_chain"), 0);
	const char *words = json_str(json_get(first, "message")), *more = json_str(json_get(inner, "message"));
	int64_t code = code_of(r->json);
	switch (code) {
	case CONFLICT_A:
	case CONFLICT_CNAME:
		ret->cause = PROVIDER_CNAME_THERE;
		break;
	case NO_ROUTE:
		ret->cause = PROVIDER_NO_ZONE;
		break;
	case BAD_HEADERS:
	case BAD_TOKEN:
	case BAD_AUTH:
		ret->cause = PROVIDER_KEY;
		break;
	case NOT_ALLOWED:
		ret->cause = PROVIDER_POLICY;
		break;
	default:
		break;
	}
	if (words)
		snprintf(ret->words, sizeof(ret->words), "%.200s%s%.120s (code %lld)", words, more ? ": " : "",
			more ? more : "", (long long)code);
}

/* Whether the reply has the page after this one. */
static bool more_pages(const struct rest_work *w, const struct json *reply)
{
	int64_t pages = 0;
	json_int(json_get(json_get(reply, "result_info"), "total_pages"), &pages);
	return (int64_t)w->page < pages;
}

/* --- zones --- */

static void on_zone(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	const char *id = r && !err_is(e) ? json_str(json_get(json_at(json_get(r->json, "result"), 0), "id")) : NULL;
	if (err_is(e))
		rest_work_fail(w, e);
	else
		provider_op_zone(w->op, id ? w->op->candidate : NULL, id);
}

static void has_zone(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "look for zone %.200s", op->candidate);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_puts(&path, "/zones?name=");
	rest_escape(&path, op->candidate);
	rest_work_get(w, &path, on_zone);
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {
		.member = "result", .per_page = ZONES_PER_PAGE, .more = more_pages, .take = rest_take_zone};
	rest_list_zones(p, op, &list, "/zones?");
}

/* --- reading --- */

/* Record data of one record: TXT in quotes, a CNAME's target bare. */
static int take(struct rest_work *w, const struct json *record, struct err *e)
{
	const char *content = json_str(json_get(record, "content")), *id = json_str(json_get(record, "id"));
	const char *type = json_str(json_get(record, "type")), *mark = json_str(json_get(record, "comment"));
	size_t had = w->found.n;
	if (!type)
		return 0;
	if (rest_work_record(w, type, content && id ? content : "", id, mark, e))
		return -1;
	if (w->found.n > had)
		json_int(json_get(record, "ttl"), &w->found.ttl);
	return 0;
}

/* The records of all types at the name: what stands in the way shows, too. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {
		.member = "result", .per_page = PER_PAGE, .more = more_pages, .take = take};
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	provider_rrset_init(&w->found, op->name, op->type);
	buf_printf(&path, "/zones/%s/dns_records?name.exact=", op->zone.id);
	rest_escape(&path, op->name);
	buf_putc(&path, '&');
	rest_work_list(w, &list, &path);
}

/* --- changing --- */

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	int64_t code = r && err_is(e) ? code_of(r->json) : 0;
	if (code == SAME_NAME || code == SAME_RECORD || (r && r->status == 404 && code != NO_ROUTE)) {
		/* Somebody has added the same, or taken away what was to go: nothing of the batch was done. */
		rest_work_lost(w);
	} else if (!r || err_is(e)) {
		rest_work_fail(w, e);
	} else {
		const struct json *posts = json_get(json_get(r->json, "result"), "posts");
		for (size_t i = 0; i < json_len(posts); i++) {
			const char *id = json_str(json_get(json_at(posts, i), "id"));
			strv_add(&w->made, id ? id : "");
		}
		rest_work_changed(w, NULL);
	}
}

static void put_post(struct json_out *j, const struct provider_change *c, const char *data)
{
	json_out_object(j, NULL);
	json_out_str(j, "type", provider_type_name(c->type));
	json_out_str(j, "name", c->name);
	size_t n = strlen(data);
	json_out_strn(j, "content", data, c->type == PROVIDER_CNAME && n ? n - 1 : n);
	json_out_int(j, "ttl", c->ttl);
	if (c->type == PROVIDER_CNAME)
		json_out_bool(j, "proxied", false);
	if (c->mark)
		json_out_str(j, "comment", c->mark);
	json_out_end_object(j);
}

/* One of the lists of a batch: what goes, what gets another TTL, what comes. */
static void put_list(struct json_out *j, const char *list, const struct provider_op *op)
{
	bool deletes = !strcmp(list, "deletes"), posts = !strcmp(list, "posts");
	json_out_array(j, list);
	for (size_t i = 0; i < op->n; i++) {
		const struct provider_change *c = &op->changes[i];
		struct provider_rrset wanted;
		provider_change_wanted(c, &wanted);
		for (size_t k = 0; k < c->expect->n && !posts; k++) {
			const struct provider_value *v = &c->expect->values[k];
			bool stays = provider_rrset_find(&wanted, v->data) != NULL;
			if (deletes ? stays : !stays || c->expect->ttl == c->ttl)
				continue;
			json_out_object(j, NULL);
			json_out_str(j, "id", v->id);
			if (!deletes)
				json_out_int(j, "ttl", c->ttl);
			json_out_end_object(j);
		}
		for (size_t k = 0; k < wanted.n && posts; k++)
			if (!wanted.values[k].id)
				put_post(j, c, wanted.values[k].data);
		provider_rrset_done(&wanted);
	}
	json_out_end_array(j);
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s%s", op->changes[0].name, rest_others(op));
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	struct json_out j = json_out_make(&body);
	json_out_object(&j, NULL);
	put_list(&j, "deletes", op);
	put_list(&j, "patches", op);
	put_list(&j, "posts", op);
	json_out_end_object(&j);
	buf_printf(&path, "/zones/%s/dns_records/batch", op->zone.id);
	rest_work_step(w, HTTP_POST, &path, &body);
	rest_work_next(w, on_changed);
}

/* --- opening --- */

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	(void)owners; /* tokens know zones, not names */
	buf_puts(out, "Make an API token (My Profile, API Tokens, Create Token, Custom token) with\n\n"
		      "  Permissions     Zone / DNS / Edit\n"
		      "                  Zone / Zone / Read\n"
		      "  Zone Resources  Include / Specific zone / ");
	for (size_t i = 0; i < conf->zones.n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", conf->zones.v[i]);
	buf_puts(out, conf->zones.n ? "\n" : "each zone with standing records\n");
	buf_puts(out, "  Client IP Address Filtering  the publishing host\n\n"
		      "A token cannot be limited to some names of a zone. Put it into token_file, mode 0600. The "
		      "global API key "
		      "is not\nsupported: it may do everything.\n");
}

static const struct provider_caps caps = {
	.write = PROVIDER_VALUES,
	.txt = PROVIDER_TXT_SPLIT,
	.types = PROVIDER_CAN_CNAME,
	.batch = BATCH,
	.batch_atomic = true,
	.ttl_min = 60,
	.ttl_max = 86400,
	.ownership = "comment",
	.rate_calls = 1100, /* 1200 in five minutes are for the whole user, dashboard included */
	.rate_ms = 300000,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = "https://api.cloudflare.com/client/v4",
	.token_prefix = "Bearer ",
	.blame = blame,
	.repeatable = true, /* what was done already is refused as identical, or as gone */
};

const struct provider_driver driver_cloudflare = {
	.type = "cloudflare",
	.title = "Cloudflare",
	.open = rest_driver_open,
	.kind = &kind,
	.free = rest_driver_free,
	.has_zone = has_zone,
	.list_zones = list_zones,
	.read = read_rrset,
	.change = change,
	.drop = rest_work_drop,
	.policy = policy,
};
