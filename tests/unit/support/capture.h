/* capture.h: what a piece of a test writes to stderr. Needs a scratch directory. */
#ifndef PERDURE_TESTS_SUPPORT_CAPTURE_H
#define PERDURE_TESTS_SUPPORT_CAPTURE_H

#include <fcntl.h>

#include "scratch.h"

struct capture {
	char *path;
	int old;
};

static inline struct capture capture_begin(const char *dir)
{
	struct capture c = {.path = xasprintf("%s/stderr", dir), .old = dup(STDERR_FILENO)};
	int fd = open(c.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(c.old >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	return c;
}

/* What was written since; heap. */
static inline char *capture_end(struct capture *c)
{
	assert_int_equal(dup2(c->old, STDERR_FILENO), STDERR_FILENO);
	close(c->old);
	char *text = scratch_read(c->path);
	free(c->path);
	return text;
}

#endif
