/* notifysend.c: a message out through one channel. */
#include "inventory/notifysend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "http/http.h"
#include "http/smtp.h"
#include "loop/loop.h"
#include "loop/process.h"

enum { TRIES = 3, PAUSE_MS = 1000, BODY_MAX = 1 << 20, OUTPUT_MAX = 64 << 10 };

#define SAFE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct notifysend {
	struct loop *loop;
	const struct config_notify *c;
	struct buf body; /* JSON, or the mail */
	char *from;
	struct secret url; /* of the webhook */
	struct secret secret; /* of the webhook, or the password */
	int64_t now_s;
	notifysend_fn done;
	void *ctx;
	struct http *http;
	struct http_exchange *exchange;
	struct process *process;
	struct loop_timer *timer; /* the next try, or the end */
	unsigned tries;
	bool ended; /* the timer tells */
	bool mailing; /* a worker has it */
	bool abandoned;
	struct err e;
};

static void attempt(struct notifysend *n);

static void release(struct notifysend *n)
{
	http_cancel(n->http, n->exchange);
	http_free(n->http);
	process_cancel(n->process);
	loop_timer_free(n->timer);
	buf_done(&n->body);
	free(n->from);
	secret_done(&n->url);
	secret_done(&n->secret);
	err_done(&n->e);
	free(n);
}

void notifysend_free(struct notifysend *n)
{
	if (!n)
		return;
	n->abandoned = true;
	if (!n->mailing)
		release(n);
}

static void on_timer(void *ctx)
{
	struct notifysend *n = ctx;
	if (n->ended)
		n->done(&n->e, n->ctx);
	else
		attempt(n);
}

/* The result of one try; e is taken. */
static void result(struct notifysend *n, struct err *e, bool again)
{
	err_move(&n->e, e);
	n->tries++;
	if (err_is(&n->e) && again && n->tries < TRIES) {
		log_debug("channel %s: %s", n->c->name, n->e.msg);
		loop_timer_start(n->timer, (int64_t)PAUSE_MS << (2 * (n->tries - 1)));
		return;
	}
	if (err_is(&n->e))
		err_ctx(&n->e, "channel \"%s\"", n->c->name);
	n->ended = true;
	loop_timer_start(n->timer, 0);
}

/* --- webhook --- */

/* The octets of the URL that are told: for many services the path is all that it takes to write there. */
static size_t told_part(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?") : 0;
}

static void hide_path(const char *url, struct err *e)
{
	size_t told = told_part(url), n = 0;
	AUTO(xfreep) char *begin = xstrndup(url, told + 1);
	char *at = url[told] && url[told + 1] ? strstr(e->msg, begin) : NULL;
	if (!at)
		return;
	/* A long one may have been cut. */
	while (url[n] && at[n] == url[n])
		n++;
	AUTO(xfreep) char *msg = xasprintf("%.*s%.*s/…%s", (int)(at - e->msg), e->msg, (int)told, url, at + n);
	snprintf(e->msg, sizeof(e->msg), "%s", msg);
}

static const char *url_of(const struct notifysend *n)
{
	return (const char *)n->url.p;
}

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct notifysend *n = ctx;
	struct err e = {0};
	n->exchange = NULL;
	bool again = !r || r->status >= 500 || r->status == 429;
	if (!r) {
		err_copy(&e, failed);
	} else if (r->status < 200 || r->status > 299) {
		err_set(&e, ERR_HTTP, "%s answered with status %d", url_of(n), r->status);
		err_hint(&e, "is url still the one that the service gave out? \"perdure notify test %s\" tries again",
			n->c->name);
	}
	hide_path(url_of(n), &e);
	result(n, &e, again);
}

static void post(struct notifysend *n)
{
	AUTO(buf_done) struct buf sig = buf_make(256);
	AUTO(xfreep) char *header = NULL;
	struct err e = {0};
	if (n->secret.n && notify_signature(n->secret.p, n->secret.n, n->now_s, &n->body, &sig, &e)) {
		result(n, &e, false);
		return;
	}
	header = xasprintf("X-Perdure-Signature: %s", buf_str(&sig));
	const char *headers[] = {sig.n ? header : NULL, NULL};
	struct http_request r = {.method = HTTP_POST,
		.url = url_of(n),
		.content_type = "application/json",
		.body = n->body.p,
		.body_n = n->body.n,
		.timeout_ms = n->c->timeout_ms,
		.headers = headers};
	n->exchange = http_send(n->http, &r, on_reply, n);
}

/* --- mail --- */

static void mailed(const struct err *failed, void *ctx)
{
	struct notifysend *n = ctx;
	struct err e = {0};
	n->mailing = false;
	if (n->abandoned) {
		release(n);
		return;
	}
	err_copy(&e, failed);
	result(n, &e, true);
}

static void mail(struct notifysend *n)
{
	struct smtp_request r = {.url = n->c->smtp,
		.from = n->from,
		.to = &n->c->to,
		.mail = n->body.p,
		.mail_n = n->body.n,
		.user = n->c->user,
		.password = n->c->user ? (const char *)n->secret.p : NULL,
		.ca_bundle = n->c->ca_bundle,
		.timeout_ms = n->c->timeout_ms};
	n->mailing = true;
	smtp_send(n->loop, &r, mailed, n);
}

