/* test_client.c: the client on libcurl against a real TLS server on loopback (server.py, which misbehaves by path). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "loop/loop.h"

extern char **environ;

/* The server, started once for the program. */
static struct {
	const char *script;
	pid_t pid;
	int to;
	int port;
	int expired_port;
	char folder[256];
} server;

static int start_server(void **state)
{
	(void)state;
	int in[2], out[2];
	posix_spawn_file_actions_t fa;
	char script[4096];
	snprintf(script, sizeof(script), "%s", server.script);
	char python[] = "python3";
	char *argv[] = {python, script, NULL};
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], 0);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	assert_int_equal(posix_spawn(&server.pid, "/usr/bin/python3", &fa, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	close(in[0]);
	close(out[1]);
	server.to = in[1];
	FILE *f = fdopen(out[0], "r");
	assert_non_null(f);
	int got = fscanf(f, "%d %d %255s", &server.port, &server.expired_port, server.folder);
	fclose(f);
	assert_int_equal(got, 3);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	int status;
	close(server.to);
	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	return 0;
}

/* --- one client and its exchanges --- */

struct client {
	struct loop *l;
	struct http *h;
};

struct result {
	struct client *c;
	bool sending;
	int done;
	struct http_reply reply; /* a copy */
	struct err e; /* a copy */
	struct http_exchange *x;
	struct http_exchange **cancel; /* to be cancelled when this is done */
	struct result *then; /* to be sent when this is done */
};

static int setup(void **state)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct err e = {0};
	AUTO(xfreep) char *ca = xasprintf("%s/ca.pem", server.folder);
	struct http_options o = {
		.ca_bundle = ca, .user_agent = "perdure-test/1", .proxy = "", .ip_version = 4, .max_connections = 2};
	assert_int_equal(loop_new(clk_real(), &c->l, &e), 0);
	assert_int_equal(http_curl_new(c->l, &o, &c->h, &e), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct client *c = *state;
	http_free(c->h);
	loop_free(c->l);
	free(c);
	return 0;
}

static void replace_client(struct client *c, const struct http_options *o)
{
	struct err e = {0};
	http_free(c->h);
	assert_int_equal(http_curl_new(c->l, o, &c->h, &e), 0);
}

static void send_to(struct client *c, struct result *r, const char *url, int64_t timeout_ms);

static void on_done(const struct http_reply *reply, const struct err *e, void *ctx)
{
	struct result *r = ctx;
	assert_false(r->sending);
	assert_int_equal(r->done, 0);
	r->done++;
	if (reply) {
		assert_false(err_is(e));
		r->reply.status = reply->status;
		r->reply.version = reply->version;
		r->reply.peer_pem = reply->peer_pem ? xstrdup(reply->peer_pem) : NULL;
		r->reply.body = buf_make(BUF_MAX_HTTP_BODY);
		buf_put(&r->reply.body, reply->body.p, reply->body.n);
		for (size_t i = 0; i < reply->n_headers; i++)
			http_reply_add(&r->reply, reply->headers[i].name, reply->headers[i].value);
	} else {
		assert_true(err_is(e));
		err_copy(&r->e, e);
	}
	http_cancel(r->c->h, r->x); /* over already: changes nothing */
	if (r->cancel) {
		http_cancel(r->c->h, *r->cancel);
		*r->cancel = NULL;
	}
	if (r->then)
		send_to(r->c, r->then, "https://localhost/ok", 0);
}

static void send_request(struct client *c, struct result *r, const struct http_request *q)
{
	r->c = c;
	r->sending = true;
	r->x = http_send(c->h, q, on_done, r);
	r->sending = false;
}

/* Puts the server's port behind "https://localhost" and "https://127.0.0.1". */
static char *with_port(const char *url)
{
	const char *path = strchr(url + strlen("https://"), '/');
	assert_non_null(path);
	if (memchr(url + strlen("https://"), ':', (size_t)(path - url) - strlen("https://")))
		return xstrdup(url);
	return xasprintf("%.*s:%d%s", (int)(path - url), url, server.port, path);
}

static void send_to(struct client *c, struct result *r, const char *url, int64_t timeout_ms)
{
	AUTO(xfreep) char *full = with_port(url);
	struct http_request q = {.method = HTTP_GET, .url = full, .timeout_ms = timeout_ms};
	send_request(c, r, &q);
}

static void run(struct client *c)
{
	struct err e = {0};
	assert_int_equal(loop_run(c->l, &e), 0);
}

static void result_done(struct result *r)
{
	http_reply_done(&r->reply);
	err_done(&r->e);
}

static void expect_status(struct result *r, int status)
{
	assert_int_equal(r->done, 1);
	if (r->reply.status != status)
		fail_msg("status %d, %s", r->reply.status, r->e.msg);
}

static void get(struct client *c, struct result *r, const char *path)
{
	AUTO(xfreep) char *url = xasprintf("https://localhost%s", path);
	send_to(c, r, url, 0);
	run(c);
	assert_int_equal(r->done, 1);
}

static int connections(struct client *c)
{
	struct result r = {0};
	get(c, &r, "/count");
	expect_status(&r, 200);
	int n = (int)strtol(buf_str(&r.reply.body), NULL, 10);
	result_done(&r);
	return n;
}

/* --- replies --- */

static void get_with_headers(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	get(c, &r, "/ok");
	expect_status(&r, 200);
	assert_int_equal(r.reply.version, 11);
	assert_string_equal(buf_str(&r.reply.body), "hello");
	assert_string_equal(http_reply_header(&r.reply, "replay-nonce"), "abc");
	assert_string_equal(http_reply_header(&r.reply, "link"), "</a>;rel=\"up\"");
	int links = 0;
	for (size_t i = 0; i < r.reply.n_headers; i++)
		links += strcmp(r.reply.headers[i].name, "link") == 0;
	assert_int_equal(links, 2);
	assert_string_equal(http_reply_header(&r.reply, "x-user-agent"), "perdure-test/1");
	assert_string_equal(http_reply_header(&r.reply, "x-accept"), "-");
	assert_string_equal(http_reply_header(&r.reply, "x-accept-encoding"), "-");
	result_done(&r);
}

static void post_and_head(void **state)
{
	struct client *c = *state;
	struct result r = {0}, h = {0};
	AUTO(xfreep) char *url = with_port("https://localhost/ok");
	char body[] = "{\"a\":\0 1}";
	struct http_request q = {.method = HTTP_POST,
		.url = url,
		.content_type = "application/jose+json",
		.accept = "application/pem-certificate-chain",
		.body = body,
		.body_n = sizeof(body)};
	send_request(c, &r, &q);
	memset(body, 'x', sizeof(body)); /* it was copied */
	q = (struct http_request){.method = HTTP_HEAD, .url = url};
	send_request(c, &h, &q);
	memset(url, 'x', 5); /* this too */
	run(c);
	expect_status(&r, 200);
	assert_int_equal(r.reply.body.n, sizeof(body));
	assert_memory_equal(r.reply.body.p, "{\"a\":\0 1}", sizeof(body));
	assert_string_equal(http_reply_header(&r.reply, "x-method"), "POST");
	assert_string_equal(http_reply_header(&r.reply, "x-content-type"), "application/jose+json");
	assert_string_equal(http_reply_header(&r.reply, "x-accept"), "application/pem-certificate-chain");
	assert_string_equal(http_reply_header(&r.reply, "x-expect"), "-");
	expect_status(&h, 200);
	assert_string_equal(http_reply_header(&h.reply, "x-method"), "HEAD");
	assert_int_equal(h.reply.body.n, 0);
	result_done(&r);
	result_done(&h);
}

/* The server reads the request on a connection that was used before, and closes it. */
static void what_may_have_been_acted_on_is_sent_once(void **state)
{
	struct client *c = *state;
	static const enum http_method methods[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};
	AUTO(xfreep) char *url = with_port("https://localhost/lose");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct result first = {0}, r = {0}, lost = {0};
		struct http_request q = {.method = methods[i], .url = url, .body = "{}", .body_n = 2};
		AUTO(xfreep) char *count = xasprintf("%zu", i + 1);
		get(c, &first, "/ok");
		expect_status(&first, 200);
		send_request(c, &r, &q);
		run(c);
		assert_int_equal(r.done, 1);
		assert_int_equal(r.e.kind, ERR_NET);
		assert_non_null(strstr(r.e.msg, "the connection ended without an answer"));
		get(c, &lost, "/lost");
		assert_string_equal(buf_str(&lost.reply.body), count);
		result_done(&first);
		result_done(&r);
		result_done(&lost);
	}
}

