/* schema.h: the tables of the database, its version, and who may open it. */
#ifndef PERDURE_STATE_SCHEMA_H
#define PERDURE_STATE_SCHEMA_H

struct err;
struct sq;

/*
 * Whether the main file of the database may be opened at all. Nothing is written, no file appears beside it. ERR_STORE:
 * it is no database, belongs to another program, or its schema is newer than ours.
 */
int schema_check_file(const char *path, struct err *e);
/* The same question to a connection (which also sees what is still in the write-ahead log). *ret_version: of the
 * tables, 1 to STORE_SCHEMA; 0 when there is none yet. */
int schema_check(struct sq *q, int *ret_version, struct err *e);
/* For who may only read: tables of an older version cannot be. Always -1, ERR_STORE. */
int schema_refuse_older(const struct sq *q, int version, struct err *e);
/* Walks all pages, and looks whether the tables are those of the version (0: none yet): a damaged database is refused
 * before it is written to. ERR_STORE (STORE_DAMAGED). */
int schema_check_pages(struct sq *q, int version, struct err *e);
/* Sets the connection up for writing, makes the tables if there are none, and brings older ones up to date. */
int schema_prepare(struct sq *q, struct err *e);

#endif
