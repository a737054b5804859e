/*
 * advise.h: by which ways a name can be proved to a CA, what each costs, and which is to be recommended. Pure: goes by
 * what has been found out.
 */
#ifndef PERDURE_INVENTORY_ADVISE_H
#define PERDURE_INVENTORY_ADVISE_H

#include <stdbool.h>

#include "config/config.h"
#include "inventory/recordcheck.h"

enum advise_known { ADVISE_NO, ADVISE_YES, ADVISE_UNKNOWN };
/* Where the name leads, as the world sees it. */
enum advise_address { ADVISE_ADDRESS_UNKNOWN, ADVISE_ADDRESS_NONE, ADVISE_ADDRESS_PRIVATE, ADVISE_ADDRESS_PUBLIC };

/* Everything is borrowed. */
struct advise_facts {
	bool wildcard;
	enum advise_known offers; /* dns-persist-01, by the CA */
	enum recordcheck_result record; /* what the CA would make of the standing record */
	bool delegation; /* a validation zone is configured */
	enum advise_known cname; /* it stands and leads there */
	const char *target_provider; /* provider for the validation zone; NULL */
	bool keep; /* values of dns-01 stay until the next renewal */
	const char *zone_provider; /* provider for the domain's own zone; NULL: it is not under control from here */
	const char *webroot, *listen; /* how http-01 is answered; NULL */
	enum advise_address address;
};

enum advise_state {
	ADVISE_WORKS, /* now */
	ADVISE_UNCLEAR, /* that could not be found out */
	ADVISE_NEEDS, /* when somebody has set something up, once */
	ADVISE_IMPOSSIBLE,
};
/* "works", "unclear", "needs-setup", "impossible". */
const char *advise_state_name(enum advise_state s);

enum { ADVISE_WAYS = 4 };

struct advise_way {
	enum config_validation how;
	enum advise_state state;
	const char *reason; /* one clause; static */
	int writes; /* into the DNS, for each renewal */
	const char *credentials; /* which the host that renews needs for the DNS: the provider's name; borrowed, "" for
				    none */
	bool unnamed; /* credentials are needed, but no provider is configured for them */
	const char *port; /* that must be open, and by whom; static, "" for none */
};

struct advice {
	struct advise_way ways[ADVISE_WAYS]; /* dns-persist-01, delegation, dns-01, http-01 */
	const struct advise_way *best; /* of ways; NULL when there is none */
	const char *why; /* one clause; static */
};

/* ret must stay where it is. */
void advise(const struct advise_facts *f, struct advice *ret);

#endif
