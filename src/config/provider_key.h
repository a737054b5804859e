/* provider_key.h: which keys of `providers` go with which type. */
#ifndef PERDURE_CONFIG_PROVIDER_KEY_H
#define PERDURE_CONFIG_PROVIDER_KEY_H

#include <stdbool.h>

#include "config/schema.h"

/* Whether providers of that type take the key; *ret_required (may be NULL) says whether they need it. */
bool provider_takes_key(const char *type, enum schema_id id, bool *ret_required);

#endif
