/* metercerts.h: certificates as numbers: all of them in counts, the first of them one by one. */
#ifndef PERDURE_FLEET_METERCERTS_H
#define PERDURE_FLEET_METERCERTS_H

struct err;
struct site;

/*
 * Sets the gauges about certificates from configuration and state. Those that fail come first, then those that are due
 * first, until metrics.certificates_max have series of their own. ERR_STORE.
 */
int metercerts_collect(struct site *s, struct err *e);

#endif
