/* notifyrun.c: all channels of notify told what is news for them. */
#include "fleet/notifyrun.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/problems.h"
#include "inventory/notifysend.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "loop/loop.h"
#include "state/tellrows.h"

struct run;

/* One channel and its message. */
struct channel {
	struct run *run;
	const struct config_notify *c;
	char *key; /* in the state */
	struct notify_problems problems;
	struct notify_memory memory;
	struct notify_message message;
	struct notify_frame frame;
	char id[40];
	struct notifysend *send;
};

struct run {
	struct site *s;
	struct store *store; /* for writing; NULL when testing */
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx); /* when testing */
	void *ctx;
	char host[256];
	size_t pending;
	struct channel *channels;
	size_t n;
};

static void channel_done(struct channel *ch)
{
	notifysend_free(ch->send);
	notify_message_done(&ch->message);
	notify_memory_done(&ch->memory);
	notify_problems_done(&ch->problems);
	free(ch->key);
}

static void run_done(struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		channel_done(&r->channels[i]);
	free(r->channels);
}

static void run_init(struct run *r, struct site *s)
{
	*r = (struct run){.s = s};
	r->channels = xcalloc(s->config->n_notify, sizeof(*r->channels));
	if (gethostname(r->host, sizeof(r->host) - 1) || !*r->host)
		memcpy(r->host, "localhost", sizeof("localhost"));
}

static struct channel *add_channel(struct run *r, const struct config_notify *c, bool test)
{
	struct channel *ch = &r->channels[r->n++];
	uint8_t id[16];
	AUTO(buf_done) struct buf hex = buf_make(64);
	random_octets(id, sizeof(id));
	codec_hex(&hex, id, sizeof(id));
	*ch = (struct channel){.run = r, .c = c};
	memcpy(ch->id, buf_str(&hex), 2 * sizeof(id) + 1);
	ch->frame =
		(struct notify_frame){.host = r->host, .id = ch->id, .now_s = clk_wall(r->s->clk) / 1000, .test = test};
	return ch;
}

/* --- what was told --- */

static int recall(const struct store_notice *n, void *ctx, struct err *e)
{
	(void)e;
	notify_memory_add(ctx, &(struct notify_told){.key = n->key,
				       .kind = n->kind,
				       .subject = n->subject,
				       .text = n->text,
				       .severity = n->severity >= 0 && n->severity < NOTIFY_SEVERITY_N_
							   ? (enum notify_severity)n->severity
							   : NOTIFY_ERROR,
				       .since = n->since,
				       .told_at = n->told_at});
	return 0;
}

int notifyrun_recall(struct store *st, const char *key, struct notify_memory *ret, struct err *e)
{
	return store_notice_each(st, key, recall, ret, e);
}

int notifyrun_remember(struct store *st, const char *key, const struct notify_memory *m, struct err *e)
{
	/* The row borrows. */
	AUTO(xfreep) char *channel = xstrdup(key);
	if (store_notice_clear(st, key, e))
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		const struct notify_told *t = &m->v[i];
		struct store_notice n = {.channel = channel,
			.key = t->key,
			.kind = t->kind,
			.subject = t->subject,
			.text = t->text,
			.severity = t->severity,
			.since = t->since,
			.told_at = t->told_at};
		if (store_notice_put(st, &n, e))
			return -1;
	}
	return store_commit(st, e);
}

/* --- sending --- */

static void ended(struct channel *ch, const struct err *e)
{
	struct run *r = ch->run;
	struct err own = {0};
	metrics_add(tell_metrics(r->s), METRIC_NOTICES, METRIC_L(ch->c->name, err_is(e) ? "failure" : "success"), 1);
	if (r->told)
		r->told(ch->c, e, r->ctx);
	else if (err_is(e))
		log_warn("nobody was told: %s", e->msg);
	else if (notifyrun_remember(r->store, ch->key, &ch->message.after, &own))
		log_warn("channel \"%s\" may be told again: %s", ch->c->name, own.msg);
	err_done(&own);
}

