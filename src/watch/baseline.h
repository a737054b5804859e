/*
 * baseline.h: what an audit found before, in a file: JSON Lines, a line for each CA and each name, in the order of the
 * names, so that equal results make equal files.
 */
#ifndef PERDURE_WATCH_BASELINE_H
#define PERDURE_WATCH_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "watch/facts.h"
#include "watch/rules.h"

struct audit_ca;
struct audit_context;
struct err;

struct baseline;

/* Reads a file. ERR_SYS (code ENOENT when there is none), ERR_PARSE, ERR_LIMIT. */
int baseline_load(const char *path, struct baseline **ret, struct err *e);
void baseline_free(struct baseline *b);
void baseline_freep(struct baseline **b);

/* What the file says of a name. */
struct baseline_name {
	struct strv ns;
	struct strv records; /* in zone-file form */
	struct strv findings; /* fingerprints as text, sorted */
};
/* False when the name is not in it. ERR_PARSE for a damaged line. */
int baseline_find(struct baseline *b, const char *fqdn, struct baseline_name *ret, bool *ret_found, struct err *e);
void baseline_name_done(struct baseline_name *n);
bool baseline_knows(const struct baseline_name *n, const struct finding *f);

/* Tells the records that were added, removed and altered (PD901 to PD903). */
void baseline_compare(const struct baseline_name *n, const struct facts *f, const struct audit_context *c,
	finding_fn tell, void *ctx);
/* Tells what has changed at a CA (PD801). */
void baseline_compare_ca(
	const struct baseline *b, const struct audit_ca *a, const struct audit_context *c, finding_fn tell, void *ctx);
/* Calls fn for every name of the file that baseline_find() was not asked for. */
void baseline_rest(struct baseline *b, void (*fn)(const char *fqdn, void *ctx), void *ctx);

/* A new file being put together. */
struct baseline_out;
struct baseline_out *baseline_out_new(void);
void baseline_out_free(struct baseline_out *o);
void baseline_out_freep(struct baseline_out **o);
void baseline_out_ca(struct baseline_out *o, const struct audit_ca *a);
/* Begins a name; its findings follow. */
void baseline_out_name(struct baseline_out *o, const struct facts *f);
void baseline_out_finding(struct baseline_out *o, const struct finding *f);
/* Takes the line of the old file: for a name that could not be looked at. */
void baseline_out_keep(struct baseline_out *o, const struct baseline *from, const char *fqdn);
/* Replaces path, whole or not at all. ERR_SYS. */
int baseline_out_write(struct baseline_out *o, const char *path, struct err *e);

#endif
