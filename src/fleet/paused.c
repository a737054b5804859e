/* paused.c: certificates whose name a CA has paused. */
#include "fleet/paused.h"

#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "state/store.h"

enum { DAY = 86400, SHORT_LIFETIME = 10 * DAY };

void paused_done(struct paused *p)
{
	free(p->ca);
	free(p->url);
	*p = (struct paused){0};
}

static char *key_of(const struct config_cert *cert)
{
	return xasprintf("paused/%s", cert->name);
}

/* What the configuration wants, in one line. */
static char *wish_of(const struct config_cert *cert)
{
	AUTO(xfreep) char *cas = strv_join(&cert->cas, " ");
	AUTO(xfreep) char *names = strv_join(&cert->names, " ");
	return xasprintf("%s %s", cas, names);
}

/* The fact is three lines: CA, address, wish; empty when it is over. */
int paused_get(struct store *st, const struct config_cert *cert, struct paused *ret, struct err *e)
{
	AUTO(xfreep) char *key = key_of(cert);
	AUTO(xfreep) char *value = NULL;
	*ret = (struct paused){0};
	if (!st)
		return 0;
	if (store_fact_get(st, key, &value, e))
		return -1;
	char *url = value ? strchr(value, '\n') : NULL, *wish = url ? strchr(url + 1, '\n') : NULL;
	if (!wish)
		return 0;
	AUTO(xfreep) char *now = wish_of(cert);
	ret->changed = strcmp(wish + 1, now) != 0;
	ret->ca = xstrndup(value, (size_t)(url - value));
	ret->url = xstrndup(url + 1, (size_t)(wish - url - 1));
	return 0;
}

int paused_note(struct store *st, const struct config_cert *cert, const char *ca, const struct err *why,
	struct store_cert *row, int64_t now, struct err *e)
{
	AUTO(xfreep) char *url = why ? acme_problem_unpause(why) : NULL;
	AUTO(xfreep) char *key = key_of(cert);
	AUTO(paused_done) struct paused old = {0};
	if (!url) {
		bool over = !paused_get(st, cert, &old, e) && old.ca && (!why || !strcmp(old.ca, ca));
		return err_is(e) || (over && store_fact_put(st, key, "", e)) ? -1 : 0;
	}
	bool is_short = row->generation && row->not_after - row->not_before <= SHORT_LIFETIME;
	if (cert->cas.n == 1)
		row->next_at = now + (is_short ? DAY : 7 * DAY);
	AUTO(xfreep) char *wish = wish_of(cert);
	AUTO(xfreep) char *value = xasprintf("%s\n%s\n%s", ca, url, wish);
	return store_fact_put(st, key, value, e);
}
