/* notifyrun.c: all channels of notify told what is news for them. */
#include "fleet/notifyrun.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/host.h"
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

/* One channel and its message. */
struct channel {
	struct notifyrun *run;
	const struct config_notify *c;
	char *key; /* in the state */
	struct notify_problems problems;
	struct notify_memory memory;
	struct notify_message message;
	struct notify_frame frame;
	char id[40];
	struct notifysend *send;
};

struct notifyrun {
	struct site *s;
	struct store *store; /* for writing; NULL when testing */
	struct store *own; /* the same, when it is ours */
	void (*done)(void *done_ctx);
	void *done_ctx;
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx); /* when testing */
	void *ctx;
	char host[HOST_NAME_ROOM];
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

void notifyrun_free(struct notifyrun *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		channel_done(&r->channels[i]);
	free(r->channels);
	store_close(r->own);
	free(r);
}

static struct notifyrun *run_new(struct site *s, void (*done)(void *done_ctx), void *done_ctx)
{
	struct notifyrun *r = xcalloc(1, sizeof(*r));
	*r = (struct notifyrun){.s = s, .done = done, .done_ctx = done_ctx};
	r->channels = xcalloc(s->config->n_notify, sizeof(*r->channels));
	host_name(r->host);
	return r;
}

static struct channel *add_channel(struct notifyrun *r, const struct config_notify *c, bool test)
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
	struct notifyrun *r = ch->run;
	struct err own = {0};
	metrics_add(tell_metrics(r->s), METRIC_NOTICES, METRIC_L(ch->c->name, err_is(e) ? "failure" : "success"), 1);
	if (r->told)
		r->told(ch->c, e, r->ctx);
	else if (err_is(e))
		log_warn("nobody was told: %s%s%s", e->msg, e->hint[0] ? "; " : "", e->hint);
	else if (r->store && notifyrun_remember(r->store, ch->key, &ch->message.after, &own))
		log_warn("channel \"%s\" may be told again: %s", ch->c->name, own.msg);
	err_done(&own);
}

static void sent(const struct err *e, void *ctx)
{
	struct channel *ch = ctx;
	ended(ch, e);
	struct notifyrun *r = ch->run;
	if (!--r->pending)
		r->done(r->done_ctx); /* it may be released now */
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

/* The run, or NULL when there is nothing to wait for. */
static struct notifyrun *started(struct notifyrun *r)
{
	if (r->pending)
		return r;
	notifyrun_free(r);
	return NULL;
}

static void all_told(void *ctx)
{
	loop_stop(ctx);
}

static void stop_signal(int signo, void *ctx)
{
	(void)signo;
	log_warn("stopped before everybody was told");
	loop_stop(ctx);
}

/* NULL is fine. */
static void wait_for_all(struct notifyrun *r, struct loop *l)
{
	struct err e = {0};
	if (!r)
		return;
	loop_on_stop_signal(l, stop_signal, l);
	if (loop_run(l, &e))
		log_warn("notify: %s", e.msg);
	err_done(&e);
	notifyrun_free(r);
}

/* --- a source --- */

static int prepare(struct channel *ch, const char *source, notifyrun_problems_fn problems, void *ctx, struct err *e)
{
	struct notify_rules rules = {.level = NOTIFY_WARNING, .repeat_s = ch->c->repeat_ms / 1000};
	notify_severity_from_name(ch->c->level, &rules.level);
	ch->key = xasprintf("%s/%s", ch->c->name, source);
	const struct notifyrun *r = ch->run;
	if (problems(r->s, ch->c, &ch->problems, ctx, e) ||
		(r->store && notifyrun_recall(r->store, ch->key, &ch->memory, e)))
		return -1;
	notify_decide(&ch->problems, &ch->memory, &rules, ch->frame.now_s, &ch->message);
	return 0;
}

/* Every channel with what is news for it. */
static struct notifyrun *tell_all(struct notifyrun *r, const char *source, notifyrun_problems_fn problems, void *ctx)
{
	const struct site *s = r->s;
	struct err e = {0};
	for (size_t i = 0; i < s->config->n_notify; i++) {
		struct channel *ch = add_channel(r, &s->config->notify[i], false);
		if (prepare(ch, source, problems, ctx, &e)) {
			log_warn("channel \"%s\": %s", ch->c->name, e.msg);
			err_done(&e);
		} else if (ch->message.n) {
			start(ch);
		}
	}
	return started(r);
}

struct notifyrun *notifyrun_start(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx,
	void (*done)(void *done_ctx), void *done_ctx)
{
	struct err e = {0};
	if (!s->config->n_notify)
		return NULL;
	struct notifyrun *r = run_new(s, done, done_ctx);
	/* An audit has the state open for reading only; what was told is nobody else's business. */
	if (s->lock.fd < 0 && store_open(s->config->state_dir, false, &r->own, &e)) {
		log_warn("nobody was told: %s", e.msg);
		err_done(&e);
		notifyrun_free(r);
		return NULL;
	}
	r->store = r->own ? r->own : s->store;
	return tell_all(r, source, problems, ctx);
}

void notifyrun_forgetful(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx)
{
	wait_for_all(tell_all(run_new(s, all_told, s->loop), source, problems, ctx), s->loop);
}

void notifyrun(struct site *s, const char *source, notifyrun_problems_fn problems, void *ctx)
{
	wait_for_all(notifyrun_start(s, source, problems, ctx, all_told, s->loop), s->loop);
}

int notifyrun_of_fleet(
	struct site *s, const struct config_notify *c, struct notify_problems *ret, void *ctx, struct err *e)
{
	return problems_of_fleet(s, c, ctx, ret, e);
}

int notifyrun_test(struct site *s, const char *name,
	void (*told)(const struct config_notify *c, const struct err *e, void *ctx), void *ctx, struct err *e)
{
	if (!s->config->n_notify || (name && !config_find_notify(s->config, name))) {
		if (name)
			err_set(e, ERR_USAGE, "there is no channel \"%s\" below notify in %s", name, s->config->path);
		else
			err_set(e, ERR_USAGE, "there is no channel below notify in %s", s->config->path);
		err_hint(e, "perdure.yaml(5) describes notify");
		return -1;
	}
	struct notifyrun *r = run_new(s, all_told, s->loop);
	r->told = told;
	r->ctx = ctx;
	for (size_t i = 0; i < s->config->n_notify; i++)
		if (!name || !strcmp(s->config->notify[i].name, name))
			start(add_channel(r, &s->config->notify[i], true));
	wait_for_all(started(r), s->loop);
	return 0;
}
