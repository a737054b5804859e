/* schema.h: the tables of the database, its version, and who may open it. */
#ifndef PERDURE_STATE_SCHEMA_H
#define PERDURE_STATE_SCHEMA_H

#include <stdbool.h>

struct err;
struct sq;

/*
 * Whether the main file of the database may be opened at all. Nothing is written, no file appears beside it. ERR_STORE:
 * it is no database, belongs to another program, or its schema is newer than ours.
 */
int schema_check_file(const char *path, struct err *e);
/* The same question to a connection (which also sees what is still in the write-ahead log). *ret_empty: there is no
 * table yet. */
int schema_check(struct sq *q, bool *ret_empty, struct err *e);
/* Walks all pages: a damaged database is refused before it is written to. ERR_STORE. */
int schema_check_pages(struct sq *q, struct err *e);
/* Sets the connection up for writing, and makes the tables if there are none. */
int schema_prepare(struct sq *q, struct err *e);

#endif
