/*
 * horizon.h: does this machine see the DNS that the world sees? The servers of the zone, found from the root, against
 * the name servers this machine is set up with.
 */
#ifndef PERDURE_INVENTORY_HORIZON_H
#define PERDURE_INVENTORY_HORIZON_H

#include <stdbool.h>
#include <stddef.h>

struct dns;
struct dns_validated;
struct err;
struct loop;
struct strv;

enum horizon_result {
	HORIZON_SAME,
	HORIZON_STALE, /* another answer for the name, from the same servers: a cache */
	HORIZON_PRIVATE, /* other name servers for the zone */
	HORIZON_SILENT, /* no answer of use */
};

struct horizon_side {
	char *resolver;
	enum horizon_result result;
	char *text; /* one phrase */
};

struct horizon {
	char *owner;
	char *zone;
	struct dns_validated *trust; /* of TXT at owner */
	struct horizon_side *sides; /* one for each resolver */
	size_t n;
};

/*
 * Looks at TXT at owner and NS of its zone, running the loop until all is here. ERR_DNS, ERR_TIMEOUT when the zone's
 * servers do not say. ret needs horizon_done().
 */
int horizon_look(struct dns *d, struct loop *l, const struct strv *resolvers, const char *owner, struct horizon *ret,
	struct err *e);
void horizon_done(struct horizon *h);

#endif
