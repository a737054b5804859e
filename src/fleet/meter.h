/*
 * meter.h: the numbers of an installation: what the state and the configuration say, beside what this process has
 * counted; kept over restarts, and as a file for the textfile collector of node_exporter.
 */
#ifndef PERDURE_FLEET_METER_H
#define PERDURE_FLEET_METER_H

#include <stdbool.h>

struct err;
struct metrics;
struct site;
struct store;

/* Adds what earlier processes have counted, from the state; once, before meter_save(). ERR_STORE. */
int meter_restore(struct site *s, struct err *e);
/* Remembers what is counted, for the next process, and commits. ERR_STORE. */
int meter_save(struct site *s, struct err *e);
/* Notes that everything due was looked at to the end; good: and nothing failed. ERR_STORE. */
int meter_ran(struct site *s, bool good, struct err *e);
/* Sets every number that is not counted: certificates, orders, the event log, the process. ERR_STORE. */
int meter_collect(struct site *s, struct err *e);
/* Writes m to the path in text form 0.0.4, whole or not at all, for everybody to read. ERR_SYS. */
int meter_write(const struct metrics *m, const char *path, struct err *e);

/* What the last audit of the configured names has counted, for the daemon, whose audits are processes of their own: put
 * into the state, and shown among the other numbers until it is hidden. The file of metrics.textfile must not have it:
 * an audit writes one beside that. ERR_STORE. */
int meter_audit_keep(struct store *st, const struct metrics *audit, struct err *e);
int meter_audit_show(struct site *s, struct err *e);
void meter_audit_hide(struct site *s);

/* All of it at the end of a run, if the configuration has metrics.textfile; what fails is warned of. */
void meter_end_of_run(struct site *s, bool good);

#endif
