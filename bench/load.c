/*
 * load.c: the ceiling a renewal is measured against. Sends the requests perdure sends (newOrder, authorizations,
 * challenges, a look at each authorization, finalize, a look at the order, certificate) with the same waits and so many
 * orders in flight, over the same HTTP client and signing code, and does nothing else: keys and requests for
 * certificates are made before the clock starts, nothing is checked, kept or written.
 *
 * load DIRECTORY CA_BUNDLE ACCOUNT_KEY ACCOUNT_URL [IN_FLIGHT] <NAMES
 * (a line of NAMES is one order: its names, blank separated)
 * prints {"orders":…,"requests":…,"again":…,"seconds":…,"cpu":…}; requests includes the directory and the first nonce,
 * again counts looks after the first. cpu is the processor time of the same span.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acme/nonce.h"
#include "acme/session.h"
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

struct load;
struct slot;
typedef void (*reply_fn)(struct slot *s, const struct json *body, const struct http_reply *r);

/* An order in flight. */
struct slot {
	struct load *l;
	struct loop_timer *timer;
	size_t at; /* in the list of orders */
	char *order_url;
	char *finalize_url;
	struct strv authzs;
	struct strv challenges;
	struct strv open; /* authorizations that were not valid already */
	size_t i; /* of the authorization at hand */
	unsigned tries;
	void (*next)(struct slot *s);
	reply_fn reply;
	const char *doing;
	/* The signed request. */
	char *url;
	const char *payload; /* NULL for a POST-as-GET */
	reply_fn after;
};

struct load {
	struct loop *loop;
	struct http *http;
	struct key *key;
	const char *account;
	struct nonce_pool nonces;
	struct order *orders;
	size_t n_orders, placed, ended;
	struct slot *slots;
	size_t n_slots;
	char *new_order_url;
	char *new_nonce_url;
	unsigned requests, again;
	struct timespec began, began_cpu;
	double seconds, cpu;
};

static void place(struct slot *s);
static void read_authz(struct slot *s);
static void answer(struct slot *s);
static void poll_authz(struct slot *s);
static void poll_order(struct slot *s);

static void die(const char *what, const struct err *e)
{
	fprintf(stderr, "load: %s: %s\n", what, e ? e->msg : "failed");
	exit(1);
}

static void on_reply(const struct http_reply *r, const struct err *failed, void *ctx)
{
	struct slot *s = ctx;
	struct err e = {0};
	AUTO(json_freep) struct json *body = NULL;
	if (!r)
		die(s->doing, failed);
	const char *type = http_reply_header(r, "content-type");
	const char *nonce = http_reply_header(r, "replay-nonce");
	if (r->status < 200 || r->status > 299) {
		fprintf(stderr, "load: %s: status %d: %.500s\n", s->doing, r->status, buf_str(&r->body));
		exit(1);
	}
	if (nonce)
		nonce_pool_put(&s->l->nonces, nonce, 0);
	if (type && strstr(type, "json") && json_parse(r->body.p, r->body.n, s->doing, &body, &e))
		die(s->doing, &e);
	s->reply(s, body, r);
}

static void send_request(struct slot *s, enum http_method m, const char *url, const struct buf *body)
{
	struct http_request r = {.method = m, .url = url};
	if (body) {
		r.content_type = "application/jose+json";
		r.body = body->p;
		r.body_n = body->n;
	}
	s->l->requests++;
	http_send(s->l->http, &r, on_reply, s);
}

static void sign_and_send(struct slot *s, const char *nonce)
{
	AUTO(buf_done) struct buf body = buf_make(BUF_MAX_HTTP_BODY);
	struct err e = {0};
	struct jose_request r = {.url = s->url,
		.nonce = nonce,
		.kid = s->l->account,
		.payload = s->payload ? s->payload : "",
		.payload_n = s->payload ? strlen(s->payload) : 0};
	s->reply = s->after;
	if (jose_sign(s->l->key, &r, &body, &e))
		die(s->doing, &e);
	send_request(s, HTTP_POST, s->url, &body);
}

static void got_nonce(struct slot *s, const struct json *body, const struct http_reply *r)
{
	AUTO(xfreep) char *nonce = nonce_pool_take(&s->l->nonces, 0);
	(void)body;
	(void)r;
	if (!nonce)
		die("newNonce", NULL);
	sign_and_send(s, nonce);
}

