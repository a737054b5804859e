/* httpanswer.c: the answers to http-01. */
#include "inventory/httpanswer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "inventory/httpchild.h"
#include "inventory/httplisten.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/store.h"
#include "state/valuerows.h"

enum { TOKEN_MAX = 200, DIR_MODE = 0755, FILE_MODE = 0644 };

struct entry {
	char *cert, *token, *content;
	char *path; /* of the file; NULL: by the listener */
	LIST_ENTRY(entry) link;
};

struct httpanswers {
	struct site *site;
	struct httplisten *listen; /* NULL while nobody needs it */
	bool broken; /* it is of no use any more */
	LIST_HEAD(, entry) entries;
	LIST_HEAD(, httpanswers_request) requests;
};

struct httpanswers_request {
	struct httpanswers *h; /* NULL once cancelled */
	const struct config_cert *cert;
	size_t needs; /* what the listener must have done; 0 for none */
	bool committing; /* a callback of the store will still come */
	struct loop_timer *end;
	struct err failed;
	httpanswers_fn ready;
	void *ctx;
	LIST_ENTRY(httpanswers_request) link;
};

/* --- files --- */

/* Always the same, so that one that is left is found. */
static char *temporary(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	AUTO(xfreep) char *folder = xstrndup(path, n);
	return xasprintf("%s.%s.tmp", folder, path + n);
}

static int write_file(const char *webroot, const struct entry *a, struct err *e)
{
	AUTO(xfreep) char *outer = xasprintf("%s/.well-known", webroot);
	AUTO(xfreep) char *inner = xasprintf("%s/acme-challenge", outer);
	AUTO(xfreep) char *tmp = temporary(a->path);
	unlink(tmp);
	if (fs_mkdir(outer, DIR_MODE, e) || fs_mkdir(inner, DIR_MODE, e) ||
		fs_create_synced(tmp, a->content, strlen(a->content), FILE_MODE, e) || fs_rename(tmp, a->path, e)) {
		err_hint(e, "http.webroot must be a directory that perdure may write to");
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		return -1;
	}
	FAULT("http.written");
	return 0;
}

static void remove_file(struct store *s, const char *path, const char *content)
{
	struct err e = {0};
	AUTO(xfreep) char *tmp = temporary(path);
	unlink(tmp);
	if (unlink(path) && errno != ENOENT && errno != ENOTDIR)
		log_warn("%s could not be removed: %s", path, strerror(errno));
	else if (store_value_delete(s, path, content, &e))
		log_warn("%s", e.msg);
	err_done(&e);
}

/* --- entries --- */

static struct entry *entry_new(struct httpanswers *h, const char *cert, const char *token, const char *content)
{
	struct entry *a = xcalloc(1, sizeof(*a));
	*a = (struct entry){.cert = xstrdup(cert), .token = xstrdup(token), .content = xstrdup(content)};
	LIST_INSERT_HEAD(&h->entries, a, link);
	return a;
}

static void entry_free(struct entry *a)
{
	LIST_REMOVE(a, link);
	free(a->cert);
	free(a->token);
	free(a->content);
	free(a->path);
	free(a);
}

static bool listens(const struct httpanswers *h)
{
	const struct entry *a;
	LIST_FOREACH(a, &h->entries, link)
	if (!a->path)
		return true;
	return false;
}

static void let_go(struct httpanswers *h, const char *cert, bool kept)
{
	struct entry *next;
	for (struct entry *a = LIST_FIRST(&h->entries); a; a = next) {
		next = LIST_NEXT(a, link);
		if (strcmp(a->cert, cert) != 0 || (kept && a->path))
			continue;
		if (a->path)
			remove_file(h->site->store, a->path, a->content);
		else if (h->listen && !h->broken)
			httplisten_remove(h->listen, a->token);
		entry_free(a);
	}
}

/* --- requests --- */

static void request_free(struct httpanswers_request *r)
{
	if (r->h)
		LIST_REMOVE(r, link);
	loop_timer_free(r->end);
	err_done(&r->failed);
	free(r);
}

void httpanswers_cancel(struct httpanswers_request *r)
{
	if (!r)
		return;
	if (!r->committing) {
		request_free(r);
		return;
	}
	LIST_REMOVE(r, link);
	r->h = NULL;
}

static void end(void *ctx)
{
	struct httpanswers_request *r = ctx;
	httpanswers_fn ready = r->ready;
	void *ready_ctx = r->ctx;
	struct err e = {0};
	err_move(&e, &r->failed);
	request_free(r);
	ready(err_is(&e) ? &e : NULL, ready_ctx);
	err_done(&e);
}

static void committed(const struct err *failed, void *ctx)
{
	struct httpanswers_request *r = ctx;
	const struct entry *a;
	r->committing = false;
	if (!r->h) {
		request_free(r);
		return;
	}
	if (failed)
		err_copy(&r->failed, failed);
	LIST_FOREACH(a, &r->h->entries, link)
	if (!err_is(&r->failed) && !strcmp(a->cert, r->cert->name) && a->path)
		(void)write_file(r->cert->webroot, a, &r->failed);
	loop_timer_start(r->end, 0);
}

