/*
 * cafacts.h: what must be known of a CA to write or judge a validation record before any order: issuer domain names,
 * level of the draft, hash prefix. Each comes from the configuration, else from the CA's directory, else from the
 * preset.
 */
#ifndef PERDURE_INVENTORY_CAFACTS_H
#define PERDURE_INVENTORY_CAFACTS_H

#include <perdure/persist.h>
#include <stdbool.h>

#include "base/strv.h"

struct acme_directory;
struct config_ca;
struct err;

struct cafacts {
	struct strv issuers; /* at least one */
	struct strv caa; /* names by which it knows itself in CAA; the issuers where it has not said */
	enum perdure_dialect dialect; /* whose software it runs, where that is public; else DRAFT */
	int levels[2]; /* the level in use first; a second one while the CA moves from one text to the next */
	int n_levels;
	char *prefix; /* accountHashPrefix; NULL when no level is 02 */
};

/*
 * dir is NULL when the CA could not be asked. ERR_CONFIG when no issuer name is known, naming `perdure ca probe`, or
 * when level 02 is configured but the directory with the prefix is not here.
 */
int cafacts_make(const struct config_ca *conf, const struct acme_directory *dir, struct cafacts *ret, struct err *e);
void cafacts_done(struct cafacts *f);

#endif
