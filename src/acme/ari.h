/* ari.h: when a CA wishes a certificate to be renewed (RFC 9773, ACME renewal information). */
#ifndef PERDURE_ACME_ARI_H
#define PERDURE_ACME_ARI_H

#include <stddef.h>
#include <stdint.h>

struct acme_session;
struct err;
struct http_reply;

struct acme_window {
	int64_t start; /* UNIX seconds, as said: it may be senseless */
	int64_t end;
	int64_t ask_at; /* UNIX seconds: Retry-After; 0 when nothing usable was said */
	char *url; /* a page that explains it, to be shown; "" for none */
};
/* Reads a reply with status 200 that came at now_ms. ERR_PROTO names the member that is wrong. An explanation that is
 * no https URL is left out. */
int acme_window_decode(const struct http_reply *r, int64_t now_ms, struct acme_window *ret, struct err *e);
void acme_window_done(struct acme_window *w);

/*
 * Asks for the window of the certificate with that identifier (x509_info.ari_id), once and unsigned; the directory must
 * be here and have renewalInfo. done: w (borrowed) or *e: ERR_PROTO, or as any request; e->retry_at when the server
 * said when to come again. Called once, never from inside.
 */
struct acme_window_query;
typedef void (*acme_window_fn)(const struct acme_window *w, const struct err *e, void *ctx);
struct acme_window_query *acme_window_ask(struct acme_session *s, const char *ari_id, acme_window_fn done, void *ctx);
/* Ends it without a callback; NULL is fine. */
void acme_window_cancel(struct acme_window_query *q);

#endif
