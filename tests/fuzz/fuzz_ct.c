/*
 * fuzz_ct.c: any octets as certificates from the logs, and behind the first NUL as a list of serial numbers: what is
 * read can be found again by each of its names.
 */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "memfile.h"
#include "watch/ct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct search {
	struct ct *ct;
	const struct ct_entry *wanted;
	bool found;
	size_t n;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static int read_part(struct ct *c, const uint8_t *p, size_t n, int (*fn)(struct ct *c, const char *path, struct err *e))
{
	char path[MEMFILE_PATH];
	struct err e = {0};
	int fd = memfile(p, n, path);
	int rc = fn(c, path, &e);
	must(!rc == !err_is(&e));
	err_done(&e);
	close(fd);
	return rc;
}

static void see(const struct ct_entry *t, void *ctx)
{
	struct search *s = ctx;
	s->found |= t == s->wanted;
	s->n++;
	must(t->serial && t->issuer && t->id);
	ct_issuer_is(t->issuer, "CA One");
	must(!t->issuer[0] || ct_issuer_is(t->issuer, t->issuer));
}

/* Each certificate below any name, by its own names. */
static void find_again(const struct ct_entry *t, void *ctx)
{
	struct search *all = ctx;
	for (size_t i = 0; i < t->names.n && i < 8; i++) {
		struct search s = {.wanted = t};
		const char *name = t->names.v[i];
		ct_each(all->ct, name, true, see, &s);
		must(s.found);
		must(s.n <= ct_count(all->ct));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const roots[] = {"test", "com", "example.com", "www.example.com"};
	if (size > 65535)
		return 0;
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	struct ct *c = ct_new();
	int rc = read_part(c, data, n, ct_read);
	if (nul)
		rc |= read_part(c, nul + 1, size - n - 1, ct_read_known);
	if (!rc) {
		struct search all = {.ct = c};
		ct_ready(c);
		for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
			ct_each(c, roots[i], true, find_again, &all);
	}
	ct_free(c);
	return 0;
}
