/* nonce.c: the nonces that have not been used. */
#include "acme/nonce.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static void drop_oldest(struct nonce_pool *p, size_t k)
{
	for (size_t i = 0; i < k; i++)
		free(p->v[i].nonce);
	p->n -= k;
	memmove(p->v, p->v + k, p->n * sizeof(*p->v));
}

void nonce_pool_put(struct nonce_pool *p, const char *nonce, int64_t now_ms)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t n = strspn(nonce, allowed);
	if (!n || nonce[n] || n > NONCE_MAX_LEN)
		return;
	if (p->n == NONCE_POOL_MAX)
		drop_oldest(p, 1);
	p->v[p->n].nonce = xstrndup(nonce, n);
	p->v[p->n++].since_ms = now_ms;
}

char *nonce_pool_take(struct nonce_pool *p, int64_t now_ms)
{
	size_t old = 0;
	while (old < p->n && now_ms - p->v[old].since_ms > NONCE_MAX_AGE_MS)
		old++;
	drop_oldest(p, old);
	/* The newest is the least likely to have been forgotten by the server. */
	return p->n ? p->v[--p->n].nonce : NULL;
}

void nonce_pool_done(struct nonce_pool *p)
{
	drop_oldest(p, p->n);
}
