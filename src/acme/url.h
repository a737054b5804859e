/* url.h: URLs that a CA hands out. */
#ifndef PERDURE_ACME_URL_H
#define PERDURE_ACME_URL_H

struct err;

/*
 * Whether url may be used: an absolute https URL (http_url_check()) with the host and port of origin, so that no reply
 * can send our signed requests elsewhere. what names it. ERR_PROTO names both hosts.
 */
int acme_url_check(const char *url, const char *origin, const char *what, struct err *e);

#endif
