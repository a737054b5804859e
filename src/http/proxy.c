/* proxy.c: the proxy of a client: what libcurl is told of it, and what its failures mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "http/internal.h"

/* The answer to CONNECT. */
enum { STATUS_UNAUTHORIZED = 401, STATUS_AUTH = 407, STATUS_SERVER = 500 };

#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (rc == CURLE_OK)                                                                                    \
			rc = curl_easy_setopt(x->easy, option, value);                                                 \
	} while (0)

CURLcode http_proxy_setup_(struct http_exchange *x)
{
	const struct curl_client_options *o = x->o;
	CURLcode rc = CURLE_OK;
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!o->proxy)
		return rc;
	SET(CURLOPT_PROXY, o->proxy);
	SET(CURLOPT_NOPROXY, "");
	if (o->proxy_auth.n)
		SET(CURLOPT_PROXYUSERPWD, (const char *)o->proxy_auth.p);
	return rc;
}

#undef SET

/* As libcurl looks for it; NULL when there is none. */
static const char *from_environment(const char *url)
{
	static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
	bool tls = !strncmp(url, "https:", 6);
	for (size_t i = 0; i < (tls ? ARRAY_LEN(https) : ARRAY_LEN(http)); i++) {
		const char *v = getenv(tls ? https[i] : http[i]);
		if (v && *v)
			return v;
	}
	return NULL;
}

/* The proxy as it was set, perhaps with a password in it. */
static const char *proxy_of(const struct http_exchange *x)
{
	if (x->connect_to)
		return NULL;
	return x->o->proxy ? x->o->proxy : from_environment(x->url);
}

void http_proxy_name_(const struct http_exchange *x, bool sure, struct buf *out)
{
	const char *p = proxy_of(x), *scheme = p ? strstr(p, "://") : NULL;
	bool excepted = !x->o->proxy && (getenv("no_proxy") || getenv("NO_PROXY"));
	if (!p || !*p || (excepted && !sure))
		return;
	const char *host = scheme ? scheme + 3 : p, *at = strrchr(host, '@');
	host = at ? at + 1 : host;
	buf_printf(out, " through the proxy %.*s%.*s", scheme ? (int)(scheme - p) + 3 : 0, p, (int)strcspn(host, "/?#"),
		host);
}

bool http_proxy_leaks_(const struct http_exchange *x)
{
	const char *p = proxy_of(x);
	return p && strchr(p, '@') && (strchr(x->errbuf, '@') || strstr(x->errbuf, "nsupported proxy"));
}

/* It would not make a way for CONNECT. */
static struct http_meaning refused(const struct http_exchange *x, long status)
{
	struct http_meaning m = {ERR_NET, RETRY_AFTER_OPERATOR, "the proxy refused",
		"its rules must let this host through to the host and port in the URL"};
	/* tinyproxy has 401 for a wrong password. */
	if (status == STATUS_AUTH || status == STATUS_UNAUTHORIZED) {
		const char *p = proxy_of(x);
		m.words = x->o->proxy_auth.n || (p && strchr(p, '@')) ? "the proxy did not take user name and password"
								      : "the proxy asks for user name and password";
		m.hint = "proxy_auth_file names the file that holds them, USER:PASSWORD";
	} else if (status >= STATUS_SERVER) {
		m = (struct http_meaning){ERR_NET, RETRY_LATER, "the proxy has no way to the server", NULL};
	}
	return m;
}

bool http_proxy_meaning_(const struct http_exchange *x, CURLcode rc, struct http_meaning *ret)
{
	long status = 0, why = CURLPX_OK, verified = 0;
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	curl_easy_getinfo(x->easy, CURLINFO_PROXY_ERROR, &why);
	curl_easy_getinfo(x->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &verified);
	struct http_meaning m = {ERR_NET, RETRY_LATER, "the proxy has no way to the server", NULL};
	if (status >= 300) {
		m = refused(x, status);
	} else if (!strncmp(x->errbuf, "Unsupported proxy", 17)) {
		m = (struct http_meaning){ERR_CONFIG, RETRY_AFTER_OPERATOR, "the proxy that is set cannot be used",
			"http://HOST:PORT, https://, socks5:// or socks5h://"};
	} else if (rc == CURLE_COULDNT_RESOLVE_PROXY) {
		m.words = "the proxy's name cannot be resolved";
	} else if (rc == CURLE_PROXY && (why == CURLPX_NO_AUTH || why == CURLPX_USER_REJECTED)) {
		m = refused(x, STATUS_AUTH);
	} else if (rc == CURLE_PROXY && why == CURLPX_REPLY_NOT_ALLOWED) {
		m = refused(x, 0);
	} else if (rc == CURLE_PEER_FAILED_VERIFICATION && verified) {
		m = (struct http_meaning){ERR_TLS, RETRY_AFTER_OPERATOR, "the proxy's certificate is not trusted",
			"it must be for the proxy's name, from a CA that this system trusts"};
	} else if (rc != CURLE_PROXY) {
		return false;
	}
	*ret = m;
	return true;
}
