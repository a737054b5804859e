/* metricsd.c: the numbers of the daemon over HTTP. */
#include "daemon/metricsd.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "daemon/metricstls.h"
#include "fleet/meter.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "loop/httpserver.h"
#include "state/store.h"

struct metricsd {
	struct site *s;
	const bool *failed; /* the last run, as a whole */
	struct secret token; /* empty: none is asked for */
	struct metricstls *tls; /* NULL: plain HTTP */
	struct httpserver *server;
};

static void numbers(const struct metricsd *m, const struct httpserver_request *q, struct httpserver_reply *r)
{
	enum metrics_form form = metrics_negotiate(q->accept);
	struct err e = {0};
	if (meter_collect(m->s, &e) || meter_audit_show(m->s, &e)) {
		log_warn("metrics: %s", e.msg);
		err_done(&e);
		r->status = 500;
		return;
	}
	metrics_write(tell_metrics(m->s), form, r->body);
	meter_audit_hide(m->s);
	r->content_type = metrics_content_type(form);
}

/* Whether there is a state to work with. */
static void ready(const struct metricsd *m, struct httpserver_reply *r)
{
	AUTO(xfreep) char *value = NULL;
	struct err e = {0};
	bool good = !*m->failed && !store_fact_get(m->s->store, "", &value, &e);
	r->status = good ? 200 : 503;
	buf_puts(r->body, good ? "ready\n" : "the last run failed, or the state cannot be read: see the log\n");
	err_done(&e);
}

static void asked(const struct httpserver_request *q, struct httpserver_reply *r, void *ctx)
{
	const struct metricsd *m = ctx;
	if (!strcmp(q->path, "/healthz")) {
		buf_puts(r->body, "alive\n");
	} else if (!strcmp(q->path, "/readyz")) {
		ready(m, r);
	} else if (strcmp(q->path, "/metrics") != 0) {
		r->status = 404;
		buf_puts(r->body, "/metrics, /healthz, /readyz\n");
	} else if (m->token.n && !httpserver_bearer(q->authorization, (const char *)m->token.p)) {
		r->status = 401;
		r->authenticate = "Bearer";
	} else {
		numbers(m, q, r);
	}
}

static int read_files(struct metricsd *m, const struct config_metrics *c, struct err *e)
{
	if (c->token_file && fs_read_secret(c->token_file, &m->token, e))
		return -1;
	return c->cert_file ? metricstls_new(c, &m->tls, e) : 0;
}

int metricsd_try(const struct config_metrics *c, struct err *e)
{
	struct metricsd *m = xcalloc(1, sizeof(*m));
	int rc = c->listen ? read_files(m, c, e) : 0;
	metricsd_free(m);
	return rc ? err_ctx(e, "metrics.listen") : 0;
}

int metricsd_start(struct site *s, const bool *failed, struct metricsd **ret, struct err *e)
{
	const struct config_metrics *c = &s->config->metrics;
	*ret = NULL;
	if (!c->listen)
		return 0;
	struct metricsd *m = xcalloc(1, sizeof(*m));
	m->s = s;
	m->failed = failed;
	int rc = read_files(m, c, e);
	struct httpserver_tls tls = {metricstls_accept, m->tls};
	if (rc || httpserver_new(s->loop, c->listen, c->port, m->tls ? &tls : NULL, asked, m, &m->server, e)) {
		err_ctx(e, "metrics.listen");
		metricsd_free(m);
		return -1;
	}
	log_info("metrics at http%s://%s:%d/metrics", m->tls ? "s" : "", c->listen, httpserver_port(m->server));
	*ret = m;
	return 0;
}

void metricsd_free(struct metricsd *m)
{
	if (!m)
		return;
	httpserver_free(m->server);
	metricstls_free(m->tls);
	secret_done(&m->token);
	free(m);
}
