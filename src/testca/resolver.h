/* resolver.h: validations: the DNS asked, the record judged (dns-persist-01 section 4, RFC 8555 section 8.4, CAA). */
#ifndef PERDURE_TESTCA_RESOLVER_H
#define PERDURE_TESTCA_RESOLVER_H

#include <stdint.h>

#include "testca/model.h"

struct ca;
struct err;
struct err_problem;
struct resolver;

/* Asks the server "ADDRESS@PORT" for everything. ERR_CONFIG. */
int resolver_new(struct ca *ca, const char *server, struct resolver **ret, struct err *e);
/* Ends what is under way without callbacks. NULL is fine. */
void resolver_free(struct resolver *r);

/* p is NULL when it passed, and the callee's; until_s is the record's persistUntil, 0 without. */
typedef void (*resolver_fn)(struct err_problem *p, int64_t until_s, void *ctx);
/* Checks the authorization's name by the method, with fresh data. fn is called once, from the loop. */
void resolver_check(struct resolver *r, struct authz *a, enum method m, resolver_fn fn, void *ctx);

#endif
