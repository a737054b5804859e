/*
 * load.c: the ceiling a renewal is measured against. Sends, for one order after the other, the requests perdure sends
 * (newOrder, authorizations, challenges, a look at each authorization, finalize, a look at the order, certificate) with
 * the same waits, over the same HTTP client and signing code, and does nothing else: keys and requests for certificates
 * are made before the clock starts, nothing is checked, kept or written.
 *
 * load DIRECTORY CA_BUNDLE ACCOUNT_KEY ACCOUNT_URL <NAMES   (a line of NAMES is one order: its names, blank separated)
 * prints {"orders":…,"requests":…,"again":…,"seconds":…}; requests includes the directory and the first nonce, again
 * counts looks after the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"
#include "json/json.h"

enum { FIRST_WAIT_MS = 5, MAX_LINE = 4096 };

struct order {
	char *new_order; /* payload of newOrder */
	char *finalize; /* payload of finalize */
};

struct load {
	struct loop *loop;
	struct http *http;
	struct loop_timer *timer;
	struct key *key;
	const char *account;
	char *nonce;
	struct order *orders;
	size_t n_orders, at;

	char *new_order_url;
	char *order_url;
	char *finalize_url;
	struct strv authzs;
	struct strv challenges;
	struct strv open; /* authorizations that were not valid already */
	size_t i; /* of the authorization at hand */
	unsigned tries;
	unsigned requests, again;
	struct timespec began;
	double seconds;
	void (*next)(struct load *l);
	void (*reply)(struct load *l, const struct json *body, const struct http_reply *r);
	const char *doing;
};

static void place(struct load *l);
static void read_authz(struct load *l);
static void answer(struct load *l);
static void poll_authz(struct load *l);
static void poll_order(struct load *l);

static void die(const char *what, const struct err *e)
{
	fprintf(stderr, "load: %s: %s\n", what, e ? e->msg : "failed");
	exit(1);
}

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct load *l = ctx;
	struct err e = {0};
	AUTO(json_freep) struct json *body = NULL;
	if (!r)
		die(l->doing, failed);
	const char *type = http_reply_header(r, "content-type");
	const char *nonce = http_reply_header(r, "replay-nonce");
	if (r->status < 200 || r->status > 299) {
		fprintf(stderr, "load: %s: status %d: %.500s\n", l->doing, r->status, buf_str(&r->body));
		exit(1);
	}
	free(l->nonce);
	l->nonce = nonce ? xstrdup(nonce) : NULL;
	if (type && strstr(type, "json") && json_parse(r->body.p, r->body.n, l->doing, &body, &e))
		die(l->doing, &e);
	l->reply(l, body, r);
}

static void send_request(struct load *l, enum http_method m, const char *url, const struct buf *body)
{
	struct http_request r = {.method = m, .url = url};
	if (body) {
		r.content_type = "application/jose+json";
		r.body = body->p;
		r.body_n = body->n;
	}
	l->requests++;
	http_send(l->http, &r, on_reply, l);
}

/* A signed request; payload NULL for a POST-as-GET. */
static void post(struct load *l, const char *doing, const char *url, const char *payload,
	void (*reply)(struct load *l, const struct json *body, const struct http_reply *r))
{
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_HTTP_BODY);
	struct err e = {0};
	struct jose_request r = {.url = url,
		.nonce = l->nonce,
		.kid = l->account,
		.payload = payload ? payload : "",
		.payload_n = payload ? strlen(payload) : 0};
	l->doing = doing;
	l->reply = reply;
	if (jose_sign(l->key, &r, &body, &e))
		die(doing, &e);
	send_request(l, HTTP_POST, url, &body);
}

static void on_timer(void *ctx)
{
	struct load *l = ctx;
	l->next(l);
}

static void wait_then(struct load *l, void (*next)(struct load *l))
{
	l->next = next;
	loop_timer_start(l->timer, (int64_t)FIRST_WAIT_MS << l->tries);
}

