/* strv.h: an owned list of strings. */
#ifndef PERDURE_BASE_STRV_H
#define PERDURE_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v; /* n owned strings; not NULL-terminated */
	size_t n;
	size_t cap;
};

void strv_done(struct strv *s);
/* Copies str to the end. */
void strv_add(struct strv *s, const char *str);
/* Takes ownership of str. */
void strv_add_take(struct strv *s, char *str);
bool strv_has(const struct strv *s, const char *str);
/* dst becomes a copy of src; the old content is released. */
void strv_copy(struct strv *dst, const struct strv *src);
/* Sorts by octets and drops repeated strings. */
void strv_sort_unique(struct strv *s);
/* Whether both hold the same strings, order aside (neither holds one twice). */
bool strv_same_set(const struct strv *a, const struct strv *b);
/* The strings with sep between them; heap, never NULL. */
char *strv_join(const struct strv *s, const char *sep);

#endif
