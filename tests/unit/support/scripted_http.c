/* scripted_http.c: the scripted server. */
#include "scripted_http.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/xalloc.h"
#include "loop/loop.h"

struct http_exchange {
	struct scripted *s;
	struct loop_timer *timer;
	struct http_reply reply;
	struct err e;
	http_done_fn done;
	void *ctx;
	LIST_ENTRY(http_exchange) link;
};

LIST_HEAD(exchange_list, http_exchange);

struct scripted {
	struct http http; /* first: the vtable is what callers see */
	struct loop *l;
	scripted_serve_fn serve;
	void *ctx;
	struct exchange_list exchanges;
};

static void exchange_free(struct http_exchange *x)
{
	LIST_REMOVE(x, link);
	loop_timer_free(x->timer);
	http_reply_done(&x->reply);
	err_done(&x->e);
	free(x);
}

static void deliver(void *ctx)
{
	struct http_exchange *x = ctx;
	bool failed = err_is(&x->e);
	http_done_fn done = x->done;
	x->done = NULL; /* a cancel from inside it changes nothing */
	done(failed ? NULL : &x->reply, &x->e, x->ctx);
	exchange_free(x);
}

static struct http_exchange *scripted_send(struct http *h, const struct http_request *r, http_done_fn done, void *ctx)
{
	struct scripted *s = (struct scripted *)h;
	struct http_exchange *x = xcalloc(1, sizeof(*x));
	x->s = s;
	x->done = done;
	x->ctx = ctx;
	x->reply = (struct http_reply){.status = 200, .version = 11, .body = buf_make(BUF_MAX_HTTP_BODY)};
	x->timer = loop_timer_new(s->l, deliver, x);
	LIST_INSERT_HEAD(&s->exchanges, x, link);
	int ms = s->serve(r, &x->reply, &x->e, s->ctx);
	if (ms < 0 && !err_is(&x->e))
		err_set(&x->e, ERR_NET, "the scripted server failed the exchange without saying why");
	loop_timer_start(x->timer, ms > 0 ? ms : 0);
	return x;
}

static void scripted_cancel(struct http *h, struct http_exchange *x)
{
	(void)h;
	if (x->done)
		exchange_free(x);
}

static void scripted_free(struct http *h)
{
	struct scripted *s = (struct scripted *)h;
	while (!LIST_EMPTY(&s->exchanges))
		exchange_free(LIST_FIRST(&s->exchanges));
	free(s);
}

struct http *scripted_http_new(struct loop *l, scripted_serve_fn serve, void *ctx)
{
	struct scripted *s = xcalloc(1, sizeof(*s));
	s->http = (struct http){.send = scripted_send, .cancel = scripted_cancel, .free = scripted_free};
	s->l = l;
	s->serve = serve;
	s->ctx = ctx;
	LIST_INIT(&s->exchanges);
	return &s->http;
}

size_t scripted_http_under_way(const struct http *h)
{
	const struct scripted *s = (const struct scripted *)h;
	const struct http_exchange *x;
	size_t n = 0;
	LIST_FOREACH(x, &s->exchanges, link)
	n++;
	return n;
}
