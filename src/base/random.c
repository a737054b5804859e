/* random.c: randomness from the kernel. */
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_octets(void *p, size_t n)
{
	uint8_t *at = p;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			perror("perdure: getrandom");
			abort();
		}
		at += got;
		n -= (size_t)got;
	}
}

uint64_t random_below(uint64_t bound)
{
	uint64_t v, limit = UINT64_MAX - UINT64_MAX % bound;
	do
		random_octets(&v, sizeof(v));
	while (v >= limit);
	return v % bound;
}
