/*
 * httpserver.h: a small HTTP server on the loop, for numbers and health: GET and HEAD without a body, plain or with
 * TLS. The only user of evhttp.
 */
#ifndef PERDURE_LOOP_HTTPSERVER_H
#define PERDURE_LOOP_HTTPSERVER_H

#include <stdbool.h>

struct buf;
struct err;
struct httpserver;
struct loop;
struct ssl_st;

struct httpserver_request {
	const char *path; /* without the query */
	const char *accept; /* header fields; NULL when they are not there */
	const char *authorization;
};
struct httpserver_reply {
	int status; /* 200 at first */
	const char *content_type; /* static; "text/plain" at first */
	const char *authenticate; /* of a 401: WWW-Authenticate; static */
	struct buf *body;
};
/* Called on the loop for each request; fills the reply. It must not release the server. */
typedef void (*httpserver_fn)(const struct httpserver_request *q, struct httpserver_reply *r, void *ctx);

/* With TLS: accept() makes the connection that a client is served with (tls_server_ssl()), never NULL. */
struct httpserver_tls {
	struct ssl_st *(*accept)(void *ctx);
	void *ctx;
};

/* Listens at the address (IPv4 or IPv6, no name) and port (0: a free one); tls NULL: plain HTTP. ERR_SYS. */
int httpserver_new(struct loop *l, const char *address, int port, const struct httpserver_tls *tls, httpserver_fn fn,
	void *ctx, struct httpserver **ret, struct err *e);
int httpserver_port(const struct httpserver *s);
/* Closes all connections. NULL is fine. */
void httpserver_free(struct httpserver *s);

/* Whether an Authorization field carries this bearer token (RFC 6750 section 2.1), compared in constant time. */
bool httpserver_bearer(const char *authorization, const char *token);

#endif
