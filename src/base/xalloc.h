/*
 * xalloc.h: allocation of small things. These abort when memory is short: the state on disk is always consistent, so a
 * restart goes on where we stopped. Sizes that the network decides go through base/buf.h instead.
 */
#ifndef PERDURE_BASE_XALLOC_H
#define PERDURE_BASE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
/* The product is checked for overflow. */
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* AUTO(fn) type v: calls fn(&v) when v leaves its scope. */
#define AUTO(fn) __attribute__((cleanup(fn)))
/* For AUTO(): frees a heap pointer variable of any type. */
void xfreep(void *pp);
/* Hands an owned pointer out of an AUTO variable. */
#define TAKE(p)                                                                                                        \
	(__extension__({                                                                                               \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	}))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
