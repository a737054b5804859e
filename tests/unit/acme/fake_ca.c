/* fake_ca.c: the ACME server in memory. */
#include "fake_ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"
#include "scripted_http.h"
#include "json/json.h"

static int64_t fake_now(void *ctx)
{
	return ((struct fake_ca *)ctx)->now;
}

static void fake_skip(void *ctx, int64_t ms)
{
	((struct fake_ca *)ctx)->now += ms;
}

static void mistake(struct fake_ca *ca, const char *what)
{
	fprintf(stderr, "fake CA: %s\n", what);
	ca->mistakes++;
}

void fake_names(struct strv *ret, const char *blank_separated)
{
	char *copy = xstrdup(blank_separated), *rest = copy;
	for (char *name; (name = strsep(&rest, " ")) != NULL;)
		strv_add(ret, name);
	free(copy);
}

void fake_ca_order(struct fake_ca *ca, const char *names)
{
	strv_done(&ca->names);
	fake_names(&ca->names, names);
	ca->n_authzs = (int)ca->names.n;
}

/* --- replies --- */

static void put(struct http_reply *reply, const char *text)
{
	buf_clear(&reply->body);
	buf_puts(&reply->body, text);
}

static void problem(struct http_reply *reply, int status, const char *type, const char *detail)
{
	reply->status = status;
	buf_clear(&reply->body);
	buf_printf(
		&reply->body, "{\"type\":\"" ACME_ERROR "%s\",\"detail\":\"%s\",\"status\":%d}", type, detail, status);
	http_reply_add(reply, "Content-Type", "application/problem+json");
}

static void directory(const struct fake_ca *ca, struct http_reply *reply)
{
	if (ca->date)
		http_reply_add(reply, "date", ca->date);
	put(reply, "{\"newNonce\":\"" FAKE_HOST "/nonce\",\"newAccount\":\"" FAKE_HOST
		   "/register\",\"newOrder\":\"" FAKE_HOST "/place\",\"revokeCert\":\"" FAKE_HOST "/revoke\",");
	if (!ca->no_renewal_info)
		buf_puts(&reply->body, "\"renewalInfo\":\"" FAKE_HOST "/ari\",");
	buf_puts(&reply->body, "\"meta\":{\"termsOfService\":\"https://terms.test/1\",\"caaIdentities\":[\"ca.test\"]");
	if (ca->level == 2)
		buf_puts(&reply->body,
			",\"accountHashPrefix\":\"" FAKE_HOST "/hashed/\",\"issuerDomainNames\":[\"ca.test\"]");
	buf_puts(&reply->body, "}}");
}

static const char *authz_status(const struct fake_ca *ca, int i)
{
	if (ca->authz[i] && strcmp(ca->authz[i], "processing"))
		return ca->authz[i];
	if (!ca->answered[i] && !ca->authz[i])
		return "pending";
	if (ca->polls[i] < ca->authz_polls)
		return "pending";
	return ca->invalid[i] ? "invalid" : "valid";
}

static const char *order_status(const struct fake_ca *ca)
{
	static const char *const finalized[] = {"", "processing", "valid", "invalid"};
	if (ca->finalized)
		return finalized[ca->finalized];
	if (ca->order)
		return ca->order;
	bool ready = true;
	for (int i = 0; i < ca->n_authzs; i++) {
		if (!strcmp(authz_status(ca, i), "invalid"))
			return "invalid";
		ready = ready && !strcmp(authz_status(ca, i), "valid");
	}
	return ready ? "ready" : "pending";
}

