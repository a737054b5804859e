/* problems.h: what is wrong with the certificates, for people to be told. */
#ifndef PERDURE_FLEET_PROBLEMS_H
#define PERDURE_FLEET_PROBLEMS_H

#include <stdbool.h>

struct config_notify;
struct err;
struct notify_problems;
struct site;

/* What the run itself has to say. */
struct problems_run {
	bool clock_wrong; /* is said instead of what goes by the time */
	const struct err *failed; /* why it failed as a whole; NULL: it did not */
};

/*
 * Appends what stands now by the thresholds of the channel: renewals that fail, certificates that expire or have
 * expired, orders that are held, names that are paused, records that end before the next renewal, deploys that failed.
 * ERR_STORE.
 */
int problems_of_fleet(struct site *s, const struct config_notify *c, const struct problems_run *run,
	struct notify_problems *ret, struct err *e);

#endif
