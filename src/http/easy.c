/* easy.c: one exchange on a libcurl easy handle: its options, what it receives, what its failures mean. */
#include "http/internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"

enum {
	CONNECT_TIMEOUT_MS = 15000,
	DEFAULT_TIMEOUT_MS = 60000,
	UPLOAD_BUFFER_OCTETS = 16 << 10,
	HEADER_MAX = 16 << 10,
	PROXY_NAME_MAX = 2048
};

const char *http_method_name_(enum http_method m)
{
	static const char *const names[] = {[HTTP_GET] = "GET",
		[HTTP_HEAD] = "HEAD",
		[HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH",
		[HTTP_DELETE] = "DELETE"};
	return names[m];
}

/* --- receiving --- */

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;
	buf_put(&x->reply.body, p, size * n);
	if (!x->reply.body.bad)
		return size * n;
	x->cap = CAP_BODY;
	return 0;
}

/* Only counts (interim replies and trailers too): the fields are read at the end, through libcurl's header interface.
 */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;
	(void)p;
	x->header_octets += size * n;
	if (x->header_octets <= BUF_MAX_HTTP_HEADERS)
		return size * n;
	x->cap = CAP_HEADERS;
	return 0;
}

void http_easy_reply_(struct http_exchange *x)
{
	long status = 0, version = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	x->reply.status = (int)status;
	x->reply.version = version == CURL_HTTP_VERSION_1_0   ? 10
			   : version == CURL_HTTP_VERSION_1_1 ? 11
			   : version == CURL_HTTP_VERSION_2_0 ? 20
			   : version == CURL_HTTP_VERSION_3   ? 30
							      : 0;
	for (struct curl_header *h = NULL; (h = curl_easy_nextheader(x->easy, CURLH_HEADER, -1, h));)
		http_reply_add(&x->reply, h->name, h->value);
	if (x->connect_to)
		http_peer_reply_(x);
}

/* --- options --- */

static bool put_header(struct http_exchange *x, const char *line)
{
	struct curl_slist *more = curl_slist_append(x->headers, line);
	if (more)
		x->headers = more;
	return more != NULL;
}

static bool add_header(struct http_exchange *x, const char *name, const char *value)
{
	struct buf line = buf_make(HEADER_MAX);
	/* A name with a bare colon takes libcurl's own header away. */
	buf_puts(&line, name);
	buf_puts(&line, value ? ": " : ":");
	buf_puts(&line, value ? value : "");
	bool ok = !line.bad && put_header(x, buf_str(&line));
	buf_done(&line);
	return ok;
}

static bool add_headers(struct http_exchange *x, const char *const *headers)
{
	for (size_t i = 0; headers && headers[i]; i++)
		if (!put_header(x, headers[i]))
			return false;
	return true;
}

#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (rc == CURLE_OK)                                                                                    \
			rc = curl_easy_setopt(x->easy, option, value);                                                 \
	} while (0)

static CURLcode set_request(struct http_exchange *x)
{
	CURLcode rc = CURLE_OK;
	SET(CURLOPT_URL, x->url);
	/* The signature covers the URL: it goes out octet by octet as the server gave it. */
	SET(CURLOPT_PATH_AS_IS, 1L);
	if (x->method == HTTP_HEAD)
		SET(CURLOPT_NOBODY, 1L);
	if (x->method != HTTP_GET && x->method != HTTP_HEAD && x->method != HTTP_POST)
		SET(CURLOPT_CUSTOMREQUEST, http_method_name_(x->method));
	if (x->method == HTTP_POST || x->body_n > 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_n);
		/* Given at once, it goes out with the header in one piece. */
		SET(CURLOPT_POSTFIELDS, x->body);
	}
	SET(CURLOPT_HTTPHEADER, x->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)BUF_MAX_HTTP_BODY);
	SET(CURLOPT_ERRORBUFFER, x->errbuf);
	SET(CURLOPT_PRIVATE, x);
	return rc;
}

static CURLcode set_aws(struct http_exchange *x, const struct http_request *r)
{
	CURLcode rc = CURLE_OK;
	SET(CURLOPT_AWS_SIGV4, r->aws_sigv4);
	SET(CURLOPT_USERNAME, r->aws_key_id);
	SET(CURLOPT_PASSWORD, r->aws_secret);
	return rc;
}

