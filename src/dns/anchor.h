/*
 * anchor.h: the keys that DNSSEC validation starts from. Either a configured file, or those of the root as the
 * distribution ships them; of these a copy in the state directory is kept up to date by the rules of RFC 5011
 * (refresh.h) where the directory can be written to, so that a key roll of the root needs no new package.
 */
#ifndef PERDURE_DNS_ANCHOR_H
#define PERDURE_DNS_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

/* Where Debian's dns-root-data puts it. */
#define ANCHOR_SHIPPED_PATH "/usr/share/dns/root.key"

enum anchor_kind {
	ANCHOR_NONE, /* why, hint */
	ANCHOR_CONFIGURED, /* path is the file as configured */
	ANCHOR_SHIPPED, /* path is the distribution's */
	ANCHOR_MANAGED, /* path is our copy of it */
};

struct anchor {
	enum anchor_kind kind;
	char *path; /* "" for NONE */
	struct strv keys; /* the records to trust, one line each, as in a zone file */
	struct strv zones; /* the names they are of, as in name.h */
	bool renewable; /* MANAGED: the copy can be written to */
	bool fresh; /* MANAGED: it is as it was shipped */
	int64_t changed; /* the file's modification time, UNIX seconds; 0 for NONE */
	char *why; /* for NONE, else "" */
	char *hint;
};

struct anchor_where {
	const char *configured; /* NULL for the distribution's */
	const char *shipped; /* NULL for ANCHOR_SHIPPED_PATH */
	const char *state_dir; /* NULL for no copy */
};

/*
 * Finds the keys to go by. make: a copy below state_dir (dnssec/root.key) is begun when there is none and it can be; a
 * shipped file other than the one it was begun from begins it anew. ret needs anchor_done().
 */
void anchor_find(const struct anchor_where *w, bool make, struct anchor *ret);
void anchor_done(struct anchor *a);

#endif
