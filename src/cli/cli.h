/*
 * cli.h: the command line: one table of verbs with their options, from which parsing, help and the check of the man
 * page are made; and the parsed line that a verb gets.
 */
#ifndef PERDURE_CLI_CLI_H
#define PERDURE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct err;

/* Exit statuses, the same for all verbs. A verb that returns -1 with an error gets its status from the error (2 for
 * usage and configuration, 75 for try later, else 1). */
enum cli_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOTHING_DUE = 3,
	EXIT_PARTLY = 4,
	EXIT_REFUSED = 5,
	EXIT_LATER = 75,
};

struct cli_option {
	const char *name; /* without "--"; NULL ends a list */
	char letter; /* short form, or 0 */
	const char *arg; /* name of the argument, NULL for a flag */
	bool repeatable;
	const char *help;
};

struct cli;
struct cli_verb {
	const char *name; /* "account register" */
	const char *args; /* "NAME…", "[NAME…]", "" */
	int min_args, max_args; /* -1: any number */
	const char *summary; /* one line */
	const char *about; /* a paragraph or two */
	const struct cli_option *options; /* own ones; NULL for none */
	const char *examples; /* lines of "command    what it does" */
	int (*run)(struct cli *c, struct err *e);
};

enum { CLI_MAX_OPTIONS = 24 };

struct cli {
	const struct cli_verb *verb;
	const char *config; /* --config, or NULL */
	bool json;
	bool quiet;
	int verbose;
	struct strv args;
	struct strv values[CLI_MAX_OPTIONS]; /* of the verb's options, by index; a flag has one "" for each time */
};

/* All verbs; *ret_n of them. */
const struct cli_verb *const *cli_verbs(size_t *ret_n);
/* The options that every verb takes. */
extern const struct cli_option cli_common_options[];

/* Parses argv[1…]. ERR_USAGE. With ret->verb NULL and no error, help or the version was printed. */
int cli_parse(int argc, char **argv, struct cli *ret, struct err *e);
void cli_done(struct cli *c);

/* Whether the flag was given. The option must be one of the verb's. */
bool cli_flag(const struct cli *c, const char *name);
/* The option's (last) argument, or NULL. */
const char *cli_value(const struct cli *c, const char *name);
/* All its arguments. */
const struct strv *cli_values(const struct cli *c, const char *name);
/* A whole number within the range, dflt when not given. ERR_USAGE. */
int cli_number(
	const struct cli *c, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *ret, struct err *e);

/* Prints help to stdout: for all (NULL) or one verb, or for the verbs that begin with the word `group`. */
void cli_help(const struct cli_verb *v);
void cli_help_group(const char *group);

/* The process's exit status for an error. */
int cli_status_of(const struct err *e);

#endif
