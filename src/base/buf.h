/*
 * buf.h: a growable byte buffer with a maximum. Writing past the maximum (or without memory) latches `bad`, drops the
 * content's growth and makes later writes no-ops, so that many writes need one check at the end.
 */
#ifndef PERDURE_BASE_BUF_H
#define PERDURE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* The sizes we accept from outside, in octets. */
enum {
	BUF_MAX_HTTP_BODY = 1 << 20,
	BUF_MAX_HTTP_HEADERS = 64 << 10,
	BUF_MAX_CHAIN = 256 << 10,
	BUF_MAX_CONFIG = 4 << 20,
	BUF_MAX_NAMES_FILE = 64 << 20,
	BUF_MAX_TXT_SET = 64 << 10,
	BUF_MAX_SMALL_FILE = 1 << 20,
};

struct buf {
	char *p; /* NUL after the data; NULL while nothing was written */
	size_t n;
	size_t cap;
	size_t max;
	bool bad;
};

/* An empty buffer that never holds more than max octets. Needs buf_done(). */
struct buf buf_make(size_t max);
void buf_done(struct buf *b);
/* Forgets the content and the latch, keeps the memory. */
void buf_clear(struct buf *b);
/* Overwrites the memory with zeros before releasing it: for key material. */
void buf_wipe(struct buf *b);

void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* The content as a string ("" when empty); borrowed until the next write. */
const char *buf_str(const struct buf *b);
/* 0, or -1 with ERR_LIMIT when a write was refused; what names the thing for the message. */
int buf_check(const struct buf *b, const char *what, struct err *e);
/* Hands out the content as a heap string (NUL-terminated); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