static void statuses_are_replies(void **state)
{
	struct client *c = *state;
	struct result r = {0}, m = {0}, full = {0};
	get(c, &r, "/no/where");
	expect_status(&r, 404);
	assert_string_equal(buf_str(&r.reply.body), "no /no/where");
	get(c, &m, "/redirect"); /* not followed */
	expect_status(&m, 302);
	assert_string_equal(http_reply_header(&m.reply, "location"), "/ok");
	get(c, &full, "/full"); /* exactly the maximum */
	expect_status(&full, 200);
	assert_int_equal(full.reply.body.n, BUF_MAX_HTTP_BODY);
	result_done(&r);
	result_done(&m);
	result_done(&full);
}

static void path_is_sent_as_given(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	get(c, &r, "/a/../b/./c%2f?q");
	expect_status(&r, 404);
	assert_string_equal(buf_str(&r.reply.body), "no /a/../b/./c%2f?q");
	result_done(&r);
}

static void interim_and_trailer_fields_are_left_out(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	get(c, &r, "/interim");
	expect_status(&r, 200);
	assert_string_equal(buf_str(&r.reply.body), "hi");
	assert_null(http_reply_header(&r.reply, "x-early"));
	assert_string_equal(http_reply_header(&r.reply, "x-late"), "2");
	assert_null(http_reply_header(&r.reply, "x-trailer"));
	result_done(&r);
}

