/*
 * scripted_http.h: a `struct http` without sockets: a function of the test plays the server. Replies arrive through the
 * loop, never from inside http_send(), as with the real client.
 */
#ifndef PERDURE_TESTS_SCRIPTED_HTTP_H
#define PERDURE_TESTS_SCRIPTED_HTTP_H

#include "http/http.h"

/*
 * Called inside http_send() for each request (valid during the call), so the server acts even when the exchange is
 * cancelled later. reply comes as 200 with HTTP/1.1, no header (http_reply_add()) and an empty body of the usual
 * maximum. Returns the number of milliseconds on the loop's timers until the reply arrives (0: in the next turn), or -1
 * with e set for an exchange that fails.
 */
typedef int (*scripted_serve_fn)(const struct http_request *r, struct http_reply *reply, struct err *e, void *ctx);

/* To be released by http_free(); exchanges still under way then end without a callback. */
struct http *scripted_http_new(struct loop *l, scripted_serve_fn serve, void *ctx);
/* How many exchanges are under way. */
size_t scripted_http_under_way(const struct http *h);

#endif
