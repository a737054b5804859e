/*
 * google.c: Google Cloud DNS, API version 1. An RRset is replaced as a whole, but only when it is still what was read:
 * a change deletes the exact old one and adds the new one, and is done whole or not at all. It is served when its
 * status is "done". Access tokens come from Google for a service account's key, or from the metadata server of a
 * machine there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/drivers.h"
#include "provider/google.h"
#include "provider/restdriver.h"
#include "provider/token.h"
#include "json/json.h"

enum {
	PER_PAGE = 100,
	PROJECT_MAX = 128,
	BATCH = 100, /* RRsets; 1000 are the most in a change */
};

static const char base_url[] = "https://dns.googleapis.com";
static const char flavor[] = "Metadata-Flavor: Google";

struct google {
	struct provider *p;
	struct google_key key; /* empty with metadata */
	struct rest *metadata; /* the token's; NULL with a key */
	char *project; /* NULL until the metadata server has said it */
};

static struct google *google_of(const struct rest_work *w)
{
	return w->d->own;
}

static void put_project(struct buf *path, const struct rest_work *w)
{
	buf_puts(path, "/dns/v1/projects/");
	rest_escape(path, google_of(w)->project);
	buf_puts(path, "/managedZones");
}

static void put_zone(struct buf *path, const struct rest_work *w, const char *id)
{
	put_project(path, w);
	buf_putc(path, '/');
	rest_escape(path, id);
}

/* Lists go on behind a token of theirs, with the same parameters. */
static void next_page(const struct rest_work *w, const struct rest_reply *r, struct buf *out)
{
	const char *token = json_str(json_get(r->json, "nextPageToken"));
	if (!token || !*token)
		return;
	buf_printf(out, "%s&pageToken=", w->list_path);
	rest_escape(out, token);
}

/* --- zones --- */

static int take_zone(struct rest_work *w, const struct json *zone, struct err *e)
{
	const char *name = json_str(json_get(zone, "dnsName")), *id = json_str(json_get(zone, "name"));
	const char *visible = json_str(json_get(zone, "visibility"));
	if (!name || !id || strchr(id, ','))
		return provider_err(e, &w->d->p, PROVIDER_REPLY, "a managed zone without a name");
	size_t n = strlen(name);
	AUTO(xfreep) char *bare = xasprintf("%.*s", (int)(n && name[n - 1] == '.' ? n - 1 : n), name);
	if (visible && strcmp(visible, "public") != 0)
		provider_op_pass(w->op, bare, "a private zone");
	else
		rest_work_zone_add(w, bare, id);
	return 0;
}

static void ask_zone(struct rest_work *w);

static void on_zone(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	if (!r || err_is(e))
		rest_work_fail(w, e);
	else if (take_zone(w, r->json, &bad))
		rest_work_refuse(w, &bad);
	else if (++w->page > config_provider_list(w->d->p.conf, "zone_ids")->n)
		rest_work_zones_end(w);
	else
		ask_zone(w);
}

/* Those of the configuration, one by one: that takes no right to list. */
static void ask_zone(struct rest_work *w)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	put_zone(&path, w, config_provider_list(w->d->p.conf, "zone_ids")->v[w->page - 1]);
	rest_work_get(w, &path, on_zone);
}

static void ask_zones(struct rest_work *w)
{
	static const struct rest_list list = {.member = "managedZones", .next = next_page, .take = take_zone};
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	if (config_provider_list(w->d->p.conf, "zone_ids")->n) {
		ask_zone(w);
		return;
	}
	put_project(&path, w);
	buf_printf(&path, "?maxResults=%d", PER_PAGE);
	rest_work_list(w, &list, &path);
}

