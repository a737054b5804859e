/* test_events.c: the event log: its chain, what verification finds, crashes, full disks, rotation, several writers. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/strv.h"
#include "crypto/detached.h"
#include "crypto/key.h"
#include "obs/eventlog.h"
#include "obs/events.h"
#include "obs/eventverify.h"
#include "support/scratch.h"
#include "json/json.h"

static int64_t now_ms = INT64_C(1800000000000);

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clk fake = {.wall = fake_now, .mono = fake_now};

static char *in(void **state, const char *name)
{
	return xasprintf("%s/%s", (const char *)*state, name);
}

static struct events *open_log(void **state, int64_t rotate, int64_t head_lines)
{
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(xfreep) char *key = in(state, "key");
	struct events_options o = {.dir = dir,
		.key_path = key,
		.rotate_octets = rotate,
		.head_lines = head_lines,
		.head_ms = 3600000,
		.clk = &fake};
	struct events *l;
	struct err e = {0};
	must(events_open(&o, &l, &e), &e);
	return l;
}

static void put(struct events *l, const char *name)
{
	struct err e = {0};
	must(events_write(l, &(struct event){.type = EVENT_ORDER_PLACED, .name = name, .ca = "box"}, &e), &e);
}

static void write_some(void **state, int n, int64_t rotate, int64_t head_lines)
{
	struct events *l = open_log(state, rotate, head_lines);
	for (int i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d.example", i);
		put(l, name);
	}
	events_close(l);
}

/* ---- verification ---- */

struct seen {
	int of[EVENTVERIFY_KIND_N_];
	int n;
};

static void count(const struct eventverify_finding *f, void *ctx)
{
	struct seen *s = ctx;
	s->of[f->kind]++;
	s->n++;
	assert_true(*f->text);
}

static struct key *own_key(void **state)
{
	AUTO(xfreep) char *path = in(state, "key");
	AUTO(xfreep) char *pem = scratch_read(path);
	AUTO(buf_done) struct buf public = buf_make(4096);
	AUTO(key_freep) struct key *k = NULL;
	struct key *ret;
	struct err e = {0};
	must(key_from_pem(pem, strlen(pem), "key", &k, &e), &e);
	/* Only the public part is needed. */
	must(detached_public_pem(k, &public, &e), &e);
	must(detached_key_from_pem(buf_str(&public), public.n, "public", &ret, &e), &e);
	return ret;
}

static struct eventverify_result verify_with(void **state, struct key *k, const char *head, int64_t seq, struct seen *s)
{
	AUTO(xfreep) char *dir = in(state, "log");
	struct key *keys[] = {k};
	struct eventverify_options o = {
		.dir = dir, .keys = keys, .n_keys = 1, .head_seq = seq, .head_hash = head, .finding = count, .ctx = s};
	struct eventverify_result r;
	struct err e = {0};
	*s = (struct seen){0};
	must(eventverify_run(&o, &r, &e), &e);
	assert_int_equal(r.findings, s->n);
	return r;
}

static struct eventverify_result verify(void **state, struct seen *s)
{
	AUTO(key_freep) struct key *k = own_key(state);
	return verify_with(state, k, NULL, 0, s);
}

static void test_good(void **state)
{
	struct seen s;
	write_some(state, 7, 0, 3);
	struct eventverify_result r = verify(state, &s);
	/* 3, head, 3, head, 1, head at the end */
	assert_int_equal(s.n, 0);
	assert_int_equal(r.lines, 10);
	assert_int_equal(r.signed_lines, 3);
	assert_int_equal(r.last, 10);
	assert_int_equal(r.head, 10);
	AUTO(xfreep) char *key = in(state, "key");
	assert_int_equal(scratch_mode(key), 0600);
	/* A second run goes on with the chain. */
	write_some(state, 1, 0, 100);
	r = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(r.last, 12);
}

/* The chain as docs/events.md describes it, by other means: the hash of a line with its line feed is in the next. */
static void test_chain_by_hand(void **state)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	write_some(state, 3, 0, 100);
	AUTO(xfreep) char *text = scratch_read(path);
	char before[65] = EVENTLOG_NO_HASH;
	int64_t n = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		char want[128];
		snprintf(want, sizeof(want), "\"prev\":\"%s\"", before);
		*end = '\0';
		assert_non_null(strstr(line, want));
		snprintf(want, sizeof(want), "{\"seq\":%" PRId64 ",", ++n);
		assert_memory_equal(line, want, strlen(want));
		*end = '\n';
		eventlog_hash(line, (size_t)(end + 1 - line), before);
	}
	assert_int_equal(n, 4);
}

