/*
 * eventlog.h: the files of the event log: lines appended whole, the tail found again after a crash, files ended and
 * begun. What the lines say is the business of events.c.
 *
 * events.jsonl is the file that is written; events-N.jsonl are those before it, N (ten digits) being the number of
 * their first line. A file ends by being renamed so. head.json is a copy of the last signed line; lock is what writers
 * hold.
 */
#ifndef PERDURE_OBS_EVENTLOG_H
#define PERDURE_OBS_EVENTLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"

struct buf;
struct err;

enum { EVENTLOG_HASH_MAX = 65 };
#define EVENTLOG_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

struct eventlog_tail {
	int64_t seq; /* of the last line; 0 for none */
	char hash[EVENTLOG_HASH_MAX]; /* of the last line with its line feed */
};

struct eventlog {
	char *dir;
	int lock; /* descriptor */
	int fd; /* of events.jsonl; -1 when there is none yet */
	ino_t ino;
	off_t size;
	bool known; /* tail, head are as in the files of that size */
	struct eventlog_tail tail;
	struct eventlog_tail head; /* the last signed line, as head.json has it */
	int64_t head_ms; /* UNIX milliseconds of it */
	/* What eventlog_lock() has found and mended, to be told by the next lines. */
	int64_t torn; /* octets put aside */
	char *torn_path;
};

/* Makes the directory (0700) and the lock; the files are not read yet. ERR_SYS. */
int eventlog_open(const char *dir, struct eventlog *ret, struct err *e);
void eventlog_close(struct eventlog *l);
/*
 * Takes the lock, waiting for another process at most two seconds, and reads the tail where it has changed. A last line
 * without its line feed is put aside into torn-TIME. ERR_SYS, ERR_BUSY.
 */
int eventlog_lock(struct eventlog *l, int64_t now_ms, struct err *e);
void eventlog_unlock(struct eventlog *l);
/* Appends the line (with its line feed), in one write(2); on ERR_SYS nothing of it is in the file. */
int eventlog_append(struct eventlog *l, int64_t seq, const struct buf *line, struct err *e);
/* Notes that the line, just appended, is the signed head: into head.json. ERR_SYS. */
int eventlog_keep_head(struct eventlog *l, const struct buf *line, int64_t now_ms, struct err *e);
/* fdatasync(2). ERR_SYS. */
int eventlog_sync(struct eventlog *l, struct err *e);
/* Ends the file, so that the next line begins a new one; removes files that were last written before oldest_ms (UNIX; 0
 * keeps all). ERR_SYS. */
int eventlog_rotate(struct eventlog *l, int64_t oldest_ms, struct err *e);

/* The log as it was at one moment, however it goes on meanwhile. */
struct eventlog_view {
	struct strv ended; /* names of the files that have ended, oldest first */
	int fd; /* of events.jsonl; -1 when there was none */
	off_t size; /* of it, then */
};
/* Looks at the log in dir while no writer is at work, waiting at most two seconds. Where there is no lock, as beside a
 * copy, or it may not be opened, it is done without. ERR_SYS, ERR_BUSY. */
int eventlog_view(const char *dir, struct eventlog_view *ret, struct err *e);
void eventlog_view_done(struct eventlog_view *v);
/* The files of the log in dir, oldest first, as names. ERR_SYS. */
int eventlog_files(const char *dir, struct strv *ret, struct err *e);
/* The SHA-256 of the octets in hexadecimal. */
void eventlog_hash(const void *p, size_t n, char ret[static EVENTLOG_HASH_MAX]);

#endif
