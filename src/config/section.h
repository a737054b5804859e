/* section.h: the values of one map of the configuration (the main one, a CA, a certificate, …), checked one by one. */
#ifndef PERDURE_CONFIG_SECTION_H
#define PERDURE_CONFIG_SECTION_H

#include "config/config.h"
#include "config/doc.h"
#include "config/schema.h"

/* One element of a list. */
struct section_item {
	const char *s; /* for SCHEMA_STRINGS */
	const struct doc *doc; /* for SCHEMA_LIST: where to read on */
	int node;
	struct config_mark mark;
};

/* One value. Strings are borrowed from the document or the schema. */
struct section_value {
	bool set; /* given in the file */
	struct config_mark mark;
	int64_t i; /* number, milliseconds, UNIX seconds, or 0 and 1 */
	const char *s; /* string or word; NULL when neither given nor by default */
	struct section_item *items;
	size_t n;
	size_t cap;
};

/* Only the values of keys below the map that was read are of use; others stay at their defaults. */
struct section {
	struct section_value v[SCHEMA_N_];
};

/* All keys at their defaults. Needs section_done(). */
void section_init(struct section *s);
void section_done(struct section *s);
/*
 * Reads a mapping node of keys below `parent`. Lists of maps are gathered, not entered. A key set already (in the same
 * file or an earlier one) is refused, unless it is such a list. ERR_CONFIG.
 */
int section_read(struct section *s, const struct doc *d, int node, enum schema_id parent, struct err *e);

#endif