/* Rewrites the log's only file: lines given by their numbers, 'x' changes the one before it. */
static void rearrange(void **state, const char *order)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	AUTO(xfreep) char *text = scratch_read(path);
	AUTO(strv_done) struct strv lines = {0};
	AUTO(buf_done) struct buf out = buf_make(1 << 20);
	for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
		strv_add_take(&lines, xstrndup(at, (size_t)(end + 1 - at)));
	for (const char *p = order; *p; p++) {
		if (*p != 'x') {
			buf_puts(&out, lines.v[*p - '1']);
			continue;
		}
		char *name = memmem(out.p, out.n, "n1.example", 10);
		assert_non_null(name);
		name[1] = '9';
	}
	scratch_write(path, buf_str(&out), out.n);
}

static void test_tampering(void **state)
{
	/* Six lines: 1 2 3 head(4) 5 head(6). */
	static const struct {
		const char *order;
		enum eventverify_kind kind;
	} cases[] = {
		{"12x3456", EVENTVERIFY_CHANGED},
		{"1356", EVENTVERIFY_REMOVED},
		{"13456", EVENTVERIFY_REMOVED},
		{"132456", EVENTVERIFY_REORDERED},
		{"1223456", EVENTVERIFY_REORDERED},
		{"12345", EVENTVERIFY_TRUNCATED},
		{"123", EVENTVERIFY_TRUNCATED},
		{"", EVENTVERIFY_TRUNCATED},
		{"23456", EVENTVERIFY_BEGINNING},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen s;
		struct err e = {0};
		AUTO(xfreep) char *dir = in(state, "log");
		write_some(state, 3, 0, 3);
		write_some(state, 1, 0, 3);
		verify(state, &s);
		assert_int_equal(s.n, 0);
		rearrange(state, cases[i].order);
		verify(state, &s);
		if (!s.of[cases[i].kind])
			fail_msg("%s: %s is not found", cases[i].order, eventverify_kind_name(cases[i].kind));
		must(fs_remove_tree(dir, &e), &e);
	}
}

/* Whoever has no key cannot write another log; whoever has it is found out by a head kept elsewhere. */
static void test_rebuilt(void **state)
{
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(xfreep) char *path = in(state, "key");
	struct seen s;
	struct err e = {0};
	write_some(state, 3, 0, 100);
	AUTO(key_freep) struct key *k = own_key(state);
	struct eventverify_result r = verify_with(state, k, NULL, 0, &s);
	assert_int_equal(s.n, 0);
	verify_with(state, k, r.head_hash, r.head, &s);
	assert_int_equal(s.n, 0);
	verify_with(state, k, NULL, r.head + 1, &s);
	assert_int_equal(s.of[EVENTVERIFY_TRUNCATED], 1);
	/* Another key. */
	must(fs_remove_tree(dir, &e), &e);
	AUTO(xfreep) char *pem = scratch_read(path);
	assert_int_equal(unlink(path), 0);
	write_some(state, 3, 0, 100);
	verify_with(state, k, NULL, 0, &s);
	assert_int_equal(s.of[EVENTVERIFY_UNKNOWN_KEY], 1);
	/* The same key: only the head shows it. */
	must(fs_remove_tree(dir, &e), &e);
	scratch_write(path, pem, strlen(pem));
	now_ms += 1000;
	write_some(state, 4, 0, 100);
	verify_with(state, k, NULL, 0, &s);
	assert_int_equal(s.n, 0);
	verify_with(state, k, r.head_hash, r.head, &s);
	assert_int_equal(s.of[EVENTVERIFY_CHANGED], 1);
}

static void test_signature(void **state)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	struct seen s;
	write_some(state, 1, 0, 100);
	AUTO(xfreep) char *text = scratch_read(path);
	char *sig = strstr(text, "\"signature\":\"");
	sig[13] = sig[13] == 'A' ? 'B' : 'A';
	scratch_write(path, text, strlen(text));
	verify(state, &s);
	assert_int_equal(s.of[EVENTVERIFY_SIGNATURE], 1);
}

/* What is put behind the signature is signed by nobody. */
static void test_behind_signature(void **state)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	AUTO(xfreep) char *head = in(state, "log/head.json");
	struct seen s;
	write_some(state, 1, 0, 100);
	AUTO(xfreep) char *text = scratch_read(path);
	AUTO(xfreep) char *more = xasprintf("%.*s,\"detail\":\"x\"}\n", (int)strlen(text) - 2, text);
	scratch_write(path, more, strlen(more));
	assert_int_equal(unlink(head), 0);
	verify(state, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.of[EVENTVERIFY_SIGNATURE], 1);
}

/* ---- crashes ---- */

