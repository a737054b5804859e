/* ari.c: when a CA wishes a certificate to be renewed. */
#include "acme/ari.h"

#include <stdlib.h>
#include <string.h>

#include "acme/metered.h"
#include "acme/problem.h"
#include "acme/session_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "json/json.h"

/* A wish that nobody waits for. */
enum { TIMEOUT_MS = 10000 };

struct acme_window_query {
	struct acme_session *s;
	struct http_exchange *x;
	struct turn turn;
	char *url;
	int64_t sent_ms;
	acme_window_fn done;
	void *ctx;
};

void acme_window_done(struct acme_window *w)
{
	free(w->url);
	*w = (struct acme_window){0};
}

static int need_time(const struct json *window, const char *member, int64_t *ret, struct err *e)
{
	const char *text;
	if (json_need_str(window, member, &text, e) || clock_parse_rfc3339(text, ret, e))
		return err_ctx(e, "suggestedWindow: %s", member);
	return 0;
}

static char *explanation(const struct json *doc)
{
	const char *url = json_str(json_get(doc, "explanationURL"));
	struct err ignored = {0};
	if (url && !http_url_check(url, "explanationURL", &ignored))
		return xstrdup(url);
	err_done(&ignored);
	return xstrdup("");
}

int acme_window_decode(const struct http_reply *r, int64_t now_ms, struct acme_window *ret, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	struct acme_window w = {0};
	const char *after = http_reply_header(r, "retry-after");
	int64_t at;
	if (r->status != 200)
		return err_set(e, ERR_PROTO, "status %d, not 200", r->status);
	if (json_parse(r->body.p, r->body.n, "renewal information", &doc, e))
		return -1;
	const struct json *window = json_get(doc, "suggestedWindow");
	if (!json_is_object(window))
		return err_set(e, ERR_PROTO, "the object \"suggestedWindow\" is missing");
	if (need_time(window, "start", &w.start, e) || need_time(window, "end", &w.end, e))
		return -1;
	w.url = explanation(doc);
	if (after && clock_retry_after(after, now_ms, &at))
		w.ask_at = at / 1000;
	*ret = w;
	return 0;
}

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct acme_window_query *q = ctx;
	struct acme_window w = {0};
	struct err e = {0};
	int64_t now = session_wall(q->s);
	q->x = NULL;
	metered_reply(q->s, "renewalInfo", q->sent_ms, r);
	if (!r)
		err_copy(&e, failed);
	else if (r->status >= 300) {
		acme_problem_from_reply(r, q->url, now, &e);
		session_heed(q->s, "renewalInfo", &e);
	} else if (acme_window_decode(r, now, &w, &e) && e.kind == ERR_PARSE)
		e.kind = ERR_PROTO;
	if (err_is(&e))
		err_ctx(&e, "%s: renewal information", q->s->name);
	acme_window_fn done = q->done;
	void *done_ctx = q->ctx;
	acme_window_cancel(q);
	done(err_is(&e) ? NULL : &w, &e, done_ctx);
	acme_window_done(&w);
	err_done(&e);
}

static void ask(void *ctx)
{
	struct acme_window_query *q = ctx;
	struct http_request r = {.method = HTTP_GET, .url = q->url, .timeout_ms = TIMEOUT_MS};
	q->s->requests++;
	q->sent_ms = session_mono(q->s);
	q->x = http_send(q->s->http, &r, on_reply, q);
}

struct acme_window_query *acme_window_ask(struct acme_session *s, const char *ari_id, acme_window_fn done, void *ctx)
{
	struct acme_window_query *q = xcalloc(1, sizeof(*q));
	const char *base = s->dir.renewal_info;
	size_t n = strlen(base);
	q->s = s;
	q->done = done;
	q->ctx = ctx;
	q->url = xasprintf("%s%s%s", base, n && base[n - 1] == '/' ? "" : "/", ari_id);
	q->turn = (struct turn){.go = ask, .ctx = q};
	if (turns_take(&s->turns, &q->turn))
		ask(q);
	return q;
}

void acme_window_cancel(struct acme_window_query *q)
{
	if (!q)
		return;
	turns_leave(&q->s->turns, &q->turn);
	http_cancel(q->s->http, q->x);
	free(q->url);
	free(q);
}
