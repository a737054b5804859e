/* doh.c: the HTTPS under DNS over HTTPS. */
#include "inventory/doh.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "dns/resolvers.h"
#include "http/http.h"

struct doh {
	struct dns_https base; /* first: a struct dns_https is a struct doh */
	struct http *http;
};

struct doh_post {
	struct http_exchange *x;
	dns_https_fn fn;
	void *arg;
};

static void posted(const struct http_reply *r, const struct err *e, void *ctx)
{
	struct doh_post *p = ctx;
	dns_https_fn fn = p->fn;
	void *arg = p->arg;
	free(p);
	if (!r) {
		fn(NULL, e, arg);
		return;
	}
	struct dns_https_reply reply = {
		.status = r->status,
		.content_type = http_reply_header(r, "content-type"),
		.body = (const uint8_t *)r->body.p,
		.n = r->body.n,
	};
	fn(&reply, e, arg);
}

static void *post(struct dns_https *h, const char *url, const uint8_t *p, size_t n, int64_t timeout_ms, dns_https_fn fn,
	void *arg)
{
	static const char type[] = "application/dns-message";
	struct doh *d = (struct doh *)h;
	struct doh_post *o = xcalloc(1, sizeof(*o));
	*o = (struct doh_post){.fn = fn, .arg = arg};
	struct http_request r = {
		.method = HTTP_POST,
		.url = url,
		.content_type = type,
		.accept = type,
		.body = p,
		.body_n = n,
		.timeout_ms = timeout_ms,
	};
	o->x = http_send(d->http, &r, posted, o);
	return o;
}

static void cancel(struct dns_https *h, void *exchange)
{
	struct doh *d = (struct doh *)h;
	struct doh_post *o = exchange;
	http_cancel(d->http, o->x);
	free(o);
}

int doh_new(struct loop *l, const char *ca_bundle, struct dns_https **ret, struct err *e)
{
	struct doh *d = xcalloc(1, sizeof(*d));
	struct http_options o = {.ca_bundle = ca_bundle, .user_agent = "perdure/" PERDURE_VERSION};
	d->base = (struct dns_https){.post = post, .cancel = cancel};
	if (http_curl_new(l, &o, &d->http, e)) {
		free(d);
		return -1;
	}
	*ret = &d->base;
	return 0;
}

void doh_free(struct dns_https *h)
{
	struct doh *d = (struct doh *)h;
	if (!d)
		return;
	http_free(d->http);
	free(d);
}
