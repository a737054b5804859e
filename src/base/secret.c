/* secret.c: octets that are wiped when released. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

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

/* The limit is inherited by programs we start, "dumpable" is not; a core_pattern with a pipe goes by the latter alone.
 */
void secret_guard_process(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool secret_process_guarded(void)
{
	struct rlimit l;
	return !prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) && !getrlimit(RLIMIT_CORE, &l) && !l.rlim_cur;
}
