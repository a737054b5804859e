/* probe.c: what keeps files from being written into the state directory, and what to do about it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "state/certfiles.h"
#include "state/certset.h"

/* What a generation, its neighbours being written, and the database's log may need. */
enum { ROOM_OCTETS = 1 << 20, ROOM_FILES = 16 };

int certfiles_advise_(struct err *e, const char *state_dir)
{
	switch (e->kind == ERR_SYS ? e->code : 0) {
	case EACCES:
	case EPERM:
		err_hint(e, "run as the user who owns %s", state_dir);
		break;
	case EROFS:
		err_hint(e, "%s is mounted read-only: remount it for writing, or name another state directory",
			state_dir);
		break;
	case EIO:
		err_hint(e, "check the disk under %s; what is live was not touched", state_dir);
		break;
	default:
		break;
	}
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int check_room(const char *state_dir, struct err *e)
{
	struct statvfs st;
	if (statvfs(state_dir, &st))
		return err_sys(e, "look at the file system of %s", state_dir);
	errno = EROFS;
	if (st.f_flag & ST_RDONLY)
		return err_sys(e, "write into %s", state_dir);
	uint64_t blocks = geteuid() ? st.f_bavail : st.f_bfree;
	uint64_t octets = blocks * st.f_frsize;
	errno = ENOSPC;
	if (octets < ROOM_OCTETS)
		return err_sys(e, "%llu KiB are free on the file system of %s, %d are needed",
			(unsigned long long)octets / 1024, state_dir, ROOM_OCTETS / 1024);
	/* Some file systems make inodes as they need them, and say 0. */
	if (st.f_files && (geteuid() ? st.f_favail : st.f_ffree) < ROOM_FILES)
		return err_sys(e, "no more files can be made on the file system of %s (no inodes left)", state_dir);
	return 0;
}

static int check_rights(const char *state_dir, const char *sub, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/%s", state_dir, sub);
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) && errno != ENOENT)
		return err_sys(e, "write into %s", dir);
	return 0;
}

/* Without a name where the file system can do that, so that nothing is left behind by a run that is killed here. */
static int open_probe(const char *state_dir, char **ret_named, struct err *e)
{
	int fd = open(state_dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL))
		return fd >= 0 ? fd : err_sys(e, "write into %s", state_dir);
	AUTO(xfreep) char *path = xasprintf("%s/.probe", state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "write into %s", path);
	*ret_named = TAKE(path);
	return fd;
}

/* Quotas and disks that fail show only when something is written. */
static int write_something(const char *state_dir, struct err *e)
{
	char block[4096];
	AUTO(xfreep) char *named = NULL;
	memset(block, 'x', sizeof(block));
	int fd = open_probe(state_dir, &named, e);
	if (fd < 0)
		return -1;
	errno = ENOSPC; /* what a short write means */
	int r = write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fsync(fd);
	if (r)
		err_sys(e, "write into %s", state_dir);
	close(fd);
	/* Where nothing can be removed, nothing can be replaced either. */
	if (named && unlink(named) && !r)
		r = err_sys(e, "remove %s", named);
	return r ? -1 : 0;
}

int certfiles_probe(const char *state_dir, struct err *e)
{
	if (check_room(state_dir, e) || check_rights(state_dir, "archive", e) || check_rights(state_dir, "live", e) ||
		write_something(state_dir, e)) {
		err_ctx(e, "the state directory cannot take a certificate");
		return certfiles_advise_(e, state_dir);
	}
	return 0;
}