static bool has_event(void **state, const char *what)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	AUTO(xfreep) char *text = scratch_read(path);
	return strstr(text, what) != NULL;
}

static void test_torn(void **state)
{
	AUTO(xfreep) char *path = in(state, "log/events.jsonl");
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(strv_done) struct strv files = {0};
	struct seen s;
	write_some(state, 2, 0, 100);
	AUTO(xfreep) char *text = scratch_read(path);
	AUTO(xfreep) char *torn = xasprintf("%s{\"seq\":4,\"ti", text);
	scratch_write(path, torn, strlen(torn));
	verify(state, &s);
	assert_int_equal(s.of[EVENTVERIFY_TORN], 1);
	/* The next event mends it and says so. */
	write_some(state, 1, 0, 100);
	struct eventverify_result r = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(r.last, 6);
	assert_true(has_event(state, "\"event\":\"log.torn\""));
	AUTO(xfreep) char *aside = xasprintf("%s/torn-%" PRId64, dir, now_ms);
	AUTO(xfreep) char *kept = scratch_read(aside);
	assert_string_equal(kept, "{\"seq\":4,\"ti");
}

static void test_gap(void **state)
{
	struct seen s;
	write_some(state, 3, 0, 100);
	rearrange(state, "12");
	write_some(state, 1, 0, 100);
	verify(state, &s);
	/* Its numbers are not used again, so that the hole stays to be seen. */
	assert_int_equal(s.of[EVENTVERIFY_REMOVED], 1);
	assert_true(has_event(state, "\"event\":\"log.gap\""));
	assert_true(has_event(state, "\"seq\":5,"));
}

static void test_lost(void **state)
{
	struct events *l = open_log(state, 0, 100);
	struct rlimit old, none;
	struct err e = {0};
	struct seen s;
	put(l, "a.example");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	none = old;
	/* A part of the line still fits. */
	none.rlim_cur = 300;
	setrlimit(RLIMIT_FSIZE, &none);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			events_write(l, &(struct event){.type = EVENT_ORDER_PLACED, .name = "b.example"}, &e), -1);
		assert_int_equal(e.kind, ERR_SYS);
		err_done(&e);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	put(l, "c.example");
	events_close(l);
	verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_false(has_event(state, "b.example"));
	assert_true(has_event(state, "\"event\":\"log.lost\""));
	assert_true(has_event(state, "\"count\":3"));
}

/* ---- files ---- */

static void test_rotation(void **state)
{
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(strv_done) struct strv files = {0};
	struct err e = {0};
	struct seen s;
	write_some(state, 20, 1000, 100);
	must(eventlog_files(dir, &files, &e), &e);
	assert_true(files.n > 3);
	assert_string_equal(files.v[0], "events-0000000001.jsonl");
	struct eventverify_result r = verify(state, &s);
	assert_int_equal(s.n, 0);
	/* The first file may go: the next begins with a signature. */
	AUTO(xfreep) char *first = xasprintf("%s/%s", dir, files.v[0]);
	assert_int_equal(unlink(first), 0);
	struct eventverify_result less = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_true(less.first > 1 && less.last == r.last);
	/* One in the middle may not. */
	AUTO(xfreep) char *middle = xasprintf("%s/%s", dir, files.v[2]);
	assert_int_equal(unlink(middle), 0);
	verify(state, &s);
	assert_true(s.of[EVENTVERIFY_REMOVED] > 0);
}

struct meanwhile {
	struct events *log;
	int64_t last, lines;
};

/* With each line that is read two more are written. */
static int write_meanwhile(const char *line, size_t n, const struct json *j, void *ctx, struct err *e)
{
	struct meanwhile *m = ctx;
	int64_t seq = 0;
	(void)line;
	(void)n;
	(void)e;
	assert_true(json_int(json_get(j, "seq"), &seq));
	assert_int_equal(seq, m->last + 1);
	m->last = seq;
	m->lines++;
	put(m->log, "a.example");
	put(m->log, "b.example");
	return 0;
}

/* Who reads while others write, and end files, finds the log as it was at the beginning. */
static void test_rotation_while_it_is_read(void **state)
{
	AUTO(xfreep) char *dir = in(state, "log");
	struct err e = {0};
	struct seen s;
	write_some(state, 20, 1000, 100);
	struct meanwhile m = {.log = open_log(state, 1000, 100)};
	struct eventverify_result r = verify(state, &s);
	must(eventverify_each(dir, write_meanwhile, &m, &e), &e);
	events_close(m.log);
	assert_int_equal(m.last, r.last);
	assert_int_equal(m.lines, r.lines);
	verify(state, &s);
	assert_int_equal(s.n, 0);
}

