/* codec.h: base64url (RFC 4648 section 5, no padding), base64 and hexadecimal. */
#ifndef PERDURE_BASE_CODEC_H
#define PERDURE_BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/* Appends the base64url form, without padding. */
void codec_b64url(struct buf *out, const void *p, size_t n);
/* The same as a heap string. */
char *codec_b64url_str(const void *p, size_t n);
/* Appends base64 with padding. */
void codec_b64(struct buf *out, const void *p, size_t n);
/* Appends lower-case hexadecimal. */
void codec_hex(struct buf *out, const void *p, size_t n);
/* Decodes strict base64url: no padding, no white space, no stray bits. -1 with ERR_PARSE otherwise. */
int codec_b64url_decode(struct buf *out, const char *s, size_t n, struct err *e);

/* Decodes strict base64 with its padding; white space is passed over. -1 with ERR_PARSE otherwise. */
int codec_b64_decode(struct buf *out, const char *s, size_t n, struct err *e);

#endif
