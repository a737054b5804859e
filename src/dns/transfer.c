/* transfer.c: a whole zone from one of its servers. */
#include "dns/transfer.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/stream.h"
#include "loop/loop.h"

enum {
	TYPE_AXFR = 252,
	MIB = 1 << 20,
	MIB_MAX = 256, /* of records as they are told, which a few octets of a message can be many of */
	RECORD_OCTETS = 96, /* what keeping one costs beside owner and data */
	MINUTES_MAX = 10,
	MINUTE_MS = 60000,
};

struct transfer {
	struct loop *loop;
	const char *zone;
	const char *server;
	transfer_fn fn;
	void *ctx;
	struct stream_call *call;
	bool begun; /* the first SOA has come */
	bool complete;
	bool stopped;
	size_t octets;
	int64_t until; /* monotonic ms */
	struct err *e;
	bool failed;
};

static const struct message_rr *answer_at(const struct message *m, size_t i)
{
	return i < m->n_rr && m->rr[i].section == MESSAGE_ANSWER ? &m->rr[i] : NULL;
}

static size_t answers(const struct message *m)
{
	size_t n = 0;
	while (answer_at(m, n))
		n++;
	return n;
}

static bool is_soa(const struct transfer *t, const struct message_rr *r)
{
	return r && r->type == DNS_TYPE_SOA && !strcmp(r->owner, t->zone);
}

/* The zone ends where its SOA comes again (RFC 5936 section 2.2); so does everything with an error. */
static bool ends(const struct transfer *t, const struct message *m)
{
	size_t n = answers(m);
	return m->rcode || !n || (!t->begun && !is_soa(t, answer_at(m, 0))) ||
	       (is_soa(t, answer_at(m, n - 1)) && (t->begun || n > 1));
}

static bool last(const uint8_t *p, size_t n, void *ctx)
{
	struct message m;
	struct err ignored = {0};
	if (message_decode(p, n, &m, &ignored)) {
		err_done(&ignored);
		return true;
	}
	bool yes = ends(ctx, &m);
	message_done(&m);
	return yes;
}

static int refused(const struct transfer *t, const struct message *m)
{
	char word[16];
	err_set(t->e, ERR_DNS, "transfer of %s from %s: the server says %s", t->zone, t->server,
		message_rcode_name(m->rcode, word));
	t->e->code = m->rcode;
	err_hint(t->e, "is it a server of this zone, and does it allow transfers to this host? If it wants a key: "
		       "--tsig-file");
	return -1;
}

static int too_much(const struct transfer *t)
{
	err_set(t->e, ERR_LIMIT, "transfer of %s from %s: records of more than %d MiB", t->zone, t->server, MIB_MAX);
	err_hint(t->e, "of a zone that is really so large, audit a list of names (--names)");
	return -1;
}

static int take(struct transfer *t, const struct message *m)
{
	size_t n = answers(m);
	if (m->rcode)
		return refused(t, m);
	if (!n || (!t->begun && !is_soa(t, answer_at(m, 0))))
		return err_set(t->e, ERR_PROTO, "transfer of %s from %s: the answer does not begin with the zone's SOA",
			t->zone, t->server);
	t->complete = ends(t, m);
	for (size_t i = 0; i + t->complete < n; i++) {
		const struct message_rr *r = &m->rr[i];
		const struct dns_rr rr = {.type = r->type, .ttl = r->ttl, .data = r->data, .n = r->n_data};
		t->octets += RECORD_OCTETS + strlen(r->owner) + r->n_data;
		if (t->octets > (size_t)MIB_MAX * MIB)
			return too_much(t);
		t->fn(t->ctx, r->owner, &rr);
	}
	t->begun = true;
	return 0;
}

static bool heard(const struct stream_answer *a, void *ctx)
{
	struct transfer *t = ctx;
	struct message m;
	int rc = -1;
	if (a->status != STREAM_MESSAGE) {
		err_copy(t->e, a->e);
		err_ctx(t->e, "transfer of %s from %s", t->zone, t->server);
	} else if (clk_mono(loop_clk(t->loop)) > t->until) {
		err_set(t->e, ERR_TIMEOUT, "transfer of %s from %s: not at its end after %d minutes", t->zone,
			t->server, MINUTES_MAX);
	} else if (message_decode(a->p, a->n, &m, t->e)) {
		err_ctx(t->e, "transfer of %s from %s", t->zone, t->server);
	} else {
		rc = take(t, &m);
		message_done(&m);
	}
	t->failed = rc != 0;
	if (rc || t->complete) {
		t->call = NULL;
		loop_stop(t->loop);
		return false;
	}
	return true;
}

static void on_signal(int signo, void *ctx)
{
	struct transfer *t = ctx;
	(void)signo;
	t->stopped = true;
	loop_stop(t->loop);
}

int transfer_zone(struct loop *l, const struct addr *server, const struct tsig_key *key, const char *zone,
	int64_t timeout_ms, transfer_fn fn, void *ctx, struct err *e)
{
	struct transfer t = {.loop = l, .zone = zone, .server = server->text, .fn = fn, .ctx = ctx, .e = e};
	t.until = clk_mono(loop_clk(l)) + (int64_t)MINUTES_MAX * MINUTE_MS;
	uint8_t query[512];
	size_t n;
	if (stream_query(query, zone, TYPE_AXFR, &n, e))
		return -1;
	struct stream *s = stream_new(l, server, key, timeout_ms);
	loop_on_stop_signal(l, on_signal, &t);
	t.call = stream_ask(s, query, n, heard, last, &t);
	int rc = loop_run(l, e);
	stream_cancel(t.call);
	stream_free(s);
	if (!rc && t.stopped)
		return err_set(e, ERR_CANCEL, "transfer of %s: stopped", zone);
	return rc || t.failed ? -1 : 0;
}
