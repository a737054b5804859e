/*
 * rebuild.h: the state made again from the files, after its database was damaged or lost: certificates from live/ and
 * archive/, accounts from their keys, which the CAs are asked about. What else was in the database is taken over as far
 * as it can still be read and proves to be right.
 */
#ifndef PERDURE_INVENTORY_REBUILD_H
#define PERDURE_INVENTORY_REBUILD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct site;

/* What is to be told in the end. */
struct rebuild {
	char *why; /* NULL: nothing was wrong with the database */
	char *aside; /* where the damaged one is kept; NULL when there was none */
	bool accounts; /* accounts are to be asked for */
	size_t n_certs, n_unread, n_orders, n_accounts;
};
void rebuild_done(struct rebuild *b);

/*
 * Opens the store of the site for writing; the site holds the lock. A damaged database is put aside (state/aside.h) if
 * there is room for a new one, and a new one is filled from the files. One commit ends that: killed before it, the next
 * run does it again, then without what could be read of the damaged one. ERR_STORE, ERR_SYS.
 */
int rebuild_open(struct site *s, struct rebuild *b, struct err *e);
/*
 * When the accounts are loaded: asks for those that were forgotten (a CA that cannot be asked now is asked by the next
 * run), and tells what was done, as a warning and an event. Runs the loop.
 */
int rebuild_end(struct site *s, struct rebuild *b, struct err *e);

#endif
