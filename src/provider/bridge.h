/*
 * bridge.h: a provider that can only be told to add a value (and perhaps to delete one), by a program, and cannot be
 * asked what it holds. So one authoritative name server (`server`) is asked: which zones there are, what stands at a
 * name before the program runs, and whether afterwards the value is there and everybody else's still is. TXT only.
 */
#ifndef PERDURE_PROVIDER_BRIDGE_H
#define PERDURE_PROVIDER_BRIDGE_H

#include "base/strv.h"
#include "dns/addr.h"
#include "provider/driver.h"

struct bridge;
struct program;
struct stream;

/* Fills argv, and env beside what all programs of the provider get, for one value in plain text. */
typedef void (*bridge_fn)(
	struct bridge *b, bool add, const char *name, const char *value, struct strv *argv, struct strv *env);

/* The first member of a driver's state. */
struct bridge {
	struct provider p; /* first */
	struct program *program;
	struct addr server;
	struct stream *stream;
	bridge_fn fn;
	bool add_only; /* what is to be deleted is left to the operator, with an error that says so */
};

/* After provider_init(): reads the keys that all bridges have, sets p.caps. On failure bridge_done() is still due. */
int bridge_init(struct bridge *b, bridge_fn fn, bool add_only, struct err *e);
void bridge_done(struct bridge *b);

/* The members of a struct provider_driver. */
void bridge_has_zone(struct provider *p, struct provider_op *op);
void bridge_read(struct provider *p, struct provider_op *op);
void bridge_change(struct provider *p, struct provider_op *op);
void bridge_drop(struct provider *p, struct provider_op *op);

#endif