static void on_project(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	const char *text = r && !err_is(e) ? buf_str(&r->http->body) : "";
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.:");
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
	} else if (!n || n > PROJECT_MAX || text[n]) {
		struct err bad = {0};
		provider_err(&bad, &w->d->p, PROVIDER_REPLY, "the metadata server names no project");
		err_hint(&bad, "give the project in the configuration");
		provider_op_fail(w->op, &bad);
	} else {
		google_of(w)->project = xstrdup(text);
		ask_zones(w);
	}
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "list the managed zones");
	AUTO(strv_done) struct strv headers = {0};
	if (google_of(w)->project) {
		ask_zones(w);
		return;
	}
	strv_add(&headers, flavor);
	struct rest_request q = {.method = HTTP_GET,
		.path = "/computeMetadata/v1/project/project-id",
		.what = "ask for the project",
		.accept = "text/plain",
		.headers = &headers};
	rest_work_send(w, google_of(w)->metadata, &q, on_project);
}

/* --- reading --- */

/* The values of a set, each kept also as it stands there: only that form deletes it. */
static int take_set(struct rest_work *w, const struct json *set, struct err *e)
{
	const char *type = json_str(json_get(set, "type"));
	const struct json *data = json_get(set, "rrdatas");
	if (!type)
		return provider_err(e, &w->d->p, PROVIDER_REPLY, "a record set without a type");
	bool ours = !strcmp(type, provider_type_name(w->op->type));
	if (ours && !json_len(data)) {
		provider_err(
			e, &w->d->p, PROVIDER_OTHER, "the %s record set of %s has a routing policy", type, w->op->name);
		err_hint(e, "such sets are changed at the provider, or a simple one takes their place");
		return -1;
	}
	if (!ours)
		return rest_work_record(w, type, "", NULL, NULL, e);
	for (size_t i = 0; i < json_len(data); i++) {
		const char *value = json_str(json_at(data, i));
		if (rest_work_record(w, type, value ? value : "", value, NULL, e))
			return -1;
	}
	json_int(json_get(set, "ttl"), &w->found.ttl);
	return 0;
}

/* The sets of all types at the name: what stands in the way shows, too. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {.member = "rrsets", .next = next_page, .take = take_set};
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	if (!rest_work_is_one_zone(w))
		return;
	provider_rrset_init(&w->found, op->name, op->type);
	put_zone(&path, w, op->zone.id);
	buf_puts(&path, "/rrsets?name=");
	rest_escape(&path, op->name);
	buf_putc(&path, '.');
	rest_work_list(w, &list, &path);
}

/* --- changing --- */

static void put_set(struct json_out *j, const struct provider_rrset *s)
{
	if (!s->n)
		return;
	AUTO(xfreep) char *name = xasprintf("%s.", s->name);
	json_out_object(j, NULL);
	json_out_str(j, "name", name);
	json_out_str(j, "type", provider_type_name(s->type));
	json_out_int(j, "ttl", s->ttl);
	json_out_array(j, "rrdatas");
	for (size_t i = 0; i < s->n; i++)
		json_out_str(j, NULL, s->values[i].id ? s->values[i].id : s->values[i].data);
	json_out_end_array(j);
	json_out_end_object(j);
}

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (r && err_is(e) && google_is_lost(r)) {
		rest_work_lost(w);
	} else if (!r || err_is(e)) {
		rest_work_fail(w, e);
	} else {
		const char *status = json_str(json_get(r->json, "status"));
		bool done = status && !strcmp(status, "done");
		rest_work_changed(w, done ? NULL : json_str(json_get(r->json, "id")));
	}
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s%s", op->changes[0].name, rest_others(op));
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	struct json_out j = json_out_make(&body);
	json_out_object(&j, NULL);
	json_out_array(&j, "deletions");
	for (size_t i = 0; i < op->n; i++)
		put_set(&j, op->changes[i].expect);
	json_out_end_array(&j);
	json_out_array(&j, "additions");
	for (size_t i = 0; i < op->n; i++) {
		struct provider_rrset wanted;
		provider_change_wanted(&op->changes[i], &wanted);
		put_set(&j, &wanted);
		provider_rrset_done(&wanted);
	}
	json_out_end_array(&j);
	json_out_end_object(&j);
	put_zone(&path, w, op->zone.id);
	buf_puts(&path, "/changes");
	rest_work_step(w, HTTP_POST, &path, &body);
	rest_work_next(w, on_changed);
}

