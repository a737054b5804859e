/*
 * desec.c: deSEC. An RRset is written as a whole, and nothing compares it with what was read. What is written by
 * another between the reading and the writing is lost; it is a moment as long as one call or two. Who was overwritten
 * so finds out by the name servers, which is for the callers to do: reading it back each time would be a call more for
 * each record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "provider/drivers.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum { NAME_OCTETS = 1024 };

/* Appends the name within the zone; nothing at the apex. */
static void put_subname(struct buf *out, const char *name, const char *zone)
{
	if (strcmp(name, zone) != 0)
		rest_put_relative(out, name, zone);
}

/* --- zones --- */

static void has_zone(struct provider *p, struct provider_op *op)
{
	rest_has_zone(p, op, "/domains/", "/");
}

/*
 * Appends the URL of the page behind this one, from the header `Link: <URL>; rel="first", <URL>; rel="next"`. rest.c
 * sees to it that it leads nowhere else.
 */
static void next_page(const struct rest_work *w, const struct rest_reply *r, struct buf *out)
{
	static const char next[] = "; rel=\"next\"";
	const char *p = http_reply_header(r->http, "link");
	(void)w;
	while (p && (p = strchr(p, '<'))) {
		size_t n = strcspn(++p, ">");
		if (p[n] && !strncmp(p + n + 1, next, sizeof(next) - 1)) {
			buf_put(out, p, n);
			return;
		}
	}
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	static const struct rest_list list = {.next = next_page, .take = rest_take_zone};
	rest_list_zones(p, op, &list, "/domains/?cursor="); /* without it more than 500 are refused */
}

/* --- reading --- */

static int take_set(struct rest_work *w, const struct json *set, struct err *e)
{
	const char *type = json_str(json_get(set, "type"));
	const struct json *records = json_get(set, "records");
	for (size_t i = 0; type && i < json_len(records); i++) {
		const char *data = json_str(json_at(records, i));
		if (rest_work_record(w, type, data ? data : "", NULL, NULL, e))
			return -1;
	}
	if (type && !strcmp(type, provider_type_name(w->found.type)))
		json_int(json_get(set, "ttl"), &w->found.ttl);
	return 0;
}

static void on_read(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
		return;
	}
	for (size_t i = 0; i < json_len(r->json) && !err_is(&bad); i++)
		take_set(w, json_at(r->json, i), &bad);
	if (err_is(&bad))
		rest_work_refuse(w, &bad);
	else
		provider_op_rrset(w->op, &w->found);
}

/* The RRsets of all types at the name: what stands in the way shows, too. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), subname = buf_make(NAME_OCTETS);
	provider_rrset_init(&w->found, op->name, op->type);
	put_subname(&subname, op->name, op->zone.name);
	buf_printf(&path, "/domains/%s/rrsets/?subname=", op->zone.id);
	rest_escape(&path, buf_str(&subname));
	rest_work_get(w, &path, on_read);
}

/* --- changing --- */

/* Takes what the answer has for one change into w->found: the set of its name and type, or none. */
static int take_changed(struct rest_work *w, const struct rest_reply *r, const struct provider_change *c, struct err *e)
{
	AUTO(buf_done) struct buf subname = buf_make(NAME_OCTETS);
	put_subname(&subname, c->name, w->op->zone.name);
	provider_rrset_done(&w->found);
	provider_rrset_init(&w->found, c->name, c->type);
	for (size_t i = 0; i < json_len(r->json); i++) {
		const struct json *set = json_at(r->json, i);
		const char *of = json_str(json_get(set, "subname")), *type = json_str(json_get(set, "type"));
		if (of && type && !strcmp(of, buf_str(&subname)) && !strcmp(type, provider_type_name(c->type)) &&
			take_set(w, set, e))
			return -1;
	}
	return 0;
}

/* The answer has the sets as they are now, but for those that are gone. */
static void on_written(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
		return;
	}
	for (size_t i = 0; i < w->op->n && !err_is(&bad); i++) {
		const struct provider_change *c = &w->op->changes[i];
		if (!take_changed(w, r, c, &bad) && !provider_change_is_done(c, &w->found))
			provider_err(&bad, &w->d->p, PROVIDER_IGNORED, "it took the change of %s and did not make it",
				c->name);
	}
	if (err_is(&bad))
		rest_work_refuse(w, &bad);
	else
		rest_work_changed(w, NULL);
}

