/* events.c: the event log: numbers, hashes and signatures of its lines. */
#include "obs/events.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/host.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/detached.h"
#include "crypto/key.h"
#include "obs/eventline.h"
#include "obs/eventlog.h"
#include "obs/eventsink.h"

struct events {
	bool logged; /* there is a log, not only other places */
	struct eventlog log;
	struct eventsink sink;
	char *key_path;
	struct key *key; /* NULL until the first signature */
	char *key_id; /* SHA-256 of its public part */
	int64_t rotate_octets, keep_ms, head_lines, head_ms;
	enum events_sync sync;
	enum events_form form;
	const struct clk *clk;
	int64_t lost; /* events that could not be written, not told yet */
	int64_t sent; /* numbers for other places when there is no log */
	bool dirty; /* written by us and not signed, */
	int64_t dirty_ms; /* since then */
	char host[HOST_NAME_ROOM];
	char user[64];
};

int events_open(const struct events_options *o, struct events **ret, struct err *e)
{
	struct events *l = xcalloc(1, sizeof(*l));
	struct passwd pw, *found = NULL;
	char names[1024];
	l->log = (struct eventlog){.lock = -1, .fd = -1};
	if (o->dir && eventlog_open(o->dir, &l->log, e)) {
		free(l);
		return -1;
	}
	l->logged = o->dir != NULL;
	l->key_path = o->key_path ? xstrdup(o->key_path) : NULL;
	l->rotate_octets = o->rotate_octets;
	l->keep_ms = o->keep_ms;
	l->head_lines = o->head_lines;
	l->head_ms = o->head_ms;
	l->sync = o->sync;
	l->form = o->form;
	l->clk = o->clk;
	eventsink_init(&l->sink, o->journal, o->syslog);
	host_name(l->host);
	getpwuid_r(geteuid(), &pw, names, sizeof(names), &found);
	snprintf(l->user, sizeof(l->user), "%s", found ? pw.pw_name : "");
	if (!found)
		snprintf(l->user, sizeof(l->user), "%lu", (unsigned long)geteuid());
	*ret = l;
	return 0;
}

/* --- one line --- */

static struct eventline_stamp stamp(const struct events *l)
{
	return (struct eventline_stamp){
		.seq = l->logged ? l->log.tail.seq + 1 : l->sent + 1,
		.time_ms = clk_wall(l->clk),
		.prev = l->logged ? l->log.tail.hash : EVENTLOG_NO_HASH,
		.host = l->host,
		.user = l->user,
		.pid = (long)getpid(),
	};
}

static void send_elsewhere(struct events *l, const struct event *ev, const struct eventline_stamp *st)
{
	if (!eventsink_wanted(&l->sink))
		return;
	AUTO(buf_done) struct buf text = buf_make(EVENTSINK_MAX);
	eventline_form(l->form, ev, st, false, &text);
	if (text.bad) {
		buf_clear(&text);
		eventline_form(l->form, ev, st, true, &text);
	}
	if (!text.bad)
		eventsink_send(&l->sink, ev, st, &text);
}

static int append_line(struct events *l, const struct event *ev, struct err *e)
{
	AUTO(buf_done) struct buf line = buf_make(EVENTLINE_MAX);
	struct eventline_stamp st = stamp(l);
	eventline_open(ev, &st, false, &line);
	buf_puts(&line, "}\n");
	if (line.bad) {
		buf_clear(&line);
		eventline_open(ev, &st, true, &line);
		buf_puts(&line, "}\n");
	}
	if (buf_check(&line, "a line of the event log", e) || eventlog_append(&l->log, st.seq, &line, e))
		return -1;
	if (!l->dirty)
		l->dirty_ms = st.time_ms;
	l->dirty = true;
	return 0;
}

/* --- signatures --- */

static int make_key(struct events *l, struct err *e)
{
	AUTO(secret_done) struct secret pem = {0};
	if (key_generate(KEY_ED25519, &l->key, e) || key_to_pem(l->key, &pem, e) ||
		fs_write_atomic(l->key_path, pem.p, pem.n, 0600, e))
		return err_ctx(e, "make the key of the event log");
	return 0;
}

static int open_key(struct events *l, struct err *e)
{
	AUTO(secret_done) struct secret pem = {0};
	if (l->key)
		return 0;
	int r = fs_exists(l->key_path)
			? fs_read_secret(l->key_path, &pem, e) || key_from_pem(pem.p, pem.n, l->key_path, &l->key, e)
			: make_key(l, e);
	if (!r)
		r = detached_key_id(l->key, &l->key_id, e);
	if (r) {
		key_free(l->key);
		l->key = NULL;
	}
	return r ? -1 : 0;
}

