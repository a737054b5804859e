/* output.h: what verbs print: text, JSON, times, a progress line. Results go to stdout, everything else to stderr. */
#ifndef PERDURE_CLI_OUTPUT_H
#define PERDURE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json.h"

struct cli;
struct err;

/* Prints to stdout. */
void out_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A JSON object being built; out_json_end() prints it as one line. */
struct out_json {
	struct buf buf;
	struct json_out w;
};
void out_json_begin(struct out_json *j);
void out_json_end(struct out_json *j);
/* Writes e as members "error", "hint", "problem" and "subproblems" into the object; nothing when e is clean or NULL. */
void out_json_err(struct json_out *w, const struct err *e);
/* "2026-11-21T08:00:00Z", or null for 0. */
void out_json_time(struct json_out *w, const char *member, int64_t secs);

/* Colours a word on a terminal: good, bad or middling. Returns a static string for this call's use in one printf at a
 * time. */
enum out_colour { OUT_GOOD, OUT_BAD, OUT_WARN };
const char *out_colour_on(enum out_colour c);
const char *out_colour_off(void);

/* A line on the terminal that is replaced by the next one; nothing when stderr is no terminal or with --quiet or
 * --json. */
void out_progress_init(const struct cli *c);
void out_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void out_progress_clear(void);

/* "3 d", "5 h", "12 min" until (or "expired 2 d ago") for the difference in seconds, into out. */
void out_span(int64_t secs, char *out, size_t n);
/* Asks on the terminal; true for an answer that begins with y. False when stdin is no terminal. */
bool out_confirm(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* 0, or -1 with ERR_SYS when stdout could not take everything. */
int out_flush(struct err *e);

#endif
