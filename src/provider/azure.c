/*
 * azure.c: Azure DNS through Resource Manager. A record set is written as a whole, but only when it is still the one
 * that was read: each has an ETag, which goes with the change. Access tokens come from Microsoft Entra for a client
 * secret, or from the metadata service of a machine there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/azure.h"
#include "provider/drivers.h"
#include "provider/restdriver.h"
#include "provider/token.h"
#include "json/json.h"

enum { NAME_OCTETS = 1024, VERSION_MAX = 64 << 10, NOT_FOUND = 404, PRECONDITION = 412 };

static const char base_url[] = "https://management.azure.com";
static const char login_url[] = "https://login.microsoftonline.com";
static const char api_version[] = "api-version=2018-05-01";

struct azure {
	char *client;
	struct secret secret;
};

static void put_zones(struct buf *path, const struct rest_work *w)
{
	const struct config_provider *conf = w->d->p.conf;
	buf_puts(path, "/subscriptions/");
	rest_escape(path, config_provider_str(conf, "subscription"));
	buf_puts(path, "/resourceGroups/");
	rest_escape(path, config_provider_str(conf, "resource_group"));
	buf_puts(path, "/providers/Microsoft.Network/dnsZones");
}

/* The path of a record set. */
static void put_set(struct buf *path, const struct rest_work *w, const char *name, enum provider_type type)
{
	AUTO(buf_done) struct buf relative = buf_make(NAME_OCTETS);
	rest_put_relative(&relative, name, w->op->zone.name);
	put_zones(path, w);
	buf_putc(path, '/');
	rest_escape(path, w->op->zone.id);
	buf_printf(path, "/%s/", provider_type_name(type));
	rest_escape(path, buf_str(&relative));
	buf_printf(path, "?%s", api_version);
}

/* --- zones --- */

static void on_zone(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (r && !err_is(e))
		provider_op_zone(w->op, w->op->candidate, w->op->candidate);
	else if (r && azure_is_no_zone(r))
		provider_op_zone(w->op, NULL, NULL);
	else
		rest_work_fail(w, e);
}

static void has_zone(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "look for zone %.200s", op->candidate);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	put_zones(&path, w);
	buf_putc(&path, '/');
	rest_escape(&path, op->candidate);
	buf_printf(&path, "?%s", api_version);
	rest_work_get(w, &path, on_zone);
}

static int take_zone(struct rest_work *w, const struct json *zone, struct err *e)
{
	const char *name = json_str(json_get(zone, "name"));
	const char *type = json_str(json_get(json_get(zone, "properties"), "zoneType"));
	if (!name)
		return provider_err(e, &w->d->p, PROVIDER_REPLY, "a zone without a name");
	if (type && strcasecmp(type, "Public") != 0)
		provider_op_pass(w->op, name, "a private zone");
	else
		provider_op_list(w->op, name, name);
	return 0;
}

static void next_page(const struct rest_work *w, const struct rest_reply *r, struct buf *out)
{
	const char *link = json_str(json_get(r->json, "nextLink"));
	(void)w;
	if (link)
		buf_puts(out, link);
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {.member = "value", .next = next_page, .take = take_zone};
	struct rest_work *w = rest_work_new(p, op, "list the zones");
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	put_zones(&path, w);
	buf_printf(&path, "?%s", api_version);
	rest_work_list(w, &list, &path);
}

/* --- reading --- */

static int take_record(struct rest_work *w, const struct json *record, struct err *e)
{
	AUTO(buf_done) struct buf json = buf_make(REST_BODY_MAX);
	AUTO(xfreep) char *text = azure_record_text(w->found.type, record);
	azure_copy_record(&json, w->found.type, record);
	return rest_work_record(w, provider_type_name(w->found.type), text ? text : "", buf_str(&json), NULL, e);
}

static void put_metadata(const char *member, const struct json *v, void *ctx)
{
	if (json_str(v))
		json_out_str(ctx, member, json_str(v));
}

/*
 * What a change needs to know of the set beside its records: the ETag, and behind a blank the metadata that others gave
 * it, which would go with a set that is written without.
 */
