/* scratch.h: a directory for one test, below $TMPDIR, and shorthands for files in it. */
#ifndef PERDURE_TESTS_SUPPORT_SCRATCH_H
#define PERDURE_TESTS_SUPPORT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"

/* Fails the test with the error's words when r is not 0. */
#define must(r, e)                                                                                                     \
	do {                                                                                                           \
		if (r)                                                                                                 \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, (e)->msg);                                           \
	} while (0)

static inline int scratch_make(void **state)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf("%s/perdure-state-XXXXXX", base ? base : "/tmp");
	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	struct err e = {0};
	int r = fs_remove_tree(*state, &e);
	free(*state);
	return r;
}

static inline char *scratch_read(const char *path)
{
	struct err e = {0};
	struct buf b = buf_make(64 << 20);
	must(fs_read(path, &b, &e), &e);
	buf_putc(&b, '\0');
	return buf_take(&b);
}

static inline void scratch_write(const char *path, const void *p, size_t n)
{
	struct err e = {0};
	must(fs_write_atomic(path, p, n, 0600, &e), &e);
}

static inline unsigned scratch_mode(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

#endif
