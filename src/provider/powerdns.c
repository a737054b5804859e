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
	BATCH = 100, /* RRsets in a PATCH, which is done whole or not at all */
};

/* The search for a zone, or reading. */
struct work {
	struct powerdns *d;
	struct provider_op *op;
	struct rest_call *call;
	struct powerdns_held held;
	const char *above; /* the name whose cut is asked for */
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
	op->state = NULL;
	if (w && op->call == PROVIDER_CALL_CHANGE) {
		powerdns_change_drop((void *)w);
	} else if (w) {
		rest_cancel(w->call);
		powerdns_held_done(&w->held);
		free(w);
	}
}

static void fail(struct work *w, const struct err *e)
{
	struct err copy = {0};
	err_copy(&copy, e);
	if (e->kind == ERR_NET && !e->hint[0]) /* it hangs up on addresses that it does not let in */
		err_hint(&copy, "is its webserver running at this address, and has webserver-allow-from this machine?");
	provider_op_fail(w->op, &copy);
}

/* The words that this server has for what stands in the way. */
static void blame(const struct rest_reply *r, struct rest_blame *ret)
{
	const char *s = r->json ? json_str(json_get(r->json, "error")) : NULL;
	if (r->status != POWERDNS_UNPROCESSABLE || !s)
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
	AUTO(buf_done) struct buf path = buf_make(POWERDNS_PATH_MAX);
	snprintf(w->what, sizeof(w->what), "look for the zone %.200s", op->candidate);
	buf_printf(&path, "%s/zones?zone=", w->d->server);
	rest_escape(&path, op->candidate);
	buf_putc(&path, '.');
	get(w, buf_str(&path), on_zone);
}

/* --- reading --- */

struct rest_call *powerdns_get_name(
	struct powerdns *d, const struct provider_op *op, const char *name, const char *what, rest_fn fn, void *ctx)
{
	AUTO(buf_done) struct buf path = buf_make(POWERDNS_PATH_MAX);
	struct rest_request q = {.method = HTTP_GET, .what = what};
	buf_printf(&path, "%s/zones/", d->server);
	rest_escape(&path, op->zone.id);
	buf_puts(&path, "?rrset_name=");
	rest_escape(&path, name);
	buf_putc(&path, '.');
	q.path = buf_str(&path);
	return rest_send(d->rest, &q, fn, ctx);
}

/* What at the name itself keeps its RRset from being changed. */
int powerdns_check_name(const struct provider *p, const struct powerdns_held *h, struct err *e)
{
	const char *name = h->set.name;
	if (h->cut) {
		provider_err(
			e, p, PROVIDER_DELEGATED, "%s is delegated: what this zone holds there is never served", name);
		provider_hint(e, p);
		return -1;
	}
	if (h->set.type != PROVIDER_CNAME && h->cname) {
		provider_err(e, p, PROVIDER_CNAME_THERE, "%s is a CNAME to %s", name, h->cname);
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
	w->call = powerdns_get_name(w->d, w->op, w->above, w->what, on_above, w);
}

static void on_read(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct work *w = ctx;
	struct err why = {0};
	w->call = NULL;
	if (err_is(e)) {
		fail(w, e);
	} else if (powerdns_take(w->what, &w->d->p, w->op->zone.name, r, w->op->name, w->op->type, &w->held, &why) ||
		   powerdns_check_name(&w->d->p, &w->held, &why)) {
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
	w->call = powerdns_get_name(w->d, op, op->name, w->what, on_read, w);
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
	d->p.caps.alone = true;
	d->p.caps.txt = PROVIDER_TXT_QUOTED;
	d->p.caps.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA;
	d->p.caps.ttl_max = INT32_MAX;
	d->p.caps.batch = BATCH;
	d->p.caps.batch_atomic = true;
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
	.change = powerdns_change,
	.drop = drop,
	.policy = powerdns_policy,
};
