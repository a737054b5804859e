/*
 * providertest.h: whether a provider works from end to end: its credentials, the zone, a value written at a scratch
 * name, seen at the authoritative servers, and taken away again. Whatever happens in between, stopping by a signal
 * included, the value is taken away before the end.
 */
#ifndef PERDURE_INVENTORY_PROVIDERTEST_H
#define PERDURE_INVENTORY_PROVIDERTEST_H

#include <stdbool.h>
#include <stdint.h>

struct config_provider;
struct err;
struct site;

struct provider_test_options {
	const char *zone; /* where the scratch name is made; NULL: the first that the configuration lists for the
			     provider */
	const char
		*name; /* the scratch name itself, for credentials that may write certain names only; NULL: a new one */
	int64_t wait_ms; /* for the authoritative servers */
	/* Each step when it is over: "credentials", "zone", "read", "write", "sync", "visible", "remove". */
	void (*step)(const char *step, bool ok, const char *detail, void *ctx);
	void *ctx;
};

/*
 * Runs the loop until the test is over. 0 when every step was good; else -1 with the first step's error: ERR_USAGE when
 * no zone is known, ERR_CANCEL when it was stopped, or the provider's.
 */
int provider_test(
	struct site *s, const struct config_provider *conf, const struct provider_test_options *o, struct err *e);

#endif
