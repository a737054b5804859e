/* switch.c: names exchanged for links to ours, and back. */
#include "migrate/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"

char *switch_kept_name(const char *path)
{
	return xasprintf("%s.before-perdure", path);
}

enum kind { NOTHING, LINK, OTHER };

static enum kind kind_of(const char *path)
{
	struct stat st;
	if (lstat(path, &st))
		return NOTHING;
	return S_ISLNK(st.st_mode) ? LINK : OTHER;
}

bool switch_is_done(const char *path)
{
	AUTO(xfreep) char *kept = switch_kept_name(path);
	return kind_of(path) == LINK && kind_of(kept) == OTHER;
}

static int sync_parent(const char *path, struct err *e)
{
	AUTO(xfreep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	return fs_sync_dir(dir, e);
}

static int exchange(const char *path, const char *kept, struct err *e)
{
	if (renameat2(AT_FDCWD, kept, AT_FDCWD, path, RENAME_EXCHANGE)) {
		bool unable = errno == EINVAL || errno == ENOSYS;
		err_sys(e, "exchange %s with %s", path, kept);
		if (unable)
			err_hint(e, "this file system cannot exchange two names in one step; let the services read our "
				    "live/ folder instead");
		return -1;
	}
	return sync_parent(path, e);
}

static bool leads_to(const char *path, const char *target)
{
	char got[4096];
	ssize_t n = readlink(path, got, sizeof(got) - 1);
	if (n < 0)
		return false;
	got[n] = '\0';
	return !strcmp(got, target);
}

int switch_to(const char *path, const char *target, bool *ret_changed, struct err *e)
{
	AUTO(xfreep) char *kept = switch_kept_name(path);
	*ret_changed = false;
	if (switch_is_done(path) && leads_to(path, target))
		return 0;
	if (kind_of(path) != OTHER) {
		err_set(e, ERR_POLICY, "%s is %s: it is not replaced", path,
			kind_of(path) == LINK ? "a symbolic link that others made" : "not there");
		err_hint(e, "let what reads it read %s", target);
		return -1;
	}
	if (kind_of(kept) == OTHER) {
		err_set(e, ERR_POLICY, "%s is there already, and so is %s: nothing is replaced", kept, path);
		err_hint(e, "look which of the two is in use, and move the other away");
		return -1;
	}
	/* The link of a run that was killed before the exchange. */
	if (kind_of(kept) == LINK && unlink(kept))
		return err_sys(e, "remove %s", kept);
	if (symlink(target, kept))
		return err_sys(e, "make the link %s", kept);
	if (exchange(path, kept, e)) {
		if (kind_of(kept) == LINK)
			unlink(kept);
		return -1;
	}
	*ret_changed = true;
	return 0;
}

int switch_back(const char *path, bool *ret_changed, struct err *e)
{
	AUTO(xfreep) char *kept = switch_kept_name(path);
	*ret_changed = switch_is_done(path);
	if (*ret_changed && exchange(path, kept, e))
		return -1;
	/* The link, of this run or of one that was killed. */
	if (kind_of(kept) == LINK && unlink(kept))
		return err_sys(e, "remove %s", kept);
	return *ret_changed ? sync_parent(path, e) : 0;
}
