/* form.c: checks of single strings, by form. */
#include "config/form.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	FORM_MAX_TEXT = 512,
	FORM_MAX_URL = 2048,
	FORM_MAX_PATH = 4000,
	FORM_MAX_NAME = 253,
	FORM_MAX_LABEL = 63,
	THUMBPRINT_LENGTH = 43, /* 32 octets in base64url */
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool only(const char *s, const char *chars)
{
	return !s[strspn(s, chars)];
}

static const char *check_label(const char *s)
{
	if (!only(s, LETTERS DIGITS "._-"))
		return "may only hold letters, digits, '.', '_' and '-'";
	if (*s == '.' || *s == '-')
		return "must not begin with '.' or '-'";
	return NULL;
}

static const char *check_url(const char *s, bool http)
{
	const char *scheme = http && !strncmp(s, "http://", 7) ? "http://" : "https://";
	if (strlen(s) > FORM_MAX_URL)
		return "is too long for a URL";
	if (strncmp(s, scheme, strlen(scheme)) != 0)
		return http ? "is neither an https URL nor an http one" : "is not an https URL";
	const char *host = s + strlen(scheme);
	size_t n = strcspn(host, "/?#");
	if (!n || host[0] == ':')
		return "is a URL without a host";
	if (memchr(host, '@', n))
		return "is a URL with a user name in it";
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"<>\\^`{|}#", *p))
			return "holds a character that a URL does not have";
	return NULL;
}

/* Labels of letters, digits, '-' and what `more` adds, with dots between. */
static bool is_labels(const char *s, const char *more, bool hyphen_at_ends)
{
	if (strlen(s) > FORM_MAX_NAME)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");
		if (!n || n > FORM_MAX_LABEL)
			return false;
		if (!hyphen_at_ends && (s[0] == '-' || s[n - 1] == '-'))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!strchr(LETTERS DIGITS "-", s[i]) && !strchr(more, s[i]))
				return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

static const char *check_zone(const char *s)
{
	char name[FORM_MAX_NAME + 2];
	size_t n = strlen(s);
	if (!strcmp(s, "."))
		return NULL;
	if (n >= sizeof(name))
		return "is too long for a domain name";
	memcpy(name, s, n + 1);
	if (n && name[n - 1] == '.')
		name[n - 1] = '\0';
	return is_labels(name, "_/", true) ? NULL : "is not the name of a zone";
}

static bool is_address(const char *s)
{
	unsigned char to[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, s, to) == 1 || inet_pton(AF_INET6, s, to) == 1;
}

static const char *check_address_port(const char *s)
{
	char address[INET6_ADDRSTRLEN];
	size_t n = strcspn(s, "@");
	if (n >= sizeof(address))
		return "is not an IP address";
	memcpy(address, s, n);
	address[n] = '\0';
	if (!is_address(address))
		return "is not an IP address";
	int64_t port;
	if (s[n] && (form_int(s + n + 1, &port) || port < 1 || port > 65535))
		return "has no port from 1 to 65535 after the '@'";
	return NULL;
}

static const char *check_resolver(const char *s)
{
	const char *tcp = "tcp://", *https = "https://", *template = "{?dns}";
	if (!strncmp(s, tcp, strlen(tcp)))
		return check_address_port(s + strlen(tcp));
	if (strncmp(s, https, strlen(https)) != 0)
		return check_address_port(s);
	/* RFC 8484 section 4.1: a POST goes to the URI template without its variable. */
	char url[FORM_MAX_URL + 8];
	size_t n = strlen(s), t = strlen(template);
	if (n >= sizeof(url))
		return "is too long for a URL";
	memcpy(url, s, n + 1);
	if (n > t && !strcmp(url + n - t, template))
		url[n - t] = '\0';
	return check_url(url, false);
}

static const char *check_mail(const char *s)
{
	const char *scheme = "mailto:";
	if (!strncmp(s, scheme, strlen(scheme)))
		s += strlen(scheme);
	const char *at = strchr(s, '@');
	if (!at || at == s || !at[1] || strchr(at + 1, '@'))
		return "is not a mail address";
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"(),:;<>?[\\]", *p))
			return "holds a character that a mail address here may not have";
	return NULL;
}

static const char *check_mode(const char *s)
{
	size_t n = strlen(s);
	return (n == 3 || (n == 4 && *s == '0')) && only(s, "01234567") ? NULL : "is not the rights of a file";
}

static const char *check_host_port(const char *s)
{
	const char *colon = strrchr(s, ':');
	int64_t port;
	if (!colon || form_int(colon + 1, &port) || port < 1 || port > 65535)
		return "has no port from 1 to 65535 at its end";
	size_t n = (size_t)(colon - s);
	bool brackets = n > 2 && *s == '[' && colon[-1] == ']';
	if (!n || (!brackets && memchr(s, ':', n)) || strpbrk(s, " /@"))
		return "is not HOST:PORT";
	return NULL;
}

const char *form_check(enum schema_form form, int64_t max, const char *s)
{
	if (!*s)
		return "is empty";
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p == 0x7f)
			return "holds a line break or another control character";
	if (max && strlen(s) > (size_t)max)
		return "is too long";
	switch (form) {
	case SCHEMA_TEXT:
		return strlen(s) > FORM_MAX_TEXT ? "is too long" : NULL;
	case SCHEMA_LABEL:
		return check_label(s);
	case SCHEMA_PATH:
		return strlen(s) > FORM_MAX_PATH ? "is too long for a path" : NULL;
	case SCHEMA_URL:
		return check_url(s, false);
	case SCHEMA_URL_HTTP:
		return check_url(s, true);
	case SCHEMA_ISSUER:
		return is_labels(s, "", false) ? NULL : "is not an issuer domain name";
	case SCHEMA_ZONE:
		return check_zone(s);
	case SCHEMA_ADDRESS:
		return is_address(s) ? NULL : "is not an IP address";
	case SCHEMA_ADDRESS_PORT:
		return check_address_port(s);
	case SCHEMA_RESOLVER:
		return check_resolver(s);
	case SCHEMA_MAIL:
		return check_mail(s);
	case SCHEMA_MODE:
		return check_mode(s);
	case SCHEMA_HOST_PORT:
		return check_host_port(s);
	case SCHEMA_THUMBPRINT:
		return strlen(s) == THUMBPRINT_LENGTH && only(s, LETTERS DIGITS "-_") ? NULL : "is not a thumbprint";
	case SCHEMA_HOST: /* name_for_certificate() says more */
		break;
	}
	return NULL;
}

int form_int(const char *s, int64_t *ret)
{
	size_t n = strlen(s);
	if (!n || n > 18 || !only(s, DIGITS) || (n > 1 && *s == '0'))
		return -1;
	*ret = strtoll(s, NULL, 10);
	return 0;
}

int form_duration(const char *s, int64_t *ret_ms)
{
	char digits[16];
	size_t n = strspn(s, DIGITS);
	int64_t v;
	if (n >= 12)
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (form_int(digits, &v) || (s[n] && s[n + 1]))
		return -1;
	switch (s[n]) {
	case '\0':
	case 's':
		break;
	case 'm':
		v *= 60;
		break;
	case 'h':
		v *= 3600;
		break;
	case 'd':
		v *= 86400;
		break;
	default:
		return -1;
	}
	*ret_ms = v * 1000;
	return 0;
}
