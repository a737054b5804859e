/* jsontext.h: finding and changing members in compact JSON text of our own, for faults. */
#ifndef PERDURE_TESTCA_JSONTEXT_H
#define PERDURE_TESTCA_JSONTEXT_H

#include <stddef.h>

struct buf;

/*
 * The text of the first member of that name (at whatever depth) at or after `from`: its offsets go to the three. -1
 * when there is none. text must be JSON.
 */
int jsontext_find(const char *text, size_t n, size_t from, const char *member, size_t *ret_at, size_t *ret_value,
	size_t *ret_end);
/* Puts value in place of what each member of that name holds; NULL removes the members. */
void jsontext_set(struct buf *text, const char *member, const char *value);
/* Puts `to` in place of `from` everywhere; any text. */
void jsontext_replace(struct buf *text, const char *from, const char *to);

#endif
