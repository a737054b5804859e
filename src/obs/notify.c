/* notify.c: which of the problems that stand are news. */
#include "obs/notify.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static const char *const severities[] = {
	[NOTIFY_INFO] = "info", [NOTIFY_WARNING] = "warning", [NOTIFY_ERROR] = "error"};
_Static_assert(ARRAY_LEN(severities) == NOTIFY_SEVERITY_N_, "a name for each severity");

const char *notify_severity_name(enum notify_severity s)
{
	return severities[s];
}

int notify_severity_from_name(const char *name, enum notify_severity *ret)
{
	for (size_t i = 0; i < NOTIFY_SEVERITY_N_; i++)
		if (!strcmp(severities[i], name)) {
			*ret = (enum notify_severity)i;
			return 0;
		}
	return -1;
}

const char *notify_news_name(enum notify_news n)
{
	static const char *const names[] = {
		[NOTIFY_NEW] = "new", [NOTIFY_WORSE] = "worse", [NOTIFY_STILL] = "still", [NOTIFY_GONE] = "gone"};
	return names[n];
}

/* --- lists --- */

void notify_problems_add(struct notify_problems *p, enum notify_severity s, const char *kind, const char *subject,
	const char *text, const char *hint)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = (struct notify_problem){
		.key = xasprintf("%s/%s", kind, subject ? subject : ""),
		.kind = xstrdup(kind),
		.subject = xstrdup(subject ? subject : ""),
		.text = xstrdup(text ? text : ""),
		.hint = xstrdup(hint ? hint : ""),
		.severity = s,
	};
}

void notify_problems_done(struct notify_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].kind);
		free(p->v[i].subject);
		free(p->v[i].text);
		free(p->v[i].hint);
	}
	free(p->v);
	*p = (struct notify_problems){0};
}

void notify_memory_add(struct notify_memory *m, const struct notify_told *t)
{
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->v = xreallocarray(m->v, m->cap, sizeof(*m->v));
	}
	m->v[m->n++] = (struct notify_told){
		.key = xstrdup(t->key),
		.kind = xstrdup(t->kind),
		.subject = xstrdup(t->subject),
		.text = xstrdup(t->text),
		.severity = t->severity,
		.since = t->since,
		.told_at = t->told_at,
	};
}

void notify_memory_done(struct notify_memory *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].key);
		free(m->v[i].kind);
		free(m->v[i].subject);
		free(m->v[i].text);
	}
	free(m->v);
	*m = (struct notify_memory){0};
}

/* --- the decision --- */

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct notify_told *const *)a)->key, (*(const struct notify_told *const *)b)->key);
}

static int key_is(const void *key, const void *told)
{
	return strcmp(key, (*(const struct notify_told *const *)told)->key);
}

/* What was told, sorted by key. */
struct told_index {
	const struct notify_told **v;
	bool *stands; /* reported again */
	size_t n;
};

static struct told_index index_of(const struct notify_memory *m)
{
	struct told_index x = {.v = xcalloc(m->n, sizeof(const struct notify_told *)),
		.stands = xcalloc(m->n, sizeof(bool)),
		.n = m->n};
	for (size_t i = 0; i < m->n; i++)
		x.v[i] = &m->v[i];
	if (x.n)
		qsort(x.v, x.n, sizeof(*x.v), by_key);
	return x;
}

static void add_item(struct notify_message *m, enum notify_news news, const struct notify_problem *p, int64_t since)
{
	m->items = xreallocarray(m->items, m->n + 1, sizeof(*m->items));
	m->items[m->n++] = (struct notify_item){.news = news, .p = p, .since = since};
}

static bool is_news(const struct notify_problem *p, const struct notify_told *t, const struct notify_rules *r,
	int64_t now, enum notify_news *ret)
{
	if (!t)
		*ret = NOTIFY_NEW;
	else if (p->severity > t->severity)
		*ret = NOTIFY_WORSE;
	else
		*ret = NOTIFY_STILL;
	return *ret != NOTIFY_STILL || (r->repeat_s && now - t->told_at >= r->repeat_s);
}

static void remember(struct notify_message *m, const struct notify_problem *p, int64_t since, int64_t told_at)
{
	notify_memory_add(&m->after, &(struct notify_told){.key = p->key,
					     .kind = p->kind,
					     .subject = p->subject,
					     .text = p->text,
					     .severity = p->severity,
					     .since = since,
					     .told_at = told_at});
}

static void take_gone(struct notify_message *m, const struct told_index *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (!x->stands[i])
			notify_problems_add(
				&m->gone, x->v[i]->severity, x->v[i]->kind, x->v[i]->subject, x->v[i]->text, NULL);
	/* Now that the list does not move any more. */
	for (size_t i = 0, k = 0; i < x->n; i++)
		if (!x->stands[i])
			add_item(m, NOTIFY_GONE, &m->gone.v[k++], x->v[i]->since);
}

/* Those that are gone at the end; of the others the gravest first, then in order of kind and subject. */
static int by_gravity(const void *a, const void *b)
{
	const struct notify_item *x = a, *y = b;
	if ((x->news == NOTIFY_GONE) != (y->news == NOTIFY_GONE))
		return x->news == NOTIFY_GONE ? 1 : -1;
	if (x->p->severity != y->p->severity)
		return x->p->severity > y->p->severity ? -1 : 1;
	return strcmp(x->p->key, y->p->key);
}

void notify_decide(const struct notify_problems *problems, const struct notify_memory *memory,
	const struct notify_rules *rules, int64_t now_s, struct notify_message *ret)
{
	struct told_index x = index_of(memory);
	*ret = (struct notify_message){0};
	for (size_t i = 0; i < problems->n; i++) {
		const struct notify_problem *p = &problems->v[i];
		enum notify_news news;
		if (p->severity < rules->level)
			continue;
		const struct notify_told **at = x.n ? bsearch(p->key, x.v, x.n, sizeof(*x.v), key_is) : NULL;
		const struct notify_told *t = at ? *at : NULL;
		if (at)
			x.stands[at - x.v] = true;
		bool tell = is_news(p, t, rules, now_s, &news);
		if (tell)
			add_item(ret, news, p, t ? t->since : now_s);
		if (tell && p->severity > ret->worst)
			ret->worst = p->severity;
		remember(ret, p, t ? t->since : now_s, tell ? now_s : t->told_at);
	}
	take_gone(ret, &x);
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_gravity);
	free(x.v);
	free(x.stands);
}

void notify_message_done(struct notify_message *m)
{
	free(m->items);
	notify_problems_done(&m->gone);
	notify_memory_done(&m->after);
	*m = (struct notify_message){0};
}
