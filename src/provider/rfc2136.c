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
	BATCH = 100, /* RRsets in an update; of usual size they fill a third of a message */
};

/* The search for a zone, or reading. */
struct work {
	struct lookup l;
	struct provider_op *op;
	const char *name; /* whose SOA is asked for */
	char what[300];
};

static struct work *work_new(struct provider *p, struct provider_op *op)
{
	struct work *w = xcalloc(1, sizeof(*w));
	w->op = op;
	w->l = (struct lookup){.d = (struct rfc2136 *)p, .zone = op->zone.name, .what = w->what, .ctx = w};
	op->state = w;
	return w;
}

static void drop(struct provider *p, struct provider_op *op)
{
	struct work *w = op->state;
	(void)p;
	op->state = NULL;
	if (w && op->call == PROVIDER_CALL_CHANGE) {
		rfc2136_change_drop((void *)w);
	} else if (w) {
		rfc2136_lookup_done(&w->l);
		free(w);
	}
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
		rfc2136_delegated(w->l.d, w->op->name, r.zone, &e);
		break;
	case REPLY_BAD:
		rfc2136_not_served(w->l.d, w->what, r.text, &e);
		break;
	}
	provider_op_fail(w->op, &e);
}

static bool soa_arrived(const struct stream_answer *a, void *ctx)
{
	struct work *w = ctx;
	struct err e = {0};
	struct message m;
	w->l.call = NULL;
	if (!rfc2136_arrived(w->l.d, a, false, w->what, &e) || rfc2136_decode(&w->l, a, &m, &e)) {
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
	else if (!rfc2136_query(&w->l, w->name, MESSAGE_SOA, soa_arrived, w, &e))
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
	struct work *w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "find the zone of %.200s", op->name);
	w->name = op->name;
	ask_soa(w);
}

/* --- reading --- */

static void read_done(struct lookup *l, struct err *e)
{
	const struct work *w = l->ctx;
	if (err_is(e))
		provider_op_fail(w->op, e);
	else
		provider_op_rrset(w->op, &l->found);
}

static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct work *w = work_new(p, op);
	snprintf(w->what, sizeof(w->what), "read %.200s %s", op->name, provider_type_name(op->type));
	w->l.done = read_done;
	rfc2136_look(&w->l, op->name, op->type);
}

/* --- open, close --- */

static void rfc2136_free(struct provider *p)
{
	struct rfc2136 *d = (struct rfc2136 *)p;
	stream_free(d->stream);
	tsig_key_done(&d->key);
	strv_done(&d->plain[0]);
	strv_done(&d->plain[1]);
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
	d->p.caps.batch = BATCH;
	d->p.caps.batch_atomic = true;
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
	.change = rfc2136_change,
	.drop = drop,
	.policy = rfc2136_policy,
};
