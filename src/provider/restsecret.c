/* restsecret.c: the credentials of a client: kept in memory that is wiped, and masked out of what the other side says.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "provider/rest_internal.h"

/* A secret of fewer octets is too common a text to be masked; so many of a longer one show it, where words were cut. */
enum { SECRET_MAX = 64 << 10, MASK_LEAST = 4, PART_LEAST = 8 };

static void secret_free(struct rest_secret *s)
{
	free(s->name);
	secret_done(&s->line);
}

void rest_secrets_put(struct rest_secrets *all, const char *name, const char *before, const struct secret *s, bool sent)
{
	struct buf b = buf_make(SECRET_MAX);
	size_t i = 0;
	while (i < all->n && strcasecmp(all->v[i].name, name) != 0)
		i++;
	if (i < all->n)
		secret_free(&all->v[i]);
	else
		all->v = xreallocarray(all->v, ++all->n, sizeof(*all->v));
	buf_puts(&b, before);
	size_t at = b.n;
	buf_put(&b, s->p, s->n);
	all->v[i] = (struct rest_secret){
		.name = xstrdup(name), .line = secret_dup(buf_str(&b), b.n), .value_at = at, .sent = sent};
	buf_wipe(&b);
}

static void mask(char *text, const char *secret, size_t n)
{
	if (n < MASK_LEAST)
		return;
	for (char *p = text; (p = strchr(p, *secret));) {
		size_t same = 1;
		while (same < n && p[same] == secret[same])
			same++;
		if (same == n || same >= PART_LEAST) {
			memset(p, '*', same);
			p += same;
		} else {
			p++;
		}
	}
}

void rest_secrets_mask(const struct rest_secrets *all, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct rest_secret *h = &all->v[i];
		const char *s = (const char *)h->line.p + h->value_at;
		mask(e->msg, s, strlen(s));
		mask(e->hint, s, strlen(s));
	}
}

void rest_secrets_done(struct rest_secrets *all)
{
	for (size_t i = 0; i < all->n; i++)
		secret_free(&all->v[i]);
	free(all->v);
	*all = (struct rest_secrets){0};
}
