/* windows.c: the CAs are asked when they wish certificates to be renewed. */
#include "fleet/windows.h"

#include <stdlib.h>
#include <string.h>

#include "acme/ari.h"
#include "acme/directory.h"
#include "acme/session.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/schedule.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"

enum { DIRECTORY_MS = 10000, ALL_MS = 60000, IN_FLIGHT_MAX = 16, LOST_CONTACT_LIMIT = 3 };

/* One certificate to ask for. */
struct item {
	struct store_cert row; /* name, times and window only */
	struct queue *q;
	struct acme_window_query *asked;
};

/* Those of one CA. */
struct queue {
	struct windows *w;
	struct site_ca *ca;
	struct item *items;
	size_t n, cap, next, in_flight;
	int lost_contact; /* in a row */
	bool told; /* of a failure */
	bool waiting; /* for the directory */
	bool done;
	struct loop_timer *deadline;
};

struct windows {
	struct site *site;
	const struct strv *only;
	struct queue *queues; /* one for each CA */
	size_t running;
	struct loop_timer *end;
	void (*done)(void *ctx);
	void *ctx;
};

static int64_t now_s(const struct windows *w)
{
	return clk_wall(w->site->clk) / 1000;
}

/* ---- what to ask for ---- */

static void add_item(struct queue *q, const struct store_cert *row)
{
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->items = xreallocarray(q->items, q->cap, sizeof(*q->items));
	}
	q->items[q->n++] = (struct item){
		.row = {.name = xstrdup(row->name),
			.ari_id = xstrdup(row->ari_id),
			.not_before = row->not_before,
			.not_after = row->not_after,
			.window = row->window},
		.q = q,
	};
	struct store_window *window = &q->items[q->n - 1].row.window;
	window->url = xstrdup(window->url);
}

static int look_at_row(const struct store_cert *row, void *ctx, struct err *e)
{
	struct windows *w = ctx;
	const struct config *conf = w->site->config;
	const struct config_cert *c = config_find_cert(conf, row->name);
	(void)e;
	if (!c || (w->only && !strv_has(w->only, row->name)) || !row->ari_id[0] || !strv_has(&c->cas, row->ca) ||
		schedule_due_at(row) <= now_s(w))
		return 0;
	for (size_t i = 0; i < conf->n_cas; i++)
		if (!strcmp(conf->cas[i].name, row->ca))
			add_item(&w->queues[i], row);
	return 0;
}

/* ---- answers ---- */

static void keep(const struct item *it)
{
	struct err e = {0};
	if (!store_cert_put_window(it->q->w->site->store, it->row.name, &it->row.window, &e))
		return;
	log_warn("%s", e.msg);
	err_done(&e);
}

static void forget(struct store_window *window)
{
	free(window->url);
	*window = (struct store_window){.url = xstrdup("")};
}

static void take(struct item *it, const struct acme_window *said)
{
	struct store_window *window = &it->row.window;
	struct err e = {0};
	bool news = said->url[0] && strcmp(said->url, window->url);
	if (schedule_take_window(&it->row, said->start, said->end, random_below(UINT64_MAX), &e)) {
		log_warn("%s: %s; its lifetime decides", it->row.name, e.msg);
		err_done(&e);
		forget(window);
	} else {
		free(window->url);
		window->url = xstrdup(said->url);
		if (news)
			log_warn("%s: the CA says why it wishes it renewed: %s", it->row.name, said->url);
	}
	window->ask_at = schedule_ask_at(now_s(it->q->w), said->ask_at);
}

/* What was said before stands while the CA only cannot be reached. */
static void take_failure(struct item *it, const struct err *e)
{
	enum { HOUR = 3600 };
	bool away = e->kind == ERR_NET || e->kind == ERR_TIMEOUT || e->kind == ERR_TLS;
	bool later = (e->kind == ERR_ACME || e->kind == ERR_HTTP) && (e->code >= 500 || e->code == 429);
	int64_t now = now_s(it->q->w), again = e->retry_at / 1000;
	it->q->lost_contact = away ? it->q->lost_contact + 1 : 0;
	/* What one certificate meets the others meet too, as a rule. */
	if (it->q->told)
		log_debug("%s: %s", it->row.name, e->msg);
	else
		log_info("%s: %s", it->row.name, e->msg);
	it->q->told = true;
	if (!away && !later)
		forget(&it->row.window);
	if (!again && (away || later))
		again = now + HOUR;
	it->row.window.ask_at = schedule_ask_at(now, again);
}

