/* overlap.c: names that several certificates have. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"

enum { TOLD_MAX = 100 };

struct use {
	const char *name;
	const struct config_cert *cert;
};

static int by_name(const void *a, const void *b)
{
	const struct use *x = a;
	const struct use *y = b;
	int r = strcmp(x->name, y->name);
	return r ? r : (x->cert > y->cert) - (x->cert < y->cert);
}

/* An RSA key beside an EC key, or a certificate from each of two CAs, is wanted so. */
static bool wanted_so(const struct config_cert *a, const struct config_cert *b)
{
	if (strcmp(a->key, b->key) != 0)
		return true;
	for (size_t i = 0; i < a->cas.n; i++)
		if (strv_has(&b->cas, a->cas.v[i]))
			return false;
	return true;
}

static void tell(const struct use *u, const struct config_cert *other, struct strv *ret)
{
	const struct config_mark *m = &u->cert->mark;
	strv_add_take(ret, xasprintf("%s:%d:%d: %s is in the certificates %s and %s: both go by the same records, and "
				     "each order counts at the CA",
				   m->file, m->line, m->column, u->name, other->name, u->cert->name));
}

void config_overlaps(const struct config *c, struct strv *ret)
{
	size_t n = 0;
	size_t told = 0;
	for (size_t i = 0; i < c->n_certs; i++)
		n += c->certs[i].names.n;
	struct use *all = xcalloc(n + 1, sizeof(*all));
	n = 0;
	for (size_t i = 0; i < c->n_certs; i++)
		for (size_t j = 0; j < c->certs[i].names.n; j++)
			all[n++] = (struct use){c->certs[i].names.v[j], &c->certs[i]};
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (strcmp(all[i].name, all[first].name) != 0)
			first = i;
		for (size_t j = first; j < i && told < TOLD_MAX; j++) {
			if (wanted_so(all[j].cert, all[i].cert))
				continue;
			tell(&all[i], all[j].cert, ret);
			told++;
			break;
		}
	}
	free(all);
}
