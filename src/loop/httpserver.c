/* httpserver.c: a small HTTP server on the loop. */
#include "loop/httpserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/internal.h"

enum { HEADERS_MAX = 16 << 10, TIMEOUT_S = 20, BACKLOG = 64, REPLY_MAX = 256 << 20 };

struct httpserver {
	struct evhttp *http;
	struct httpserver_tls tls; /* accept NULL: none */
	httpserver_fn fn;
	void *ctx;
	int port;
};

static void answer(struct evhttp_request *req, const struct httpserver_reply *r)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();
	evhttp_add_header(out, "Content-Type", r->content_type);
	evhttp_add_header(out, "Cache-Control", "no-store");
	if (r->authenticate)
		evhttp_add_header(out, "WWW-Authenticate", r->authenticate);
	if (body)
		evbuffer_add(body, buf_str(r->body), r->body->n);
	/* NULL: the words that go with the status. The length is put by evhttp, also for HEAD. */
	evhttp_send_reply(req, r->status, NULL, body);
	if (body)
		evbuffer_free(body);
}

static void on_request(struct evhttp_request *req, void *ctx)
{
	struct httpserver *s = ctx;
	const struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	AUTO(buf_done) struct buf body = buf_make(REPLY_MAX);
	struct httpserver_request q = {.path = path ? path : "/",
		.accept = evhttp_find_header(in, "Accept"),
		.authorization = evhttp_find_header(in, "Authorization")};
	struct httpserver_reply r = {.status = 200, .content_type = "text/plain; charset=utf-8", .body = &body};
	s->fn(&q, &r, s->ctx);
	if (body.bad) {
		buf_clear(&body);
		r.status = 500;
	}
	answer(req, &r);
}

/* For NULL evhttp would take a plain connection: there is none. */
static struct bufferevent *accept_tls(struct event_base *base, void *ctx)
{
	struct httpserver *s = ctx;
	struct bufferevent *b = bufferevent_openssl_socket_new(
		base, -1, s->tls.accept(s->tls.ctx), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!b)
		abort();
	/* A client that goes without TLS's goodbye is no error: it has what it asked for. */
	bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
	return b;
}

static int fill_address(const char *address, int port, struct sockaddr_storage *to, socklen_t *ret_len)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		memcpy(to, &in, sizeof(in));
		*ret_len = sizeof(in);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
		return -1;
	memcpy(to, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return 0;
}

/* A listening socket; connections inherit TCP_NODELAY. */
static int listen_at(const char *address, int port, int *ret_fd, int *ret_port, struct err *e)
{
	struct sockaddr_storage to = {0};
	socklen_t len;
	int on = 1;
	if (fill_address(address, port, &to, &len))
		return err_set(e, ERR_CONFIG, "%s is not an IP address", address);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "listen at %s", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&to, len) || listen(fd, BACKLOG) ||
		getsockname(fd, (struct sockaddr *)&to, &len)) {
		err_sys(e, "listen at %s port %d", address, port);
		err_hint(e, "another program may listen there; choose another port");
		close(fd);
		return -1;
	}
	*ret_port = ntohs(to.ss_family == AF_INET ? ((const struct sockaddr_in *)&to)->sin_port
						  : ((const struct sockaddr_in6 *)&to)->sin6_port);
	*ret_fd = fd;
	return 0;
}

int httpserver_new(struct loop *l, const char *address, int port, const struct httpserver_tls *tls, httpserver_fn fn,
	void *ctx, struct httpserver **ret, struct err *e)
{
	int fd, bound;
	if (listen_at(address, port, &fd, &bound, e))
		return -1;
	struct evhttp *http = evhttp_new(l->base);
	if (!http || evhttp_accept_socket(http, fd)) {
		if (http)
			evhttp_free(http);
		close(fd);
		return err_set(e, ERR_SYS, "the HTTP server at %s cannot be set up", address);
	}
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, HEADERS_MAX);
	evhttp_set_timeout(http, TIMEOUT_S);
	struct httpserver *s = xcalloc(1, sizeof(*s));
	*s = (struct httpserver){.http = http, .fn = fn, .ctx = ctx, .port = bound};
	evhttp_set_gencb(http, on_request, s);
	if (tls) {
		s->tls = *tls;
		evhttp_set_bevcb(http, accept_tls, s);
	}
	*ret = s;
	return 0;
}

int httpserver_port(const struct httpserver *s)
{
	return s->port;
}

void httpserver_free(struct httpserver *s)
{
	if (!s)
		return;
	evhttp_free(s->http);
	free(s);
}

bool httpserver_bearer(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer ";
	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;
	const char *given = authorization + sizeof(scheme) - 1;
	size_t n = strlen(token), given_n = strlen(given);
	unsigned char differ = n != given_n;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(token[i] ^ given[given_n ? i % given_n : 0]);
	return !differ;
}
