/* held.c: certificates whose order waits for a validation record. */
#include "fleet/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "state/store.h"

static char *key_of(const struct config_cert *cert)
{
	return xasprintf("held/%s", cert->name);
}

int held_note(struct store *st, const struct config_cert *cert, const char *ca, enum issue_result result, struct err *e)
{
	AUTO(xfreep) char *key = key_of(cert);
	AUTO(xfreep) char *old = NULL;
	if (result == ISSUE_PARKED)
		return 0;
	if (held_get(st, cert, &old, e))
		return -1;
	if (result == ISSUE_HELD)
		return old && !strcmp(old, ca) ? 0 : store_fact_put(st, key, ca, e);
	/* What fails at another CA changes nothing at this one. */
	bool over = old && (result != ISSUE_FAILED || !strcmp(old, ca));
	return over ? store_fact_put(st, key, "", e) : 0;
}

int held_get(struct store *st, const struct config_cert *cert, char **ret, struct err *e)
{
	AUTO(xfreep) char *key = key_of(cert);
	*ret = NULL;
	if (st && store_fact_get(st, key, ret, e))
		return -1;
	if (*ret && !**ret)
		xfreep(ret);
	return 0;
}
