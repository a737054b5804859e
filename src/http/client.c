/* client.c: the client: a libcurl multi handle driven by the loop, and its life of exchanges. */
#include "http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "loop/loop.h"

/* Easy handles kept for reuse; each holds a few KiB. */
enum { SPARE_MAX = 16, DEFAULT_CONNECTIONS = 4, IDLE_CONNECTIONS = 16 };

/* A socket of libcurl's that the loop watches. */
struct sock {
	struct curl_client *c;
	curl_socket_t fd;
	struct loop_fd *watch;
	LIST_ENTRY(sock) link;
};

LIST_HEAD(sock_list, sock);
LIST_HEAD(exchange_list, http_exchange);
LIST_HEAD(host_list, http_host);

struct curl_client {
	struct http http; /* first: the vtable is what callers see */
	struct loop *l;
	CURLM *multi;
	struct loop_timer *timer;
	struct curl_client_options o;
	struct sock_list socks;
	struct exchange_list exchanges;
	struct host_list hosts;
	size_t max_connections; /* for each host */
	bool ending; /* nobody has a turn any more */
	CURL *spare[SPARE_MAX];
	size_t n_spare;
	bool connected; /* a new connection is there, and those that wait for one have not been told */
};

/* --- exchanges --- */

static void give_back(struct curl_client *c, CURL *easy)
{
	if (c->n_spare == SPARE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy); /* drops what it borrowed; connections live in the multi handle */
	c->spare[c->n_spare++] = easy;
}

static void call_done(struct http_exchange *x, const struct http_reply *reply, const struct err *e)
{
	http_done_fn done = x->done;
	x->done = NULL; /* a cancel from inside it changes nothing */
	done(reply, e, x->ctx);
}

/* --- turns: libcurl gets as many exchanges as there may be connections. It would take more, but then looks through
 * what a request needs again each time a connection is free and another request takes it. --- */

static struct http_host *host_of(struct curl_client *c, const char *url)
{
	const char *name = strstr(url, "://");
	size_t n = name ? (size_t)(name - url) + 3 + strcspn(name + 3, "/?#") : strlen(url);
	struct http_host *h;
	LIST_FOREACH(h, &c->hosts, link)
	if (!strncmp(h->origin, url, n) && !h->origin[n])
		return h;
	h = xcalloc(1, sizeof(*h));
	h->origin = xstrndup(url, n);
	TAILQ_INIT(&h->waiting);
	LIST_INSERT_HEAD(&c->hosts, h, link);
	return h;
}

static bool has_room(const struct curl_client *c, const struct http_host *h)
{
	return !c->ending && (h->many || h->n_sent < c->max_connections);
}

static int give_to_curl(struct http_exchange *x, struct err *e)
{
	CURLcode rc = http_easy_waited_(x, clk_mono(loop_clk(x->c->l)) - x->since_ms);
	if (rc == CURLE_OK && curl_multi_add_handle(x->c->multi, x->easy) != CURLM_OK)
		rc = CURLE_FAILED_INIT;
	if (rc != CURLE_OK) {
		http_easy_error_(x, rc, e);
		give_back(x->c, TAKE(x->easy));
		x->host = NULL;
		return -1;
	}
	x->sent = true;
	x->host->n_sent++;
	return 0;
}

static void deliver_refusal(void *ctx);

/* Has e (taken) told in the next turn. */
static void refuse(struct http_exchange *x, struct err *e)
{
	x->refused = xcalloc(1, sizeof(*x->refused));
	err_move(x->refused, e);
	x->refusal = loop_timer_new(x->c->l, deliver_refusal, x);
	loop_timer_start(x->refusal, 0);
}

static void next_turns(struct curl_client *c, struct http_host *h)
{
	for (struct http_exchange *x; (x = TAILQ_FIRST(&h->waiting)) && has_room(c, h);) {
		struct err e = {0};
		TAILQ_REMOVE(&h->waiting, x, turn);
		if (give_to_curl(x, &e))
			refuse(x, &e);
	}
}

/* Ends x's wait, or takes it from libcurl: the next has its turn. */
static void leave(struct http_exchange *x)
{
	struct http_host *h = TAKE(x->host);
	if (!h)
		return;
	if (!x->sent) {
		TAILQ_REMOVE(&h->waiting, x, turn);
	} else {
		curl_multi_remove_handle(x->c->multi, x->easy);
		x->sent = false;
		h->n_sent--;
	}
	give_back(x->c, TAKE(x->easy));
	next_turns(x->c, h);
}

/* --- the life of an exchange --- */

static void exchange_free(struct http_exchange *x)
{
	LIST_REMOVE(x, link);
	leave(x);
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->connect_to);
	loop_timer_free(x->refusal);
	if (x->refused)
		err_done(x->refused);
	free(x->refused);
	http_reply_done(&x->reply);
	free(x->url);
	free(x->body);
	free(x);
}

