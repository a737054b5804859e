/*
 * digitalocean.c: DigitalOcean. Records are kept one by one, each with an id, so values of others are not touched. The
 * same record may be there twice, when two writers add it at once: it is read as one value with two ids, and both go
 * with it. TXT data is the bare text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/drivers.h"
#include "provider/rdata.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum { PER_PAGE = 200, NAME_OCTETS = 1024, VALUE_OCTETS = 64 << 10, NOT_FOUND = 404, UNPROCESSABLE = 422 };

static void blame(const struct rest_reply *r, struct rest_blame *ret)
{
	const char *message = json_str(json_get(r->json, "message"));
	if (r->status == UNPROCESSABLE && message && strstr(message, "CNAME"))
		ret->cause = PROVIDER_CNAME_THERE;
}

/* Whether the answer has the page after this one. */
static bool more_pages(const struct rest_work *w, const struct json *reply)
{
	(void)w;
	return json_str(json_get(json_get(json_get(reply, "links"), "pages"), "next")) != NULL;
}

/* --- zones --- */

static void has_zone(struct provider *p, struct provider_op *op)
{
	rest_has_zone(p, op, "/domains/", "");
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {
		.member = "domains", .per_page = PER_PAGE, .more = more_pages, .take = rest_take_zone};
	rest_list_zones(p, op, &list, "/domains?");
}

/* --- reading --- */

/* The value read last goes into the id of an earlier one that is the same. */
static void merge(struct provider_rrset *s)
{
	struct provider_value *last = &s->values[s->n - 1];
	for (size_t i = 0; i + 1 < s->n; i++)
		if (!strcmp(s->values[i].data, last->data)) {
			char *both = xasprintf("%s,%s", s->values[i].id, last->id);
			free(s->values[i].id);
			s->values[i].id = both;
			free(last->data);
			free(last->id);
			s->n--;
			return;
		}
}

static int take(struct rest_work *w, const struct json *record, struct err *e)
{
	AUTO(buf_done) struct buf relative = buf_make(NAME_OCTETS);
	const char *type = json_str(json_get(record, "type")), *name = json_str(json_get(record, "name"));
	const char *data = json_str(json_get(record, "data"));
	int64_t id, ttl = 0;
	rest_put_relative(&relative, w->op->name, w->op->zone.name);
	if (!type || !name || !data || strcmp(name, buf_str(&relative)) != 0 || !json_int(json_get(record, "id"), &id))
		return 0;
	size_t had = w->found.n;
	AUTO(xfreep) char *number = xasprintf("%lld", (long long)id);
	AUTO(xfreep)
	char *text = !strcmp(type, "TXT") ? rdata_from_text(data, strlen(data))
		     : !strcmp(data, "@") ? xstrdup(w->op->zone.name)
					  : xstrdup(data);
	if (rest_work_record(w, type, text, number, NULL, e))
		return -1;
	if (w->found.n > had) {
		json_int(json_get(record, "ttl"), &ttl);
		w->found.ttl = ttl;
		merge(&w->found);
	}
	return 0;
}

/* The records of all types: what stands in the way shows, too. The whole name asks, the relative one is answered. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {
		.member = "domain_records", .per_page = PER_PAGE, .more = more_pages, .take = take};
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	provider_rrset_init(&w->found, op->name, op->type);
	buf_printf(&path, "/domains/%s/records?name=", op->zone.id);
	rest_escape(&path, op->name);
	buf_putc(&path, '&');
	rest_work_list(w, &list, &path);
}

/* --- changing --- */

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	enum http_method method = w->steps[w->step - 1].method;
	int64_t id;
	if (r && r->status == NOT_FOUND && method == HTTP_PATCH) {
		rest_work_lost(w);
		return;
	}
	/* What is gone already need not go. */
	bool gone = r && r->status == NOT_FOUND && method == HTTP_DELETE;
	if (!gone && (!r || err_is(e))) {
		rest_work_fail(w, e);
		return;
	}
	if (method == HTTP_POST && json_int(json_get(json_get(r->json, "domain_record"), "id"), &id))
		strv_add_take(&w->made, xasprintf("%lld", (long long)id));
	if (!rest_work_next(w, on_changed))
		rest_work_changed(w, NULL);
}

