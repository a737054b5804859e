/* audit_tell.c: what an audit of the configured names found, as events, numbers and messages. */
#include "cli/audit_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/meter.h"
#include "fleet/notifyrun.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "obs/notify.h"
#include "watch/report.h"
#include "watch/rules.h"

/* Under this key the state remembers what the last audit found; names of channels have no "/" in front. */
#define LAST_AUDIT "/audit"

/* Findings beyond these are in the numbers only. */
enum { KEPT_MAX = 100000 };

struct audit_tell {
	struct notify_problems all; /* the kind is the rule's id */
	struct metrics *metrics;
	bool unseen; /* there were names that could not be looked at */
};

struct audit_tell *audit_tell_new(void)
{
	struct audit_tell *t = xcalloc(1, sizeof(*t));
	t->metrics = metrics_new();
	return t;
}

void audit_tell_free(struct audit_tell *t)
{
	if (!t)
		return;
	notify_problems_done(&t->all);
	metrics_free(t->metrics);
	free(t);
}

static enum notify_severity severity_of(const struct rule *r)
{
	return r->severity == SEVERITY_ERROR     ? NOTIFY_ERROR
	       : r->severity == SEVERITY_WARNING ? NOTIFY_WARNING
						 : NOTIFY_INFO;
}

void audit_tell_finding(struct audit_tell *t, const struct finding *f)
{
	const struct notify_problems *all = &t->all;
	metrics_add(t->metrics, METRIC_FINDINGS, METRIC_L(f->rule->id, severity_name(f->rule->severity)), 1);
	/* Findings come name by name, and rule by rule. */
	const struct notify_problem *last = all->n ? &all->v[all->n - 1] : NULL;
	if (all->n >= KEPT_MAX || (last && !strcmp(last->kind, f->rule->id) && !strcmp(last->subject, f->name)))
		return;
	AUTO(xfreep) char *text = xasprintf("%s: %s", f->rule->title, f->evidence);
	notify_problems_add(&t->all, severity_of(f->rule), f->rule->id, f->name, text, f->remedy);
}

/* --- events --- */

static void tell_one(struct site *s, const struct notify_item *it)
{
	tell_event(s, &(struct event){.type = it->news == NOTIFY_GONE ? EVENT_FINDING_GONE : EVENT_FINDING_NEW,
			      .name = it->p->subject,
			      .rule = it->p->kind,
			      .severity = notify_severity_name(it->p->severity),
			      .detail = it->p->text});
}

/* What was found before at names that this time could not be looked at is not gone. */
static void keep_unseen(struct notify_message *m)
{
	size_t k = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct notify_item *it = &m->items[i];
		if (it->news != NOTIFY_GONE) {
			m->items[k++] = *it;
			continue;
		}
		notify_memory_add(&m->after, &(struct notify_told){.key = it->p->key,
						     .kind = it->p->kind,
						     .subject = it->p->subject,
						     .text = it->p->text,
						     .severity = it->p->severity,
						     .since = it->since});
	}
	m->n = k;
}

static int tell_changes(struct audit_tell *t, struct site *s, struct store *st, struct err *e)
{
	static const struct notify_rules rules = {.level = NOTIFY_INFO};
	struct notify_memory before = {0};
	struct notify_message m;
	if (notifyrun_recall(st, LAST_AUDIT, &before, e)) {
		notify_memory_done(&before);
		return -1;
	}
	notify_decide(&t->all, &before, &rules, clk_wall(s->clk) / 1000, &m);
	if (t->unseen)
		keep_unseen(&m);
	for (size_t i = 0; i < m.n; i++)
		if (m.items[i].news != NOTIFY_WORSE)
			tell_one(s, &m.items[i]);
	/* Nor do the channels hear that it is gone. */
	for (size_t i = 0; t->unseen && i < m.gone.n; i++)
		notify_problems_add(
			&t->all, m.gone.v[i].severity, m.gone.v[i].kind, m.gone.v[i].subject, m.gone.v[i].text, NULL);
	int r = notifyrun_remember(st, LAST_AUDIT, &m.after, e);
	notify_message_done(&m);
	notify_memory_done(&before);
	return r;
}

/* --- numbers --- */

/* "…/perdure.prom" becomes "…/perdure-audit.prom": the collector reads both. */
static char *audit_path(const char *path)
{
	size_t n = strlen(path);
	bool prom = n > 5 && !strcmp(path + n - 5, ".prom");
	return xasprintf("%.*s-audit%s", (int)(prom ? n - 5 : n), path, prom ? ".prom" : "");
}

static int write_numbers(const struct audit_tell *t, const struct site *s, struct err *e)
{
	if (!s->config->metrics.textfile)
		return 0;
	AUTO(xfreep) char *path = audit_path(s->config->metrics.textfile);
	return meter_write(t->metrics, path, e);
}

/* --- messages --- */

static int problems(
	struct site *s, const struct config_notify *c, struct notify_problems *ret, void *ctx, struct err *e)
{
	const struct audit_tell *t = ctx;
	enum notify_severity from;
	(void)s;
	(void)e;
	if (notify_severity_from_name(c->findings, &from))
		return 0; /* none */
	for (size_t i = 0; i < t->all.n; i++) {
		const struct notify_problem *p = &t->all.v[i];
		AUTO(xfreep) char *subject = xasprintf("%s: %s", p->subject, p->kind);
		if (p->severity >= from)
			notify_problems_add(ret, p->severity, "finding", subject, p->text, p->hint);
	}
	return 0;
}

void audit_tell_end(struct audit_tell *t, struct site *s, const struct report_summary *sum)
{
	struct store *own = NULL;
	struct err e = {0};
	int64_t ended_s = sum->ended_ms / 1000;
	t->unseen = sum->unseen > 0;
	metrics_set(t->metrics, METRIC_AUDIT_NAMES, METRIC_NO_L, (double)sum->names);
	metrics_set(t->metrics, METRIC_AUDIT_AT, METRIC_NO_L, (double)ended_s);
	if (write_numbers(t, s, &e)) {
		log_warn("metrics: %s", e.msg);
		err_done(&e);
	}
	/* Whoever may only read the state audits all the same; nothing is remembered then, so nothing is told. */
	if (store_open(s->config->state_dir, false, &own, &e) || meter_audit_keep(own, t->metrics, &e) ||
		tell_changes(t, s, own, &e))
		log_debug("what the audit before found is not known: %s", e.msg);
	err_done(&e);
	store_close(own);
	notifyrun(s, "audit", problems, t);
}
