/*
 * lineage.h: a lineage's places and its lock. Private to src/state; in certfiles.c.
 */
#ifndef PERDURE_STATE_LINEAGE_H
#define PERDURE_STATE_LINEAGE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* The lineage's place in archive/, and the lock that its writers hold: an open file description of the directory. */
struct lineage {
	const char *state_dir;
	const char *name;
	char *dir; /* archive/<name> */
	char *link; /* live/<name> */
	int fd; /* of dir, locked; -1 when there is no such directory */
};

/* ERR_POLICY: not to be a file's name. */
int lineage_check_(const char *name, struct err *e);
/* archive/<name>; heap string. */
char *lineage_dir_(const char *state_dir, const char *name);
/*
 * Takes the lock. A lineage whose directory is not there is no error: fd is -1 then. at_once: one that is locked is an
 * error. Needs lineage_done_() in any case.
 */
int lineage_open_(struct lineage *l, const char *state_dir, const char *name, bool at_once, struct err *e);
void lineage_done_(struct lineage *l);
/* The generation that the link live/<name> names; 0 when there is none. ERR_STORE: it is something else. */
int lineage_live_(const char *link, const char *name, int64_t *ret, struct err *e);

#endif
