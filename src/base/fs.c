/* fs.c: files that are either old or new, never half. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/xalloc.h"

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int read_fd(int fd, const char *path, struct buf *out, struct err *e)
{
	char chunk[16384];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read %s", path);
		if (n == 0)
			break;
		buf_put(out, chunk, (size_t)n);
		if (out->bad)
			break;
	}
	explicit_bzero(chunk, sizeof(chunk));
	return buf_check(out, path, e);
}

int fs_read(const char *path, struct buf *out, struct err *e)
{
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	return read_fd(fd, path, out, e);
}

int fs_read_regular(const char *path, struct buf *out, struct err *e)
{
	/* Without O_NONBLOCK a named pipe would make us wait for its writer. */
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "open %s", path);
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return err_sys(e, "%s is not a regular file", path);
	}
	return read_fd(fd, path, out, e);
}

int fs_read_secrets(const char *path, size_t max, struct secret *ret, struct err *e)
{
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP) {
		err_set(e, ERR_CONFIG, "the secret file %s is a symbolic link", path);
		err_hint(e, "name the file itself");
		return -1;
	}
	if (fd < 0)
		return err_sys(e, "open the secret file %s", path);
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(e, "look at the secret file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "the secret file %s is not a regular file", path);
	if (st.st_mode & 077) {
		err_set(e, ERR_CONFIG, "the secret file %s can be read by others (mode %04o)", path,
			st.st_mode & 07777);
		err_hint(e, "chmod 600 %s", path);
		return -1;
	}
	AUTO(buf_wipe) struct buf b = buf_make(max);
	if (read_fd(fd, path, &b, e))
		return -1;
	size_t n = b.n;
	if (n && b.p[n - 1] == '\n')
		n--;
	if (!n) {
		err_set(e, ERR_CONFIG, "the secret file %s is empty", path);
		err_hint(e, "write the secret into %s, or take the file out of the configuration", path);
		return -1;
	}
	*ret = secret_dup(buf_str(&b), n);
	return 0;
}

int fs_read_secret(const char *path, struct secret *ret, struct err *e)
{
	return fs_read_secrets(path, 64 << 10, ret, e);
}

