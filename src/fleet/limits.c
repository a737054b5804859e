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

/* Two numbers; both 0 when nothing is remembered. */
static int read_pair(
	struct store *s, const char *what, const struct config_ca *ca, int64_t *ret_a, int64_t *ret_b, struct err *e)
{
	AUTO(xfreep) char *text = NULL;
	if (s && read_fact(s, what, ca, &text, e))
		return -1;
	char *rest = NULL;
	*ret_a = text ? strtoll(text, &rest, 10) : 0;
	*ret_b = text ? strtoll(rest, NULL, 10) : 0;
	return 0;
}

static int write_pair(
	struct store *s, const char *what, const struct config_ca *ca, int64_t a, int64_t b, struct err *e)
{
	AUTO(xfreep) char *text = xasprintf("%" PRId64 " %" PRId64, a, b);
	return write_fact(s, what, ca, text, e);
}

void limits_learnt(struct limits *l, int64_t requests, int64_t now)
{
	if (l->requests == requests)
		return;
	l->requests = requests;
	l->requests_at = now;
	l->changed = true;
}

int64_t limits_requests(const struct limits *l, int64_t now)
{
	enum { DAY_S = 86400 };
	return l->requests_at <= now && now - l->requests_at < DAY_S ? l->requests : 0;
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
	if (read_pair(s, "down", ca, &ret->down_since, &ret->tried_at, e) ||
		read_pair(s, "requests", ca, &ret->requests, &ret->requests_at, e))
		return -1;
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
	if (write_pair(s, "down", ca, l->down_since, l->tried_at, e) ||
		write_pair(s, "requests", ca, l->requests, l->requests_at, e))
		return -1;
	l->changed = false;
	return 0;
}
