/*
 * rfc2136.c: dynamic update (RFC 2136) at the primary server, signed with TSIG. The prerequisites of an update are the
 * compare-and-swap: it is done only if the RRset has exactly the values that were read. NOERROR does not mean done:
 * servers pass over a TXT record at a CNAME, and keep what is below a delegation without serving it. So each update is
 * read back at the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "dns/update.h"
#include "loop/loop.h"
#include "provider/drivers.h"
#include "provider/rdata.h"
#include "provider/rfc2136_internal.h"

enum {
	TIMEOUT_MS = 10000,
	VERIFY_TRIES = 4, /* a secondary that passes updates on has them a little later */
	VERIFY_MS = 300, /* doubles */
	QUERY_MAX = 512,
};

/* The work on one operation. */
struct work {
	struct rfc2136 *d;
	struct provider_op *op;
	struct stream_call *call;
	struct loop_timer *timer;
	const char *name; /* asked for now */
	uint16_t type;
	/* Goes on with what a query brought: the RRset, or an error. */
	void (*then)(struct work *w, struct provider_rrset *s, struct err *e);
	struct provider_rrset found;
	struct err standing; /* what is wrong if the name exists */
	bool name_in_use; /* the prerequisite that did not hold: nothing at the name */
	unsigned tries;
	char what[300];
};

static struct work *work_new(struct rfc2136 *d, struct provider_op *op)
{
	struct work *w = xcalloc(1, sizeof(*w));
	w->d = d;
	w->op = op;
	op->state = w;
	return w;
}

static void work_free(struct work *w)
{
	stream_cancel(w->call);
	loop_timer_free(w->timer);
	provider_rrset_done(&w->found);
	err_done(&w->standing);
	free(w);
}

static void drop(struct provider *p, struct provider_op *op)
{
	(void)p;
	if (op->state)
		work_free(op->state);
	op->state = NULL;
}

static void put_out(struct work *w, const uint8_t *msg, size_t n, stream_fn fn)
{
	w->d->p.calls++;
	w->call = stream_ask(w->d->stream, msg, n, fn, NULL, w);
}

/* Takes note of the answer's end; false (and an error) when there is no message. */
static bool arrived(struct work *w, const struct stream_answer *a, bool update, struct err *e)
{
	w->call = NULL;
	if (a->status != STREAM_MESSAGE) {
		rfc2136_no_answer(w->d, a, update, w->what, e);
		return false;
	}
	w->d->key_good = w->d->has_key;
	return true;
}

/* A query that cannot even be written ends the operation; true: it is sent. */
static bool send_query(struct work *w, const char *name, uint16_t type, stream_fn fn, struct err *e)
{
	uint8_t msg[QUERY_MAX];
	size_t n;
	if (stream_query(msg, name, type, &n, e))
		return false;
	put_out(w, msg, n, fn);
	return true;
}

static int decode(const struct work *w, const struct stream_answer *a, struct message *m, struct err *e)
{
	struct err why = {0};
	if (!message_decode(a->p, a->n, m, &why))
		return 0;
	provider_err(e, &w->d->p, PROVIDER_REPLY, "%s: a damaged answer: %s", w->what, why.msg);
	err_done(&why);
	return -1;
}

/* --- the zone --- */

static void ask_soa(struct work *w);

static void on_soa(struct work *w, const struct message *m)
{
	struct reply r;
	struct err e = {0};
	reply_read(m, w->name, MESSAGE_SOA, "", &r);
	switch (r.kind) {
	case REPLY_FOUND:
		provider_op_zone(w->op, w->name, NULL);
		return;
	case REPLY_NODATA:
	case REPLY_NXDOMAIN:
		provider_op_zone(w->op, r.zone, NULL);
		return;
	case REPLY_ALIAS:
		/* What a CNAME points to is another name's zone. */
		w->name = name_parent(w->name);
		ask_soa(w);
		return;
	case REPLY_REFERRAL:
		rfc2136_delegated(w->d, w->op->name, r.zone, &e);
		break;
	case REPLY_BAD:
		rfc2136_not_served(w->d, w->what, r.text, &e);
		break;
	}
	provider_op_fail(w->op, &e);
}

static bool soa_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct err e = {0};
	struct message m;
	if (!arrived(w, a, false, &e) || decode(w, a, &m, &e)) {
		provider_op_fail(w->op, &e);
		return false;
	}
	on_soa(w, &m);
	message_done(&m);
	return false;
}