/* A signed line: everything in front of ,"signature" is what is signed. */
static int append_head(struct events *l, struct err *e)
{
	AUTO(buf_done) struct buf line = buf_make(EVENTLINE_MAX);
	struct eventline_stamp st = stamp(l);
	if (open_key(l, e))
		return -1;
	const struct event ev = {.type = EVENT_LOG_HEAD, .fingerprint = l->key_id};
	eventline_open(&ev, &st, false, &line);
	AUTO(xfreep) char *sig = NULL;
	if (detached_sign(l->key, buf_str(&line), line.n, &sig, e))
		return -1;
	buf_printf(&line, ",\"signature\":\"%s\"}\n", sig);
	if (eventlog_append(&l->log, st.seq, &line, e) || eventlog_sync(&l->log, e) ||
		eventlog_keep_head(&l->log, &line, st.time_ms, e))
		return -1;
	l->dirty = false;
	return 0;
}

static bool head_is_due(const struct events *l)
{
	const struct eventlog *g = &l->log;
	return l->dirty && (g->tail.seq - g->head.seq >= l->head_lines || clk_wall(l->clk) - l->dirty_ms >= l->head_ms);
}

/* --- an event --- */

/* What was found when the log was looked at comes first. */
static int append_findings(struct events *l, struct err *e)
{
	struct eventlog *g = &l->log;
	if (g->head.seq > g->tail.seq) {
		struct event gap = {.type = EVENT_LOG_GAP, .count = g->head.seq - g->tail.seq};
		/* Numbers that were used are not used again. */
		g->tail.seq = g->head.seq;
		if (append_line(l, &gap, e))
			return -1;
	}
	if (g->torn) {
		struct event torn = {.type = EVENT_LOG_TORN, .count = g->torn, .path = g->torn_path};
		if (append_line(l, &torn, e))
			return -1;
		g->torn = 0;
	}
	if (l->lost) {
		struct event lost = {.type = EVENT_LOG_LOST, .count = l->lost};
		if (append_line(l, &lost, e))
			return -1;
		l->lost = 0;
	}
	return 0;
}

static int rotate_if_due(struct events *l, struct err *e)
{
	if (l->log.fd < 0 || !l->log.size || !l->rotate_octets || l->log.size < l->rotate_octets)
		return 0;
	if (eventlog_rotate(&l->log, l->keep_ms ? clk_wall(l->clk) - l->keep_ms : 0, e))
		return -1;
	/* The new file begins with a signature over all that came before it. */
	return append_head(l, e);
}

/* The event itself; what cannot be done beside it does not keep it out of the log. */
static int write_line(struct events *l, const struct event *ev, struct err *e)
{
	/* The stamp for other places outlives the tail that it borrows the hash from. */
	struct eventlog_tail before = l->log.tail;
	struct eventline_stamp st = stamp(l);
	st.prev = before.hash;
	if (append_line(l, ev, e)) {
		l->lost++;
		return -1;
	}
	send_elsewhere(l, ev, &st);
	return l->sync == EVENTS_SYNC_ALWAYS ? eventlog_sync(&l->log, e) : 0;
}

static int write_locked(struct events *l, const struct event *ev, struct err *e)
{
	struct err late = {0};
	if (append_findings(l, e)) {
		l->lost++;
		return -1;
	}
	int r = rotate_if_due(l, e);
	if (write_line(l, ev, &late) || (!r && head_is_due(l) && append_head(l, &late))) {
		if (!r)
			err_move(e, &late);
		r = -1;
	}
	err_done(&late);
	return r;
}

int events_write(struct events *l, const struct event *ev, struct err *e)
{
	if (!l->logged) {
		struct eventline_stamp st = stamp(l);
		send_elsewhere(l, ev, &st);
		l->sent++;
		return 0;
	}
	if (eventlog_lock(&l->log, clk_wall(l->clk), e)) {
		l->lost++;
		return -1;
	}
	int r = write_locked(l, ev, e);
	eventlog_unlock(&l->log);
	return r;
}

static int sign(struct events *l, struct err *e)
{
	if (eventlog_lock(&l->log, clk_wall(l->clk), e))
		return -1;
	int r = append_head(l, e);
	eventlog_unlock(&l->log);
	return r;
}

int events_finish(struct events *l, struct err *e)
{
	return l->dirty ? sign(l, e) : 0;
}

int events_tick(struct events *l, struct err *e)
{
	return head_is_due(l) ? sign(l, e) : 0;
}

void events_close(struct events *l)
{
	struct err ignored = {0};
	if (!l)
		return;
	if (events_finish(l, &ignored))
		err_done(&ignored);
	eventlog_close(&l->log);
	eventsink_done(&l->sink);
	key_free(l->key);
	free(l->key_id);
	free(l->key_path);
	free(l);
}

int events_look(struct events *l, struct events_state *ret, struct err *e)
{
	*ret = (struct events_state){0};
	if (!l->logged)
		return 0;
	if (eventlog_lock(&l->log, clk_wall(l->clk), e))
		return -1;
	eventlog_unlock(&l->log);
	ret->last = l->log.tail.seq;
	ret->head = l->log.head.seq;
	memcpy(ret->head_hash, l->log.head.hash, sizeof(ret->head_hash));
	return 0;
}
