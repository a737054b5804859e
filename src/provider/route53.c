/*
 * route53.c: Amazon Route 53. An RRset is replaced as a whole, but only when it is still what was read: a batch deletes
 * the exact old one and creates the new one, and is done whole or not at all. A change is served when its status is
 * INSYNC. XML both ways; requests are signed (SigV4), and libcurl signs right only what has its query parameters sorted
 * by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/drivers.h"
#include "provider/rdata.h"
#include "provider/restdriver.h"
#include "provider/route53.h"
#include "provider/xmltext.h"

enum {
	NAME_OCTETS = 4096,
	VALUE_OCTETS = 32 << 10,
	ZONES_PER_PAGE = 100,
	SETS_PER_PAGE = 100,
	BATCH = 100, /* RRsets; 1000 records and 32000 characters of values, old and new, are the most in a batch */
};

static const char base_url[] = "https://route53.amazonaws.com/2013-04-01";
static const char name_space[] = "https://route53.amazonaws.com/doc/2013-04-01/";

/* The document of a good answer; NULL when the operation has failed. */
static struct xml *document(struct rest_work *w, const struct rest_reply *r, const struct err *e, const char *name)
{
	struct xml *x = NULL;
	struct err why = {0}, bad = {0};
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
		return NULL;
	}
	if (!xml_parse(r->http->body.p, r->http->body.n, w->what, &x, &why) && !strcmp(xml_name(x), name))
		return x;
	provider_err(&bad, &w->d->p, PROVIDER_REPLY, "%s: an answer that is no %s%s%s", w->what, name,
		err_is(&why) ? ": " : "", why.msg);
	rest_work_refuse(w, &bad);
	err_done(&why);
	xml_free(x);
	return NULL;
}

/* --- zones --- */

static void put_zone(struct rest_work *w, const char *name, const char *id)
{
	const struct strv *only = config_provider_list(w->d->p.conf, "zone_ids");
	if (!only->n || strv_has(only, id))
		rest_work_zone_add(w, name, id);
}

static void list_page(struct rest_work *w, const char *marker);

static const char *bare_id(const char *id)
{
	const char *slash = strrchr(id, '/');
	return slash ? slash + 1 : id;
}

static void on_zones(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	AUTO(xml_freep) struct xml *x = document(w, r, e, "ListHostedZonesResponse");
	if (!x)
		return;
	const struct xml *zone = xml_get(xml_get(x, "HostedZones"), "HostedZone");
	for (; zone; zone = xml_next(zone)) {
		AUTO(buf_done) struct buf name = buf_make(NAME_OCTETS);
		route53_name(xml_text(xml_get(zone, "Name")), &name);
		if (!strcmp(xml_text(xml_get(xml_get(zone, "Config"), "PrivateZone")), "true"))
			provider_op_pass(w->op, buf_str(&name), "a private zone");
		else
			put_zone(w, buf_str(&name), bare_id(xml_text(xml_get(zone, "Id"))));
	}
	if (!strcmp(xml_text(xml_get(x, "IsTruncated")), "true")) {
		list_page(w, xml_text(xml_get(x, "NextMarker")));
		return;
	}
	rest_work_zones_end(w);
}

static void list_page(struct rest_work *w, const char *marker)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_puts(&path, "/hostedzone?");
	if (marker) {
		buf_puts(&path, "marker=");
		rest_escape(&path, marker);
		buf_putc(&path, '&');
	}
	buf_printf(&path, "maxitems=%d", ZONES_PER_PAGE);
	rest_work_get(w, &path, on_zones);
}

static void list_zones(struct provider *p, struct provider_op *op)
{
	list_page(rest_work_new(p, op, "list the hosted zones"), NULL);
}

/* --- reading --- */

static int bad_set(struct rest_work *w, const char *why, struct err *e)
{
	provider_err(e, &w->d->p, PROVIDER_OTHER, "the %s record set of %s %s", provider_type_name(w->op->type),
		w->op->name, why);
	err_hint(e, "records with a routing policy are changed at the provider, or a simple one takes their place");
	return -1;
}

