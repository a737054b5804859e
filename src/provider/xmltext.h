/*
 * xmltext.h: the few elements that are wanted of a small XML document. Strict where it is read (elements closed in
 * order, entities that exist), and nothing but elements, attributes (which are skipped), text and the line
 * `<?xml …?>`: no document types, so no entities of its own, no CDATA, no comments, no processing instructions.
 */
#ifndef PERDURE_PROVIDER_XMLTEXT_H
#define PERDURE_PROVIDER_XMLTEXT_H

#include <stddef.h>

struct buf;
struct err;
struct xml;

enum { XML_DEPTH_MAX = 32, XML_ELEMENTS_MAX = 100000, XML_NAME_MAX = 100 };

/* Reads a document; *ret is its outermost element and needs xml_free(). what names it in the message. ERR_PARSE. */
int xml_parse(const void *p, size_t n, const char *what, struct xml **ret, struct err *e);
void xml_free(struct xml *x);
void xml_freep(struct xml **x);

/* The name of an element as it stands there, prefix included; "" of NULL. */
const char *xml_name(const struct xml *x);
/* The first element of that name directly in x, or NULL; NULL of NULL. */
const struct xml *xml_get(const struct xml *x, const char *name);
/* The next element of the same name beside x, or NULL. */
const struct xml *xml_next(const struct xml *x);
/* The text directly in it, entities resolved; "" of NULL. */
const char *xml_text(const struct xml *x);

/* Appends s as text of an element or value of an attribute. */
void xml_escape(struct buf *out, const char *s);

#endif
