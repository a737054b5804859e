/* secret.h: octets that are wiped when released. A type of its own, so that it does not slip into a format string. */
#ifndef PERDURE_BASE_SECRET_H
#define PERDURE_BASE_SECRET_H

#include <stdbool.h>
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

/*
 * From now on this process leaves no core file, whatever the limits and the kernel's core_pattern say, and only root
 * can attach to it or read its memory. The programs it starts have a limit of 0 for core files. For the start of a
 * program.
 */
void secret_guard_process(void);
/* Whether that is so. */
bool secret_process_guarded(void);

#endif
