/* test_process.c: programs that end well, badly, late or never, and what they get to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "loop/process.h"

enum { OUTPUT_MAX = 100000, LONG_MS = 60000, SOON_MS = 100 };

struct seen {
	unsigned times;
	enum process_end end;
	int status;
	struct buf out, errors;
};

static void on_end(const struct process_result *r, void *ctx)
{
	struct seen *s = ctx;
	s->times++;
	s->end = r->end;
	s->status = r->status;
	buf_put(&s->out, r->out, r->out_n);
	buf_put(&s->errors, r->errors, r->errors_n);
}

static struct loop *loop_make(void)
{
	struct loop *l;
	struct err e = {0};
	assert_int_equal(loop_new(clk_real(), &l, &e), 0);
	return l;
}

/* Runs a line of shell. The result's buffers need seen_done(). */
static struct seen run(const char *script, const char *input, size_t input_n, int64_t timeout_ms)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "CANARY=yellow", NULL};
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct process_request q = {.argv = argv,
		.env = env,
		.input = input,
		.input_n = input_n,
		.output_max = OUTPUT_MAX,
		.timeout_ms = timeout_ms};
	struct seen s = {.out = buf_make(OUTPUT_MAX), .errors = buf_make(OUTPUT_MAX)};
	struct loop *l = loop_make();
	struct process *p;
	struct err e = {0};
	assert_int_equal(process_start(l, &q, on_end, &s, &p, &e), 0);
	assert_int_equal(s.times, 0);
	assert_int_equal(loop_run(l, &e), 0);
	assert_int_equal(s.times, 1);
	loop_free(l);
	return s;
}

/* With output_last the end of the output is kept, and nothing is killed. */
static void test_last_output(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "yes 12345 | head -c 3000000; printf last", NULL};
	struct process_request q = {.argv = argv,
		.env = (const char *const[]){"PATH=/usr/bin:/bin", NULL},
		.output_max = 10,
		.output_last = true,
		.timeout_ms = LONG_MS};
	struct seen s = {.out = buf_make(OUTPUT_MAX), .errors = buf_make(OUTPUT_MAX)};
	struct loop *l = loop_make();
	struct process *p;
	struct err e = {0};
	(void)state;
	assert_int_equal(process_start(l, &q, on_end, &s, &p, &e), 0);
	assert_int_equal(loop_run(l, &e), 0);
	assert_int_equal(s.end, PROCESS_EXITED);
	assert_string_equal(buf_str(&s.out), "12345\nlast");
	buf_done(&s.out);
	buf_done(&s.errors);
	loop_free(l);
}

static void seen_done(struct seen *s)
{
	buf_done(&s->out);
	buf_done(&s->errors);
}