static void put_change(struct json_out *j, const struct provider_change *c, const char *zone)
{
	AUTO(buf_done) struct buf subname = buf_make(NAME_OCTETS);
	struct provider_rrset wanted;
	provider_change_wanted(c, &wanted);
	put_subname(&subname, c->name, zone);
	json_out_object(j, NULL);
	json_out_str(j, "subname", buf_str(&subname));
	json_out_str(j, "type", provider_type_name(c->type));
	if (wanted.n)
		json_out_int(j, "ttl", c->ttl);
	json_out_array(j, "records");
	for (size_t i = 0; i < wanted.n; i++)
		json_out_str(j, NULL, wanted.values[i].data);
	json_out_end_array(j);
	json_out_end_object(j);
	provider_rrset_done(&wanted);
}

static void put_path(struct buf *path, const struct rest_work *w)
{
	buf_printf(path, "/domains/%s/rrsets/", w->op->zone.id);
}

static void write_sets(struct rest_work *w)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	struct json_out j = json_out_make(&body);
	json_out_array(&j, NULL);
	for (size_t i = 0; i < w->op->n; i++)
		put_change(&j, &w->op->changes[i], w->op->zone.name);
	json_out_end_array(&j);
	put_path(&path, w);
	rest_work_step(w, HTTP_PATCH, &path, &body);
	rest_work_next(w, on_written);
}

/* Whether all sets (of that type) are still as they were read. Where that cannot be told the change is made as it is.
 */
static void on_looked(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	for (size_t i = 0; i < w->op->n && r && !err_is(e) && !err_is(&bad); i++) {
		const struct provider_change *c = &w->op->changes[i];
		if (c->type != w->op->changes[0].type || take_changed(w, r, c, &bad) ||
			provider_rrset_same(&w->found, c->expect))
			continue;
		rest_work_lost(w);
		return;
	}
	err_done(&bad);
	write_sets(w);
}

/*
 * Of many changes the first was read long before the last: all are looked at once more, in one call, right before they
 * are made.
 */
static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s%s", op->changes[0].name, rest_others(op));
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	if (op->n == 1) {
		write_sets(w);
		return;
	}
	put_path(&path, w);
	buf_printf(&path, "?type=%s", provider_type_name(op->changes[0].type));
	rest_work_get(w, &path, on_looked);
}

/* --- opening --- */

static void put_policies(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	for (size_t i = 0; i < owners->n; i++)
		for (size_t k = 0; k < conf->zones.n; k++) {
			AUTO(buf_done) struct buf subname = buf_make(NAME_OCTETS);
			const char *zone = conf->zones.v[k];
			if (!name_within(owners->v[i], zone))
				continue;
			put_subname(&subname, owners->v[i], zone);
			buf_printf(out,
				"  {\"domain\": \"%s\", \"subname\": \"%s\", \"type\": \"TXT\", \"perm_write\": "
				"true}\n",
				zone, buf_str(&subname));
		}
}

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	buf_puts(out,
		"Make a token (Token Management) without the rights to create or delete domains or to manage tokens, "
		"then "
		"give it\npolicies: POST each to https://desec.io/api/v1/auth/tokens/TOKEN-ID/policies/rrsets/, the "
		"default first.\n\n"
		"  {\"domain\": null, \"subname\": null, \"type\": null, \"perm_write\": false}\n");
	if (conf->zones.n && owners->n)
		put_policies(conf, owners, out);
	else
		buf_puts(out,
			"  {\"domain\": \"ZONE\", \"subname\": \"_validation-persist.HOST\", \"type\": \"TXT\", "
			"\"perm_write\": true}\n\n"
			"The last one for each name; with `zones` in the configuration they are printed one by one.\n");
	buf_puts(out, "\nReading is not limited by policies. Limit the token to the publishing host's addresses "
		      "(allowed_subnets), and put\nit into token_file, mode 0600.\n");
}

static const struct provider_caps caps = {
	.write = PROVIDER_RRSET,
	.alone = true,
	.txt = PROVIDER_TXT_QUOTED,
	.types = PROVIDER_CAN_CNAME,
	.batch = 50,
	.batch_atomic = true,
	.ttl_min = 3600, /* of most domains; those that may have less say so nowhere in a record set */
	.ttl_max = 86400,
	.rate_calls = 8, /* 50 reads a minute */
	.rate_ms = 10000,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = "https://desec.io/api/v1",
	.token_prefix = "Token ",
	.repeatable = true, /* the same RRset is written again */
};

const struct provider_driver driver_desec = {
	.type = "desec",
	.title = "deSEC",
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
