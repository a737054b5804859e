/* exec_internal.h: what exec.c (the form of lego) and exec_json.c (the form with JSON) share. */
#ifndef PERDURE_PROVIDER_EXEC_INTERNAL_H
#define PERDURE_PROVIDER_EXEC_INTERNAL_H

#include "provider/driver.h"

/* Opens a provider of `protocol: json`. */
int exec_json_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e);

#endif