static const char *member(const struct json *body, const char *name, const char *doing)
{
	const char *s = json_str(json_get(body, name));
	if (!s) {
		fprintf(stderr, "load: %s: no \"%s\"\n", doing, name);
		exit(1);
	}
	return s;
}

/* Whether the object is decided; ends the program when it is decided badly. */
static bool is_valid(const struct load *l, const struct json *body)
{
	const char *status = member(body, "status", l->doing);
	if (!strcmp(status, "invalid")) {
		fprintf(stderr, "load: %s: invalid\n", l->doing);
		exit(1);
	}
	return !strcmp(status, "valid");
}

/* ---- one order, from its end to its beginning ---- */

static void got_certificate(struct load *l, const struct json *body, const struct http_reply *r)
{
	struct timespec t;
	(void)body;
	(void)r;
	if (++l->at < l->n_orders) {
		place(l);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &t);
	l->seconds = (double)(t.tv_sec - l->began.tv_sec) + (double)(t.tv_nsec - l->began.tv_nsec) / 1e9;
	loop_stop(l->loop);
}

static void got_order(struct load *l, const struct json *body, const struct http_reply *r)
{
	(void)r;
	if (is_valid(l, body)) {
		post(l, "certificate", member(body, "certificate", l->doing), NULL, got_certificate);
		return;
	}
	l->again += l->doing[0] == 'o';
	wait_then(l, poll_order);
	l->tries++;
}

static void poll_order(struct load *l)
{
	post(l, "order", l->order_url, NULL, got_order);
}

/* The next authorization that is open, else finalize. */
static void decided(struct load *l)
{
	if (l->i < l->open.n)
		poll_authz(l);
	else
		post(l, "finalize", l->finalize_url, l->orders[l->at].finalize, got_order);
}

static void got_poll(struct load *l, const struct json *body, const struct http_reply *r)
{
	(void)r;
	if (!is_valid(l, body)) {
		l->again++;
		wait_then(l, poll_authz);
		l->tries++;
		return;
	}
	l->tries = 0;
	l->i++;
	decided(l);
}

static void poll_authz(struct load *l)
{
	post(l, "authorization again", l->open.v[l->i], NULL, got_poll);
}

static void got_answer(struct load *l, const struct json *body, const struct http_reply *r)
{
	(void)body;
	(void)r;
	if (++l->i < l->challenges.n) {
		answer(l);
		return;
	}
	l->i = 0;
	wait_then(l, poll_authz);
	l->tries = 1;
}

static void answer(struct load *l)
{
	post(l, "challenge", l->challenges.v[l->i], "{}", got_answer);
}

static void got_authz(struct load *l, const struct json *body, const struct http_reply *r)
{
	const struct json *list = json_get(body, "challenges");
	(void)r;
	bool open = strcmp(member(body, "status", l->doing), "valid") != 0;
	if (open)
		strv_add(&l->open, l->authzs.v[l->i]);
	for (size_t i = 0; open && i < json_len(list); i++)
		if (!strcmp(member(json_at(list, i), "type", "challenge"), "dns-persist-01"))
			strv_add(&l->challenges, member(json_at(list, i), "url", "challenge"));
	if (++l->i < l->authzs.n) {
		read_authz(l);
		return;
	}
	l->i = 0;
	if (l->open.n)
		answer(l);
	else
		decided(l);
}

static void read_authz(struct load *l)
{
	post(l, "authorization", l->authzs.v[l->i], NULL, got_authz);
}

static void got_new_order(struct load *l, const struct json *body, const struct http_reply *r)
{
	const char *url = http_reply_header(r, "location");
	struct err e = {0};
	free(l->order_url);
	l->order_url = xstrdup(url ? url : "");
	free(l->finalize_url);
	l->finalize_url = xstrdup(member(body, "finalize", l->doing));
	strv_done(&l->authzs);
	strv_done(&l->challenges);
	strv_done(&l->open);
	if (json_opt_strv(body, "authorizations", 100, &l->authzs, &e))
		die(l->doing, &e);
	l->i = 0;
	l->tries = 0;
	read_authz(l);
}