static void order(const struct fake_ca *ca, struct http_reply *reply)
{
	put(reply, "");
	struct json_out w = json_out_make(&reply->body);
	json_out_object(&w, NULL);
	json_out_str(&w, "status", order_status(ca));
	json_out_str(&w, "expires", "2100-01-01T00:00:00Z");
	json_out_array(&w, "identifiers");
	for (size_t i = 0; i < ca->names.n; i++) {
		json_out_object(&w, NULL);
		json_out_str(&w, "type", "dns");
		json_out_str(&w, "value", ca->names.v[i]);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_array(&w, "authorizations");
	for (int i = 0; i < ca->n_authzs << ca->twice_listed; i++) {
		AUTO(xfreep) char *url = xasprintf(FAKE_HOST "/authz/%d", i % ca->n_authzs);
		json_out_str(&w, NULL, url);
	}
	json_out_end_array(&w);
	json_out_str(&w, "finalize", FAKE_ORDER "/finalize");
	if (!strcmp(order_status(ca), "valid"))
		json_out_str(&w, "certificate", FAKE_HOST "/cert");
	if (ca->finalized == 3)
		json_out_raw(&w, "error", "{\"type\":\"" ACME_ERROR "caa\",\"detail\":\"CAA forbids it\"}");
	json_out_end_object(&w);
	if (!strcmp(order_status(ca), "processing") && ca->order_retry_after)
		http_reply_add(reply, "Retry-After", ca->order_retry_after);
}

static void challenge(const struct fake_ca *ca, int i, struct json_out *w)
{
	AUTO(xfreep) char *url = xasprintf(FAKE_HOST "/chall/%d", i);
	bool busy = ca->answered[i] || ca->authz[i];
	const char *status = authz_status(ca, i);
	struct strv issuers = {0};
	char *copy = xstrdup(ca->issuers ? ca->issuers : "ca.test"), *rest = copy;
	for (char *name; (name = strsep(&rest, ",")) != NULL;)
		if (name[0])
			strv_add(&issuers, name);
	json_out_object(w, NULL);
	json_out_str(w, "type", "dns-persist-01");
	json_out_str(w, "url", url);
	json_out_str(w, "status", busy && !strcmp(status, "pending") ? "processing" : status);
	json_out_strv(w, ca->level == 2 ? "issuerDomainNames" : "issuer-domain-names", &issuers);
	if (ca->level == 1)
		json_out_str(w, "accounturi", ca->account_uri ? ca->account_uri : FAKE_ACCOUNT);
	if (ca->token)
		json_out_str(w, "token", ca->token);
	if (!strcmp(status, "invalid"))
		json_out_raw(w, "error",
			"{\"type\":\"" ACME_ERROR "unauthorized\",\"detail\":\"no such record\",\"status\":403}");
	json_out_end_object(w);
	strv_done(&issuers);
	free(copy);
}

static void dns_challenge(const struct fake_ca *ca, int i, struct json_out *w)
{
	AUTO(xfreep) char *url = xasprintf(FAKE_HOST "/dns/%d", i);
	AUTO(xfreep) char *token = xasprintf("token-%d", i);
	bool busy = ca->no_persist && (ca->answered[i] || ca->authz[i]);
	const char *status = authz_status(ca, i);
	json_out_object(w, NULL);
	json_out_str(w, "type", "dns-01");
	json_out_str(w, "url", url);
	json_out_str(w, "status", busy && !strcmp(status, "pending") ? "processing" : status);
	json_out_str(w, "token", token);
	json_out_end_object(w);
}

static void authz(struct fake_ca *ca, int i, struct http_reply *reply)
{
	const char *name = ca->names.v[i];
	bool wildcard = !strncmp(name, "*.", 2);
	put(reply, "");
	struct json_out w = json_out_make(&reply->body);
	json_out_object(&w, NULL);
	json_out_str(&w, "status", authz_status(ca, i));
	json_out_object(&w, "identifier");
	json_out_str(&w, "type", "dns");
	json_out_str(&w, "value", wildcard ? name + 2 : name);
	json_out_end_object(&w);
	if (wildcard)
		json_out_bool(&w, "wildcard", true);
	json_out_array(&w, "challenges");
	json_out_raw(&w, NULL,
		"{\"type\":\"http-01\",\"url\":\"" FAKE_HOST "/chall/9\",\"status\":\"pending\",\"token\":\"../x\"}");
	json_out_raw(&w, NULL, "{\"type\":\"quantum-01\",\"dance\":[1,2]}");
	if (!ca->no_persist)
		challenge(ca, i, &w);
	if (ca->dns_01)
		dns_challenge(ca, i, &w);
	json_out_end_array(&w);
	json_out_end_object(&w);
	if ((ca->answered[i] || ca->authz[i]) && !strcmp(authz_status(ca, i), "pending")) {
		if (ca->authz_retry_after)
			http_reply_add(reply, "Retry-After", ca->authz_retry_after);
		ca->polls[i]++;
	}
}

static void answer(struct fake_ca *ca, int i, const char *payload, struct http_reply *reply)
{
	if (strcmp(payload, "{}"))
		mistake(ca, "challenge POST is not {}");
	if (ca->answered[i] || ca->authz[i]) {
		problem(reply, 400, "malformed", "the challenge is decided");
		return;
	}
	ca->answered[i] = true;
	put(reply, "{\"type\":\"dns-persist-01\",\"status\":\"processing\"}");
}

static void place(struct fake_ca *ca, const char *payload, struct http_reply *reply)
{
	struct json *doc;
	struct err e = {0};
	if (json_parse(payload, strlen(payload), "newOrder", &doc, &e)) {
		mistake(ca, "newOrder is no JSON");
		return;
	}
	buf_clear(&ca->payload);
	buf_puts(&ca->payload, payload);
	const struct json *ids = json_get(doc, "identifiers");
	strv_done(&ca->names);
	for (size_t i = 0; i < json_len(ids); i++)
		strv_add(&ca->names, json_str(json_get(json_at(ids, i), "value")));
	ca->n_authzs = (int)ca->names.n;
	json_free(doc);
	reply->status = 201;
	http_reply_add(reply, "Location", FAKE_ORDER);
	order(ca, reply);
}

static void finalize(struct fake_ca *ca, const char *payload, struct http_reply *reply)
{
	static const char head[] = "{\"csr\":\"";
	struct err e = {0};
	if (strcmp(order_status(ca), "ready")) {
		problem(reply, 403, "orderNotReady", "not now");
		return;
	}
	buf_clear(&ca->csr);
	size_t n = strlen(payload);
	if (strncmp(payload, head, sizeof(head) - 1) || n < sizeof(head) + 2 ||
		codec_b64url_decode(&ca->csr, payload + sizeof(head) - 1, n - sizeof(head) - 1, &e))
		mistake(ca, "finalize payload");
	ca->finalized = ca->invalid_at_end ? 3 : ca->valid_at_once || !ca->order_polls ? 2 : 1;
	if (ca->finalized == 2 && !ca->valid_at_once) {
		/* As Pebble: processing at first, valid at the first poll. */
		ca->finalized = 1;
		order(ca, reply);
		ca->finalized = 2;
		return;
	}
	order(ca, reply);
}

static void certificate(struct fake_ca *ca, bool alternate, struct http_reply *reply)
{
	AUTO(key_freep) struct key *k = NULL;
	struct err e = {0};
	struct strv names = {0};
	int64_t now = ca->now / 1000;
	int64_t life = ca->lifetime_s ? ca->lifetime_s : 90 * 86400;
	struct issue_validity v = {now - 7200 + (life < 0 ? life : 0), life < 0 ? now + life : now + life};
	strv_copy(&names, &ca->names);
	if (ca->wrong_name) {
		free(names.v[0]);
		names.v[0] = xstrdup(ca->wrong_name);
	}
	int rc = ca->wrong_key ? key_generate(KEY_EC256, &k, &e) : issue_csr_key(ca->csr.p, ca->csr.n, &k, &e);
	put(reply, "");
	if (rc || issue_leaf(alternate ? ca->other_root : ca->root, k, &names, &v, &reply->body, &e)) {
		mistake(ca, e.msg);
		err_done(&e);
	}
	issue_ca_pem(alternate ? ca->other_root : ca->root, &reply->body);
	if (ca->alternates && !alternate)
		http_reply_add(reply, "Link", ca->alternates);
	strv_done(&names);
}

static void account(struct fake_ca *ca, const char *payload, bool creates, struct http_reply *reply)
{
	buf_clear(&ca->payload);
	buf_puts(&ca->payload, payload);
	put(reply, strstr(payload, "deactivated") ? "{\"status\":\"deactivated\"}"
						  : "{\"status\":\"valid\",\"contact\":[\"mailto:a@b.test\"]}");
	if (creates) {
		reply->status = 201;
		http_reply_add(reply, "Location", FAKE_ACCOUNT);
	}
}

/* --- requests --- */

static void word_of(const char *url, char ret[static 8])
{
	static const struct {
		const char *path;
		const char *word;
	} paths[] = {{"/directory", "D"}, {"/nonce", "N"}, {"/register", "R"}, {"/account/1", "U"}, {"/place", "O"},
		{"/order/1", "o"}, {"/order/1/finalize", "F"}, {"/cert", "c"}};
	const char *path = url + strlen(FAKE_HOST);
	snprintf(ret, 8, "?");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!strcmp(path, paths[i].path))
			snprintf(ret, 8, "%s", paths[i].word);
	int n;
	if (sscanf(path, "/authz/%d", &n) == 1)
		snprintf(ret, 8, "A%d", n % 1000);
	else if (sscanf(path, "/chall/%d", &n) == 1)
		snprintf(ret, 8, "C%d", n % 1000);
	else if (sscanf(path, "/dns/%d", &n) == 1)
		snprintf(ret, 8, "T%d", n % 1000);
	else if (sscanf(path, "/cert/%d", &n) == 1)
		snprintf(ret, 8, "x%d", n % 1000);
}

