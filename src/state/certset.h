/*
 * certset.h: the files of one generation, as octets and in a directory. Private to src/state.
 */
#ifndef PERDURE_STATE_CERTSET_H
#define PERDURE_STATE_CERTSET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct certfiles_set;
struct err;

enum { CERTSET_FILES = 5 };

struct certset {
	struct certset_file {
		const char *name;
		mode_t mode;
		bool wanted; /* belongs to the set */
		struct buf text;
	} f[CERTSET_FILES];
};

/* Makes the octets from the parts. ERR_POLICY: parts are missing; ERR_LIMIT. Needs certset_done(), which wipes. */
int certset_make(const struct certfiles_set *set, struct certset *ret, struct err *e);
void certset_done(struct certset *c);
/* Whether the directory holds exactly these files. */
bool certset_same(const struct certset *c, const char *dir);
/* Writes all files into the empty directory; with sync, syncs them and it. ERR_SYS. */
int certset_write(const struct certset *c, const char *dir, bool sync, struct err *e);

/* Says what to do about an error of the file system (probe.c). Has the value -1. */
int certfiles_advise_(struct err *e, const char *state_dir);

#endif