int fs_write_all(int fd, const void *p, size_t n)
{
	for (const char *at = p; n;) {
		ssize_t put = write(fd, at, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

static int sync_fd(int fd)
{
	int r;
	do
		r = fsync(fd);
	while (r && errno == EINTR);
	return r;
}

int fs_create_synced(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	AUTO(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(e, "create %s", path);
	FAULT("fs.created");
	/* The umask may have taken bits that were asked for. */
	if (fchmod(fd, mode) || fs_write_all(fd, p, n) || sync_fd(fd)) {
		err_sys(e, "write %s", path);
		unlink(path);
		return -1;
	}
	FAULT("fs.synced");
	return 0;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int fs_sync_dir(const char *path, struct err *e)
{
	AUTO(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the directory %s", path);
	if (sync_fd(fd))
		return err_sys(e, "sync the directory %s", path);
	return 0;
}

static char *temporary_beside(const char *path)
{
	uint64_t r;
	random_octets(&r, sizeof(r));
	return xasprintf("%s.%016llx.tmp", path, (unsigned long long)r);
}

int fs_rename(const char *from, const char *path, struct err *e)
{
	AUTO(xfreep) char *dir = parent_of(path);
	FAULT("fs.before-rename");
	if (rename(from, path))
		return err_sys(e, "rename %s to %s", from, path);
	FAULT("fs.renamed");
	return fs_sync_dir(dir, e);
}

/* Puts tmp in path's place; tmp is gone either way. */
static int switch_in(const char *tmp, const char *path, struct err *e)
{
	if (!fs_rename(tmp, path, e))
		return 0;
	unlink(tmp);
	return -1;
}

int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	AUTO(xfreep) char *tmp = temporary_beside(path);
	if (fs_create_synced(tmp, p, n, mode, e))
		return -1;
	return switch_in(tmp, path, e);
}

/* mkdir(2); that there is a directory already is no error. */
static int make_directory(const char *path, mode_t mode, bool *ret_made)
{
	struct stat st;
	*ret_made = !mkdir(path, mode);
	if (*ret_made)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return -1;
}

int fs_mkdir(const char *path, mode_t mode, struct err *e)
{
	bool made;
	if (make_directory(path, mode, &made))
		return err_sys(e, "make the directory %s", path);
	if (!made)
		return 0;
	/* Not chmod(2): whoever may rename it could put a link in its place meanwhile. */
	AUTO(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || fchmod(fd, mode) ? err_sys(e, "make the directory %s", path) : 0;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	bool made;
	if (!make_directory(path, mode, &made))
		return 0;
	if (errno != ENOENT)
		return err_sys(e, "make the directory %s", path);
	AUTO(xfreep) char *up = parent_of(path);
	if (!strcmp(up, path) || fs_mkdirs(up, mode, e))
		return -1;
	if (mkdir(path, mode) && errno != EEXIST)
		return err_sys(e, "make the directory %s", path);
	return 0;
}

int fs_symlink_put(const char *target, const char *linkpath, struct err *e)
{
	/* One fixed name, so that what a killed process left behind goes with the next switch. */
	const char *slash = strrchr(linkpath, '/');
	const char *base = slash ? slash + 1 : linkpath;
	AUTO(xfreep) char *tmp = xasprintf("%.*s.%s.tmp", (int)(base - linkpath), linkpath, base);
	if (symlink(target, tmp) && (errno != EEXIST || unlink(tmp) || symlink(target, tmp)))
		return err_sys(e, "make the symbolic link %s", tmp);
	FAULT("fs.before-rename");
	if (!rename(tmp, linkpath)) {
		FAULT("fs.renamed");
		return 0;
	}
	err_sys(e, "rename %s to %s", tmp, linkpath);
	unlink(tmp);
	return -1;
}

int fs_symlink_switch(const char *target, const char *linkpath, struct err *e)
{
	AUTO(xfreep) char *dir = parent_of(linkpath);
	return fs_symlink_put(target, linkpath, e) || fs_sync_dir(dir, e) ? -1 : 0;
}

int fs_remove_tree(const char *path, struct err *e)
{
	if (!unlink(path) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove %s", path);
	DIR *d = opendir(path);
	if (!d)
		return err_sys(e, "open the directory %s", path);
	int r = 0;
	for (struct dirent *f; !r && (f = readdir(d));) {
		if (!strcmp(f->d_name, ".") || !strcmp(f->d_name, ".."))
			continue;
		AUTO(xfreep) char *sub = xasprintf("%s/%s", path, f->d_name);
		r = fs_remove_tree(sub, e);
	}
	closedir(d);
	if (!r && rmdir(path))
		return err_sys(e, "remove the directory %s", path);
	return r;
}

bool fs_exists(const char *path)
{
	struct stat st;
	return !lstat(path, &st);
}

static pid_t lock_holder(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int fs_lock_take(struct fs_lock *l, const char *path, int64_t wait_ms, void (*waiting)(pid_t holder), struct err *e)
{
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return err_sys(e, "open the lock %s", path);
	int64_t end = clk_mono(clk_real()) + wait_ms;
	for (bool told = false; flock(l->fd, LOCK_EX | LOCK_NB); told = true) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_sys(e, "lock %s", path);
			fs_lock_release(l);
			return -1;
		}
		pid_t holder = lock_holder(l->fd);
		if (clk_mono(clk_real()) >= end) {
			err_set(e, ERR_BUSY, "another perdure (process %ld) is at work on the same state (%s)",
				(long)holder, path);
			err_hint(e, "wait until it has ended, then run the same command again");
			err_retry(e, RETRY_LATER, 0);
			fs_lock_release(l);
			return -1;
		}
		if (!told && waiting)
			waiting(holder);
		poll(NULL, 0, 50);
	}
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* The pid only serves messages: a full disk must not keep us from working. */
	if (ftruncate(l->fd, 0) || pwrite(l->fd, text, (size_t)n, 0) != n)
		return 0;
	return 0;
}

void fs_lock_release(struct fs_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
