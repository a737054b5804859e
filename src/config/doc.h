/* doc.h: one YAML file in memory, with the parts of YAML refused that a configuration has no use for. */
#ifndef PERDURE_CONFIG_DOC_H
#define PERDURE_CONFIG_DOC_H

#include <stddef.h>

#include "base/err.h"
#include "config/config.h"

/* An error of the operator's at a place: "FILE:LINE:COLUMN: …". m is a pointer to a struct config_mark. */
#define CONFIG_ERROR(e, m, fmt, ...)                                                                                   \
	err_set((e), ERR_CONFIG, "%s:%d:%d: " fmt, (m)->file, (m)->line, (m)->column, ##__VA_ARGS__)

enum doc_kind { DOC_SCALAR, DOC_SEQUENCE, DOC_MAPPING };

/* A parsed file. Nodes are numbered; their strings live as long as the document. */
struct doc;

/*
 * Parses a file's content (UTF-8, a byte order mark is skipped). Refuses malformed YAML, NUL and other control
 * characters, anchors, aliases, tags, a second document, and nesting deeper than any configuration has. file is
 * borrowed for marks. ERR_CONFIG.
 */
int doc_parse(const char *file, const char *p, size_t n, struct doc **ret, struct err *e);
void doc_free(struct doc *d);
void doc_freep(struct doc **d);

/* The outermost node, or 0 when the file has no content. */
int doc_root(const struct doc *d);
enum doc_kind doc_kind(const struct doc *d, int node);
/* "a map", "a list", "text": for messages. */
const char *doc_kind_name(const struct doc *d, int node);
struct config_mark doc_mark(const struct doc *d, int node);
/* A scalar's text; never NULL and without control characters but line breaks and tabs. */
const char *doc_text(const struct doc *d, int node);
/* Whether a scalar is plain, that is, in no kind of quotes. */
bool doc_plain(const struct doc *d, int node);
/* Whether a scalar is plain and says "nothing": empty, "~" or "null". */
bool doc_null(const struct doc *d, int node);
/* Number of elements of a sequence or of pairs of a mapping. */
size_t doc_count(const struct doc *d, int node);
int doc_item(const struct doc *d, int node, size_t i);
void doc_pair(const struct doc *d, int node, size_t i, int *ret_key, int *ret_value);

#endif
