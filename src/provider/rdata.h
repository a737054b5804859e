/*
 * rdata.h: record data as text in master-file form (RFC 1035 section 5.1): one line, always in the same spelling.
 * TXT: each character-string in quotes, one blank between them, `"` and `\` behind a backslash, octets outside
 * printable ASCII as \DDD. CNAME: the target in lower case with a dot at its end. CAA: `FLAGS TAG "VALUE"`.
 */
#ifndef PERDURE_PROVIDER_RDATA_H
#define PERDURE_PROVIDER_RDATA_H

#include <stdbool.h>
#include <stddef.h>

#include "provider/provider.h"

struct buf;
struct dns_txt;
struct err;

enum { RDATA_STRING_MAX = 255, RDATA_MAX = 65535 };

/* A TXT value of these octets, split into strings of 255 where it is longer. Heap string. */
char *rdata_from_text(const void *p, size_t n);
/* A TXT value of these character-strings. Heap string. */
char *rdata_from_txt(const struct dns_txt *t);
/* The target of a CNAME (with a dot at its end or without). Heap string. */
char *rdata_from_target(const char *name);
/*
 * Reads what a provider or a person wrote (TXT strings in quotes, or bare words; more than one blank; \DDD) into the
 * one spelling. ERR_PARSE says what is wrong. Heap string in *ret.
 */
int rdata_parse(enum provider_type type, const char *text, char **ret, struct err *e);

/* Appends the octets of all strings of a TXT value, joined. The data must be in the one spelling. */
void rdata_text(const char *data, struct buf *out);
/* The strings of a TXT value. ret needs dns_txt_done(). The data must be in the one spelling. */
void rdata_txt(const char *data, struct dns_txt *ret);
/* Whether two values mean the same: of TXT the joined octets count, not where they are split. */
bool rdata_same(enum provider_type type, const char *a, const char *b);

/* Appends the wire form. ERR_PARSE for a target that is no name. The data must be in the one spelling. */
int rdata_wire(enum provider_type type, const char *data, struct buf *out, struct err *e);
struct message_rr;
/* The data of a record of an answer, of one of our types. ERR_PARSE for damaged data. Heap string in *ret. */
int rdata_from_rr(const struct message_rr *rr, char **ret, struct err *e);

#endif