static int take_version(struct rest_work *w, const struct json *set, struct err *e)
{
	const char *etag = json_str(json_get(set, "etag"));
	const struct json *metadata = json_get(json_get(set, "properties"), "metadata");
	AUTO(buf_done) struct buf b = buf_make(VERSION_MAX);
	struct json_out j = json_out_make(&b);
	const char *p = etag ? etag : "";
	while (*p > ' ' && *p < 0x7f)
		p++;
	if (!etag || p == etag || *p)
		return provider_err(e, &w->d->p, PROVIDER_REPLY, "a record set of %s without an etag", w->found.name);
	buf_printf(&b, "%s ", etag);
	json_out_object(&j, NULL);
	json_each(metadata, put_metadata, &j);
	json_out_end_object(&j);
	if (buf_check(&b, "metadata of a record set", e))
		return -1;
	w->found.version = xstrdup(buf_str(&b));
	return 0;
}

static int take_set(struct rest_work *w, const struct json *set, struct err *e)
{
	const struct json *properties = json_get(set, "properties");
	const struct json *records = json_get(properties, azure_member(w->found.type));
	if (json_str(json_get(json_get(properties, "targetResource"), "id"))) {
		provider_err(e, &w->d->p, PROVIDER_OTHER, "the %s record set of %s is an alias of another resource",
			provider_type_name(w->found.type), w->found.name);
		err_hint(e, "such sets are changed at the provider, or a simple one takes their place");
		return -1;
	}
	if (take_version(w, set, e))
		return -1;
	if (json_is_object(records) && take_record(w, records, e))
		return -1;
	for (size_t i = 0; i < json_len(records); i++)
		if (take_record(w, json_at(records, i), e))
			return -1;
	if (w->found.n)
		json_int(json_get(properties, "TTL"), &w->found.ttl);
	return 0;
}

static void on_read(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	bool none = r && r->status == NOT_FOUND && azure_is_no_zone(r);
	if (!none && (!r || err_is(e)))
		rest_work_fail(w, e);
	else if (!none && take_set(w, r->json, &bad))
		rest_work_refuse(w, &bad);
	else
		provider_op_rrset(w->op, &w->found);
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	provider_rrset_init(&w->found, op->name, op->type);
	put_set(&path, w, op->name, op->type);
	rest_work_get(w, &path, on_read);
}

/* --- changing --- */

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (r && r->status == PRECONDITION)
		rest_work_lost(w);
	else if (!r || err_is(e))
		rest_work_fail(w, e);
	else
		rest_work_changed(w, NULL);
}

static int check_values(const struct rest_work *w, const struct provider_rrset *wanted, struct err *e)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->values[i].id || azure_can_hold(wanted->type, wanted->values[i].data))
			continue;
		provider_err(e, &w->d->p, PROVIDER_SIZE, "the value for %s has octets that are no printable ASCII",
			wanted->name);
		err_hint(e, "its interface takes text, not octets: set it by hand and look at what is served");
		return -1;
	}
	return 0;
}

static void put_records(struct buf *body, const struct provider_rrset *wanted, const char *metadata)
{
	struct json_out j = json_out_make(body);
	bool list = wanted->type != PROVIDER_CNAME;
	json_out_object(&j, NULL);
	json_out_object(&j, "properties");
	json_out_int(&j, "TTL", wanted->ttl);
	if (metadata)
		json_out_raw(&j, "metadata", metadata);
	if (list)
		json_out_array(&j, azure_member(wanted->type));
	for (size_t i = 0; i < wanted->n; i++)
		azure_put_record(&j, wanted->type, wanted->values[i].data, wanted->values[i].id);
	if (list)
		json_out_end_array(&j);
	json_out_end_object(&j);
	json_out_end_object(&j);
}