static char *decoded(const struct json *doc, const char *member)
{
	struct buf b = buf_make(1 << 20);
	struct err e = {0};
	const char *s = json_str(json_get(doc, member));
	if (!s || codec_b64url_decode(&b, s, strlen(s), &e))
		err_done(&e);
	return buf_take(&b);
}

static bool spend_nonce(struct fake_ca *ca, const char *nonce)
{
	for (size_t i = 0; nonce && i < ca->nonces.n; i++)
		if (!strcmp(ca->nonces.v[i], nonce)) {
			free(ca->nonces.v[i]);
			ca->nonces.v[i] = ca->nonces.v[--ca->nonces.n];
			return true;
		}
	return false;
}

/* Checks the JWS as RFC 8555 section 6.2 demands; *ret_payload is heap. False: reply is the refusal. */
static bool check_jws(struct fake_ca *ca, const struct http_request *r, const char *word, char **ret_payload,
	struct http_reply *reply)
{
	struct json *jws, *head;
	struct err e = {0};
	if (!r->content_type || strcmp(r->content_type, "application/jose+json"))
		mistake(ca, "Content-Type");
	if (json_parse(r->body, r->body_n, "JWS", &jws, &e)) {
		mistake(ca, "body is no JSON");
		*ret_payload = xstrdup("");
		return true;
	}
	AUTO(xfreep) char *prot = decoded(jws, "protected");
	*ret_payload = decoded(jws, "payload");
	json_free(jws);
	if (json_parse(prot, strlen(prot), "protected header", &head, &e)) {
		mistake(ca, "protected header is no JSON");
		return true;
	}
	const char *url = json_str(json_get(head, "url")), *kid = json_str(json_get(head, "kid"));
	if (!url || strcmp(url, r->url))
		mistake(ca, "url of the JWS");
	bool registers = !strcmp(word, "R");
	if (registers ? kid || !json_is_object(json_get(head, "jwk")) : !kid || strcmp(kid, FAKE_ACCOUNT))
		mistake(ca, "kid or jwk of the JWS");
	bool known = spend_nonce(ca, json_str(json_get(head, "nonce")));
	if (!known)
		mistake(ca, "nonce unknown or used twice");
	json_free(head);
	if (ca->bad_nonces > 0) {
		ca->bad_nonces--;
		problem(reply, 400, "badNonce", "try again");
		return false;
	}
	return true;
}

