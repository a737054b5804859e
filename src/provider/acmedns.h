/* acmedns.h: what the driver of acme-dns and the registering of accounts share, and registering. */
#ifndef PERDURE_PROVIDER_ACMEDNS_H
#define PERDURE_PROVIDER_ACMEDNS_H

#include <stdbool.h>

struct config_provider;
struct err;
struct loop;
struct provider;
struct rest;
struct strv;

enum { ACMEDNS_KEPT = 2 }; /* values of an account, the newest */

/* The client of the server's interface. */
struct rest *acmedns_rest(struct provider *p);

/* An account is made, or would be; fulldomain is NULL when it would. */
typedef void (*acmedns_registered_fn)(const char *domain, const char *fulldomain, void *ctx);
/*
 * Registers an account for each of the domains (A-labels, without "*.") that accounts_file has none for, one after the
 * other, and writes each into the file before the next is asked for; or with `one` a single account for all of them.
 * Runs the loop; SIGINT and SIGTERM end it between two (ERR_CANCEL). Another process that does the same is waited for.
 * ERR_CONFIG, ERR_PROVIDER, ERR_BUSY, ERR_SYS.
 */
int acmedns_register(struct loop *l, const struct config_provider *conf, const struct strv *domains, bool one, bool dry,
	acmedns_registered_fn fn, void *ctx, struct err *e);

#endif
