/* ct_priv.h: what reading and looking up have in common. Internal to src/watch. */
#ifndef PERDURE_WATCH_CT_PRIV_H
#define PERDURE_WATCH_CT_PRIV_H

#include "watch/ct.h"

/* A name of an entry, its octets from last to first. */
struct ct_key {
	char *text;
	size_t entry;
};

struct ct {
	struct ct_entry *v; /* in the order of the files */
	size_t n, cap;
	struct ct_key *keys; /* once ready, sorted */
	size_t n_keys;
	struct strv known; /* serial numbers; sorted once ready */
};

/* A serial number in the form of ct_entry; NULL when it is none. Heap string. */
char *ct_serial(const char *text);

#endif
