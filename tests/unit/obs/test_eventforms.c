/* test_eventforms.c: an event in its forms, read back, and over real sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/strv.h"
#include "obs/eventread.h"
#include "obs/events.h"
#include "obs/eventsink.h"
#include "support/scratch.h"
#include "json/json.h"

static const struct eventline_stamp stamp = {
	.seq = 7, .time_ms = INT64_C(1800000000123), .prev = "00ff", .host = "h1", .user = "u1", .pid = 42};

static void form(enum events_form f, const struct event *ev, struct buf *out)
{
	*out = buf_make(1 << 16);
	eventline_form(f, ev, &stamp, false, out);
	assert_false(out->bad);
}

static void test_json_and_back(void **state)
{
	AUTO(strv_done) struct strv names = {0}, empty = {0};
	AUTO(json_freep) struct json *j = NULL;
	struct buf a, b;
	struct err e = {0}, why = {0};
	struct eventread r;
	(void)state;
	strv_add(&names, "a.example");
	err_set(&why, ERR_SYS, "it \"broke\"\n");
	err_hint(&why, "mend it");
	struct event ev = {.type = EVENT_DEPLOY_FAILED,
		.name = "a.example",
		.names = &names,
		.before = &empty,
		.action = "command /bin/true",
		.status = 3,
		.has_status = true,
		.not_after = 1800000000,
		.duration_ms = 12,
		.e = &why};
	form(EVENTS_JSON, &ev, &a);
	assert_string_equal(buf_str(&a),
		"{\"seq\":7,\"time\":\"2027-01-15T08:00:00.123Z\",\"prev\":\"00ff\",\"event\":\"deploy.failed\","
		"\"outcome\":\"failure\",\"host\":\"h1\",\"user\":\"u1\",\"pid\":42,\"name\":\"a.example\","
		"\"names\":[\"a.example\"],\"not_after\":\"2027-01-15T08:00:00Z\",\"before\":[],"
		"\"action\":\"command /bin/true\",\"status\":3,\"duration_ms\":12,\"error\":\"it \\\"broke\\\"\\n\","
		"\"hint\":\"mend it\"}");
	must(json_parse(buf_str(&a), a.n, "line", &j, &e), &e);
	assert_int_equal(eventread(j, &r), 0);
	b = buf_make(1 << 16);
	eventline_form(EVENTS_ECS, &r.event, &r.stamp, false, &b);
	assert_non_null(strstr(buf_str(&b), "\"action\":\"deploy.failed\""));
	assert_non_null(strstr(buf_str(&b), "\"@timestamp\":\"2027-01-15T08:00:00.123Z\""));
	eventread_done(&r);
	buf_done(&a);
	buf_done(&b);
	err_done(&why);
}

/* Whatever the log says its time was. */
static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"2027-01-15T08:00:00Z", 0},
		{"2027-01-15T08:00:00.1Z", 100},
		{"2027-01-15T08:00:00.12Z", 120},
		{"2027-01-15T08:00:00.012999Z", 12},
		{"2027-01-15T08:00:00.99999999999999999999999Z", 999},
		{"2027-01-15T08:00:00.Z", -1},
		{"soon", -1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(xfreep) char *line = xasprintf("{\"event\":\"deploy.failed\",\"time\":\"%s\"}", rows[i].text);
		AUTO(json_freep) struct json *j = NULL;
		struct err e = {0};
		struct eventread r;
		must(json_parse(line, strlen(line), "line", &j, &e), &e);
		assert_int_equal(eventread(j, &r), 0);
		assert_int_equal(r.stamp.time_ms, rows[i].ms < 0 ? 0 : INT64_C(1800000000000) + rows[i].ms);
		eventread_done(&r);
	}
}

static void test_ecs(void **state)
{
	AUTO(json_freep) struct json *j = NULL;
	struct buf b;
	struct err e = {0};
	int64_t n;
	(void)state;
	form(EVENTS_ECS,
		&(struct event){.type = EVENT_CERT_ISSUED, .name = "a.example", .serial = "0a", .duration_ms = 5}, &b);
	must(json_parse(buf_str(&b), b.n, "ecs", &j, &e), &e);
	const struct json *event = json_get(j, "event");
	assert_string_equal(json_str(json_get(event, "action")), "certificate.issued");
	assert_string_equal(json_str(json_get(event, "outcome")), "success");
	assert_true(json_int(json_get(event, "duration"), &n));
	assert_int_equal(n, 5000000);
	const struct json *x509 = json_get(json_get(json_get(j, "tls"), "server"), "x509");
	assert_string_equal(json_str(json_get(x509, "serial_number")), "0a");
	assert_string_equal(json_str(json_get(json_get(j, "ecs"), "version")), "8.11.0");
	buf_done(&b);
}

