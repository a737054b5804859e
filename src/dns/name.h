/*
 * name.h: domain names as text: lower case, no dot at the end, "" for the root, special octets escaped as in master
 * files (RFC 1035 section 5.1). A dot behind a backslash separates nothing.
 */
#ifndef PERDURE_DNS_NAME_H
#define PERDURE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	NAME_WIRE_MAX = 255, /* octets of a name in a message */
	NAME_TEXT_MAX = 4 * NAME_WIRE_MAX + 1,
};

/* The name without its first label, a pointer into name; "" for a name of one label, NULL for the root. */
const char *name_parent(const char *name);
/* How many labels it has; 0 for the root. */
unsigned name_labels(const char *name);
/* The last n labels of name, a pointer into it; the whole name when it has no more. */
const char *name_suffix(const char *name, unsigned n);
/* Whether name is zone itself or below it. */
bool name_within(const char *name, const char *zone);
/* Lower-cases ASCII letters in place. */
void name_lower(char *name);
/*
 * The text of a name without pointers of at most n octets on the wire; letters stay as they are. Gives the length of
 * the text, 0 for the root. Data that is no name is read as far as it is one.
 */
size_t name_from_wire(const uint8_t *p, size_t n, char out[static NAME_TEXT_MAX]);

/* The name in wire form (RFC 1035 section 3.1), uncompressed; *ret_n octets. ERR_PARSE for a name that is none. */
int name_wire(const char *name, uint8_t out[static NAME_WIRE_MAX], size_t *ret_n, struct err *e);

#endif
