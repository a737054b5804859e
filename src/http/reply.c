/* reply.c: the reply as a value. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "http/http.h"

const char *http_reply_header(const struct http_reply *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void http_reply_add(struct http_reply *r, const char *name, const char *value)
{
	size_t n = strlen(value);
	while (n > 0 && is_blank(value[n - 1]))
		n--;
	size_t start = 0;
	while (start < n && is_blank(value[start]))
		start++;
	/* The number of headers is held by BUF_MAX_HTTP_HEADERS; growth by doubling needs no capacity field. */
	if ((r->n_headers & (r->n_headers - 1)) == 0)
		r->headers = xreallocarray(r->headers, r->n_headers ? 2 * r->n_headers : 1, sizeof(*r->headers));
	struct http_header *h = &r->headers[r->n_headers++];
	h->name = xstrdup(name);
	for (char *c = h->name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	h->value = xstrndup(value + start, n - start);
}

void http_reply_done(struct http_reply *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	free(r->headers);
	free(r->peer_pem);
	buf_done(&r->body);
	*r = (struct http_reply){0};
}
