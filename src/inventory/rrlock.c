/* rrlock.c: lock files for names in the DNS. */
#include "inventory/rrlock.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/jose.h"

enum { HASH_OCTETS = 16, HEX_MAX = 64 };

int rrlock_take(struct fs_lock *l, const char *owner, struct err *e)
{
	AUTO(buf_done) struct buf hex = buf_make(HEX_MAX);
	uint8_t hash[32];
	jose_sha256(owner, strlen(owner), hash);
	codec_hex(&hex, hash, HASH_OCTETS);
	const char *dir = access("/run/lock", W_OK) == 0 ? "/run/lock" : "/tmp";
	AUTO(xfreep) char *path = xasprintf("%s/perdure-%lu-%s.lock", dir, (unsigned long)geteuid(), buf_str(&hex));
	if (!fs_lock_take(l, path, 0, NULL, e))
		return 0;
	if (e->kind == ERR_BUSY) {
		err_set(e, ERR_BUSY, "another process is at work on %s (%s)", owner, path);
		err_retry(e, RETRY_LATER, 0);
	}
	return -1;
}
