/*
 * presenter.h: the values of dns-01 in the DNS: written, waited for, and taken out again. All values that are wanted at
 * one name are written in one change, whosever they are, and removed in one when no order needs them any more. What is
 * written, or removed, at several names of one zone at once goes in one call where the provider takes that (rrbatch.h);
 * removals wait for each other half a minute at the most, while other orders are at work.
 *
 * What is written is in the state before it is written, until it is known to be gone: a later run takes out what one
 * that was killed has left. Values of others are never touched. Providers are opened, and their credentials read, when
 * something is to be written, and not before.
 */
#ifndef PERDURE_INVENTORY_PRESENTER_H
#define PERDURE_INVENTORY_PRESENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct httpanswers;
struct presenter;
struct publisher;
struct site;

/* One value that must be served before a challenge is answered. */
struct presenter_value {
	const char *owner; /* where it is written: lower case, no dot at the end */
	const char *text; /* the value itself */
	int64_t ttl; /* seconds */
	bool keep; /* leave it until the next write at its owner */
	int64_t values_max; /* so many values, those of others included, may stand at its owner */
	int64_t wait_ms; /* for the servers to have it */
};

struct presenter_hooks {
	/* Nothing is to be written, removed or waited for any more. */
	void (*idle)(void *ctx);
};

/*
 * Reads from the state (open for writing; its DNS must be open before presenter_want()) what earlier runs have left.
 * hooks and ctx are borrowed. ERR_STORE.
 */
int presenter_new(
	struct site *s, const struct presenter_hooks *hooks, void *ctx, struct presenter **ret, struct err *e);
/* Ends it where it is; what was written stays in the state. NULL is fine. */
void presenter_free(struct presenter *p);

struct presenter_request;
/* failed: NULL when every authoritative server has all values; else why not, retry set. */
typedef void (*presenter_ready_fn)(const struct err *failed, void *ctx);
/* For progress: "DNS NAME: 1 of 2 servers". */
typedef void (*presenter_step_fn)(const char *what, void *ctx);
/*
 * Has the values served for the order of a certificate; what else was written for that certificate is not needed any
 * more. Nothing is written before presenter_flush(), but for a few seconds, so that others may join. Values that stand
 * already are not written again. ready is called once, never from inside; the request then ends by itself. Copied.
 */
struct presenter_request *presenter_want(struct presenter *p, const char *cert, const struct presenter_value *v,
	size_t n, presenter_ready_fn ready, presenter_step_fn step, void *ctx);
/* Ends it without a callback. What was written stays, as after ready. NULL is fine. */
void presenter_cancel(struct presenter_request *r);
/* Nobody else will come soon: what has been collected is written now. */
void presenter_flush(struct presenter *p);
/*
 * The order of the certificate is decided: its values may go. kept: it is not decided, but nothing more happens to it
 * in this run; the values stay. p may be NULL.
 */
void presenter_release(struct presenter *p, const char *cert, bool kept);
/* Takes out also what earlier runs have left behind: nothing more will be wanted. */
void presenter_sweep(struct presenter *p);
/* The providers it writes through: nothing is read before one is asked for. Borrowed. */
struct publisher *presenter_publisher(struct presenter *p);
/* The answers to http-01, released with the values. Borrowed. */
struct httpanswers *presenter_http(struct presenter *p);
/* Whether something is to be written, removed or waited for. */
bool presenter_busy(const struct presenter *p);

#endif
