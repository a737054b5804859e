/* webparse.c: reading requests: what a client of ACME needs of HTTP/1.1 and nothing more. */
#include "testca/webparse.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* The number, or -1: digits only, at most WEBPARSE_BODY_MAX + 1. */
static long length_of(const char *s)
{
	long v = 0;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
		if (v > WEBPARSE_BODY_MAX)
			v = WEBPARSE_BODY_MAX + 1;
	}
	return v;
}

static char *trim(char *s)
{
	size_t n;
	s += strspn(s, " \t");
	n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		s[--n] = '\0';
	return s;
}

struct head {
	char *content_type;
	bool chunked;
	bool close;
};

static void read_header(char *line, struct head *h)
{
	char *colon = strchr(line, ':');
	if (!colon)
		return;
	*colon = '\0';
	char *value = trim(colon + 1);
	if (!strcasecmp(line, "Content-Type"))
		h->content_type = value;
	else if (!strcasecmp(line, "Transfer-Encoding"))
		h->chunked = true;
	else if (!strcasecmp(line, "Connection"))
		h->close = strcasestr(value, "close") != NULL;
}

static int read_request_line(char *line, struct webparse *ret)
{
	char *path = strchr(line, ' ');
	char *version = path ? strchr(path + 1, ' ') : NULL;
	if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || path[1] != '/')
		return 400;
	*path++ = '\0';
	*version = '\0';
	ret->method = line;
	ret->path = path;
	ret->query = "";
	ret->close = version[8] == '0';
	char *query = strchr(path, '?');
	if (query) {
		*query = '\0';
		ret->query = query + 1;
	}
	return 0;
}

/*
 * How many octets of body stand behind a head of n octets, before the head is cut into strings: the head may have to
 * be looked at again when the body has come whole.
 */
static int body_length(const char *head, size_t n, size_t *ret)
{
	static const char name[] = "\ncontent-length:";
	*ret = 0;
	for (size_t i = 0; i + sizeof(name) - 1 < n; i++) {
		if (head[i] != '\n' || strncasecmp(head + i, name, sizeof(name) - 1) != 0)
			continue;
		char digits[16];
		const char *at = head + i + sizeof(name) - 1;
		at += strspn(at, " \t");
		size_t len = strspn(at, "0123456789");
		if (!len || len >= sizeof(digits))
			return 400;
		memcpy(digits, at, len);
		digits[len] = '\0';
		long v = length_of(digits);
		if (v > WEBPARSE_BODY_MAX)
			return 413;
		*ret = (size_t)v;
		return 0;
	}
	return 0;
}

int webparse(struct buf *in, struct webparse *ret)
{
	char *end = memmem(in->p, in->n, "\r\n\r\n", 4);
	size_t body_n;
	if (!end)
		return in->n > WEBPARSE_HEAD_MAX ? 400 : -1;
	size_t head_n = (size_t)(end - in->p);
	int status = body_length(in->p, head_n, &body_n);
	if (status)
		return status;
	if (in->n < head_n + 4 + body_n)
		return -1;
	struct head h = {.content_type = NULL};
	*end = '\0';
	if (memchr(in->p, '\0', head_n))
		return 400;
	char *line = in->p, *rest = in->p;
	strsep(&rest, "\n");
	status = read_request_line(trim(line), ret);
	if (status)
		return status;
	while ((line = strsep(&rest, "\n")))
		read_header(line, &h);
	if (h.chunked)
		return 400;
	ret->content_type = h.content_type ? h.content_type : "";
	ret->close = ret->close || h.close;
	ret->body = end + 4;
	ret->body_n = body_n;
	ret->total = head_n + 4 + body_n;
	return 0;
}
