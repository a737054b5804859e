/*
 * deploy_kubernetes.c: a Secret of type kubernetes.io/tls, by server-side apply: PATCH of the object with the fields
 * that are ours, which makes it when it is missing, as the manager "perdure". What is not configured comes from the
 * pod's service account.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "fleet/deploywork.h"
#include "http/http.h"
#include "json/json.h"

#define POD_DIR "/var/run/secrets/kubernetes.io/serviceaccount/"
#define POD_PREFIX "/var/run/secrets/"

enum { TOKEN_MAX = 64 << 10, SMALL_MAX = 4096, SAID_MAX = 600, NAME_MAX_OCTETS = 253, SPACE_MAX = 63 };

struct apply {
	struct http *http;
	struct http_exchange *exchange;
	char *what; /* "web/web-tls at https://…" */
};

static int not_in_pod(const char *key, struct err *e)
{
	err_set(e, ERR_CONFIG, "kubernetes.%s is not given, and this is no pod with a service account", key);
	err_hint(e, "give %s, or mount the service account's token into the pod", key);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

/* Letters, digits, hyphens (and dots): what a name in an API path may be (RFC 1123). */
static int check_name(const char *s, const char *more, size_t max, const char *what, struct err *e)
{
	size_t n = strlen(s);
	bool good = n && n <= max && isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]);
	for (size_t i = 0; good && i < n; i++)
		good = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || strchr(more, s[i]);
	if (good)
		return 0;
	err_set(e, ERR_CONFIG, "\"%s\" cannot be the name of a %s in Kubernetes", s, what);
	err_hint(e, "small letters, digits and hyphens, at most %zu; name: of the certificate changes what {name} is",
		max);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int name_space(const struct deploy_work *w, char **ret, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(SMALL_MAX);
	struct err ignored = {0};
	if (w->action->name_space) {
		*ret = deploy_expand(w->action->name_space, w->subject->cert->name);
	} else if (fs_read(POD_DIR "namespace", &b, &ignored)) {
		err_done(&ignored);
		return not_in_pod("namespace", e);
	} else {
		*ret = xstrndup(buf_str(&b), strcspn(buf_str(&b), " \r\n"));
	}
	return check_name(*ret, "-", SPACE_MAX, "namespace", e);
}

static int server(const struct deploy_work *w, char **ret, struct err *e)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	if (w->action->server) {
		size_t n = strlen(w->action->server);
		*ret = xstrndup(w->action->server, n - (w->action->server[n - 1] == '/'));
		return 0;
	}
	if (!host || !*host || !port || !*port)
		return not_in_pod("server", e);
	bool v6 = strchr(host, ':') != NULL;
	*ret = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
	return 0;
}

/* Those that Kubernetes puts into a pod are links to files that all of the pod may read. */
static int token(const struct deploy_work *w, struct secret *ret, struct err *e)
{
	const char *given = w->action->token_file;
	AUTO(buf_wipe) struct buf b = buf_make(TOKEN_MAX);
	if (!given && !fs_exists(POD_DIR "token"))
		return not_in_pod("token_file", e);
	if (given && strncmp(given, POD_PREFIX, strlen(POD_PREFIX)) != 0)
		return fs_read_secret(given, ret, e);
	if (fs_read(given ? given : POD_DIR "token", &b, e))
		return -1;
	*ret = secret_dup(buf_str(&b), strcspn(buf_str(&b), "\r\n"));
	return 0;
}

static char *authorization(const struct deploy_work *w, struct err *e)
{
	AUTO(secret_done) struct secret t = {0};
	if (token(w, &t, e))
		return NULL;
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] >= 0x7f) {
			err_set(e, ERR_CONFIG,
				"the token of the Kubernetes API server holds a blank or a control character");
			err_hint(e, "the file holds the token alone, in one line");
			return NULL;
		}
	return xasprintf("Authorization: Bearer %.*s", (int)t.n, (const char *)t.p);
}

static void put_base64(struct json_out *j, const char *member, const void *p, size_t n)
{
	AUTO(buf_wipe) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	codec_b64(&b, p, n);
	json_out_str(j, member, buf_str(&b));
}

/* JSON is YAML. */
static void put_object(const struct deploy_work *w, const char *space, const char *name, struct buf *b)
{
	const struct certfiles_texts *t = &w->subject->files;
	struct json_out j = json_out_make(b);
	json_out_object(&j, NULL);
	json_out_str(&j, "apiVersion", "v1");
	json_out_str(&j, "kind", "Secret");
	json_out_object(&j, "metadata");
	json_out_str(&j, "name", name);
	json_out_str(&j, "namespace", space);
	json_out_end_object(&j);
	json_out_str(&j, "type", "kubernetes.io/tls");
	json_out_object(&j, "data");
	put_base64(&j, "tls.crt", t->fullchain_pem, strlen(t->fullchain_pem));
	put_base64(&j, "tls.key", t->key_pem.p, t->key_pem.n);
	json_out_end_object(&j);
	json_out_end_object(&j);
}

