/*
 * httpd.h: a very small HTTP/1.1 server on the loop (RFC 9112) for a port that everybody reaches: one request a
 * connection, GET and HEAD only, everything else is 404. A request is at most 8 KiB, a connection lasts at most so long
 * as said whatever comes in, and when there are too many the oldest one ends.
 */
#ifndef PERDURE_LOOP_HTTPD_H
#define PERDURE_LOOP_HTTPD_H

#include <stdint.h>

struct httpd;
struct loop;

enum { HTTPD_REQUEST_MAX = 8192, HTTPD_CONNECTIONS_MAX = 64 };

/* The content at path (as it was asked for, with its query), or NULL for 404. Borrowed until the next call. */
typedef const char *(*httpd_fn)(const char *path, void *ctx);

/* Serves at fd, a socket that listens and does not block; it stays the caller's. type is the content type (borrowed),
 * patience_ms what a connection may last. */
struct httpd *httpd_new(struct loop *l, int fd, const char *type, int64_t patience_ms, httpd_fn fn, void *ctx);
/* Closes all connections. NULL is fine. */
void httpd_free(struct httpd *h);

#endif
