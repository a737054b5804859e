/*
 * place.h: where the dns-01 value of one name of an order goes, found by a look at the DNS: behind the delegation, or
 * at the name itself, as the certificate's validation says.
 */
#ifndef PERDURE_FLEET_PLACE_H
#define PERDURE_FLEET_PLACE_H

#include "base/strv.h"
#include "config/config.h"
#include "inventory/dnsplace.h"

struct err;
struct presenter;
struct site;

/* What was found for the names of an order. */
struct places {
	struct strv names, owners; /* in pairs */
};
void places_done(struct places *p);
/* Where the name's value goes; NULL when that was not found out. Borrowed. */
const char *places_find(const struct places *p, const char *fqdn);

/*
 * place is NULL when there is no way: *e says why, and when to try again. how is what it comes to
 * (CONFIG_VALIDATION_DELEGATION, CONFIG_VALIDATION_DNS). Both are borrowed. Called once, on the loop, never from
 * inside.
 */
typedef void (*place_fn)(const struct dnsplace *place, enum config_validation how, const struct err *e, void *ctx);
struct place_query;
/*
 * With validation auto: the delegation when it is configured and stands, else the name itself when one of our
 * providers has its zone. What is found is added to `into`.
 */
struct place_query *place_start(struct site *s, struct presenter *presenter, const struct config_cert *cert,
	const char *fqdn, struct places *into, place_fn fn, void *ctx);
/* Ends it without a callback; NULL is fine. */
void place_cancel(struct place_query *q);

#endif