static CURLcode set_connection(struct http_exchange *x)
{
	const struct curl_client_options *o = x->o;
	CURLcode rc = http_proxy_setup_(x);
	SET(CURLOPT_PROTOCOLS_STR, o->plain ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer must not hold the loop when the exchange ends before the look-up does. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_TIMEOUT_MS / clk_real_rate()));
	SET(CURLOPT_TCP_NODELAY, 1L);
	/* CURLOPT_BUFFERSIZE has this value by default, and cannot be set again on a handle that is used again. */
	SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_OCTETS);
	SET(CURLOPT_IPRESOLVE, o->ip_resolve);
	SET(CURLOPT_USERAGENT, o->user_agent);

	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Rather wait for a connection that may carry many requests than open one for each. */
	SET(CURLOPT_PIPEWAIT, 1L);

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAINFO, o->ca_bundle);
	/* The parsed trust store is kept for all connections; a CA directory, Debian's default, would prevent that. */
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CA_CACHE_TIMEOUT, -1L);
	return rc;
}

CURLcode http_easy_setup_(struct http_exchange *x, const struct http_request *r)
{
	/* Older libcurl signs a header that is taken away as if it were sent; a body given at once has no Expect. */
	if (!add_header(x, "Accept", r->accept) || (!r->aws_sigv4 && !add_header(x, "Expect", NULL)) ||
		(r->content_type && !add_header(x, "Content-Type", r->content_type)) || !add_headers(x, r->headers))
		return CURLE_OUT_OF_MEMORY;
	CURLcode rc = set_request(x);
	if (r->aws_sigv4)
		rc = rc == CURLE_OK ? set_aws(x, r) : rc;
	if (rc == CURLE_OK)
		rc = set_connection(x);
	return rc == CURLE_OK && r->peer ? http_peer_setup_(x, r->peer, r->url) : rc;
}

CURLcode http_easy_waited_(struct http_exchange *x, int64_t waited_ms)
{
	CURLcode rc = CURLE_OK;
	int64_t left_ms = (x->timeout_ms > 0 ? x->timeout_ms : DEFAULT_TIMEOUT_MS) - waited_ms;
	left_ms /= clk_real_rate();
	/* 0 would mean for ever. */
	SET(CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
	return rc;
}

#undef SET

/* --- failing --- */

static struct http_meaning verify_meaning(const struct http_exchange *x)
{
	/* The numbers of X509_V_ERR_…; libcurl leaves UNSPECIFIED when only the host name did not match. */
	enum { CHAIN_OK = 0, CHAIN_UNSPECIFIED = 1, CHAIN_NOT_YET = 9, CHAIN_EXPIRED = 10 };
	long result = CHAIN_OK;
	struct http_meaning m = {.kind = ERR_TLS, .retry = RETRY_AFTER_OPERATOR};
	curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &result);
	if (result == CHAIN_OK || result == CHAIN_UNSPECIFIED) {
		m.words = "the server's certificate is for another host name";
		m.hint = "check the host name in the URL; a certificate must name it";
	} else if (result == CHAIN_NOT_YET || result == CHAIN_EXPIRED) {
		m.words = "the server's certificate is not valid at this time";
		m.hint = "check this machine's clock, then the server's certificate";
	} else {
		m.words = "the server's certificate is not trusted";
		m.hint = "for a private CA set ca_bundle to a PEM file with its root certificate";
	}
	return m;
}