static void on_listen(const struct err *failed, void *ctx)
{
	struct httpanswers *h = ctx;
	struct httpanswers_request *r;
	h->broken |= failed != NULL;
	LIST_FOREACH(r, &h->requests, link)
	{
		if (!r->needs || err_is(&r->failed))
			continue;
		if (failed)
			err_copy(&r->failed, failed);
		if (failed || httplisten_done(h->listen) >= r->needs)
			loop_timer_start(r->end, 0);
	}
}

/* It becomes the name of a file, and a word of a line. */
static int check_token(const struct httpanswer *v, struct err *e)
{
	size_t n = strlen(v->token), m = strlen(v->content);
	static const char b64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (n && n <= TOKEN_MAX && strspn(v->token, b64url) == n && m < HTTPCHILD_LINE_MAX - TOKEN_MAX - 2 &&
		!strncmp(v->content, v->token, n) && v->content[n] == '.' &&
		strspn(v->content + n + 1, b64url) == m - n - 1)
		return 0;
	err_set(e, ERR_PROTO, "the token of http-01 is none (RFC 8555 section 8.3): %s", v->token);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int want_file(struct httpanswers_request *r, struct entry *a, struct err *e)
{
	const struct site *s = r->h->site;
	a->path = xasprintf("%s%s%s", r->cert->webroot, HTTPCHILD_WELL_KNOWN, a->token);
	struct store_value row = {
		.owner = a->path, .text = a->content, .cert = a->cert, .created = clk_wall(s->clk) / 1000};
	return store_value_put(s->store, &row, e);
}

/* A new one is told what the one before was, for orders at which a CA may be looking. */
static int open_listener(struct httpanswers *h, const struct config_http *c, const struct entry *but, struct err *e)
{
	const struct entry *a;
	if (httplisten_open(h->site->loop, c->listen, c->user, on_listen, h, &h->listen, e))
		return -1;
	LIST_FOREACH(a, &h->entries, link)
	if (!a->path && a != but)
		httplisten_add(h->listen, a->token, a->content);
	return 0;
}

static int want_served(struct httpanswers_request *r, const struct entry *a, struct err *e)
{
	struct httpanswers *h = r->h;
	const struct config_http *c = &h->site->config->http;
	if (h->broken) {
		httplisten_free(h->listen);
		h->listen = NULL;
		h->broken = false;
	}
	if (!h->listen && open_listener(h, c, a, e))
		return -1;
	r->needs = httplisten_add(h->listen, a->token, a->content);
	return 0;
}

struct httpanswers_request *httpanswers_want(struct httpanswers *h, const struct config_cert *cert,
	const struct httpanswer *v, size_t n, httpanswers_fn ready, void *ctx)
{
	struct httpanswers_request *r = xcalloc(1, sizeof(*r));
	*r = (struct httpanswers_request){.h = h, .cert = cert, .ready = ready, .ctx = ctx};
	r->end = loop_timer_new(h->site->loop, end, r);
	LIST_INSERT_HEAD(&h->requests, r, link);
	let_go(h, cert->name, false);
	int bad = 0;
	for (size_t i = 0; i < n && !bad; i++) {
		bad = check_token(&v[i], &r->failed);
		if (bad)
			break;
		struct entry *a = entry_new(h, cert->name, v[i].token, v[i].content);
		bad = cert->webroot ? want_file(r, a, &r->failed) : want_served(r, a, &r->failed);
	}
	if (bad) {
		loop_timer_start(r->end, 0);
	} else if (cert->webroot) {
		r->committing = true;
		store_after_commit(h->site->store, committed, r);
		store_hurry(h->site->store);
	}
	return r;
}

void httpanswers_release(struct httpanswers *h, const char *cert, bool kept)
{
	let_go(h, cert, kept);
	if (h->listen && !listens(h)) {
		httplisten_free(h->listen);
		h->listen = NULL;
		h->broken = false;
	}
}

/* --- start and end --- */

static int load(const struct store_value *row, void *ctx, struct err *e)
{
	struct httpanswers *h = ctx;
	(void)e;
	const char *slash = strrchr(row->owner, '/');
	if (*row->owner == '/')
		entry_new(h, row->cert, slash + 1, row->text)->path = xstrdup(row->owner);
	return 0;
}

int httpanswers_new(struct site *s, struct httpanswers **ret, struct err *e)
{
	struct httpanswers *h = xcalloc(1, sizeof(*h));
	*h = (struct httpanswers){.site = s};
	int r = store_value_each(s->store, load, h, e);
	struct entry *next;
	for (struct entry *a = LIST_FIRST(&h->entries); a && !r; a = next) {
		struct store_order o = {0};
		bool in_work = false;
		next = LIST_NEXT(a, link);
		if (config_find_cert(s->config, a->cert))
			r = store_order_get(s->store, a->cert, &o, &in_work, e);
		store_order_done(&o);
		/* The CA may still look at what an order in work needs. */
		if (in_work || r)
			continue;
		remove_file(s->store, a->path, a->content);
		entry_free(a);
	}
	if (r) {
		httpanswers_free(h);
		return -1;
	}
	*ret = h;
	return 0;
}

void httpanswers_free(struct httpanswers *h)
{
	if (!h)
		return;
	httplisten_free(h->listen);
	while (!LIST_EMPTY(&h->requests))
		httpanswers_cancel(LIST_FIRST(&h->requests));
	while (!LIST_EMPTY(&h->entries))
		entry_free(LIST_FIRST(&h->entries));
	free(h);
}