/* --- waiting --- */

static void poll_change(struct rest_work *w, rest_fn fn)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	put_zone(&path, w, w->op->zone.id);
	buf_puts(&path, "/changes/");
	rest_escape(&path, w->op->ticket);
	rest_work_poll(w, &path, fn);
}

static void on_status(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	const char *status = r && !err_is(e) ? json_str(json_get(r->json, "status")) : NULL;
	if (!r || err_is(e))
		rest_work_fail(w, e);
	else if (status && !strcmp(status, "done"))
		provider_op_synced(w->op);
	else
		poll_change(w, on_status);
}

static void sync_change(struct provider *p, struct provider_op *op)
{
	poll_change(rest_work_new(p, op, "wait for change %.100s", op->ticket), on_status);
}

/* --- opening --- */

static const struct provider_caps caps = {
	.write = PROVIDER_RRSET,
	.cas = true,
	.txt = PROVIDER_TXT_SPLIT,
	.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA,
	.batch = BATCH,
	.batch_atomic = true,
	.ttl_max = INT32_MAX,
	.sync = true,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = base_url,
	.blame = google_blame,
	.repeatable = true, /* the old RRset is not there a second time */
};

static void google_free(void *own)
{
	struct google *g = own;
	google_key_done(&g->key);
	free(g->project);
	free(g);
}

static int body(void *ctx, struct buf *out, struct err *e)
{
	const struct google *g = ctx;
	return google_assertion(&g->key, clk_wall(loop_clk(g->p->loop)), out, e);
}

static int open_token(struct google *g, struct rest *api, bool metadata, struct err *e)
{
	struct rest *rest;
	if (token_endpoint(g->p, metadata ? NULL : g->key.endpoint, &rest, e))
		return -1;
	struct token_options t = {.rest = rest,
		.path = metadata ? "/computeMetadata/v1/instance/service-accounts/default/token" : "",
		.header = metadata ? flavor : NULL,
		.body = metadata ? NULL : body,
		.ctx = g};
	g->metadata = metadata ? rest : NULL;
	rest_token(api, token_new(g->p, &t));
	return 0;
}

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	const char *auth = config_provider_str(conf, "auth"), *project = config_provider_str(conf, "project");
	bool metadata = auth && !strcmp(auth, "metadata");
	struct google *g = xcalloc(1, sizeof(*g));
	if (!metadata && google_read_key(config_provider_str(conf, "credentials_file"), &g->key, e)) {
		google_free(g);
		return -1;
	}
	project = project ? project : g->key.project;
	g->project = project ? xstrdup(project) : NULL;
	if (!project && !metadata) {
		err_set(e, ERR_CONFIG, "neither the configuration nor credentials_file says the project");
		err_hint(e, "give project: in the configuration");
		google_free(g);
		return -1;
	}
	if (rest_driver_open(l, conf, &g->p, e)) {
		google_free(g);
		return -1;
	}
	struct rest_driver *d = (struct rest_driver *)g->p;
	d->own = g;
	d->own_free = google_free;
	if (open_token(g, d->rest, metadata, e)) {
		rest_driver_free(&d->p);
		return -1;
	}
	*ret = &d->p;
	return 0;
}

const struct provider_driver driver_google = {
	.type = "google",
	.title = "Google Cloud DNS",
	.open = open_driver,
	.kind = &kind,
	.free = rest_driver_free,
	.list_zones = list_zones,
	.read = read_rrset,
	.change = change,
	.sync = sync_change,
	.drop = rest_work_drop,
	.policy = google_policy,
};
