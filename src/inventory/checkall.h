/* checkall.h: the record check over many names and CAs at once. */
#ifndef PERDURE_INVENTORY_CHECKALL_H
#define PERDURE_INVENTORY_CHECKALL_H

#include <stddef.h>

#include "inventory/recordcheck.h"

struct site;

/* One name at one CA. */
struct checkall_item {
	struct recordcheck_question q; /* what it points to is borrowed until the end */
	const char *ca;
	struct recordcheck *result; /* owned by the item; NULL until checked */
};

/*
 * Checks all items, many at a time, on the site's loop; told (may be NULL) is called for each in the order of the
 * array, as soon as it and all before it are checked, after which its result is released. The site's DNS must be open.
 * ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM.
 */
int checkall_run(struct site *s, struct checkall_item *items, size_t n,
	void (*told)(const struct checkall_item *i, void *ctx), void *ctx, struct err *e);

#endif
