/*
 * httpanswer.h: the answers to http-01 (RFC 8555 section 8.3): files below a web server's directory, or the built-in
 * listener, one for all orders. A file is in the state before it is written, until it is gone: a later run takes out
 * what one that was killed has left.
 */
#ifndef PERDURE_INVENTORY_HTTPANSWER_H
#define PERDURE_INVENTORY_HTTPANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct config_cert;
struct err;
struct httpanswers;
struct site;

/* Removes what earlier runs have left for orders that are no more. ERR_STORE. */
int httpanswers_new(struct site *s, struct httpanswers **ret, struct err *e);
/* Ends the listener; files of orders that go on stay. NULL is fine. */
void httpanswers_free(struct httpanswers *h);

/* What stands at /.well-known/acme-challenge/TOKEN. */
struct httpanswer {
	const char *token;
	const char *content;
};
struct httpanswers_request;
/* failed: NULL when all is served; else why not, retry set. */
typedef void (*httpanswers_fn)(const struct err *failed, void *ctx);
/* Has them served for the order of the certificate, instead of what was served for it before. ready is called once,
 * never from inside; the request then ends by itself. Copied. */
struct httpanswers_request *httpanswers_want(struct httpanswers *h, const struct config_cert *cert,
	const struct httpanswer *v, size_t n, httpanswers_fn ready, void *ctx);
/* Ends it without a callback. NULL is fine. */
void httpanswers_cancel(struct httpanswers_request *r);
/*
 * The order of the certificate is decided, what was served for it goes. kept: it is not, but nothing more happens to it
 * in this run: its files stay, the listener answers no more.
 */
void httpanswers_release(struct httpanswers *h, const char *cert, bool kept);

#endif
