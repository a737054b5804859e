/* form.h: what strings of the configuration must look like. */
#ifndef PERDURE_CONFIG_FORM_H
#define PERDURE_CONFIG_FORM_H

#include <stdint.h>

#include "config/schema.h"

/* NULL when s has the form (and at most max octets, when max is not 0), else what is wrong with it: "is not …". */
const char *form_check(enum schema_form form, int64_t max, const char *s);
/* Reads "10s", "5m", "2h", "30d" or plain seconds into milliseconds. -1 for anything else. */
int form_duration(const char *s, int64_t *ret_ms);
/* Reads a decimal number without sign, blanks or superfluous zeros. -1 for anything else. */
int form_int(const char *s, int64_t *ret);

#endif
