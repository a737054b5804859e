/* store.h: shorthands for tests with a store in a scratch directory; what fails ends the test. */
#ifndef PERDURE_TESTS_SUPPORT_STORE_H
#define PERDURE_TESTS_SUPPORT_STORE_H

#include "state/store.h"
#include "support/scratch.h"

static inline struct store *open_store(const char *dir)
{
	struct err e = {0};
	struct store *s = NULL;
	must(store_open(dir, false, &s, &e), &e);
	return s;
}

static inline void commit(struct store *s)
{
	struct err e = {0};
	must(store_commit(s, &e), &e);
}

static inline struct store *reopen(struct store *s, const char *dir)
{
	store_close(s);
	return open_store(dir);
}

static inline char *database(const char *dir)
{
	return xasprintf("%s/perdure.db", dir);
}

static inline void put_cert(struct store *s, const char *name, int64_t generation)
{
	struct err e = {0};
	struct store_cert c = {.name = xstrdup(name), .generation = generation};
	must(store_cert_put(s, &c, &e), &e);
	store_cert_done(&c);
}

/* -1 when there is no such certificate. */
static inline int64_t generation(struct store *s, const char *name)
{
	struct err e = {0};
	struct store_cert c;
	bool found;
	must(store_cert_get(s, name, &c, &found, &e), &e);
	if (!found)
		return -1;
	int64_t n = c.generation;
	store_cert_done(&c);
	return n;
}

#endif
