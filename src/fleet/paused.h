/*
 * paused.h: certificates whose name a CA has paused for our account, after many failures in a row. Only a person at the
 * address that the CA says can lift that, so it is not tried again and again: once a week (once a day for lifetimes up
 * to ten days), which finds out that it was lifted and gives a fresh address, because these run out; at once when the
 * certificate is named, or its names or CAs change in the configuration. Where it has another CA, that one is asked.
 */
#ifndef PERDURE_FLEET_PAUSED_H
#define PERDURE_FLEET_PAUSED_H

#include <stdbool.h>
#include <stdint.h>

struct config_cert;
struct err;
struct store;
struct store_cert;

struct paused {
	char *ca;
	char *url; /* where it can be lifted */
	bool changed; /* the configuration wants other names or CAs than when it was paused */
};
void paused_done(struct paused *p);

/* What is known of it; ret->ca is NULL when it is not paused. st may be NULL. ERR_STORE. */
int paused_get(struct store *st, const struct config_cert *cert, struct paused *ret, struct err *e);
/* After a try at that CA: why it failed, or NULL. Keeps a pause, and forgets one that is over; row, that of the
 * failure, learns when it is tried again. now: UNIX seconds. ERR_STORE. */
int paused_note(struct store *st, const struct config_cert *cert, const char *ca, const struct err *why,
	struct store_cert *row, int64_t now, struct err *e);

#endif
