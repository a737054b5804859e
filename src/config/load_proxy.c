/* load_proxy.c: the proxy of a CA. */
#include <string.h>

#include "base/xalloc.h"
#include "config/form.h"
#include "config/load.h"

/* What is wrong with a proxy; never with the text itself, which may hold a password. */
static const char *check(const char *s)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);
		if (strncmp(s, schemes[i], n) != 0)
			continue;
		if (strchr(s, '@'))
			return "holds a user name: user name and password belong in proxy_auth_file";
		return form_check(SCHEMA_HOST_PORT, 0, s + n);
	}
	return "is neither none nor http://, https://, socks5:// or socks5h:// with HOST:PORT";
}

int load_proxy(struct load *l, const struct section *s, enum schema_id url, enum schema_id auth,
	struct config_proxy *to, struct err *e)
{
	const struct section_value *u = &s->v[url], *a = &s->v[auth];
	const char *why = u->set && strcmp(u->s, "none") != 0 ? check(u->s) : NULL;
	if (why) {
		CONFIG_ERROR(e, &u->mark, "%s %s", schema_path(url).text, why);
		err_hint(e, "for example http://proxy.example.com:3128");
		return -1;
	}
	if (u->set)
		*to = (struct config_proxy){.url = strcmp(u->s, "none") != 0 ? load_keep(l, u->s) : ""};
	if (!a->set)
		return 0;
	if (!to->url || !*to->url) {
		CONFIG_ERROR(e, &a->mark, "%s: there is no proxy that it could be for", schema_path(auth).text);
		err_hint(e, "add proxy: http://HOST:PORT beside it");
		return -1;
	}
	AUTO(xfreep) char *path = load_path(&a->mark, a->s);
	to->auth_file = load_keep(l, path);
	return 0;
}
