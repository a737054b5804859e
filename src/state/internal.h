/* internal.h: what store.c and the files with rows share. */
#ifndef PERDURE_STATE_INTERNAL_H
#define PERDURE_STATE_INTERNAL_H

struct err;
struct sq;
struct store;

/* Where the kept statements of each file begin (sq_begin()). */
enum { STORE_SLOT_ROWS = 0, STORE_SLOT_DEPLOY = 32, STORE_SLOT_VALUE = 40, STORE_SLOT_TELL = 56 };

/* The connection, for reading. */
struct sq *store_db_(struct store *s);
/* Opens the transaction if there is none and has its commit come. -1: nothing may be written. */
int store_write_begin_(struct store *s, struct err *e);
/* Takes the result r of the write. An error that ends the transaction undoes all of it, and is kept for those who wait
 * for the commit. Returns r. */
int store_write_end_(struct store *s, int r, struct err *e);

#endif
