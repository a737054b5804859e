/* webparse.h: one HTTP/1.1 request out of a buffer (RFC 9112). */
#ifndef PERDURE_TESTCA_WEBPARSE_H
#define PERDURE_TESTCA_WEBPARSE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum { WEBPARSE_HEAD_MAX = 32 << 10, WEBPARSE_BODY_MAX = 1 << 20 };

/* Pointers into the buffer, whose head was cut into strings. */
struct webparse {
	const char *method;
	const char *path;
	const char *query;
	const char *content_type;
	const char *body;
	size_t body_n;
	size_t total; /* octets of the request */
	bool close; /* the client wants the connection closed */
};

/* 0: a request. -1: more must be read. Else: the status to refuse it with. */
int webparse(struct buf *in, struct webparse *ret);

#endif