static void test_cef(void **state)
{
	struct buf b;
	struct err why = {0};
	(void)state;
	err_set(&why, ERR_SYS, "a=b|c\\d\ne\x1b[1m");
	form(EVENTS_CEF, &(struct event){.type = EVENT_ORDER_FAILED, .name = "a.example", .ca = "box", .e = &why}, &b);
	const char *head = "CEF:0|perdure|perdure|" PERDURE_VERSION
			   "|order.failed|A certificate could not be had.|8|rt=1800000000123 externalId=7 ";
	assert_memory_equal(buf_str(&b), head, strlen(head));
	/* In the extension "=" and "\" are escaped, "|" is not; no octet moves a cursor or begins a line. */
	assert_non_null(strstr(buf_str(&b), "reason=a\\=b|c\\\\d\\ne\\\\x1b[1m"));
	assert_non_null(strstr(buf_str(&b), " cs1Label=name cs1=a.example cs2Label=ca cs2=box"));
	assert_null(strchr(buf_str(&b), '\n'));
	assert_null(strchr(buf_str(&b), '\x1b'));
	buf_done(&b);
	err_done(&why);
}

static int listen_at(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static size_t receive(int fd, char *to, size_t n)
{
	ssize_t r = recv(fd, to, n - 1, 0);
	if (r < 0)
		fail_msg("nothing has come: %s", strerror(errno));
	to[r] = '\0';
	return (size_t)r;
}

static void test_sockets(void **state)
{
	AUTO(xfreep) char *journal = xasprintf("%s/journal", (const char *)*state);
	AUTO(xfreep) char *syslog = xasprintf("%s/log", (const char *)*state);
	char got[16384];
	int j = listen_at(journal), s = listen_at(syslog);
	struct events_options o = {.journal = journal, .syslog = syslog, .form = EVENTS_CEF, .clk = clk_real()};
	struct events *l;
	struct err e = {0};
	must(events_open(&o, &l, &e), &e);
	const struct event ev = {.type = EVENT_DEPLOY_DONE, .name = "a.example", .detail = "two\nlines"};
	must(events_write(l, &ev, &e), &e);
	receive(s, got, sizeof(got));
	/* Facility daemon, severity informational. */
	assert_memory_equal(got, "<30>1 20", 8);
	assert_non_null(strstr(got, " deploy.done [origin software=\"perdure\" swVersion=\"" PERDURE_VERSION
				    "\"][meta sequenceId=\"1\"] CEF:0|"));
	size_t n = receive(j, got, sizeof(got));
	/* A value with a line feed has its length in front, eight octets, the least first. */
	assert_memory_equal(got, "MESSAGE\n", 8);
	const char *words = "a.example: A certificate was put where it is used: two\nlines\n";
	assert_int_equal((unsigned char)got[8], strlen(words) - 1);
	assert_memory_equal(got + 16, words, strlen(words));
	const char *rest = got + 16 + strlen(words);
	assert_non_null(memmem(rest, n - (size_t)(rest - got), "PRIORITY=6\n", 11));
	assert_non_null(memmem(rest, n - (size_t)(rest - got), "PERDURE_EVENT=deploy.done\n", 26));
	/* A server that was started anew gets the next one. */
	close(s);
	s = listen_at(syslog);
	must(events_write(l, &ev, &e), &e);
	receive(s, got, sizeof(got));
	assert_non_null(strstr(got, "sequenceId=\"2\""));
	/* One that is gone is no error. */
	close(s);
	unlink(syslog);
	must(events_write(l, &ev, &e), &e);
	events_close(l);
	close(j);
}

/* Syslog over UDP, as ADDRESS@PORT. */
static void test_udp(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	char got[16384];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	AUTO(xfreep) char *where = xasprintf("127.0.0.1@%u", (unsigned)ntohs(in.sin_port));
	struct events_options o = {.syslog = where, .form = EVENTS_JSON, .clk = clk_real()};
	struct events *l;
	struct err e = {0};
	must(events_open(&o, &l, &e), &e);
	must(events_write(l, &(struct event){.type = EVENT_DEPLOY_DONE, .name = "a.example"}, &e), &e);
	receive(fd, got, sizeof(got));
	assert_memory_equal(got, "<30>1 20", 8);
	assert_non_null(strstr(got, "] {\"seq\":1,"));
	events_close(l);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_and_back),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_ecs),
		cmocka_unit_test(test_cef),
		cmocka_unit_test_setup_teardown(test_sockets, scratch_make, scratch_remove),
		cmocka_unit_test(test_udp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