/* A signed request, after one for a nonce when there is none left; payload NULL for a POST-as-GET. */
static void post(struct slot *s, const char *doing, const char *url, const char *payload, reply_fn after)
{
	AUTO(xfreep) char *nonce = nonce_pool_take(&s->l->nonces, 0);
	free(s->url);
	s->url = xstrdup(url);
	s->payload = payload;
	s->doing = doing;
	s->after = after;
	if (nonce) {
		sign_and_send(s, nonce);
		return;
	}
	s->reply = got_nonce;
	send_request(s, HTTP_HEAD, s->l->new_nonce_url, NULL);
}

static void on_timer(void *ctx)
{
	struct slot *s = ctx;
	s->next(s);
}

static void wait_then(struct slot *s, void (*next)(struct slot *s))
{
	s->next = next;
	loop_timer_start(s->timer, (int64_t)FIRST_WAIT_MS << s->tries);
}

static const char *member(const struct json *body, const char *name, const char *doing)
{
	const char *text = json_str(json_get(body, name));
	if (!text) {
		fprintf(stderr, "load: %s: no \"%s\"\n", doing, name);
		exit(1);
	}
	return text;
}

/* Whether the object is decided; ends the program when it is decided badly. */
static bool is_valid(const struct slot *s, const struct json *body)
{
	const char *status = member(body, "status", s->doing);
	if (!strcmp(status, "invalid")) {
		fprintf(stderr, "load: %s: invalid\n", s->doing);
		exit(1);
	}
	return !strcmp(status, "valid");
}

/* ---- one order, from its end to its beginning ---- */

static double seconds_since(clockid_t clock, const struct timespec *began)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)(t.tv_sec - began->tv_sec) + (double)(t.tv_nsec - began->tv_nsec) / 1e9;
}

static void got_certificate(struct slot *s, const struct json *body, const struct http_reply *r)
{
	struct load *l = s->l;
	(void)body;
	(void)r;
	l->ended++;
	if (l->placed < l->n_orders) {
		place(s);
		return;
	}
	if (l->ended < l->n_orders)
		return;
	l->seconds = seconds_since(CLOCK_MONOTONIC, &l->began);
	l->cpu = seconds_since(CLOCK_PROCESS_CPUTIME_ID, &l->began_cpu);
	loop_stop(l->loop);
}

static void got_order(struct slot *s, const struct json *body, const struct http_reply *r)
{
	(void)r;
	if (is_valid(s, body)) {
		post(s, "certificate", member(body, "certificate", s->doing), NULL, got_certificate);
		return;
	}
	s->l->again += s->doing[0] == 'o';
	wait_then(s, poll_order);
	s->tries++;
}

static void poll_order(struct slot *s)
{
	post(s, "order", s->order_url, NULL, got_order);
}

/* The next authorization that is open, else finalize. */
static void decided(struct slot *s)
{
	if (s->i < s->open.n)
		poll_authz(s);
	else
		post(s, "finalize", s->finalize_url, s->l->orders[s->at].finalize, got_order);
}

static void got_poll(struct slot *s, const struct json *body, const struct http_reply *r)
{
	(void)r;
	if (!is_valid(s, body)) {
		s->l->again++;
		wait_then(s, poll_authz);
		s->tries++;
		return;
	}
	s->tries = 0;
	s->i++;
	decided(s);
}

static void poll_authz(struct slot *s)
{
	post(s, "authorization again", s->open.v[s->i], NULL, got_poll);
}

static void got_answer(struct slot *s, const struct json *body, const struct http_reply *r)
{
	(void)body;
	(void)r;
	if (++s->i < s->challenges.n) {
		answer(s);
		return;
	}
	s->i = 0;
	wait_then(s, poll_authz);
	s->tries = 1;
}

static void answer(struct slot *s)
{
	post(s, "challenge", s->challenges.v[s->i], "{}", got_answer);
}

