/* observe_priv.h: what observe.c and caacache.c share. */
#ifndef PERDURE_INVENTORY_OBSERVE_PRIV_H
#define PERDURE_INVENTORY_OBSERVE_PRIV_H

#include "inventory/observe.h"

/* Takes v over and copies *e where there is trouble. */
void observed_take(struct observed *o, struct dns_view *v, const struct err *e);
void observed_done(struct observed *o);

#endif