static void test_ends(void **state)
{
	static const struct {
		const char *script;
		int64_t timeout_ms;
		enum process_end end;
		int status;
		const char *out, *errors;
	} table[] = {
		{"true", LONG_MS, PROCESS_EXITED, 0, "", ""},
		{"echo a; echo b >&2; exit 75", LONG_MS, PROCESS_EXITED, 75, "a\n", "b\n"},
		{"cat", LONG_MS, PROCESS_EXITED, 0, "", ""},
		{"pwd", LONG_MS, PROCESS_EXITED, 0, "/\n", ""},
		{"kill -SEGV $$", LONG_MS, PROCESS_SIGNALLED, SIGSEGV, "", ""},
		{"echo a; exec sleep 60", SOON_MS, PROCESS_TIMEOUT, SIGKILL, "a\n", ""},
		/* what it leaves behind is not waited for */
		{"sleep 60 & echo a", LONG_MS, PROCESS_EXITED, 0, "a\n", ""},
		/* SIGPIPE is not ignored there, as it is here */
		{"(yes; echo $? >&2) | head -n1", LONG_MS, PROCESS_EXITED, 0, "y\n", "141\n"},
		{"echo $CANARY", LONG_MS, PROCESS_EXITED, 0, "yellow\n", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct seen s = run(table[i].script, NULL, 0, table[i].timeout_ms);
		assert_int_equal(s.end, table[i].end);
		assert_int_equal(s.status, table[i].status);
		assert_string_equal(buf_str(&s.out), table[i].out);
		assert_string_equal(buf_str(&s.errors), table[i].errors);
		seen_done(&s);
	}
}

static void test_too_much(void **state)
{
	(void)state;
	struct seen s = run("yes", NULL, 0, LONG_MS);
	assert_int_equal(s.end, PROCESS_OVERFLOW);
	assert_true(s.out.n <= OUTPUT_MAX);
	seen_done(&s);
	/* of standard error the end is kept */
	s = run("yes 12345 | head -c 300000 >&2; echo last >&2", NULL, 0, LONG_MS);
	assert_int_equal(s.end, PROCESS_EXITED);
	assert_int_equal(s.errors.n, PROCESS_ERRORS_MAX);
	assert_string_equal(buf_str(&s.errors) + s.errors.n - 5, "last\n");
	seen_done(&s);
}

static void test_input(void **state)
{
	enum { N = OUTPUT_MAX - 1 };
	char *input = xmalloc(N);
	(void)state;
	memset(input, 'x', N);
	struct seen s = run("cat", input, N, LONG_MS); /* more than a pipe holds, in both directions at once */
	assert_int_equal(s.out.n, N);
	assert_memory_equal(s.out.p, input, N);
	seen_done(&s);
	s = run("exec <&-; echo done", input, N, LONG_MS);
	assert_int_equal(s.end, PROCESS_EXITED);
	assert_string_equal(buf_str(&s.out), "done\n");
	seen_done(&s);
	free(input);
}

static void test_nothing_is_inherited(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY); /* NOLINT: without O_CLOEXEC, that is the point */
	assert_true(fd >= 3);
	setenv("PERDURE_TEST_LEAK", "blue", 1);
	struct seen s = run("env; ls /proc/self/fd | wc -l", NULL, 0, LONG_MS);
	assert_null(strstr(buf_str(&s.out), "blue"));
	assert_non_null(strstr(buf_str(&s.out), "\n4\n")); /* three, and that of ls itself */
	seen_done(&s);
	close(fd);
}

static void test_not_started(void **state)
{
	static const char *const env[] = {NULL};
	static const char *const paths[] = {"/nonexistent/program", "/etc/passwd", "/etc"};
	static const int codes[] = {ENOENT, EACCES, EACCES};
	struct loop *l = loop_make();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *argv[] = {paths[i], NULL};
		struct process_request q = {.argv = argv, .env = env, .output_max = 1, .timeout_ms = LONG_MS};
		struct process *p = NULL;
		struct err e = {0};
		assert_int_equal(process_start(l, &q, on_end, NULL, &p, &e), -1);
		assert_int_equal(e.kind, ERR_SYS);
		assert_int_equal(e.code, codes[i]);
		assert_non_null(strstr(e.msg, paths[i]));
		err_done(&e);
	}
	loop_free(l);
}

/* The whole group is gone: its end of the pipe, which a child of the program holds, is closed. */
static void test_cancel(void **state)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	char script[200], c;
	int fds[2];
	struct loop *l = loop_make();
	struct process *p;
	struct err e = {0};
	(void)state;
	assert_int_equal(pipe(fds), 0);
	snprintf(script, sizeof(script), "(echo x; sleep 60) > /proc/%d/fd/%d & sleep 60", (int)getpid(), fds[1]);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct process_request q = {.argv = argv, .env = env, .output_max = 1, .timeout_ms = LONG_MS};
	assert_int_equal(process_start(l, &q, on_end, NULL, &p, &e), 0);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[1]);
	process_cancel(p);
	process_cancel(NULL);
	assert_int_equal(read(fds[0], &c, 1), 1); /* the line's end */
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	assert_int_equal(loop_run(l, &e), 0); /* nothing is left to wait for */
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_last_output),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_nothing_is_inherited),
		cmocka_unit_test(test_not_started),
		cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
