/* url.c: URLs that a CA hands out. */
#include "acme/url.h"

#include "base/err.h"
#include "http/http.h"

int acme_url_check(const char *url, const char *origin, const char *what, struct err *e)
{
	if (http_url_check(url, what, e)) {
		err_hint(e, "the server at %.200s sent a URL that perdure refuses; is it the right directory?", origin);
		return -1;
	}
	if (http_url_same_origin(url, origin))
		return 0;
	err_set(e, ERR_PROTO, "%s: %.300s is not at the host of %.300s", what, url, origin);
	err_hint(e, "a CA's URLs must all be at the host of its directory URL; use the host name the CA itself uses");
	return -1;
}
