/*
 * eventverify.h: reading the event log: whether it is as it was written, and its lines for whoever wants to see them.
 * Needs no secret: only the public keys of those who signed.
 */
#ifndef PERDURE_OBS_EVENTVERIFY_H
#define PERDURE_OBS_EVENTVERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json;
struct key;

enum eventverify_kind {
	EVENTVERIFY_CHANGED, /* a line is not what the next one says it was, or is no line at all */
	EVENTVERIFY_REMOVED, /* numbers are missing */
	EVENTVERIFY_REORDERED, /* a number comes again, or after a higher one */
	EVENTVERIFY_SIGNATURE, /* a signed line whose signature does not hold */
	EVENTVERIFY_UNKNOWN_KEY, /* a signed line by a key that was not given */
	EVENTVERIFY_TRUNCATED, /* the log ends before a line that is known to have been there */
	EVENTVERIFY_BEGINNING, /* the first line is neither number 1 nor signed */
	EVENTVERIFY_TORN, /* the last line is not whole */
	EVENTVERIFY_UNSIGNED, /* no line is signed */
	EVENTVERIFY_KIND_N_
};
const char *eventverify_kind_name(enum eventverify_kind k);

struct eventverify_finding {
	enum eventverify_kind kind;
	const char *file; /* its name in the directory; "" where it concerns none */
	int64_t line; /* from 1; 0 where it concerns none */
	int64_t seq; /* 0 when not known */
	const char *text; /* a sentence */
};

struct eventverify_options {
	const char *dir;
	struct key *const *keys; /* public ones; without any, signatures are not verified */
	size_t n_keys;
	int64_t head_seq; /* a line that is known to have been there; 0 for none */
	const char *head_hash; /* its SHA-256, hexadecimal; NULL: only the number is known */
	void (*finding)(const struct eventverify_finding *f, void *ctx);
	void *ctx;
};

struct eventverify_result {
	int64_t lines, signed_lines, findings;
	int64_t first, last; /* numbers */
	char last_hash[65];
	int64_t head; /* number of the last signed line that holds; 0 for none */
	char head_hash[65];
};

/* Reads all files of the log, as they are at the beginning. ERR_SYS when one cannot be read, ERR_BUSY when a writer
 * holds the log for seconds or has removed an old file meanwhile. What is wrong with the log is told as findings. */
int eventverify_run(const struct eventverify_options *o, struct eventverify_result *ret, struct err *e);

/* Calls fn for every whole line of the log, oldest first: its text without line feed, and the same parsed (NULL when it
 * is no JSON). Ends when fn gives something else than 0, and returns that. ERR_SYS, ERR_BUSY. */
int eventverify_each(const char *dir,
	int (*fn)(const char *line, size_t n, const struct json *j, void *ctx, struct err *e), void *ctx,
	struct err *e);

#endif
