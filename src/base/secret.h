/* secret.h: octets that are wiped when released. A type of its own, so that it does not slip into a format string. */
#ifndef PERDURE_BASE_SECRET_H
#define PERDURE_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct secret {
	uint8_t *p; /* owned; NUL after the n octets */
	size_t n;
};

/* Copies n octets. */
struct secret secret_dup(const void *p, size_t n);
void secret_done(struct secret *s);

#endif