/* --- failures --- */

static void failures_by_path(void **state)
{
	struct client *c = *state;
	static const struct {
		const char *url;
		enum err_kind kind;
		enum err_retry retry;
		const char *words;
		const char *hint;
	} rows[] = {
		{"https://localhost/huge", ERR_LIMIT, RETRY_NEVER, "larger than 1 MiB", ""},
		{"https://localhost/endless", ERR_LIMIT, RETRY_NEVER, "larger than 1 MiB", ""},
		{"https://localhost/headers", ERR_LIMIT, RETRY_NEVER, "larger than 64 KiB", ""},
		{"https://localhost/interims", ERR_LIMIT, RETRY_NEVER, "larger than 64 KiB", ""},
		{"https://localhost/close", ERR_NET, RETRY_LATER, "without an answer", ""},
		{"https://localhost/short", ERR_NET, RETRY_LATER, "ended too early", ""},
		{"https://localhost/garbage", ERR_PROTO, RETRY_LATER, "not HTTP", ""},
		{"https://127.0.0.1/ok", ERR_TLS, RETRY_AFTER_OPERATOR, "another host name", "host name"},
		{"http://localhost/ok", ERR_PROTO, RETRY_NEVER, "only https", ""},
		{"file:///etc/passwd", ERR_PROTO, RETRY_NEVER, "only https", ""},
		{"https://user@localhost/ok", ERR_PROTO, RETRY_NEVER, "user name", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r = {0};
		AUTO(xfreep)
		char *url = strncmp(rows[i].url, "https://", 8) == 0 ? with_port(rows[i].url) : xstrdup(rows[i].url);
		struct http_request q = {.url = url};
		send_request(c, &r, &q);
		run(c);
		assert_int_equal(r.done, 1);
		if (r.e.kind != rows[i].kind || r.e.retry != rows[i].retry || !strstr(r.e.msg, rows[i].words) ||
			!strstr(r.e.hint, rows[i].hint) || !strstr(r.e.msg, url))
			fail_msg("%s: %s, %d: %s; %s", rows[i].url, err_kind_name(r.e.kind), (int)r.e.retry, r.e.msg,
				r.e.hint);
		assert_int_equal(strncmp(r.e.msg, "GET", 3), 0);
		result_done(&r);
	}
}

static void slow_answer_hits_the_total_timeout(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	send_to(c, &r, "https://localhost/drip", 200);
	run(c);
	assert_int_equal(r.done, 1);
	assert_int_equal(r.e.kind, ERR_TIMEOUT);
	assert_int_equal(r.e.retry, RETRY_LATER);
	result_done(&r);
}

static void connection_refused(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, so nobody else gets the port; not listening */
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	AUTO(xfreep) char *url = xasprintf("https://localhost:%d/x", ntohs(a.sin_port));
	send_to(c, &r, url, 0);
	run(c);
	close(fd);
	assert_int_equal(r.done, 1);
	assert_int_equal(r.e.kind, ERR_NET);
	assert_int_equal(r.e.retry, RETRY_LATER);
	assert_non_null(strstr(r.e.msg, "no connection"));
	result_done(&r);
}

static void unknown_ca(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	AUTO(xfreep) char *ca = xasprintf("%s/other-ca.pem", server.folder);
	replace_client(c, &(struct http_options){.ca_bundle = ca, .proxy = "", .ip_version = 4});
	send_to(c, &r, "https://localhost/ok", 0);
	run(c);
	assert_int_equal(r.done, 1);
	assert_int_equal(r.e.kind, ERR_TLS);
	assert_int_equal(r.e.retry, RETRY_AFTER_OPERATOR);
	assert_non_null(strstr(r.e.msg, "not trusted"));
	assert_non_null(strstr(r.e.hint, "ca_bundle"));
	result_done(&r);
}

static void expired_certificate(void **state)
{
	struct client *c = *state;
	struct result r = {0};
	AUTO(xfreep) char *url = xasprintf("https://localhost:%d/ok", server.expired_port);
	send_to(c, &r, url, 0);
	run(c);
	assert_int_equal(r.done, 1);
	assert_int_equal(r.e.kind, ERR_TLS);
	assert_non_null(strstr(r.e.hint, "clock"));
	result_done(&r);
}

static void bad_bundles(void **state)
{
	struct client *c = *state;
	struct err e = {0};
	struct http *h = NULL;
	static const char *const paths[] = {"/nonexistent/ca.pem", "/etc", "/dev/null"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http_options o = {.ca_bundle = paths[i]};
		assert_int_equal(http_curl_new(c->l, &o, &h, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, paths[i]));
		assert_null(h);
		err_done(&e);
	}
	/* Readable, but no PEM: found out by the first exchange. */
	struct result r = {0};
	replace_client(c, &(struct http_options){.ca_bundle = server.script, .proxy = "", .ip_version = 4});
	send_to(c, &r, "https://localhost/ok", 0);
	run(c);
	assert_int_equal(r.e.kind, ERR_TLS);
	assert_non_null(strstr(r.e.msg, "CA bundle"));
	result_done(&r);
}

/* --- connections --- */

static void connection_is_reused(void **state)
{
	struct client *c = *state;
	int before = connections(c);
	for (int i = 0; i < 5; i++) {
		struct result r = {0};
		get(c, &r, "/ok");
		expect_status(&r, 200);
		result_done(&r);
	}
	assert_int_equal(connections(c), before);
}

static void get_many(struct client *c, size_t n)
{
	struct result *r = xcalloc(n, sizeof(*r));
	for (size_t i = 0; i < n; i++)
		send_to(c, &r[i], "https://localhost/ok", 0);
	run(c);
	for (size_t i = 0; i < n; i++) {
		expect_status(&r[i], 200);
		result_done(&r[i]);
	}
	free(r);
}

static void many_at_once_on_few_connections(void **state)
{
	struct client *c = *state;
	int before = connections(c);
	get_many(c, 40);
	assert_in_range(connections(c), before, before + 1); /* max_connections is 2 */
}

/* What a burst has opened is there for the next one. */
static void connections_outlast_a_quiet_time(void **state)
{
	struct client *c = *state;
	AUTO(xfreep) char *ca = xasprintf("%s/ca.pem", server.folder);
	replace_client(c, &(struct http_options){.ca_bundle = ca, .proxy = "", .ip_version = 4, .max_connections = 20});
	get_many(c, 100);
	int before = connections(c);
	get_many(c, 100);
	assert_int_equal(connections(c), before);
}

static void sent_from_a_callback(void **state)
{
	struct client *c = *state;
	struct result last = {0}, first = {.then = &last};
	get(c, &first, "/ok");
	expect_status(&last, 200);
	result_done(&first);
	result_done(&last);
}

/* With max_connections 2: whoever waits for a turn gets one when another is over, and its time runs meanwhile. */
static void waiting_for_a_turn(void **state)
{
	struct client *c = *state;
	struct result drip[2] = {{0}}, late = {0}, ok = {0};
	send_to(c, &drip[0], "https://localhost/drip", 300);
	send_to(c, &drip[1], "https://localhost/drip", 300);
	send_to(c, &late, "https://localhost/drip", 250);
	send_to(c, &ok, "https://localhost/ok", 0);
	run(c);
	assert_int_equal(drip[0].e.kind, ERR_TIMEOUT);
	assert_int_equal(drip[1].e.kind, ERR_TIMEOUT);
	assert_int_equal(late.done, 1);
	assert_int_equal(late.e.kind, ERR_TIMEOUT);
	expect_status(&ok, 200);
	for (size_t i = 0; i < ARRAY_LEN(drip); i++)
		result_done(&drip[i]);
	result_done(&late);
	result_done(&ok);
}

/* --- ending early --- */

static void cancelled_while_it_waits(void **state)
{
	struct client *c = *state;
	struct result r[4] = {{0}};
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		send_to(c, &r[i], "https://localhost/ok", 0);
	http_cancel(c->h, r[2].x);
	http_cancel(c->h, r[0].x);
	run(c);
	assert_int_equal(r[0].done + r[2].done, 0);
	expect_status(&r[1], 200);
	expect_status(&r[3], 200);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		result_done(&r[i]);
}

static void cancelled_before_it_began(void **state)
{
	struct client *c = *state;
	struct result r = {0}, refused = {0};
	send_to(c, &r, "https://localhost/ok", 0);
	http_cancel(c->h, r.x);
	struct http_request q = {.url = "http://localhost/"};
	send_request(c, &refused, &q);
	http_cancel(c->h, refused.x);
	run(c); /* and nothing holds the loop */
	assert_int_equal(r.done, 0);
	assert_int_equal(refused.done, 0);
}

static void cancelled_from_a_callback(void **state)
{
	struct client *c = *state;
	struct result drip = {0}, ok = {.cancel = &drip.x};
	send_to(c, &drip, "https://localhost/drip", 0);
	send_to(c, &ok, "https://localhost/ok", 0);
	run(c);
	expect_status(&ok, 200);
	assert_int_equal(drip.done, 0);
	result_done(&ok);
}

static void both_ready_one_cancels_the_other(void **state)
{
	struct client *c = *state;
	struct result a = {0}, b = {0};
	a.cancel = &b.x;
	b.cancel = &a.x;
	struct http_request q = {.url = "http://localhost/"};
	send_request(c, &a, &q);
	send_request(c, &b, &q);
	run(c);
	assert_int_equal(a.done + b.done, 1);
	result_done(&a);
	result_done(&b);
}

static void freed_with_exchanges_under_way(void **state)
{
	struct client *c = *state;
	struct result drip[4] = {{0}}, ok = {0}; /* two of them wait for a turn */
	get(c, &ok, "/ok");
	for (size_t i = 0; i < ARRAY_LEN(drip); i++)
		send_to(c, &drip[i], "https://localhost/drip", 0);
	http_free(TAKE(c->h));
	run(c);
	for (size_t i = 0; i < ARRAY_LEN(drip); i++)
		assert_int_equal(drip[i].done, 0);
	result_done(&ok);
}

/* --- a look at a certificate --- */

static void look(struct client *c, struct result *r, int port, const char *ciphers)
{
	AUTO(xfreep) char *where = xasprintf("127.0.0.1:%d", port);
	struct http_peer peer = {.connect = where, .ciphers = ciphers};
	struct http_request q = {.method = HTTP_GET, .url = "https://elsewhere.test/", .peer = &peer};
	send_request(c, r, &q);
	run(c);
	assert_int_equal(r->done, 1);
}

/* Whatever is wrong with it, and whichever host the URL names; nothing is asked. */
static void certificate_shown(void **state)
{
	static const char *const files[] = {"leaf.pem", "expired.pem"};
	const int ports[] = {server.port, server.expired_port};
	struct client *c = *state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(xfreep) char *path = xasprintf("%s/%s", server.folder, files[i]);
		AUTO(buf_done) struct buf file = buf_make(BUF_MAX_SMALL_FILE);
		struct result r = {0};
		struct err e = {0};
		assert_int_equal(fs_read(path, &file, &e), 0);
		look(c, &r, ports[i], NULL);
		assert_false(err_is(&r.e));
		assert_non_null(r.reply.peer_pem);
		assert_non_null(strstr(buf_str(&file), strstr(r.reply.peer_pem, "-----BEGIN")));
		assert_int_equal(r.reply.body.n, 0);
		result_done(&r);
	}
	struct result none = {0}, rsa = {0}, ec = {0};
	look(c, &none, 1, NULL);
	assert_int_equal(none.e.kind, ERR_NET);
	assert_null(none.reply.peer_pem);
	/* The server has an EC key. */
	look(c, &rsa, server.port, "aRSA");
	assert_int_equal(rsa.e.kind, ERR_TLS);
	look(c, &ec, server.port, "aECDSA");
	assert_non_null(ec.reply.peer_pem);
	result_done(&none);
	result_done(&rsa);
	result_done(&ec);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(get_with_headers),
		T(post_and_head),
		T(what_may_have_been_acted_on_is_sent_once),
		T(statuses_are_replies),
		T(path_is_sent_as_given),
		T(interim_and_trailer_fields_are_left_out),
		T(failures_by_path),
		T(slow_answer_hits_the_total_timeout),
		T(connection_refused),
		T(unknown_ca),
		T(expired_certificate),
		T(bad_bundles),
		T(connection_is_reused),
		T(many_at_once_on_few_connections),
		T(connections_outlast_a_quiet_time),
		T(sent_from_a_callback),
		T(waiting_for_a_turn),
		T(cancelled_while_it_waits),
		T(cancelled_before_it_began),
		T(cancelled_from_a_callback),
		T(both_ready_one_cancels_the_other),
		T(freed_with_exchanges_under_way),
		T(certificate_shown),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: %s server.py\n", argv[0]);
		return 2;
	}
	server.script = argv[1];
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
