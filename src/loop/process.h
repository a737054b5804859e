/*
 * process.h: a program of the operator, run on the loop: no shell, nothing inherited but what is named, its output
 * captured and capped, ended with its process group at the time limit. Credentials go through env or input, never
 * through argv, which every user of the machine can read.
 */
#ifndef PERDURE_LOOP_PROCESS_H
#define PERDURE_LOOP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct process;

struct process_request {
	const char *const *argv; /* NULL at the end; argv[0] is the path of the program, not searched for */
	const char *const *env; /* "NAME=VALUE", NULL at the end: the whole environment */
	const void *input; /* its standard input, then the end of file; may be NULL when input_n is 0 */
	size_t input_n;
	size_t output_max; /* octets of standard output; more ends it */
	bool output_last; /* more does not end it: the last output_max octets are kept */
	int64_t timeout_ms;
};

enum process_end {
	PROCESS_EXITED, /* status is the exit status */
	PROCESS_SIGNALLED, /* somebody else killed it; status is the signal */
	PROCESS_TIMEOUT, /* killed by us */
	PROCESS_OVERFLOW, /* killed by us: too much on standard output */
};

enum { PROCESS_ERRORS_MAX = 4096 };

/* Both texts are borrowed, have a NUL after them, and are what the program wrote: not to be trusted. */
struct process_result {
	enum process_end end;
	int status;
	const char *out;
	size_t out_n;
	const char *errors; /* the last PROCESS_ERRORS_MAX octets of standard error */
	size_t errors_n;
};
/* Called once, on the loop, never from inside process_start(). It may start and cancel others. */
typedef void (*process_fn)(const struct process_result *r, void *ctx);

/*
 * Starts it in a process group of its own, with default signal handling and / as its directory; the strings are needed
 * during the call only. ERR_SYS when it cannot be started (there is no such program, it may not be executed). When it
 * ends, what it left running in its process group is killed.
 */
int process_start(
	struct loop *l, const struct process_request *q, process_fn fn, void *ctx, struct process **ret, struct err *e);
/* Kills it with its process group, without a callback. NULL is fine. */
void process_cancel(struct process *p);

#endif
