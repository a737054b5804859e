/*
 * source.h: reading files of another client: regular files of a sensible size only, the pair of key and chain verified,
 * and names that were replaced by links to ours looked through. Private to src/migrate.
 */
#ifndef PERDURE_MIGRATE_SOURCE_H
#define PERDURE_MIGRATE_SOURCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strv.h"

struct err;
struct migrate_account;
struct migrate_lineage;

/* Names in the folder but "." and "..", sorted. ERR_SYS. */
int source_list(const char *dir, struct strv *ret, struct err *e);
/* Whether there is a folder (symbolic links are followed). */
bool source_is_dir(const char *path);

/* Sets the account's key from PEM, or from a JWK, or its problem. */
void source_account_key(struct migrate_account *a, const char *path, bool jwk);

/*
 * Sets key and chain of the lineage when they belong together and are valid now, else its problem. fullchain may be
 * missing when cert (and chain) are there. Names are taken from the certificate when the lineage has none yet; a
 * difference becomes a note.
 */
struct source_pair {
	const char *key;
	const char *fullchain;
	const char *cert; /* NULL: fullchain alone */
	const char *chain; /* NULL, or where a fullchain that is no chain is completed from */
};
void source_pair(struct migrate_lineage *l, const struct source_pair *p);

/*
 * Adds a place that can be switched (switch.h), and gives back the path under which the client's own file or folder is
 * found: itself, or when it was switched the name it is kept under. Heap string.
 */
char *source_place(struct migrate_lineage *l, const char *path, const char *file);

#endif
