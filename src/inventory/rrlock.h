/* rrlock.h: one process of this host at a time changes an RRset, where the provider does not compare for us. */
#ifndef PERDURE_INVENTORY_RRLOCK_H
#define PERDURE_INVENTORY_RRLOCK_H

struct err;
struct fs_lock;

/*
 * Takes the lock of an owner name without waiting: a file in /run/lock, or /tmp where there is none, for each user and
 * name. ERR_BUSY (RETRY_LATER) when another process has it; ERR_SYS when the file cannot be made. Needs
 * rrlock_release(), or fs_lock_release() where the file may stay.
 */
int rrlock_take(struct fs_lock *l, const char *owner, struct err *e);
/* Gives it back and removes the file: /run/lock is small, and there may be many thousand names. */
void rrlock_release(struct fs_lock *l, const char *owner);

#endif
