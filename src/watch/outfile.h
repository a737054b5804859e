/* outfile.h: a file that is written piece by piece and takes its name only when it is whole. */
#ifndef PERDURE_WATCH_OUTFILE_H
#define PERDURE_WATCH_OUTFILE_H

#include <stdio.h>

struct err;

struct outfile {
	char *path, *tmp;
	FILE *f; /* NULL when closed */
};

/* Opens a file beside path, for everybody to read (0644): nothing in it is secret. ERR_SYS. */
int outfile_open(const char *path, struct outfile *ret, struct err *e);
/* Syncs what was written and renames it over path. ERR_SYS; path is untouched then. */
int outfile_commit(struct outfile *o, struct err *e);
/* Removes what was written, unless it was committed. */
void outfile_done(struct outfile *o);

#endif
