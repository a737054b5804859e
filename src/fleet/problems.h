/* problems.h: what is wrong with the certificates, for people to be told. */
#ifndef PERDURE_FLEET_PROBLEMS_H
#define PERDURE_FLEET_PROBLEMS_H

#include <stdbool.h>

struct config_notify;
struct err;
struct notify_problems;
struct site;

/*
 * Appends what stands now by the thresholds of the channel: renewals that fail, certificates that expire or have
 * expired, orders that are held, names that are paused, records that end before the next renewal, deploys that failed.
 * clock_wrong: that is said instead of what goes by the time. ERR_STORE.
 */
int problems_of_fleet(
	struct site *s, const struct config_notify *c, bool clock_wrong, struct notify_problems *ret, struct err *e);

#endif