static void ask_soa(struct work *w)
{
	struct err e = {0};
	if (!w->name)
		provider_op_zone(w->op, NULL, NULL);
	else if (!send_query(w, w->name, MESSAGE_SOA, soa_arrived, &e))
		provider_op_fail(w->op, &e);
}

static void find_zone(struct provider *p, struct provider_op *op)
{
	const struct strv *zones = &p->conf->zones;
	const char *best = NULL;
	for (size_t i = 0; i < zones->n; i++)
		if (name_within(op->name, zones->v[i]) && (!best || strlen(zones->v[i]) > strlen(best)))
			best = zones->v[i];
	if (best || zones->n) {
		provider_op_zone(op, best, NULL);
		return;
	}
	struct work *w = work_new((struct rfc2136 *)p, op);
	snprintf(w->what, sizeof(w->what), "find the zone of %.200s", op->name);
	w->name = op->name;
	ask_soa(w);
}

/* --- reading --- */

static void go_on(struct work *w, struct err *e)
{
	w->then(w, err_is(e) ? NULL : &w->found, e);
}

static int take_records(struct work *w, const struct message *m, struct err *e)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		AUTO(xfreep) char *data = NULL;
		struct err why = {0};
		if (rr->section != MESSAGE_ANSWER || rr->type != w->type || strcmp(rr->owner, w->name) != 0)
			continue;
		if (rdata_from_rr(rr, &data, &why)) {
			provider_err(e, &w->d->p, PROVIDER_REPLY, "%s: %s", w->what, why.msg);
			err_done(&why);
			return -1;
		}
		provider_rrset_add(&w->found, data, NULL, NULL);
		w->found.ttl = rr->ttl;
	}
	return 0;
}

static bool has_dname(const struct message *m)
{
	for (size_t i = 0; i < m->n_rr; i++)
		if (m->rr[i].section == MESSAGE_ANSWER && m->rr[i].type == MESSAGE_DNAME)
			return true;
	return false;
}

/*
 * What a wildcard makes up is at the name for every query, but it is not there to be changed. An update that changes
 * nothing and requires the name to exist tells the two apart.
 */
static bool name_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct err e = {0};
	w->call = NULL;
	unsigned rcode = a->status == STREAM_MESSAGE ? a->p[3] & 15U : 0;
	if (a->status == STREAM_FAILED)
		rfc2136_no_answer(w->d, a, true, w->what, &e);
	if (rcode == MESSAGE_NXDOMAIN) {
		provider_rrset_done(&w->found);
		provider_rrset_init(&w->found, w->name, (enum provider_type)w->type);
		err_done(&w->standing);
	} else if (!err_is(&e)) {
		err_move(&e, &w->standing);
	}
	go_on(w, &e);
	err_done(&e);
	return false;
}

static void ask_name(struct work *w)
{
	struct update u;
	struct err e = {0};
	const uint8_t *msg;
	size_t n;
	uint16_t id;
	random_octets(&id, sizeof(id));
	update_begin(&u, w->op->zone.name, id);
	update_require_name(&u, w->name);
	if (update_end(&u, &msg, &n, &e)) {
		go_on(w, &e);
		err_done(&e);
	} else {
		put_out(w, msg, n, name_arrived);
	}
	update_done(&u);
}

static bool rrset_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct err e = {0};
	struct message m;
	struct reply r;
	if (!arrived(w, a, false, &e) || decode(w, a, &m, &e)) {
		go_on(w, &e);
		err_done(&e);
		return false;
	}
	reply_read(&m, w->name, w->type, w->op->zone.name, &r);
	bool dname = has_dname(&m), maybe_wildcard = false;
	if (r.kind == REPLY_FOUND) {
		maybe_wildcard = !take_records(w, &m, &e);
	} else if (r.kind == REPLY_ALIAS) {
		rfc2136_alias(w->d, w->name, r.target, dname, dname ? &e : &w->standing);
		maybe_wildcard = !dname;
	} else if (r.kind == REPLY_REFERRAL) {
		rfc2136_delegated(w->d, w->name, r.zone, &e);
	} else if (r.kind == REPLY_BAD) {
		rfc2136_not_served(w->d, w->what, r.text, &e);
	}
	message_done(&m);
	if (maybe_wildcard) {
		ask_name(w);
		return false;
	}
	go_on(w, &e);
	err_done(&e);
	return false;
}

