/* eventline.h: one event as text: a line of the log, and the forms for other places. */
#ifndef PERDURE_OBS_EVENTLINE_H
#define PERDURE_OBS_EVENTLINE_H

#include "obs/events.h"

struct buf;

enum { EVENTLINE_MAX = 64 << 10, EVENTLINE_HASH_LEN = 64 };

/* What every line says beside its event. */
struct eventline_stamp {
	int64_t seq;
	int64_t time_ms; /* UNIX */
	const char *prev; /* SHA-256 of the line before with its line feed, hexadecimal */
	const char *host;
	const char *user;
	long pid;
};

/*
 * Appends the line as a JSON object that is left open, without "}": a signature may follow. brief leaves out what may
 * be long: domain names, values of records.
 */
void eventline_open(const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out);
/* Appends the whole event in the form; no line feed. */
void eventline_form(
	enum events_form f, const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out);
/* Appends one sentence for people: "example.com: a certificate has its successor (google)". */
void eventline_words(const struct event *ev, struct buf *out);
/* "2026-11-22T06:40:00.123Z" */
void eventline_time(int64_t ms, char out[static 40]);

#endif
