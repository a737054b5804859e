/*
 * web.h: the HTTPS server: HTTP/1.1 with keep-alive (RFC 9112), one request at a time per connection. Replies may be
 * given late, and in ways that no proper server gives them.
 */
#ifndef PERDURE_TESTCA_WEB_H
#define PERDURE_TESTCA_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct tls_server;

struct web;
struct web_conn;

/* One request; valid until its reply. The strings are the connection's. */
struct web_request {
	struct web_conn *conn;
	const char *method;
	const char *path; /* without the query */
	const char *query; /* "" when there is none */
	const char *content_type; /* "" when there is none */
	const char *body;
	size_t body_n;
	bool cut; /* the client went away: the request, though still to be replied to, leads nowhere */
};

/* How the reply reaches the client. */
enum web_delivery {
	WEB_WHOLE,
	WEB_CUT, /* not at all: the connection is closed */
	WEB_SHORT, /* the head tells the whole length, the connection is closed after half of the body */
	WEB_DRIP, /* one octet each drip_ms */
	WEB_ENDLESS, /* the body, then white space in chunks for ever */
};

struct web_reply {
	int status;
	const char *content_type; /* NULL for none */
	const char *headers; /* further header lines, each with its CRLF */
	const char *body;
	size_t body_n;
	enum web_delivery delivery;
	int64_t delay_ms; /* wait before the first octet */
	int64_t drip_ms;
};

/* Every request comes here; answer is web_reply(), now or later. */
typedef void (*web_fn)(struct web_request *r, void *ctx);

/* How a new connection is met. */
enum web_greeting {
	WEB_POLITE, /* with TLS, as *ret does it */
	WEB_SILENT, /* with nothing, for ever */
	WEB_RUDE, /* with the beginning of a TLS record in answer to the client's first octets, then closed */
};
typedef enum web_greeting (*web_greet_fn)(struct tls_server **ret, void *ctx);

/*
 * Listens on the address ("127.0.0.1", "::1", …) and port (0 for any free one). ERR_SYS, ERR_CONFIG.
 */
int web_new(struct loop *l, const char *address, uint16_t port, web_greet_fn greet, web_fn fn, void *ctx,
	struct web **ret, struct err *e);
/* The port it listens on. */
uint16_t web_port(const struct web *w);
/* Closes everything. NULL is fine. */
void web_free(struct web *w);

/* Answers, once; r is gone afterwards. The reply's content is copied. */
void web_reply(struct web_request *r, const struct web_reply *reply);

/* How many connections there have been, and are. */
uint64_t web_connections(const struct web *w);
size_t web_open(const struct web *w);

/* The reason phrase of a status. */
const char *web_reason(int status);

#endif
