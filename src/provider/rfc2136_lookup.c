/*
 * rfc2136_lookup.c: what the server holds at a name. What a wildcard makes up is at the name for every query, but it is
 * not there to be changed. Where the parent has no wildcard nothing is made up; where it has one, an update that
 * changes nothing and requires the name to exist tells the two apart.
 */
#include <string.h>

#include "base/random.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "dns/update.h"
#include "provider/rdata.h"
#include "provider/rfc2136_internal.h"

enum { QUERY_MAX = 512 };

struct stream_call *rfc2136_send(struct rfc2136 *d, const uint8_t *msg, size_t n, stream_fn fn, void *ctx)
{
	d->p.calls++;
	return stream_ask(d->stream, msg, n, fn, NULL, ctx);
}

bool rfc2136_query(struct lookup *l, const char *name, uint16_t type, stream_fn fn, void *ctx, struct err *e)
{
	uint8_t msg[QUERY_MAX];
	size_t n;
	if (stream_query(msg, name, type, &n, e))
		return false;
	l->call = rfc2136_send(l->d, msg, n, fn, ctx);
	return true;
}

bool rfc2136_arrived(struct rfc2136 *d, const struct stream_answer *a, bool update, const char *what, struct err *e)
{
	if (a->status != STREAM_MESSAGE) {
		rfc2136_no_answer(d, a, update, what, e);
		return false;
	}
	d->key_good = d->has_key;
	return true;
}

int rfc2136_decode(const struct lookup *l, const struct stream_answer *a, struct message *m, struct err *e)
{
	struct err why = {0};
	if (!message_decode(a->p, a->n, m, &why))
		return 0;
	provider_err(e, &l->d->p, PROVIDER_REPLY, "%s: a damaged answer: %s", l->what, why.msg);
	err_done(&why);
	return -1;
}

static void end(struct lookup *l, struct err *e)
{
	l->done(l, e);
	err_done(e);
}

static int take_records(struct lookup *l, const struct message *m, struct err *e)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		AUTO(xfreep) char *data = NULL;
		struct err why = {0};
		if (rr->section != MESSAGE_ANSWER || rr->type != l->type || strcmp(rr->owner, l->name) != 0)
			continue;
		if (rdata_from_rr(rr, &data, &why)) {
			provider_err(e, &l->d->p, PROVIDER_REPLY, "%s: %s", l->what, why.msg);
			err_done(&why);
			return -1;
		}
		provider_rrset_add(&l->found, data, NULL, NULL);
		l->found.ttl = rr->ttl;
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

/* --- wildcards --- */

static bool name_arrived(const struct stream_answer *a, void *ctx)
{
	struct lookup *l = ctx;
	struct err e = {0};
	l->call = NULL;
	unsigned rcode = a->status == STREAM_MESSAGE ? a->p[3] & 15U : 0;
	if (a->status == STREAM_FAILED)
		rfc2136_no_answer(l->d, a, true, l->what, &e);
	if (rcode == MESSAGE_NXDOMAIN) {
		provider_rrset_done(&l->found);
		provider_rrset_init(&l->found, l->name, (enum provider_type)l->type);
	} else if (!err_is(&e)) {
		err_move(&e, &l->standing);
	}
	end(l, &e);
	return false;
}

static void ask_name(struct lookup *l)
{
	struct update u;
	struct err e = {0};
	const uint8_t *msg;
	size_t n;
	uint16_t id;
	random_octets(&id, sizeof(id));
	update_begin(&u, l->zone, id);
	update_require_name(&u, l->name);
	if (update_end(&u, &msg, &n, &e))
		end(l, &e);
	else
		l->call = rfc2136_send(l->d, msg, n, name_arrived, l);
	update_done(&u);
}

/* What stands at the name is really there. */
static void is_there(struct lookup *l)
{
	struct err e = {0};
	err_move(&e, &l->standing);
	end(l, &e);
}

static char *wildcard_of(const struct lookup *l)
{
	return xasprintf("*.%s", name_parent(l->name));
}

static bool wildcard_arrived(const struct stream_answer *a, void *ctx)
{
	struct lookup *l = ctx;
	AUTO(xfreep) char *wildcard = wildcard_of(l);
	struct message m;
	struct err e = {0};
	struct reply r = {.kind = REPLY_BAD};
	l->call = NULL;
	if (a->status == STREAM_MESSAGE && !rfc2136_decode(l, a, &m, &e)) {
		reply_read(&m, wildcard, l->type, l->zone, &r);
		message_done(&m);
	}
	err_done(&e);
	if (r.kind == REPLY_NODATA || r.kind == REPLY_NXDOMAIN) {
		strv_add(&l->d->plain[l->type == PROVIDER_CNAME], name_parent(l->name));
		is_there(l);
	} else {
		ask_name(l);
	}
	return false;
}

/* One question for all names below a parent, where there is no wildcard: what is above the parent does not matter, for
 * either that exists, or the wildcard's name is made up like the name itself. */
static void ask_wildcard(struct lookup *l)
{
	const char *parent = name_parent(l->name);
	struct err e = {0};
	if (!strcmp(l->name, l->zone) || !parent || strv_has(&l->d->plain[l->type == PROVIDER_CNAME], parent)) {
		is_there(l);
		return;
	}
	AUTO(xfreep) char *wildcard = wildcard_of(l);
	if (rfc2136_query(l, wildcard, l->type, wildcard_arrived, l, &e))
		return;
	err_done(&e); /* too long to be a name */
	ask_name(l);
}

/* --- the RRset --- */

static bool rrset_arrived(const struct stream_answer *a, void *ctx)
{
	struct lookup *l = ctx;
	struct err e = {0};
	struct message m;
	struct reply r;
	l->call = NULL;
	if (!rfc2136_arrived(l->d, a, false, l->what, &e) || rfc2136_decode(l, a, &m, &e)) {
		end(l, &e);
		return false;
	}
	reply_read(&m, l->name, l->type, l->zone, &r);
	bool dname = has_dname(&m), maybe_wildcard = false;
	if (r.kind == REPLY_FOUND) {
		maybe_wildcard = !take_records(l, &m, &e);
	} else if (r.kind == REPLY_ALIAS) {
		rfc2136_alias(l->d, l->name, r.target, dname, dname ? &e : &l->standing);
		maybe_wildcard = !dname;
	} else if (r.kind == REPLY_REFERRAL) {
		rfc2136_delegated(l->d, l->name, r.zone, &e);
	} else if (r.kind == REPLY_BAD) {
		rfc2136_not_served(l->d, l->what, r.text, &e);
	}
	message_done(&m);
	if (maybe_wildcard)
		ask_wildcard(l);
	else
		end(l, &e);
	return false;
}

void rfc2136_look(struct lookup *l, const char *name, enum provider_type type)
{
	struct err e = {0};
	rfc2136_lookup_done(l);
	provider_rrset_init(&l->found, name, type);
	l->name = name;
	l->type = (uint16_t)type;
	if (!rfc2136_query(l, name, l->type, rrset_arrived, l, &e))
		end(l, &e);
}

void rfc2136_lookup_done(struct lookup *l)
{
	stream_cancel(l->call);
	l->call = NULL;
	provider_rrset_done(&l->found);
	err_done(&l->standing);
}
