/*
 * written.h: what this installation has ever written, by its journals: proof that a value is ours also when its
 * account, its key or its token is no longer known.
 */
#ifndef PERDURE_INVENTORY_WRITTEN_H
#define PERDURE_INVENTORY_WRITTEN_H

#include "provider/provider.h"

struct err;
struct written;

/* Reads all journals of the state directory. ERR_SYS, ERR_PARSE. */
int written_read(const char *state_dir, struct written **ret, struct err *e);
void written_free(struct written *w);
void written_freep(struct written **w);
/* The latest run that added this value there, or NULL. Borrowed. w may be NULL: nothing is known. */
const char *written_by(const struct written *w, enum provider_type type, const char *owner, const char *data);
/* Calls fn for each value that was ever written there. w may be NULL. */
void written_values(const struct written *w, enum provider_type type, const char *owner,
	void (*fn)(const char *data, void *ctx), void *ctx);
/* Calls fn for each RRset that was ever written to, each once. */
void written_each(
	const struct written *w, void (*fn)(enum provider_type type, const char *owner, void *ctx), void *ctx);

#endif
