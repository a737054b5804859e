/*
 * forgotten.h: records of ours at names that nothing needs any more: found among names given, with the reason and with
 * what each of them permits, as a plan that removes them.
 */
#ifndef PERDURE_INVENTORY_FORGOTTEN_H
#define PERDURE_INVENTORY_FORGOTTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"

struct desired;
struct err;
struct ours;
struct plan;
struct publisher;
struct site;
struct tokens;

/* A name to be looked at. */
struct forgotten_name {
	char *fqdn; /* owned; A-labels, no "*." */
	const char *source; /* borrowed; where it was found, for the reason: "in the journal" */
	bool written; /* something was written for it from here */
};
struct forgotten_names {
	struct forgotten_name *v;
	size_t n;
	size_t cap;
};
void forgotten_names_done(struct forgotten_names *n);
void forgotten_names_add(struct forgotten_names *n, const char *fqdn, const char *source, bool written);

struct forgotten {
	struct site *site; /* its DNS must be open */
	struct publisher *publisher; /* asked what stands, too; NULL: the name servers alone */
	struct forgotten_names *names; /* put in order, each once */
	const struct strv
		*token_owners; /* names of tokens, now and before: values written there from here are looked at */
	const struct tokens *tokens; /* of the configuration: these values are needed */
	const struct desired *desired; /* of all configured certificates */
	const struct ours *ours;
	const struct strv *keep; /* names that others need, who use the same account; "*." may be in front */
	/* Told of each name that something needs, and what does. */
	void (*needed)(const char *fqdn, const char *why, void *ctx);
	void (*progress)(size_t done, size_t total, void *ctx);
	void *ctx;
};
/*
 * Fills *ret, which needs plan_done(). What a configured certificate goes by at a name is not looked at, and nothing at
 * a name that another live certificate has, that an order is in work for or that is to be kept. A record with
 * policy=wildcard above such a name is kept unless the name has a record of its own. ERR_SYS, ERR_STORE, ERR_CANCEL.
 */
int forgotten_find(const struct forgotten *f, struct plan *ret, struct err *e);

#endif
