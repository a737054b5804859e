/*
 * schedule.h: when a certificate is due, and how long to wait after a failure. Pure arithmetic.
 */
#ifndef PERDURE_FLEET_SCHEDULE_H
#define PERDURE_FLEET_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct config_cert;
struct err;
struct store_cert;
struct strv;

enum schedule_verdict {
	SCHEDULE_NOT_DUE,
	SCHEDULE_WAITING, /* due, but it failed and its back-off has not passed */
	SCHEDULE_NEW, /* never issued, or its files are gone */
	SCHEDULE_NAMES, /* the configuration names other domains than the certificate */
	SCHEDULE_CA, /* its CA is no longer one of those configured */
	SCHEDULE_UNFINISHED, /* not due by itself, but an earlier run left an order for it */
	SCHEDULE_WINDOW, /* the moment has come that was picked in the window of its CA */
	SCHEDULE_EXPIRING, /* a third of its lifetime is left, or half for a short one */
	SCHEDULE_N_
};
/* One short phrase ("expires 2026-12-01", …) is the caller's; this is the reason as a word: "not-due", "waiting",
 * "new", "names", "ca", "unfinished", "window", "expiring". */
const char *schedule_verdict_name(enum schedule_verdict v);

/* The moment (UNIX seconds) from which a certificate is due: one third of its lifetime left, half for lifetimes up to
 * ten days. */
int64_t schedule_renew_at(int64_t not_before, int64_t not_after);

/* The moment from which a live certificate is due: that picked in its CA's window; without one schedule_renew_at(), or
 * up to an eighth of its lifetime before, by its serial number. */
int64_t schedule_due_at(const struct store_cert *row);

/* The moment from which a certificate that could not be renewed is an alarm: a sixth of its lifetime left. */
int64_t schedule_alarm_at(int64_t not_before, int64_t not_after);

/*
 * Takes a window that the CA has said (RFC 9773 section 4.2): one moment in it is picked by r, any number, unless the
 * window is the one that is known already; no moment with less than an eighth of the lifetime left. A window that is
 * the whole life says nothing, and none is kept. ERR_PROTO says why it is of no use: it must begin before it ends, not
 * be over before the certificate's life began, and begin before that last eighth. The row is left as it was then.
 */
int schedule_take_window(struct store_cert *row, int64_t start, int64_t end, uint64_t r, struct err *e);
/* When to ask again: at the moment said, 0 for none, but in a minute at least and in a day at most; without one in six
 * hours. */
int64_t schedule_ask_at(int64_t now, int64_t said);

/*
 * Whether the certificate is due at now (UNIX seconds).
 */
struct schedule_facts {
	const struct store_cert *row; /* NULL when nothing is known of it */
	bool live; /* its files are in place */
	bool in_work; /* an order of an earlier run is kept */
	bool ignore_wait; /* a back-off does not count */
};
enum schedule_verdict schedule_due(const struct config_cert *cert, const struct schedule_facts *f, int64_t now);

/*
 * The identifier of the certificate that an order for these names at that CA replaces (RFC 9773 section 5: it was
 * issued there and shares a name), borrowed from the row, or NULL.
 */
const char *schedule_replaces(const struct store_cert *row, const char *ca, const struct strv *names);

/* Seconds to wait after the n-th failure in a row (n >= 1): doubling from one minute, at most a day, saturating; 10 %
 * of jitter by r, any number. */
int64_t schedule_backoff(int64_t failures, uint64_t r);

/* Keeps a failure in the row: the back-off counts, the moment that the CA said when it is later, nothing for a record
 * that is missing (ERR_POLICY) or a clock that is wrong (ERR_CLOCK); of what is left of a live certificate at most an
 * eighth is waited. r is any number. */
void schedule_failed(struct store_cert *row, const struct err *e, int64_t now, uint64_t r);

#endif