static void sent(const struct err *e, void *ctx)
{
	struct channel *ch = ctx;
	ended(ch, e);
	if (!--ch->run->pending)
		loop_stop(ch->run->s->loop);
}

static void start(struct channel *ch)
{
	struct err e = {0};
	if (notifysend_start(ch->run->s->loop, ch->c, &ch->message, &ch->frame, sent, ch, &ch->send, &e)) {
		ended(ch, &e);
		err_done(&e);
		return;
	}
	ch->run->pending++;
}

static void stop_signal(int signo, void *ctx)
{
	struct run *r = ctx;
	(void)signo;
	log_warn("stopped before everybody was told");
	loop_stop(r->s->loop);
}

static void nothing(int signo, void *ctx)
{
	(void)signo;
	(void)ctx;
}

static void wait_for_all(struct run *r)
{
	struct err e = {0};
	if (!r->pending)
		return;
	loop_on_stop_signal(r->s->loop, stop_signal, r);
	if (loop_run(r->s->loop, &e))
		log_warn("notify: %s", e.msg);
	loop_on_stop_signal(r->s->loop, nothing, NULL);
	err_done(&e);
}

/* --- a source --- */

static int prepare(struct channel *ch, const char *source, notifyrun_problems_fn problems, void *ctx, struct err *e)
{
	struct notify_rules rules = {.level = NOTIFY_WARNING, .repeat_s = ch->c->repeat_ms / 1000};
	notify_severity_from_name(ch->c->level, &rules.level);
	ch->key = xasprintf("%s/%s", ch->c->name, source);
	if (problems(ch->run->s, ch->c, &ch->problems, ctx, e) ||
		notifyrun_recall(ch->run->store, ch->key, &ch->memory, e))
		return -1;
	notify_decide(&ch->problems, &ch->memory, &rules, ch->frame.now_s, &ch->message);
	return 0;
}

void notifyrun(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx)
{
	AUTO(run_done) struct run r;
	struct store *own = NULL;
	struct err e = {0};
	run_init(&r, s);
	if (!s->config->n_notify)
		return;
	/* An audit has the state open for reading only; what was told is nobody else's business. */
	if (s->lock.fd < 0 && store_open(s->config->state_dir, false, &own, &e)) {
		log_warn("nobody was told: %s", e.msg);
		err_done(&e);
		return;
	}
	r.store = own ? own : s->store;
	for (size_t i = 0; i < s->config->n_notify; i++) {
		struct channel *ch = add_channel(&r, &s->config->notify[i], false);
		if (prepare(ch, source, problems, ctx, &e)) {
			log_warn("channel \"%s\": %s", ch->c->name, e.msg);
			err_done(&e);
		} else if (ch->message.n) {
			start(ch);
		}
	}
	wait_for_all(&r);
	store_close(own);
}

static int of_fleet(
	struct site *s, const struct config_notify *c, struct notify_problems *ret, void *ctx, struct err *e)
{
	(void)ctx;
	return problems_of_fleet(s, c, ret, e);
}

void notifyrun_fleet(struct site *s)
{
	notifyrun(s, "fleet", of_fleet, NULL);
}

int notifyrun_test(struct site *s, const char *name,
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx), void *ctx, struct err *e)
{
	AUTO(run_done) struct run r;
	run_init(&r, s);
	r.told = told;
	r.ctx = ctx;
	if (!s->config->n_notify || (name && !config_find_notify(s->config, name))) {
		if (name)
			err_set(e, ERR_USAGE, "there is no channel \"%s\" below notify in %s", name, s->config->path);
		else
			err_set(e, ERR_USAGE, "there is no channel below notify in %s", s->config->path);
		err_hint(e, "perdure.yaml(5) describes notify");
		return -1;
	}
	for (size_t i = 0; i < s->config->n_notify; i++)
		if (!name || !strcmp(s->config->notify[i].name, name))
			start(add_channel(&r, &s->config->notify[i], true));
	wait_for_all(&r);
	return 0;
}
