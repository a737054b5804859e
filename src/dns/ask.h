/*
 * ask.h: one question to the servers of a zone until one of them gives a usable answer: the next is asked too when one
 * is slow, and instead when one is broken.
 */
#ifndef PERDURE_DNS_ASK_H
#define PERDURE_DNS_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/message.h"
#include "dns/reply.h"
#include "dns/zone.h"

struct dns;
struct ask;

/* r, m and s are borrowed. r is NULL when no server was of use: why says it of the last one, timeout of all. */
typedef void (*ask_fn)(const struct reply *r, const struct message *m, const struct zone_server *s, const char *why,
	bool timeout, void *ctx);
/* *slot holds the question until fn is called (then NULL); fn is never called from inside this call. */
void ask_start(struct dns *d, struct zone *z, const char *name, uint16_t type, ask_fn fn, void *ctx, struct ask **slot);
/* Ends it without a callback; *slot may be NULL. */
void ask_cancel(struct ask **slot);

#endif
