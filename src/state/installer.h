/*
 * installer.h: certificates put in place (certfiles.h) on a worker thread, those of one turn of the loop together, and
 * old generations taken away after it.
 */
#ifndef PERDURE_STATE_INSTALLER_H
#define PERDURE_STATE_INSTALLER_H

#include <stdint.h>

#include "base/secret.h"

struct err;
struct installer;
struct loop;

/* keep: how many generations before the live one are left. l is borrowed. */
struct installer *installer_new(struct loop *l, const char *state_dir, int64_t keep);
/* Before loop_free(): nothing begins any more. NULL is fine. */
void installer_stop(struct installer *in);
/* After loop_free(): what has not been told by then is told ERR_CANCEL; its owners must have let go. NULL is fine. */
void installer_free(struct installer *in);

/* The texts of a generation; all are copied. */
struct installer_set {
	const char *name; /* of the lineage */
	int64_t generation;
	const struct secret *key_pem; /* empty: no key of ours */
	const char *cert_pem;
	const char *chain_pem;
	const char *fullchain_pem;
};
/* done is called on the loop, or by installer_free(); e is clean when it is in place. */
typedef void (*installer_fn)(const struct err *e, void *ctx);
/*
 * How long, in milliseconds, one may wait for others, to share the waits for the disk with them; 0, as it is at first,
 * for the end of the turn. NULL is fine.
 */
void installer_set_patience(struct installer *in, int64_t ms);
void installer_put(struct installer *in, const struct installer_set *set, installer_fn done, void *ctx);

#endif