static void finish(struct http_exchange *x, CURLcode rc)
{
	struct err e = {0};
	if (rc == CURLE_OK) {
		http_easy_reply_(x);
		x->host->many = x->reply.version >= 20;
		size_t told = x->o->secret_paths ? 8 + strcspn(x->url + 8, "/?") : strlen(x->url);
		log_debug("%s %.*s: %d (HTTP/%d.%d)", http_method_name_(x->method), (int)told, x->url, x->reply.status,
			x->reply.version / 10, x->reply.version % 10);
	} else {
		http_easy_error_(x, rc, &e);
	}
	/* The handle goes back first, so that what done sends can use it. */
	leave(x);
	call_done(x, rc == CURLE_OK ? &x->reply : NULL, &e);
	err_done(&e);
	exchange_free(x);
}

static void collect(struct curl_client *c)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
		struct http_exchange *x = NULL;
		CURLcode rc = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		finish(x, rc);
	}
}

static void deliver_refusal(void *ctx)
{
	struct http_exchange *x = ctx;
	call_done(x, NULL, x->refused);
	exchange_free(x);
}

static CURL *take_easy(struct curl_client *c)
{
	return c->n_spare > 0 ? c->spare[--c->n_spare] : curl_easy_init();
}

/*
 * Before a request goes out: is it the first on its connection? And never twice: when a connection that was used before
 * ends without an answer, libcurl sends a request again by itself, a POST too. The server may have acted on it: whether
 * to send it again is for our caller to decide.
 */
static int on_ready(void *ctx, char *peer, char *own, int peer_port, int own_port)
{
	struct http_exchange *x = ctx;
	long made = 0;
	(void)peer, (void)own, (void)peer_port, (void)own_port;
	if (curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &made) == CURLE_OK && made > 0)
		x->c->connected = true;
	if (x->began && x->method != HTTP_GET && x->method != HTTP_HEAD)
		return CURL_PREREQFUNC_ABORT;
	x->began = true;
	return CURL_PREREQFUNC_OK;
}

/*
 * Requests to a host whose first connection is being made wait for it, to share it if it speaks HTTP/2. When it does
 * not, some releases of libcurl (8.14) leave them waiting for the first whole answer. They look again when any handle
 * leaves.
 */
static void wake_waiting(struct curl_client *c)
{
	CURL *easy = c->connected ? take_easy(c) : NULL;
	c->connected = false;
	if (!easy)
		return;
	if (curl_multi_add_handle(c->multi, easy) == CURLM_OK)
		curl_multi_remove_handle(c->multi, easy);
	give_back(c, easy);
}

/* Fills x->refused when the request cannot be sent. */
static int start(struct http_exchange *x, const struct http_request *r, struct err *e)
{
	if (http_url_check_(x->url, x->c->o.plain, http_method_name_(x->method), e))
		return -1;
	x->easy = take_easy(x->c);
	CURLcode rc = x->easy ? http_easy_setup_(x, r) : CURLE_OUT_OF_MEMORY;
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, on_ready);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
	if (rc != CURLE_OK) {
		http_easy_error_(x, rc, e);
		if (x->easy)
			give_back(x->c, TAKE(x->easy));
		return -1;
	}
	x->host = host_of(x->c, x->url);
	x->since_ms = clk_mono(loop_clk(x->c->l));
	if (has_room(x->c, x->host))
		return give_to_curl(x, e);
	TAILQ_INSERT_TAIL(&x->host->waiting, x, turn);
	return 0;
}

static struct http_exchange *client_send(struct http *h, const struct http_request *r, http_done_fn done, void *ctx)
{
	struct curl_client *c = (struct curl_client *)h;
	struct http_exchange *x = xcalloc(1, sizeof(*x));
	struct err e = {0};
	x->c = c;
	x->o = &c->o;
	x->method = r->method;
	x->url = xstrdup(r->url);
	x->body = xmemdup(r->body_n ? r->body : "", r->body_n ? r->body_n : 1);
	x->body_n = r->body_n;
	x->timeout_ms = r->timeout_ms;
	x->done = done;
	x->ctx = ctx;
	x->reply.body = buf_make(BUF_MAX_HTTP_BODY);
	LIST_INSERT_HEAD(&c->exchanges, x, link);
	if (start(x, r, &e))
		refuse(x, &e);
	return x;
}

static void client_cancel(struct http *h, struct http_exchange *x)
{
	(void)h;
	if (x->done)
		exchange_free(x);
}

/* --- libcurl on the loop --- */