static void place(struct load *l)
{
	post(l, "newOrder", l->new_order_url, l->orders[l->at].new_order, got_new_order);
}

static void got_nonce(struct load *l, const struct json *body, const struct http_reply *r)
{
	(void)body;
	(void)r;
	place(l);
}

static void got_directory(struct load *l, const struct json *body, const struct http_reply *r)
{
	(void)r;
	l->new_order_url = xstrdup(member(body, "newOrder", l->doing));
	l->doing = "newNonce";
	l->reply = got_nonce;
	send_request(l, HTTP_HEAD, member(body, "newNonce", l->doing), NULL);
}

/* ---- before the clock starts ---- */

static void prepare_order(struct load *l, char *line)
{
	struct err e = {0};
	struct strv names = {0};
	struct key *k = NULL;
	AUTO(buf_done) struct buf der = buf_make(BUF_MAX_SMALL_FILE);
	struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	struct json_out w = json_out_make(&text);
	char *rest = NULL;
	json_out_object(&w, NULL);
	json_out_array(&w, "identifiers");
	for (char *name = strtok_r(line, " \n", &rest); name; name = strtok_r(NULL, " \n", &rest)) {
		strv_add(&names, name);
		json_out_object(&w, NULL);
		json_out_str(&w, "type", "dns");
		json_out_str(&w, "value", name);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_end_object(&w);
	if (key_generate(KEY_EC256, &k, &e) || x509_csr(k, &names, &(struct x509_csr_options){0}, &der, &e))
		die("certificate request", &e);
	AUTO(xfreep) char *csr = codec_b64url_str(der.p, der.n);
	l->orders = xreallocarray(l->orders, l->n_orders + 1, sizeof(*l->orders));
	l->orders[l->n_orders++] =
		(struct order){.new_order = buf_take(&text), .finalize = xasprintf("{\"csr\":\"%s\"}", csr)};
	key_free(k);
	strv_done(&names);
}

static void prepare(struct load *l, const char *bundle, const char *key_file)
{
	AUTO(secret_done) struct secret pem = {0};
	struct err e = {0};
	char line[MAX_LINE];
	if (fs_read_secret(key_file, &pem, &e) || key_from_pem(pem.p, pem.n, "account key", &l->key, &e) ||
		loop_new(clk_real(), &l->loop, &e) ||
		http_curl_new(l->loop, &(struct http_options){.ca_bundle = bundle}, &l->http, &e))
		die("start", &e);
	l->timer = loop_timer_new(l->loop, on_timer, l);
	while (fgets(line, sizeof(line), stdin))
		prepare_order(l, line);
	if (!l->n_orders)
		die("no names", NULL);
}

static void release(struct load *l)
{
	for (size_t i = 0; i < l->n_orders; i++) {
		free(l->orders[i].new_order);
		free(l->orders[i].finalize);
	}
	free(l->orders);
	free(l->nonce);
	free(l->new_order_url);
	free(l->order_url);
	free(l->finalize_url);
	strv_done(&l->authzs);
	strv_done(&l->challenges);
	strv_done(&l->open);
	http_free(l->http);
	loop_timer_free(l->timer);
	loop_free(l->loop);
	key_free(l->key);
}

int main(int argc, char **argv)
{
	struct load l = {0};
	struct err e = {0};
	if (argc != 5) {
		fprintf(stderr, "usage: load DIRECTORY CA_BUNDLE ACCOUNT_KEY ACCOUNT_URL <NAMES\n");
		return 2;
	}
	l.account = argv[4];
	prepare(&l, argv[2], argv[3]);
	clock_gettime(CLOCK_MONOTONIC, &l.began);
	l.doing = "directory";
	l.reply = got_directory;
	send_request(&l, HTTP_GET, argv[1], NULL);
	if (loop_run(l.loop, &e))
		die("loop", &e);
	printf("{\"orders\":%zu,\"requests\":%u,\"again\":%u,\"seconds\":%.6f}\n", l.n_orders, l.requests, l.again,
		l.seconds);
	release(&l);
	return 0;
}
