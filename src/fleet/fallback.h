/*
 * fallback.h: before a certificate is asked of another CA than its first: do the records stand by which that CA would
 * accept all its names? An order there that must fail helps nobody.
 */
#ifndef PERDURE_FLEET_FALLBACK_H
#define PERDURE_FLEET_FALLBACK_H

#include <stdbool.h>

struct config_cert;
struct err;
struct fallback;
struct site;
struct site_ca;

/* *e (borrowed) says why not. */
typedef void (*fallback_fn)(bool good, const struct err *e, void *ctx);
/*
 * The CA's session and the site's DNS must be open; everything is borrowed until the end. done is called once, on the
 * loop, never from inside fallback_start(); fallback_free() is allowed in it. Servers that cannot be asked count as
 * good, as they do before a challenge is answered.
 */
struct fallback *fallback_start(
	struct site *s, struct site_ca *ca, const struct config_cert *cert, fallback_fn done, void *ctx);
/* Ends it without a callback. NULL is fine. */
void fallback_free(struct fallback *f);

#endif
