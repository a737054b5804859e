/* load_http.c: `http`, and what a certificate says otherwise. */
#include <string.h>

#include "base/xalloc.h"
#include "config/form.h"
#include "config/load.h"

static const char *keep_path(struct load *l, const struct section_value *v)
{
	AUTO(xfreep) char *path = v->s ? load_path(&v->mark, v->s) : NULL;
	return load_keep(l, path);
}

int load_http(struct load *l, struct err *e)
{
	const struct section_value *v = l->top.v, *listen = &v[SCHEMA_HTTP_LISTEN];
	struct config_http *c = &l->c->http;
	c->webroot = keep_path(l, &v[SCHEMA_HTTP_WEBROOT]);
	c->listen = load_keep(l, listen->s);
	c->user = load_keep(l, v[SCHEMA_HTTP_USER].s);
	if (!c->listen)
		return 0;
	if (c->webroot)
		return CONFIG_ERROR(e, &listen->mark, "http has both webroot and listen: one of them answers");
	const char *why = strcmp(c->listen, "systemd") != 0 ? form_check(SCHEMA_ADDRESS_PORT, 0, c->listen) : NULL;
	if (!why)
		return 0;
	CONFIG_ERROR(e, &listen->mark, "http.listen: '%s' %s", c->listen, why);
	err_hint(e, "ADDRESS@PORT, such as 0.0.0.0@80, or systemd");
	return -1;
}

const char *load_cert_webroot(struct load *l, const struct section *s)
{
	const struct section_value *v = &s->v[SCHEMA_CERT_HTTP_WEBROOT];
	return v->set ? keep_path(l, v) : l->c->http.webroot;
}