/* --- programs --- */

static void program_ended(const struct process_result *r, void *ctx)
{
	struct notifysend *n = ctx;
	struct err e = {0};
	const char *program = n->c->type == CONFIG_NOTIFY_MAIL ? n->c->sendmail : n->c->command.v[0];
	n->process = NULL;
	if (r->end == PROCESS_TIMEOUT)
		err_set(&e, ERR_TIMEOUT, "%s did not end in time and was killed", program);
	else if (r->end == PROCESS_SIGNALLED)
		err_set(&e, ERR_SYS, "%s was killed by signal %d", program, r->status);
	else if (r->end == PROCESS_EXITED && r->status)
		err_set(&e, ERR_SYS, "%s ended with status %d: %.300s", program, r->status, r->errors);
	result(n, &e, false);
}

static void run_program(struct notifysend *n)
{
	static const char *const env[] = {SAFE_PATH, NULL};
	const struct config_notify *c = n->c;
	bool sendmail = c->type == CONFIG_NOTIFY_MAIL;
	const struct strv *args = sendmail ? &c->to : &c->command;
	const char **argv = xcalloc(args->n + 8, sizeof(*argv));
	size_t k = 0;
	struct err e = {0};
	if (sendmail) {
		argv[k++] = c->sendmail;
		argv[k++] = "-i";
		if (c->from) {
			argv[k++] = "-f";
			argv[k++] = c->from;
		}
		argv[k++] = "--";
	}
	for (size_t i = 0; i < args->n; i++)
		argv[k++] = args->v[i];
	struct process_request q = {.argv = argv,
		.env = env,
		.input = n->body.p,
		.input_n = n->body.n,
		.output_max = OUTPUT_MAX,
		.timeout_ms = c->timeout_ms};
	if (process_start(n->loop, &q, program_ended, n, &n->process, &e))
		result(n, &e, false);
	free(argv);
}

static void attempt(struct notifysend *n)
{
	if (n->c->type == CONFIG_NOTIFY_WEBHOOK)
		post(n);
	else if (n->c->type == CONFIG_NOTIFY_MAIL && n->c->smtp)
		mail(n);
	else
		run_program(n);
}

/* --- what goes out --- */

/* sendmail wants the line ends of the system. */
static void without_cr(struct buf *b)
{
	size_t k = 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != '\r')
			b->p[k++] = b->p[i];
	b->n = k;
}

static void write_body(struct notifysend *n, const struct notify_message *m, const struct notify_frame *f)
{
	if (n->c->type != CONFIG_NOTIFY_MAIL) {
		notify_json(m, f, &n->body);
		return;
	}
	AUTO(xfreep) char *to = strv_join(&n->c->to, ", ");
	n->from = n->c->from ? xstrdup(n->c->from) : xasprintf("perdure@%s", f->host);
	notify_mail(m, f, n->from, to, &n->body);
	if (!n->c->smtp)
		without_cr(&n->body);
}

static int take_url(struct notifysend *n, struct err *e)
{
	const struct config_notify *c = n->c;
	if (c->url) {
		n->url = secret_dup(c->url, strlen(c->url));
		return 0;
	}
	if (fs_read_secret(c->url_file, &n->url, e))
		return -1;
	const char *why = strlen(url_of(n)) != n->url.n ? "holds a zero octet" : config_webhook_fault(url_of(n));
	if (!why)
		return 0;
	err_set(e, ERR_CONFIG, "%s: what is in it %s", c->url_file, why);
	err_hint(e, "put the URL that the service gave out there, on one line");
	return -1;
}

static int open_channel(struct notifysend *n, struct err *e)
{
	const struct config_notify *c = n->c;
	if (c->type == CONFIG_NOTIFY_WEBHOOK && take_url(n, e))
		return -1;
	const char *file = c->type == CONFIG_NOTIFY_WEBHOOK ? c->secret_file : c->user ? c->password_file : NULL;
	if (file && fs_read_secret(file, &n->secret, e))
		return -1;
	struct http_options o = {.ca_bundle = c->ca_bundle,
		.user_agent = "perdure/" PERDURE_VERSION,
		.plain = true,
		.secret_paths = true};
	return c->type == CONFIG_NOTIFY_WEBHOOK ? http_curl_new(n->loop, &o, &n->http, e) : 0;
}

int notifysend_start(struct loop *l, const struct config_notify *c, const struct notify_message *m,
	const struct notify_frame *f, notifysend_fn done, void *ctx, struct notifysend **ret, struct err *e)
{
	struct notifysend *n = xcalloc(1, sizeof(*n));
	*n = (struct notifysend){
		.loop = l, .c = c, .body = buf_make(BODY_MAX), .now_s = f->now_s, .done = done, .ctx = ctx};
	n->timer = loop_timer_new(l, on_timer, n);
	write_body(n, m, f);
	if (open_channel(n, e) || buf_check(&n->body, "the message", e)) {
		err_ctx(e, "channel \"%s\"", c->name);
		release(n);
		return -1;
	}
	loop_timer_start(n->timer, 0);
	*ret = n;
	return 0;
}