/* Reads the RRset into w->found. */
static void ask_rrset(struct work *w, const char *name, enum provider_type type)
{
	struct err e = {0};
	provider_rrset_done(&w->found);
	provider_rrset_init(&w->found, name, type);
	w->name = name;
	w->type = (uint16_t)type;
	if (send_query(w, name, (uint16_t)type, rrset_arrived, &e))
		return;
	go_on(w, &e);
	err_done(&e);
}

static void read_done(struct work *w, struct provider_rrset *s, struct err *e)
{
	if (s)
		provider_op_rrset(w->op, s);
	else
		provider_op_fail(w->op, e);
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new((struct rfc2136 *)p, op);
	snprintf(w->what, sizeof(w->what), "read %.200s %s", op->name, provider_type_name(op->type));
	w->then = read_done;
	ask_rrset(w, op->name, op->type);
}

/* --- changing --- */

static void changed(struct work *w, enum provider_outcome outcome)
{
	w->op->results[0].outcome = outcome;
	if (outcome != PROVIDER_LOST) {
		w->op->results[0].after = w->found;
		w->found = (struct provider_rrset){0};
	}
	provider_op_changed(w->op);
}

static void on_verify_timer(void *ctx)
{
	struct work *w = ctx;
	ask_rrset(w, w->op->changes[0].name, w->op->changes[0].type);
}

/* The server said yes; what does it hold? */
static void verified(struct work *w, struct provider_rrset *s, struct err *e)
{
	const struct provider_change *c = &w->op->changes[0];
	if (!s) {
		provider_op_fail(w->op, e);
		return;
	}
	if (provider_change_is_done(c, s)) {
		changed(w, PROVIDER_CHANGED);
		return;
	}
	if (++w->tries < VERIFY_TRIES) {
		if (!w->timer)
			w->timer = loop_timer_new(w->d->p.loop, on_verify_timer, w);
		loop_timer_start(w->timer, VERIFY_MS << w->tries);
		return;
	}
	struct err ignored = {0};
	provider_err(&ignored, &w->d->p, PROVIDER_IGNORED, "%s: %s answers NOERROR and does not have the change",
		w->what, w->d->server.text);
	provider_hint(&ignored, &w->d->p);
	provider_op_fail(w->op, &ignored);
}

/* A prerequisite did not hold: what is there instead? */
static void diagnosed(struct work *w, struct provider_rrset *s, struct err *e)
{
	const struct provider_change *c = &w->op->changes[0];
	if (!s) {
		provider_op_fail(w->op, e);
		return;
	}
	if (w->name_in_use && !s->n) {
		rfc2136_other_data(w->d, c->name, e);
		provider_op_fail(w->op, e);
		return;
	}
	changed(w, PROVIDER_LOST);
}

static bool update_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	const struct provider_change *c = &w->op->changes[0];
	struct err e = {0};
	if (!arrived(w, a, true, &e)) {
		provider_op_fail(w->op, &e);
		return false;
	}
	unsigned rcode = a->p[3] & 15U;
	w->name_in_use = rcode == UPDATE_YXDOMAIN;
	if (rcode == MESSAGE_NOERROR)
		w->then = verified;
	else if (rcode == UPDATE_YXDOMAIN || rcode == UPDATE_YXRRSET || rcode == UPDATE_NXRRSET ||
		 rcode == MESSAGE_NXDOMAIN)
		w->then = diagnosed;
	else
		rfc2136_refused(w->d, rcode, w->what, w->op->zone.name, &e);
	if (err_is(&e))
		provider_op_fail(w->op, &e);
	else
		ask_rrset(w, c->name, c->type);
	return false;
}

static int put_value(struct update *u, const struct provider_change *c, const char *data,
	void (*put)(struct update *u, const struct provider_change *c, const struct buf *wire), struct err *e)
{
	AUTO(buf_done) struct buf wire = buf_make(RDATA_MAX);
	if (rdata_wire(c->type, data, &wire, e))
		return -1;
	put(u, c, &wire);
	return 0;
}

static void put_required(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_require_value(u, c->name, (uint16_t)c->type, buf_str(wire), wire->n);
}

static void put_add(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_add(u, c->name, (uint16_t)c->type, (uint32_t)c->ttl, buf_str(wire), wire->n);
}

