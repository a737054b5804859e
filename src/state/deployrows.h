/*
 * deployrows.h: what is known of deploy actions: one row for an action of a certificate, written when it has been
 * tried. An action without a row for the live generation is still to be done. Writes and errors are as store.h says.
 */
#ifndef PERDURE_STATE_DEPLOYROWS_H
#define PERDURE_STATE_DEPLOYROWS_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

struct store_deploy {
	char *cert; /* name of the lineage: the key, with action */
	char *action; /* id of the action (config_deploy) */
	char *label; /* what it does, for people */
	int64_t generation; /* that was deployed, or tried last */
	bool done; /* it is deployed; else it failed */
	int64_t status; /* exit status of its program; -1 when there was none, or it did not come to one */
	int64_t tries; /* for that generation, in a row, that failed */
	int64_t at; /* UNIX seconds of the last try */
	int64_t next_at; /* UNIX seconds: not tried before; 0 for at once */
	char *last_error; /* "" when done */
};
void store_deploy_done(struct store_deploy *d);

/* Inserts or replaces. */
int store_deploy_put(struct store *s, const struct store_deploy *d, struct err *e);
/* Forgets one action of the certificate, or with NULL all. */
int store_deploy_delete(struct store *s, const char *cert, const char *action, struct err *e);
/* Those of one certificate, or with NULL of all, in order of name. d is borrowed during the call. */
int store_deploy_each(struct store *s, const char *cert,
	int (*fn)(const struct store_deploy *d, void *ctx, struct err *e), void *ctx, struct err *e);
/*
 * Every live certificate, in order of name, with each action that is done for its live generation: once with action ""
 * when there is none. The strings are borrowed during the call.
 */
int store_deploy_each_live(struct store *s, int (*fn)(const char *cert, const char *action, void *ctx, struct err *e),
	void *ctx, struct err *e);

#endif
