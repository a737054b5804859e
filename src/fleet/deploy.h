/*
 * deploy.h: what is done with a certificate once it is live: the actions of its `deploy` list, one after the other,
 * each recorded in the state. An action is due while it is not done for the live generation, so that a run that was
 * killed, or an action that failed, is made up for by the next run. It never touches the certificate.
 *
 * When an action fails those after it wait for it, unless it is optional. When one was done (and was not merely found
 * done) all after it are done again. Actions that are shared (`once`) run once for all certificates of a run that have
 * come to them.
 */
#ifndef PERDURE_FLEET_DEPLOY_H
#define PERDURE_FLEET_DEPLOY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_cert;
struct config_deploy;
struct err;
struct site;
struct store;
struct strv;

/* --- what there is to do --- */

enum deploy_verdict {
	DEPLOY_IS_DONE,
	DEPLOY_DUE,
	DEPLOY_WAITING, /* it failed and its back-off has not passed */
	DEPLOY_BEHIND, /* one before it is to be done first, and waits */
	DEPLOY_VERDICT_N_
};
/* "done", "due", "waiting", "behind". */
const char *deploy_verdict_name(enum deploy_verdict v);

/* One action of a certificate, and what the state has of it. */
struct deploy_state {
	const struct config_deploy *action;
	enum deploy_verdict verdict;
	int64_t tries; /* that failed in a row, for this generation */
	int64_t at; /* UNIX seconds of the last try, 0 for none */
	int64_t next_at; /* UNIX seconds */
	char *last_error; /* "" for none; owned */
};
/* All actions of the certificate (*ret_n of them, 0 without a list) in their order, for that generation. now: UNIX
 * seconds, 0 to let no back-off count. ERR_STORE. */
int deploy_look(struct store *st, const struct config_cert *cert, int64_t generation, int64_t now,
	struct deploy_state **ret, size_t *ret_n, struct err *e);
void deploy_states_free(struct deploy_state *v, size_t n);
/* What the action does, with the certificate's name put in; heap string. */
char *deploy_label(const struct config_deploy *d, const char *cert);

/* --- doing it --- */

enum deploy_outcome {
	DEPLOY_DONE,
	DEPLOY_UNCHANGED, /* there was nothing to change: all was so already */
	DEPLOY_FAILED,
	DEPLOY_OUTCOME_N_
};
/* "done", "unchanged", "failed". */
const char *deploy_outcome_name(enum deploy_outcome o);

/* All borrowed. What a program wrote is not to be trusted. */
struct deploy_report {
	const char *cert; /* name of the lineage */
	int64_t generation;
	const struct config_deploy *action;
	const char *label;
	enum deploy_outcome outcome;
	const struct err *e; /* why it failed; else clean */
	int64_t status; /* exit status of its program, -1 when there was none or it did not come to one */
	const char *output; /* the last of what its programs wrote */
	int64_t ms;
	int64_t tries; /* that failed in a row */
	int64_t next_at; /* UNIX seconds of the next try when it failed */
};

struct deploy_hooks {
	void (*report)(const struct deploy_report *r, void *ctx);
	/* There is nothing left to do, or nothing but what waits for deploy_hold(false). May be NULL. */
	void (*idle)(void *ctx);
};

struct deploy_summary {
	size_t certificates; /* with something due */
	size_t done, unchanged, failed; /* actions */
	size_t waiting; /* actions that failed earlier and wait */
	int64_t next_at; /* UNIX seconds of the first try of one that failed or waits; 0 for none */
};

/* What deploying asks of the world (deploywork.h); simulations give their own. */
struct deploy_ops;
extern const struct deploy_ops deploy_real;

/* Deploying as a part of something else on the site's loop. The state must be open for writing. Those that failed last
 * time come after the others, and never take all places. */
struct deploy;
struct deploy *deploy_new(struct site *s, const struct deploy_ops *ops, const struct deploy_hooks *hooks, void *ctx);
/* Ends it. What runs is killed, is not recorded, and so is done by the next run. NULL is fine. */
void deploy_free(struct deploy *d);
struct deploy_options {
	bool ignore_wait; /* a back-off does not count */
	bool force; /* also what is done already */
};
/* The certificate, whose generation is live and recorded; borrowed until it is done. Nothing happens without actions,
 * while it is at work, and when that generation was added before and all has not come to its end since. */
void deploy_add(struct deploy *d, const struct config_cert *cert, const struct deploy_options *o);
/* All certificates of the configuration (or those of `only`, lineage names) with something due. ERR_STORE. */
int deploy_add_due(struct deploy *d, const struct strv *only, const struct deploy_options *o, struct err *e);
/* While it is held, more certificates are to come: shared actions wait for them, but for a minute at most. */
void deploy_hold(struct deploy *d, bool hold);
/* Whether something is left to do. */
bool deploy_busy(const struct deploy *d);
const struct deploy_summary *deploy_sum(const struct deploy *d);

/* Deploys what is due of those certificates, running the loop until it is done; cert: only this one, which need not be
 * of the configuration. SIGINT and SIGTERM end it: ERR_CANCEL, RETRY_LATER. What fails is in the reports. */
int deploy_all(struct site *s, const struct config_cert *cert, const struct strv *only, const struct deploy_options *o,
	const struct deploy_hooks *hooks, void *ctx, struct deploy_summary *ret, struct err *e);

#endif
