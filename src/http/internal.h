/* internal.h: what the files of this folder share: an exchange on libcurl, and what its failures mean. */
#ifndef PERDURE_HTTP_INTERNAL_H
#define PERDURE_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/secret.h"
#include "http/http.h"

/* Which of our maxima the reply passed. */
enum http_cap { CAP_NONE, CAP_HEADERS, CAP_BODY };

/* A server as URLs name it: scheme, host and port. */
struct http_host {
	char *origin;
	size_t n_sent; /* exchanges that libcurl has */
	bool many; /* one connection carries any number of them: it spoke HTTP/2 last */
	TAILQ_HEAD(, http_exchange) waiting; /* for their turn */
	LIST_ENTRY(http_host) link;
};

/* What every exchange of a client has in common. */
struct curl_client_options {
	char *ca_bundle;
	char *user_agent;
	char *proxy; /* NULL: by the environment; "": none */
	struct secret proxy_auth; /* empty: none */
	long ip_resolve;
	bool plain;
	bool secret_paths;
};

/* What a failure means. */
struct http_meaning {
	enum err_kind kind;
	enum err_retry retry;
	const char *words;
	const char *hint;
};

struct http_exchange {
	struct curl_client *c;
	const struct curl_client_options *o; /* the client's */
	CURL *easy; /* NULL when the request was refused before it was sent */
	struct http_host *host; /* while it waits or libcurl has it, else NULL */
	bool sent; /* libcurl has it */
	int64_t since_ms; /* of the loop's clock: its time runs since */
	TAILQ_ENTRY(http_exchange) turn;
	struct curl_slist *headers;
	struct curl_slist *connect_to; /* with a peer to look at */
	enum http_method method;
	char *url;
	char *body;
	size_t body_n;
	bool began; /* it went out to a server, or was about to */
	int64_t timeout_ms;
	http_done_fn done; /* NULL while and after it is called */
	void *ctx;

	struct http_reply reply;
	size_t header_octets;
	enum http_cap cap;
	char errbuf[CURL_ERROR_SIZE];

	struct loop_timer *refusal; /* delivers *refused in the next turn */
	struct err *refused;
	LIST_ENTRY(http_exchange) link;
};

/* Sets up x->easy, which is new or reset. */
CURLcode http_easy_setup_(struct http_exchange *x, const struct http_request *r);
/* Says which proxy it goes through. */
CURLcode http_proxy_setup_(struct http_exchange *x);
/* Whether the proxy is to blame for a result other than CURLE_OK: what that means then. */
bool http_proxy_meaning_(const struct http_exchange *x, CURLcode rc, struct http_meaning *ret);
/* Whether libcurl's words about a failure may hold the password of a proxy from the environment. */
bool http_proxy_leaks_(const struct http_exchange *x);
/*
 * Appends " through the proxy SCHEME://HOST:PORT", never its user and password, where one is known to be in the way;
 * sure: one is, or was to be.
 */
void http_proxy_name_(const struct http_exchange *x, bool sure, struct buf *out);
/* Makes it a look at the server's certificate, and takes that. */
CURLcode http_peer_setup_(struct http_exchange *x, const struct http_peer *peer, const char *url);
void http_peer_reply_(struct http_exchange *x);
/* Says that of x's time waited_ms have gone. */
CURLcode http_easy_waited_(struct http_exchange *x, int64_t waited_ms);
/* Fills the reply of a finished exchange but for the body, which is there already. */
void http_easy_reply_(struct http_exchange *x);
/* Says what a result other than CURLE_OK means. */
void http_easy_error_(const struct http_exchange *x, CURLcode rc, struct err *e);

const char *http_method_name_(enum http_method m);

/* As http_url_check(); plain: http: URLs are fine, too. */
int http_url_check_(const char *url, bool plain, const char *what, struct err *e);

#endif
