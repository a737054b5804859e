/* internal.h: what provider.c (operations), zones.c (which zone) and cause.c (checks, errors) share. */
#ifndef PERDURE_PROVIDER_INTERNAL_H
#define PERDURE_PROVIDER_INTERNAL_H

#include "config/config.h"
#include "provider/driver.h"

/* provider.c: ends an operation: its callback comes in a turn of its own. refuse: with an error, which is moved. */
void provider_op_end_(struct provider_op *op);
void provider_op_refuse_(struct provider_op *op, struct err *e);

/* zones.c: begins the search for the zone of op->name; a driver's failure in it; its end without an answer. */
void zones_start_(struct provider_op *op);
void zones_failed_(struct provider_op *op, struct err *e);
void zones_cancelled_(struct provider_op *op);
/* Goes on with searches that waited for one that is gone. */
void zones_go_on_(struct provider *p);
void zones_forget_(struct provider *p);

/* cause.c: PROVIDER_SIZE and ERR_USAGE for what the provider's capabilities exclude. */
int provider_check_type_(const struct provider *p, enum provider_type type, const char *name, struct err *e);
int provider_check_change_(const struct provider *p, const struct provider_change *c, struct err *e);

#endif