/* A step for each id of a value: that it goes, or gets another TTL. */
static void id_steps(struct rest_work *w, const struct provider_value *v, enum http_method method)
{
	const struct provider_change *c = &w->op->changes[0];
	AUTO(xfreep) char *ids = xstrdup(v->id);
	AUTO(buf_done) struct buf body = buf_make(REST_BODY_MAX);
	buf_printf(&body, "{\"type\":\"%s\",\"ttl\":%lld}", provider_type_name(c->type), (long long)c->ttl);
	char *rest = ids;
	for (char *id; (id = strsep(&rest, ","));) {
		AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
		buf_printf(&path, "/domains/%s/records/%s", w->op->zone.id, id);
		rest_work_step(w, method, &path, method == HTTP_PATCH ? &body : NULL);
	}
}

static void old_steps(struct rest_work *w, const struct provider_rrset *wanted, bool stays)
{
	const struct provider_change *c = &w->op->changes[0];
	for (size_t i = 0; i < c->expect->n; i++) {
		const struct provider_value *v = &c->expect->values[i];
		if ((provider_rrset_find(wanted, v->data) != NULL) == stays && v->id)
			id_steps(w, v, stays ? HTTP_PATCH : HTTP_DELETE);
	}
}

/* -1: the text is not one that it takes. */
static int new_step(struct rest_work *w, const char *data, struct err *e)
{
	const struct provider_change *c = &w->op->changes[0];
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	AUTO(buf_done) struct buf relative = buf_make(NAME_OCTETS), text = buf_make(VALUE_OCTETS);
	struct json_out j = json_out_make(&body);
	if (c->type == PROVIDER_TXT)
		rdata_text(data, &text);
	else
		buf_puts(&text, data);
	if (strpbrk(buf_str(&text), "\\\"") || strlen(buf_str(&text)) != text.n) {
		provider_err(e, &w->d->p, PROVIDER_SIZE, "the value for %s has a quote or a backslash in it", c->name);
		err_hint(e, "it keeps such values as something else: set it by hand and look at what is served");
		return -1;
	}
	rest_put_relative(&relative, c->name, w->op->zone.name);
	json_out_object(&j, NULL);
	json_out_str(&j, "type", provider_type_name(c->type));
	json_out_str(&j, "name", buf_str(&relative));
	json_out_str(&j, "data", buf_str(&text));
	json_out_int(&j, "ttl", c->ttl);
	json_out_end_object(&j);
	buf_printf(&path, "/domains/%s/records", w->op->zone.id);
	rest_work_step(w, HTTP_POST, &path, &body);
	return 0;
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s", op->changes[0].name);
	const struct provider_change *c = &op->changes[0];
	struct provider_rrset wanted;
	struct err bad = {0};
	provider_change_wanted(c, &wanted);
	/* A CNAME stands alone; of others the name is not to be without values in between. */
	if (c->type == PROVIDER_CNAME)
		old_steps(w, &wanted, false);
	for (size_t i = 0; i < wanted.n && !err_is(&bad); i++)
		if (!wanted.values[i].id)
			new_step(w, wanted.values[i].data, &bad);
	if (c->type != PROVIDER_CNAME)
		old_steps(w, &wanted, false);
	if (c->ttl != c->expect->ttl)
		old_steps(w, &wanted, true);
	provider_rrset_done(&wanted);
	if (err_is(&bad))
		provider_op_fail(op, &bad);
	else if (!rest_work_next(w, on_changed))
		rest_work_changed(w, NULL);
}

/* --- opening --- */

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	(void)conf;
	(void)owners; /* tokens know neither domains nor names */
	buf_puts(out,
		"Make a personal access token (API, Tokens, Generate New Token) with Custom Scopes\n\n"
		"  domain: create, read, update, delete\n\n"
		"Records are written with the scope domain. A token is good for every domain of the team and cannot be "
		"limited to\nsome names. Give it an end, and put it into token_file, mode 0600.\n");
}

static const struct provider_caps caps = {
	.write = PROVIDER_VALUES,
	.alone = true,
	.txt = PROVIDER_TXT_RAW,
	.types = PROVIDER_CAN_CNAME,
	.batch = 1,
	.value_max = 512,
	.ttl_min = 30,
	.ttl_max = INT32_MAX,
	.rate_calls = 240, /* 250 a minute; also 5000 an hour */
	.rate_ms = 60000,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = "https://api.digitalocean.com/v2",
	.token_prefix = "Bearer ",
	.blame = blame,
};

const struct provider_driver driver_digitalocean = {
	.type = "digitalocean",
	.title = "DigitalOcean",
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
