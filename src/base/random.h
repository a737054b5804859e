/* random.h: randomness from the kernel. */
#ifndef PERDURE_BASE_RANDOM_H
#define PERDURE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills p with n octets; aborts when the kernel refuses. */
void random_octets(void *p, size_t n);
/* A number from 0 to bound - 1; bound is at least 1. */
uint64_t random_below(uint64_t bound);

#endif
