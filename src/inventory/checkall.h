/* checkall.h: many names at many CAs: each name is looked at once and explained for every CA that it is asked for. */
#ifndef PERDURE_INVENTORY_CHECKALL_H
#define PERDURE_INVENTORY_CHECKALL_H

#include <stddef.h>

#include "inventory/explain.h"

struct observation;
struct observe_ahead;
struct observer;
struct site;

enum { CHECKALL_PROMPT_MAX = 8 }; /* so many names are few: OBSERVE_PROMPT */

/* One name at one CA. */
struct checkall_item {
	struct explain_question q; /* what it points to is borrowed until the end */
	const char *ca;
	const char *region; /* of this host: see vantage_region(); NULL when not told */
};

struct checkall {
	const struct checkall_item *items;
	size_t n;
	unsigned what; /* of observe_what */
	struct observe_ahead *ahead; /* as for observe_run(); NULL for none */
	/* Called for each item, those of one name one after the other, names in the order of their first items. */
	void (*told)(const struct checkall_item *i, const struct observation *o, const struct explained *x, void *ctx);
	void *ctx;
};

/* On the loop of the site. ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM. */
int checkall_run(struct site *s, struct observer *ob, const struct checkall *c, struct err *e);

#endif
