/*
 * notify.h: telling people what is wrong: which of the problems that stand now are news, one message for all of them,
 * and the forms in which a message goes out. Pure: no I/O, no clock. inventory/tell.h sends.
 *
 * A problem stands until it is no longer reported. It is told when it is new, when it has become worse, and again after
 * `repeat`; when it is gone, that is told, too.
 */
#ifndef PERDURE_OBS_NOTIFY_H
#define PERDURE_OBS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum notify_severity { NOTIFY_INFO, NOTIFY_WARNING, NOTIFY_ERROR, NOTIFY_SEVERITY_N_ };
const char *notify_severity_name(enum notify_severity s);
int notify_severity_from_name(const char *name, enum notify_severity *ret);

/* Something that is wrong now. */
struct notify_problem {
	char *key; /* "renewal-failing/example.com": the same as long as it is the same problem */
	char *kind; /* "renewal-failing" */
	char *subject; /* the certificate, the name, the CA */
	char *text; /* one sentence */
	char *hint; /* what to do next, or "" */
	enum notify_severity severity;
};
struct notify_problems {
	struct notify_problem *v;
	size_t n, cap;
};
/* Copies; the key is KIND/SUBJECT. NULL counts as "". */
void notify_problems_add(struct notify_problems *p, enum notify_severity s, const char *kind, const char *subject,
	const char *text, const char *hint);
void notify_problems_done(struct notify_problems *p);

/* What a channel has been told already: one for each problem that stood at its last message. */
struct notify_told {
	char *key;
	char *kind;
	char *subject;
	char *text;
	enum notify_severity severity;
	int64_t since; /* UNIX seconds */
	int64_t told_at; /* UNIX seconds */
};
struct notify_memory {
	struct notify_told *v;
	size_t n, cap;
};
void notify_memory_add(struct notify_memory *m, const struct notify_told *t); /* copies */
void notify_memory_done(struct notify_memory *m);

struct notify_rules {
	enum notify_severity level; /* problems below are not told */
	int64_t repeat_s; /* 0: a problem that stands is told once */
};

enum notify_news { NOTIFY_NEW, NOTIFY_WORSE, NOTIFY_STILL, NOTIFY_GONE };
const char *notify_news_name(enum notify_news n);

struct notify_item {
	enum notify_news news;
	const struct notify_problem *p; /* borrowed; of NOTIFY_GONE as it was last told */
	int64_t since;
};
/* One message: all that is to be told to one channel now. */
struct notify_message {
	struct notify_item *items; /* gravest first; those that are gone at the end */
	size_t n;
	enum notify_severity worst; /* of those that are not gone; NOTIFY_INFO when all are */
	struct notify_problems gone; /* owned, what items borrow */
	struct notify_memory after; /* to be remembered once the message has gone out; also when n is 0 */
};
/* Decides. problems and memory are borrowed until notify_message_done(). */
void notify_decide(const struct notify_problems *problems, const struct notify_memory *memory,
	const struct notify_rules *rules, int64_t now_s, struct notify_message *ret);
void notify_message_done(struct notify_message *m);

/* Who says it and when, for the forms. */
struct notify_frame {
	const char *host;
	const char *id; /* of the message: the same when it is sent again */
	int64_t now_s;
	bool test; /* from "perdure notify test" */
};
/* Appends the line for a subject, without line end: "[perdure] 2 problems, 1 gone: …". */
void notify_subject(const struct notify_message *m, const struct notify_frame *f, struct buf *out);
/* Appends the text for people, lines of at most 100 characters where words allow. */
void notify_text(const struct notify_message *m, const struct notify_frame *f, struct buf *out);
/* Appends the JSON object of docs/monitoring.md. */
void notify_json(const struct notify_message *m, const struct notify_frame *f, struct buf *out);
/* The value of X-Perdure-Signature: "t=SECONDS,v1=HEX", HMAC-SHA256 over "SECONDS." and the body. ERR_CRYPTO. */
int notify_signature(const void *key, size_t n, int64_t now_s, const struct buf *body, struct buf *out, struct err *e);
/* Appends the mail with its header (RFC 5322), lines ended by CR LF. */
void notify_mail(const struct notify_message *m, const struct notify_frame *f, const char *from, const char *to,
	struct buf *out);

#endif
