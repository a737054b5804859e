/* memory.h: loads a configuration from strings, for the tests of this folder. */
#ifndef PERDURE_TESTS_CONFIG_MEMORY_H
#define PERDURE_TESTS_CONFIG_MEMORY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/load.h"

/* ctx is the content of every names file, or NULL when there is none. */
static inline int memory_read(void *ctx, const char *path, struct buf *out, struct err *e)
{
	errno = ENOENT;
	if (!ctx)
		return err_sys(e, "open %s", path);
	buf_puts(out, ctx);
	return 0;
}

static inline int memory_load(const char *yaml, const char *names, struct config **ret, struct err *e)
{
	struct load_source source = {.read = memory_read, .ctx = names ? xstrdup(names) : NULL};
	int r = load_text("/etc/perdure/p.yaml", yaml, strlen(yaml), &source, ret, e);
	free(source.ctx);
	return r;
}

#endif
