/* smtp.c: one mail handed to an SMTP server. */
#include "http/smtp.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "loop/loop.h"

struct mail {
	char *url, *from, *user, *ca_bundle;
	struct secret password, text;
	struct strv to;
	int64_t timeout_ms;
	size_t sent;
	char said[CURL_ERROR_SIZE];
	struct err e;
	smtp_done_fn done;
	void *ctx;
};

static size_t give(char *p, size_t size, size_t n, void *ctx)
{
	struct mail *m = ctx;
	size_t room = size * n, left = m->text.n - m->sent;
	if (left > room)
		left = room;
	memcpy(p, m->text.p + m->sent, left);
	m->sent += left;
	return left;
}

static enum err_kind kind_of(CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_USE_SSL_FAILED:
		return ERR_TLS;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return ERR_NET;
	default:
		return ERR_PROTO;
	}
}

#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (rc == CURLE_OK)                                                                                    \
			rc = curl_easy_setopt(easy, option, value);                                                    \
	} while (0)

static CURLcode set_up(CURL *easy, struct mail *m, struct curl_slist *to)
{
	CURLcode rc = CURLE_OK;
	SET(CURLOPT_URL, m->url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_NOSIGNAL, 1L);
	/* A password crosses the network in TLS or not at all. */
	SET(CURLOPT_USE_SSL, m->user ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
	SET(CURLOPT_MAIL_FROM, m->from);
	SET(CURLOPT_MAIL_RCPT, to);
	if (m->ca_bundle)
		SET(CURLOPT_CAINFO, m->ca_bundle);
	if (m->user) {
		SET(CURLOPT_USERNAME, m->user);
		SET(CURLOPT_PASSWORD, (const char *)m->password.p);
	}
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_READDATA, m);
	SET(CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
	SET(CURLOPT_ERRORBUFFER, m->said);
	return rc;
}

/* On a worker; what goes wrong is in m->e. */
static void work(void *arg)
{
	struct mail *m = arg;
	CURL *easy = curl_easy_init();
	struct curl_slist *to = NULL;
	for (size_t i = 0; i < m->to.n; i++)
		to = curl_slist_append(to, m->to.v[i]);
	CURLcode rc = easy && to ? set_up(easy, m, to) : CURLE_OUT_OF_MEMORY;
	if (rc == CURLE_OK)
		rc = curl_easy_perform(easy);
	if (rc != CURLE_OK) {
		err_set(&m->e, kind_of(rc), "%s: %s", m->url, m->said[0] ? m->said : curl_easy_strerror(rc));
		err_retry(&m->e, RETRY_LATER, 0);
	}
	curl_slist_free_all(to);
	curl_easy_cleanup(easy);
}

static void mail_free(void *arg)
{
	struct mail *m = arg;
	free(m->url);
	free(m->from);
	free(m->user);
	free(m->ca_bundle);
	secret_done(&m->password);
	secret_done(&m->text);
	strv_done(&m->to);
	err_done(&m->e);
	free(m);
}

static void finish(void *arg)
{
	struct mail *m = arg;
	m->done(&m->e, m->ctx);
	mail_free(m);
}

void smtp_send(struct loop *l, const struct smtp_request *r, smtp_done_fn done, void *ctx)
{
	struct mail *m = xcalloc(1, sizeof(*m));
	m->url = xstrdup(r->url);
	m->from = xstrdup(r->from);
	m->user = r->user ? xstrdup(r->user) : NULL;
	m->ca_bundle = r->ca_bundle ? xstrdup(r->ca_bundle) : NULL;
	m->password = secret_dup(r->password ? r->password : "", r->password ? strlen(r->password) : 0);
	m->text = secret_dup(r->mail, r->mail_n);
	strv_copy(&m->to, r->to);
	m->timeout_ms = r->timeout_ms;
	m->done = done;
	m->ctx = ctx;
	loop_job(l, work, finish, mail_free, m);
}