static void put_delete(struct update *u, const struct provider_change *c, const struct buf *wire)
{
	update_delete(u, c->name, (uint16_t)c->type, buf_str(wire), wire->n);
}

static int put_prerequisites(struct update *u, const struct provider_change *c, struct err *e)
{
	for (size_t i = 0; i < c->expect->n; i++)
		if (put_value(u, c, c->expect->values[i].data, put_required, e))
			return -1;
	if (c->expect->n)
		return 0;
	if (c->type == PROVIDER_CNAME) {
		update_require_no_name(u, c->name);
		return 0;
	}
	update_require_no_rrset(u, c->name, (uint16_t)c->type);
	update_require_no_rrset(u, c->name, PROVIDER_CNAME);
	return 0;
}

/* Servers differ in whether adding a value that is there changes its TTL: for a new TTL all are written anew. */
static int put_changes(struct update *u, const struct provider_change *c, struct err *e)
{
	struct provider_rrset wanted;
	int rc = 0;
	provider_change_wanted(c, &wanted);
	bool anew = c->expect->n && wanted.n && wanted.ttl != c->expect->ttl;
	if (anew)
		update_delete_rrset(u, c->name, (uint16_t)c->type);
	for (size_t i = 0; !anew && !rc && i < c->expect->n; i++)
		if (!provider_rrset_find(&wanted, c->expect->values[i].data))
			rc = put_value(u, c, c->expect->values[i].data, put_delete, e);
	for (size_t i = 0; !rc && i < wanted.n; i++)
		if (anew || !provider_rrset_find(c->expect, wanted.values[i].data))
			rc = put_value(u, c, wanted.values[i].data, put_add, e);
	provider_rrset_done(&wanted);
	return rc;
}

static void change(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new((struct rfc2136 *)p, op);
	const struct provider_change *c = &op->changes[0];
	struct update u;
	struct err e = {0};
	const uint8_t *msg;
	size_t n;
	uint16_t id;
	snprintf(w->what, sizeof(w->what), "update %.200s %s", c->name, provider_type_name(c->type));
	random_octets(&id, sizeof(id));
	update_begin(&u, op->zone.name, id);
	if (put_prerequisites(&u, c, &e) || put_changes(&u, c, &e) || update_end(&u, &msg, &n, &e)) {
		err_ctx(&e, "%s", w->what);
		provider_err_name(&e, p);
		provider_op_fail(op, &e);
	} else {
		put_out(w, msg, n, update_arrived);
	}
	update_done(&u);
}

/* --- open, close --- */

static void rfc2136_free(struct provider *p)
{
	struct rfc2136 *d = (struct rfc2136 *)p;
	stream_free(d->stream);
	tsig_key_done(&d->key);
	free(d);
}

static int open_key(struct rfc2136 *d, const struct config_provider *conf, struct err *e)
{
	const char *file = config_provider_str(conf, "tsig.file");
	if (!file)
		return 0;
	if (tsig_key_read(file, config_provider_str(conf, "tsig.name"), config_provider_str(conf, "tsig.algorithm"),
		    &d->key, e))
		return -1;
	d->has_key = true;
	return 0;
}

static int rfc2136_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct rfc2136 *d = xcalloc(1, sizeof(*d));
	provider_init(&d->p, &driver_rfc2136, l, conf);
	d->p.caps.write = PROVIDER_VALUES;
	d->p.caps.cas = true;
	d->p.caps.txt = PROVIDER_TXT_SPLIT;
	d->p.caps.types = PROVIDER_CAN_CNAME | PROVIDER_CAN_CAA;
	d->p.caps.ttl_max = INT32_MAX;
	if (addr_parse(config_provider_str(conf, "server"), 0, &d->server, e) || open_key(d, conf, e)) {
		rfc2136_free(&d->p);
		return -1;
	}
	d->stream = stream_new(l, &d->server, d->has_key ? &d->key : NULL, TIMEOUT_MS);
	*ret = &d->p;
	return 0;
}

const struct provider_driver driver_rfc2136 = {
	.type = "rfc2136",
	.title = "dynamic update, RFC 2136, signed with TSIG: BIND, Knot DNS, PowerDNS and others",
	.open = rfc2136_open,
	.free = rfc2136_free,
	.find_zone = find_zone,
	.read = read_rrset,
	.change = change,
	.drop = drop,
	.policy = rfc2136_policy,
};
