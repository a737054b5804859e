/*
 * assign.h: configuration that is a shell script, read as assignments and nothing else: NAME=word, NAME='text',
 * NAME="text" with nothing in it for a shell to expand, "export" before them, comments. Every other line is reported,
 * never run. Private to src/migrate.
 */
#ifndef PERDURE_MIGRATE_ASSIGN_H
#define PERDURE_MIGRATE_ASSIGN_H

#include <stddef.h>

#include "base/strv.h"

struct err;

struct assign {
	struct strv names; /* values.v[i] is of names.v[i]; the last one of a name counts */
	struct strv values;
};
void assign_done(struct assign *a);
/* NULL when the name is not assigned. Borrowed. */
const char *assign_get(const struct assign *a, const char *name);
/* Reads a file; appends "FILE:LINE: …" to odd for each line that is not understood. ERR_SYS, ERR_LIMIT. */
int assign_read(const char *path, struct assign *ret, struct strv *odd, struct err *e);
/* The same for n octets; what names them. */
void assign_parse(const char *p, size_t n, const char *what, struct assign *ret, struct strv *odd);

#endif
