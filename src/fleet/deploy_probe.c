/*
 * deploy_probe.c: looks whether a service shows the certificate that was deployed, again and again until it does or the
 * time is over. A service with an RSA and an EC certificate for one name shows one of them, as client and server agree:
 * every second look asks for that of our key's type only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "fleet/deploywork.h"
#include "http/http.h"
#include "loop/loop.h"

enum { PAUSE_MS = 250, PAUSE_MAX_MS = 2000, LOOK_MAX_MS = 10000 };

struct probe {
	struct deploy_work *w;
	struct http *http;
	struct http_exchange *exchange;
	struct loop_timer *again;
	char *connect;
	char *url;
	int64_t until_ms; /* monotonic */
	int64_t pause_ms;
	unsigned looks;
	struct err e; /* of the last look */
};

static void look(void *ctx);

static int64_t left_ms(const struct probe *p)
{
	return p->until_ms - clk_mono(p->w->clk);
}

static void judge(struct probe *p, const char *pem)
{
	struct x509_chain *chain = NULL;
	struct err ignored = {0};
	const struct x509_info *wanted = p->w->subject->info;
	err_done(&p->e);
	if (x509_chain_parse(pem, strlen(pem), &chain, &ignored)) {
		err_set(&p->e, ERR_TLS, "%s shows another certificate, not that of %s", p->connect,
			p->w->subject->cert->name);
	} else if (strcmp(x509_chain_info(chain)->sha256, wanted->sha256) != 0) {
		err_set(&p->e, ERR_TLS,
			"%s shows the certificate with SHA-256 %.16s…, serial %s, not the new one (%.16s…)", p->connect,
			x509_chain_info(chain)->sha256, x509_chain_info(chain)->serial, wanted->sha256);
	}
	if (err_is(&p->e))
		err_hint(&p->e,
			"has the service been told to read it anew, from where it is now? probe: sni says which "
			"name is asked for");
	err_done(&ignored);
	x509_chain_free(chain);
}

static void on_seen(const struct http_reply *reply, const struct err *e, void *ctx)
{
	struct probe *p = ctx;
	p->exchange = NULL;
	if (reply && reply->peer_pem) {
		judge(p, reply->peer_pem);
	} else if (reply) {
		err_set(&p->e, ERR_TLS, "%s shows no certificate", p->connect);
	} else {
		err_copy(&p->e, e);
		err_ctx(&p->e, "look at the certificate of %s", p->connect);
	}
	if (!err_is(&p->e)) {
		deploy_finish(p->w);
	} else if (left_ms(p) > p->pause_ms) {
		loop_timer_start(p->again, p->pause_ms);
		p->pause_ms = p->pause_ms * 2 < PAUSE_MAX_MS ? p->pause_ms * 2 : PAUSE_MAX_MS;
	} else {
		err_move(&p->w->e, &p->e);
		err_retry(&p->w->e, RETRY_LATER, 0);
		deploy_finish(p->w);
	}
}

static void look(void *ctx)
{
	struct probe *p = ctx;
	bool rsa = !strncmp(p->w->subject->cert->key, "rsa", strlen("rsa"));
	struct http_peer peer = {.connect = p->connect,
		.starttls = p->w->action->probe_starttls,
		.ciphers = p->looks++ % 2 ? rsa ? "aRSA" : "aECDSA" : NULL};
	int64_t left = left_ms(p);
	struct http_request r = {.method = HTTP_GET,
		.url = p->url,
		.timeout_ms = left < 1             ? 1
			      : left < LOOK_MAX_MS ? left
						   : LOOK_MAX_MS,
		.peer = &peer};
	p->exchange = http_send(p->http, &r, on_seen, p);
}

/* "www.example.com" of "*.example.com" is a guess, "example.com" the name that a server knows. */
static char *name_to_ask(const struct deploy_work *w)
{
	const char *first = w->subject->cert->names.v[0];
	if (w->action->probe_sni)
		return deploy_expand(w->action->probe_sni, w->subject->cert->name);
	return xstrdup(!strncmp(first, "*.", 2) ? first + 2 : first);
}

static int start(struct deploy_work *w, struct err *e)
{
	struct probe *p = xcalloc(1, sizeof(*p));
	AUTO(xfreep) char *sni = name_to_ask(w);
	struct http_options o = {.max_connections = 1};
	w->own = p;
	w->changed = false; /* it only looks */
	p->w = w;
	p->connect = deploy_expand(w->action->probe_connect, w->subject->cert->name);
	p->url = xasprintf("https://%s%s/", sni, strrchr(p->connect, ':'));
	p->until_ms = clk_mono(w->clk) + w->action->probe_timeout_ms;
	p->pause_ms = PAUSE_MS;
	p->again = loop_timer_new(w->loop, look, p);
	if (http_curl_new(w->loop, &o, &p->http, e))
		return -1;
	loop_timer_start(p->again, 0);
	return 0;
}

static void release(struct deploy_work *w)
{
	struct probe *p = w->own;
	if (!p)
		return;
	loop_timer_free(p->again);
	http_cancel(p->http, p->exchange);
	http_free(p->http);
	err_done(&p->e);
	free(p->connect);
	free(p->url);
	free(p);
	w->own = NULL;
}

const struct deploy_kind deploy_kind_probe = {.start = start, .release = release};
