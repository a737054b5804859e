/* peer.c: a look at the certificate that a server shows: the TLS handshake, and nothing after it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "http/internal.h"

enum { PAIR_MAX = 1024 };

/* The same name and port by a protocol that comes to TLS by STARTTLS or STLS; without TLS it fails. */
static CURLcode set_starttls(const struct http_exchange *x, const struct http_peer *peer, const char *url)
{
	AUTO(xfreep) char *other = xasprintf("%s%s", peer->starttls, strchr(url, ':'));
	CURLcode rc = curl_easy_setopt(x->easy, CURLOPT_URL, other);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, peer->starttls);
	return rc == CURLE_OK ? curl_easy_setopt(x->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL) : rc;
}

#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (rc == CURLE_OK)                                                                                    \
			rc = curl_easy_setopt(x->easy, option, value);                                                 \
	} while (0)

CURLcode http_peer_setup_(struct http_exchange *x, const struct http_peer *peer, const char *url)
{
	CURLcode rc = CURLE_OK;
	AUTO(buf_done) struct buf to = buf_make(PAIR_MAX);
	buf_printf(&to, "::%s", peer->connect);
	x->connect_to = to.bad ? NULL : curl_slist_append(NULL, buf_str(&to));
	if (!x->connect_to)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_CONNECT_TO, x->connect_to);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_CERTINFO, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_PIPEWAIT, 0L);
	SET(CURLOPT_PROXY, "");
	/* Many things are spoken over TLS. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* Which certificate it is, is the question; the caller compares. */
	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	if (peer->ciphers) {
		SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | (long)CURL_SSLVERSION_MAX_TLSv1_2);
		SET(CURLOPT_SSL_CIPHER_LIST, peer->ciphers);
	}
	return rc == CURLE_OK && peer->starttls ? set_starttls(x, peer, url) : rc;
}

#undef SET

void http_peer_reply_(struct http_exchange *x)
{
	static const char mark[] = "Cert:";
	struct curl_certinfo *info = NULL;
	if (curl_easy_getinfo(x->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs < 1)
		return;
	for (const struct curl_slist *l = info->certinfo[0]; l && !x->reply.peer_pem; l = l->next)
		if (!strncmp(l->data, mark, strlen(mark)))
			x->reply.peer_pem = xstrdup(l->data + strlen(mark));
}