/* The values of a set, each kept also as it stands there: only that form deletes it. */
static int take_set(struct rest_work *w, const struct xml *set, struct err *e)
{
	const struct xml *record = xml_get(xml_get(set, "ResourceRecords"), "ResourceRecord");
	if (xml_get(set, "SetIdentifier"))
		return bad_set(w, "has a routing policy", e);
	if (!record || !xml_get(set, "TTL"))
		return bad_set(w, "is an alias", e);
	w->found.ttl = strtoll(xml_text(xml_get(set, "TTL")), NULL, 10);
	for (; record; record = xml_next(record)) {
		AUTO(buf_done) struct buf text = buf_make(VALUE_OCTETS);
		AUTO(xfreep) char *data = NULL;
		struct err why = {0};
		const char *value = xml_text(xml_get(record, "Value"));
		route53_from_octal(value, &text);
		if (rdata_parse(w->op->type, buf_str(&text), &data, &why)) {
			provider_err(
				e, &w->d->p, PROVIDER_REPLY, "a value of %s makes no sense: %s", w->op->name, why.msg);
			err_done(&why);
			return -1;
		}
		provider_rrset_add(&w->found, data, value, NULL);
	}
	return 0;
}

static bool is_of(const struct xml *set, const char *wanted)
{
	AUTO(buf_done) struct buf name = buf_make(NAME_OCTETS);
	route53_name(xml_text(xml_get(set, "Name")), &name);
	return !strcmp(buf_str(&name), wanted);
}

/* Of the sets of an answer, which begins at the name and goes on behind it; *ret_past when it did. */
static int take_sets(struct rest_work *w, const struct xml *x, bool *ret_past, struct err *e)
{
	const struct xml *set = xml_get(xml_get(x, "ResourceRecordSets"), "ResourceRecordSet");
	for (; set && is_of(set, w->op->name); set = xml_next(set)) {
		const char *type = xml_text(xml_get(set, "Type"));
		if (!strcmp(type, provider_type_name(w->op->type))) {
			if (take_set(w, set, e))
				return -1;
		} else if (!strcmp(type, "CNAME") || w->op->type == PROVIDER_CNAME) {
			return provider_err(e, &w->d->p, PROVIDER_CNAME_THERE,
				"%s has a %s record, and a CNAME stands alone", w->op->name, type);
		}
	}
	*ret_past = set != NULL;
	return 0;
}

static void read_page(struct rest_work *w, const char *identifier, const char *type);

static void on_sets(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err bad = {0};
	bool past = false;
	AUTO(xml_freep) struct xml *x = document(w, r, e, "ListResourceRecordSetsResponse");
	if (!x)
		return;
	if (take_sets(w, x, &past, &bad)) {
		rest_work_refuse(w, &bad);
		return;
	}
	AUTO(buf_done) struct buf next = buf_make(NAME_OCTETS);
	route53_name(xml_text(xml_get(x, "NextRecordName")), &next);
	if (!past && !strcmp(xml_text(xml_get(x, "IsTruncated")), "true") && !strcmp(buf_str(&next), w->op->name)) {
		const struct xml *identifier = xml_get(x, "NextRecordIdentifier");
		read_page(w, identifier ? xml_text(identifier) : NULL, xml_text(xml_get(x, "NextRecordType")));
	} else {
		provider_op_rrset(w->op, &w->found);
	}
}

static void read_page(struct rest_work *w, const char *identifier, const char *type)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_printf(&path, "/hostedzone/%s/rrset?", w->op->zone.id);
	if (identifier) {
		buf_puts(&path, "identifier=");
		rest_escape(&path, identifier);
		buf_putc(&path, '&');
	}
	buf_printf(&path, "maxitems=%d&name=", SETS_PER_PAGE);
	rest_escape(&path, w->op->name);
	buf_putc(&path, '.');
	if (type)
		buf_printf(&path, "&type=%s", type);
	rest_work_get(w, &path, on_sets);
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "read %.200s", op->name);
	provider_rrset_init(&w->found, op->name, op->type);
	if (rest_work_is_one_zone(w))
		read_page(w, NULL, NULL);
}

/* --- changing --- */

