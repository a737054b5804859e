/* url.c: checks on URLs, and targets of Link headers (RFC 8288). */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "http/internal.h"

enum { URL_MAX = 2048 };

static void url_cleanup(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_str_free(char **s)
{
	curl_free(*s);
}

static CURLU *new_url(void)
{
	CURLU *u = curl_url();
	if (!u)
		abort(); /* as for every other small allocation */
	return u;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	AUTO(curl_str_free) char *s = NULL;
	return curl_url_get(u, part, &s, 0) == CURLUE_OK;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_host_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
}

/* Whether what follows the scheme is a name, perhaps a port, and a path, as it nearly always is. */
static bool is_plain(const char *s)
{
	unsigned port = 0;
	const char *name = s;
	while (is_host_char(*s))
		s++;
	if (s == name || *name == '.' || *name == '-')
		return false;
	if (*s == ':')
		for (s++; is_digit(*s) && port <= 65535; s++)
			port = port * 10 + (unsigned)(*s - '0');
	return *s == '/' && s[-1] != ':' && port <= 65535 && !strchr(s, '#');
}

/* What is wrong with url, or NULL. */
static const char *fault_of(const char *url, bool plain)
{
	size_t scheme = plain && strncasecmp(url, "http://", 7) == 0 ? 7 : 8;
	if (strnlen(url, URL_MAX + 1) > URL_MAX)
		return "is longer than 2048 octets";
	for (const char *c = url; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return "has characters that a URL cannot have";
	}
	if (scheme == 8 && strncasecmp(url, "https://", 8) != 0)
		return "is not an https URL (only https is allowed)";
	if (is_plain(url + scheme))
		return NULL;
	/* libcurl forgives more slashes than two, other readers do not. */
	AUTO(url_cleanup) CURLU *u = new_url();
	if (url[scheme] == '/' || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK || !has_part(u, CURLUPART_HOST))
		return "is not a well-formed URL";
	if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		return "has a user name";
	if (strchr(url, '#'))
		return "has a fragment";
	return NULL;
}

int http_url_check(const char *url, const char *what, struct err *e)
{
	return http_url_check_(url, false, what, e);
}

int http_url_check_(const char *url, bool plain, const char *what, struct err *e)
{
	const char *fault = fault_of(url, plain);
	if (!fault)
		return 0;
	err_set(e, ERR_PROTO, "%s: \"%.200s\" %s", what, url, fault);
	err_retry(e, RETRY_NEVER, 0);
	return -1;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	AUTO(curl_str_free) char *x = NULL;
	AUTO(curl_str_free) char *y = NULL;
	return curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;
}

/* The length of what stands before the path. */
static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

bool http_url_same_origin(const char *a, const char *b)
{
	size_t n = origin_len(a);
	if (n && n == origin_len(b) && !strncasecmp(a, b, n))
		return true; /* by far the most; the rest may differ in how they say the same */
	AUTO(url_cleanup) CURLU *ua = new_url();
	AUTO(url_cleanup) CURLU *ub = new_url();
	return curl_url_set(ua, CURLUPART_URL, a, 0) == CURLUE_OK &&
	       curl_url_set(ub, CURLUPART_URL, b, 0) == CURLUE_OK && same_part(ua, ub, CURLUPART_SCHEME) &&
	       same_part(ua, ub, CURLUPART_HOST) && same_part(ua, ub, CURLUPART_PORT);
}

static char *resolve(const char *target, const char *base)
{
	AUTO(url_cleanup) CURLU *u = new_url();
	AUTO(curl_str_free) char *full = NULL;
	if (curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
		curl_url_set(u, CURLUPART_URL, target, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_URL, &full, 0) != CURLUE_OK || fault_of(full, false))
		return NULL;
	return xstrdup(full);
}

/* --- Link --- */

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* Reads a token or a quoted string (without its quotes and backslashes) at *p. NULL when a quote is not closed. */
static char *read_value(const char **p)
{
	const char *s = *p;
	if (*s != '"') {
		size_t n = strcspn(s, " \t;,");
		*p = s + n;
		return xstrndup(s, n);
	}
	char *out = xmalloc(strlen(s));
	size_t n = 0;
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		out[n++] = *s;
	}
	if (*s != '"') {
		free(out);
		return NULL;
	}
	out[n] = '\0';
	*p = s + 1;
	return out;
}

/* Whether the blank-separated list has the word, case aside. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = list; *(p = skip_blanks(p));) {
		size_t n = strcspn(p, " \t");
		if (n == len && strncasecmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

struct params {
	bool rel_seen; /* a second rel is ignored (RFC 8288 section 3.3) */
	bool rel_matches;
	bool anchor;
};

/* Reads the parameters of one link; *p ends at a comma or the end. -1 when they are malformed. */
static int read_params(const char **p, const char *rel, struct params *ret)
{
	while (*(*p = skip_blanks(*p)) == ';') {
		const char *name = skip_blanks(*p + 1);
		size_t n = strcspn(name, " \t=;,\"");
		*p = skip_blanks(name + n);
		if (**p != '=')
			continue;
		*p = skip_blanks(*p + 1);
		AUTO(xfreep) char *value = read_value(p);
		if (!value)
			return -1;
		if (n == 3 && strncasecmp(name, "rel", 3) == 0 && !ret->rel_seen) {
			ret->rel_seen = true;
			ret->rel_matches = has_word(value, rel);
		} else if (n == 6 && strncasecmp(name, "anchor", 6) == 0) {
			ret->anchor = true;
		}
	}
	return **p == ',' || **p == '\0' ? 0 : -1;
}

char *http_link_target(const char *value, const char *rel, const char *base)
{
	const char *p = value;
	while (*(p += strspn(p, " \t,"))) {
		if (*p != '<')
			return NULL;
		const char *end = strchr(p, '>');
		if (!end)
			return NULL;
		AUTO(xfreep) char *target = xstrndup(p + 1, (size_t)(end - p - 1));
		struct params params = {0};
		p = end + 1;
		if (read_params(&p, rel, &params))
			return NULL;
		if (params.rel_matches && !params.anchor)
			return resolve(target, base);
	}
	return NULL;
}
