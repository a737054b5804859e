/* secret.c: octets that are wiped when released. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct secret secret_dup(const void *p, size_t n)
{
	struct secret s = {.p = xmalloc(n + 1), .n = n};
	if (n)
		memcpy(s.p, p, n);
	s.p[n] = '\0';
	return s;
}

void secret_done(struct secret *s)
{
	if (s->p)
		explicit_bzero(s->p, s->n);
	free(s->p);
	*s = (struct secret){0};
}