/* Nobody is let in while a line is being written; of a copy without lock that is not asked. */
static void test_verified_between_lines(void **state)
{
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(xfreep) char *lock = in(state, "log/lock");
	struct eventverify_options o = {.dir = dir};
	struct eventverify_result r;
	struct eventlog l;
	struct err e = {0};
	write_some(state, 3, 0, 100);
	must(eventlog_open(dir, &l, &e), &e);
	must(eventlog_lock(&l, now_ms, &e), &e);
	assert_int_equal(eventverify_run(&o, &r, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	err_done(&e);
	assert_int_equal(unlink(lock), 0);
	must(eventverify_run(&o, &r, &e), &e);
	assert_int_equal(r.lines, 4);
	eventlog_unlock(&l);
	eventlog_close(&l);
}

/* A crash between the end of one file and the beginning of the next. */
static void test_rotation_cut_short(void **state)
{
	AUTO(xfreep) char *active = in(state, "log/events.jsonl");
	AUTO(xfreep) char *ended = in(state, "log/events-0000000001.jsonl");
	struct seen s;
	write_some(state, 3, 0, 100);
	assert_int_equal(rename(active, ended), 0);
	write_some(state, 1, 0, 100);
	struct eventverify_result r = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(r.last, 6);
}

/* A file that has ended is never replaced, and no event is lost for it. */
static void test_rotation_refused(void **state)
{
	AUTO(xfreep) char *dir = in(state, "log");
	AUTO(xfreep) char *ended = in(state, "log/events-0000000001.jsonl");
	struct err e = {0};
	struct seen s;
	write_some(state, 1, 0, 100);
	scratch_write(ended, "old\n", 4);
	struct events *l = open_log(state, 300, 100);
	for (int i = 0; i < 3; i++) {
		const struct event ev = {.type = EVENT_ORDER_PLACED, .name = "b.example"};
		assert_int_equal(events_write(l, &ev, &e), -1);
		assert_non_null(strstr(e.msg, ended));
		assert_true(*e.hint);
		err_done(&e);
	}
	assert_int_equal(unlink(ended), 0);
	put(l, "c.example");
	events_close(l);
	struct eventverify_result r = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(r.lines - r.signed_lines, 5);
	AUTO(strv_done) struct strv files = {0};
	must(eventlog_files(dir, &files, &e), &e);
	assert_int_equal(files.n, 2);
	assert_false(has_event(state, "\"event\":\"log.lost\""));
}

static void test_two_writers(void **state)
{
	enum { EACH = 200 };
	struct seen s;
	/* The key is made once, before. */
	write_some(state, 1, 0, 1000);
	pid_t pids[3];
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			write_some(state, EACH, 20000, 50);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status;
		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	struct eventverify_result r = verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(r.lines - r.signed_lines, 1 + 3 * EACH);
}

static void test_long_line(void **state)
{
	struct events *l = open_log(state, 0, 100);
	AUTO(strv_done) struct strv names = {0};
	struct err e = {0};
	struct seen s;
	for (int i = 0; i < 1000; i++)
		strv_add_take(&names, xasprintf("%0200d.example", i));
	must(events_write(l, &(struct event){.type = EVENT_CERT_ISSUED, .name = "a.example", .names = &names}, &e), &e);
	events_close(l);
	verify(state, &s);
	assert_int_equal(s.n, 0);
	assert_true(has_event(state, "\"brief\":true"));
}

static void test_look(void **state)
{
	struct events_state st;
	struct err e = {0};
	write_some(state, 2, 0, 100);
	struct events *l = open_log(state, 0, 100);
	must(events_look(l, &st, &e), &e);
	assert_int_equal(st.last, 3);
	assert_int_equal(st.head, 3);
	put(l, "b.example");
	must(events_look(l, &st, &e), &e);
	assert_int_equal(st.last, 4);
	assert_int_equal(st.head, 3);
	events_close(l);
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_N_; i++) {
		enum event_type t;
		const struct event_kind *k = event_kind((enum event_type)i);
		assert_int_equal(event_type_from_name(k->name, &t), 0);
		assert_int_equal(t, i);
		assert_int_equal(k->about[strlen(k->about) - 1], '.');
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_good),
		T(test_chain_by_hand),
		T(test_tampering),
		T(test_rebuilt),
		T(test_signature),
		T(test_behind_signature),
		T(test_torn),
		T(test_gap),
		T(test_lost),
		T(test_rotation),
		T(test_rotation_cut_short),
		T(test_rotation_while_it_is_read),
		T(test_verified_between_lines),
		T(test_rotation_refused),
		T(test_two_writers),
		T(test_long_line),
		T(test_look),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
