/*
 * program.h: the programs of a provider that is a program: what they get (an environment of nothing but PATH, what the
 * keys `env` and `env_file` name, and what the driver adds), how long they may take (`timeout`), and what their ends
 * mean. One runs at a time: what stands behind it is one provider with its limits.
 */
#ifndef PERDURE_PROVIDER_PROGRAM_H
#define PERDURE_PROVIDER_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "loop/process.h"

struct err;
struct program;
struct program_run;
struct provider;

/* What exit statuses mean beside 0 (EX_TEMPFAIL of sysexits.h is the 75). */
enum { PROGRAM_UNSUPPORTED = 2, PROGRAM_LATER = 75 };

/* Reads env_file and the variables of env. ERR_CONFIG for what is missing, readable by others or malformed. */
int program_new(struct provider *p, struct program **ret, struct err *e);
/* Kills what runs; no callbacks. NULL is fine. */
void program_free(struct program *g);
int64_t program_timeout(const struct program *g);
/* What the keys `env` and `env_file` give for the name; NULL for nothing. */
const char *program_variable(const struct program *g, const char *name);

struct program_call {
	const struct strv *argv; /* the first is the path */
	const struct strv *env; /* "NAME=VALUE" beside the rest; NULL for none */
	const void *input;
	size_t input_n;
	const char *what; /* for errors: "add a value at _v.example.com" */
};
/*
 * r is borrowed and NULL when the program did not come to an exit of its own; e says why then, and for each exit
 * status but 0, with the program's last words, out of which credentials are masked.
 */
typedef void (*program_fn)(const struct process_result *r, const struct err *e, void *ctx);
/* Runs it when those before it are done; counts as one call to the provider. fn is never called from inside. */
struct program_run *program_start(struct program *g, const struct program_call *c, program_fn fn, void *ctx);
/* Without a callback; a running one is killed. NULL is fine. */
void program_cancel(struct program_run *run);

#endif
