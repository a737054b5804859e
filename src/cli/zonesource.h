/* zonesource.h: whole zones and lists of names that a command line gives. */
#ifndef PERDURE_CLI_ZONESOURCE_H
#define PERDURE_CLI_ZONESOURCE_H

#include "dns/transfer.h"

struct config;
struct err;
struct loop;
struct strv;

/*
 * Transfers the zone (as written) from `server` ("ADDRESS" or "ADDRESS@PORT"), with the key of that file where one is
 * given. As transfer_zone(); ERR_USAGE for a server that is no address.
 */
int zonesource_transfer(struct loop *l, const char *name, const char *server, const char *tsig_file, transfer_fn fn,
	void *ctx, struct err *e);
/* The same from the rfc2136 provider of the configuration that holds the zone. ERR_USAGE when there is none. */
int zonesource_provider(
	struct loop *l, const struct config *c, const char *name, transfer_fn fn, void *ctx, struct err *e);
/* Appends the words of a file ("-": standard input), comments after "#" left out. ERR_SYS, ERR_LIMIT. */
int zonesource_words(const char *path, struct strv *ret, struct err *e);

#endif
