/* limits.c: what is remembered of a CA. */
#include "fleet/limits.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "state/store.h"

static const char *const class_keys[] = {[LIMITS_NEW] = "orders", [LIMITS_REPLACING] = "replacing"};
_Static_assert(ARRAY_LEN(class_keys) == LIMITS_N_, "one key per class");

static char *fact_key(const char *what, const struct config_ca *ca)
{
	return xasprintf("%s/%s", what, ca->name);
}

static int read_fact(struct store *s, const char *what, const struct config_ca *ca, char **ret, struct err *e)
{
	AUTO(xfreep) char *key = fact_key(what, ca);
	return store_fact_get(s, key, ret, e);
}

static int write_fact(struct store *s, const char *what, const struct config_ca *ca, const char *value, struct err *e)
{
	AUTO(xfreep) char *key = fact_key(what, ca);
	return store_fact_put(s, key, value, e);
}

int limits_read(struct store *s, const struct config_ca *ca, struct limits *ret, struct err *e)
{
	*ret = (struct limits){0};
	for (int i = 0; s && i < LIMITS_N_; i++) {
		AUTO(xfreep) char *text = NULL;
		if (read_fact(s, class_keys[i], ca, &text, e))
			return -1;
		if (text)
			(void)budget_parse(text, &ret->of[i]);
	}
	AUTO(xfreep) char *down = NULL;
	if (s && read_fact(s, "down", ca, &down, e))
		return -1;
	char *rest = NULL;
	ret->down_since = down ? strtoll(down, &rest, 10) : 0;
	ret->tried_at = down ? strtoll(rest, NULL, 10) : 0;
	budget_know(&ret->of[LIMITS_NEW], ca->limit_orders, ca->limit_ms);
	if (!ca->limit_replacing_exempt)
		budget_know(&ret->of[LIMITS_REPLACING], ca->limit_orders, ca->limit_ms);
	return 0;
}

int limits_write(struct store *s, const struct config_ca *ca, struct limits *l, struct err *e)
{
	if (!l->changed)
		return 0;
	for (int i = 0; i < LIMITS_N_; i++) {
		char text[BUDGET_TEXT_MAX];
		budget_text(&l->of[i], text);
		if (write_fact(s, class_keys[i], ca, text, e))
			return -1;
	}
	AUTO(xfreep) char *down = xasprintf("%" PRId64 " %" PRId64, l->down_since, l->tried_at);
	if (write_fact(s, "down", ca, down, e))
		return -1;
	l->changed = false;
	return 0;
}