static struct http_meaning transport_meaning(CURLcode rc)
{
	static const struct {
		CURLcode rc;
		enum err_kind kind;
		enum err_retry retry;
		const char *words;
	} rows[] = {
		{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, RETRY_LATER, "no complete answer in time"},
		{CURLE_COULDNT_RESOLVE_HOST, ERR_NET, RETRY_LATER, "the host name cannot be resolved"},
		{CURLE_COULDNT_CONNECT, ERR_NET, RETRY_LATER, "no connection"},
		{CURLE_ABORTED_BY_CALLBACK, ERR_NET, RETRY_LATER, "the connection ended without an answer"},
		{CURLE_GOT_NOTHING, ERR_NET, RETRY_LATER, "the connection ended without an answer"},
		{CURLE_PARTIAL_FILE, ERR_NET, RETRY_LATER, "the answer ended too early"},
		{CURLE_SEND_ERROR, ERR_NET, RETRY_LATER, "the connection broke while sending"},
		{CURLE_HTTP2, ERR_NET, RETRY_LATER, "the HTTP/2 connection broke"},
		{CURLE_HTTP2_STREAM, ERR_NET, RETRY_LATER, "the HTTP/2 stream broke"},
		{CURLE_SSL_CONNECT_ERROR, ERR_TLS, RETRY_LATER, "no TLS connection"},
		{CURLE_WEIRD_SERVER_REPLY, ERR_PROTO, RETRY_LATER, "the answer is not HTTP"},
		{CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTO, RETRY_LATER, "the answer is not HTTP"}, /* taken for HTTP/0.9 */
		{CURLE_URL_MALFORMAT, ERR_PROTO, RETRY_NEVER, "not a well-formed URL"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].rc == rc)
			return (struct http_meaning){rows[i].kind, rows[i].retry, rows[i].words, NULL};
	}
	return (struct http_meaning){ERR_NET, RETRY_LATER, "the exchange failed", NULL};
}

static struct http_meaning meaning_of(const struct http_exchange *x, CURLcode rc)
{
	if (x->cap == CAP_HEADERS)
		return (struct http_meaning){ERR_LIMIT, RETRY_NEVER, "the answer's header is larger than 64 KiB", NULL};
	if (x->cap == CAP_BODY || rc == CURLE_FILESIZE_EXCEEDED)
		return (struct http_meaning){ERR_LIMIT, RETRY_NEVER, "the answer is larger than 1 MiB", NULL};
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		return verify_meaning(x);
	if (rc == CURLE_SSL_CACERT_BADFILE)
		return (struct http_meaning){ERR_TLS, RETRY_AFTER_OPERATOR, "the CA bundle cannot be used",
			"the CA bundle must be a PEM file of root certificates"};
	/* A connection that ends without TLS's closing message is an error of receiving to a newer libcurl; an older
	 * one asks only what is missing. The reader is told what came, whichever it is. */
	if (rc == CURLE_RECV_ERROR)
		rc = x->header_octets ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING;
	return transport_meaning(rc);
}

/* With one kind of addresses alone, the server may only have the other. */
static void of_one_version(const struct http_exchange *x, CURLcode rc, struct http_meaning *m)
{
	bool unreached = rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_CONNECT;
	if (m->hint || !unreached || x->o->ip_resolve == CURL_IPRESOLVE_WHATEVER)
		return;
	m->hint = x->o->ip_resolve == CURL_IPRESOLVE_V4 ? "only IPv4 was tried, as ip_version says"
							: "only IPv6 was tried, as ip_version says";
}

void http_easy_error_(const struct http_exchange *x, CURLcode rc, struct err *e)
{
	struct http_meaning m;
	AUTO(buf_done) struct buf proxy = buf_make(PROXY_NAME_MAX);
	bool by_proxy = x->easy && http_proxy_meaning_(x, rc, &m);
	if (!by_proxy)
		m = meaning_of(x, rc);
	of_one_version(x, rc, &m);
	http_proxy_name_(x, by_proxy, &proxy);
	const char *detail = x->errbuf[0] && !http_proxy_leaks_(x) ? x->errbuf : curl_easy_strerror(rc);
	/* In these cases libcurl can only say that we stopped reading, or would not send again. */
	bool ours = m.kind == ERR_LIMIT || rc == CURLE_ABORTED_BY_CALLBACK;
	err_set(e, m.kind, "%s %.300s%.200s: %s%s%s%s", http_method_name_(x->method), x->url, buf_str(&proxy), m.words,
		ours ? "" : " (", ours ? "" : detail, ours ? "" : ")");
	e->code = rc;
	err_retry(e, m.retry, 0);
	if (m.hint)
		err_hint(e, "%s", m.hint);
}