static void put_value(struct buf *body, const struct provider_value *v)
{
	AUTO(buf_done) struct buf octal = buf_make(VALUE_OCTETS);
	if (!v->id)
		route53_to_octal(v->data, &octal);
	buf_puts(body, "<ResourceRecord><Value>");
	xml_escape(body, v->id ? v->id : buf_str(&octal));
	buf_puts(body, "</Value></ResourceRecord>");
}

static void put_change(struct buf *body, const char *action, const struct provider_rrset *s)
{
	if (!s->n)
		return;
	buf_printf(body, "<Change><Action>%s</Action><ResourceRecordSet><Name>", action);
	xml_escape(body, s->name);
	buf_printf(body, ".</Name><Type>%s</Type><TTL>%lld</TTL><ResourceRecords>", provider_type_name(s->type),
		(long long)s->ttl);
	for (size_t i = 0; i < s->n; i++)
		put_value(body, &s->values[i]);
	buf_puts(body, "</ResourceRecords></ResourceRecordSet></Change>");
}

static void on_changed(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (r && err_is(e) && route53_is_lost(r)) {
		rest_work_lost(w);
		return;
	}
	AUTO(xml_freep) struct xml *x = document(w, r, e, "ChangeResourceRecordSetsResponse");
	if (x)
		rest_work_changed(w, bare_id(xml_text(xml_get(xml_get(x, "ChangeInfo"), "Id"))));
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s%s", op->changes[0].name, rest_others(op));
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX), body = buf_make(REST_BODY_MAX);
	buf_printf(&body,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest xmlns=\"%s\">"
		"<ChangeBatch><Comment>perdure</Comment><Changes>",
		name_space);
	for (size_t i = 0; i < op->n; i++) {
		struct provider_rrset wanted;
		provider_change_wanted(&op->changes[i], &wanted);
		put_change(&body, "DELETE", op->changes[i].expect);
		put_change(&body, "CREATE", &wanted);
		provider_rrset_done(&wanted);
	}
	buf_puts(&body, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	buf_printf(&path, "/hostedzone/%s/rrset/", op->zone.id);
	rest_work_step(w, HTTP_POST, &path, &body);
	rest_work_next(w, on_changed);
}

/* --- waiting --- */

static void poll_change(struct rest_work *w, rest_fn fn)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_puts(&path, "/change/");
	rest_escape(&path, w->op->ticket);
	rest_work_poll(w, &path, fn);
}

static void on_status(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	AUTO(xml_freep) struct xml *x = document(w, r, e, "GetChangeResponse");
	if (!x)
		return;
	if (!strcmp(xml_text(xml_get(xml_get(x, "ChangeInfo"), "Status")), "INSYNC"))
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
	.types = PROVIDER_CAN_CNAME,
	.batch = BATCH,
	.batch_atomic = true,
	.values_max = 400,
	.value_max = 4000,
	.ttl_max = INT32_MAX,
	.rate_calls = 4, /* five a second are for the whole account */
	.rate_ms = 1000,
	.sync = true,
};

static const struct rest_kind kind = {
	.caps = &caps,
	.base = base_url,
	.blame = route53_blame,
	.media = "application/xml",
	.repeatable = true, /* the old RRset is not there a second time */
};

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct route53_key key;
	struct provider *p;
	if (route53_read_key(config_provider_str(conf, "access_key_file"), &key, e))
		return -1;
	int r = rest_driver_open(l, conf, &p, e);
	if (!r) {
		struct rest *rest = ((struct rest_driver *)p)->rest;
		rest_sign_aws(rest, "aws:amz:us-east-1:route53", key.id, &key.secret);
		if (key.token.p)
			rest_header(rest, "X-Amz-Security-Token", "", &key.token);
		*ret = p;
	}
	route53_key_done(&key);
	return r;
}

const struct provider_driver driver_route53 = {
	.type = "route53",
	.title = "Amazon Route 53",
	.open = open_driver,
	.kind = &kind,
	.free = rest_driver_free,
	.list_zones = list_zones,
	.read = read_rrset,
	.change = change,
	.sync = sync_change,
	.drop = rest_work_drop,
	.policy = route53_policy,
};