static void ask_more(struct queue *q);

static void answered(const struct acme_window *said, const struct err *e, void *ctx)
{
	struct item *it = ctx;
	struct queue *q = it->q;
	it->asked = NULL;
	q->in_flight--;
	if (said) {
		q->lost_contact = 0;
		take(it, said);
	} else {
		take_failure(it, e);
	}
	keep(it);
	ask_more(q);
}

/* ---- asking ---- */

static void queue_end(struct queue *q)
{
	if (q->done)
		return;
	q->done = true;
	if (!--q->w->running)
		loop_timer_start(q->w->end, 0);
}

static void ask_more(struct queue *q)
{
	size_t most = (size_t)q->ca->conf->max_orders;
	if (most > IN_FLIGHT_MAX)
		most = IN_FLIGHT_MAX;
	while (!q->done && q->next < q->n && q->in_flight < most && q->lost_contact < LOST_CONTACT_LIMIT) {
		struct item *it = &q->items[q->next++];
		q->in_flight++;
		it->asked = acme_window_ask(q->ca->session, it->row.ari_id, answered, it);
	}
	if (!q->in_flight)
		queue_end(q);
}

static void have_directory(const struct acme_directory *d, const struct err *e, void *ctx)
{
	struct queue *q = ctx;
	q->waiting = false;
	if (q->done)
		return;
	if (!d) {
		log_info("%s", e->msg);
		queue_end(q);
		return;
	}
	loop_timer_start(q->deadline, ALL_MS);
	if (d->renewal_info[0]) {
		ask_more(q);
		return;
	}
	for (size_t i = 0; i < q->n; i++) {
		forget(&q->items[i].row.window);
		q->items[i].row.window.ask_at = schedule_ask_at(now_s(q->w), INT64_MAX);
		keep(&q->items[i]);
	}
	queue_end(q);
}

static void too_long(void *ctx)
{
	struct queue *q = ctx;
	if (q->waiting)
		log_info("CA \"%s\" is not there to be asked for renewal information", q->ca->conf->name);
	queue_end(q);
}

static void queue_start(struct queue *q)
{
	struct err e = {0};
	if (!q->n)
		return;
	if (site_session(q->w->site, q->ca, &e)) {
		log_warn("%s", e.msg);
		err_done(&e);
		return;
	}
	q->w->running++;
	q->waiting = true;
	q->deadline = loop_timer_new(q->w->site->loop, too_long, q);
	loop_timer_start(q->deadline, DIRECTORY_MS);
	acme_session_directory(q->ca->session, have_directory, q);
}

static void queue_free(struct queue *q)
{
	if (q->waiting)
		acme_session_directory_cancel(q->ca->session, have_directory, q);
	loop_timer_free(q->deadline);
	for (size_t i = 0; i < q->n; i++) {
		acme_window_cancel(q->items[i].asked);
		store_cert_done(&q->items[i].row);
	}
	free(q->items);
}

static void all_answered(void *ctx)
{
	struct windows *w = ctx;
	w->done(w->ctx);
}

struct windows *windows_start(struct site *s, const struct strv *only, void (*done)(void *ctx), void *ctx)
{
	struct windows *w = xcalloc(1, sizeof(*w));
	struct err e = {0};
	size_t n = s->config->n_cas;
	*w = (struct windows){.site = s, .only = only, .done = done, .ctx = ctx};
	w->queues = xcalloc(n, sizeof(*w->queues));
	for (size_t i = 0; i < n; i++)
		w->queues[i] = (struct queue){.w = w, .ca = &s->cas[i]};
	w->end = loop_timer_new(s->loop, all_answered, w);
	int r = store_cert_each_to_ask(s->store, now_s(w), look_at_row, w, &e);
	for (size_t i = 0; i < n && !r; i++)
		queue_start(&w->queues[i]);
	if (r)
		log_warn("%s", e.msg);
	err_done(&e);
	if (w->running)
		return w;
	windows_free(w);
	return NULL;
}

void windows_free(struct windows *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->site->config->n_cas; i++)
		queue_free(&w->queues[i]);
	loop_timer_free(w->end);
	free(w->queues);
	free(w);
}