static const struct fake_fault *find_fault(struct fake_ca *ca, const char *word)
{
	for (size_t i = 0; i < FAKE_MAX_FAULTS; i++) {
		struct fake_fault *f = &ca->faults[i];
		if (!f->word || strcmp(f->word, word))
			continue;
		if (f->first > 1) {
			f->first--;
			continue;
		}
		if (f->times < 0)
			continue;
		if (f->times <= 1)
			f->times = -1;
		else
			f->times--;
		return f;
	}
	return NULL;
}

static void apply_fault(const struct fake_fault *f, struct http_reply *reply)
{
	if (f->problem)
		problem(reply, f->status, f->problem, f->body ? f->body : "scripted");
	else if (f->body)
		put(reply, f->body);
	if (f->status)
		reply->status = f->status;
	if (!f->header)
		return;
	const char *colon = strchr(f->header, ':');
	AUTO(xfreep) char *name = xstrndup(f->header, (size_t)(colon - f->header));
	http_reply_add(reply, name, colon + 1);
}

static void act(struct fake_ca *ca, const char *word, const char *payload, struct http_reply *reply)
{
	int i = word[1] ? (int)strtol(word + 1, NULL, 10) : 0;
	bool reads = strchr("oAcx", word[0]);
	if (reads && payload[0])
		mistake(ca, "POST-as-GET with a payload");
	switch (word[0]) {
	case 'D':
		directory(ca, reply);
		break;
	case 'R':
		account(ca, payload, true, reply);
		break;
	case 'U':
		account(ca, payload, false, reply);
		break;
	case 'O':
		place(ca, payload, reply);
		break;
	case 'o':
		if (ca->finalized == 1 && ca->order_polls-- <= 0)
			ca->finalized = 2;
		order(ca, reply);
		break;
	case 'A':
		authz(ca, i, reply);
		break;
	case 'C':
	case 'T':
		answer(ca, i, payload, reply);
		break;
	case 'F':
		finalize(ca, payload, reply);
		break;
	case 'c':
	case 'x':
		certificate(ca, word[0] == 'x', reply);
		break;
	case 'N':
		break;
	default:
		problem(reply, 404, "malformed", "no such thing");
	}
}

