/* memfile.h: octets as a file with a path, for entries that read files. */
#ifndef PERDURE_FUZZ_MEMFILE_H
#define PERDURE_FUZZ_MEMFILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMFILE_PATH = 64 };

/* Gives the descriptor, to be closed; the path holds as long as it is open. */
static inline int memfile(const uint8_t *data, size_t n, char path[static MEMFILE_PATH])
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || (n && write(fd, data, n) != (ssize_t)n))
		abort();
	snprintf(path, MEMFILE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
