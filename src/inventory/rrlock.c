/* rrlock.c: lock files for names in the DNS. */
#include "inventory/rrlock.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/jose.h"

enum { HASH_OCTETS = 16, HEX_MAX = 64 };

static char *path_of(const char *owner)
{
	AUTO(buf_done) struct buf hex = buf_make(HEX_MAX);
	uint8_t hash[32];
	jose_sha256(owner, strlen(owner), hash);
	codec_hex(&hex, hash, HASH_OCTETS);
	const char *dir = access("/run/lock", W_OK) == 0 ? "/run/lock" : "/tmp";
	return xasprintf("%s/perdure-%lu-%s.lock", dir, (unsigned long)geteuid(), buf_str(&hex));
}

/* Whether the file that is locked still has its name: whoever had it before may have removed it meanwhile. */
static bool is_named(const struct fs_lock *l, const char *path)
{
	struct stat mine, named;
	return !fstat(l->fd, &mine) && !lstat(path, &named) && mine.st_dev == named.st_dev &&
	       mine.st_ino == named.st_ino;
}

int rrlock_take(struct fs_lock *l, const char *owner, struct err *e)
{
	AUTO(xfreep) char *path = path_of(owner);
	bool taken = !fs_lock_take(l, path, 0, NULL, e);
	if (taken && is_named(l, path))
		return 0;
	fs_lock_release(l);
	if (taken || e->kind == ERR_BUSY) {
		err_set(e, ERR_BUSY, "another process is at work on %s (%s)", owner, path);
		err_retry(e, RETRY_LATER, 0);
	}
	return -1;
}

void rrlock_release(struct fs_lock *l, const char *owner)
{
	if (l->fd < 0)
		return;
	AUTO(xfreep) char *path = path_of(owner);
	if (is_named(l, path))
		unlink(path);
	fs_lock_release(l);
}
