/* deploy_look.c: which deploy actions of a certificate are done, and which are due. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/deploy.h"
#include "fleet/deploywork.h"
#include "state/deployrows.h"

static const char *const verdict_names[] = {
	[DEPLOY_IS_DONE] = "done",
	[DEPLOY_DUE] = "due",
	[DEPLOY_WAITING] = "waiting",
	[DEPLOY_BEHIND] = "behind",
};
_Static_assert(ARRAY_LEN(verdict_names) == DEPLOY_VERDICT_N_, "one name per verdict");

const char *deploy_verdict_name(enum deploy_verdict v)
{
	return verdict_names[v];
}

static const char *const outcome_names[] = {
	[DEPLOY_DONE] = "done",
	[DEPLOY_UNCHANGED] = "unchanged",
	[DEPLOY_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(outcome_names) == DEPLOY_OUTCOME_N_, "one name per outcome");

const char *deploy_outcome_name(enum deploy_outcome o)
{
	return outcome_names[o];
}

char *deploy_expand(const char *text, const char *name)
{
	static const char mark[] = "{name}";
	if (!text)
		return NULL;
	struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	for (const char *at; (at = strstr(text, mark)); text = at + strlen(mark)) {
		buf_put(&b, text, (size_t)(at - text));
		buf_puts(&b, name);
	}
	buf_puts(&b, text);
	return buf_take(&b);
}

char *deploy_label(const struct config_deploy *d, const char *cert)
{
	return deploy_expand(d->label, cert);
}

enum { WAIT_MAX = 2 * 86400 };

struct look {
	const struct config_deploy_list *list;
	int64_t now;
	int64_t generation;
	struct deploy_state *v;
};

static int take_row(const struct store_deploy *row, void *ctx, struct err *e)
{
	struct look *l = ctx;
	(void)e;
	for (size_t i = 0; i < l->list->n; i++) {
		struct deploy_state *s = &l->v[i];
		if (strcmp(l->list->v[i]->id, row->action) != 0 || row->generation != l->generation)
			continue;
		s->verdict = row->done ? DEPLOY_IS_DONE : DEPLOY_DUE;
		s->tries = row->tries;
		s->at = row->at;
		/* Later than any back-off: the clock was ahead then. */
		s->next_at = l->now && row->next_at - l->now > WAIT_MAX ? 0 : row->next_at;
		free(s->last_error);
		s->last_error = xstrdup(row->last_error);
	}
	return 0;
}

/* One that waits holds up those after it, unless it is optional. */
static void judge(struct deploy_state *v, size_t n, int64_t now)
{
	bool held = false;
	for (size_t i = 0; i < n; i++) {
		if (v[i].verdict == DEPLOY_IS_DONE)
			continue;
		v[i].verdict = held ? DEPLOY_BEHIND : now && v[i].next_at > now ? DEPLOY_WAITING : DEPLOY_DUE;
		held |= v[i].verdict == DEPLOY_WAITING && !v[i].action->optional;
	}
}

int deploy_look(struct store *st, const struct config_cert *cert, int64_t generation, int64_t now,
	struct deploy_state **ret, size_t *ret_n, struct err *e)
{
	size_t n = cert->deploy ? cert->deploy->n : 0;
	struct deploy_state *v = xcalloc(n ? n : 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = (struct deploy_state){
			.action = cert->deploy->v[i], .verdict = DEPLOY_DUE, .last_error = xstrdup("")};
	struct look l = {.list = cert->deploy, .now = now, .generation = generation, .v = v};
	if (n && st && store_deploy_each(st, cert->name, take_row, &l, e)) {
		deploy_states_free(v, n);
		return -1;
	}
	judge(v, n, now);
	*ret = v;
	*ret_n = n;
	return 0;
}

void deploy_states_free(struct deploy_state *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].last_error);
	free(v);
}

struct others {
	const struct config_deploy_list *list;
	struct strv ids;
};

static int find_other(const struct store_deploy *row, void *ctx, struct err *e)
{
	struct others *o = ctx;
	(void)e;
	for (size_t i = 0; i < o->list->n; i++)
		if (!strcmp(o->list->v[i]->id, row->action))
			return 0;
	strv_add(&o->ids, row->action);
	return 0;
}

int deploy_forget_others(struct store *st, const struct config_cert *cert, struct err *e)
{
	static const struct config_deploy_list none;
	struct others o = {.list = cert->deploy ? cert->deploy : &none};
	int r = store_deploy_each(st, cert->name, find_other, &o, e);
	for (size_t i = 0; !r && i < o.ids.n; i++)
		r = store_deploy_delete(st, cert->name, o.ids.v[i], e);
	strv_done(&o.ids);
	return r;
}

struct survey {
	const struct config *config;
	bool *live;
	size_t *done; /* actions that are done for the live generation */
};

static int survey_one(const char *name, const char *action, void *ctx, struct err *e)
{
	const struct survey *v = ctx;
	const struct config_cert *cert = config_find_cert(v->config, name);
	(void)e;
	if (!cert || !cert->deploy)
		return 0;
	size_t at = (size_t)(cert - v->config->certs);
	v->live[at] = true;
	for (size_t i = 0; i < cert->deploy->n; i++)
		v->done[at] += !strcmp(cert->deploy->v[i]->id, action);
	return 0;
}

int deploy_find_open(struct store *st, const struct config *c, bool all, bool *ret, struct err *e)
{
	AUTO(xfreep) size_t *done = xcalloc(c->n_certs, sizeof(*done));
	struct survey v = {.config = c, .live = ret, .done = done};
	if (store_deploy_each_live(st, survey_one, &v, e))
		return -1;
	for (size_t i = 0; i < c->n_certs; i++)
		ret[i] = ret[i] && (all || done[i] < c->certs[i].deploy->n);
	return 0;
}