/* --- the answer --- */

/* The message of a Status object, or the beginning of whatever came. */
static char *said(const struct http_reply *reply)
{
	AUTO(json_freep) struct json *j = NULL;
	struct err ignored = {0};
	const char *message = NULL;
	if (json_parse(buf_str(&reply->body), reply->body.n, "the answer", &j, &ignored))
		err_done(&ignored);
	else
		message = json_str(json_get(j, "message"));
	return xasprintf("%.*s", SAID_MAX, message ? message : buf_str(&reply->body));
}

static void refuse(const struct apply *a, const struct http_reply *reply, struct err *e)
{
	AUTO(xfreep) char *words = said(reply);
	int status = reply->status;
	bool later = status == 429 || status >= 500;
	err_set(e, ERR_HTTP, "apply the Secret %s: status %d%s%s", a->what, status, *words ? ": " : "", words);
	e->code = status;
	err_retry(e, later ? RETRY_LATER : RETRY_AFTER_OPERATOR, 0);
	if (status == 401)
		err_hint(e, "the token is not, or no longer, accepted: check token_file and the service account");
	else if (status == 403)
		err_hint(e, "give the service account a role with the verbs create and patch for secrets there");
	else if (status == 404)
		err_hint(e, "is there such a namespace?");
	else if (status == 409)
		err_hint(e, "somebody else manages this Secret's data: take that away, or say force: true");
	else if (status == 422)
		err_hint(e, "a Secret's type cannot be changed: delete the old one, if it is of no use");
}

static void on_reply(const struct http_reply *reply, const struct err *e, void *ctx)
{
	struct deploy_work *w = ctx;
	struct apply *a = w->own;
	a->exchange = NULL;
	if (!reply) {
		err_copy(&w->e, e);
		err_ctx(&w->e, "apply the Secret %s", a->what);
	} else if (reply->status != 200 && reply->status != 201) {
		refuse(a, reply, &w->e);
	}
	deploy_finish(w);
}

/* --- the request --- */

static int send_it(struct deploy_work *w, const char *base, const char *space, const char *name, struct err *e)
{
	struct apply *a = w->own;
	struct http_options o = {.max_connections = 1,
		.ca_bundle = w->action->ca_file            ? w->action->ca_file
			     : fs_exists(POD_DIR "ca.crt") ? POD_DIR "ca.crt"
							   : NULL};
	AUTO(xfreep) char *bearer = authorization(w, e);
	AUTO(buf_wipe) struct buf body = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(xfreep)
	char *url = xasprintf("%s/api/v1/namespaces/%s/secrets/%s?fieldManager=perdure&force=%s", base, space, name,
		w->action->force ? "true" : "false");
	const char *const headers[] = {bearer, NULL};
	if (!bearer || http_curl_new(w->loop, &o, &a->http, e))
		return -1;
	put_object(w, space, name, &body);
	struct http_request r = {.method = HTTP_PATCH,
		.url = url,
		.content_type = "application/apply-patch+yaml",
		.accept = "application/json",
		.body = body.p,
		.body_n = body.n,
		.timeout_ms = w->action->timeout_ms,
		.headers = headers};
	a->exchange = http_send(a->http, &r, on_reply, w);
	explicit_bzero(bearer, strlen(bearer));
	return buf_check(&body, "the Secret", e);
}

static int start(struct deploy_work *w, struct err *e)
{
	struct apply *a = xcalloc(1, sizeof(*a));
	AUTO(xfreep) char *space = NULL;
	AUTO(xfreep) char *base = NULL;
	AUTO(xfreep) char *name = deploy_expand(w->action->secret, w->subject->cert->name);
	w->own = a;
	if (deploy_need_key(w, e) || check_name(name, "-.", NAME_MAX_OCTETS, "Secret", e) || name_space(w, &space, e) ||
		server(w, &base, e))
		return -1;
	a->what = xasprintf("%s/%s at %s", space, name, base);
	return send_it(w, base, space, name, e);
}

static void release(struct deploy_work *w)
{
	struct apply *a = w->own;
	if (!a)
		return;
	http_cancel(a->http, a->exchange);
	http_free(a->http);
	free(a->what);
	free(a);
	w->own = NULL;
}

const struct deploy_kind deploy_kind_kubernetes = {.start = start, .release = release};