/* The set is written, or goes with its last value; either only as it was read. */
static void change(struct provider *p, struct provider_op *op)
{
	const struct provider_change *c = &op->changes[0];
	struct rest_work *w = rest_work_new(p, op, "change %.200s", c->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	const char *version = c->expect->version;
	size_t etag_n = version ? strcspn(version, " ") : 0;
	AUTO(xfreep)
	char *condition = version ? xasprintf("If-Match: %.*s", (int)etag_n, version) : xstrdup("If-None-Match: *");
	struct provider_rrset wanted;
	struct err bad = {0};
	provider_change_wanted(c, &wanted);
	put_set(&path, w, c->name, c->type);
	if (wanted.n)
		put_records(&body, &wanted, version ? version + etag_n + 1 : NULL);
	rest_work_step(w, wanted.n ? HTTP_PUT : HTTP_DELETE, &path, wanted.n ? &body : NULL);
	rest_work_step_header(w, condition);
	check_values(w, &wanted, &bad);
	provider_rrset_done(&wanted);
	if (err_is(&bad))
		provider_op_fail(op, &bad);
	else
		rest_work_next(w, on_changed);
}

/* --- opening --- */

static const struct provider_caps caps = {
	.write = PROVIDER_RRSET,
	.cas = true,
	.txt = PROVIDER_TXT_SPLIT,
	.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA,
	.batch = 1,
	.values_max = 20,
	.value_max = 4096,
	.ttl_min = 1,
	.ttl_max = INT32_MAX,
	.rate_calls = 480, /* 500 reads in five minutes are for the whole subscription */
	.rate_ms = 300000,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = base_url,
	.blame = azure_blame,
	.repeatable = true, /* the old ETag is not there a second time */
};

static void azure_free(void *own)
{
	struct azure *a = own;
	free(a->client);
	secret_done(&a->secret);
	free(a);
}

static int body(void *ctx, struct buf *out, struct err *e)
{
	const struct azure *a = ctx;
	(void)e;
	buf_puts(out, "grant_type=client_credentials&client_id=");
	rest_escape(out, a->client);
	buf_puts(out, "&client_secret=");
	rest_escape(out, (const char *)a->secret.p);
	buf_puts(out, "&scope=");
	rest_escape(out, "https://management.azure.com/.default");
	return 0;
}

/* Where tokens are asked for, below the endpoint's base. */
static void put_token_path(struct buf *out, const struct config_provider *conf, bool metadata)
{
	const char *client = config_provider_str(conf, "client_id");
	if (!metadata) {
		buf_putc(out, '/');
		rest_escape(out, config_provider_str(conf, "tenant"));
		buf_puts(out, "/oauth2/v2.0/token");
		return;
	}
	buf_puts(out, "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=");
	rest_escape(out, "https://management.azure.com/");
	if (client) {
		buf_puts(out, "&client_id=");
		rest_escape(out, client);
	}
}

/* With `url` in the configuration the endpoint is asked there, too. */
static int open_token(struct azure *a, struct rest_driver *d, bool metadata, struct err *e)
{
	const struct config_provider *conf = d->p.conf;
	const char *url = config_provider_str(conf, "url");
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	struct rest *rest;
	if (token_endpoint(&d->p, metadata ? NULL : url ? url : login_url, &rest, e))
		return -1;
	put_token_path(&path, conf, metadata);
	if (a->secret.p)
		rest_mask(rest, "client secret", &a->secret);
	struct token_options t = {.rest = rest,
		.path = buf_str(&path),
		.header = metadata ? "Metadata: true" : NULL,
		.body = metadata ? NULL : body,
		.ctx = a};
	rest_token(d->rest, token_new(&d->p, &t));
	return 0;
}

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	const char *auth = config_provider_str(conf, "auth"), *client = config_provider_str(conf, "client_id");
	bool metadata = auth && !strcmp(auth, "metadata");
	struct azure *a = xcalloc(1, sizeof(*a));
	struct provider *p;
	a->client = client ? xstrdup(client) : NULL;
	if ((!metadata && provider_secret(conf, "client_secret_file", &a->secret, e)) ||
		rest_driver_open(l, conf, &p, e)) {
		azure_free(a);
		return -1;
	}
	struct rest_driver *d = (struct rest_driver *)p;
	d->own = a;
	d->own_free = azure_free;
	if (open_token(a, d, metadata, e)) {
		rest_driver_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

const struct provider_driver driver_azure = {
	.type = "azure",
	.title = "Azure DNS",
	.open = open_driver,
	.kind = &kind,
	.free = rest_driver_free,
	.has_zone = has_zone,
	.list_zones = list_zones,
	.read = read_rrset,
	.change = change,
	.drop = rest_work_drop,
	.policy = azure_policy,
};
