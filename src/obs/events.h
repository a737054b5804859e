/*
 * events.h: what happened, as a log that shows when somebody has changed it: JSON Lines, each with the SHA-256 of the
 * line before it, and now and then a line that is signed. docs/events.md describes form and events for whoever checks
 * it with tools of their own.
 *
 * Most callers want tell_event() of inventory/tell.h, which opens the log of a site when it is first needed.
 */
#ifndef PERDURE_OBS_EVENTS_H
#define PERDURE_OBS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clk;
struct err;
struct strv;

/* In the order of the table in events_table.c, and of docs/events.md. */
enum event_type {
	EVENT_LOG_HEAD, /* the log's own, see eventlog.h */
	EVENT_LOG_TORN,
	EVENT_LOG_LOST,
	EVENT_LOG_GAP,
	EVENT_ACCOUNT_REGISTERED,
	EVENT_ACCOUNT_ROLLOVER,
	EVENT_ACCOUNT_DEACTIVATED,
	EVENT_ACCOUNT_EXPORTED,
	EVENT_ACCOUNT_IMPORTED,
	EVENT_ORDER_PLACED,
	EVENT_ORDER_HELD,
	EVENT_ORDER_PARKED,
	EVENT_ORDER_FAILED,
	EVENT_CERT_ISSUED,
	EVENT_CERT_RENEWED,
	EVENT_CERT_INSTALLED, /* live/ switched to a new generation */
	EVENT_CERT_DELETED,
	EVENT_CERT_IMPORTED, /* taken over from another client */
	EVENT_CERT_REVOKED,
	EVENT_DEPLOY_DONE,
	EVENT_DEPLOY_FAILED,
	EVENT_RECORD_CHANGED, /* a validation, token or delegation record, at the provider */
	EVENT_RECORD_FAILED,
	EVENT_RECORD_ROTATED,
	EVENT_RECORD_PRUNED,
	EVENT_CONFIG_LOADED,
	EVENT_CONFIG_REFUSED,
	EVENT_STATE_REBUILT,
	EVENT_CLOCK_JUMPED,
	EVENT_DAEMON_STARTED,
	EVENT_DAEMON_STOPPED,
	EVENT_FINDING_NEW,
	EVENT_FINDING_GONE,
	EVENT_N_
};

enum event_outcome { EVENT_SUCCESS, EVENT_FAILURE, EVENT_UNKNOWN };

/* What is known of a type. */
struct event_kind {
	const char *name; /* "order.placed" */
	const char *category; /* of the Elastic Common Schema: "configuration", "process", … */
	const char *action; /* also of ECS: "creation", "change", "deletion", "info", "error" */
	enum event_outcome outcome;
	int severity; /* of RFC 5424: 3 error, 4 warning, 5 notice, 6 informational */
	const char *about; /* one sentence */
};
const struct event_kind *event_kind(enum event_type t);
/* -1 for a name that is none. */
int event_type_from_name(const char *name, enum event_type *ret);

/*
 * One event. Only the type is needed; NULL, 0 and "" members are left out. Everything is copied. None of it may be a
 * secret: no private key, token, HMAC key, nor the value of a token record.
 */
struct event {
	enum event_type type;
	const char *name; /* of the certificate, or the owner name of the record: what it is about */
	const struct strv *names; /* domain names of the certificate */
	const char *ca;
	const char *account; /* its URL */
	const char *order; /* its URL */
	int64_t generation; /* of the certificate */
	int64_t not_after; /* UNIX seconds */
	const char *serial; /* of the certificate, hexadecimal */
	const char *provider;
	const char *zone;
	const char *rrtype; /* "TXT", "CNAME" */
	const struct strv *before; /* values of the RRset; a list that is there but empty is written as [] */
	const struct strv *after;
	const char *action; /* of a deploy: the kind and its target, "command", "copy /etc/…" */
	int status; /* exit status of a deploy's command, when has_status */
	bool has_status;
	const char *rule; /* of a finding */
	const char *severity; /* of a finding */
	const char *fingerprint; /* of a finding, or of what else has one (a thumbprint, the digest of a file) */
	const char *path; /* of a file */
	int64_t count;
	int64_t duration_ms;
	const char *detail; /* words for people */
	const struct err *e; /* why it failed: message, hint, type of the CA's problem */
};

struct events;

enum events_sync {
	EVENTS_SYNC_HEAD, /* at each signed line: a power cut may cost the lines since */
	EVENTS_SYNC_ALWAYS, /* after each line */
};

/* A form in which lines also go elsewhere. */
enum events_form { EVENTS_JSON, EVENTS_ECS, EVENTS_CEF, EVENTS_FORM_N_ };
const char *events_form_name(enum events_form f);
int events_form_from_name(const char *name, enum events_form *ret);

struct events_options {
	const char *dir; /* of the log; made 0700 when missing. NULL: no log, only the other places */
	const char *key_path; /* of the signing key; made 0600 (Ed25519) when missing */
	int64_t rotate_octets; /* a file larger than this ends; 0 never */
	int64_t keep_ms; /* files whose last line is older are removed at a rotation; 0 keeps all */
	int64_t head_lines; /* a signed line after so many, */
	int64_t head_ms; /* or when a line has not been signed for so long */
	enum events_sync sync;
	const char *journal; /* path of journald's socket, NULL for none */
	const char *syslog; /* path of a UNIX socket, or ADDRESS@PORT for UDP; NULL for none */
	enum events_form form; /* for both */
	const struct clk *clk;
};

/*
 * Opens the log. Several processes may have it open: each line is written under a lock (flock), after a look whether
 * the log has grown meanwhile. Nothing is written yet. ERR_SYS, ERR_CRYPTO, ERR_CONFIG (rights of the key file).
 */
int events_open(const struct events_options *o, struct events **ret, struct err *e);
/* Signs the head if lines were written since the last one, syncs, and closes. NULL is fine. What fails is told by
 * events_finish(), for those who want to know. */
void events_close(struct events *l);
int events_finish(struct events *l, struct err *e);
/* Signs the head if it is time: for programs that run on without events. */
int events_tick(struct events *l, struct err *e);

/*
 * Appends one event. On ERR_SYS (no room, read only) nothing of it is in the log; how many were lost so is written as
 * an event of its own as soon as that is possible. Places besides the log that do not answer are no error.
 */
int events_write(struct events *l, const struct event *ev, struct err *e);

/*
 * For metrics: the numbers of the last line and of the last that was signed, 0 for none, with that one's SHA-256 in
 * hexadecimal. Reads the log where it has grown. ERR_SYS, ERR_BUSY.
 */
struct events_state {
	int64_t last;
	int64_t head;
	char head_hash[65];
};
int events_look(struct events *l, struct events_state *ret, struct err *e);

#endif