static void got_authz(struct slot *s, const struct json *body, const struct http_reply *r)
{
	const struct json *list = json_get(body, "challenges");
	(void)r;
	bool open = strcmp(member(body, "status", s->doing), "valid") != 0;
	if (open)
		strv_add(&s->open, s->authzs.v[s->i]);
	for (size_t i = 0; open && i < json_len(list); i++)
		if (!strcmp(member(json_at(list, i), "type", "challenge"), "dns-persist-01"))
			strv_add(&s->challenges, member(json_at(list, i), "url", "challenge"));
	if (++s->i < s->authzs.n) {
		read_authz(s);
		return;
	}
	s->i = 0;
	if (s->open.n)
		answer(s);
	else
		decided(s);
}

static void read_authz(struct slot *s)
{
	post(s, "authorization", s->authzs.v[s->i], NULL, got_authz);
}

static void got_new_order(struct slot *s, const struct json *body, const struct http_reply *r)
{
	const char *url = http_reply_header(r, "location");
	struct err e = {0};
	free(s->order_url);
	s->order_url = xstrdup(url ? url : "");
	free(s->finalize_url);
	s->finalize_url = xstrdup(member(body, "finalize", s->doing));
	strv_done(&s->authzs);
	strv_done(&s->challenges);
	strv_done(&s->open);
	if (json_opt_strv(body, "authorizations", 100, &s->authzs, &e))
		die(s->doing, &e);
	s->i = 0;
	s->tries = 0;
	read_authz(s);
}

static void place(struct slot *s)
{
	s->at = s->l->placed++;
	post(s, "newOrder", s->l->new_order_url, s->l->orders[s->at].new_order, got_new_order);
}

static void got_directory(struct slot *s, const struct json *body, const struct http_reply *r)
{
	struct load *l = s->l;
	(void)r;
	l->new_order_url = xstrdup(member(body, "newOrder", s->doing));
	l->new_nonce_url = xstrdup(member(body, "newNonce", s->doing));
	for (size_t i = 0; i < l->n_slots && l->placed < l->n_orders; i++)
		place(&l->slots[i]);
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
		http_curl_new(l->loop,
			&(struct http_options){
				.ca_bundle = bundle, .max_connections = acme_connections((int64_t)l->n_slots)},
			&l->http, &e))
		die("start", &e);
	while (fgets(line, sizeof(line), stdin))
		prepare_order(l, line);
	if (!l->n_orders || !l->n_slots)
		die("no orders", NULL);
	l->slots = xcalloc(l->n_slots, sizeof(*l->slots));
	for (size_t i = 0; i < l->n_slots; i++) {
		l->slots[i].l = l;
		l->slots[i].timer = loop_timer_new(l->loop, on_timer, &l->slots[i]);
	}
}

static void release(struct load *l)
{
	for (size_t i = 0; i < l->n_orders; i++) {
		free(l->orders[i].new_order);
		free(l->orders[i].finalize);
	}
	free(l->orders);
	for (size_t i = 0; i < l->n_slots; i++) {
		struct slot *s = &l->slots[i];
		free(s->order_url);
		free(s->finalize_url);
		free(s->url);
		strv_done(&s->authzs);
		strv_done(&s->challenges);
		strv_done(&s->open);
		loop_timer_free(s->timer);
	}
	free(l->slots);
	nonce_pool_done(&l->nonces);
	free(l->new_order_url);
	free(l->new_nonce_url);
	http_free(l->http);
	loop_free(l->loop);
	key_free(l->key);
}

int main(int argc, char **argv)
{
	struct load l = {0};
	struct err e = {0};
	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: load DIRECTORY CA_BUNDLE ACCOUNT_KEY ACCOUNT_URL [IN_FLIGHT] <NAMES\n");
		return 2;
	}
	l.account = argv[4];
	l.n_slots = argc == 6 ? strtoul(argv[5], NULL, 10) : 1;
	prepare(&l, argv[2], argv[3]);
	clock_gettime(CLOCK_MONOTONIC, &l.began);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &l.began_cpu);
	l.slots[0].doing = "directory";
	l.slots[0].reply = got_directory;
	send_request(&l.slots[0], HTTP_GET, argv[1], NULL);
	if (loop_run(l.loop, &e))
		die("loop", &e);
	printf("{\"orders\":%zu,\"requests\":%u,\"again\":%u,\"seconds\":%.6f,\"cpu\":%.6f}\n", l.n_orders, l.requests,
		l.again, l.seconds, l.cpu);
	release(&l);
	return 0;
}
