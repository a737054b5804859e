/* zonefile.h: the records of a zone file (RFC 1035 section 5, $TTL and $INCLUDE with it), one by one. */
#ifndef PERDURE_DNS_ZONEFILE_H
#define PERDURE_DNS_ZONEFILE_H

#include "dns/rr.h"

struct err;

struct zonefile_reader {
	/* A record of class IN. owner is as in name.h; both are borrowed during the call. */
	void (*record)(void *ctx, const char *owner, const struct dns_rr *rr);
	/* A line that cannot be read; text is what stands there, as it is. Reading goes on. */
	void (*bad)(void *ctx, const char *file, int line, const char *why, const char *text);
	void *ctx;
};

/*
 * Reads the file. origin, which may be NULL, is what relative names are relative to until $ORIGIN says otherwise;
 * $INCLUDE is followed, relative to the file's folder, eight files deep. ERR_SYS when a file cannot be read, ERR_USAGE
 * when names are relative and no origin is known.
 */
int zonefile_read(const char *path, const char *origin, const struct zonefile_reader *r, struct err *e);

#endif
