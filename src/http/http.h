/*
 * http.h: an HTTPS client on the loop: one connection pool and one parsed trust store per client, HTTP/2 where the
 * server speaks it. The only libcurl user. `struct http` is a vtable, so that tests can script a server without
 * sockets.
 */
#ifndef PERDURE_HTTP_HTTP_H
#define PERDURE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;

struct http_header {
	char *name; /* lower case */
	char *value; /* white space at both ends removed */
};

struct http_reply {
	int status;
	struct http_header *headers; /* in the order received */
	size_t n_headers;
	struct buf body; /* at most BUF_MAX_HTTP_BODY */
	int version; /* 10, 11, 20, 30 */
	char *peer_pem; /* with http_request.peer: the certificate that was shown; else NULL */
};
/* The first header of that (lower-case) name, or NULL. */
const char *http_reply_header(const struct http_reply *r, const char *name);
/* Adds a header: both copied, the name in lower case, white space at the value's ends removed. */
void http_reply_add(struct http_reply *r, const char *name, const char *value);
void http_reply_done(struct http_reply *r);

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

/* Where to look at the certificate that a server shows. */
struct http_peer {
	const char *connect; /* "HOST:PORT" to connect to, whatever the URL's host is */
	const char *starttls; /* "smtp", "imap", "pop3": what is spoken before TLS begins; NULL for nothing */
	const char *ciphers; /* TLS 1.2 with these only (as OpenSSL names them), NULL for any version and cipher */
};

struct http_request {
	enum http_method method;
	const char *url; /* must be https:, or http: where the client allows it */
	const char *content_type; /* of the body; NULL for none */
	const char *accept; /* NULL for none */
	const void *body; /* copied */
	size_t body_n;
	int64_t timeout_ms; /* for the whole exchange; 0 for the default, 60 s */
	const char *const *headers; /* more of them, "Name: value", NULL at the end; NULL for none. Never logged */
	/* Signed by AWS Signature Version 4 when set: the parameter ("aws:amz:REGION:SERVICE"), key id and secret key.
	 */
	const char *aws_sigv4;
	const char *aws_key_id;
	const char *aws_secret;
	/* Set: the TLS handshake is all there is, with what leads to it. Nothing else is sent, no proxy is asked, the
	 * server's certificate is not judged but given in the reply. The URL is https: and its host the name asked for
	 * (SNI). */
	const struct http_peer *peer;
};

/*
 * Called once on the loop (where it may send and cancel, but not free the client), never from inside http_send(). Any
 * HTTP status is a success here: reply is set and e is clean. Otherwise reply is NULL and *e (borrowed) is ERR_NET,
 * ERR_TIMEOUT, ERR_TLS, ERR_LIMIT, ERR_PROTO or ERR_CANCEL, with the URL's host in the message. e->retry tells if
 * trying again may help. The server may have acted on a request that failed so.
 */
typedef void (*http_done_fn)(const struct http_reply *reply, const struct err *e, void *ctx);

struct http_exchange;

struct http {
	/* Starts an exchange. Never fails at once: errors come through done. */
	struct http_exchange *(*send)(struct http *h, const struct http_request *r, http_done_fn done, void *ctx);
	/* Ends it without a callback. */
	void (*cancel)(struct http *h, struct http_exchange *x);
	void (*free)(struct http *h);
};

struct http_options {
	const char *ca_bundle; /* PEM file; NULL for the system's */
	const char *user_agent; /* always sent */
	/* SCHEME://HOST:PORT, through which all requests go. "": none. NULL: the usual environment variables, which
	 * count in no other case. */
	const char *proxy;
	const char *proxy_auth_file; /* its user and password, USER:PASSWORD; NULL for none */
	int max_connections; /* per host; 0 for the default, 4 */
	int ip_version; /* 0 both, 4, 6 */
	bool plain; /* http: URLs are asked, too */
	bool secret_paths; /* what is logged of a URL ends with its host */
};
/* A client on libcurl. The strings are copied. ERR_CONFIG when the CA bundle or the proxy's file cannot be read,
 * ERR_NET.
 */
int http_curl_new(struct loop *l, const struct http_options *o, struct http **ret, struct err *e);

static inline struct http_exchange *http_send(
	struct http *h, const struct http_request *r, http_done_fn done, void *ctx)
{
	return h->send(h, r, done, ctx);
}
static inline void http_cancel(struct http *h, struct http_exchange *x)
{
	if (x)
		h->cancel(h, x);
}
static inline void http_free(struct http *h)
{
	if (h)
		h->free(h);
}

/*
 * URL checks (through libcurl's URL interface). http_url_check(): an absolute https URL with a host, without user and
 * fragment, of printable ASCII without blanks, at most 2048 octets; ERR_PROTO says which fails, of what (say
 * "newOrder in the directory"). http_url_same_origin(): both are URLs of the same scheme, host and port.
 */
int http_url_check(const char *url, const char *what, struct err *e);
bool http_url_same_origin(const char *a, const char *b);
/*
 * The target of the first link in a Link header's value (RFC 8288; several links may stand in one value, separated by
 * commas) whose relation types include `rel` ("alternate", "up", "index", …), resolved relative to base. Heap string
 * that passes http_url_check(), or NULL when there is none. Links with an anchor say something of another resource and
 * are passed over; the rest after a malformed link is ignored.
 */
char *http_link_target(const char *value, const char *rel, const char *base);

#endif
