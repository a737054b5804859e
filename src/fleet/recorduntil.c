/* recorduntil.c: until when the validation records of a certificate hold. */
#include "fleet/recorduntil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "state/store.h"

static char *key_of(const struct config_cert *cert)
{
	return xasprintf("until/%s", cert->name);
}

/* Two numbers: what was seen, and what the configuration said then. Most records have no end, and nothing is kept. */
int recorduntil_note(struct store *st, const struct config_cert *cert, int64_t seen, struct err *e)
{
	AUTO(xfreep) char *key = key_of(cert);
	AUTO(xfreep) char *old = NULL;
	AUTO(xfreep) char *now = seen ? xasprintf("%" PRId64 " %" PRId64, seen, cert->persist_until) : xstrdup("");
	if (store_fact_get(st, key, &old, e))
		return -1;
	return strcmp(now, old ? old : "") ? store_fact_put(st, key, now, e) : 0;
}

int recorduntil_get(struct store *st, const struct config_cert *cert, int64_t *ret, struct err *e)
{
	AUTO(xfreep) char *key = key_of(cert);
	AUTO(xfreep) char *value = NULL;
	if (st && store_fact_get(st, key, &value, e))
		return -1;
	char *end = NULL;
	int64_t seen = value ? strtoll(value, &end, 10) : 0;
	bool same = seen && strtoll(end, NULL, 10) == cert->persist_until;
	*ret = same && (!cert->persist_until || seen < cert->persist_until) ? seen : cert->persist_until;
	return 0;
}
