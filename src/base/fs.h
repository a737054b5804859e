/* fs.h: files that are either old or new, never half. Paths are absolute or relative to the working directory. */
#ifndef PERDURE_BASE_FS_H
#define PERDURE_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;
struct secret;

/* Reads the whole file into out (capped by out's maximum). ERR_SYS, ERR_LIMIT. */
int fs_read(const char *path, struct buf *out, struct err *e);
/* The same, but refuses what is no regular file (ERR_SYS), instead of waiting for the writer of a pipe. Links are
 * followed. */
int fs_read_regular(const char *path, struct buf *out, struct err *e);
/*
 * Reads a secret file: refuses a symbolic link at the last component, anything but a regular file, a file that group or
 * others have any right to, and an empty one (ERR_CONFIG with what to do about it). At most 64 KiB; one trailing
 * newline is dropped. ret needs secret_done().
 */
int fs_read_secret(const char *path, struct secret *ret, struct err *e);
/* The same for a file that holds many: at most max octets. */
int fs_read_secrets(const char *path, size_t max, struct secret *ret, struct err *e);
/*
 * Writes a new file of the given mode beside path, syncs it, renames it over path and syncs the directory. Whoever
 * reads path sees the old content or the new one, also after a crash. ERR_SYS; path is untouched then.
 */
int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode, struct err *e);
/* Writes all of it to fd, however many calls that takes. -1 with errno; a part may have been written then. */
int fs_write_all(int fd, const void *p, size_t n);
/* Creates path (which must not exist) with the content and syncs it; the directory is left to the caller. */
int fs_create_synced(const char *path, const void *p, size_t n, mode_t mode, struct err *e);
/* Makes one directory with exactly that mode, whatever the umask; an existing one is left as it is. ERR_SYS. */
int fs_mkdir(const char *path, mode_t mode, struct err *e);
/* Makes the directory and its parents with the mode; existing ones are left as they are. */
int fs_mkdirs(const char *path, mode_t mode, struct err *e);
/* Renames from to path, in the same directory, and syncs that. ERR_SYS; from is left as it is then. */
int fs_rename(const char *from, const char *path, struct err *e);
/* Syncs a directory, so that the names in it last. */
int fs_sync_dir(const char *path, struct err *e);
/* Makes linkpath a symbolic link to target in one step (by the way of .NAME.tmp beside it, whoever made that),
 * replacing an older link. */
int fs_symlink_put(const char *target, const char *linkpath, struct err *e);
/* The same, and syncs the directory. */
int fs_symlink_switch(const char *target, const char *linkpath, struct err *e);
/* Removes a file or a directory tree; that it is not there is no error. Symbolic links are removed, not followed. */
int fs_remove_tree(const char *path, struct err *e);
bool fs_exists(const char *path);

/* An exclusive lock on a file; the holder's process id is written into it. It ends with the process. */
struct fs_lock {
	int fd; /* -1 when not held */
};
/*
 * Takes the lock at path, waiting up to wait_ms (the first wait is told through `waiting`, which may be NULL, with the
 * holder's pid or 0). ERR_BUSY names the holder; ERR_SYS.
 */
int fs_lock_take(struct fs_lock *l, const char *path, int64_t wait_ms, void (*waiting)(pid_t holder), struct err *e);
void fs_lock_release(struct fs_lock *l);

#endif
