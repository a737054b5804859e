/* telling.h: what the daemon tells: events of its own, its numbers, and messages after each run. */
#ifndef PERDURE_DAEMON_TELLING_H
#define PERDURE_DAEMON_TELLING_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct site;
struct telling_daemon;

/* Begins to listen for Prometheus and tells that the daemon has begun. failed (borrowed): whether the last run failed
 * as a whole. ERR_SYS, ERR_CONFIG, ERR_STORE. */
int telling_start(struct site *s, const bool *failed, struct telling_daemon **ret, struct err *e);
/* After a run of renewals; good: nothing of it failed. Messages go out while the daemon goes on. */
void telling_after_run(struct telling_daemon *t, bool good, bool clock_wrong);
/* After one that failed as a whole, as with a full disk: that is logged, and told at most once an hour. */
void telling_run_failed(struct telling_daemon *t, const struct err *why);
/* The clock of this machine has jumped by so many seconds. */
void telling_jump(struct telling_daemon *t, int64_t seconds);
/* A new configuration was not taken. */
void telling_refused(struct telling_daemon *t, const struct err *why);
/* Tells the end and releases it. NULL is fine. */
void telling_end(struct telling_daemon *t);

#endif
