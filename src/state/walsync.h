/*
 * walsync.h: waiting for the disk to have the database's log, here or on a thread of its own. With PRAGMA
 * synchronous=NORMAL a commit only writes to the log; what it wrote lasts once the log has been synced after it.
 */
#ifndef PERDURE_STATE_WALSYNC_H
#define PERDURE_STATE_WALSYNC_H

#include <stdbool.h>

struct err;
struct loop;
struct walsync;

/* path: of the log, which is there and stays while its database is open. ERR_SYS. */
int walsync_new(const char *path, struct walsync **ret, struct err *e);
/* Ends the thread, waiting for its sync; no callback. NULL is fine. */
void walsync_free(struct walsync *w);

/* Waits here. ERR_STORE. */
int walsync_now(struct walsync *w, struct err *e);

/*
 * Has the thread wait; done is called from l, never from inside: with NULL, or with ERR_STORE. One at a time. False
 * when the system gives us no thread or descriptor: nothing has begun.
 */
typedef void (*walsync_fn)(const struct err *failed, void *ctx);
bool walsync_start(struct walsync *w, struct loop *l, walsync_fn done, void *ctx);
/* Whether one has begun that has not been told. */
bool walsync_runs(const struct walsync *w);
/* Waits for it without a callback, and forgets the loop. */
void walsync_stop(struct walsync *w);

#endif