static int serve(const struct http_request *r, struct http_reply *reply, struct err *e, void *ctx)
{
	struct fake_ca *ca = ctx;
	char word[8];
	AUTO(xfreep) char *payload = NULL;
	word_of(r->url, word);
	buf_printf(&ca->log, "%s%s", ca->log.n ? " " : "", word);
	bool post = r->method == HTTP_POST;
	if (post != (word[0] != 'D' && word[0] != 'N'))
		mistake(ca, "method");
	ca->requests += post;
	const struct fake_fault *f = find_fault(ca, word);
	bool good = !post || check_jws(ca, r, word, &payload, reply);
	if (good && (!f || f->acts))
		act(ca, word, payload ? payload : "", reply);
	if (good && f)
		apply_fault(f, reply);
	if (word[0] == 'N' || (post && !ca->keep_nonces)) {
		AUTO(xfreep) char *nonce = xasprintf("nonce-%u", ca->nonce++);
		strv_add(&ca->nonces, nonce);
		http_reply_add(reply, "Replay-Nonce", nonce);
	}
	if (f && f->lost) {
		err_set(e, ERR_NET, "ca.test: connection lost");
		err_retry(e, RETRY_LATER, 0);
		return -1;
	}
	return ca->delay_ms;
}

void fake_ca_start(struct fake_ca *ca)
{
	struct err e = {0};
	ca->now = INT64_C(1790000000000);
	ca->began = ca->now;
	ca->clk = (struct clk){.wall = fake_now, .mono = fake_now, .ctx = ca};
	ca->log = buf_make(1 << 20);
	ca->payload = buf_make(1 << 20);
	ca->csr = buf_make(1 << 20);
	struct issue_validity v = {0, INT64_C(4000000000)};
	if (loop_new(&ca->clk, &ca->l, &e) || key_generate(KEY_EC256, &ca->root_key, &e) ||
		issue_ca_new(NULL, ca->root_key, "Fake Root", &v, &ca->root, &e) ||
		issue_ca_new(NULL, ca->root_key, "Other Root", &v, &ca->other_root, &e)) {
		err_print(&e);
		abort();
	}
	loop_set_skip(ca->l, fake_skip, ca);
	ca->http = scripted_http_new(ca->l, serve, ca);
}

void fake_ca_stop(struct fake_ca *ca)
{
	http_free(ca->http);
	loop_free(ca->l);
	issue_ca_free(ca->root);
	issue_ca_free(ca->other_root);
	key_free(ca->root_key);
	strv_done(&ca->nonces);
	strv_done(&ca->names);
	buf_done(&ca->log);
	buf_done(&ca->payload);
	buf_done(&ca->csr);
}