static void on_sock(unsigned events, void *ctx)
{
	const struct sock *s = ctx;
	struct curl_client *c = s->c;
	int running;
	int what = (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(c->multi, s->fd, what, &running); /* s may be gone after it */
	wake_waiting(c);
	collect(c);
}

static void on_timer(void *ctx)
{
	struct curl_client *c = ctx;
	int running;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	wake_waiting(c);
	collect(c);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockp)
{
	struct curl_client *c = ctx;
	struct sock *s = sockp;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!s)
			return 0;
		LIST_REMOVE(s, link);
		loop_fd_free(s->watch);
		free(s);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	unsigned events = (what & CURL_POLL_IN ? LOOP_READ : 0U) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0U);
	if (s) {
		loop_fd_want(s->watch, events);
		return 0;
	}
	s = xcalloc(1, sizeof(*s));
	s->c = c;
	s->fd = fd;
	s->watch = loop_fd_new(c->l, fd, events, on_sock, s);
	LIST_INSERT_HEAD(&c->socks, s, link);
	curl_multi_assign(c->multi, fd, s);
	return 0;
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
	struct curl_client *c = ctx;
	(void)multi;
	if (ms < 0)
		loop_timer_stop(c->timer);
	else
		loop_timer_start(c->timer, ms * clk_real_rate()); /* libcurl goes by the machine's clock */
	return 0;
}

/* --- the client --- */

static void client_free(struct http *h)
{
	struct curl_client *c = (struct curl_client *)h;
	c->ending = true;
	while (!LIST_EMPTY(&c->exchanges))
		exchange_free(LIST_FIRST(&c->exchanges));
	while (c->n_spare > 0)
		curl_easy_cleanup(c->spare[--c->n_spare]);
	curl_multi_cleanup(c->multi);
	for (struct sock *s; (s = LIST_FIRST(&c->socks));) {
		LIST_REMOVE(s, link);
		loop_fd_free(s->watch);
		free(s);
	}
	for (struct http_host *host; (host = LIST_FIRST(&c->hosts));) {
		LIST_REMOVE(host, link);
		free(host->origin);
		free(host);
	}
	loop_timer_free(c->timer);
	free(c->o.ca_bundle);
	free(c->o.user_agent);
	free(c->o.proxy);
	secret_done(&c->o.proxy_auth);
	free(c);
	curl_global_cleanup();
}

static int check_bundle(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		int saved = errno;
		return err_set(e, ERR_CONFIG, "cannot read the CA bundle %s: %s", path, strerrordesc_np(saved));
	}
	int rc = fstat(fd, &st);
	close(fd);
	if (rc || !S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, ERR_CONFIG, "the CA bundle %s is not a file with certificates", path);
	return 0;
}

/* The trust store to use; heap string. */
static int find_bundle(const char *wanted, char **ret, struct err *e)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	const char *const places[] = {v->cainfo, "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
	if (wanted) {
		if (check_bundle(wanted, e)) {
			err_hint(e, "ca_bundle must be a PEM file of root certificates that this user can read");
			err_retry(e, RETRY_AFTER_OPERATOR, 0);
			return -1;
		}
		*ret = xstrdup(wanted);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err ignored = {0};
		if (places[i] && check_bundle(places[i], &ignored) == 0) {
			*ret = xstrdup(places[i]);
			return 0;
		}
	}
	err_set(e, ERR_CONFIG, "this system has no bundle of root certificates");
	err_hint(e, "install the package ca-certificates, or set ca_bundle");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

int http_curl_new(struct loop *l, const struct http_options *o, struct http **ret, struct err *e)
{
	AUTO(xfreep) char *bundle = NULL;
	AUTO(secret_done) struct secret auth = {0};
	if (o->proxy_auth_file && fs_read_secret(o->proxy_auth_file, &auth, e))
		return err_ctx(e, "proxy_auth_file");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_NET, "libcurl cannot be initialised");
	CURLM *multi = NULL;
	if (find_bundle(o->ca_bundle, &bundle, e) == 0 && !(multi = curl_multi_init()))
		err_set(e, ERR_NET, "libcurl cannot be initialised");
	if (!multi) {
		curl_global_cleanup();
		return -1;
	}

	struct curl_client *c = xcalloc(1, sizeof(*c));
	c->http = (struct http){.send = client_send, .cancel = client_cancel, .free = client_free};
	c->l = l;
	c->multi = multi;
	c->timer = loop_timer_new(l, on_timer, c);
	c->o.ca_bundle = TAKE(bundle);
	c->o.user_agent = xstrdup(o->user_agent ? o->user_agent : "perdure/" PERDURE_VERSION);
	c->o.proxy = o->proxy ? xstrdup(o->proxy) : NULL;
	c->o.proxy_auth = auth;
	auth = (struct secret){0};
	c->o.ip_resolve = o->ip_version == 4   ? CURL_IPRESOLVE_V4
			  : o->ip_version == 6 ? CURL_IPRESOLVE_V6
					       : CURL_IPRESOLVE_WHATEVER;
	c->o.plain = o->plain;
	c->o.secret_paths = o->secret_paths;
	LIST_INIT(&c->socks);
	LIST_INIT(&c->exchanges);
	LIST_INIT(&c->hosts);
	c->max_connections = (size_t)(o->max_connections > 0 ? o->max_connections : DEFAULT_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->max_connections);
	/* By default libcurl keeps fewer open, the fewer exchanges it has at the moment. */
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
		c->max_connections > IDLE_CONNECTIONS ? (long)c->max_connections : IDLE_CONNECTIONS);
	*ret = &c->http;
	return 0;
}
